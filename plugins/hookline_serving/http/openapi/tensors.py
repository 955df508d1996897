"""The Open Inference Protocol, version 2, as JSON Schema: tensors of a model, what they are asked by, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline import Predictor, Schema, Target
from hookline.kinds.fitted import BOUNDS

from ..inference_protocol import DATATYPES, SET, beside_of, datatype_of
from ..reading.tensors import KNOWN_DATATYPES
from .acts import listed, record
from .bodies import AN_ID, TEXT
from .columns import example_row

DATATYPE = {"enum": [*KNOWN_DATATYPES]}
OUTPUTS = ("prediction", "probabilities")


def protocol_schemas(predictor: Predictor, info: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return the schemas of the protocol. most: rows of a request"""
    schema, target = predictor.schema, predictor.target
    described = listed(record(name=TEXT, datatype=DATATYPE, shape=listed({"type": "integer"})))
    server = record(name=TEXT, version=TEXT, extensions=listed(TEXT))
    model = record(name=TEXT, versions=listed(TEXT), platform=TEXT, inputs=described, outputs=described)
    return {
        "Server": server,
        "Model": model,
        "Tensors": _asked(schema, _outputs(target, beside_of(predictor)), most),
        "Outputs": _answered(target, info),
    }


def example_tensors(schema: Schema) -> dict[str, Any]:
    """Return the example row as tensors, one a column."""
    kinds = {column.name: DATATYPES[column.kind] for column in schema.columns}
    return {
        "inputs": [
            {"name": name, "datatype": kinds[name], "shape": [1], "data": [value]}
            for name, value in example_row(schema).items()
        ]
    }


def _asked(schema: Schema, outputs: Sequence[str], most: int) -> dict[str, Any]:
    columns = ", ".join(f"{column.name} ({DATATYPES[column.kind]})" for column in schema.columns)
    tensor = record(name=TEXT, data=listed({}, fewest=1, most=most) | {"description": "values, one a row"})
    tensor["properties"] |= {
        "datatype": DATATYPE,
        "shape": listed({"type": "integer", "minimum": 1}, fewest=1, most=2)
        | {"description": "[n] or [n, 1], of as many values as all the others have"},
    }
    inputs = listed(tensor, fewest=1) | {"description": f"one tensor a column, in any order: {columns}"}
    wanted = listed(record(name={"enum": [*outputs]})) | {"description": "which outputs to answer with"}
    body = record(inputs=inputs)
    body["properties"] |= {"id": {"description": "a text comes back with the answer"}, "outputs": wanted}
    return body | {"examples": [example_tensors(schema)]}


def _answered(target: Target, info: Mapping[str, Any]) -> dict[str, Any]:
    tensor = record(
        name={"enum": [*_outputs(target, SET if target.classes else BOUNDS)]},
        datatype=DATATYPE,
        shape=listed({"type": "integer"}),
    )
    tensor["properties"]["data"] = {"type": "array"}
    warnings = {"type": "object", "additionalProperties": listed(TEXT), "description": "by row, from 0"}
    said = record(prediction_ids=listed(TEXT), warnings=warnings)
    said["properties"]["versions"] = {"type": "array", "description": "of each row, where several versions answered"}
    whole = record(model_name=TEXT, outputs=listed(tensor), parameters=said)
    whole["properties"] |= {"model_version": TEXT, "id": TEXT}
    return whole | {"examples": [_example(target, info)]}


def _example(target: Target, info: Mapping[str, Any]) -> dict[str, Any]:
    first = target.classes[0] if target.classes else 1.5
    output = {"name": OUTPUTS[0], "datatype": datatype_of(target.classes), "shape": [1], "data": [first]}
    said = {"prediction_ids": [AN_ID], "warnings": {}}
    return {"model_name": info["model"], "outputs": [output], "parameters": said}


def _outputs(target: Target, beside: Sequence[str]) -> Sequence[str]:
    return (*(OUTPUTS if target.classes else OUTPUTS[:1]), *beside)
