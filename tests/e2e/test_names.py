"""A column may be called anything: from a CSV file through a run and every package to what a server answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Trust
from kit.serving import serving

NAMES = [
    "value", "label", "probabilities", "prediction", "row_id", "truth", "__index__", "weight", "prediction_id", "rows",
    "X", "y", "N", "index", "literal", "column_0", "column 0", "Cast_0_output", "LabelEncoder_0_Y", "raw.label", "x?missing",
    'say "a"', "it's", "back\\slash", "line\nbreak", "\t", " ", "a.b", "a[0]", "a, b", "a=b", "{x}", "%s", "/",
    "é 表 ☃", "\u200b",
]  # fmt: skip
SIZE = 120


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for place, name in enumerate(NAMES):
        columns[name] = rng.normal(size=SIZE) if place % 2 else rng.choice(["p", "q"], SIZE)
    target = np.where(columns["label"] > 0, "yes", "no")
    return pl.DataFrame(columns | {"outcome": target})


@pytest.fixture(scope="module")
def made(home: Path, table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    path = tmp_path_factory.mktemp("data") / "odd.csv"
    table.write_csv(path)
    return hl.run(
        source={"component": "file", "path": str(path)},
        target="outcome",
        trainer="decision_tree",
        packager=["onnx", "skops", "pickle"],
        monitor=["data_drift"],
        deployer="local",
        name="odd",
        home=home,
    )


@pytest.mark.parametrize("packager", ["onnx", "skops", "pickle"])
def test_every_package_predicts_what_the_run_does(made: hl.Run, table: pl.DataFrame, packager: str) -> None:
    loaded = hl.load(made.package(packager), trust=Trust(pickle=True))
    assert loaded.schema.names == tuple(NAMES)
    assert loaded.predict(table).values.tolist() == made.predict(table).values.tolist()


def test_a_server_answers_in_both_of_its_protocols(
    made: hl.Run, table: pl.DataFrame, home: Path, tmp_path: Path
) -> None:
    rows = table.drop("outcome").head(3)
    expected = made.predict(rows).values.tolist()
    inputs = [
        {"name": name, "shape": [3], "datatype": _kind(rows[name]), "data": rows[name].to_list()} for name in NAMES
    ]
    with serving(made.package("onnx"), home, tmp_path) as server:
        plain = server.post({"rows": rows.to_dicts()}, "/predict").json()
        tensors = server.post({"inputs": inputs}, "/v2/models/odd/infer").json()
        example = httpx.get(server.url + "/example").json()
        again = server.post(example)
        lacking = server.post({"rows": [dict.fromkeys(NAMES[1:])]}, "/predict").json()
    assert [item["prediction"] for item in plain["predictions"]] == expected
    assert tensors["outputs"][0]["data"] == expected
    assert again.status_code == 200
    assert [(problem["row"], problem["column"]) for problem in lacking["problems"]] == [(0, "value")]


def test_a_monitor_names_them(made: hl.Run, table: pl.DataFrame, home: Path) -> None:
    moved = table.with_columns(pl.col('say "a"') + 9, pl.col("line\nbreak").replace({"p": "q"}))
    reports = hl.monitor(made.package("onnx"), moved, home=home)
    subjects = {finding.subject for report in reports.values() for finding in report.findings}
    assert {'say "a"', "line\nbreak"} <= subjects


def test_numbers_are_packaged_beside_a_column_that_is_called_as_their_output_is(home: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=SIZE)
    run = hl.run(
        source=pl.DataFrame({"value": values, "value_out": values[::-1], "y": values * 3}),
        target="y",
        trainer="decision_tree",
        packager=["onnx"],
        home=home,
    )
    rows = pl.DataFrame({"value": values, "value_out": values[::-1]})
    assert hl.load(run.package("onnx")).predict(rows).values == pytest.approx(run.predict(rows).values, rel=1e-5)


def _kind(values: pl.Series) -> str:
    return "FP64" if values.dtype.is_numeric() else "BYTES"
