"""Feature sets in a run's config: where they are defined, what they become, what is wrong with them, and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline import FeatureSet
from hookline.errors import ConfigError, HooklineError, PluginError, UnknownName
from hookline.plans.config import RunConfig, resolve
from hookline.plans.hydra.compose import compose
from hookline.plans.placing.sets import known_set
from hookline.plans.placing.versions import features_of, version_of
from hookline.registry.registry import Registry, load_registry
from hookline.runs.sequence import plan_run
from hookline_polars import RatioTransform

ROWS = pl.DataFrame({"spend": [1.0, 2.0] * 20, "visits": [1, 2] * 20, "y": ["a", "b"] * 20})
SPENDING: Mapping[str, Any] = {"component": "ratio", "columns": {"per_visit": ["spend", "visits"]}}
YAML = """
customer:
  description: What a customer spends.
  owner: growth
  definitions:
    spending: {component: ratio, columns: {per_visit: [spend, visits]}}
"""


def project(folder: Path, text: str, name: str = "customer") -> Path:
    """Make a project that keeps a set in its config folder."""
    (folder / "conf" / "features").mkdir(parents=True)
    (folder / "conf" / "features" / f"{name}.yaml").write_text(text, "utf-8")
    (folder / "pyproject.toml").write_text('[tool.hookline]\nconfigs = "conf"\n', "utf-8")
    return folder


def config_of(registry: Registry, features: Any, **rest: Any) -> RunConfig:
    tree = {"source": "breast_cancer", "featurizer": {"tabular": "tabular"}, "trainer": "auto", "features": features}
    return resolve(registry, {**tree, **rest})


def version(registry: Registry, **values: Any) -> str:
    return version_of(registry, known_set(registry, "customer", {"definitions": {"spending": SPENDING}, **values}))


def test_a_set_of_the_project_is_an_option_of_hydra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path, YAML))
    registry = load_registry()
    tree = compose(registry, ["features=[customer]", "features.customer.definitions.spending.otherwise=0"])
    config = resolve(registry, tree)
    placed = config.components["transform"][-1]
    assert placed.key == "transform.customer.spending"
    assert placed.component == RatioTransform(columns={"per_visit": ("spend", "visits")}, otherwise=0.0)
    assert config.sets["customer"].declared.owner == "growth"


def test_a_folder_that_is_named_on_the_line_has_sets_too(tmp_path: Path) -> None:
    registry = load_registry()
    tree = compose(registry, ["features=[customer]"], project(tmp_path, YAML) / "conf")
    assert list(resolve(registry, tree).sets) == ["customer"]


def test_a_typo_in_a_sets_name_is_told_with_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path, YAML))
    with pytest.raises(UnknownName, match="did you mean 'customer'"):
        compose(load_registry(), ["features=[custmer]"])


@pytest.mark.parametrize("text", ["owner: growth\n", ""], ids=["without its name", "empty"])
def test_a_file_that_holds_the_set_without_its_name_is_told(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path, text))
    with pytest.raises(ConfigError, match=r"features\.customer: is not there; .* must hold the set below its name"):
        compose(load_registry(), ["features=[customer]"])


def test_a_project_that_names_no_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nconfigs = "nowhere"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError, match="must name a folder in the project, got 'nowhere'"):
        load_registry()


def test_every_problem_of_a_set_is_told_at_its_place(registry: Registry) -> None:
    wrong = {
        "ownr": "me",
        "definitions": {
            "a": {"component": "ratoi", "columns": {}},
            "b": {"component": "ratio", "colums": {}},
            "c": {"component": "dedupe"},
        },
        "joins": {"d": {"component": "file", "path": "x.csv"}},
    }
    with pytest.raises(ConfigError) as caught:
        config_of(registry, {"customer": wrong})
    told = {problem.path: problem.message for problem in caught.value.problems}
    assert "did you mean 'ratio'" in told["features.customer.definitions.a"]
    assert told["features.customer.definitions.b.colums"] == "unknown field; did you mean 'columns'?"
    assert told["features.customer.definitions.c"].startswith("'dedupe' applies to dataset rows")
    assert "has no field `left`" in told["features.customer.joins.d"]
    assert told["features.customer.ownr"] == "unknown field; did you mean 'owner'?"


def test_a_span_that_is_none_is_told(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"features.customer: must be a span such as 90m, 1d or 1d12h, got 'soon'"):
        config_of(registry, {"customer": {"fresh": "soon", "definitions": {"spending": SPENDING}}})


def test_two_sets_do_not_add_the_same_column(registry: Registry) -> None:
    with pytest.raises(
        ConfigError, match=r"features.b.definitions.x: adds 'per_visit', as features.a.definitions.x does"
    ):
        config_of(registry, {name: {"definitions": {"x": SPENDING}} for name in ("a", "b")})


def test_the_config_that_a_run_keeps_means_the_same_again(registry: Registry) -> None:
    join = {"component": "join", "right": {"component": "file", "path": "more.csv"}, "on": ["id"]}
    given = {"customer": {"owner": "me", "definitions": {"spending": SPENDING}, "joins": {"more": join}}}
    config = config_of(registry, given, transform={"dedupe": "dedupe"})
    again = resolve(registry, config.plain())
    assert again.plain() == config.plain()
    assert again.components == config.components
    assert config.plain()["source"]["component"] == "breast_cancer"
    assert list(config.plain()["transform"]) == ["dedupe"]
    assert config.components["source"][0].component.name == "join"


def test_a_set_in_python_is_what_it_is_in_yaml(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path, YAML))
    declared = FeatureSet(
        name="customer", definitions={"spending": RatioTransform(columns={"per_visit": ("spend", "visits")})}
    )
    plans = [hl.plan(source=ROWS, target="y", features=given) for given in (["customer"], [declared], declared)]
    assert len({plan["trainer"].fingerprint for plan in plans}) == 1
    known = [plan.config.sets["customer"] for plan in plans]
    assert len({version_of(registry, one) for one in known}) == 1


def test_a_plugin_defines_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sets_of_a_plugin.py").write_text(
        "import hookline as hl\n\n@hl.hookimpl\ndef register_feature_sets():\n"
        "    spending = {'component': 'ratio', 'columns': {'per_visit': ['spend', 'visits']}}\n"
        "    return [hl.FeatureSet(name='customer', owner='growth', definitions={'spending': spending})]\n",
        "utf-8",
    )
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["sets_of_a_plugin"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    plan = hl.plan(source=ROWS, target="y", features="customer")
    assert "transform.customer.spending" in [stage.key for stage in plan.stages]


def test_words_about_a_set_and_their_order_are_no_part_of_its_version(registry: Registry) -> None:
    plain = version(registry)
    assert version(registry, owner="me", description="other words", fresh="1d") == plain
    assert version(registry, tests={"t": {"given": {"spend": 1}, "wants": {}}}) == plain
    turned = {"columns": {"per_visit": ["spend", "visits"]}, "component": "ratio", "otherwise": None}
    assert version(registry, definitions={"spending": turned}) == plain


@pytest.mark.parametrize("given", [3, [4], {"a": 1.5}], ids=["number", "list", "mapping"])
def test_what_is_no_feature_set_is_told_at_its_place(given: Any) -> None:
    with pytest.raises(ConfigError, match="feature set"):
        hl.plan(source=ROWS, target="y", features=given)


@pytest.mark.parametrize("typed", ["features=customer", "features=[customer]"], ids=["alone", "in brackets"])
def test_where_there_is_no_set_at_all_it_says_where_to_define_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    registry = load_registry()
    with pytest.raises(HooklineError, match="(?s)named 'customer'.*define one in features/NAME.yaml"):
        resolve(registry, compose(registry, [typed]))


def test_a_column_that_the_rows_have_is_not_added_and_the_plan_says_so() -> None:
    twice = {"component": "expressions", "columns": {"visits": "visits * 2"}}
    with pytest.raises(ConfigError, match="features.s.definitions.d: adds 'visits', which the rows have already"):
        hl.plan(source=ROWS, target="y", features={"s": {"definitions": {"d": twice}}})


def test_a_file_does_not_silently_stand_in_for_the_set_of_a_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project(tmp_path, YAML) / "own_customer.py").write_text(
        "import hookline as hl\n\n@hl.hookimpl\ndef register_feature_sets():\n"
        "    return [hl.FeatureSet(name='customer', definitions={'a': {'component': 'impute'}})]\n",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("HOOKLINE_PLUGINS", "own_customer")
    with pytest.raises(ConfigError, match=r"features.customer: is defined twice: by a plugin, and in .*customer.yaml"):
        compose(load_registry(), ["features=[customer]"])


def test_a_set_that_says_another_name_than_its_key_is_refused(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="is the key that the set stands below, 'customer', and not 'client'"):
        known_set(registry, "customer", {"name": "client", "definitions": {"spending": SPENDING}})


def test_a_step_that_changes_columns_means_another_thing_before_than_after(registry: Registry) -> None:
    steps: dict[str, Any] = {"fill": {"component": "impute"}, "spending": SPENDING}
    free: dict[str, Any] = {"a": SPENDING, "b": {"component": "expressions", "columns": {"twice": "spend * 2"}}}

    def versions(some: dict[str, Any]) -> set[str]:
        return {version(registry, definitions=dict(turn)) for turn in (some.items(), reversed(some.items()))}

    assert len(versions(steps)) == 2
    assert len(versions(free)) == 1


def test_another_meaning_is_another_version(registry: Registry) -> None:
    plain = version(registry)
    others = [
        {"definitions": {"spending": {**SPENDING, "otherwise": 0}}},
        {"definitions": {"spending": {**SPENDING, "columns": {"per_visit": ["visits", "spend"]}}}},
        {"joins": {"m": {"component": "join", "right": {"component": "file", "path": "a.csv"}, "on": ["id"]}}},
    ]
    assert len({plain, *(version(registry, **other) for other in others)}) == len(others) + 1


def test_a_column_means_something_else_once_one_that_it_is_computed_from_does(registry: Registry) -> None:
    def versions(above: str) -> dict[str, str]:
        definitions = {
            "a": {"component": "ratio", "columns": {"r": [above, "visits"]}},
            "b": {"component": "expressions", "columns": {"log": "LN(r)", "free": "visits + 1"}},
        }
        known = known_set(registry, "customer", {"definitions": definitions})
        return {one.name: one.version for one in features_of(registry, known)}

    first, second = versions("spend"), versions("paid")
    assert {name for name in first if first[name] != second[name]} == {"r", "log"}


CODE = '''
import hookline as hl
import polars as pl

class Embed(hl.Transform):
    """Two numbers of a text."""
    name = "embed_{name}"
    def transform(self, frame):
        {comment}
        return frame.with_columns({body})

@hl.hookimpl
def register_transforms():
    return [Embed]
'''


def test_code_of_a_project_counts_by_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def versioned(name: str, comment: str, body: str) -> str:
        (tmp_path / f"embed_{name}.py").write_text(CODE.format(name="x", comment=comment, body=body), "utf-8")
        monkeypatch.setenv("HOOKLINE_PLUGINS", f"embed_{name}")
        registry = load_registry()
        return version_of(registry, known_set(registry, "texts", {"definitions": {"e": {"component": "embed_x"}}}))

    monkeypatch.chdir(tmp_path)
    plain = versioned("one", "", "e=pl.lit(1.0)")
    assert versioned("two", "# Why it is so.", "e=pl.lit(1.0)") == plain
    assert versioned("three", "", "e=pl.lit(2.0)") != plain


def test_a_changed_definition_runs_again_and_what_does_not_need_it_does_not(registry: Registry) -> None:
    def fingerprints(otherwise: float | None) -> dict[str, str]:
        sets = {"customer": {"definitions": {"spending": {**SPENDING, "otherwise": otherwise}}}}
        return {stage.key: stage.fingerprint for stage in plan_run(registry, config_of(registry, sets)).stages}

    first, second = fingerprints(None), fingerprints(0.0)
    assert first["split"] == second["split"]
    assert first["trainer"] != second["trainer"]


def test_rows_on_record_have_what_is_joined_already(registry: Registry) -> None:
    join = {"component": "join", "right": {"component": "file", "path": "more.csv"}, "on": ["id"]}
    parts = [{"component": "file", "path": "own.csv"}, {"component": "prediction_log", "model": "churn"}]
    given = {"customer": {"joins": {"more": join}}}
    config = config_of(registry, given, source={"component": "stack", "of": parts})
    stacked: Any = config.components["source"][0].component
    assert [one.name for one in stacked.of] == ["join", "prediction_log"]
    assert config.plain()["source"]["component"] == "stack"


def test_a_column_that_is_not_there_is_told_before_anything_runs(registry: Registry) -> None:
    definitions = {
        "rates": {"component": "ratio", "columns": {"r": ["spent", "visits"]}},
        "logs": {"component": "expressions", "columns": {"log": "LN(r)", "cheat": "LENGTH(y)"}},
    }
    with pytest.raises(ConfigError) as caught:
        hl.plan(source=ROWS, target="y", features=FeatureSet(name="customer", definitions=definitions))
    rates, logs = caught.value.problems
    assert "'r' is computed from 'spent', which the rows have not; did you mean 'spend'" in rates.message
    assert (logs.path, logs.message) == (
        "features.customer.definitions.logs",
        "'cheat' is computed from 'y', which is to be predicted",
    )
