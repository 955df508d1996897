"""The parity certificate: that a package, and what a client is answered, agree with the native pipeline row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.kinds.artifacts import Schema
from hookline.kinds.capabilities import Approximates, NamesTies
from hookline.kinds.fitted import BOUNDS, Limit, Prediction, Predictor, label_text
from hookline.kinds.kinds import Packager
from hookline.kinds.serving.fleet import AnswersAsServed

from ..pipeline import Pipeline
from .agreement import Comparison, Ties
from .certificate import HELD_OUT, Certificate
from .edges import EdgeRows, plain_row
from .qualities import qualities
from .rounding import tolerance_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


SERVED_ROWS = 200
"""Held-out rows that are asked as a client would."""
SERVED_BATCH = 400
SERVED_TOLERANCE = 1e-6
"""What the order in which a library sums up float32 may change, whatever the format: one row alone is summed up in another
order than many at once. Some ten roundings."""


def certify(
    packager: Packager, pipeline: Pipeline[Any], packaged: Predictor, held_out: pl.DataFrame, edges: EdgeRows
) -> Certificate:
    """Compare a package with its pipeline on held-out and edge rows, raw."""
    limit = packager.limit(pipeline)
    tolerance = packager.tolerance if packager.native else tolerance_of(packager.tolerance, pipeline, held_out)
    asked = Comparison.of(pipeline, packaged.predict, tolerance, held_out, _ties(pipeline))
    most = packager.changes_at_most if isinstance(packager, Approximates) else None
    asked = replace(asked, changes_at_most=most)
    beyond = _beyond(limit, pipeline, edges) if limit else None
    found = [*asked.on(held_out, [HELD_OUT] * held_out.height), *asked.on(edges.frame, edges.sorts, beyond)]
    found = [replace(one, left_out=one.left_out + edges.left_out.get(one.sort, 0)) for one in found]
    said = None if limit is None else f"{limit.reason} (numbers, raw or as features, from {limit.largest:g} on)"
    quality = () if most is None else qualities(pipeline, packaged, held_out)
    return Certificate(packager.name, tolerance, edges.seed, tuple(found), said, most, quality)


def certify_served(
    deployer: AnswersAsServed, name: str, packaged: Predictor, tolerance: float, held_out: pl.DataFrame, edges: EdgeRows
) -> Certificate:
    """Compare what a client is answered with what the package predicts, on held-out and edge rows, raw."""
    tolerance = max(tolerance, _summing(packaged, held_out))

    def served(frame: pl.DataFrame) -> Prediction:
        return _as_client(deployer, packaged, frame)

    asked = Comparison.of(packaged, served, tolerance, held_out, _ties(packaged))
    found = [*asked.on(held_out, [HELD_OUT] * held_out.height), *asked.on(edges.frame, edges.sorts)]
    return Certificate(f"served by {name}", tolerance, edges.seed, tuple(found))


def _summing(packaged: Predictor, rows: pl.DataFrame) -> float:
    """Return what the order of sums may change in the answers of a package: features are float32."""
    return tolerance_of(SERVED_TOLERANCE, packaged, rows) if isinstance(packaged, Pipeline) else SERVED_TOLERANCE


def _ties(predictor: Predictor) -> Ties | None:
    """Return what tells the rows on which equals decide, for a pipeline whose model can name them."""
    model = predictor.model if isinstance(predictor, Pipeline) else None
    if not isinstance(predictor, Pipeline) or not isinstance(model, NamesTies):
        return None
    schema, features_of = predictor.schema, predictor.features
    return lambda frame: model.ties(features_of(conform(frame, schema).lazy()))


def _beyond(limit: Limit, pipeline: Pipeline[Any], edges: EdgeRows) -> np.ndarray:
    """Return the extreme rows with a number, raw or as a feature, at or past a limit: bool (n,)."""
    import numpy as np
    import polars as pl

    past = np.array([sort == "extreme" for sort in edges.sorts], dtype=bool)
    places = np.flatnonzero(past)
    frame = edges.frame[places]
    if not len(places):
        return past
    numbers = [column.name for column in pipeline.schema.columns if column.kind == "number"]
    large = frame.select(
        pl.any_horizontal(
            pl.lit(value=False),
            *((pl.col(n).cast(pl.Float64).abs() >= limit.largest).fill_null(value=False) for n in numbers),
        )
        & (pl.int_range(pl.len()) >= 0)
    )
    features = _ask_features(pipeline, frame)
    past[places] = large.to_series().to_numpy()
    if features is not None:
        past[places] |= (np.abs(features) >= limit.largest).any(axis=1)
    return past


def _ask_features(pipeline: Pipeline[Any], frame: pl.DataFrame) -> np.ndarray | None:
    try:
        return pipeline.features(frame.lazy()).dense()
    except Exception:  # noqa: BLE001  a transform may refuse an odd row, which is told when the pipeline is asked
        return None


def _as_client(deployer: AnswersAsServed, predictor: Predictor, frame: pl.DataFrame) -> Prediction:
    """Return served answers as a prediction."""
    import numpy as np

    answers: list[Mapping[str, Any]] = []
    for start in range(0, frame.height, SERVED_BATCH):
        answers += deployer.answer(predictor, json_rows(frame[start : start + SERVED_BATCH], predictor.schema))
    values = np.array([answer["prediction"] for answer in answers])
    if not predictor.target.classes:
        ends = [[answer[name] for name in BOUNDS] for answer in answers if "lower" in answer]
        return Prediction(values.astype(np.float64), intervals=np.array(ends, dtype=np.float64) if ends else None)
    labels = [label_text(label) for label in predictor.target.classes]
    if "probabilities" not in answers[0]:
        return Prediction(values, None, predictor.target.classes)
    chances = np.array([[answer["probabilities"][label] for label in labels] for answer in answers])
    told = [[label_text(one) for one in answer["set"]] for answer in answers if "set" in answer]
    sets = np.array([[label in some for label in labels] for some in told]) if told else None
    return Prediction(values, chances, predictor.target.classes, sets=sets)


def json_rows(frame: pl.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Return raw rows as a client writes them in JSON: datetimes as ISO text in UTC, null for what is missing."""
    import polars as pl

    columns = []
    for column in schema.columns:
        values = pl.col(column.name)
        if column.kind == "datetime":
            zone = getattr(frame[column.name].dtype, "time_zone", None)
            values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else values
            values = values.cast(pl.Datetime("us"))
        elif column.kind == "number":
            values = values.cast(pl.Float64).fill_nan(None)
        elif column.kind == "string":
            values = values.cast(pl.String)
        columns.append(values)
    return [plain_row(row) for row in frame.select(columns).to_dicts()]
