"""What is predicted: found in the labels, encoded, decoded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction

from .columns import column_kind
from .frames import count_rows
from .numerals import MOSTLY, Found, find

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


LARGEST = 1e150
"""The largest number that may be predicted: sums of squared errors must be numbers too."""


def target_of(labels: pl.LazyFrame, name: str, task: str) -> Target:
    """Return the target that a column is, for `task` as config says it; raises DataError where nothing can be learned."""
    if task == "regression" or (task == "auto" and not is_label(labels, name)):
        _require_numbers(labels, name)
        return Target(name, "regression")
    if task == "auto":
        _refuse_disguise(labels, name)
    return _class_target(labels, name)


def _refuse_disguise(labels: pl.LazyFrame, name: str) -> None:
    """Raise DataError where the target's texts are numbers as people write them, and too many to be classes."""
    found = _written_numbers(labels, name)
    if found is None:
        return
    raise DataError(
        f"the target '{name}' looks like numbers written as text, such as '{found.example}', and has more than "
        f"{MAX_CLASSES} values",
        hint="say task=multiclass where they are classes",
        **_mending(name, found),
    )


def _written_numbers(labels: pl.LazyFrame, name: str) -> Found | None:
    """Return how a target of more texts than there are classes writes numbers; None where it does not."""
    import polars as pl

    if labels.collect_schema()[name] != pl.String:
        return None
    texts = labels.select(pl.col(name).alias("text")).drop_nulls()
    counts = texts.group_by("text").agg(pl.len().alias("rows")).collect()
    found = find(counts) if counts.height > MAX_CLASSES else None
    fractions = found is not None and bool(counts["text"].str.contains(r"\d\.\d").any())
    if found is None or found.share < MOSTLY or found.coded:
        return None
    return found if found.disguised or found.blank or fractions else None


def _mending(name: str, found: Found) -> dict[str, Any]:
    """Return the ailment of a target that is numbers as texts, with its facts, for an error."""
    ailment = "asked_numbers" if found.asked else "mixed_numbers" if found.others else "disguised_numbers"
    return {"ailment": ailment, "facts": {"column": name, "decimal": found.numerals.decimal}}


def _class_target(labels: pl.LazyFrame, name: str) -> Target:
    import polars as pl

    if labels.collect_schema()[name].is_temporal():
        raise DataError(
            f"the target '{name}' is a time, which is neither a class nor a number",
            hint="predict something of it",
            ailment="wrong_type",
            facts={"column": name, "type": "number"},
        )
    # A class whose label met a missing value or a table format on the way may have become 1.0; it is still the label 1.
    column = labels.select(pl.col(name).drop_nulls().unique().sort()).collect()[name]
    if column.dtype.is_float() and (column == column.round()).all():
        column = column.cast(pl.Int64)
    classes = tuple(column.cast(pl.String).to_list() if column.dtype in (pl.Categorical, pl.Enum) else column.to_list())
    if len(classes) < 2:
        raise _constant(name, *classes)
    if len(classes) > MAX_CLASSES and len(classes) == count_rows(labels.drop_nulls()):
        raise DataError(
            f"the target '{name}' has a value of its own in every row, so it is no class",
            hint="name another target, or say task=regression where it is a number",
            ailment="wrong_type",
            facts={"column": name, "type": "number"},
        )
    return Target(name, "binary" if len(classes) == 2 else "multiclass", classes)


def _require_numbers(labels: pl.LazyFrame, name: str) -> None:
    import polars as pl

    if not labels.collect_schema()[name].is_numeric():
        written = _written_numbers(labels, name)
        such = f", but texts such as '{written.example}'" if written else ""
        message = f"task=regression, but the target '{name}' does not hold numbers{such}"
        raise DataError(message, **(_mending(name, written) if written else {}))
    value = pl.col(name).cast(pl.Float64)
    facts = {"infinite": (~value.is_finite()).sum(), "low": value.min(), "high": value.max()}
    found = labels.select(**facts).collect().row(0, named=True)
    if found["infinite"]:
        raise DataError(f"the target '{name}' is infinite or not a number in {found['infinite']} rows")
    extreme = max(-(found["low"] or 0.0), found["high"] or 0.0)
    if extreme > LARGEST:
        raise DataError(
            f"the target '{name}' holds numbers beyond {LARGEST:g}, whose squares no float64 holds",
            hint="scale it at the source",
        )
    if labels.collect_schema()[name].is_integer() and extreme > 2**53:
        raise DataError(
            f"the target '{name}' holds whole numbers beyond 2^53, which float64 cannot tell from their neighbors",
            hint="take a constant off it, or scale it, at the source",
        )
    if found["low"] == found["high"]:
        raise _constant(name, *([] if found["low"] is None else [found["low"]]))


def _constant(name: str, *value: object) -> DataError:
    told = f"has one value only, {value[0]!r}" if value else "is missing everywhere"
    return DataError(f"the target '{name}' {told}", hint="there is nothing to learn; is it the right column?")


def no_prediction(target: Target) -> Prediction:
    """Return what is predicted of no rows."""
    import numpy as np

    if target.task == "regression":
        return Prediction(np.empty(0))
    return Prediction(_labels(target)[:0], np.empty((0, len(target.classes))), target.classes)


def decode(prediction: Prediction, target: Target) -> Prediction:
    """Turn class codes into the target's labels, with one probability column a class even if a model saw fewer."""
    import numpy as np

    if target.task == "regression":
        return replace(prediction, values=np.asarray(prediction.values, dtype=np.float64).ravel())
    labels = _labels(target)
    codes = np.asarray(prediction.values, dtype=np.int64)
    probabilities = prediction.probabilities
    if probabilities is not None:
        probabilities = np.asarray(probabilities, dtype=np.float64)
        if prediction.classes and len(prediction.classes) != len(target.classes):
            wide = np.zeros((len(codes), len(target.classes)))
            wide[:, np.asarray(prediction.classes, dtype=np.int64)] = probabilities
            probabilities = wide
    return replace(prediction, values=labels[codes], probabilities=probabilities, classes=target.classes)


def decide(prediction: Prediction, rule: DecisionRule, target: Target) -> Prediction:
    """Return a decoded prediction with the answers of a rule; raises DataError where there are no probabilities."""
    if prediction.probabilities is None:
        raise DataError(
            "the model gives no probabilities, so there is nothing that a decision could go by",
            hint="trainer=calibrated makes probabilities of scores",
        )
    return replace(prediction, values=_labels(target)[rule.codes(prediction.probabilities)])


def true_values(frame: pl.LazyFrame, target: Target) -> np.ndarray:
    """Return the target column: labels as they are, or float64 numbers; raises DataError where a value is missing."""
    import numpy as np
    import polars as pl

    if target.name not in frame.collect_schema().names():
        raise DataError(
            f"the target '{target.name}' is not a column of these rows",
            hint="evaluation needs rows whose truth is known",
        )
    column = frame.select(target.name).collect()[target.name]
    if column.null_count():
        raise DataError(
            f"the target '{target.name}' is missing in {column.null_count()} of {len(column)} rows",
            ailment="missing_target",
        )
    if target.task == "regression":
        return column.cast(pl.Float64).to_numpy()
    # numpy has no integers of 128 bits.
    wide = column.dtype in (pl.Int128, pl.UInt128)
    return np.array(column.to_list(), dtype=object) if wide else column.to_numpy()


def encode(labels: np.ndarray, target: Target) -> np.ndarray:
    """Return int64 class codes of labels (float64 numbers for regression); raises DataError naming a label never seen."""
    import numpy as np

    if target.task == "regression":
        return np.asarray(labels, dtype=np.float64)
    codes = {label: code for code, label in enumerate(target.classes)}
    values = labels.tolist()
    unseen = sorted({str(value) for value in values if value not in codes})
    if unseen:
        raise DataError(f"the target '{target.name}' has labels that training never saw: {', '.join(unseen[:10])}")
    return np.fromiter((codes[value] for value in values), dtype=np.int64, count=len(values))


def _labels(target: Target) -> np.ndarray:
    """Return the classes as an array, (n_classes,), each of its own type."""
    import numpy as np

    return np.array(target.classes, dtype=None if _one_type(target.classes) else object)


def _one_type(labels: tuple[Any, ...]) -> bool:
    return len({type(label) for label in labels}) == 1


MAX_CLASSES = 20
"""An integer target with more values than this is a number to predict, not a label."""


def is_label(frame: pl.LazyFrame, target: str) -> bool:
    """Tell whether a target column holds classes: strings, booleans, or integers of at most 20 values."""
    import polars as pl

    dtype = frame.collect_schema()[target]
    if column_kind(dtype) != "number":
        return True
    column = pl.col(target)
    if dtype.is_integer():
        return bool(frame.select(column.drop_nulls().n_unique() <= MAX_CLASSES).collect().item())
    # Labels that met a missing value on the way were made floats: 0.0 and 1.0 alone are still two classes.
    whole = frame.select((column.is_null() | (column == 0) | (column == 1)).all()).collect().item()
    return bool(whole)
