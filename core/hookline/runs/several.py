"""Runs compared with the first of them: `hookline compare A B ...` and `hl.compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from hookline.errors import UsageError
from hookline.kinds.deployments import Trust

from .comparison import Comparison, compare_runs
from .names import run_of
from .result import Run

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Comparisons:
    """Several runs, each held against the first."""

    found: tuple[Comparison, ...]

    @property
    def verdict(self) -> str:
        """A sentence a run."""
        return "\n".join(one.verdict for one in self.found)

    def frame(self) -> pl.DataFrame:
        """Return one row a run and metric: run, metric, first, second, difference, low, high, verdict."""
        import polars as pl

        return pl.concat([one.frame().insert_column(0, pl.lit(one.second).alias("run")) for one in self.found])

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"comparisons": [one.plain() for one in self.found]}

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self.found)


@overload
def compare(
    first: str | Path | Run,
    second: str | Path | Run,
    *,
    margins: Mapping[str, float] | None = ...,
    by: Sequence[str] = ...,
    trust: Trust | None = ...,
    home: str | Path | None = ...,
) -> Comparison: ...


@overload
def compare(
    first: str | Path | Run,
    second: str | Path | Run,
    third: str | Path | Run,
    /,
    *more: str | Path | Run,
    margins: Mapping[str, float] | None = ...,
    by: Sequence[str] = ...,
    trust: Trust | None = ...,
    home: str | Path | None = ...,
) -> Comparisons: ...


def compare(
    first: str | Path | Run,
    second: str | Path | Run,
    *more: str | Path | Run,
    margins: Mapping[str, float] | None = None,
    by: Sequence[str] = (),
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Comparison | Comparisons:
    """Compare runs with the first of them on the held-out rows that both were judged by, paired row by row.

    By each row's loss, a paired bootstrap of metrics that are no means, McNemar's test of labels, and, where both runs have
    the same folds, the corrected resampled t-test over them. Returns a Comparison, of more than two runs Comparisons.

    margins: metric -> by how much a run may be worse and still do, such as `{"accuracy": 0.01}`; it is then said whether that
        is shown. by: columns of the raw rows whose slices are compared, too.
    Raises UsageError where these were not the same rows, DataError where the store no longer has them.
    """
    _check(margins or {})
    runs = [run_of(one, trust=trust, home=home) for one in (first, second, *more)]
    found = tuple(compare_runs(runs[0], other, home=home, margins=margins, by=by) for other in runs[1:])
    return found[0] if len(found) == 1 else Comparisons(found)


def _check(margins: Mapping[str, float]) -> None:
    for name, margin in margins.items():
        if not 0 < margin < float("inf"):
            raise UsageError(
                f"the margin of '{name}' must be greater than 0, got {margin}", hint="such as accuracy=0.01"
            )
