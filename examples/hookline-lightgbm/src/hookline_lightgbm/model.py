"""A fitted booster as a model of hookline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hookline import Features, Model, Prediction


@dataclass(frozen=True)
class GbmModel(Model):
    """Trees in LightGBM's own text format, which any LightGBM reads; `booster` is the ordinary object.

    classes: number of class codes; 1 for regression
    """

    text: str
    task: str
    classes: int
    feature_names: tuple[str, ...]

    @cached_property
    def booster(self) -> Any:
        """The lightgbm.Booster."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest probability, or numbers."""
        import numpy as np

        # An empty table is no fault, but LightGBM takes none.
        if not features.shape[0]:
            shape = (0, self.classes)
            return self._prediction(np.empty(0) if self.task == "regression" else np.empty(shape))
        X: Any = features.X
        answers = np.asarray(self.booster.predict(X, num_threads=1))
        if self.task == "binary":
            answers = np.column_stack([1 - answers, answers])
        return self._prediction(answers)

    def save(self, folder: Path) -> None:
        """Write model.txt, which LightGBM reads as it is, and model.json; neither holds code."""
        (folder / "model.txt").write_text(self.text, "utf-8")
        facts = {"task": self.task, "classes": self.classes, "feature_names": self.feature_names}
        (folder / "model.json").write_text(json.dumps(facts), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = json.loads((folder / "model.json").read_text("utf-8"))
        text = (folder / "model.txt").read_text("utf-8")
        return cls(text, facts["task"], facts["classes"], tuple(facts["feature_names"]))

    def importances(self) -> Mapping[str, float]:
        """Return the total gain of the splits on each feature."""
        gains = self.booster.feature_importance(importance_type="gain")
        return dict(zip(self.feature_names, map(float, gains), strict=True))

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`."""
        from .onnx import outputs

        return outputs(self.booster, inputs["X"], self.task, len(self.feature_names))

    def __getstate__(self) -> dict[str, Any]:
        # The booster is made again from its text.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _prediction(self, answers: Any) -> Prediction:
        if self.task == "regression":
            return Prediction(answers)
        return Prediction(answers.argmax(axis=1), answers, tuple(range(self.classes)))
