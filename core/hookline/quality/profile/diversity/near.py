"""Rows that repeat another one but for a single column, and texts that repeat another one but for a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ROWS = 50_000
"""Rows, evenly spread, that are compared with each other."""
FEWEST = 5
"""Columns that a table must have for rows to be near each other in all but one."""
TEXTS = 2_000
"""Texts of a column, evenly spread, that are compared with each other."""
SHORTEST = 20
"""Characters of the shortest text that is compared."""
CHARACTERS = 1_000
"""Of a text, the first, that are compared."""
WIDTH = 5
"""Characters of a shingle."""
ALIKE = 0.8
"""Share of their shingles that near repeats have in common (Jaccard)."""
SOUGHT = 0.6
"""Threshold of the index, lower, as it misses some near it; what it finds is compared whole."""
HASHES = 64


@dataclass(frozen=True)
class NearRows:
    """Rows of a sample that equal another one in every column but one, the id's left out."""

    sampled: int
    rows: int
    columns: tuple[tuple[str, int], ...] = ()
    """The columns in which they differ, with the rows that do, at most 5, the most frequent first."""


@dataclass(frozen=True)
class NearTexts:
    """Texts of a sample of different ones that have four fifths of their shingles of 5 characters in common with another."""

    sampled: int
    texts: int
    example: tuple[str, ...] = ()
    """Two of them."""


class Nearness:
    """Keeps hashes of a sample of rows, as one column passes after the other; 8 bytes a row and column."""

    def __init__(self, rows: int, skip: str | None) -> None:
        self._step = max(1, -(-rows // ROWS))
        self._skip = skip
        self._hashes: dict[str, np.ndarray] = {}

    def add(self, column: pl.Series) -> None:
        """Keep a column's hashes; one of nested values is left out."""
        import numpy as np

        if column.name != self._skip and not column.dtype.is_nested():
            seed = len(self._hashes) + 1
            self._hashes[column.name] = column.gather_every(self._step).hash(seed).to_numpy().astype(np.uint64)

    def counted(self) -> NearRows | None:
        """Count the rows that differ from another in one column; None of a table of few columns."""
        import numpy as np

        if len(self._hashes) < FEWEST:
            return None
        whole = np.zeros(len(next(iter(self._hashes.values()))), dtype=np.uint64)
        for hashes in self._hashes.values():
            whole += hashes
        repeated = _repeated(whole)
        near: np.ndarray = np.zeros(len(whole), dtype=np.bool_)
        by: dict[str, int] = {}
        for name, hashes in self._hashes.items():
            # Without this column more rows are as one than with it.
            but = _repeated(whole - hashes) > repeated
            by[name] = int(but.sum())
            near = near | but
        most = sorted(((name, rows) for name, rows in by.items() if rows), key=lambda pair: (-pair[1], pair[0]))
        return NearRows(len(whole), int(near.sum()), tuple(most[:5]))


def near_texts(texts: Sequence[str]) -> NearTexts:
    """Find near repeats among different texts, by MinHash and LSH (Broder, 1997), each then compared whole.

    Raises ImportError without datasketch.
    """
    sets = [_shingles(text) for text in texts]
    index = _index()
    near: set[int] = set()
    example: tuple[str, ...] = ()
    for i, minhash in enumerate(_hashed(sets)):
        for j in map(int, index.query(minhash)):
            if _alike(sets[i], sets[j]):
                example = example or (texts[j], texts[i])
                near |= {i, j}
        index.insert(i, minhash)
    return NearTexts(len(texts), len(near), example)


def near_across(known: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return the places of those texts of the others that nearly repeat, without being one, a known text.

    Raises ImportError without datasketch.
    """
    first, second = ([_shingles(text) for text in texts] for texts in (known, others))
    index, whole = _index(), set(known)
    for i, minhash in enumerate(_hashed(first)):
        index.insert(i, minhash)
    return [
        j
        for j, minhash in enumerate(_hashed(second))
        if others[j] not in whole and any(_alike(first[i], second[j]) for i in index.query(minhash))
    ]


def _index() -> Any:
    """Return an index whose keys are places of texts, where its own annotations allow for any."""
    from datasketch import MinHashLSH

    return MinHashLSH(threshold=SOUGHT, num_perm=HASHES)


def _hashed(sets: Sequence[set[bytes]]) -> Any:
    from zlib import crc32

    from datasketch import MinHash

    return MinHash.bulk(sets, num_perm=HASHES, hashfunc=crc32, seed=1)


def _alike(one: set[bytes], other: set[bytes]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


def _shingles(text: str) -> set[bytes]:
    bare = " ".join(text.lower().split())[:CHARACTERS]
    return {bare[i : i + WIDTH].encode() for i in range(max(1, len(bare) - WIDTH + 1))}


def _repeated(hashes: np.ndarray) -> np.ndarray:
    """Return how many rows have the hash of each, int64 (n,)."""
    import numpy as np

    _, place, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return np.asarray(counts[place])
