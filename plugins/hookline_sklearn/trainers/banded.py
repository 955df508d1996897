"""A trainer of several quantiles at once, so that what is told of a row is as wide as rows like it are spread."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any

from annotated_types import Interval

from hookline import Features, SklearnModel, Trainer

from .estimator import REGRESSION, require_sklearn, scale_ignored
from .trees import HistGradientBoostingTrainer


class QuantileBandTrainer(Trainer):
    """The median of each row with a lower and an upper quantile: bounds that are wide where the data are.

    What a fit holds for a quantile covers fewer new rows than it says. `intervals.coverage` moves both bounds by what validation
    rows lack (Romano, Patterson and Candes 2019, "Conformalized quantile regression"); without it no bounds are told.
    """

    name = "quantile_band"
    extra = "sklearn"
    tasks = REGRESSION
    trainer: Trainer | None = None
    """The trainer of each quantile: one of scikit-learn's models with a field `quantile`; null is hist_gradient_boosting."""
    coverage: Annotated[float, Interval(gt=0, lt=1)] = 0.9
    """Share of the rows between the two quantiles, as far as the fit can tell."""

    def __post_init__(self) -> None:
        if self.trainer is None:
            return
        require_sklearn(self.trainer, "trainer 'quantile_band' takes SklearnModels")
        if not hasattr(self.trainer, "quantile"):
            told = "hist_gradient_boosting and quantile_regression have"
            raise ValueError(f"trainer '{self.trainer.name}' has no field `quantile`; {told}")
        usual = {one.name: one.default for one in fields(self.trainer)}
        for name, own in (("loss", "quantile"), ("quantile", usual["quantile"])):
            value = getattr(self.trainer, name, own)
            if value not in (own, usual.get(name)):
                raise ValueError(
                    f"trainer 'quantile_band' sets `{name}` of its trainer itself; leave {name}={value} out"
                )

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say what the trainer of the quantiles does."""
        return scale_ignored(self.trainer or HistGradientBoostingTrainer())

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit three models with the rows' weights, one after another; raises as their trainer does."""
        outside = (1 - self.coverage) / 2
        middle, low, high = (self._at(share).fit(train, valid) for share in (0.5, outside, 1 - outside))
        model: SklearnModel = replace(middle, ends=(low, high))
        return model

    def _at(self, quantile: float) -> Any:
        inner: Any = self.trainer or HistGradientBoostingTrainer()
        return replace(inner, quantile=quantile, **({"loss": "quantile"} if hasattr(inner, "loss") else {}))
