"""Design matrices and pipelines around the kit's own parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import infer_schema
from hookline.data.target import encode, true_values
from hookline.kinds.artifacts import ROW_ID, Dataset, Features, Target
from hookline.packages.pipeline import FittedStage, Pipeline, apply_transforms

from .parts import Encoding, FittedSampleFeaturizer, KnownAnswers, SampleFeaturizer

if TYPE_CHECKING:
    import numpy as np

    from .samples import Sample

ANSWER = "answer"
"""The column that holds the truth, for the model that is always right."""


def fitted_features(rows: Dataset, target: Target, *, fill: bool = True) -> Features:
    """Return the design matrix of training rows, complete with y and row ids."""
    fitted = SampleFeaturizer(fill=fill).fit(rows)
    return with_truth(fitted.transform(rows.frame), rows, target)


def featurized(rows: Dataset, sample: Sample) -> Features:
    """Return the design matrix of rows as the kit's featurizer, fitted on the training rows, makes it, complete."""
    return with_truth(SampleFeaturizer().fit(sample.train).transform(rows.frame), rows, sample.target)


def with_truth(features: Features, rows: Dataset, target: Target) -> Features:
    """Add y and row ids to a design matrix."""
    y = encode(true_values(rows.frame, target), target)
    return replace(features, y=y, row_ids=rows.frame.select(ROW_ID).collect()[ROW_ID].to_numpy(), target=target)


def pipeline_around(
    model: Any, sample: Sample, *, fill: bool = True, transforms: tuple[FittedStage, ...] = ()
) -> Pipeline[Any]:
    """Put the kit's featurizer and a model around fitted transforms."""
    train = sample.train.with_frame(apply_transforms(transforms, sample.train.frame))
    fitted = SampleFeaturizer(fill=fill).fit(train)
    schema = infer_schema(sample.train.frame, sample.train.feature_columns())
    stage = FittedStage("featurizer", "sample", fitted)
    return Pipeline(schema, sample.train.roles, sample.target, transforms, (stage,), model)


def known_pipelines(sample: Sample) -> tuple[Pipeline[Any], Pipeline[Any], Dataset]:
    """Return a pipeline that is always right, one that always says the same, and test rows that both take."""
    import polars as pl

    truth = encode(true_values(sample.test.frame, sample.target), sample.target)
    rows = sample.test.frame.collect().with_columns(pl.Series(ANSWER, truth, dtype=pl.Float64))
    test = sample.test.with_frame(rows.lazy())
    usual = float(truth.mean()) if sample.target.task == "regression" else float(_most_frequent(truth))
    schema = infer_schema(test.frame, [ANSWER])
    stage = FittedStage("featurizer", "sample", FittedSampleFeaturizer((Encoding(ANSWER, "number"),), fill=True))
    made = [
        Pipeline(schema, test.roles, sample.target, (), (stage,), KnownAnswers(sample.target, constant))
        for constant in (None, usual)
    ]
    return made[0], made[1], test


def _most_frequent(codes: np.ndarray) -> int:
    import numpy as np

    return int(np.bincount(codes).argmax())
