"""Components in the fields of others: written as mappings, checked at their own path, described and fingerprinted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.plans.json_schema import schema_of
from hookline.registry.nested import nested_components
from hookline.registry.registry import Registry, load_registry

PROJECT = '''
"""A trainer around others."""

import dataclasses
from collections.abc import Mapping

from hookline_sklearn import DecisionTreeTrainer, RidgeTrainer

from hookline import Features, Model, Trainer, hookimpl


class FirstTrainer(Trainer):
    """The first of several trainers."""

    name = "first"
    trainers: tuple[Trainer, ...]
    """To choose from."""
    spare: Trainer | None = None
    seed: int = 0

    def fit(self, train: Features, valid: Features | None) -> Model:
        return self.trainers[0].fit(train, valid)


class ReadyTrainer(FirstTrainer):
    """The first of several trainers, some of which are there from the start."""

    name = "ready"
    others: tuple[Trainer, ...] = (RidgeTrainer(alpha=2.0),)
    by_name: Mapping[str, Trainer] = dataclasses.field(default_factory=lambda: {"tree": DecisionTreeTrainer()})


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    return [FirstTrainer, ReadyTrainer]
'''


@pytest.fixture
def registry(project_module: Callable[[str, str], str]) -> Registry:
    project_module("around", PROJECT)
    return load_registry()


def built(registry: Registry, **values: Any) -> Any:
    return registry.build("trainer", "first", values, "trainer")


def test_a_mapping_becomes_the_component_that_it_names(registry: Registry) -> None:
    made = built(registry, trainers=[{"component": "ridge", "alpha": 3.0}, "decision_tree"])
    assert [one.name for one in made.trainers] == ["ridge", "decision_tree"]
    assert made.trainers[0].alpha == 3.0
    assert [one.name for one in nested_components(made)] == ["ridge", "decision_tree"]


def test_every_problem_inside_is_told_at_its_own_path(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        built(registry, trainers=[{"component": "ridge", "alpah": 3.0}, {"component": "rigde"}, {"alpha": 1}])
    told = {problem.path: problem.message for problem in caught.value.problems}
    assert "did you mean 'alpha'?" in told["trainer.trainers.0.alpah"]
    assert "did you mean 'ridge'?" in told["trainer.trainers.1"]
    assert told["trainer.trainers.2.component"] == "required: the name of a registered trainer"


def test_a_component_of_another_kind_is_refused(registry: Registry) -> None:
    source = registry.build("source", "iris", {}, "source")
    with pytest.raises(ConfigError, match="must be an instance of Trainer"):
        built(registry, trainers=["ridge"], spare=source)


def test_it_takes_the_seed_of_the_one_around_it_where_it_has_none_of_its_own(registry: Registry) -> None:
    inner = [{"component": "decision_tree"}, {"component": "decision_tree", "seed": 5}]
    assert [one.seed for one in built(registry, trainers=inner, seed=7).trainers] == [7, 5]


def test_config_as_plain_values_says_them_whole_and_reads_back(registry: Registry) -> None:
    config = resolve(
        registry, compose(registry, ["source=iris", "trainer=first", "trainer.trainers=[{component: ridge}]"])
    )
    plain = json.loads(json.dumps(config.plain()))
    assert plain["trainer"]["trainers"][0]["component"] == "ridge"
    assert resolve(registry, plain).plain() == config.plain()


def test_a_field_of_an_inner_component_changes_the_fingerprint_and_is_why_it_runs(
    registry: Registry, tmp_path: Path
) -> None:
    def run(depth: int) -> hl.Run:
        inner = {"component": "decision_tree", "max_depth": depth}
        return hl.run(
            source="iris", trainer={"component": "first", "trainers": [inner]}, packager=["pickle"], home=tmp_path
        )

    first, again, deeper = run(2), run(2), run(3)
    why = {run.id: {s["key"]: s["why"] for s in run.evidence["plan"]}["trainer"] for run in (first, again, deeper)}
    assert why[again.id] == "cached"
    assert "max_depth" in why[deeper.id]
    assert "2" in why[deeper.id]
    assert "3" in why[deeper.id]


def test_the_schema_for_editors_lets_any_component_of_the_kind_stand_there(registry: Registry) -> None:
    schema = schema_of(registry)
    fields = schema["$defs"]["trainer.first"]["properties"]
    assert {"$ref": "#/$defs/trainer"} in [fields["trainers"].get("items"), *fields["trainers"].get("anyOf", [])] or {
        "$ref": "#/$defs/trainer"
    } in [one.get("items") for one in fields["trainers"].get("anyOf", [])]


def test_components_show_tells_what_stands_there(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["components", "show", "trainer", "first"]) == 0
    assert "tuple[Trainer, ...]" in capsys.readouterr().out


def test_components_in_the_defaults_of_lists_and_mappings_are_options_of_the_command_line(registry: Registry) -> None:
    tree = compose(registry, ["trainer=ready", "trainer.trainers=[ridge]", "trainer.by_name.tree.max_depth=3"])
    made: Any = resolve(registry, tree).components["trainer"][0].component
    assert [(one.name, one.alpha) for one in made.others] == [("ridge", 2.0)]
    assert (made.by_name["tree"].name, made.by_name["tree"].max_depth) == ("decision_tree", 3)
