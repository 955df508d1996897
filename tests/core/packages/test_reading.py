"""Rows of other files are read as those of the training were, by every command and function that takes a file."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline.live.rows import rows_for
from hookline.packages.manifest import read_manifest
from hookline.packages.reading import Reading, read_table, reading_in, reading_of
from hookline.packages.state import StoredPackage
from hookline.registry.registry import load_registry
from hookline_polars import FileSource
from kit.command_line import Told

ROWS = [((i * 7) % 40, ("north", "NA", "south")[i % 3], "?" if i % 11 == 0 else str(i % 5)) for i in range(240)]
"""A number that decides with the region; a region that is a code in one file and missing in another; marks among numbers."""


def label(size: int, region: str) -> str:
    return "yes" if size >= 20 or region == "NA" else "no"


def lines(separator: str, space: str = "", *, header: bool = True) -> str:
    named = [["size", "region", "grade", "kind"]] if header else []
    rows = [*named, *([str(s), r, g, label(s, r)] for s, r, g in ROWS)]
    return "".join(separator.join(f"{space}{value}{space}" for value in row) + "\n" for row in rows)


WAYS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "semicolons": (lines(";"), {"separator": ";", "missing": ["?"]}, "kind"),
    "spaces and marks": (lines(",", " "), {"strip": True, "missing": ["?"]}, "kind"),
    "no header": (lines(",", header=False), {"columns": ["a", "b", "c", "d"], "missing": ["?"]}, "d"),
    "lines before": (f"made by a machine\n\n{lines(',')}", {"skip_rows": 2, "missing": ["?"]}, "kind"),
}
"""How a file may lie: text, the fields that read it, target."""


def trained(tmp_path: Path, text: str, fields: Mapping[str, Any], target: str) -> tuple[Path, hl.Run]:
    path = tmp_path / "rows.csv"
    path.write_text(text, "utf-8")
    source = {"component": "file", "path": str(path), **fields}
    return path, hl.run(
        source=source, target=target, trainer="decision_tree", packager=["skops"], deployer="local", name="m"
    )


def predicted(out: str) -> list[str]:
    return [row["prediction"] for row in csv.DictReader(out.splitlines())]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_predicted_watched_and_checked_as_training_read_it(hookline: Told, tmp_path: Path, way: str) -> None:
    path, _ = trained(tmp_path, *WAYS[way])
    code, out, err = hookline("predict", "m", str(path))
    assert (code, predicted(out)) == (0, [label(size, region) for size, region, _ in ROWS])
    assert "0 of them unlike the training data" in err
    code, out, err = hookline("monitor", "run", "m", str(path), "--fail-on", "info")
    assert (code, err) == (0, "data_drift: nothing to report\n")
    code, out, err = hookline("data", "check", str(path), "--model", "m")
    assert (code, out) == (0, "")
    assert "nothing breaks the contract" in err


def test_rows_to_score_check_or_profile_may_come_through_a_pipe(
    hookline: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = trained(tmp_path, *WAYS["semicolons"])
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(f"cat '{path}' > '{fifo}'", shell=True):
        code, out, _ = hookline("predict", "m", str(fifo))
    assert (code, predicted(out)) == (0, [label(size, region) for size, region, _ in ROWS])
    for line in (("data", "check", "-", "--model", "m"), ("data", "profile", "-", "source.separator=;")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        code, _, err = hookline(*line)
        assert (code, "240 rows" in err) == (0, True)


def test_a_package_keeps_how_rows_were_read_and_not_where_they_were(tmp_path: Path) -> None:
    path, run = trained(tmp_path, *WAYS["semicolons"])
    kept = read_manifest(run.package())["reading"]
    assert kept["component"] == "file"
    assert (kept["fields"]["separator"], kept["fields"]["missing"], kept["fields"]["path"]) == (";", ["?"], "")
    assert str(path) not in json.dumps(kept)


@pytest.mark.parametrize("dashes", ["", "--"])
def test_a_file_that_lies_otherwise_is_read_by_overrides(hookline: Told, tmp_path: Path, dashes: str) -> None:
    trained(tmp_path, *WAYS["semicolons"])
    other = tmp_path / "other.csv"
    other.write_text(lines("|").replace("?", "-"), "utf-8")
    words = (f"{dashes}source.separator=|", f"{dashes}source.missing=[-]")
    code, out, _ = hookline("predict", *words, "m", str(other))
    assert (code, predicted(out)) == (0, [label(size, region) for size, region, _ in ROWS])
    code, _, err = hookline("monitor", "run", "m", str(other), *words)
    assert (code, err) == (0, "data_drift: nothing to report\n")
    assert hookline("data", "check", str(other), *words, "--model", "m")[0] == 0
    reports = hl.monitor("m", other, source={"separator": "|", "missing": ["-"]})
    assert reports["data_drift"].findings == ()


def test_an_override_may_stand_apart_from_its_value(hookline: Told, tmp_path: Path) -> None:
    trained(tmp_path, *WAYS["semicolons"])
    other = tmp_path / "other.csv"
    other.write_text(lines("|"), "utf-8")
    code, out, _ = hookline("predict", "--source.separator", "|", "m", str(other))
    assert (code, len(predicted(out))) == (0, len(ROWS))


def test_what_an_error_hints_at_is_typed_and_works(hookline: Told, tmp_path: Path) -> None:
    trained(tmp_path, *WAYS["semicolons"])
    other = tmp_path / "other.csv"
    other.write_text(lines(","), "utf-8")
    code, _, err = hookline("predict", "m", str(other))
    assert code == 1
    advice = err.splitlines()[-1].rpartition("? ")[2]
    assert advice.startswith("source.separator=")
    assert hookline("predict", "m", str(other), *shlex.split(advice))[0] == 0


@pytest.mark.parametrize("word", ["source=iris", "source.path=b.csv", "--source.path=b.csv"])
def test_which_rows_are_read_is_no_override(hookline: Told, tmp_path: Path, word: str) -> None:
    path, _ = trained(tmp_path, *WAYS["semicolons"])
    code, _, err = hookline("predict", "m", str(path), word)
    assert code == 2
    assert err.startswith(f"error: '{word.removeprefix('--')}': the file stands alone")


def test_a_field_that_the_source_lacks_is_told_by_its_path(hookline: Told, tmp_path: Path) -> None:
    path, _ = trained(tmp_path, *WAYS["semicolons"])
    code, _, err = hookline("predict", "m", str(path), "--source.seperator=|")
    assert code == 2
    assert "source.seperator: unknown field; did you mean 'separator'?" in err


def test_a_contract_alone_is_held_against_a_file_of_any_kind(hookline: Told, tmp_path: Path) -> None:
    path, contract = tmp_path / "a.csv", tmp_path / "c.yaml"
    path.write_text("a;b\n1;2\n", "utf-8")
    contract.write_text("columns:\n  b:\n    maximum: 1\n    on_violation: reject\n", "utf-8")
    code, out, _ = hookline("data", "check", str(path), "--contract", str(contract), "--source.separator=;")
    assert code == 3
    assert "row 0: 2 is above the contract's maximum 1" in out


def test_a_code_is_no_missing_value_where_training_says_so(hookline: Told, tmp_path: Path) -> None:
    path, run = trained(tmp_path, lines(","), {"missing": [""]}, "kind")
    assert predicted(hookline("predict", "m", str(path))[1]) == [label(size, region) for size, region, _ in ROWS]
    row = {"size": 1, "region": "NA", "grade": "0"}
    assert run.predict([row]).values.tolist() == ["yes"]


def test_what_training_read_as_missing_is_missing_in_every_table(tmp_path: Path) -> None:
    path, run = trained(tmp_path, lines(",", " "), {"strip": True, "missing": ["?", "NA"]}, "kind")
    odd = {"size": ["1", " ? "], "region": [" NA", "north "], "grade": ["?", " 3"]}
    even = {"size": [1, None], "region": [None, "north"], "grade": [None, 3]}
    first, second = run.predict(pl.DataFrame(odd)), run.predict(pl.DataFrame(even))
    assert first.probabilities is not None
    assert second.probabilities is not None
    assert first.probabilities.tolist() == second.probabilities.tolist()
    assert first.warnings == second.warnings
    registry, stored = load_registry(), StoredPackage(run.package(), load_registry())
    rows = rows_for(registry, odd, stored.schema, stored.target, stored.roles, Reading()).frame.collect()
    assert rows["region"].to_list() == [None, "north"]
    assert hl.monitor("m", path)["data_drift"].findings == ()


def test_a_model_learns_on_from_a_file_as_it_was_trained(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(lines(";"), "utf-8")
    source = {"component": "file", "path": str(path), "separator": ";", "missing": ["?"]}
    hl.run(
        source=source,
        target="kind",
        trainer="sgd_classifier",
        packager=["skops"],
        deployer="local",
        transform=["impute"],
        name="m",
    )
    made = hl.update("m", path)
    assert (made.version, made.rows) == (2, len(ROWS))
    assert reading_in(read_manifest(made.path)).fields["separator"] == ";"
    other = tmp_path / "other.csv"
    other.write_text(lines("|"), "utf-8")
    assert hl.update("m", other, source={"separator": "|"}).rows == len(ROWS)


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_dates_are_read_in_the_order_that_training_found(hookline: Told, tmp_path: Path, order: str) -> None:
    layout = {"day_first": "%d/%m/%Y", "month_first": "%m/%d/%Y"}[order]
    days = [date(2021, 1, 1) + timedelta(days=i) for i in range(360)]
    train, score = tmp_path / "train.csv", tmp_path / "score.csv"
    late = [("no", "yes")[day.month > 6] for day in days]
    rows = [f"{day:{layout}},{i % 7},{said}\n" for i, (day, said) in enumerate(zip(days, late, strict=True))]
    train.write_text("at,x,late\n" + "".join(rows), "utf-8")
    told = [(day, said) for day, said in zip(days, late, strict=True) if 1 < day.day <= 12]
    score.write_text("at,x\n" + "".join(f"{day:{layout}},{i % 7}\n" for i, (day, _) in enumerate(told)), "utf-8")
    types = {"day_first": {}, "month_first": {"at": "date"}}[order]
    source = {"component": "file", "path": str(train), "dtypes": types}
    run = hl.run(source=source, target="late", trainer="decision_tree", packager=["onnx"], deployer="local", name="m")
    expected = [said for _, said in told]
    code, out, err = hookline("predict", "m", str(score))
    assert (code, predicted(out), "0 of them unlike" in err) == (0, expected, True)
    frame = pl.read_csv(score)
    assert frame["at"].dtype == pl.String
    assert run.predict(frame).values.tolist() == expected
    assert hookline("data", "check", str(score), "--model", "m")[0] == 0
    for rows in (score, frame):
        assert not [f for f in hl.monitor("m", rows)["data_drift"].findings if "is a string now" in f.message]


def test_types_of_columns_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    types = {"kind": "string", "code": "string"}
    reading = reading_of(FileSource(path="train.csv", dtypes=types))
    path = tmp_path / "new.csv"
    path.write_text("code\n007\n", "utf-8")
    frame = read_table(load_registry(), str(path), hl.Schema(()), reading).frame.collect()
    assert frame["code"].to_list() == ["007"]


def test_fields_are_laid_over_key_by_key() -> None:
    reading = Reading("file", {"separator": ";", "dtypes": {"a": "string"}})
    assert reading.but({"separator": "|", "dtypes": {"b": "number"}}).fields == {
        "separator": "|",
        "dtypes": {"a": "string", "b": "number"},
    }


def test_rows_of_no_file_are_read_as_files_are(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0] * 40, "y": ["a", "b"] * 40})
    run = hl.run(source=frame, target="y", trainer="decision_tree", packager=["skops"], name="m")
    assert reading_in(read_manifest(run.package())) == Reading()
    with pytest.raises(DataError, match="there is no file"):
        read_table(load_registry(), str(tmp_path / "no.csv"), hl.Schema(()), Reading())
