"""Where the problems of values are said to be, and what of them is still to be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import pytest
from annotated_types import Gt

from hookline import Features, Model, Trainer
from hookline.errors import ConfigError
from hookline.plans.config import Options
from hookline.registry.values import validate, validate_object


@dataclass(frozen=True)
class Inner:
    """A part."""

    size: Annotated[int, Gt(0)] = 1


@dataclass(frozen=True)
class Outer:
    """A whole with parts of every shape."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    either: Inner | int | None = None
    maybe: Inner | None = None
    several: tuple[Inner, ...] = ()
    pair: tuple[str, Inner] | None = None
    named: Mapping[str, Inner] = field(default_factory=dict)
    dtypes: Mapping[str, int] = field(default_factory=dict)
    mixed: Mapping[str, int | tuple[int, ...]] = field(default_factory=dict)


def paths(cls: Any, values: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        validate(cls, values, "", "bad config")
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"either": {"size": 0}}, "either.size"),
        ({"maybe": {"size": 0}}, "maybe.size"),
        ({"several": [{}, {"size": 0}]}, "several.1.size"),
        ({"pair": ["a", {"size": 0}]}, "pair.1.size"),
        ({"named": {"a-b": {"size": 0}}}, "named.a-b.size"),
        ({"named": {"int": {"size": 0}}}, "named.int.size"),
        ({"dtypes": {"path": "x"}}, "dtypes.path"),
        ({"dtypes": {"f(x)": "x"}}, "dtypes.f(x)"),
        ({"mixed": {"list": "x"}}, "mixed.list"),
        ({"mixed": {"a": [1, "x"]}}, "mixed.a.1"),
        ({"maybe": {"si-ze": 1}}, "maybe.si-ze"),
    ],
)
def test_a_problem_is_at_the_path_that_was_typed(values: dict[str, Any], path: str) -> None:
    assert path in paths(Outer, values)


def test_a_key_with_a_hyphen_is_named_as_it_is() -> None:
    told = paths(Options, {"roles": {"time-col": "x"}, "gates": {"roc-auc": "high"}})
    assert set(told) == {"roles.time-col", "gates.roc-auc"}
    assert "unknown field" in told["roles.time-col"]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"roles": {"target": "???"}}, "roles.target"),
        ({"seed": "???"}, "seed"),
        ({"gates": {"accuracy": "???"}}, "gates.accuracy"),
    ],
)
def test_a_value_that_is_still_to_be_said_is_required_at_any_depth(values: dict[str, Any], path: str) -> None:
    assert paths(Options, values) == {path: "required"}


class Holding(Trainer):
    """Takes anything."""

    name = "holding"
    one: Any = None
    other: Any = None

    def fit(self, train: Features, valid: Features | None) -> Model:
        raise NotImplementedError


def test_a_field_that_holds_what_config_cannot_say_is_named_since_nobody_would_see_it_change() -> None:
    with pytest.raises(ConfigError) as caught:
        validate_object(Holding(one=lambda: 3, other={"a": [b"\xff"]}), "trainer")
    assert [problem.path for problem in caught.value.problems] == ["trainer.one", "trainer.other"]
    assert caught.value.problems[0].message.endswith("got function")
    assert validate_object(Holding(one={"a": [1]}), "trainer").one == {"a": [1]}
