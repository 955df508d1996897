"""Texts that somebody may type or leave in a file: what is meant is understood, or it is an error of ours, and soon."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from hookline.cli.options import fields_of
from hookline.cli.reading import apart, fields_of_reading
from hookline.data.columns import parse_dtype
from hookline.data.contract.file import read_contract
from hookline.data.contract.patterns import compile_pattern
from hookline.errors import HooklineError
from hookline.kinds.artifacts import Target
from hookline.live.records import records_in
from hookline.packages.reading import Reading
from hookline.plans.hydra.overrides import check_overrides
from hookline.plans.hydra.shorthand import read_in, spelled_out
from hookline.registry.registry import Registry
from hookline.runs.names import find, split_model_name
from hookline.workspace.bounded import Unreadable, parse_json
from hookline.workspace.signing import Signer
from kit.mutations import examples, mutated, mutated_bytes, mutated_text

NAMES = ("customers", "customers:3", "customers@champion", "last", "20261123-190501-3fa2c9", "models/x", "a:b@c", "")
OVERRIDES = (
    *(
        "seed=7",
        "trainer=random_forest",
        "trainer.n_estimators=10,20",
        "transform=[dedupe,impute]",
        "+x.y=1",
        "~trainer",
    ),
    *(
        "source=data/rows.csv",
        "source.path='a b.csv'",
        "roles.ignore=[a,'b c']",
        "gates.accuracy=0.9",
        "split.test=0.2",
    ),
    *("trainer.depth=range(1,9)", "trainer.rate=interval(0.1,1)", "hydra.run.dir=x", "target=churned", "rows.csv"),
)
CONTRACT = """format: 1
columns:
  amount: {kind: number, minimum: 0, maximum: 1e6, nullable: true}
  plan:
    categories: [free, pro]
    on_violation: reject
  code: {pattern: '[A-Z]{2}\\d+'}
  since: {kind: datetime, minimum: 2020-01-01}
long_categories:
  town: [a, b]
"""
TYPES = (
    "Float64",
    "Datetime(time_unit='us', time_zone=None)",
    "Decimal(10, 2)",
    "Enum(categories=['a'])",
    "Categorical",
)
PATTERNS = (r"[a-z]+@[a-z]+\.[a-z]{2,}", r"(\w+,)*\w+", r"(?i)a|b|c{3,9}", r"(?P<x>\d+)(?P=x)", r"[^\s]*?x(?=y)")


def test_json_is_read_as_python_reads_it_or_refused() -> None:
    good = json.dumps({"a": [1, 2.5, None, True, "é", {"b": []}], "c": -0.0, "d": 1e-7}).encode()
    for rng in examples():
        content = mutated_bytes(rng, good)
        try:
            found = parse_json(content)
        except Unreadable:
            continue
        assert json.dumps(found) == json.dumps(json.loads(content))


def test_a_stores_entry_is_ours_or_none(tmp_path: Path) -> None:
    signer = Signer(b"k" * 32)
    (tmp_path / "rows.arrow").write_bytes(b"rows")
    signer.sign(tmp_path, "abc", {"stage": "trainer"})
    good = (tmp_path / "entry.json").read_bytes()
    assert signer.authentic(good, "abc") is not None
    for rng in examples():
        found = signer.authentic(mutated_bytes(rng, good), "abc")
        assert found is None or found == json.loads(good)


def test_a_name_means_something_or_nothing() -> None:
    for rng in examples():
        name = mutated_text(rng, rng.choice(NAMES))
        model, number, alias = split_model_name(name)
        assert model in name
        assert number is None or alias is None
        with suppress(HooklineError):
            find(name)


def test_overrides_are_spelled_out_or_refused(registry: Registry) -> None:
    for rng in examples():
        words = [mutated_text(rng, rng.choice(OVERRIDES)) for _ in range(rng.randint(1, 3))]
        with suppress(HooklineError):
            check_overrides(registry, spelled_out(words))
        with suppress(HooklineError):
            read_in(words)


def test_fields_on_a_command_line_are_read_or_refused(registry: Registry) -> None:
    words = (
        "source.separator=tab",
        "--source.decimal=,",
        "source.missing=[NA,-]",
        "source.columns={a: b}",
        "source.path=x",
    )
    for rng in examples():
        _, overrides = apart([mutated_text(rng, rng.choice(words))])
        with suppress(HooklineError):
            fields_of_reading(registry, Reading(), overrides)
        with suppress(HooklineError):
            fields_of([mutated_text(rng, 'drift.threshold={"a": 1}')], ["drift"])


def test_a_contract_is_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    for rng in examples():
        file.write_bytes(mutated_bytes(rng, CONTRACT.encode()))
        begun = time.monotonic()
        with suppress(HooklineError):
            read = read_contract(file)
            assert read.columns or read.rules or read.table
        assert time.monotonic() - begun < 5


def test_a_prediction_log_is_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "log.ndjson"
    record = {
        "id": "a",
        "time": "2026-11-28T10:00:00Z",
        "model": "m",
        "version": 1,
        "row": {"x": 1.5},
        "prediction": "yes",
    }
    line = json.dumps(record | {"probabilities": [0.2, 0.8]})
    for rng in examples():
        lines = [json.dumps(mutated(rng, json.loads(line))) if rng.random() < 0.5 else line for _ in range(3)]
        content = ("\n".join(lines) + "\n").encode()
        file.write_bytes(mutated_bytes(rng, content) if rng.random() < 0.5 else content)
        with suppress(HooklineError):
            found = records_in(file)
            if found is not None:
                found.of_version(1).answers(Target("y", "binary", ("no", "yes")))


def test_a_column_type_is_one_of_polars_or_refused() -> None:
    refusals = (
        HooklineError,
        ValueError,
        TypeError,
        SyntaxError,
        RecursionError,
        MemoryError,
        pl.exceptions.PolarsError,
    )
    for rng in examples():
        with suppress(*refusals):
            assert isinstance(parse_dtype(mutated_text(rng, rng.choice(TYPES))), pl.DataType)


@pytest.mark.parametrize("text", ["a" * 5_000, "aa@aa.", "a," * 300 + "!", "x" * 200 + "y"])
def test_no_pattern_takes_for_ever(text: str) -> None:
    for rng in examples():
        pattern = mutated_text(rng, rng.choice(PATTERNS))
        begun = time.monotonic()
        with suppress(ValueError):
            compile_pattern(pattern).matches(text)
        assert time.monotonic() - begun < 2, pattern
