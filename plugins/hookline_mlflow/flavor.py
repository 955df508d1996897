"""The files by which MLflow knows a model: MLmodel with its signature, an example of its input, and what to install."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline import Pipeline
from hookline.kinds.fitted import label_text
from hookline.packages.certificate.certifying import json_rows
from hookline.packages.door.probing import typical_row
from hookline.registry.backends.quiet import quiet

TYPES = {"number": "double", "boolean": "boolean", "string": "string", "datetime": "datetime"}


def write_flavor(pipeline: Pipeline[Any], folder: Path, loader: Mapping[str, str], requirements: Sequence[str]) -> None:
    """Write MLmodel, python_env.yaml and requirements.txt into a model's folder. loader: what `add_to_model` is given."""
    import yaml

    with quiet("mlflow"), warnings.catch_warnings():
        # Of type hints in its own classes, as it is imported.
        warnings.filterwarnings("ignore", message=".*type hint", category=UserWarning)
        from mlflow.models import Model
        from mlflow.pyfunc import add_to_model

    (folder / "requirements.txt").write_text("\n".join([*requirements, ""]), "utf-8")
    environment = {
        "python": platform.python_version(),
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False), "utf-8")
    made: Any = Model(signature=_signature(pipeline))
    # A moment and an id of its own would make another package of the same pipeline.
    made.utc_time_created, made.model_uuid = None, None
    made.saved_input_example_info = _example(pipeline, folder)
    add_to_model(made, python_env="python_env.yaml", **loader)
    made.save(str(folder / "MLmodel"))


def _signature(pipeline: Pipeline[Any]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    def column(name: str, kind: str, required: bool = True) -> Any:
        return ColSpec(DataType[kind], name, required=required)

    takes = [column(one.name, TYPES[one.kind], one.required and not one.nullable) for one in pipeline.schema.columns]
    target = pipeline.target
    if not target.classes:
        bounds = () if pipeline.intervals is None else ("lower", "upper")
        return ModelSignature(Schema(takes), Schema([column(name, "double") for name in ("prediction", *bounds)]))
    labels = {bool: "boolean", int: "long", str: "string"}
    kinds = {type(label) for label in target.classes}
    first = column("prediction", labels.get(next(iter(kinds)), "string") if len(kinds) == 1 else "string")
    shares = [column(f"probability_{label_text(label)}", "double") for label in target.classes]
    told = () if pipeline.sets is None else [column(f"set_{label_text(label)}", "boolean") for label in target.classes]
    return ModelSignature(Schema(takes), Schema([first, *shares, *told]))


def _example(pipeline: Pipeline[Any], folder: Path) -> dict[str, Any]:
    """Write one typical row, and return what MLmodel says of it."""
    row = json_rows(typical_row(pipeline), pipeline.schema)[0]
    split = {"columns": [*row], "data": [[*row.values()]]}
    (folder / "input_example.json").write_text(json.dumps(split), "utf-8")
    (folder / "serving_input_example.json").write_text(json.dumps({"dataframe_split": split}), "utf-8")
    told = {"artifact_path": "input_example.json", "type": "dataframe", "pandas_orient": "split"}
    return told | {"serving_input_path": "serving_input_example.json"}
