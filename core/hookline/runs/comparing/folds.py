"""Two runs compared by the folds that both have."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.plans.gates import FOLDS
from hookline.quality.intervals import of_resampled_mean

from .difference import Difference

DRAWN_BY = ("folds", "repeats", "valid", "method", "gap")
"""Options of the split that decide which rows a fold holds out."""


def of_folds(first: Mapping[str, Any], second: Mapping[str, Any], margins: Mapping[str, float]) -> list[Difference]:
    """Return the differences of the means over the same folds of the same rows; none where the runs do not share them.

    By the corrected resampled t-test (Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning 52)
    of what a fold's two figures differ by.
    first, second: evidence of runs that were judged by the same held-out rows
    """
    ours, theirs = _report(first), _report(second)
    if ours is None or theirs is None or _drawn(first) != _drawn(second):
        return []
    return list(_differences(ours, theirs, margins))


def _differences(first: Any, second: Any, margins: Mapping[str, float]) -> Iterator[Difference]:
    ours, theirs = (_columns(report) for report in (first, second))
    share = sum(ours["test"]) / max(1, sum(ours["train"]))
    greater = {one["name"]: one["greater_is_better"] for one in first["metrics"]}
    for name, is_greater in greater.items():
        plain = name.removeprefix(FOLDS)
        pairs = list(zip(ours[plain], theirs.get(plain, ()), strict=False))
        apart = [b - a for a, b in pairs]
        low, high = of_resampled_mean(apart, share)
        if low is None or high is None or not all(map(math.isfinite, apart)):
            continue
        old, new = (statistics.fmean(one) for one in zip(*pairs, strict=True))
        yield Difference(name, old, new, low, high, is_greater, margins.get(name))


def _report(evidence: Mapping[str, Any]) -> Any:
    return next((one for one in evidence["reports"] if one["kind"] == "folds"), None)


def _columns(report: Any) -> dict[str, list[float]]:
    each = report["tables"][1]
    return {
        name: [math.nan if value is None else float(value) for value in column]
        for name, column in zip(each["columns"], zip(*each["rows"], strict=True), strict=True)
    }


def _drawn(evidence: Mapping[str, Any]) -> list[Any]:
    config = evidence["config"]
    return [config.get("seed"), *(config["split"].get(name) for name in DRAWN_BY)]
