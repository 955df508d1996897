"""Calls a function of a project, and says what is wrong with what it makes, or where it raised."""

from __future__ import annotations

import inspect
import linecache
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, HooklineError

from .signature import ONE_OF, Signature

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Call:
    """A function with its parameters: what it makes of rows.

    columns: parameter -> the column that it is given, where it takes columns; into: what the column that it makes is called
    """

    function: Callable[..., Any]
    signature: Signature
    parameters: Mapping[str, Any]
    columns: Mapping[str, str]
    into: str

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.function.__name__

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the columns that it makes of some rows, which are at least one, in their order.

        Raises DataError for another number of rows, for what is no column, and for what the function raised, with the line.
        """
        given = self._given(rows)
        try:
            returned = self.function(**given, **self.parameters)
            if self.signature.makes == "expr":
                returned = rows.select(returned.alias(self.into))
            made = self._columns(returned)
        except HooklineError:
            raise
        except Exception as error:  # whatever a project's function, or an expression of its, raises
            raise self._raised(error) from error
        if made.height != rows.height:
            told = f"function '{self.name}' makes {made.height:,} rows of {rows.height:,}"
            raise DataError(
                told, hint="keep every row, in order; what drops rows is a transform that `applies` before the split"
            )
        return made

    def _given(self, rows: pl.DataFrame) -> dict[str, Any]:
        import polars as pl

        if self.signature.rows:
            return {self.signature.rows: rows.lazy() if self.signature.shape == "lazy" else rows}
        if self.signature.shape == "expr":
            return {name: pl.col(column) for name, column in self.columns.items()}
        return {name: rows[column] for name, column in self.columns.items()}

    def _columns(self, returned: Any) -> pl.DataFrame:
        """Return what a function returned as columns; an array of vectors is one each."""
        import numpy as np
        import polars as pl

        if isinstance(returned, pl.LazyFrame):
            returned = returned.collect()
        if isinstance(returned, pl.DataFrame):
            return returned
        if isinstance(returned, pl.Series) and isinstance(returned.dtype, pl.Array):
            returned = returned.to_numpy()
        if isinstance(returned, np.ndarray) and returned.ndim == 2:
            return pl.DataFrame({f"{self.into}_{place}": returned[:, place] for place in range(returned.shape[1])})
        if isinstance(returned, (pl.Series, np.ndarray)):
            return pl.DataFrame({self.into: returned})
        raise DataError(f"function '{self.name}' returned a {type(returned).__name__}, and {ONE_OF} is wanted")

    def _raised(self, error: Exception) -> DataError:
        """Say what was raised, and on which line of the function's own file."""
        told = " ".join(str(error).split()) or "nothing more"
        return DataError(f"function '{self.name}' raised {type(error).__name__}: {told}", hint=self._line(error))

    def _line(self, error: Exception) -> str | None:
        # What is wrapped around it, by functools.wraps, is another's.
        file = inspect.unwrap(self.function).__code__.co_filename
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        if not frames:
            return None
        line = frames[-1].lineno or 0
        return f"{_near(file)}, line {line}: {linecache.getline(file, line).strip()}"


def _near(file: str) -> str:
    """Return a file as it is called from here, where it lies below."""
    here = os.path.relpath(file)
    return file if here.startswith(os.pardir) else here


def told_of(name: str, columns: Sequence[str], parameters: Mapping[str, Any]) -> str:
    """Return a call in words, such as `debt_ratio(debt, income, floor=1.0)`."""
    return f"{name}({', '.join([*columns, *(f'{key}={value!r}' for key, value in parameters.items())])})"
