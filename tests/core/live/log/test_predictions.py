"""What a model answered, read back from its log: filtered, counted, looked up and followed."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UnknownName, UsageError
from hookline.live.log.files import backwards, follow, sizes
from hookline.live.log.predictions import Predictions, record_named
from hookline.live.log.times import moment_of
from hookline.live.segments.tables import recorded
from hookline.workspace.workspace import open_workspace
from kit.logs import END, plain_record, write_log


def numbers(records: Any) -> list[int]:
    return [int(record["id"].rpartition("-")[2]) for record in records]


def test_every_record_comes_in_the_order_in_which_it_was_written(shop: Path) -> None:
    assert numbers(hl.predictions("shop")) == list(range(240))
    assert hl.predictions("shop").count() == 240


def test_records_are_chosen_by_time_and_version(shop: Path) -> None:
    tenth = END - timedelta(hours=10)
    assert numbers(hl.predictions("shop", since=tenth)) == list(range(229, 240))
    assert numbers(hl.predictions("shop", until=tenth)) == list(range(229))
    assert numbers(hl.predictions("shop", since=tenth.isoformat(), until=END)) == list(range(229, 239))
    assert hl.predictions("shop", since="1d").count() == 24
    assert hl.predictions("shop", version=2).count() == hl.predictions("shop:2").count() == 80
    assert hl.predictions("shop@champion", since="100h").count() == 80
    assert hl.predictions("shop:1", since=END).count() == 0


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    utc = moment_of("2026-11-28T08:00", "since")
    assert utc == moment_of("2026-11-28T09:00+01:00", "since") == moment_of("2026-11-28T08:00Z", "since")
    assert moment_of("90m", "since", utc) == moment_of("2026-11-28 06:30", "since")


@pytest.mark.parametrize("limit", [1, 7, 100, 1_000])
def test_the_newest_are_those_of_all_records_sorted_by_time(shop: Path, limit: int) -> None:
    late = [{**record, "id": f"x-{900 + place}"} for place, record in enumerate(hl.predictions("shop:2"))]
    write_log(shop / "predictions" / "shop", late, "another-writer")
    found = hl.predictions("shop")
    times = sorted((record["time"] for record in found), reverse=True)[:limit]
    assert [record["time"] for record in found.newest(limit)] == times
    assert set(numbers(hl.predictions("shop:1").newest(limit))) <= set(range(160))


def test_files_are_read_from_their_end_line_by_line_across_blocks(tmp_path: Path) -> None:
    lines = [b"%d %s\n" % (place, b"x" * (place * 37 % 9_000)) for place in range(100)]
    path = tmp_path / "lines"
    path.write_bytes(b"".join(lines) + b"torn")
    assert list(backwards(path)) == [b"torn", *reversed(lines)]
    path.write_bytes(b"")
    assert list(backwards(path)) == []


def test_what_a_crash_tore_is_left_out_and_a_line_in_between_that_is_none_is_told(shop: Path) -> None:
    last = max((shop / "predictions" / "shop").glob("*-2.ndjson"))
    whole = last.read_bytes()
    last.write_bytes(whole[:-20])
    assert hl.predictions("shop").count() == 239
    assert numbers(hl.predictions("shop").newest(1)) == [238]
    last.write_bytes(b"{}\n" + whole)
    with pytest.raises(DataError, match="line 1 is no record"):
        hl.predictions("shop").count()


def test_a_record_without_a_time_is_told_by_its_id(shop: Path) -> None:
    last = max((shop / "predictions" / "shop").glob("*-2.ndjson"))
    last.write_text(last.read_text("utf-8").replace('"time": "2', '"time": "never 2'), "utf-8")
    with pytest.raises(DataError, match=r"the record shop-00\d+ of 'shop' has no time"):
        hl.predictions("shop", since="10d").count()


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({"model": "shup"}, UnknownName, "no model named 'shup'\nhint: did you mean 'shop'?"),
        ({"model": "../shop"}, UnknownName, "no model named '../shop'"),
        ({"model": "shop:9"}, UnknownName, "no version of shop named '9'"),
        ({"model": "shop", "version": 9}, UnknownName, "no version of shop named '9'"),
        ({"model": "shop@best"}, UnknownName, "no alias of shop named 'best'"),
        ({"model": "shop:1", "version": 2}, UsageError, "'shop:1' is version 1, and version 2 is asked for"),
        ({"model": "shop", "since": "last week"}, UsageError, "since: 'last week' is no time\nhint: write 7d"),
        ({"model": "shop", "until": "2026-13-01"}, UsageError, "until: '2026-13-01' is no time"),
        ({"model": "shop", "since": "1h", "until": "2h"}, UsageError, "is not before until"),
    ],
)
def test_wrong_names_versions_and_times_are_told_with_what_to_do(
    shop: Path, given: dict[str, Any], kind: type[UsageError], told: str
) -> None:
    with pytest.raises(kind) as caught:
        hl.predictions(**given)
    assert told in str(caught.value)


def test_a_log_of_a_model_that_no_catalog_knows_is_read_too(shop: Path) -> None:
    (shop / "predictions" / "shop").rename(shop / "predictions" / "alone")
    assert hl.predictions("alone").count() == 240
    assert hl.predictions("shop").count() == 0
    (file, *_) = (shop / "predictions" / "alone").iterdir()
    file.write_text(file.read_text("utf-8").replace('"model": "shop"', '"model": "gone"'), "utf-8")
    first = next(iter(hl.predictions("alone")))["id"]
    assert main(["predictions", "show", first]) == 0


def test_an_id_is_found_by_its_first_letters_in_any_model(shop: Path) -> None:
    workspace = open_workspace()
    assert record_named(workspace, "shop-00017")["id"] == "shop-00017"
    with pytest.raises(UsageError, match="several predictions begin with 'shop-000': shop-00000, shop-00001"):
        record_named(workspace, "shop-000")
    for start in ("nobody", ""):
        with pytest.raises(UnknownName, match="no prediction named"):
            record_named(workspace, start)


@pytest.mark.parametrize("compacted", [False, True], ids=["lines", "parquet"])
def test_ids_on_record_are_told_from_those_that_are_not(shop: Path, compacted: bool) -> None:
    if compacted:
        hl.compact_predictions("shop")
    log = hl.predictions("shop")
    known = [str(record["id"]) for record in log]
    assert log.recorded({*known[::7], "shop-0", "nobody"}) == {*known[::7]}
    assert log.recorded({"nobody"}) == log.recorded(()) == set()


def test_an_id_is_found_however_json_writes_it_and_not_in_what_a_crash_tore(tmp_path: Path) -> None:
    whole = {**plain_record(0, END), "row": {"id": "in-a-row"}}
    names = ['a"b', "ü", "back\\slash", "plain", "last"]
    first = [json.dumps(whole | {"id": name}, separators=(",", ":"), ensure_ascii=name == "ü") for name in names]
    raw = json.dumps(whole | {"id": "ö"}, ensure_ascii=False)
    torn = json.dumps(whole | {"id": "torn"})[:-1]
    lines = [*first, raw, "no record", '{"id":"plain-too"}', torn]
    (tmp_path / "predictions-2026-11-01-1.ndjson").write_text("\n".join(lines), "utf-8")
    log = Predictions("plain", tmp_path)
    asked = {*names, "ö", "in-a-row", "plain-too", "torn"}
    assert log.recorded(asked) == {*names, "ö"}


def test_ids_are_looked_for_from_the_newest_file_on_and_no_further_than_they_are_found(tmp_path: Path) -> None:
    new, old = tmp_path / "predictions-2026-11-02-1.ndjson", tmp_path / "predictions-2026-11-01-1.ndjson"
    new.write_text("".join(json.dumps(plain_record(number, END)) + "\n" for number in range(3)))
    old.write_text(json.dumps(plain_record(9, END)) + "\n")
    gone = [tmp_path / "predictions-2026-10-31-1.ndjson", old, new]
    assert recorded(gone, {"p-00000", "p-00002"}) == {"p-00000", "p-00002"}
    assert recorded(gone, {"p-00000", "p-00009"}) == {"p-00000", "p-00009"}
    with pytest.raises(FileNotFoundError):
        recorded(gone, {"p-00000", "p-00010"})


def test_what_comes_is_followed_in_old_and_new_files_a_whole_line_at_a_time(shop: Path) -> None:
    folder = shop / "predictions" / "shop"
    records = list(hl.predictions("shop"))
    coming = follow(folder, sizes(folder), 0.01)
    write_log(folder, [{**records[-1], "id": "n-1"}], "2")
    write_log(folder, [{**records[-1], "id": "n-2"}], "3")
    assert [json.loads(line)["id"] for line in islice(coming, 2)] == ["n-1", "n-2"]
    newest = max(folder.glob("*-3.ndjson"))
    half = json.dumps({**records[-1], "id": "n-3"}).encode()
    with newest.open("ab") as file:
        file.write(half[:40])
        file.flush()
        waiting = threading.Timer(0.05, lambda: (file.write(half[40:] + b"\n"), file.flush()))
        waiting.start()
        assert json.loads(next(coming))["id"] == "n-3"
        waiting.join()


def test_the_command_line_lists_shows_and_tails(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "list", "shop", "--since", "1d", "--version", "2", "--limit", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["id", "time", "version", "prediction"]
    assert [line.split()[0] for line in lines[1:]] == ["shop-00239", "shop-00238", "shop-00237"]
    assert main(["predictions", "list", "shop", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 20
    assert main(["predictions", "show", "shop-00239"]) == 0
    said = capsys.readouterr().out
    assert "c239" in said
    assert "version" in said
    assert main(["predictions", "show", "shop-00239", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"]["customer"] == "c239"
    assert main(["predictions", "tail", "shop", "--lines", "2"]) == 0
    assert [line.split()[1:3] for line in capsys.readouterr().out.splitlines()] == [
        ["shop-00238", "shop:2"],
        ["shop-00239", "shop:2"],
    ]
    assert main(["predictions", "tail", "shop", "--lines", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "shop-00239"


def test_the_command_line_says_where_there_is_nothing_and_what_to_do(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "list", "shop:1", "--since", END.isoformat()]) == 0
    assert f"no answer of 'shop' is on record by version 1 since {END:%Y-%m-%d %H:%M} UTC" in capsys.readouterr().err
    assert main(["predictions", "list", "shop", "--limit", "0"]) == 2
    assert "--limit: must be at least 1, got 0" in capsys.readouterr().err
    assert main(["predictions", "list", "shop", "--since", "soon"]) == 2
    assert "hint: write 7d for seven days ago" in capsys.readouterr().err
    for file in (shop / "predictions" / "shop").iterdir():
        file.unlink()
    assert main(["predictions", "tail", "shop"]) == 0
    assert "`hookline serve shop` records what it answers" in capsys.readouterr().err


def test_records_hold_the_time_at_which_they_were_written(shop: Path) -> None:
    (newest,) = hl.predictions("shop").newest(1)
    assert datetime.fromisoformat(newest["time"]) == END
