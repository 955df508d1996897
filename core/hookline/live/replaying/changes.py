"""Two answers to each of many rows: how many decisions are others, where, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Column, Target
from hookline.kinds.fitted import label_text

from .slices import Slice, slices_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_EXAMPLES = 5
MOVED = 0.1
"""Of numbers, an answer is another where it is further off than this part of the standard deviation of the answers given."""
MOST_LETTERS = 80
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Pair:
    """One row with what was answered, and what else was answered or would be."""

    id: str
    time: datetime
    row: Mapping[str, Any]
    then: Any
    now: Any
    then_shares: Sequence[float] | None = None
    """Probabilities, in the order of the target's classes."""
    now_shares: Sequence[float] | None = None


@dataclass(frozen=True)
class Example:
    """One row whose answer is another. probabilities: of the class that is answered, None of numbers"""

    id: str
    time: datetime
    row: str
    then: Any
    now: Any
    then_probability: float | None
    now_probability: float | None


@dataclass(frozen=True)
class Changes:
    """What is other of answers to the same rows."""

    rows: int
    changed: int
    threshold: float | None
    """Of numbers, how far off an answer is that counts; None of classes."""
    shift: float | None
    """The mean difference of the answers: of classes the total variation of their probabilities, of numbers the absolute one."""
    answers: tuple[tuple[str, float, float], ...]
    """Of classes, how often each was answered then and now; of numbers, quantiles of the answers."""
    slices: tuple[Slice, ...] = ()
    """Where the share of changes is greatest, what is so beyond chance first."""
    examples: tuple[Example, ...] = ()
    """Rows of which the answers are furthest apart."""

    @property
    def share(self) -> float:
        """The share of the rows whose answer is another."""
        return self.changed / self.rows if self.rows else 0.0


def changes_of(pairs: Sequence[Pair], frame: pl.DataFrame | None, columns: Sequence[Column], target: Target) -> Changes:
    """Return how two answers to each row differ.

    frame: the raw rows in the order of the pairs, whose slices by `columns` are looked at; None: they are not
    """
    import numpy as np

    if not pairs:
        return Changes(0, 0, None, None, ())
    threshold: float | None = None
    shift: float | None = None
    if target.task == "regression":
        then, now = (np.array([getattr(pair, name) for pair in pairs], dtype=np.float64) for name in ("then", "now"))
        threshold = MOVED * float(then.std())
        apart = np.abs(now - then)
        changed = apart > threshold
        told, shift = _quantiles(then, now), float(apart.mean())
    else:
        changed = np.array([not is_same(pair.then, pair.now) for pair in pairs])
        moved = _moved(pairs)
        apart = changed.astype(np.float64) if moved is None else moved
        told, shift = _counts(pairs), None if moved is None else float(moved.mean())
    slices = () if frame is None else slices_of(frame, changed, columns)
    order = np.argsort(-np.where(changed, apart, -1.0), kind="stable")[: min(MOST_EXAMPLES, int(changed.sum()))]
    examples = tuple(_example(pairs[place], target, slices, columns) for place in order)
    return Changes(len(pairs), int(changed.sum()), threshold, shift, told, slices, examples)


def is_same(then: Any, now: Any) -> bool:
    """Tell whether two labels are the same, also where one has been through a table or JSON: 1, 1.0 and the text 1."""
    return bool(then == now) or _label(then) == _label(now)


def _label(value: Any) -> str:
    return label_text(int(value) if isinstance(value, float) and value.is_integer() else value)


def _moved(pairs: Sequence[Pair]) -> np.ndarray | None:
    """Return the total variation between the probabilities of each pair, (n,); None where they do not tell the same classes."""
    import numpy as np

    told = [(pair.then_shares, pair.now_shares) for pair in pairs]
    sizes = {len(shares) for both in told for shares in both if shares is not None}
    if len(sizes) != 1 or any(then is None or now is None for then, now in told):
        return None
    then, now = (np.array([both[side] for both in told], dtype=np.float64) for side in (0, 1))
    apart: np.ndarray = np.abs(then - now).sum(axis=1) / 2
    return apart


def _counts(pairs: Sequence[Pair]) -> tuple[tuple[str, float, float], ...]:
    labels = [[_label(getattr(pair, name)) for pair in pairs] for name in ("then", "now")]
    return tuple((label, labels[0].count(label), labels[1].count(label)) for label in sorted({*labels[0], *labels[1]}))


def _quantiles(then: np.ndarray, now: np.ndarray) -> tuple[tuple[str, float, float], ...]:
    import numpy as np

    told = [(share, float(np.quantile(then, share)), float(np.quantile(now, share))) for share in QUANTILES]
    quantiles = tuple((f"{share:.0%} quantile", before, after) for share, before, after in told)
    return (("mean", float(then.mean()), float(now.mean())), *quantiles)


def _example(pair: Pair, target: Target, slices: Sequence[Slice], columns: Sequence[Column]) -> Example:
    known = [column.name for column in columns] or list(pair.row)
    names = dict.fromkeys([*(one.column for one in slices if one.surely), *known])
    row = ", ".join(f"{name}={_value(pair.row[name])}" for name in names if name in pair.row)
    row = row if len(row) <= MOST_LETTERS else f"{row[: MOST_LETTERS - 3]}..."
    shares = [
        _share(value, told, target) for value, told in ((pair.then, pair.then_shares), (pair.now, pair.now_shares))
    ]
    return Example(pair.id, pair.time, row, pair.then, pair.now, *shares)


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _share(value: Any, shares: Sequence[float] | None, target: Target) -> float | None:
    if shares is None or len(shares) != len(target.classes):
        return None
    return next(
        (float(share) for label, share in zip(target.classes, shares, strict=True) if is_same(label, value)), None
    )
