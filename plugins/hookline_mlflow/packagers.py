"""The `mlflow` packager: a folder that MLflow loads, serves and registers, around a package of another format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hookline import Limit, Model, Package, Packager, Pipeline, Predictor, Stored, Trust
from hookline.packages.certificate.parity import check_takes
from hookline.packages.needs import locked_lines
from hookline.packages.state import StoredPackage, write_pipeline

FOLDER, INNER = "mlflow", "model"
ALONE = "hookline_onnx_answers"
"""The module that answers where the graph is all that is needed; it travels in the folder, and needs no hookline."""


class MlflowPackager(Packager):
    """A model that `mlflow models serve` and MLflow's registry take: `mlflow/`, with signature, example and requirements.

    It holds a package of another format. Around `onnx` it answers with onnxruntime, numpy and pandas alone, and no hookline;
    around others hookline is among its requirements. Raw rows go in, and `prediction` with `probability_<class>` comes out.
    """

    name = "mlflow"
    extra = "mlflow"
    holds: Packager
    """The format of the model inside, such as `onnx`."""

    def __post_init__(self) -> None:
        if isinstance(self.holds, MlflowPackager):
            raise ValueError("packager 'mlflow' holds a model of another format, such as onnx")
        # How far it may be from the pipeline is a matter of the format inside.
        object.__setattr__(self, "tolerance", self.holds.tolerance)

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("mlflow", "pandas")

    def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        """Write mlflow/; raises ExportError where the format inside cannot say the model."""
        check_takes(self.holds, pipeline.model)
        type(self.holds).check_backend()
        folder = path / FOLDER
        inner = folder / INNER
        inner.mkdir(parents=True)
        write_pipeline(pipeline, inner)
        self.holds.save(pipeline, inner)
        if self.holds.name == "onnx":
            _write_alone(pipeline, folder)
        from .flavor import write_flavor

        write_flavor(pipeline, folder, self._loader(folder), self._requirements(pipeline))
        return Package(path, self.name)

    def limit(self, pipeline: Any) -> Limit | None:
        """Return the limit of the format inside."""
        return self.holds.limit(pipeline)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Read the model inside, as its own packager does."""
        assert isinstance(stored, StoredPackage)
        return self.holds.load(StoredPackage(stored.path / FOLDER / INNER, stored.registry), trust)

    def _loader(self, folder: Path) -> dict[str, str]:
        """Return how MLflow finds what answers."""
        if self.holds.name == "onnx":
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
