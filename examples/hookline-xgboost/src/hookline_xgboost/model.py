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
class BoostModel(Model):
    """Trees in XGBoost's own JSON, which any XGBoost reads; `booster` is the ordinary object.

    classes: number of class codes; 1 for regression
    base: what the trees of a regression are added to
    """

    text: str
    task: str
    classes: int
    feature_names: tuple[str, ...]
    base: float

    @cached_property
    def booster(self) -> Any:
        """The xgboost.Booster."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.text, "utf-8"))
        return booster

    @cached_property
    def trees(self) -> list[Mapping[str, Any]]:
        """Each tree, as XGBoost's JSON has it: lists with an item a node."""
        found: list[Mapping[str, Any]] = json.loads(self.text)["learner"]["gradient_booster"]["model"]["trees"]
        return found

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest probability, or numbers."""
        import numpy as np

        # An empty table is no fault, but XGBoost takes none.
        if not features.shape[0]:
            return self._prediction(np.empty(0) if self.task == "regression" else np.empty((0, self.classes)))
        answers = np.asarray(self.booster.inplace_predict(features.dense()), dtype=np.float64)
        if self.task == "binary":
            answers = np.column_stack([1 - answers, answers])
        return self._prediction(answers)

    def save(self, folder: Path) -> None:
        """Write model.json, which XGBoost reads as it is, and facts.json; neither holds code."""
        (folder / "model.json").write_text(self.text, "utf-8")
        names = ("task", "classes", "feature_names", "base")
        (folder / "facts.json").write_text(json.dumps({name: getattr(self, name) for name in names}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        facts = json.loads((folder / "facts.json").read_text("utf-8"))
        text = (folder / "model.json").read_text("utf-8")
        return cls(text, facts["task"], facts["classes"], tuple(facts["feature_names"]), facts["base"])

    def importances(self) -> Mapping[str, float]:
        """Return the total gain of the splits on each feature."""
        gains = self.booster.get_score(importance_type="total_gain")
        return {name: float(gains.get(f"f{place}", 0.0)) for place, name in enumerate(self.feature_names)}

    def thresholds(self) -> Mapping[int, Any]:
        """Return position of a feature -> its split thresholds, float64 (n,)."""
        import numpy as np

        found: dict[int, set[float]] = {}
        for tree in self.trees:
            splits = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True)
            for left, place, threshold in splits:
                if left != -1:
                    found.setdefault(place, set()).add(threshold)
        return {place: np.array(sorted(values)) for place, values in found.items()}

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`."""
        from .onnx import outputs

        return outputs(self, inputs["X"])

    def __getstate__(self) -> dict[str, Any]:
        # The booster is made again from its text.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _prediction(self, answers: Any) -> Prediction:
        if self.task == "regression":
            return Prediction(answers)
        return Prediction(answers.argmax(axis=1), answers, tuple(range(self.classes)))
