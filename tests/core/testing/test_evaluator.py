"""What is promised of an evaluator: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from hookline import Metric, Report, Scored
from hookline.kinds.component import Component
from kit.components import Errors
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "classification": {"n_bootstrap": 20},
    "regression": {"n_bootstrap": 20},
    "standard": {"n_bootstrap": 20},
    "permutation_importance": {"n_repeats": 2},
    "ranking": {"n_bootstrap": 20},
    "deviances": {"n_bootstrap": 20},
    "fairness": {"column": "member", "min_group": 2},
    "lime": {"max_rows": 4, "n_background": 8, "n_samples": 50},
    "partial_dependence": {"max_rows": 8, "n_points": 4},
    "shap": {"max_rows": 8, "n_background": 8, "n_samples": 16},
}
"""What a component cannot do without, and what makes it quick."""


class Undefined(Errors):
    """Gives NaN."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", (Metric("errors", float("nan")),))


class UnsteadyEvaluator(Errors):
    """Gives another number each time."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", (Metric("luck", float(np.random.default_rng().normal())),))


class UpsideDown(Errors):
    """Says that errors are good."""

    def evaluate(self, scored: Scored) -> Report:
        (metric,) = super().evaluate(scored).metrics
        return Report("Errors", (dataclasses.replace(metric, greater_is_better=True),))


class Unplain(Errors):
    """Puts an object into a table's place."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", tables=({"not": "a table"},))  # type: ignore[arg-type]


FAULTS: Mapping[str, Callable[[], Component]] = {
    "metrics_are_finite": Undefined,
    "repeatable": UnsteadyEvaluator,
    "rewards_the_truth": UpsideDown,
    "report_is_plain": Unplain,
}


@pytest.mark.parametrize("name", built_in("evaluator"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("evaluator", name, FIELDS.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Errors())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("evaluator")


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)
