"""Functions of a project as transforms: by one line, typed, proven to look at one row alone, and told of as their own."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import pytest
from annotated_types import Gt

import hookline as hl
from hookline import Dataset, Roles
from hookline.cli import main
from hookline.data.functions.proving import MOST_ROWS
from hookline.errors import ConfigError, DataError, PlanError, PluginError, UnknownName
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.plain import from_json, to_json
from hookline.packages.certificate.golden import rescore
from hookline.plans.fingerprints import code_digest
from hookline.registry.ports import ports
from hookline.registry.registry import load_registry
from hookline.testing import checks_for
from kit.own_code import KEY, NOW, THEN, project_at


@hl.as_transform
def debt_ratio(debt: pl.Series, income: pl.Series, floor: Annotated[float, Gt(0)] = 1.0) -> pl.Series:
    """What somebody owes for each unit that they earn."""
    return debt / income.clip(floor)


@hl.as_transform
def logs(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(log_income=(rows["income"] + 1).log(), debt=rows["debt"].round())


@hl.as_transform
def lazily(rows: pl.LazyFrame, times: int = 2) -> pl.LazyFrame:
    return rows.select(more=pl.col("debt") * times)


@hl.as_transform
def young(age: pl.Expr) -> pl.Expr:
    return age < 30


@hl.as_transform
def embedding(city: pl.Series, width: int = 2) -> np.ndarray:
    codes = np.array([sum(map(ord, one or "")) for one in city], dtype=np.float32)
    return np.stack([np.sin(codes * (place + 1)) for place in range(width)], axis=1)


@hl.as_transform
def vectors(city: pl.Series) -> pl.Series:
    return pl.Series([[float(len(one or "")), 1.0] for one in city], dtype=pl.Array(pl.Float64, 2))


@hl.as_transform
def slow(income: pl.Series) -> pl.Series:
    """Ask each row in turn, as whoever writes plain Python does."""
    return pl.Series([None if one is None else one * 2 for one in income], dtype=pl.Float64)


def people(rows: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": [f"P{place:04d}" for place in range(rows)],
            "age": rng.integers(18, 80, rows),
            "debt": rng.uniform(0, 100, rows).round(2),
            "income": [None if place % 40 == 7 else float(one) for place, one in enumerate(rng.uniform(1, 90, rows))],
            "city": [("Oslo", "Rome", None)[one] for one in rng.integers(0, 3, rows)],
            "left": rng.choice(["yes", "no"], rows),
        }
    )


def dataset(frame: pl.DataFrame | None = None) -> Dataset:
    rows = (people() if frame is None else frame).with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    return Dataset(rows.lazy(), Roles(target="left", id="id"))


def made(function: Any, frame: pl.DataFrame | None = None, **fields: Any) -> pl.DataFrame:
    train = dataset(frame)
    found: pl.DataFrame = function.component(**fields).fit(train).transform(train.frame).collect()
    return found


GOOD: list[tuple[Any, dict[str, Any], list[str]]] = [
    (debt_ratio, {"floor": 2.0}, ["debt_ratio"]),
    (debt_ratio, {"debt": "age", "into": "other"}, ["other"]),
    (logs, {}, ["log_income"]),
    (logs, {"columns": ("debt", "income")}, ["log_income"]),
    (lazily, {"times": 3}, ["more"]),
    (young, {}, ["young"]),
    (embedding, {"width": 3, "into": "place"}, ["place_0", "place_1", "place_2"]),
    (vectors, {}, ["vectors_0", "vectors_1"]),
    (slow, {}, ["slow"]),
]


@pytest.mark.parametrize(
    ("function", "fields", "new"), GOOD, ids=[f"{one[0].__name__}-{place}" for place, one in enumerate(GOOD)]
)
def test_a_function_adds_columns_that_are_the_same_for_one_row_as_for_all(
    function: Any, fields: dict[str, Any], new: list[str]
) -> None:
    train = dataset()
    fitted = function.component(**fields).fit(train)
    together = fitted.transform(train.frame).collect()
    assert together.columns == [*train.frame.collect_schema().names(), *new]
    assert together[ROW_ID].equals(train.frame.collect()[ROW_ID])
    assert set(fitted.added()) == set(new)
    # The row of place 7 misses its income.
    for place in (0, 7, 299):
        alone = fitted.transform(train.frame.slice(place, 1)).collect()
        assert alone.schema == together.schema
        for name in new:
            assert alone[name].to_list() == pytest.approx(together[place][name].to_list())
    assert fitted.transform(train.frame.head(0)).collect().schema == together.schema


def test_the_function_stays_a_function() -> None:
    assert debt_ratio(pl.Series([4.0]), pl.Series([0.5]), floor=2.0).to_list() == [2.0]
    assert made(debt_ratio, floor=2.0)["debt_ratio"].to_list()[0] == pytest.approx(
        people()["debt"][0] / max(people()["income"][0], 2.0)
    )


def test_columns_that_it_returns_again_take_the_place_of_the_old() -> None:
    found = made(logs)
    assert found["debt"].equals(people()["debt"].round())
    assert found["left"].equals(people()["left"])


def test_categories_that_it_returns_as_they_were_are_kept() -> None:
    for dtype in (pl.Categorical(), pl.Enum(["Oslo", "Rome"])):
        frame = people().with_columns(pl.col("city").cast(dtype))
        assert made(logs, frame)["city"].cast(pl.String).to_list() == people()["city"].to_list()


def test_what_it_was_fitted_to_is_plain_data_that_two_processes_can_hand_over() -> None:
    component: Any = debt_ratio
    component = component.component(floor=3.0)
    fitted = component.fit(dataset())
    assert from_json(ports(type(component)).makes, json.loads(json.dumps(to_json(fitted)))) == fitted
    assert pickle.loads(pickle.dumps(component)) == component
    assert pickle.loads(pickle.dumps(fitted)) == fitted


@hl.as_transform
def z_score(income: pl.Series) -> pl.Series:
    return (income - income.mean()) / income.std()


@hl.as_transform
def filled(income: pl.Series) -> pl.Series:
    return income.fill_null(strategy="mean")


@hl.as_transform
def shifted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(before=pl.col("age").shift(1))


@hl.as_transform
def clipped(debt: pl.Expr) -> pl.Expr:
    return debt.clip(upper_bound=debt.max() * 0.9)


@hl.as_transform
def by_chance(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(chance=pl.Series(np.random.default_rng().uniform(size=rows.height)))


@hl.as_transform
def frequent(city: pl.Expr) -> pl.Expr:
    return pl.len().over(city) > 90


LEAKS: list[tuple[Any, str, str]] = [
    (z_score, "z_score", "'z_score' of row P0"),
    (filled, "filled", "'filled' of row P0[0-9]+ is [0-9.]+ among 300 rows, and"),
    (shifted, "shifted", "'before' of row P0"),
    (clipped, "clipped", "'clipped' of row P0"),
    (by_chance, "by_chance", "'chance' of row P0"),
    (frequent, "frequent", "'frequent' of row P0"),
]


@pytest.mark.parametrize(("function", "name", "told"), LEAKS, ids=[one[1] for one in LEAKS])
def test_a_function_that_looks_at_other_rows_is_refused_by_column_and_row(function: Any, name: str, told: str) -> None:
    with pytest.raises(DataError, match=f"function '{name}' looks at other rows than its own: {told}") as refused:
        function.component().fit(dataset())
    assert "a row that is answered comes alone" in str(refused.value.hint)


@pytest.mark.parametrize("place", [3 * 777, 3 * 777 + 1], ids=["drawn", "not-drawn"])
def test_a_look_at_other_rows_is_found_among_very_many(place: int) -> None:
    many = pl.DataFrame({"income": np.random.default_rng(0).uniform(size=3 * MOST_ROWS), "id": range(3 * MOST_ROWS)})
    lonely = many.with_columns(pl.when(pl.col("id") == place).then(None).otherwise("income").alias("income"))
    component: Any = filled
    with pytest.raises(DataError, match=f"'filled' of row {place}"):
        component.component().fit(Dataset(lonely.with_row_index(ROW_ID).lazy(), Roles(id="id")))


@hl.as_transform
def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("debt").select(again="debt")


@hl.as_transform
def fewer(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("debt") > 50).select(again="debt")


@hl.as_transform
def capricious(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("debt") if rows.height == 1 else rows.select(other="debt")


@hl.as_transform
def nested(city: pl.Series) -> pl.Series:
    return city.str.split("s")


@hl.as_transform
def lasting(age: pl.Series) -> pl.Series:
    return pl.Series(age * 1_000_000, dtype=pl.Duration("us"))


@hl.as_transform
def greedy(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(left="debt")


@hl.as_transform
def wordy(rows: pl.DataFrame) -> pl.DataFrame:
    return "much"  # type: ignore[return-value]


BROKEN: list[tuple[Any, str]] = [
    (ordered, "function 'ordered' makes rows in another order than it is given: row P0"),
    (fewer, "function 'fewer' makes 1[0-9]+ rows of 300"),
    (capricious, "function 'capricious' makes column 'debt' of some rows, and not of others"),
    (nested, r"function 'nested' makes 'nested' as List\(String\), of which no feature is made"),
    (lasting, r"function 'lasting' makes 'lasting' as Duration\(.*\), of which no feature is made"),
    (greedy, "function 'greedy' makes 'left', which has a role"),
    (wordy, "function 'wordy' returned a str"),
]


@hl.as_transform
def numbered(city: pl.Series) -> pl.Series:
    return pl.Series([float(one) if one and "." in one else int(one or 0) for one in city])


def test_a_value_that_the_type_of_training_rows_would_cut_is_refused_and_not_cut() -> None:
    component: Any = numbered
    whole = people(40).with_columns(city=pl.lit("2"))
    fitted = component.component().fit(dataset(whole))
    asked = dataset(whole.head(1)).frame
    assert fitted.transform(asked).collect()["numbered"].to_list() == [2]
    with pytest.raises(DataError, match=r"'numbered' is 2\.7, and Int64 does not hold it") as refused:
        fitted.transform(asked.with_columns(city=pl.lit("2.7"))).collect()
    assert "cast" in str(refused.value.hint)


@pytest.mark.parametrize(("function", "told"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
def test_a_broken_promise_is_one_clear_error(function: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        function.component().fit(dataset())


def test_a_column_that_a_model_must_not_see_is_refused() -> None:
    component: Any = slow
    with pytest.raises(
        ConfigError, match=r"transform\.slow\.income: there is no column 'incme'; did you mean 'income'"
    ):
        component.component(income="incme").fit(dataset())
    for hidden in ("left", "id"):
        with pytest.raises(ConfigError, match=f"'{hidden}' is no feature, and is not there when a model is asked"):
            component.component(income=hidden).fit(dataset())


PROJECT = """
import hookline as hl
import polars as pl


@hl.as_transform
def ratio_of(debt: pl.Series, income: pl.Series, floor: float = 1.0) -> pl.Series:
    return debt / income.clip(floor)


@hl.as_transform
def picky(age: pl.Series) -> pl.Series:
    if (age > 90).any():
        raise ValueError("nobody is\\nso old")
    return age / 2
"""
OPTIONS: dict[str, Any] = {
    "target": "left",
    "id": "id",
    "trainer": "logistic_regression",
    "evaluator": [],
    "monitor": [],
}


def test_one_line_in_a_plugin_and_one_in_the_plan_are_enough(
    project_module: Callable[[str, str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = project_module("shop", PROJECT)
    people().write_csv(tmp_path / "people.csv")
    line = [
        str(tmp_path / "people.csv"),
        "target=left",
        "id=id",
        "trainer=logistic_regression",
        "monitor=[]",
        "evaluator=[]",
    ]
    line += ["featurizer.tabular.missing=zero", "transform=[ratio_of]", "name=people"]
    assert main([*line, "transform.ratio_of.floor=2", "packager=[skops]", "deployer=local"]) == 0
    capsys.readouterr()
    assert main(["components", "show", "transform", "ratio_of"]) == 0
    assert module in capsys.readouterr().out
    assert main([*line, "transform.ratio_of.floor=much", "transform.ratio_of.flor=1", "packager=[skops]"]) == 2
    told = capsys.readouterr().err
    assert "transform.ratio_of.floor: must be a valid number" in told
    assert "transform.ratio_of.flor: unknown field; did you mean 'floor'?" in told
    assert main([*line, "packager=[onnx]"]) == 2
    told = capsys.readouterr().err
    assert "packager 'onnx' cannot say this pipeline: ratio_of needs a function of the project" in told
    assert "packagers that have words for all of it: pickle, skops" in told


def test_a_package_answers_as_the_run_did_and_one_row_as_many(project_module: Callable[[str, str], str]) -> None:
    project_module("shop", PROJECT)
    run = hl.run(
        "featurizer.tabular.missing=zero", source=people(), transform=["ratio_of"], packager=["skops"], **OPTIONS
    )
    rows = people().drop("left")
    wanted: Any = run.predictor.predict(rows).probabilities
    loaded: Any = hl.load(run.package("skops"))
    np.testing.assert_allclose(loaded.predict(rows).probabilities, wanted, atol=1e-12)
    for place in (0, 7):
        alone: Any = loaded.predict(rows[place : place + 1]).probabilities
        np.testing.assert_allclose(alone[0], wanted[place], atol=1e-6)


def test_an_error_is_told_with_the_line_of_the_function_and_nothing_of_ours(
    project_module: Callable[[str, str], str],
) -> None:
    module = project_module("shop", PROJECT)
    old = people().with_columns(pl.when(pl.col("id") == "P0003").then(95).otherwise("age").alias("age"))
    with pytest.raises(DataError, match="^function 'picky' raised ValueError: nobody is so old") as raised:
        hl.run(source=old, transform=["picky"], packager=["skops"], **OPTIONS)
    assert raised.value.hint is not None
    assert raised.value.hint.endswith('line 14: raise ValueError("nobody is\\nso old")')
    assert f"{module}.py" in raised.value.hint
    run = hl.run("featurizer.tabular.missing=zero", source=people(), transform=["picky"], packager=["skops"], **OPTIONS)
    with pytest.raises(DataError, match="^function 'picky' raised ValueError: nobody is so old"):
        hl.load(run.package("skops")).predict(old.drop("left"))


def test_another_body_is_another_fingerprint_and_another_version_of_a_set(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.plans.placing.sets import known_set
    from hookline.plans.placing.versions import features_of, version_of

    digests, versions = [], []
    for body in (
        PROJECT,
        PROJECT.replace("debt /", "2 * debt /"),
        PROJECT.replace("import polars", "# Words.\nimport polars"),
    ):
        project_module("shop", body)
        registry = load_registry()
        known = known_set(registry, "money", {"definitions": {"owed": {"component": "ratio_of", "floor": 2.0}}})
        (feature,) = features_of(registry, known)
        assert (feature.name, feature.inputs) == ("ratio_of", ("debt", "income"))
        assert feature.definition == "ratio_of(debt, income, floor=2.0)"
        digests.append(code_digest(registry.entry("transform", "ratio_of").cls))
        versions.append(version_of(registry, known))
    assert digests[0] != digests[1]
    assert versions[0] != versions[1]
    assert versions[0] == versions[2]


def test_a_set_takes_functions_and_computes_from_what_they_make(project_module: Callable[[str, str], str]) -> None:
    project_module("shop", PROJECT)
    definitions = {
        "owed": {"component": "ratio_of"},
        "twice": {"component": "expressions", "columns": {"twice": "ratio_of * 2"}},
    }
    sets = [hl.FeatureSet(name="money", definitions=definitions)]
    options = {**OPTIONS, "features": sets, "packager": ["skops"]}
    run = hl.run("featurizer.tabular.missing=zero", source=people(), **options)
    made_of = {one["name"]: one["inputs"] for one in run.evidence["features"]}
    assert made_of["twice"] == ["debt", "income"]


REFUSED = [
    ("def f(rows): return rows", "parameter 'rows' needs a type"),
    ("def f(a: float) -> pl.Series: ...", "f is given nothing; annotate what it is given"),
    ("def f(a: pl.Series, b: pl.DataFrame) -> pl.Series: ...", "f is given frame and series"),
    ("def f(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame: ...", "f is given rows twice: a, b"),
    ("def f(a: pl.Series): ...", "f returns None; annotate what it makes"),
    ("def f(a: pl.Series) -> float: ...", "f returns float; annotate what it makes"),
    ("def f(*a: pl.Series) -> pl.Series: ...", "parameter 'a' cannot be given by its name"),
    ("def f(a: pl.Series, key: hl.Secret) -> pl.Series: ...", "'key' would travel with the model"),
    ("def f(a: pl.Series, key: hl.Secret | None = None) -> pl.Series: ...", "'key' would travel with the model"),
    ("def f(a: pl.Series, fit: bool = True) -> pl.Series: ...", "no parameter can be called 'fit'"),
    ("def f(function: pl.Series) -> pl.Series: ...", "no parameter can be called 'function'"),
    ("def f(a: pl.Series, applies: str = 'x') -> pl.Series: ...", "no parameter can be called 'applies'"),
    ("def f(a: pl.Series, _given: int = 1) -> pl.Series: ...", "no parameter can be called '_given'"),
    ("def f(into: pl.Series) -> pl.Series: ...", "no parameter can be called 'into'"),
    ("def f(a: 'Frame') -> pl.Series: ...", "name 'Frame' is not defined; import what annotations name"),
]


@pytest.mark.parametrize(("code", "why"), REFUSED, ids=range(len(REFUSED)))
def test_a_function_whose_annotations_do_not_tell_is_refused(code: str, why: str) -> None:
    space: dict[str, Any] = {"pl": pl, "hl": hl}
    with pytest.raises(TypeError, match=why.replace("*", r"\*")):
        exec(f"@hl.as_transform\n{code}", space)


def test_a_name_that_is_taken_and_one_that_is_unknown_are_told(project_module: Callable[[str, str], str]) -> None:
    project_module("shop", PROJECT.replace("ratio_of", "ratio"))
    with pytest.raises(PluginError, match="transform 'ratio' .* is already taken"):
        load_registry()
    project_module(
        "shop", PROJECT.replace("@hl.as_transform\ndef ratio_of", '@hl.as_transform(name="owed")\ndef ratio')
    )
    registry = load_registry()
    assert ("transform", "owed") in registry
    with pytest.raises(UnknownName, match="ratio_off"):
        registry.entry("transform", "ratio_off")


@pytest.mark.parametrize("fields", [{"debt": "age", "income": "income"}])
def test_a_function_passes_the_conformance_kit(fields: dict[str, Any]) -> None:
    component: Any = debt_ratio
    for check in checks_for(component.component(**fields)):
        # This module tests, and imports more than a function's annotations name.
        if check.name != "import_is_light":
            check()


def test_a_module_of_functions_passes_the_check_of_plugins(
    project_module: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    module = project_module("shop", PROJECT)
    assert main(["plugins", "check", module, "--set", "ratio_of.debt=age"]) == 0, capsys.readouterr()


def test_onnx_is_refused_before_anything_runs() -> None:
    component: Any = debt_ratio
    with pytest.raises(PlanError, match="debt_ratio needs a function of the project"):
        hl.plan(source=people(), transform=[component.component()], packager=["onnx"], **OPTIONS)


SHOP = """
import hookline as hl
import polars as pl


@hl.as_transform
def lifted(x: pl.Series) -> pl.Series:
    return (x - 20) * {factor}
"""


def test_each_version_answers_by_the_function_that_it_was_made_with_where_the_project_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = replace(project_at(tmp_path, "lifted_shop"), files={"__init__.py": SHOP})
    config = {"transform": ["lifted"], "trainer": "logistic_regression", "packager": ["skops"]}
    for factor in (THEN, NOW):
        project.make(factor, tmp_path / "home", lifts=config)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOOKLINE_STORE_KEY", KEY)
    for version in (1, 2):
        found = hl.load(f"lifts:{version}")
        again = rescore(found.path, found.predictor, 0.0)
        assert again is not None
        assert again.rows > 10
        assert not again.moved
