"""Save the model as a pyfunc. The ONNX flavor cannot be asked with rows: it has no (n, 1) of a column."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from model import Model

HERE = Path(__file__).parent

columns = [ColSpec("string" if is_text else "double", name) for name, is_text in Model().texts.items()]
mlflow.pyfunc.save_model(
    sys.argv[1],
    python_model=str(HERE / "predict.py"),
    code_paths=[str(HERE.parent / "model.py")],
    artifacts={"onnx": os.environ["MODEL"]},
    signature=ModelSignature(inputs=Schema(columns)),
    pip_requirements=["mlflow", "onnxruntime"],
)
