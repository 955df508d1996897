"""Answers for raw rows with a SavedModel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from hookline import DecisionRule, Intervals, Prediction, PredictionSets, Roles, Schema, Stored, Target, Trust
from hookline.data.target import no_prediction
from hookline.errors import StoreError
from hookline.kinds.artifacts import Column
from hookline.packages.manifest import read_value
from hookline.packages.pipeline import admit, require_finite

from .checked import require_harmless
from .exporting.saving import FACTS, FOLDER, SIGNATURE
from .runtime import tensorflow

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MISSING_TIME = -(2**63)
BATCH = 20_000
"""Rows that one call answers."""


@dataclass(frozen=True)
class SavedModelPredictor:
    """A loaded SavedModel, with the contract of its input."""

    schema: Schema
    target: Target
    roles: Roles
    loaded: Any
    """Its variables and tables live as long as it does."""
    inputs: Mapping[str, str]
    """Column -> input."""
    decision: DecisionRule | None = None
    intervals: Intervals | None = None
    sets: PredictionSets | None = None

    @classmethod
    def of(cls, stored: Stored, trust: Trust) -> Self:
        """Read a package; raises StoreError where it is damaged, UntrustedPackage for what may do more than compute."""
        folder, inputs = stored.path / FOLDER, _inputs(stored)
        require_harmless(folder, trust)
        try:
            loaded = tensorflow().saved_model.load(str(folder))
            loaded.signatures[SIGNATURE]
        except Exception as error:  # TensorFlow raises whatever a part that does not fit the others makes it raise
            raise StoreError(f"{folder} cannot be read: {' '.join(str(error).split())[:300]}") from error
        schema, target, roles = stored.schema, stored.target, stored.roles
        return cls(schema, target, roles, loaded, inputs, stored.decision, stored.intervals, stored.sets)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""
        import numpy as np

        admitted = admit(frame, self.schema, self.roles)
        answers = list(self._answers(admitted.rows))
        if not answers:
            return replace(no_prediction(self.target), row_ids=admitted.ids)
        said = {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
        around: dict[str, Any] = {"row_ids": admitted.ids, "warnings": admitted.warnings}
        if self.target.task == "regression":
            bounds = None if self.intervals is None else np.column_stack([said["lower"], said["upper"]])
            return require_finite(Prediction(said["value"], intervals=bounds, **around))
        labels = said["label"]
        if labels.dtype == object:
            labels = np.array([label.decode() for label in labels], dtype=np.str_)
        sets = None if self.sets is None else said["set"]
        return require_finite(Prediction(labels, said["probabilities"], self.target.classes, sets=sets, **around))

    def _answers(self, rows: pl.DataFrame) -> Iterator[dict[str, np.ndarray]]:
        tf, function = tensorflow(), self.loaded.signatures[SIGNATURE]
        for some in rows.iter_slices(BATCH):
            if some.height:
                feeds = {self.inputs[one.name]: _feed(some[one.name], one) for one in self.schema.columns}
                given = {name: tf.constant(feed) for name, feed in feeds.items()}
                yield {name: value.numpy() for name, value in function(**given).items()}

    def with_schema(self, schema: Schema) -> Self:
        """Return a predictor on the same model under another contract for the same columns."""
        return replace(self, schema=schema)


def _inputs(stored: Stored) -> dict[str, str]:
    facts = read_value(stored.path / FACTS)
    inputs = facts.get("inputs") if isinstance(facts, dict) else None
    if not isinstance(inputs, dict) or not {column.name for column in stored.schema.columns} <= inputs.keys():
        raise StoreError(f"{stored.path / FACTS} is damaged: it does not say which input is which column")
    return inputs


def _feed(values: pl.Series, column: Column) -> np.ndarray:
    """Return a column as the SavedModel takes it, (n,)."""
    import numpy as np
    import polars as pl

    if column.kind == "string":
        return np.array(values.cast(pl.String).fill_null("").to_list(), dtype=object)
    if column.kind == "datetime":
        return values.cast(pl.Datetime("us")).dt.epoch("us").fill_null(MISSING_TIME).to_numpy()
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
