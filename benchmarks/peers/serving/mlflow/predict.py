"""The pyfunc that `mlflow models serve` asks with a data frame."""

from __future__ import annotations

from typing import Any

import mlflow
from model import Chances, Model


class Predict(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.model = Model(context.artifacts["onnx"])

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[Chances]:
        return self.model.one(model_input.to_dict("records"))


mlflow.models.set_model(Predict())
