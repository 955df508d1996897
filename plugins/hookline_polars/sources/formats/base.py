"""What is known of a format of files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    import polars as pl

WHOLE_FILE = 100 * 1024**2
"""Bytes up to which the types of a text file's columns are inferred from all of it; beyond, from its first 100,000 rows."""

Part = tuple["pl.LazyFrame", Path]
"""Rows, and a file to name where they do not go with others."""


@dataclass(frozen=True)
class Reader(ABC):
    """Reads files of one format; its fields are those options of `source=file`, by name, that apply to the format.

    A further format is one subclass, a row of `table.READERS`, and its name among the values of `source.format`.
    """

    title: ClassVar[str]
    """How messages call the format."""
    suffixes: ClassVar[tuple[str, ...]]
    magic: ClassVar[bytes] = b""
    """First bytes of every such file; of a text format there are none."""

    @classmethod
    def of(cls, options: object) -> Self:
        """Return a reader with what an object's attributes of the same names say."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    @classmethod
    def looks_like(cls, head: bytes) -> bool:
        """Tell by its first bytes whether a file can be of this format alone."""
        return bool(cls.magic) and head.startswith(cls.magic)

    @abstractmethod
    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows of a file lazily; raises DataError, or polars' own error, where they cannot be read."""

    def names(self, file: Path) -> list[str]:
        """Return the column names of a file."""
        return self.scan(file).collect_schema().names()

    def scan_many(self, files: Sequence[Path], one: Callable[[Path], pl.LazyFrame]) -> list[Part]:
        """Return the rows of several files in order, in as many parts as are good to read. one: how one of them is read."""
        return [(one(file), file) for file in files]

    def explain(self, file: Path) -> None:
        """Raise DataError naming the place that polars could not read, where it can be found."""
        return

    def hint(self, message: str) -> str | None:
        """Return what to do about an error of polars, in its words."""
        return None


def literal(file: Path) -> str:
    """Return a path that polars, which reads every name as a glob, takes as it stands."""
    return escape(str(file))


def rows_to_infer(file: Path) -> int | None:
    """Return from how many rows the types of a text file's columns are inferred; None: all."""
    return None if file.stat().st_size < WHOLE_FILE else 100_000
