"""How far answers are from what turned out to be true: the mean loss of an arm, and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from hookline import Scored
from hookline.kinds.scored import ASIDE, PREDICTION, TRUTH
from hookline.quality.sequential.asymptotic import Estimate

if TYPE_CHECKING:
    import polars as pl

Metric: TypeAlias = Literal["squared", "absolute"]


def mean_loss(scored: Scored | None, key: str | None, metric: Metric = "squared") -> Estimate | None:
    """Return the mean loss of the rows whose truth is known: of classes the share of mistakes, of numbers the mean error.

    key: the column whose equal values make rows one unit. None where the truth of fewer than two units is known.
    """
    import polars as pl

    if scored is None or TRUTH not in scored.frame.collect_schema().names():
        return None
    labeled = scored.frame.filter(pl.col(TRUTH).is_not_null())
    loss = _loss(scored, metric).cast(pl.Float64).alias("loss")
    rows = labeled.select(loss, _unit(labeled, key).alias("unit")).filter(pl.col("loss").is_finite())
    units = rows.group_by("unit").agg(pl.col("loss").sum(), pl.len().alias("rows"))
    told = _sums(units)
    return _estimate(told) if told["units"] >= 2 else None


def keys_of(scored: Scored | None, key: str) -> int:
    """Return how many different values of a column there are among the rows that were answered."""
    import polars as pl

    name = None if scored is None else _stored(scored.frame, key)
    if scored is None or name is None:
        return 0
    return int(scored.frame.select(pl.col(name).n_unique()).collect().item())


def unit_of(scored: Scored) -> str:
    """Return what a mean loss is called, without its figure."""
    return "mean error" if scored.target.task == "regression" else "share of mistakes"


def _loss(scored: Scored, metric: Metric) -> pl.Expr:
    import polars as pl

    said, true = pl.col(PREDICTION), pl.col(TRUTH)
    if scored.target.task != "regression":
        return said.ne_missing(true)
    off = said.cast(pl.Float64) - true.cast(pl.Float64)
    return off**2 if metric == "squared" else off.abs()


def _unit(frame: pl.LazyFrame, key: str | None) -> pl.Expr:
    import polars as pl

    name = None if key is None else _stored(frame, key)
    alone = pl.int_range(pl.len()).cast(pl.String)
    # A row without a key is alike to no other.
    return alone if name is None else pl.coalesce(pl.col(name).cast(pl.String), pl.concat_str(pl.lit("\0"), alone))


def _stored(frame: pl.LazyFrame, key: str) -> str | None:
    """Return under which name a raw column stands among answers."""
    names = frame.collect_schema().names()
    return next((name for name in (f"{ASIDE}{key}", key) if name in names), None)


def _sums(units: pl.LazyFrame) -> dict[str, float]:
    import polars as pl

    mean = pl.col("loss").sum() / pl.col("rows").sum()
    off = (pl.col("loss") - mean * pl.col("rows")) ** 2
    told = [pl.len().alias("units"), pl.col("rows").sum(), mean.alias("mean"), off.sum().alias("off")]
    return units.select(told).collect().row(0, named=True)


def _estimate(told: dict[str, float]) -> Estimate:
    units, rows = int(told["units"]), int(told["rows"])
    of_mean = told["off"] / rows**2 * units / (units - 1)
    return Estimate(rows, units, float(told["mean"]), of_mean * units)
