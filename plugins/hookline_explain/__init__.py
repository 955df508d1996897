"""Explanations: what moved answers (SHAP, LIME), and how they go by each column, all of it on raw columns."""

from __future__ import annotations

from hookline import Evaluator, hookimpl

from .evaluators import LimeEvaluator, PartialDependenceEvaluator, ShapEvaluator

__all__ = ["LimeEvaluator", "PartialDependenceEvaluator", "ShapEvaluator"]


@hookimpl
def register_evaluators() -> list[type[Evaluator]]:
    """Return the evaluators that explain."""
    return [ShapEvaluator, LimeEvaluator, PartialDependenceEvaluator]
