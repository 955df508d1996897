"""What `serve` recorded, given to monitors: its rows as rows, its answers as answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UsageError
from hookline.live.records import records_in
from kit.serving import serving


def rows(count: int, seed: int, moved: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count) + moved
    color = rng.choice(["red", "green", "007"], count)
    bought = np.where(size + (color == "red") + rng.normal(0, 0.5, count) > 0.3 + moved, "yes", "no")
    when = pl.datetime_range(pl.datetime(2026, 1, 1), interval="1h", end=pl.datetime(2027, 1, 1), eager=True)[:count]
    return pl.DataFrame(
        {"size": size, "whole": rng.integers(0, 9, count), "color": color, "at": when, "bought": bought}
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a registered model `shop`."""
    home = tmp_path_factory.mktemp("home")
    source = rows(400, 0)
    made: dict[str, Any] = {"trainer": "logistic_regression", "packager": ["skops"], "deployer": "local"}
    hl.run(source=source, target="bought", name="shop", home=home, **made)
    return home


@pytest.fixture(scope="module")
def log(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server of it recorded: 60 rows much like those of training, in two requests."""
    folder = tmp_path_factory.mktemp("log")
    asked = json.loads(rows(60, 1).drop("bought").write_json())
    with serving("shop", shop, folder) as server:
        server.predict(*asked[:20])
        server.predict(*[row | {"size": round(row["size"])} for row in asked[20:]])
    return folder


def test_recorded_rows_are_compared_as_rows(shop: Path, log: Path) -> None:
    (file,) = log.iterdir()
    reports = [hl.monitor("shop", data, home=shop)["data_drift"] for data in (file, log, f"{log}/*.ndjson")]
    assert reports[0] == reports[1] == reports[2]
    assert {row[0] for row in reports[0].tables[0].rows} == {"size", "whole", "color", "at"}
    assert [f for f in reports[0].findings if f.statistic in ("type", "columns")] == []


def test_recorded_answers_are_compared_as_they_were_given(shop: Path, log: Path, tmp_path: Path) -> None:
    (file,) = log.iterdir()
    turned = tmp_path / "turned.ndjson"
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for record in records:
        record["probabilities"] = [0.01, 0.99]
    turned.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    (same,) = hl.monitor("shop", file, "prediction_drift", home=shop)["prediction_drift"].tables[0].rows
    (other,) = hl.monitor("shop", turned, "prediction_drift", home=shop)["prediction_drift"].tables[0].rows
    assert same[0] == "probability_yes"
    assert same[2] < 0.3
    assert other[2] > 0.9


def test_a_torn_last_line_is_left_out_and_one_in_between_is_told(log: Path, tmp_path: Path) -> None:
    (file,) = log.iterdir()
    torn = tmp_path / "torn.ndjson"
    torn.write_bytes(file.read_bytes()[:-30])
    found = records_in(torn)
    assert found is not None
    assert len(found.found) == 59
    torn.write_bytes(b"".join([*file.read_bytes().splitlines(keepends=True)[:2], b'{"id": \n', file.read_bytes()]))
    with pytest.raises(DataError, match="line 3 is no record"):
        records_in(torn)


def test_answers_of_other_versions_are_no_answers_of_this_one(shop: Path, log: Path, tmp_path: Path) -> None:
    (file,) = log.iterdir()
    other = tmp_path / "other.ndjson"
    other.write_text(file.read_text("utf-8").replace('"version":1', '"version":7'), "utf-8")
    with pytest.raises(UsageError, match="none of 60 records was answered by version 1") as caught:
        hl.monitor("shop", other, "prediction_drift", home=shop)
    assert caught.value.hint == "name a version that was: shop:7"
    assert hl.monitor("shop", other, home=shop)["data_drift"].tables


def test_rows_of_ndjson_that_are_no_records_are_rows(shop: Path, tmp_path: Path) -> None:
    plain = tmp_path / "now.ndjson"
    rows(60, 1).write_ndjson(plain)
    assert records_in(plain) is None
    assert hl.monitor("shop", plain, home=shop)["data_drift"].tables


def test_the_command_line_takes_them_and_writes_its_reports(
    shop: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(shop))
    words = ["monitor", "run", "shop", str(log), "--monitor", "data_drift", "--monitor", "prediction_drift"]
    assert main([*words, "--output", str(tmp_path / "new" / "today")]) == 0
    said = capsys.readouterr()
    assert f"written to {tmp_path / 'new' / 'today'}: data_drift/, prediction_drift/" in said.err
    written = json.loads((tmp_path / "new" / "today" / "data_drift" / "report.json").read_text("utf-8"))
    assert written["title"] == "Data drift"
    assert {row[0] for row in written["tables"][0]["rows"]} == {"size", "whole", "color", "at"}


@pytest.mark.parametrize("name", ["taken", "taken/below", "x" * 300, "sub/" * 1_500])
def test_a_folder_that_cannot_be_made_is_told_before_anything_is_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["monitor", "run", "nobody", "nowhere.csv", "--output", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert "error: --output: the folder" in said
    assert "cannot be made: " in said
    assert said.rstrip().endswith("hint: name another folder")
    assert len(said) < 400


WATCHING = '''
"""A monitor that leaves files in folders, and one that fails."""

import hookline as hl


class DeepMonitor(hl.Monitor):
    """Leave files beside each other and below."""

    name = "deep"

    def check(self, current: hl.Dataset, reference: hl.Reference) -> hl.Report:
        held = {name: path.read_bytes().decode() for name, path in reference.files.items()}
        said = hl.Table("held", ("name", "text"), tuple(held.items()))
        return hl.Report("Deep", tables=(said,), files={"a.txt": b"a", "below/b.txt": b"b", "below/a.txt": b"c"})


class FaultyMonitor(hl.Monitor):
    """Fail."""

    name = "faulty"

    def check(self, current: hl.Dataset, reference: hl.Reference) -> hl.Report:
        raise ZeroDivisionError("a fault in the monitor")


@hl.hookimpl
def register_monitors():
    return [DeepMonitor, FaultyMonitor]
'''


@pytest.mark.parametrize("given", ["deep", {"today": {"component": "deep"}}], ids=["name", "key"])
def test_files_that_a_monitor_left_come_back_by_their_names_under_any_key(
    given: Any, project_module: Callable[[str, str], str]
) -> None:
    project_module("watching", WATCHING)
    monitors = [given] if isinstance(given, str) else given
    run = hl.run(source=rows(100, 0), target="bought", trainer="decision_tree", packager=["skops"], monitor=monitors)
    (table,) = hl.monitor(run.package(), rows(50, 1), "deep")["deep"].tables
    assert dict(table.rows) == {"a.txt": "a", "below/b.txt": "b", "below/a.txt": "c"}


def test_a_fault_of_a_monitor_names_it(project_module: Callable[[str, str], str]) -> None:
    project_module("watching", WATCHING)
    run = hl.run(source=rows(100, 0), target="bought", trainer="decision_tree", packager=["skops"])
    with pytest.raises(ZeroDivisionError) as caught:
        hl.monitor(run.package(), rows(50, 1), ["data_drift", "faulty"])
    assert caught.value.__notes__ == ["in monitor 'faulty'"]
