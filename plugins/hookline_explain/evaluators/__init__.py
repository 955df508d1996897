"""The evaluators that explain: what moved answers, and what answers would be."""

from .lime import LimeEvaluator
from .partial_dependence import PartialDependenceEvaluator
from .shap import ShapEvaluator

__all__ = ["LimeEvaluator", "PartialDependenceEvaluator", "ShapEvaluator"]
