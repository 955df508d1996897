"""What the routes beside the Open Inference Protocol take and answer, as JSON Schema, with an example of each."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from hookline import Schema, Target
from hookline.kinds.fitted import BOUNDS, label_text
from hookline.workspace.catalog.labels import LONGEST_ID

from .acts import listed, named, record
from .columns import example_row

AN_ID = "3b366335-b57d-4d1d-bb00-7f4b555bf0ed"
"""Of a prediction, in examples."""
TEXT, COUNT, OBJECT = {"type": "string"}, {"type": "integer"}, {"type": "object"}
VERSION = {"type": ["integer", "null"]}


def rows(most: int) -> dict[str, Any]:
    """Return what rows may be given as: {"rows": [...]}, a list, or one row."""
    several = listed(named("Row"), fewest=1, most=most)
    return {"anyOf": [record(rows=several), several, named("Row")]}


def predictions(target: Target, info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `/predict` answers."""
    described = {"type": "string", "format": "uuid", "description": "names the prediction in the record"}
    item = record(id=described, prediction=_label(target), warnings=listed(TEXT))
    item["properties"]["version"] = VERSION | {"description": "which answered, where a policy lets several answer"}
    example = {"id": AN_ID, "prediction": _first(target), "warnings": []}
    if not target.classes:
        about = {"description": "of the interval around the prediction, where the model tells any"}
        item["properties"] |= {name: {"type": "number"} | about for name in BOUNDS}
    if target.classes:
        chances = {label_text(label): {"type": "number"} for label in target.classes}
        item["properties"]["probabilities"] = {"type": "object", "properties": chances, "required": [*chances]}
        about = {"description": "the classes that may be true, where the model tells them"}
        item["properties"]["set"] = listed(_label(target)) | about
        example["probabilities"] = {name: 1 / len(chances) for name in chances}
    whole = {"model": info["model"], "version": info["version"], "predictions": [example]}
    return record(model=TEXT, version=VERSION, predictions=listed(item)) | {"examples": [whole]}


def error() -> dict[str, Any]:
    """Return what every error is told as."""
    problem = {
        "row": COUNT | {"description": "position in the request, from 0"},
        "column": TEXT,
        "message": TEXT,
    }
    problems = listed({"type": "object", "properties": problem, "required": ["column", "message"]})
    told = {"row": 0, "column": "amount", "message": 'must be a number, got "two"'}
    example = {"error": "1 value does not fit the input contract", "problems": [told]}
    properties = {"error": TEXT, "problems": problems}
    return {"type": "object", "properties": properties, "required": ["error"], "examples": [example]}


def label_schemas(target: Target) -> dict[str, Any]:
    """Return the rows that `/labels` takes."""
    name = TEXT | {"minLength": 1, "maxLength": LONGEST_ID, "description": "the id that the answer had"}
    since = TEXT | {"format": "date-time", "description": "since when; UTC where it names no zone"}
    example = {"prediction_id": AN_ID, "value": _first(target)}
    facts: dict[str, Any] = {"prediction_id": name, "value": _truth(target)}
    timed = record(**facts, time=since) | {"examples": [example | {"time": "2026-01-31T08:00:00+01:00"}]}
    label: dict[str, Any] = record(**facts)
    label |= {"properties": facts | {"time": False}, "examples": [example]}
    # Nothing else of it is looked at.
    nothing = {"type": "object", "properties": {"value": {"type": "null"}}, "required": ["prediction_id", "value"]}
    return {"Label": label, "TimedLabel": timed, "NoLabel": nothing | {"description": "nothing is known yet"}}


def labels(most: int) -> dict[str, Any]:
    """Return what `/labels` takes: rows, all of them with a time or none, or one."""
    lone, timed, nothing = named("Label"), named("TimedLabel"), named("NoLabel")
    none_timed = listed({"anyOf": [lone, nothing | {"properties": {"time": False}}]}, fewest=1, most=most)
    several = {"anyOf": [none_timed, listed({"anyOf": [timed, nothing]}, fewest=1, most=most)]}
    return {"anyOf": [record(rows=several), several, lone, timed, nothing]}


def example_labels(target: Target) -> list[dict[str, Any]]:
    """Return rows that `/labels` takes."""
    return [{"prediction_id": AN_ID, "value": _first(target)}]


def labeled() -> dict[str, Any]:
    """Return what `/labels` answers."""
    counts = ("added", "corrected", "aside", "known", "empty", "zoneless")
    return record(model=TEXT, **dict.fromkeys(counts, COUNT))


def explanations() -> dict[str, Any]:
    """Return what `/explain` answers."""
    number = {"type": "number"}
    row = record(base=number, values={"type": "object", "additionalProperties": number})
    return record(model=TEXT, version=VERSION, method=TEXT, unit=TEXT, background=TEXT, explanations=listed(row))


def invocations(most: int) -> dict[str, Any]:
    """Return what `/invocations` takes as JSON: exactly one of four ways to give rows, as MLflow's scoring server has it."""
    values = {"description": "values in the order of the columns"}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": ["array", "null"], "items": TEXT, "uniqueItems": True},
            "data": listed({"type": "array"} | values, fewest=1, most=most),
        },
        "required": ["data"],
    }
    records = listed(named("Row"), fewest=1, most=most)
    instances = {"type": "array", "minItems": 1, "maxItems": most, "description": "rows, or values of each"}
    column = {"anyOf": [listed({}, fewest=1, most=most), {"not": {"type": "array"}}]}
    by_column = {"type": "object", "minProperties": 1, "additionalProperties": column}
    by_column["description"] = "values by column, a row each"
    ways = {
        "dataframe_split": split,
        "dataframe_records": records,
        "instances": instances,
        "inputs": {"anyOf": [by_column, instances]},
    }
    return {"oneOf": [record(**{name: given}) for name, given in ways.items()]}


def invoked(target: Target) -> dict[str, Any]:
    """Return what `/invocations` answers."""
    return record(predictions=listed(_label(target)), prediction_ids=listed(TEXT | {"format": "uuid"}))


def example_csv(schema: Schema) -> str:
    """Return the example row as a CSV file."""
    row = example_row(schema)
    written = StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(row)
    table.writerow([{True: "true", False: "false", None: ""}.get(value, value) for value in row.values()])
    return written.getvalue()


def _label(target: Target) -> dict[str, Any]:
    return {"enum": [*target.classes]} if target.classes else {"type": "number"}


def _first(target: Target) -> Any:
    return target.classes[0] if target.classes else 1.5


def _truth(target: Target) -> dict[str, Any]:
    """Return what may turn out to be true: a class, as itself or as text."""
    texts = [label_text(label) for label in target.classes]
    return {"enum": [*dict.fromkeys([*target.classes, *texts])]} if texts else {"type": ["number", "string"]}
