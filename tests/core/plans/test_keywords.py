"""What Python callers say by overrides and keywords together, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import hookline as hl
from hookline.errors import UsageError
from hookline.kinds.artifacts import Roles
from hookline.plans.keywords import config_of
from hookline.registry.registry import Registry


def test_components_chosen_by_overrides_take_the_seed_of_a_keyword() -> None:
    plan = hl.plan("source=iris", "trainer=random_forest", seed=5)
    assert plan.config.options.seed == 5
    assert vars(plan["trainer"].component)["seed"] == 5


def test_a_run_takes_the_seed_of_a_keyword_as_that_of_an_override() -> None:
    said = ("source=iris", "trainer=decision_tree", "deployer=null", "packager=null", "monitor=null")
    by_override, by_keyword = hl.run(*said, "seed=5"), hl.run(*said, seed=5)
    assert by_keyword.evidence["config"] == by_override.evidence["config"]
    assert by_keyword.metrics == by_override.metrics


def test_a_seed_of_its_own_stands_above_that_of_a_keyword(registry: Registry) -> None:
    config = config_of(registry, ["trainer=random_forest", "trainer.seed=9"], {"seed": 5})
    assert vars(config.components["trainer"][0].component)["seed"] == 9


@pytest.mark.parametrize("roles", [{"group": "g"}, Roles(group="g")])
def test_roles_by_keyword_add_to_those_of_overrides(registry: Registry, roles: Any) -> None:
    config = config_of(registry, ["roles.id=a", "roles.target=t"], {"roles": roles})
    assert config.options.roles == Roles(target="t", id="a", group="g")


def test_split_and_gates_by_keyword_add_to_those_of_overrides(registry: Registry) -> None:
    overrides = ["split.test=0.2", "+gates.accuracy=0.9"]
    options = config_of(registry, overrides, {"split": {"valid": 0.1}, "gates": {"roc_auc": 0.8}}).options
    assert (options.split.test, options.split.valid) == (0.2, 0.1)
    assert dict(options.gates) == {"accuracy": 0.9, "roc_auc": 0.8}


def test_roles_by_keyword_add_to_those_of_a_mapping(registry: Registry) -> None:
    mapping = {"source": "iris", "trainer": "decision_tree", "roles": {"id": "a"}}
    assert config_of(registry, [mapping], {"roles": {"group": "g"}}).options.roles == Roles(id="a", group="g")


def test_an_experiment_by_keyword_is_one_by_override(registry: Registry) -> None:
    by_override = config_of(registry, ["experiment=breast_cancer", "seed=3"], {})
    assert config_of(registry, [], {"experiment": "breast_cancer", "seed": 3}) == by_override


@pytest.mark.parametrize("overrides", [(5,), (["seed=1", 5],), (None,)])
def test_what_is_neither_text_nor_mapping_is_no_override(overrides: Any) -> None:
    with pytest.raises(UsageError, match="is no override"):
        hl.plan(*overrides)
