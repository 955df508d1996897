"""ONNX: the graph answers as the pipeline does, whatever the columns, the options, the trainer and the rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
import spox
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

import hookline as hl
from hookline import Pipeline, Trust
from hookline.packages.certificate.parity import measure_parity
from hookline_onnx import OnnxPackager
from hookline_polars.featurizers.calendar_onnx import clock_changes
from hookline_polars.featurizers.encodings.datetimes import DatetimeEncoding
from hookline_polars.featurizers.fitted import FittedTabular
from kit.packages import pipeline_of, read, saved

START = datetime(2019, 1, 1)


def rows_of(task: str, rows: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    number, text = rng.normal(size=rows), rng.choice(["a", "b", "c d", "é"], rows)
    signal = number + (text == "a") + rng.normal(0, 0.5, rows)
    minutes = rng.integers(-60 * 24 * 365 * 60, 60 * 24 * 365 * 30, rows)
    missing = rng.random((4, rows)) < 0.1
    target: dict[str, Any] = {
        "binary": np.where(signal > 0.3, "yes", "no"),
        "multiclass": np.digitize(signal, [0, 1]),
        "regression": signal * 3,
    }
    frame = pl.DataFrame(
        {
            "number": number,
            "count": rng.integers(0, 50, rows),
            "flag": rng.random(rows) < 0.5,
            "text": text,
            "when": [START + timedelta(minutes=int(m)) for m in minutes],
            "y": target[task],
        }
    )
    gaps = zip(("number", "flag", "text", "when"), missing, strict=True)
    return frame.with_columns(pl.when(~pl.Series(gap)).then(pl.col(name)).alias(name) for name, gap in gaps)


EDGES = pl.DataFrame(
    {
        "number": [None, 1e6, -1e6, 1e30, 1e300, 0.1, float("nan"), float("inf")],
        "count": [None, 10**6, -5, 2**40, 2**60, 3, 0, 1],
        "flag": [None, True, False, None, True, None, False, True],
        "text": [None, "unseen", "", "a", "é", "c d", "A", " a"],
        "when": [
            None,
            datetime(1900, 2, 28, 23, 59),
            datetime(2000, 2, 29),
            datetime(1, 1, 1),
            datetime(9999, 12, 31, 23, 59, 59),
            datetime(1969, 12, 31, 23, 59, 59, 999999),
            datetime(2400, 12, 31),
            datetime(1970, 1, 1),
        ],
    },
    schema_overrides={"count": pl.Int64, "when": pl.Datetime("us")},
)


def fitted(frame: pl.DataFrame, trainer: Any, featurizer: Any = "tabular", transform: Any = ()) -> Pipeline[Any]:
    return pipeline_of(source=frame, target="y", trainer=trainer, featurizer=featurizer, transform=list(transform))


def exported(pipeline: Pipeline[Any], path: Path) -> Any:
    return read(OnnxPackager(), saved(OnnxPackager(), pipeline, path), Trust())


def require_same(pipeline: Pipeline[Any], path: Path, *frames: pl.DataFrame) -> None:
    packaged = exported(pipeline, path)
    for frame in frames:
        parity = measure_parity(pipeline, packaged, frame, OnnxPackager.tolerance)
        assert parity.ok, parity
        assert parity.changed_decisions == 0


TREES: list[Any] = [
    {"component": "decision_tree", "max_depth": 5},
    {"component": "random_forest", "n_estimators": 10},
    {"component": "hist_gradient_boosting", "max_iter": 10},
    {"component": "sklearn", "class_name": "ExtraTrees", "params": {"n_estimators": 5}},
]
LINEAR: list[Any] = ["logistic_regression", "linear_regression", "ridge"]


def for_task(trainer: Any, task: str) -> Any:
    if isinstance(trainer, dict) and trainer["component"] == "sklearn":
        return trainer | {"class_name": f"ExtraTrees{'Regressor' if task == 'regression' else 'Classifier'}"}
    return trainer


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("trainer", TREES, ids=lambda trainer: trainer["component"])
def test_trees_answer_the_same_for_seen_unseen_and_missing_values(trainer: Any, task: str, tmp_path: Path) -> None:
    frame = rows_of(task)
    pipeline = fitted(frame, for_task(trainer, task), {"component": "tabular", "missing_indicators": True})
    require_same(pipeline, tmp_path, frame, rows_of(task, seed=1), EDGES)


@pytest.mark.parametrize(
    ("trainer", "task"),
    [
        ("logistic_regression", "binary"),
        ("logistic_regression", "multiclass"),
        ("linear_regression", "regression"),
        ("ridge", "regression"),
    ],
)
def test_linear_models_answer_the_same(trainer: str, task: str, tmp_path: Path) -> None:
    frame = rows_of(task)
    featurizer = {"component": "tabular", "missing": "zero", "missing_indicators": True, "datetime": ["month", "hour"]}
    require_same(
        fitted(frame, trainer, featurizer),
        tmp_path,
        frame,
        rows_of(task, seed=1),
        EDGES.filter(pl.col("number").abs() < 1e7),
    )


OPTIONS: list[dict[str, Any]] = [
    {"numeric": "robust"},
    {"numeric": "min_max"},
    {"numeric": "none"},
    {"categorical": "ordinal"},
    {"categorical": "codes"},
    {"categorical": "target"},
    {"categorical": "count"},
    {"categorical": "one_hot", "max_categories": 2},
    {"datetime": ["year", "month", "day", "weekday", "hour", "minute", "ordinal_day"]},
    {"missing": "zero", "missing_indicators": True},
    {"sparse": True, "missing": "zero"},
]


# Evidence is of classes.
CASES = [*((options, task) for options in OPTIONS for task in ("multiclass", "regression"))]
CASES.append(({"categorical": "weight_of_evidence"}, "multiclass"))


@pytest.mark.parametrize(("options", "task"), CASES, ids=str)
def test_every_option_of_the_featurizer_has_its_words(options: dict[str, Any], task: str, tmp_path: Path) -> None:
    frame = rows_of(task)
    trainer = {"component": "decision_tree", "max_depth": 5}
    require_same(fitted(frame, trainer, {"component": "tabular", **options}), tmp_path, frame, EDGES)


TRANSFORMS: list[Any] = [
    "impute",
    {"component": "impute", "number": "constant", "number_value": -7.0, "text": "constant", "text_value": "none"},
    {"component": "clip", "lower": -1.0, "upper_quantile": 0.9},
    {"component": "rare_categories", "min_count": 70},
    {"component": "map_values", "column": "text", "old": ["a", "b"], "new": ["c d", None]},
    {"component": "map_values", "column": "text", "old": ["a"], "new": ["b"], "default": "null"},
    {
        "component": "map_values",
        "column": "count",
        "old": [0, 3],
        "new": [100, None],
        "default": "value",
        "default_value": 7,
    },
    {"component": "map_values", "column": "count", "old": [0, 3.0, 7], "new": [0.5, None, 31]},
    {"component": "map_values", "column": "flag", "old": [True], "new": [None]},
    {"component": "cast", "dtypes": {"count": "number", "number": "integer", "flag": "number"}, "errors": "null"},
    {"component": "cast", "dtypes": {"count": "boolean"}},
    {"component": "null_values", "values": [0, 3, "a", "c d", True]},
    {"component": "outliers"},
    {"component": "outliers", "method": "mad", "factor": 2.0, "action": "missing"},
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_every_transform_that_onnx_can_say_answers_the_same(transform: Any, tmp_path: Path) -> None:
    frame = rows_of("binary")
    # int64, which `integer` casts to, ends at 9.2e18.
    edges = EDGES.filter(pl.col("number").is_null() | (pl.col("number").abs() < 1e7))
    pipeline = fitted(frame, {"component": "decision_tree", "max_depth": 5}, "tabular", [transform])
    require_same(pipeline, tmp_path, frame, edges)


@pytest.mark.parametrize(
    "values",
    [["no", "yes"], [0, 1], [False, True], [3, 7], ["a", "b", "c"], [10, 20, 30]],
    ids=str,
)
def test_labels_come_back_as_they_were(values: list[Any], tmp_path: Path) -> None:
    frame = rows_of("binary").with_columns(y=pl.Series(values * (300 // len(values))))
    pipeline = fitted(frame, {"component": "decision_tree", "max_depth": 3})
    native, packaged = pipeline.predict(frame), exported(pipeline, tmp_path).predict(frame)
    assert packaged.values.dtype.kind == native.values.dtype.kind
    assert packaged.values.tolist() == native.values.tolist()
    assert packaged.classes == native.classes == tuple(values)


def test_a_class_that_training_never_saw_gets_no_probability(tmp_path: Path) -> None:
    frame = rows_of("multiclass").with_columns(
        part=pl.when(pl.col("y") == 2).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    run = hl.run(
        source=frame, target="y", trainer={"component": "decision_tree", "max_depth": 4},
        split={"method": "column", "column": "part"}, evaluator=[],
    )  # fmt: skip
    pipeline = run.predictor
    require_same(pipeline, tmp_path, frame)
    assert exported(pipeline, tmp_path).predict(frame).probabilities[:, 2].max() == 0


def test_even_votes_are_decided_the_same(tmp_path: Path) -> None:
    frame = rows_of("binary").select("count", "y")
    pipeline = fitted(frame, {"component": "random_forest", "n_estimators": 2, "max_depth": 1})
    require_same(pipeline, tmp_path, frame, pl.DataFrame({"count": range(-10, 70)}))


@pytest.mark.parametrize(("n_estimators", "task"), [(20, "binary"), (50, "binary"), (9, "multiclass")])
def test_even_votes_of_many_trees_are_decided_the_same(n_estimators: int, task: str, tmp_path: Path) -> None:
    rows = rows_of(task, 3_000).select("number", "text", "y")
    pipeline = fitted(rows, {"component": "random_forest", "n_estimators": n_estimators})
    others = rows_of(task, 10_000, seed=1).select("number", "text")
    chances = np.sort(pipeline.predict(others).probabilities, axis=1)
    assert np.isclose(chances[:, -1], chances[:, -2]).sum() > 20
    require_same(pipeline, tmp_path, others)


def test_values_at_the_thresholds_go_the_same_way(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = np.unique(rng.normal(size=400).astype(np.float32))[:200].astype(np.float64)
    frame = pl.DataFrame({"x": x, "y": rng.normal(size=len(x))})
    for i, trainer in enumerate(TREES):
        pipeline = fitted(frame, for_task(trainer, "regression"), {"component": "tabular", "numeric": "none"})
        (tmp_path / str(i)).mkdir()
        near = np.concatenate([np.nextafter(x.astype(np.float32), np.float32(side)) for side in (-9, 9)])
        middle = ((x[1:] + x[:-1]) / 2).astype(np.float32)
        require_same(
            pipeline, tmp_path / str(i), frame, pl.DataFrame({"x": np.concatenate([near, middle]).astype(np.float64)})
        )


def test_utc_moments_and_dates_are_taken_apart_the_same(tmp_path: Path) -> None:
    moments = [datetime(2000, 2, 28, 23, 30, tzinfo=UTC) + timedelta(hours=7 * i) for i in range(200)]
    frame = pl.DataFrame(
        {"at": moments, "on": [date(1968, 1, 1) + timedelta(days=i) for i in range(200)], "y": range(200)}
    )
    parts = ["year", "month", "day", "weekday", "hour", "minute", "ordinal_day"]
    pipeline = fitted(frame, {"component": "decision_tree"}, {"component": "tabular", "datetime": parts})
    require_same(pipeline, tmp_path, frame)


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/St_Johns", "Asia/Kolkata"])
def test_moments_of_a_time_zone_are_taken_apart_by_its_clocks(zone: str, tmp_path: Path) -> None:
    moments = pl.Series([datetime(2025, 3, 29) + timedelta(minutes=17 * i) for i in range(400)])
    at = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    frame = pl.DataFrame({"at": at, "y": at.dt.hour() * 10 + at.dt.day()})
    pipeline = fitted(frame, {"component": "decision_tree"}, {"component": "tabular", "datetime": ["hour", "day"]})
    beyond = pl.Series([datetime(1, 1, 3), datetime(1880, 1, 1), datetime(2070, 7, 1), datetime(9999, 12, 30), None])
    rows = pl.DataFrame({"at": beyond.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)})
    require_same(pipeline, tmp_path, frame, rows)


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_the_clocks_of_the_graph_are_those_of_polars_to_the_second(zone: str) -> None:
    changes, _ = clock_changes(zone)
    beside = np.concatenate([changes + seconds * 1_000_000 for seconds in (-3600, -1, 0, 1, 3600)])
    moments = pl.Series(beside).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    found = calendar_session(PARTS, zone).run(None, {"t": beside[:, None]})[0]
    polars = [moments.dt.year() - 2000, moments.dt.month(), moments.dt.day(), moments.dt.weekday(), moments.dt.hour()]
    np.testing.assert_array_equal(found[:, :5], np.column_stack(polars))
    assert len(changes) > 100


def calendar_session(parts: Any, zone: str | None = None) -> onnxruntime.InferenceSession:
    inputs = {"t": spox.argument(spox.Tensor(np.int64, ("N", 1)))}
    outputs = FittedTabular((DatetimeEncoding(column="t", parts=parts, time_zone=zone),), is_sparse=False).to_onnx(
        inputs
    )
    return onnxruntime.InferenceSession(
        spox.build(inputs, outputs).SerializeToString(), providers=["CPUExecutionProvider"]
    )


PARTS: Any = ("year", "month", "day", "weekday", "hour", "minute", "ordinal_day")
SESSION = calendar_session(PARTS)


def parts_in_onnx(moments: list[datetime]) -> list[list[float]]:
    stamps = [[(moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)] for moment in moments]
    found: list[list[float]] = SESSION.run(None, {"t": np.array(stamps, dtype=np.int64)})[0].tolist()
    return found


def parts_in_python(moment: datetime) -> list[float]:
    return [
        moment.year - 2000,
        moment.month,
        moment.day,
        moment.isoweekday(),
        moment.hour,
        moment.minute,
        moment.timetuple().tm_yday,
    ]


@settings(max_examples=300, deadline=None)
@given(st.datetimes())
def test_the_calendar_of_the_graph_is_pythons(moment: datetime) -> None:
    assert parts_in_onnx([moment]) == [parts_in_python(moment)]


def test_every_day_of_four_centuries_is_pythons() -> None:
    days = [datetime(1799, 12, 31, 1, 2) + timedelta(days=i) for i in range(146_200)]
    found = parts_in_onnx(days)
    wrong = [day for day, parts in zip(days, found, strict=True) if parts != parts_in_python(day)]
    assert wrong == []


def test_a_run_with_an_onnx_package_says_how_well_it_agrees(shared_data: Path) -> None:
    run = hl.run(
        source=str(shared_data / "titanic.csv"),
        target="survived",
        roles={"ignore": ["alive"]},
        trainer={"component": "random_forest", "n_estimators": 20},
        packager=["onnx"],
    )
    loaded = hl.load(run.package("onnx"))
    rows = pl.read_csv(shared_data / "titanic.csv").head(50)
    assert loaded.predict(rows).values.shape == (50,)
    parity = loaded.manifest["parity"]
    assert parity["max_difference"] <= 1e-5
    assert parity["rows"] > 100


FOREST = {"component": "random_forest", "n_estimators": 5}
EXTRA = {"component": "extra_trees", "n_estimators": 4}
BOOSTED = {"component": "hist_gradient_boosting", "max_iter": 4}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(
    "trainer",
    [
        {"component": "voting", "trainers": [FOREST, EXTRA, BOOSTED], "weights": [1, 2, 0.5]},
        {"component": "stacking", "trainers": [FOREST, BOOSTED], "folds": 2, "passthrough": True},
        {"component": "stacking", "trainers": [EXTRA, "decision_tree"], "final": EXTRA, "folds": 2},
        {"component": "neighbors", "weights": "distance"},
        {"component": "neighbors", "n_neighbors": 3},
        {"component": "svm", "C": 2.0},
    ],
    ids=["voting", "stacking-passthrough", "stacking-forest", "neighbors-distance", "neighbors", "svm"],
)
def test_what_is_made_of_several_models_or_goes_by_rows_exports_too(task: str, trainer: Any, tmp_path: Path) -> None:
    frame = rows_of(task, rows=120)
    featurizer = {"component": "tabular", "missing": "zero", "datetime": ["month"]}
    require_same(fitted(frame, trainer, featurizer), tmp_path, frame)


def test_a_vote_of_calibrated_classifiers_exports_too(tmp_path: Path) -> None:
    frame = rows_of("binary", rows=120)
    calibrated = {"component": "calibrated", "trainer": FOREST, "folds": 2}
    trainer = {"component": "voting", "trainers": [calibrated, {"component": "logistic_regression"}]}
    require_same(
        fitted(frame, trainer, {"component": "tabular", "missing": "zero", "datetime": ["month"]}), tmp_path, frame
    )


def test_other_classifiers_of_scikit_learn_export_too(tmp_path: Path) -> None:
    frame = rows_of("binary")
    featurizer = {"component": "tabular", "missing": "zero", "datetime": ["month"]}
    for i, (name, params) in enumerate(
        {"GaussianNB": {}, "MLPClassifier": {"max_iter": 30}, "AdaBoostClassifier": {}}.items()
    ):
        (tmp_path / str(i)).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.filters", [("ignore", None, ConvergenceWarning, None, 0)])
            pipeline = fitted(frame, {"component": "sklearn", "class_name": name, "params": params}, featurizer)
        require_same(pipeline, tmp_path / str(i), frame)
