"""Packages of which somebody changed values, digests made right again: an answer that holds together, or an error of ours."""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.errors import HooklineError
from hookline.kinds.fitted import Prediction
from hookline.packages.loading import LoadedPackage
from hookline.packages.telling.features import features_in
from kit.mutations import examples, mutated, mutated_bytes
from kit.packages import reseal

STATES = ("pipeline.json", "profile.json", "answers.json", "certificate.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    rows = pl.DataFrame(
        {
            "amount": [float(n % 7) for n in range(60)],
            "plan": [("free", "pro", None)[n % 3] for n in range(60)],
            "active": [n % 2 == 0 for n in range(60)],
            "since": pl.Series([n * 86_400_000_000 for n in range(60)]).cast(pl.Datetime("us")),
            "churned": [("no", "yes")[n % 5 == 0] for n in range(60)],
        }
    )
    return hl.run(
        source=rows,
        target="churned",
        transform=["impute"],
        trainer="decision_tree",
        packager=["onnx", "skops"],
        monitor=["data_drift"],
        evaluator=[],
        home=tmp_path_factory.mktemp("home"),
    )


@pytest.fixture
def package(made: hl.Run, tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(made.package(name), tmp_path / name))


def judge(package: Path, rows: pl.DataFrame) -> None:
    """Load a package and ask it; whatever comes must hold together."""
    with suppress(HooklineError):
        features_in(package)
        loaded = hl.load(package)
        assert isinstance(loaded, LoadedPackage)
        assert "\n" not in loaded.manifest["name"]
        answer = loaded.predict(rows.select(name for name in loaded.schema.names if name in rows.columns))
        assert_whole(answer, rows.height)
        hl.monitor(package, rows)


def assert_whole(answer: Prediction, rows: int) -> None:
    assert len(answer.values) == rows
    if answer.probabilities is not None:
        assert answer.probabilities.shape == (rows, len(answer.classes))
        assert np.isfinite(answer.probabilities).all()


@pytest.fixture
def rows() -> pl.DataFrame:
    return pl.DataFrame(
        {"amount": [1.0, None], "plan": ["pro", "new"], "active": [True, None], "since": [None, None]},
        schema_overrides={"since": pl.Datetime("us")},
    )


@pytest.mark.parametrize("name", ["onnx", "skops"])
def test_a_manifest_of_other_values_is_refused_or_answers(
    package: Callable[[str], Path], rows: pl.DataFrame, name: str
) -> None:
    folder = package(name)
    good = json.loads((folder / "manifest.json").read_text())
    for rng in examples():
        said = mutated(rng, good)
        reseal(folder, said) if isinstance(said, dict) else (folder / "manifest.json").write_text(json.dumps(said))
        judge(folder, rows)
        (folder / "manifest.json").write_text(json.dumps(good))


@pytest.mark.parametrize("name", ["onnx", "skops"])
def test_files_of_other_values_are_refused_or_answer(
    package: Callable[[str], Path], rows: pl.DataFrame, name: str
) -> None:
    folder = package(name)
    for rng in examples():
        file = folder / rng.choice([*STATES, "features.json"] if name == "skops" else STATES)
        good = file.read_text()
        file.write_text(json.dumps(mutated(rng, json.loads(good))))
        reseal(folder)
        judge(folder, rows)
        file.write_text(good)


def test_a_schema_of_other_values_is_refused_or_answers(package: Callable[[str], Path], rows: pl.DataFrame) -> None:
    folder = package("skops")
    good = (folder / "model.skops").read_bytes()
    for rng in examples():
        (folder / "model.skops").write_bytes(_with_schema(rng, good))
        reseal(folder)
        judge(folder, rows)


def _with_schema(rng: random.Random, content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(held, "w") as write:
        for name in read.namelist():
            found: Any = read.read(name)
            write.writestr(name, json.dumps(mutated(rng, json.loads(found))) if name == "schema.json" else found)
    return held.getvalue()


@pytest.mark.parametrize("name", ["onnx", "skops"])
def test_models_of_other_bytes_are_refused_or_answer(
    package: Callable[[str], Path], rows: pl.DataFrame, name: str
) -> None:
    folder = package(name)
    file = folder / f"model.{name}"
    good = file.read_bytes()
    for rng in examples():
        file.write_bytes(mutated_bytes(rng, good))
        reseal(folder)
        judge(folder, rows)
