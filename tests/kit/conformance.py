"""What is asked of the conformance kit for every kind: what is built in passes it, and each of its checks can fail."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from hookline.kinds.component import Component
from hookline.registry.registry import Registry, load_registry
from hookline.testing import Check, CheckFailed, checks_for
from hookline.testing.check import CHECKS, name_of
from kit.apart import needs_tensorflow

TRANSFORM_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "bins": {"columns": {"age_group": {"of": "age", "equal": 4}, "rich": {"of": "income", "edges": [30_000, 60_000]}}},
    "cross": {"columns": {"city_city": ["city", "city"]}},
    "cycles": {"columns": ["joined"], "cycles": ["hour", "weekday", "day", "month", "ordinal_day"]},
    "expressions": {
        "columns": {
            "ratio": "age / NULLIF(income, 0)",
            "case": "CASE WHEN age > 40 AND city = 'Oslo' THEN 1.5 ELSE LN(income + 1) END",
            "root": "SQRT(ABS(ratio)) - POWER(income, 0.5)",
            "flag": "NOT (age >= 40) OR member OR city IS NULL",
            "text": "COALESCE(city, 'nowhere')",
            "income": "income / age",
        }
    },
    "holidays": {"columns": ["joined"], "country": "DE", "subdivision": "BY"},
    "ratio": {"columns": {"ratio": ["age", "income"]}},
    "text_counts": {"columns": ["city"], "counts": ["characters", "words", "digits", "capitals"]},
    "tfidf": {"column": "city"},
    "cast": {"dtypes": {"income": "string", "age": "integer"}},
    "clip": {"lower": 0.0, "upper_quantile": 0.9},
    "coherence": {"rules": {"grown": "age >= 20"}},
    "drop_isolated": {"n_estimators": 10},
    "fill_forward": {"time": "joined", "by": "city"},
    "filter_rows": {"column": "age", "op": ">", "value": 30},
    "impute": {"by": "city"},
    "isolated": {"n_estimators": 10},
    "null_values": {"values": ["Oslo", 2]},
    "map_values": {"column": "city", "old": ["Oslo"], "new": ["Rome"]},
    "mend": {"when": "age > 70", "values": {"age": 70.0, "city": None}},
    "outliers": {"action": "flag"},
    "resample": {"method": "smote"},
    "sample": {"share": 0.5, "by": "city"},
    "sort": {"by": ["city", "age"]},
    "split_text": {"column": "city", "into": ["first", "rest"], "separator": "l"},
    "units": {"columns": {"city": "kg"}, "errors": "null"},
}
"""What a transform cannot do without, and what makes it quick, on the table of the conformance kit."""


def built_in(kind: str) -> list[str]:
    """Return the names of a kind's components that come with hookline."""
    held = _registry()
    return [name for name in held.names(kind) if held.entry(kind, name).plugin.origin == "built-in"]


def check_built_in(kind: str, name: str, fields: Mapping[str, Any]) -> None:
    """Run every check on a component that comes with hookline."""
    component = _registry().build(kind, name, dict(fields), f"{kind}.{name}")
    if "tensorflow" in component.requires():
        needs_tensorflow()
    # Threads that wait for each other in many tiny fits, beside other test workers, take ten times as long.
    with threadpool_limits(1):
        for check in checks_for(component):
            check()


def check_good(component: Component) -> None:
    """Run every check on a component of the tests, the module of which is not light."""
    for check in checks_for(component):
        if check.name != "import_is_light":
            check()


def own_checks(kind: str) -> list[str]:
    """Return the names of a kind's own checks, without those whose faulty components stand in a file of their own."""
    file = Path(__file__).parents[1] / "core" / "testing" / f"test_contract_{kind}.py"
    elsewhere = runpy.run_path(str(file))["FAULTS"] if file.is_file() else {}
    return [name for name in map(name_of, CHECKS[kind]) if name not in elsewhere]


def named(component: Component, name: str, **options: Any) -> Check:
    """Return one check of a component."""
    return next(check for check in checks_for(component, **options) if check.name == name)


def require_failure(component: Component, name: str) -> None:
    """See that a check fails, and names the component."""
    with pytest.raises(CheckFailed, match=f"^{component.kind} '{component.name}': "):
        named(component, name)()


@cache
def _registry() -> Registry:
    return load_registry()
