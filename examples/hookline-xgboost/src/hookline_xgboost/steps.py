"""What XGBoost calls after each round; it is imported where a fit begins, for its base class is XGBoost's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xgboost.callback import TrainingCallback

from hookline import report_step


class ReportRounds(TrainingCallback):
    """Reports what was measured on the validation rows; a search may stop the training there."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:
        """Report the round that is done, and go on."""
        (metric, values), *_ = evals_log["valid"].items()
        report_step(epoch + 1, float(values[-1]), name=metric)
        return False
