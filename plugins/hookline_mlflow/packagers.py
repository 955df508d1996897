"""The `mlflow` packager: a folder that MLflow loads, serves and registers, around a package of another format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hookline import Pipeline
from hookline.packages.around import AroundPackager
from hookline.packages.state import write_pipeline
from hookline.packages.telling.needs import locked_lines

FOLDER, INNER = "mlflow", "model"
ALONE = "hookline_onnx_answers"
"""The module that answers where the graph is all that is needed; it travels in the folder, and needs no hookline."""


class MlflowPackager(AroundPackager):
    """A model that `mlflow models serve` and MLflow's registry take: `mlflow/`, with signature, example and requirements.

    It holds a package of another format. Around `onnx` it answers with onnxruntime, numpy and pandas alone, and no hookline;
    around others hookline is among its requirements. Raw rows go in, and `prediction` with `probability_<class>` comes out.
    """

    name = "mlflow"
    extra = "mlflow"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("mlflow", "pandas")

    def inner(self, path: Path) -> Path:
        """Return the folder that MLflow copies with the model."""
        return path / FOLDER / INNER

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write the files by which MLflow knows the model, and what answers from a graph alone."""
        from .flavor import write_flavor

        folder = path / FOLDER
        write_pipeline(pipeline, folder / INNER)
        write_flavor(pipeline, folder, self._loader(pipeline, folder), self._requirements(pipeline))

    def _loader(self, pipeline: Pipeline[Any], folder: Path) -> dict[str, str]:
        """Write what answers, and return how MLflow finds it."""
        if self.holds.name == "onnx":
            _write_alone(pipeline, folder)
            return {"loader_module": ALONE, "data": INNER, "code": "code"}
        (folder / INNER / "holds.json").write_text(json.dumps({"packager": self.holds.name}), "utf-8")
        return {"loader_module": "hookline_mlflow.answering", "data": INNER}

    def _requirements(self, pipeline: Pipeline[Any]) -> list[str]:
        if self.holds.name == "onnx":
            from importlib.metadata import version

            return [f"{name}=={version(name)}" for name in ("mlflow-skinny", "numpy", "onnxruntime", "pandas")]
        return locked_lines(self.holds, pipeline)


def _write_alone(pipeline: Pipeline[Any], folder: Path) -> None:
    """Write what answers from the graph alone, and what it needs to know of columns and classes."""
    code = folder / "code"
    code.mkdir()
    shutil.copyfile(Path(__file__).with_name("alone.py"), code / f"{ALONE}.py")
    facts = {
        "columns": [{"name": column.name, "kind": column.kind} for column in pipeline.schema.columns],
        "classes": list(pipeline.target.classes),
    }
    (folder / INNER / "answers.json").write_text(json.dumps(facts), "utf-8")
