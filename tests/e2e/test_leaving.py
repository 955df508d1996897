"""A package of real rows used without hookline, by the code that docs/formats.md shows: in Python, and in Node."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from kit.places import ROOT
from kit.processes import lacks, run_command

COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)
ASK = """
import json, sys
label, probabilities = answers(sys.argv[1], json.load(open(sys.argv[2])))
print(json.dumps([label.tolist(), probabilities.tolist(), sorted(sys.modules)]))
"""
ASK_NODE = """
import { readFileSync } from "node:fs";
import { answers } from "./answers.mjs";
const found = await answers(process.argv[2], JSON.parse(readFileSync(process.argv[3], "utf-8")));
console.log(JSON.stringify(found));
"""


@dataclass(frozen=True)
class Left:
    """A model of Adult with a threshold, as one file, and what its pipeline says of raw rows that it never saw."""

    file: Path
    rows: pl.DataFrame
    labels: list[str]
    probabilities: np.ndarray

    def asked(self, folder: Path, *, as_texts: bool = False) -> Path:
        """Write the rows as JSON, missing values as null, or all as texts, as a CSV file has them."""
        said = self.rows.select(pl.all().cast(pl.String).fill_null("")) if as_texts else self.rows
        (folder / "rows.json").write_text(json.dumps(said.to_dicts()))
        return folder / "rows.json"


@pytest.fixture(scope="module")
def left(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    train, test = (adult(shared_data / f"adult-{part}.csv") for part in ("train", "test"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(tmp_path_factory.mktemp("adult")))
        run = hl.run(
            source=train.head(4_000),
            target="income",
            trainer={"component": "hist_gradient_boosting", "max_iter": 30},
            decision={"threshold": 0.3, "positive": ">50K"},
            packager=["onnx"],
            evaluator=[],
            monitor=[],
            deployer=None,
        )
    rows = test.drop("income").head(2_000)
    said = run.predictor.predict(rows)
    assert said.probabilities is not None
    likeliest = np.array([">50K" if one else "<=50K" for one in said.probabilities.argmax(axis=1)])
    assert (likeliest != said.values).sum() > 50
    return Left(run.package("onnx") / "model.onnx", rows, said.values.tolist(), said.probabilities)


def adult(file: Path) -> pl.DataFrame:
    raw = pl.read_csv(file, has_header=False, new_columns=list(COLUMNS), comment_prefix="|", null_values=["?", " ?"])
    texts = raw.with_columns(pl.col(pl.String).str.strip_chars().replace("?", None))
    return texts.with_columns(pl.col("income").str.strip_suffix("."))


def shown(language: str) -> str:
    """Return the code of a language that the page shows."""
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs/formats.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def require_same(left: Left, labels: Any, probabilities: Any) -> None:
    np.testing.assert_allclose(np.reshape(probabilities, (-1, 2)), left.probabilities, atol=1e-5)
    assert labels == left.labels


def test_the_code_shown_decides_as_the_pipeline_with_onnxruntime_and_numpy_alone(left: Left, tmp_path: Path) -> None:
    code = shown("python") + ASK
    done = run_command([sys.executable, "-I", "-c", code, str(left.file), str(left.asked(tmp_path))], check=True)
    labels, probabilities, modules = json.loads(done.stdout)
    require_same(left, labels, probabilities)
    assert not {"hookline", "polars", "onnx", "sklearn"} & set(modules)


@pytest.mark.long
def test_it_decides_alike_in_an_environment_that_has_nothing_else(left: Left, tmp_path: Path) -> None:
    run_command([sys.executable, "-m", "venv", str(tmp_path / "fresh")], timeout=120, check=True)
    python = str(tmp_path / "fresh/bin/python")
    done = run_command([python, "-m", "pip", "install", "-q", "onnxruntime", "numpy"], timeout=300)
    if done.returncode:
        lacks(f"onnxruntime does not install here: {done.stderr.strip().splitlines()[-1]}")
    told = run_command([python, "-c", shown("python") + ASK, str(left.file), str(left.asked(tmp_path))], check=True)
    labels, probabilities, _ = json.loads(told.stdout)
    require_same(left, labels, probabilities)


@pytest.mark.long
def test_the_code_shown_decides_as_the_pipeline_in_node_from_raw_texts(left: Left, tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        lacks("node and npm are not here")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = run_command(["npm", "install", "--no-audit", "--no-fund", "onnxruntime-web"], cwd=tmp_path, timeout=300)
    if done.returncode:
        lacks(f"onnxruntime-web does not install here: {done.stderr.strip()[-200:]}")
    (tmp_path / "answers.mjs").write_text(shown("js"))
    (tmp_path / "ask.mjs").write_text(ASK_NODE)
    asked = str(left.asked(tmp_path, as_texts=True))
    told = run_command(["node", "ask.mjs", str(left.file), asked], cwd=tmp_path, timeout=120, check=True)
    found = json.loads(told.stdout)
    require_same(left, found["labels"], found["probabilities"])
