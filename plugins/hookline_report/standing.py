"""What a model's score stands beside: who was trained, what a constant guess scores, and the score on training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .wording import number, words

BESIDE = ("baseline", "training")
"""What may stand beside the value of an evaluator's metric: that of a constant guess, and that on rows that were fitted to."""


@dataclass(frozen=True)
class Fact:
    """A figure of the headline."""

    label: str
    value: str
    note: str = ""


def beside(evidence: Mapping[str, Any], what: str) -> dict[str, float]:
    """Return what stands beside the evaluators' metrics by the metric's name, as far as it is told."""
    found = {metric["name"]: metric.get(what) for metric in metrics_of(evidence)}
    return {name: value for name, value in found.items() if value is not None}


def headline_facts(evidence: Mapping[str, Any], headline: str | None) -> list[Fact]:
    """Return trainer, score with interval, baseline and training score, as far as they are known.

    headline: the metric that heads the page
    """
    trainers = [name_of(stage) for stage in evidence["plan"] if stage["kind"] == "trainer"]
    facts = [Fact("Trainer", ", ".join(trainers))] if trainers else []
    measured = next((metric for metric in metrics_of(evidence) if metric["name"] == headline), None)
    if measured is None:
        return facts
    facts.append(Fact(words(measured["name"]), number(measured["value"]), _reach(measured)))
    for what, label in zip(BESIDE, ("Baseline", "In training"), strict=True):
        if measured.get(what) is not None:
            facts.append(Fact(label, number(measured[what])))
    return facts


def name_of(stage: Mapping[str, Any]) -> str:
    """Return a stage's component, with the one that it chose to do its work."""
    return f"{stage['component']}: {stage['chosen']}" if stage.get("chosen") else str(stage["component"])


def metrics_of(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the evaluators' metrics in the order in which they were measured."""
    return [metric for report in evidence["reports"] if report["kind"] == "evaluator" for metric in report["metrics"]]


def _reach(metric: Mapping[str, Any]) -> str:
    shown: Sequence[Any] = (metric.get("low"), metric.get("high"))
    return "" if None in shown else f"{number(shown[0])} to {number(shown[1])}"
