"""What of a row is kept, by the file beside the log, and labels that go by a column that is hashed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError, UsageError
from hookline.live.log.joining import nearest
from hookline.live.log.predictions import predictions
from hookline.live.log.rules import VARIABLE, Rules, settings_of
from hookline.live.records import records_in
from hookline.workspace.catalog.labels import Key
from hookline.workspace.workspace import open_workspace
from kit.logs import plain_record, write_log

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROW = {"customer": "c1", "phone": "555", "size": 7.0}


def say(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.yaml").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of `plain`, a model that no catalog knows."""
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    return tmp_path / "predictions" / "plain"


def test_where_nothing_is_said_all_is_kept_as_it_came(folder: Path) -> None:
    rules = Rules.of(folder)
    assert rules.row(ROW) is ROW
    assert not rules.changes
    assert (rules.settings.durability, rules.settings.on_full) == ("fast", "refuse")
    assert not folder.exists()


def test_columns_are_left_out_or_hashed_so_that_equal_values_stay_equal(folder: Path) -> None:
    rules = Rules.of(say(folder, "columns: {customer: hash, phone: drop, size: hash}"))
    kept = rules.row(ROW)
    assert kept.keys() == {"customer", "size"}
    assert len(kept["customer"]) == 32
    assert "c1" not in kept.values()
    again = Rules.of(folder)
    assert again.row({"customer": "c1", "size": 7}) == kept
    assert again.row({"customer": "c2", "size": None})["size"] is None
    assert again.row({"customer": "c2"}) != {"customer": kept["customer"]}
    assert (folder / "log.key").stat().st_mode & 0o777 == 0o600


def test_what_stands_beside_a_row_goes_by_the_same_rules(folder: Path) -> None:
    rules = Rules.of(say(folder, "columns: {customer: hash, phone: drop}"))
    hashed = rules.row(ROW)["customer"]
    assert rules.beside("c1", ROW) == hashed
    assert rules.beside("c1", {"phone": "555"}) == hashed
    assert rules.beside("555", ROW) is None
    assert rules.beside("7", ROW) == "7"
    assert rules.beside(None, ROW) is None


def test_a_share_of_the_rows_is_kept(folder: Path) -> None:
    rules = Rules.of(say(folder, "sample: 0.25"))
    kept = [rules.row(ROW) for _ in range(4_000)]
    assert {len(row) for row in kept} == {0, 3}
    # Five standard deviations of a binomial.
    assert abs(sum(map(bool, kept)) - 1_000) < 5 * (4_000 * 0.25 * 0.75) ** 0.5


def test_a_key_in_the_environment_hashes_alike_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "one key for two machines")
    one, two = (Rules.of(say(tmp_path / name, "columns: {customer: hash}")) for name in "ab")
    assert one.row(ROW) == two.row(ROW)
    assert not (tmp_path / "a" / "log.key").exists()
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ConfigError, match="must have at least 16 letters, got 5"):
        Rules.of(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("durabilty: strict", "durabilty: unknown field; did you mean 'durability'?"),
        ("durability: always", "durability: must be"),
        ("sample: 2", "sample: must be"),
        ("columns: {a: hide}", "columns.a: must be"),
        ("on_full: [drop]", "on_full: must be"),
        ("just words", "the file: must hold `key: value` lines"),
        ("a: [", "the file: is no YAML"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_place(folder: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(say(folder, text))
    assert told in str(caught.value)
    assert "log.yaml" in str(caught.value)


@pytest.mark.parametrize("hashed", ["labels", "records", "both"])
def test_a_label_finds_its_record_by_a_hashed_column_whenever_the_rule_came(folder: Path, hashed: str) -> None:
    rules = Rules.of(say(folder, "columns: {customer: hash}"))
    records: list[dict[str, Any]] = [plain_record(number, NOON + timedelta(hours=number)) for number in range(7)]
    if hashed != "labels":
        records = [{**record, "row": rules.row(record["row"])} for record in records]
    write_log(folder, records)
    value = "c4" if hashed == "records" else rules.hashed("c4")
    log = predictions("plain")
    assert nearest([(Key("customer", value, 60.0), NOON + timedelta(hours=4))], log) == ["p-00004"]
    assert nearest([(Key("customer", "c9", 60.0), NOON + timedelta(hours=4))], log) == [None]
    found = records_in(folder)
    assert found is not None
    assert len(found) == 7


def test_labels_by_a_hashed_column_are_hashed_too_and_by_a_dropped_one_refused(shop: Path) -> None:
    folder = say(shop / "predictions" / "shop", "columns: {customer: hash, size: drop}")
    times = {record["row"]["customer"]: record["time"] for record in hl.predictions("shop")}
    told = {"customer": ["c230"], "bought": ["yes"], "told": [times["c230"]]}
    hl.label("shop", told, by="customer", time="told")
    assert hl.labels("shop").labeled == 1
    (label,) = hl.scored("shop").labeled().frame.collect().rows(named=True)
    assert label["customer"] == "c230"
    (kept,) = open_workspace().catalog.labels.table("shop")["key"]
    assert json.loads(kept)["value"] == Rules.of(folder).hashed("c230")
    with pytest.raises(UsageError, match="does not keep 'size'"):
        hl.label("shop", {**told, "size": [1.0]}, by="size", time="told")


def test_the_command_line_shows_what_is_in_force(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir(parents=True)
    assert main(["predictions", "settings", "plain"]) == 0
    assert "nowhere: these are the defaults" in capsys.readouterr().out
    say(folder, "durability: strict\ncolumns: {phone: drop}")
    assert main(["predictions", "settings", "plain"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()[1:5]] == [
        ["durability", "strict"],
        ["on_full", "refuse"],
        ["sample", "1"],
        ["said_in", str(folder / "log.yaml")],
    ]
    assert "columns.phone" in out
    assert main(["predictions", "settings", "plain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == {"phone": "drop"}
