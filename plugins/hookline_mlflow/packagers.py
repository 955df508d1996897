"""The `mlflow` packager: a folder that MLflow loads, serves and registers, around a package of another format."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hookline import AnswersAlone, Pipeline
from hookline.packages.around import AroundPackager
from hookline.packages.telling.needs import locked_lines

FOLDER, INNER, CODE = "mlflow", "model", "code"


class MlflowPackager(AroundPackager):
    """A model that `mlflow models serve` and MLflow's registry take: `mlflow/`, with signature, example and requirements.

    It holds a package of another format. Around `onnx` it answers with onnxruntime, numpy and pandas alone, and no hookline;
    around others hookline is among its requirements. Raw rows go in, and `prediction` with `probability_<class>` comes out.
    """

    name = "mlflow"
    extra = "mlflow"
    register: bool = False
    """Whether each version of the model is registered with MLflow too, where settings.mlflow says which server."""

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
        write_flavor(pipeline, folder, *self._loader(pipeline, folder))

    def _loader(self, pipeline: Pipeline[Any], folder: Path) -> tuple[dict[str, str], list[str]]:
        """Write what answers, and return how MLflow finds it, and what to install."""
        if not isinstance(self.holds, AnswersAlone):
            (folder / INNER / "holds.json").write_text(json.dumps({"packager": self.holds.name}), "utf-8")
            found = {"loader_module": "hookline_mlflow.answering", "data": INNER}
            return found, locked_lines(self, pipeline)
        (folder / CODE).mkdir()
        module, needs = self.holds.write_alone(pipeline, folder / CODE, folder / INNER)
        # Without what says how a library was built, as in 2.13.0+cpu: an index may lack it.
        lines = [f"{name}=={version(name).partition('+')[0]}" for name in ("mlflow-skinny", *needs)]
        return {"loader_module": module, "data": INNER, "code": CODE}, lines
