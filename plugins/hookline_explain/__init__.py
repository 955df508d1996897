"""Explanations: SHAP values of raw columns, over all held-out rows and for single ones."""

from __future__ import annotations

from hookline import Evaluator, hookimpl

from .evaluators import ShapEvaluator

__all__ = ["ShapEvaluator"]


@hookimpl
def register_evaluators() -> list[type[Evaluator]]:
    """Return the evaluators that explain."""
    return [ShapEvaluator]
