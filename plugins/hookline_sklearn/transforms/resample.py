"""Balances the classes of training rows: fewer rows of the frequent ones, or more of the rare ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt, Interval

from hookline import Dataset, Finding, Transform, report_finding
from hookline.data.columns import column_kind
from hookline.data.target import is_label
from hookline.errors import DataError

from .whole import WHOLE

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Method = Literal["under", "over", "smote"]
BEFORE, AFTER = "\0before", "\0after"


@dataclass(frozen=True)
class FittedResample:
    """Draws the rows anew; of the same rows in the same order always the same ones."""

    target: str
    weight: str | None
    numbers: tuple[str, ...]
    """Columns that a new row has values of between those of two others."""
    texts: tuple[str, ...]
    """Columns of which a new row has what most of the near rows have."""
    unnamed: str | None
    """The column that names rows, which is missing in new ones."""
    method: Method
    ratio: float
    neighbors: int
    seed: int
    reweight: bool = False
    """Whether rows are weighed so that each class weighs as much as before."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the drawn rows, in order, and behind them copies and new ones; rows of weight 0 or no class stay as they are."""
        weight = self.weight
        if not self.reweight or weight is None or weight not in frame.collect_schema():
            return frame.map_batches(self._drawn, **WHOLE)
        import polars as pl

        schema = pl.Schema({**frame.collect_schema(), weight: pl.Float64()})
        return frame.map_batches(self._weighed, schema=schema, **WHOLE)

    def _weighed(self, rows: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        drawn = self._drawn(rows)
        weight, label = pl.col(self.weight or "").cast(pl.Float64), pl.col(self.target)
        before, after = (
            frame.group_by(label).agg(weight.sum().alias(name)) for frame, name in ((rows, BEFORE), (drawn, AFTER))
        )
        shares = before.join(after, on=self.target, nulls_equal=True)
        joined = drawn.join(shares, on=self.target, how="left", nulls_equal=True, maintain_order="left")
        share = pl.when(pl.col(AFTER) > 0).then(pl.col(BEFORE) / pl.col(AFTER)).otherwise(1.0)
        return joined.with_columns((weight * share).alias(self.weight or "")).drop(BEFORE, AFTER)

    def _drawn(self, rows: pl.DataFrame) -> pl.DataFrame:
        import numpy as np
        import polars as pl

        counts = self._counts(rows)
        of_class = [
            np.flatnonzero(counts & (rows[self.target] == label).fill_null(value=False).to_numpy())
            for label in self._labels(rows)
        ]
        sizes = [len(places) for places in of_class if len(places)]
        if len(sizes) < 2:
            return rows
        rng = np.random.default_rng(self.seed)
        if self.method == "under":
            most = max(1, round(min(sizes) / self.ratio))
            gone = [np.sort(rng.permutation(places)[most:]) for places in of_class if len(places) > most]
            kept = np.ones(rows.height, dtype=bool)
            kept[np.concatenate([np.empty(0, np.int64), *gone])] = False
            return rows.filter(pl.Series(kept))
        least = round(max(sizes) * self.ratio)
        lacking = [(places, least - len(places)) for places in of_class if 0 < len(places) < least]
        made = [self._more(rows, places, count, rng) for places, count in lacking]
        return pl.concat([rows, *made]) if made else rows

    def _counts(self, rows: pl.DataFrame) -> np.ndarray:
        """Return which rows count, bool (n_rows,)."""
        import numpy as np

        if self.weight is None or self.weight not in rows.columns:
            return np.ones(rows.height, dtype=bool)
        found: np.ndarray = rows[self.weight].ne_missing(0).to_numpy()
        return found

    def _labels(self, rows: pl.DataFrame) -> list[Any]:
        return rows[self.target].drop_nulls().unique().sort().to_list()

    def _more(self, rows: pl.DataFrame, places: np.ndarray, count: int, rng: np.random.Generator) -> pl.DataFrame:
        """Return so many rows more of one class; places: of its rows, int (n,)."""
        if self.method == "over" or len(places) == 1:
            import numpy as np

            # Each row as often as any other, and only the rest by lot.
            drawn = np.concatenate(
                [np.tile(places, count // len(places)), rng.permutation(places)[: count % len(places)]]
            )
            return rows[np.sort(drawn)]
        from .between import between

        return between(rows[places], count, self, rng)


class ResampleTransform(Transform):
    """Balance the classes of training rows: drop rows of frequent ones, or add rows of rare ones; held-out rows stay."""

    name = "resample"
    extra = "sklearn"
    applies = "training"
    method: Method = "over"
    """`under` drops rows of frequent classes by lot; `over` repeats rows of rare ones; `smote` makes new ones between near
    rows of a class (Chawla et al. 2002), with the texts that most of the near rows have."""
    ratio: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Rows of a rare class per row of the most frequent one: 1 makes all classes equally frequent."""
    neighbors: Annotated[int, Gt(0)] = 5
    """smote: near rows of the same class that a new row may lie towards."""
    reweight: bool = False
    """Whether drawn rows are weighed so that each class weighs as much as before, by the column of the weight role: then
    probabilities stay chances, as where `under` is to save time."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of what is drawn."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Dataset) -> FittedResample:
        """Look at the classes, and tell how often each is there before and after.

        Raises DataError where the target is a number, or there is none.
        """
        target = train.roles.target
        if target is None:
            raise DataError("resample needs roles.target")
        if not is_label(train.frame, target):
            raise DataError(
                f"resample balances classes, and the target '{target}' is a number",
                hint="a weight role says how much a row counts where a number is predicted",
            )
        schema = train.frame.collect_schema()
        if self.reweight and train.roles.weight is None:
            raise DataError(
                "resample weighs rows by the column of the weight role, and there is none",
                hint="roles.weight=COLUMN, or leave transform.resample.reweight out",
            )
        kinds = {name: column_kind(schema[name]) for name in train.feature_columns()}
        fitted = FittedResample(
            target,
            train.roles.weight,
            tuple(name for name, kind in kinds.items() if kind == "number"),
            tuple(name for name, kind in kinds.items() if kind in ("string", "boolean")),
            train.roles.id,
            self.method,
            self.ratio,
            self.neighbors,
            self.seed,
            self.reweight,
        )
        if not self.reweight:
            _tell(train.weighing(), fitted, target)
        return fitted


def _tell(train: Dataset, fitted: FittedResample, target: str) -> None:
    """Tell what became of the classes' shares, and that probabilities go by the new ones."""
    import polars as pl

    shares = [
        frame.select(pl.col(target).cast(pl.String)).collect()[target].drop_nulls().value_counts(normalize=True)
        for frame in (train.frame, fitted.transform(train.frame))
    ]
    before, after = (dict(found.rows()) for found in shares)
    moved = max(before, key=lambda label: (abs(after.get(label, 0.0) - before[label]), label), default=None)
    if moved is None or after[moved] == before[moved]:
        return
    report_finding(
        Finding(
            subject=target,
            statistic="resampled_share",
            value=after[moved],
            threshold=before[moved],
            severity="warning",
            message=f"of the training rows {before[moved]:.1%} are '{moved}', and {after[moved]:.1%} once resampled. "
            "The model's probabilities go by the latter, and are not corrected: rows may be ranked by them, and a threshold "
            "chosen on validation rows, but they are no chances. trainer=balanced draws rows and corrects them; "
            "transform.resample.reweight=true keeps them by a column of weights.",
        )
    )
