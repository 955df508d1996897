"""The `calibrated` trainer: another trainer's classifier, whose probabilities are made to be what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError

from ..models import CalibratedModel
from .estimator import CLASSIFICATION, prepare, require_sklearn, scale_ignored, unfitted

if TYPE_CHECKING:
    import numpy as np


class CalibratedTrainer(Trainer):
    """Another trainer's classifier with calibrated probabilities: of rows given 0.8, eight in ten are of the class.

    The classifier is fitted to all training rows. The calibration is fitted to scores of rows that each was left out of
    one of `folds` further fits for: `sigmoid` (Platt 1999) for few rows, `isotonic` (Zadrozny and Elkan 2002) from about a
    thousand on, where it overfits less. A trainer whose fit settles more than its options say, as when to stop, is fitted
    once more before.
    """

    name = "calibrated"
    extra = "sklearn"
    tasks = CLASSIFICATION
    trainer: Trainer
    """The trainer of the classifier: one that makes a scikit-learn model."""
    method: Literal["sigmoid", "isotonic"] = "sigmoid"
    """The curve from scores to probabilities: a sigmoid, or any that does not fall."""
    folds: Annotated[int, Ge(2)] = 5
    """Parts of the training rows whose scores come from a fit on the others; each class needs so many rows."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the folds."""

    def __post_init__(self) -> None:
        require_sklearn(self.trainer, "only a SklearnModel is calibrated")
        if isinstance(self.trainer, CalibratedTrainer):
            raise ValueError("trainer 'calibrated' is calibrated already")
        if not self.trainer.tasks & CLASSIFICATION:
            raise ValueError(f"trainer '{self.trainer.name}' learns numbers, and only classes have probabilities")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say what the trainer that it is around does."""
        return scale_ignored(self.trainer)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit classifier and calibration with the rows' weights; raises DataError where a class has fewer rows than folds."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.model_selection import StratifiedKFold
        from sklearn.utils import get_tags

        train = train.weighing()
        self._require_rows(train)
        estimator = unfitted(self.trainer, train, valid)
        takes = get_tags(estimator).input_tags
        X = prepare(self.name, train, takes_nan=takes.allow_nan, takes_sparse=takes.sparse)
        parts = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        options: Any = {"method": self.method, "cv": parts, "ensemble": False}
        calibrated = CalibratedClassifierCV(estimator, **options)
        weights: Any = train.sample_weight
        return CalibratedModel(calibrated.fit(X, train.y, sample_weight=weights), train.names)

    def _require_rows(self, train: Features) -> None:
        import numpy as np

        y: Any = train.y
        codes, counts = np.unique(y, return_counts=True)
        if len(codes) < 2:
            raise DataError(f"trainer '{self.name}' needs rows of at least 2 classes")
        if counts.min() < self.folds:
            raise DataError(
                f"class {_label(train, codes[counts.argmin()])} has {counts.min()} training rows, too few for {self.folds} folds",
                hint="lower trainer.folds",
            )


def _label(train: Features, code: np.int64) -> str:
    return f"'{train.target.classes[int(code)]}'" if train.target and train.target.classes else str(code)
