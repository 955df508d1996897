"""A row of weight 0 changes nothing, in anything that learns or judges; other weights count like so many equal rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Features, Roles, Target
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Task
from hookline.kinds.plain import to_json
from hookline.registry.registry import Registry, load_registry
from hookline_polars import ClipTransform, ImputeTransform, TabularFeaturizer
from hookline_polars.stats import quantile
from kit.apart import needs_tensorflow
from kit.conformance import built_in

ROLES = Roles(target="y", weight="w")
TRANSFORMS: Mapping[str, Mapping[str, Any]] = {
    "bins": {"columns": {"quarter": {"of": "size", "equal": 4}}},
    "cast": {"dtypes": {"size": "number"}},
    "clip": {"lower_quantile": 0.05, "upper_quantile": 0.95},
    "coherence": {"rules": {"grown": "size > -3"}},
    "cross": {"columns": {"twice": ["color", "color"]}},
    "cycles": {"columns": ["day"]},
    "drop_isolated": {"n_estimators": 5},
    "drop_outliers": {"factor": 0.5},
    "expressions": {"columns": {"double": "size * 2"}},
    "fill_forward": {"time": "day"},
    "filter_rows": {"column": "size", "op": "not_null"},
    "holidays": {"columns": ["day"], "country": "DE"},
    "impute": {"by": "color"},
    "isolated": {"n_estimators": 5},
    "map_values": {"column": "color", "old": ["red"], "new": ["blue"]},
    "mend": {"when": "size > 2", "values": {"size": 2.0}},
    "null_values": {"values": [3]},
    "outliers": {"method": "mad", "factor": 1.0},
    "ratio": {"columns": {"per": ["size", "count"]}},
    "rare_categories": {"min_count": 2, "min_fraction": 0.2},
    "sample": {"share": 0.5},
    "sort": {"by": ["size"]},
    "split_text": {"column": "color", "into": ["first", "rest"], "separator": "e"},
    "text_counts": {"columns": ["color"]},
    "tfidf": {"column": "color"},
    "units": {"columns": {"color": "kg"}, "errors": "null"},
}
TRAINERS: Mapping[str, Mapping[str, Any]] = {
    "adaptive_random_forest": {"n_models": 2, "lambda_value": 2},
    "balanced": {"trainer": {"component": "random_forest", "n_estimators": 5}},
    "calibrated": {"trainer": {"component": "random_forest", "n_estimators": 5}},
    "extra_trees": {"n_estimators": 5},
    "ft_transformer": {"blocks": 1, "width": 8, "heads": 2, "max_epochs": 5, "batch_size": 32, "learning_rate": 1e-2},
    "gradient_boosting": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5, "early_stopping": True},
    "mlp": {"max_epochs": 5},
    "log_target": {"trainer": {"component": "random_forest", "n_estimators": 5}, "offset": 5.0},
    "random_forest": {"n_estimators": 5},
    "sklearn": {"class_name": "ExtraTreesClassifier", "params": {"n_estimators": 5}},
    "sklearn_mlp": {"hidden_layer_sizes": (4,), "learning_rate_init": 0.05, "max_iter": 2000, "n_iter_no_change": 3},
    "stacking": {"trainers": ({"component": "extra_trees", "n_estimators": 5}, {"component": "decision_tree"})},
    "voting": {"trainers": ({"component": "extra_trees", "n_estimators": 5}, {"component": "decision_tree"})},
}
TABULAR: list[Mapping[str, Any]] = [
    *({"numeric": way} for way in ("standard", "robust", "min_max")),
    *(
        {"categorical": way}
        for way in ("one_hot", "codes", "ordinal", "target", "weight_of_evidence", "count", "hashing")
    ),
    {"missing": "zero", "missing_indicators": True},
]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def rows(n: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    return pl.DataFrame(
        {
            "size": size,
            "count": [None if i % 9 == 4 else i % 7 for i in range(n)],
            "color": rng.choice(["red", "blue", "green"], n, p=[0.2, 0.5, 0.3]),
            "on": rng.random(n) < 0.5,
            "day": pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 12, 1), eager=True, interval="1h")[:n],
            "y": np.where(size + rng.normal(size=n) > 0, "yes", "no"),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )


def weightless(n: int = 100) -> pl.DataFrame:
    """Rows unlike all others, of weight 0; among them none with what they miss."""
    far = rows(n, seed=1).with_columns(
        pl.lit(1e6).alias("size"),
        pl.lit(None, pl.Int64).alias("count"),
        pl.lit("yellow").alias("color"),
        pl.lit(True).alias("on"),
        pl.lit(0.0).alias("w"),
        (pl.col("day") - pl.duration(days=9000)).alias("day"),
    )
    return far.with_columns(pl.lit("yes").alias("y"))


def mixed(frame: pl.DataFrame) -> pl.DataFrame:
    """Put rows of weight 0 before, between and after the others."""
    extra, cut = weightless(), frame.height // 2
    return pl.concat([extra[:40], frame[:cut], extra[40:70], frame[cut:], extra[70:]])


def dataset(frame: pl.DataFrame, task: Task = "binary") -> Dataset:
    target = Target("y", task, () if task == "regression" else ("no", "yes"))
    if task == "regression":
        frame = frame.with_columns(y=pl.col("size").sin() + (pl.col("y") == "yes"))
    return Dataset(
        frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64)).lazy(), ROLES, target=target
    )


def matrix(frame: pl.DataFrame, task: Task, fitted: Any = None) -> Features:
    """Return the design matrix by a featurizer that the rows of weight 0 did not touch."""
    data = dataset(frame, task)
    made = (fitted or TabularFeaturizer(missing="zero").fit(data)).transform(data.frame)
    y = data.frame.select("y").collect()["y"].to_numpy()
    codes = y if task == "regression" else (y == "yes").astype(np.int64)
    return replace(made, y=codes, sample_weight=frame["w"].to_numpy(), target=data.target)


@pytest.mark.parametrize("name", built_in("transform"))
def test_a_transform_learns_nothing_of_rows_that_weigh_nothing(registry: Registry, name: str) -> None:
    component: Any = registry.build("transform", name, dict(TRANSFORMS.get(name, {})), f"transform.{name}")
    clean, whole = dataset(rows(200)), dataset(mixed(rows(200)))
    assert to_json(component.fit(whole)) == to_json(component.fit(clean))


@pytest.mark.parametrize("fields", TABULAR, ids=str)
def test_tabular_learns_nothing_of_rows_that_weigh_nothing(fields: Mapping[str, Any]) -> None:
    featurizer = TabularFeaturizer(**fields)
    clean, whole = dataset(rows(200)), dataset(mixed(rows(200)))
    fitted = featurizer.fit(whole)
    assert to_json(fitted) == to_json(featurizer.fit(clean))
    weigh = mixed(rows(200))["w"].to_numpy() > 0
    found = featurizer.transform_train(fitted, whole).dense()[weigh]
    np.testing.assert_array_equal(found, featurizer.transform_train(fitted, clean).dense())


@pytest.mark.parametrize("name", [name for name in built_in("featurizer") if name != "tabular"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_featurizer_learns_nothing_of_rows_that_weigh_nothing(registry: Registry, name: str, task: Task) -> None:
    fields: Any = {
        "select": {"keep": 3, "mutual_information": 0.001},
        "sklearn": {"class_name": "StandardScaler"},
        "weights": {"columns": {"*": 2.0}},
    }[name]
    component: Any = registry.build("featurizer", name, fields, f"featurizer.{name}")
    fitted = TabularFeaturizer(missing="zero").fit(dataset(rows(200)))
    found = component.fit(matrix(mixed(rows(200)), task, fitted))
    assert to_json(found) == to_json(component.fit(matrix(rows(200), task, fitted)))


# Neighbors are asked as they are: weights are refused.
@pytest.mark.parametrize("name", sorted({*built_in("trainer")} - {"neighbors"}))
def test_a_trainer_learns_nothing_of_rows_that_weigh_nothing(registry: Registry, name: str) -> None:
    if name == "keras_mlp":
        needs_tensorflow()
    component: Any = registry.build("trainer", name, dict(TRAINERS.get(name, {})), "trainer")
    for task in sorted(component.tasks - {"multiclass"}):
        if name == "sklearn" and task == "regression":
            continue
        fitted = TabularFeaturizer(missing="zero").fit(dataset(rows(300)))
        clean, whole = (matrix(frame, task, fitted) for frame in (rows(300), mixed(rows(300))))
        held, emptier = matrix(rows(90, 2), task, fitted), matrix(mixed(rows(90, 2)), task, fitted)
        for valid, other in ((None, None), (held, emptier)):
            answers = [component.fit(*parts).predict(held) for parts in ((clean, valid), (whole, other))]
            np.testing.assert_array_equal(answers[0].values, answers[1].values)
            if task != "regression":
                np.testing.assert_array_equal(answers[0].probabilities, answers[1].probabilities)


def test_whole_runs_differ_in_nothing_when_rows_of_weight_0_are_among_them(tmp_path: Any) -> None:
    found = []
    for name, (train, test) in {
        "clean": (rows(300), rows(150, 3)),
        "mixed": (mixed(rows(300)), mixed(rows(150, 3))),
    }.items():
        parts = [part.with_columns(part=pl.lit(side)) for part, side in ((train, "train"), (test, "test"))]
        pl.concat(parts).write_parquet(tmp_path / f"{name}.parquet")
        found.append(
            hl.run(
                source={"component": "file", "path": str(tmp_path / f"{name}.parquet")},
                roles={"target": "y", "weight": "w"},
                split={"method": "column", "column": "part"},
                transform=["impute", {"component": "clip", "upper_quantile": 0.9}],
                featurizer={"component": "tabular", "categorical": "target"},
                trainer="random_forest",
                evaluator=["standard", "permutation_importance"],
                packager=[],
                monitor=[],
            )
        )
    told = [
        [
            {key: value for key, value in one.items() if key != "charts"}
            for one in run.evidence["reports"]
            if one["kind"] == "evaluator"
        ]
        for run in found
    ]
    assert found[0].metrics == found[1].metrics
    assert told[0] == told[1]


def test_monitors_see_nothing_of_rows_that_weigh_nothing(tmp_path: Any) -> None:
    found = []
    names = [name for name in built_in("monitor") if name not in ("profile", "service")]
    for name, put in {"clean": pl.DataFrame.clone, "mixed": mixed}.items():
        parts = {side: put(rows(400, seed)) for side, seed in (("train", 0), ("test", 3), ("now", 5))}
        moved = parts.pop("now").with_columns(
            pl.when(pl.col("w") > 0).then(pl.col("size") + 1).otherwise(pl.col("size"))
        )
        pl.concat([part.with_columns(part=pl.lit(side)) for side, part in parts.items()]).write_parquet(
            tmp_path / f"{name}.parquet"
        )
        moved.write_parquet(tmp_path / f"{name}-now.parquet")
        run = hl.run(
            source={"component": "file", "path": str(tmp_path / f"{name}.parquet")},
            roles={"target": "y", "weight": "w", "time": "day"},
            split={"method": "column", "column": "part"},
            trainer="decision_tree",
            packager=["skops"],
            monitor=names,
            home=tmp_path / "home" / name,
        )
        reports = [one for one in run.evidence["reports"] if one["kind"] == "monitor"]
        watched = hl.monitor(run.path, str(tmp_path / f"{name}-now.parquet"), names, home=tmp_path / "home" / name)
        found.append(([to_json(one) for one in reports], watched.plain()["reports"]))
    assert len(found[0][1]) == len(names)
    assert any(one["findings"] for one in found[0][1])
    assert found[0] == found[1]


def test_a_weight_of_two_is_a_row_that_is_there_twice() -> None:
    once = rows(120).with_columns(pl.Series("w", [1.0 + i % 2 for i in range(120)]))
    twice = pl.concat([once, once.filter(pl.col("w") == 2)]).with_columns(w=pl.lit(1.0))
    for fields in ({}, {"categorical": "target", "smooth": 0.0}):
        one, other = (to_json(TabularFeaturizer(**fields).fit(dataset(frame))) for frame in (once, twice))
        assert _numbers(one) == pytest.approx(_numbers(other))
    means = [ImputeTransform(number="mean", text="most_frequent").fit(dataset(frame)) for frame in (once, twice)]
    assert means[0].numbers == pytest.approx(means[1].numbers)
    assert means[0].texts == means[1].texts


def test_what_is_missing_is_filled_by_what_weighs_most_of_each_column() -> None:
    frame = pl.DataFrame(
        {
            "kind": ["a", "a", "a", None, "b", "c"],
            "other": [None, None, "x", "y", "y", None],
            "size": [1.0, None, 3.0, 4.0, 5.0, 6.0],
            "w": [1.0, 1.0, 1.0, 9.0, 5.0, 4.0],
            "y": [0, 1, 0, 1, 0, 1],
        }
    )
    found = ImputeTransform().fit(dataset(frame))
    assert found.texts == {"kind": "b", "other": "y"}


def test_equal_weights_are_no_weights() -> None:
    equal = rows(120).with_columns(w=pl.lit(2.5))
    plain = replace(dataset(equal), roles=Roles(target="y", ignore=("w",)))
    for component in (
        TabularFeaturizer(numeric="robust", categorical="target"),
        ClipTransform(lower_quantile=0.1, upper_quantile=0.83),
        ImputeTransform(),
    ):
        one, other = (to_json(component.fit(data)) for data in (dataset(equal), plain))
        assert _numbers(one) == pytest.approx(_numbers(other))


def test_weights_that_are_all_nothing_are_refused(tmp_path: Any) -> None:
    rows(60).with_columns(w=pl.lit(0.0)).write_csv(tmp_path / "rows.csv")
    with pytest.raises(DataError, match="'w' must be present, none negative, and not all zero"):
        hl.run(
            source={"component": "file", "path": str(tmp_path / "rows.csv")},
            roles={"target": "y", "weight": "w"},
            trainer="decision_tree",
        )


def _numbers(plain: Any) -> list[float]:
    """Return every number in plain data, in order."""
    if isinstance(plain, Mapping):
        return [number for value in plain.values() for number in _numbers(value)]
    if isinstance(plain, list | tuple):
        return [number for value in plain for number in _numbers(value)]
    return [float(plain)] if isinstance(plain, int | float) else []


def test_a_weighed_quantile_goes_by_values_and_weights_and_not_by_the_order_of_rows() -> None:
    frame = pl.DataFrame({"x": [3.0, 1.0, 1.0, None, 2.0, 1.0], "w": [1.0, 5.0, 2.0, 9.0, 3.0, 1.0]})
    found = {
        frame.sample(fraction=1, shuffle=True, seed=seed).select(quantile(pl.col("x"), pl.col("w"), 0.8)).item()
        for seed in range(10)
    }
    # Sorted, they stand at 0, 6, 22, 41 and 48: k - 1 of their own weight, and 4 times the weights before; 0.8 of it is 38.4.
    assert len(found) == 1
    assert found.pop() == pytest.approx(1 + 16.4 / 19)
