"""What is searched: Hydra's grammar, bounds of components, and what counts when."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt
from hydra.core.override_parser.overrides_parser import OverridesParser

from hookline.errors import ConfigError, UnknownName, UsageError
from hookline.registry.registry import load_registry
from hookline_optuna.fields import _bounds, chosen_in
from hookline_optuna.hydra.grammar import parse, space_in
from hookline_optuna.space import Choices, Condition, Fixed, Numbers, Parameter, Space, domain_of

TREES = Condition("trainer", frozenset({"forest"}))
LINEAR = Condition("trainer", frozenset({"logistic"}))


def domain(text: str, *, whole: bool = False) -> Numbers | Choices:
    (override,) = OverridesParser.create().parse_overrides([f"x={text}"])
    return domain_of(override, whole=whole)


def choice(name: str, *values: Any, condition: Condition | None = None) -> Parameter:
    return Parameter(name, name, Choices(values, tuple(map(str, values))), condition)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0,1)", Numbers(0.0, 1.0)),
        ("int(interval(1,9))", Numbers(1, 9, 1, whole=True)),
        ("tag(log,interval(0.001,10))", Numbers(0.001, 10.0, log=True)),
        ("tag(log,int(interval(1,512)))", Numbers(1, 512, 1, log=True, whole=True)),
        ("range(20,200)", Numbers(20, 199, 1, whole=True)),
        ("range(0,10,3)", Numbers(0, 9, 3, whole=True)),
        ("range(10,0,-2)", Numbers(2, 10, 2, whole=True)),
        ("range(0.1,1,0.1)", Numbers(0.1, 0.9, 0.1)),
        ("tag(log,range(1,100))", Numbers(1, 99, 1, log=True, whole=True)),
        ("1,1.0,true,a,null", Choices((1, 1.0, True, "a", None), ("1", "1.0", "True", "a", "null"))),
        ("[a,b],[c]", Choices(("[a,b]", "[c]"), ("[a,b]", "[c]"))),
    ],
)
def test_hydra_s_grammar_says_what_is_searched(text: str, expected: Numbers | Choices) -> None:
    assert domain(text) == expected


@pytest.mark.parametrize("text", ["range(0,10,3)", "range(10,0,-2)", "range(0.1,1,0.1)", "range(0.5,2.7,0.7)"])
def test_a_range_spans_what_hydra_s_own_does(text: str) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"x={text}"])
    assert sorted(override.sweep_iterator()) == pytest.approx(domain(text).every())


def test_an_interval_over_a_field_of_whole_numbers_has_whole_numbers() -> None:
    assert domain("tag(log,interval(2,64))", whole=True) == Numbers(2, 64, 1, log=True, whole=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tag(lgo,interval(1,2))", "no tag 'lgo'"),
        ("tag(log,choice(1,2))", "a choice has no scale"),
        ("tag(log,range(1,9,2))", "a step has no place on a log scale"),
        ("tag(log,interval(0,1))", "a log scale begins above 0"),
        ("interval(2,1)", "the low end is above the high end"),
        ("range(5,5)", "the range is empty"),
    ],
)
def test_a_space_that_makes_no_sense_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        domain(text)


@pytest.mark.parametrize("text", ["tag(lgo,interval(1,2))", "tag(log,choice(1,2))", "tag(log,range(1,9,2))"])
def test_what_a_hint_says_of_a_log_scale_is_a_space(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        domain(text)
    (typed,) = shlex.split(str(caught.value.hint))
    found = domain(typed.removeprefix("x="))
    assert isinstance(found, Numbers)
    assert found.log


def test_a_choice_of_null_is_searched_as_typed_and_from_a_config_file() -> None:
    for params, arguments in (({}, ["x=choice(null,3)"]), ({"x": "choice(null,3)"}, [])):
        (override,) = parse(None, params, arguments)
        assert domain_of(override) == Choices((None, 3), ("null", "3"))


def test_where_nothing_is_searched_the_hint_is_a_search() -> None:
    with pytest.raises(UsageError, match="nothing to search") as caught:
        space_in(parse(None, {}, ["trainer.C=3"]))
    first, second = re.findall(r"such as (\S+) or (\S+)", str(caught.value.hint))[0]
    space = space_in(parse(None, {}, shlex.split(f"{first} {second}")))
    assert [str(parameter.domain) for parameter in space.parameters] == ["random_forest | decision_tree", "2..8"]


def test_the_keys_that_vary_are_those_of_what_is_searched_and_of_what_only_some_components_have() -> None:
    fixed = (Fixed("source=iris"), Fixed("trainer.C=3", LINEAR))
    assert Space((choice("trainer", "forest", "logistic"), *fixed)).searched() == {"trainer", "trainer.C"}


def test_values_that_are_equal_but_mean_different_things_keep_their_texts() -> None:
    found = domain("choice(1,true,1.0)")
    assert [found.text(value) for value in (1, True, 1.0)] == ["1", "True", "1.0"]


def test_a_field_counts_only_with_a_component_that_has_it() -> None:
    space = Space(
        (
            Fixed("source=iris"),
            Parameter("C", "trainer.C", Numbers(0.1, 1.0), LINEAR),
            choice("trainer", "forest", "logistic"),
            Fixed("trainer.max_depth=3", TREES),
        )
    )
    points = [
        space.draw(lambda p, chosen=name: chosen if p.name == "trainer" else 0.5) for name in ("forest", "logistic")
    ]
    assert space.overrides(points[0]) == ["source=iris", "trainer=forest", "trainer.max_depth=3"]
    assert space.overrides(points[1]) == ["source=iris", "trainer.C=0.5", "trainer=logistic"]


def test_a_grid_has_every_point_once() -> None:
    space = Space(
        (
            choice("trainer", "forest", "logistic"),
            Parameter("depth", "trainer.depth", Numbers(1, 3, 1, whole=True), TREES),
            choice("seed", 0, 1),
        )
    )
    points = list(space.grid())
    assert len(points) == 3 * 2 + 2
    assert len({tuple(sorted(point.items())) for point in points}) == len(points)
    assert {"trainer": "logistic", "seed": 1} in points


def test_an_interval_has_no_grid() -> None:
    with pytest.raises(UsageError, match=r"0\.0\.\.1\.0 has no grid") as caught:
        list(Space((Parameter("x", "x", Numbers(0.0, 1.0)),)).grid())
    (values,) = re.findall(r"such as (\S+), or", str(caught.value.hint))
    assert domain(values).every() == [0, 0.25, 0.5, 0.75, 1]


def test_probes_meet_each_end_of_each_parameter_in_each_component_that_has_it() -> None:
    space = Space(
        (
            choice("trainer", "forest", "logistic", "tree"),
            Parameter(
                "d", "trainer.d", Numbers(1, 9, 1, whole=True), Condition("trainer", frozenset({"forest", "tree"}))
            ),
        )
    )
    assert sorted(map(tuple, space.probes())) == [
        ("trainer=forest", "trainer.d=1"),
        ("trainer=forest", "trainer.d=9"),
        ("trainer=logistic",),
        ("trainer=tree", "trainer.d=1"),
        ("trainer=tree", "trainer.d=9"),
    ]


def test_a_component_that_is_left_out_is_an_override_that_deletes() -> None:
    found = Parameter("deployer", "deployer", domain("null,local"))
    assert [found.override(value) for value in (None, "local")] == ["~deployer", "deployer=local"]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (bool, Choices((False, True), ("False", "True"))),
        (Literal["a", "b"], Choices(("a", "b"), ("a", "b"))),
        (Literal["a"] | None, Choices(("a", None), ("a", "null"))),
        (Annotated[float, Interval(ge=0, le=1)], Numbers(0.0, 1.0)),
        (Annotated[int, Gt(0), Le(8)], Numbers(1, 8, 1, whole=True)),
        (Annotated[int, Ge(1), Lt(1001)], Numbers(1, 1000, 1, log=True, whole=True)),
        (Annotated[float, Interval(gt=0.5, lt=1)], Numbers(0.5000000000000001, 0.9999999999999999)),
        (Annotated[int, Gt(0)], None),
        (Annotated[int, Gt(0), Le(8)] | None, None),
        (int, None),
        (str, None),
    ],
)
def test_annotations_say_between_what_bounds_a_field_is_searched(hint: Any, expected: Any) -> None:
    assert _bounds(hint) == expected


def test_fields_of_one_name_with_other_bounds_are_apart() -> None:
    registry = load_registry()
    chosen = chosen_in(registry, {"trainer": ["random_forest", "decision_tree", "logistic_regression"]}, {})
    found = {parameter.name: parameter for parameter in chosen.parameters("trainer", ["trainer.max_features"])}
    assert found["trainer.class_weight (random_forest)"].condition == Condition("trainer", frozenset({"random_forest"}))
    assert str(found["trainer.class_weight (decision_tree)"].domain) == "balanced | null"
    assert found["trainer.l1_ratio"].domain == Numbers(0.0, 1.0)
    assert "trainer.max_features" not in found
    assert not any("seed" in name for name in found)


def test_a_field_that_no_component_has_is_suggested() -> None:
    chosen = chosen_in(load_registry(), {"trainer": ["random_forest", "ridge"]}, {})
    with pytest.raises(
        ConfigError, match=r"trainer\.alhpa: none of random_forest, ridge has it; did you mean 'alpha'\?"
    ):
        chosen.condition("trainer.alhpa")


def test_a_field_of_one_of_several_components_counts_with_it() -> None:
    chosen = chosen_in(load_registry(), {"transform": ["[dedupe,impute]", "[dedupe]", "[]"]}, {})
    assert chosen.condition("transform.impute.number") == Condition("transform", frozenset({"impute"}))
    assert chosen.searched == {"transform": ("dedupe", "impute")} or set(chosen.searched["transform"]) == {
        "dedupe",
        "impute",
    }


def test_an_unknown_component_in_a_choice_is_suggested() -> None:
    with pytest.raises(UnknownName, match="random_forest"):
        chosen_in(load_registry(), {"trainer": ["random_forst"]}, {})
