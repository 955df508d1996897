"""The JSON schema of config files: what it accepts, what it refuses, and what it tells an editor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hookline.cli import main
from hookline.kinds.kinds import KINDS
from hookline.plans.json_schema import schema_of
from hookline.registry.registry import load_registry
from kit.places import ROOT

EXPERIMENTS = sorted(
    path
    for folder in ("conf", "examples", "tests/acme_plugin")
    for path in (ROOT / folder).rglob("experiment/**/*.yaml")
    if ".venv" not in path.parts
)
NOTES = {"$defs", "$schema", "default", "description", "title", "format"}
TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def fits(schema: Any, value: Any, whole: Mapping[str, Any]) -> bool:
    """Tell whether a value fits a schema, by draft 2020-12; raises KeyError for a keyword that it does not know."""
    if isinstance(schema, bool):
        return schema
    return all(RULES[key](schema, value, whole) for key in schema if key not in NOTES)


def _reference(schema: Any, value: Any, whole: Any) -> bool:
    return fits(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, whole)


def _type(schema: Any, value: Any, _: Any) -> bool:
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(isinstance(value, TYPES[t]) and (t == "boolean" or not isinstance(value, bool)) for t in wanted)


def _condition(schema: Any, value: Any, whole: Any) -> bool:
    return fits(schema.get("then" if fits(schema["if"], value, whole) else "else", True), value, whole)


def _properties(schema: Any, value: Any, whole: Any) -> bool:
    return not isinstance(value, dict) or all(
        fits(inner, value[key], whole) for key, inner in schema["properties"].items() if key in value
    )


def _matching(schema: Any, value: Any, whole: Any) -> bool:
    return not isinstance(value, dict) or all(
        fits(inner, value[key], whole)
        for pattern, inner in schema["patternProperties"].items()
        for key in value
        if re.search(pattern, key)
    )


def _others(schema: Any, value: Any, whole: Any) -> bool:
    if not isinstance(value, dict):
        return True
    patterns = schema.get("patternProperties", {})
    known = {key for key in value if key in schema.get("properties", {}) or any(re.search(p, key) for p in patterns)}
    return all(fits(schema["additionalProperties"], value[key], whole) for key in value if key not in known)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


RULES: Mapping[str, Any] = {
    "$ref": _reference,
    "type": _type,
    "if": _condition,
    "then": lambda *_: True,
    "else": lambda *_: True,
    "properties": _properties,
    "patternProperties": _matching,
    "additionalProperties": _others,
    "propertyNames": lambda s, v, w: not isinstance(v, dict) or all(fits(s["propertyNames"], key, w) for key in v),
    "minProperties": lambda s, v, _: not isinstance(v, dict) or len(v) >= s["minProperties"],
    "maxProperties": lambda s, v, _: not isinstance(v, dict) or len(v) <= s["maxProperties"],
    "required": lambda s, v, _: not isinstance(v, dict) or set(s["required"]) <= set(v),
    "enum": lambda s, v, _: any(type(v) is type(option) and v == option for option in s["enum"]),
    "const": lambda s, v, _: type(v) is type(s["const"]) and v == s["const"],
    "anyOf": lambda s, v, w: any(fits(inner, v, w) for inner in s["anyOf"]),
    "allOf": lambda s, v, w: all(fits(inner, v, w) for inner in s["allOf"]),
    "not": lambda s, v, w: not fits(s["not"], v, w),
    "items": lambda s, v, w: not isinstance(v, list) or all(fits(s["items"], item, w) for item in v),
    "contains": lambda s, v, w: not isinstance(v, list) or any(fits(s["contains"], item, w) for item in v),
    "minItems": lambda s, v, _: not isinstance(v, list) or len(v) >= s["minItems"],
    "maxItems": lambda s, v, _: not isinstance(v, list) or len(v) <= s["maxItems"],
    "minLength": lambda s, v, _: not isinstance(v, str) or len(v) >= s["minLength"],
    "maxLength": lambda s, v, _: not isinstance(v, str) or len(v) <= s["maxLength"],
    "pattern": lambda s, v, _: not isinstance(v, str) or re.search(s["pattern"], v) is not None,
    "minimum": lambda s, v, _: not _is_number(v) or v >= s["minimum"],
    "maximum": lambda s, v, _: not _is_number(v) or v <= s["maximum"],
    "exclusiveMinimum": lambda s, v, _: not _is_number(v) or v > s["exclusiveMinimum"],
    "exclusiveMaximum": lambda s, v, _: not _is_number(v) or v < s["exclusiveMaximum"],
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(schema_of(load_registry())))
    return found


def read(text: str) -> Any:
    return OmegaConf.to_container(OmegaConf.create(text))


def nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from nodes(item)


def test_there_are_experiments_to_check() -> None:
    assert len(EXPERIMENTS) >= 3


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_of_ours_fits(path: Path, schema: dict[str, Any]) -> None:
    value = OmegaConf.to_container(OmegaConf.load(path))
    foreign = [
        name
        for entry in value["defaults"]
        if isinstance(entry, dict)
        for names in entry.values()
        for name in (names if isinstance(names, list) else [names])
        if "." in str(name) and not any(f"{kind}.{name}" in schema["$defs"] for kind in KINDS)
    ]
    # A component of a plugin that is not installed here is unknown, and the schema is right to say so.
    assert fits(schema, value, schema) is not bool(foreign)


def test_our_own_root_config_fits(schema: dict[str, Any]) -> None:
    value = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / "hookline_conf" / "config.yaml"))
    assert fits(schema, value, schema)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "trainer: {component: ridge, alpha: 2}",
        "trainer: ridge",
        "trainer: {alpha: '${oc.env:ALPHA}'}",
        "deployer: null",
        "defaults: [_self_, base, {override /trainer: random_forest}]\ntrainer: {n_estimators: 7}",
        "defaults: [{override /transform: [dedupe, impute]}]\ntransform: {impute: {number: mean}}",
        "defaults: [{/mine: a}, {override hydra/launcher: basic}, {override /experiment: null}]",
        "transform: {numbers: {component: impute, number: mean}, texts: {component: impute, text: constant}}",
        "transform: {impute: {columns: null}}",
        "transform: {impute: {columns: {kind: number}}}",
        "source: {component: file, path: x.csv, dtypes: {zip: string}}",
        "roles: {target: y, ignore: [a, b]}\nsplit: {method: time, test: 0.2}\ngates: {roc_auc: 0.9}\nrepeats: 3",
        "roles: null\nname: null\nseed: 0\nsettings: {mlflow: {enabled: true}}",
        "hydra: {sweep: {dir: x}}",
    ],
)
def test_a_right_file_fits(text: str, schema: dict[str, Any]) -> None:
    assert fits(schema, read(text), schema)


@pytest.mark.parametrize(
    "text",
    [
        "trianer: ridge",
        "trainer: rigde",
        "trainer: {component: rigde}",
        "trainer: {component: ridge, alpah: 2}",
        "trainer: {component: ridge, alpha: -1}",
        "trainer: {component: ridge, alpha: much}",
        "trainer: {component: ridge, n_estimators: 7}",
        "trainer: null",
        "trainer: [ridge]",
        "trainer: {no_such_field: 1}",
        "defaults: [{override /trainer: ridge}]\ntrainer: {n_estimators: 7}",
        "defaults: [{override /trainer: rigde}]",
        "defaults: [{override /transform: [dedupe, inpute]}]",
        "defaults: [{override /trianer: ridge}]",
        "defaults: {override /trainer: ridge}",
        "transform: {impute: {number: meen}}",
        "transform: {impute: {columns: {knid: number}}}",
        "transform: {numbers: {component: impute, nmuber: mean}}",
        "transform: [impute]",
        "split: {method: tmie}",
        "split: {test: 1.0}",
        "split: {fold: -1}",
        "roles: {traget: y}",
        "gates: {roc_auc: high}",
        "repeats: 0",
        "seed: yes please",
        "task: clustering",
        "settings: {mlfow: {enabled: true}}",
        "settings: {mlflow: {enabled: 7}}",
        "_target_: os.system",
    ],
)
def test_a_wrong_file_does_not_fit(text: str, schema: dict[str, Any]) -> None:
    assert not fits(schema, read(text), schema)


def test_every_component_is_in_it_with_all_its_fields(schema: dict[str, Any]) -> None:
    registry = load_registry()
    for kind in KINDS:
        for name in registry.names(kind):
            fields = {field.name for field in registry.describe(kind, name).fields}
            assert set(schema["$defs"][f"{kind}.{name}"]["properties"]) == {"component", *fields}


def test_every_field_carries_its_documentation_and_default(schema: dict[str, Any]) -> None:
    registry = load_registry()
    for kind in KINDS:
        for name in registry.names(kind):
            for field in registry.describe(kind, name).fields:
                node = schema["$defs"][f"{kind}.{name}"]["properties"][field.name]
                assert node.get("description", "") == " ".join(field.doc.split()), f"{kind} {name} {field.name}"
                assert field.required or node.get("default", field.default) == field.default


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    named = {node["$ref"].removeprefix("#/$defs/") for node in nodes(schema) if isinstance(node.get("$ref"), str)}
    assert named <= set(schema["$defs"])


def test_roles_and_split_carry_their_documentation(schema: dict[str, Any]) -> None:
    assert schema["$defs"]["options.Roles"]["properties"]["target"]["description"] == "The column to predict."
    assert "held out" in schema["$defs"]["options.SplitOptions"]["properties"]["test"]["description"]


def test_it_is_printed_as_json(capsys: pytest.CaptureFixture[str], schema: dict[str, Any]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == schema
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_is_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], schema: dict[str, Any]) -> None:
    path = tmp_path / "hookline.schema.json"
    assert main(["schema", "--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert (out, json.loads(path.read_text("utf-8"))) == ("", schema)
    assert "# yaml-language-server: $schema=hookline.schema.json" in err
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == [path.name]


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "-o", str(tmp_path / "no" / "s.json")]) == 1
    assert "cannot be written" in capsys.readouterr().err
