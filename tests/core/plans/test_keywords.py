"""What Python callers say by overrides and keywords together, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.data.parts import SplitOptions
from hookline.errors import ConfigError, UsageError
from hookline.kinds.artifacts import Roles
from hookline.plans.keywords import FrameSource, config_of
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


def test_the_values_of_an_object_are_those_of_its_types(registry: Registry) -> None:
    from hookline_sklearn import RandomForestTrainer

    trainer: Any = RandomForestTrainer(n_estimators="300")  # type: ignore[arg-type]  what a person may say
    config = config_of(registry, [], {"source": "iris", "trainer": trainer})
    assert vars(config.components["trainer"][0].component)["n_estimators"] == 300


def test_an_object_whose_values_are_right_stays_itself(registry: Registry) -> None:
    from hookline_sklearn import RandomForestTrainer

    trainer = RandomForestTrainer(n_estimators=300)
    config = config_of(registry, [], {"source": pl.DataFrame({"x": [1], "y": [2]}), "trainer": trainer, "target": "y"})
    source = config.components["source"][0].component
    assert config.components["trainer"][0].component is trainer
    assert isinstance(source, FrameSource)
    assert source.load().frame.collect().rows() == [(1, 2)]


def test_components_in_the_fields_of_an_object_are_checked(registry: Registry) -> None:
    from hookline_polars import FileSource, JoinSource

    right = FileSource(path=Path("b.csv"), skip_rows=-1)
    joined = JoinSource(left=FileSource(path=Path("a.csv")), right=right, on=("id",))
    with pytest.raises(ConfigError) as caught:
        config_of(registry, [], {"source": joined, "trainer": "ridge", "target": "y"})
    assert {problem.path for problem in caught.value.problems} == {"source.right.skip_rows"}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"roles": Roles(target=5)}, "roles.target"),  # type: ignore[arg-type]  what a person may say
        ({"split": SplitOptions(test=2)}, "split.test"),
        ({"trainer": {"component": 5}}, "trainer.component"),
        ({"trainer": {"component": None}}, "trainer.component"),
        ({"trainer": {"component": ["ridge"]}}, "trainer.component"),
        ({"transform": [{"strategy": "mean"}]}, "transform.0.component"),
        ({"transform": 5}, "transform"),
        ({"target": "y", "roles": "id"}, "roles"),
        ({"roles": "id"}, "roles"),
    ],
)
def test_what_a_python_caller_got_wrong_is_one_error_that_names_its_key(
    registry: Registry, config: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(registry, [], {"source": "iris", "trainer": "decision_tree", **config})
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("value", ["5", "null", "[ridge]"])
def test_an_override_that_names_no_component_is_a_config_error(value: str) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.component"):
        hl.plan(f"trainer.component={value}")


def test_a_profile_names_a_role_that_there_is_not() -> None:
    roles = {"targt": "y"}
    with pytest.raises(ConfigError, match=r"roles\.targt: unknown field; did you mean 'target'"):
        hl.profile(pl.DataFrame({"y": [1]}), roles=roles)


def test_a_profile_of_a_mapping_without_component_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"source\.component: required"):
        hl.profile({"path": str(tmp_path / "x.csv")})
