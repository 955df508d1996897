"""Every trainer from data through packages, a fresh process and a server, with one and the same answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.registry.registry import load_registry

HOOKLINE = str(Path(sys.executable).with_name("hookline"))
CASES = {
    "calibrated": ("wine", ("trainer.trainer={component:random_forest,n_estimators:20}",)),
    "decision_tree": ("digits", ()),
    "hist_gradient_boosting": ("breast_cancer", ("trainer.max_iter=20",)),
    "linear_regression": ("diabetes", ()),
    "logistic_regression": ("wine", ()),
    "mlp": ("iris", ("trainer.max_epochs=5",)),
    "random_forest": ("diabetes", ("trainer.n_estimators=20",)),
    "ridge": ("diabetes", ()),
    "sgd_classifier": ("wine", ()),
    "sgd_regressor": ("diabetes", ()),
    "sklearn": ("wine", ("trainer.class_name=ExtraTreesClassifier", "+trainer.params.n_estimators=20")),
}


def test_every_trainer_is_among_the_cases() -> None:
    assert sorted(CASES) == load_registry().names("trainer")


@pytest.mark.parametrize("trainer", CASES)
def test_one_answer_from_run_fresh_process_and_server(trainer: str, tmp_path: Path) -> None:
    source, more = CASES[trainer]
    run = hl.run(f"source={source}", f"trainer={trainer}", *more)
    assert run.evidence["parity"][0]["ok"]
    rows = hl.load(run.package())  # the contract, to take rows that fit it
    frame = raw_rows(source, rows.schema.names).head(20)
    frame.write_parquet(tmp_path / "rows.parquet")
    expected = run.predict(frame)

    fresh = subprocess.run(
        [
            HOOKLINE,
            "predict",
            str(run.package()),
            str(tmp_path / "rows.parquet"),
            "--output",
            str(tmp_path / "out.parquet"),
        ],
        env=os.environ | {"HOOKLINE_HOME": str(tmp_path / "elsewhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert fresh.returncode == 0, fresh.stderr
    scored = pl.read_parquet(tmp_path / "out.parquet")["prediction"].to_list()
    with server(run.evidence["run"]["name"] or source) as url:
        served = [item["prediction"] for item in post(f"{url}/predict", {"rows": frame.to_dicts()})["predictions"]]
    if run.predictor.target.task == "regression":
        assert scored == pytest.approx(expected.values.tolist(), rel=1e-5)
        assert served == pytest.approx(expected.values.tolist(), rel=1e-5)
    else:
        assert scored == served == expected.values.tolist()


def raw_rows(source: str, names: tuple[str, ...]) -> pl.DataFrame:
    from sklearn import datasets

    return pl.DataFrame(getattr(datasets, f"load_{source}")().data, schema=list(names))


@contextmanager
def server(model: str) -> Iterator[str]:
    with subprocess.Popen([HOOKLINE, "serve", model, "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = []
        try:
            for line in process.stderr:
                told.append(line)
                if "answers at" in line:
                    yield line.split()[-1]
                    break
            else:
                pytest.fail("".join(told))
        finally:
            process.terminate()


def post(url: str, body: object) -> dict[str, list[dict[str, object]]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, list[dict[str, object]]] = json.load(answer)
        return found
