"""Closed files of a log as Parquet: the same records, once, whoever writes, reads or is killed meanwhile."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, StoreError
from hookline.live.log.compacting import compact_predictions
from hookline.live.log.files import follow, sizes
from hookline.live.log.predictions import record_named
from hookline.live.log.pruning import prune_predictions
from hookline.live.log.writing import Segments
from hookline.live.records import records_in
from hookline.live.segments.standing import SWAP, Swap, standing
from hookline.live.segments.swapping import alone, swap
from hookline.workspace.files import temporary_for
from hookline.workspace.workspace import open_workspace
from kit.logs import full_after, plain_record, write_log

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of `plain`, a model that no catalog knows."""
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    made = tmp_path / "predictions" / "plain"
    made.mkdir(parents=True)
    return made


def some(count: int, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Return records an hour apart, by two versions."""
    return [
        plain_record(first + place, START + timedelta(hours=first + place), version=1 + place % 2, **more)
        for place in range(count)
    ]


def by_id(records: Any) -> list[Any]:
    return sorted(records, key=lambda record: record["id"])


def closed(folder: Path) -> list[Path]:
    return sorted(folder.glob("predictions-*.parquet"))


def test_what_is_read_from_parquet_is_what_was_written(folder: Path) -> None:
    records = some(60)
    odd = [
        {"row": {"a": 2**70, "b": [1, {"c": None}], "": "😀 \u0000 \ud83d"}, "prediction": None},
        {"row": {}, "prediction": {"nested": [1.0, 1]}, "probabilities": [0.1]},
        {"row": {"size": "text", "many": True}, "row_id": 7, "version": None, "arm": "canary", "of": "x"},
        {"row": {"size": 1e-300}, "row_id": "seven", "time": "2026-11-01T09:30:00+02:00", "unknown": {"x": []}},
    ]
    records += [{**record, **more} for record, more in zip(some(4, 60), odd, strict=True)]
    write_log(folder, records)
    before = list(hl.predictions("plain"))
    done = compact_predictions("plain")
    assert done.records == 64
    assert not list(folder.glob("*.ndjson"))
    assert by_id(hl.predictions("plain")) == by_id(before) == by_id(records)
    found = records_in(folder)
    assert found is not None
    assert by_id(found.found) == by_id(records)


def test_files_are_by_day_and_version_sorted_by_time_and_typed(folder: Path) -> None:
    write_log(folder, some(48))
    compact_predictions("plain")
    assert [path.name[:25] for path in closed(folder)] == [
        "predictions-2026-11-01-v1",
        "predictions-2026-11-01-v2",
        "predictions-2026-11-02-v1",
        "predictions-2026-11-02-v2",
    ]
    frame = pl.read_parquet(closed(folder)[0])
    assert frame["time"].is_sorted()
    assert dict(frame.schema)["row.size"] == pl.Float64
    assert dict(frame.schema)["probabilities"] == pl.List(pl.Float64)
    assert frame["typed"].all()


def test_queries_give_the_same_of_either_form_and_of_both(folder: Path) -> None:
    records = [{**record, "arm": "canary" if place % 3 else "live"} for place, record in enumerate(some(72))]
    write_log(folder, records)
    asked: list[dict[str, Any]] = [
        {"since": START + timedelta(hours=30)},
        {"until": START + timedelta(hours=30)},
        {"since": START + timedelta(hours=20), "until": START + timedelta(hours=50), "version": 2},
        {"arm": "canary", "version": 1},
    ]

    def answers() -> list[Any]:
        found = [by_id(hl.predictions("plain", **given)) for given in asked]
        found += [hl.predictions("plain", **given).newest(9) for given in asked]
        return [*found, record_named(open_workspace(), "p-00017"), by_id(records_in(folder).found)]  # type: ignore[union-attr]

    lines = answers()
    compact_predictions("plain")
    assert answers() == lines
    write_log(folder, records[-5:])
    for path in closed(folder)[-2:]:
        path.unlink()
    write_log(folder, records[48:-5], "other")
    assert answers() == lines


def test_a_file_that_a_writer_holds_is_left_and_taken_once_it_is_closed(folder: Path) -> None:
    log, now = Segments(folder), datetime.now(UTC)
    log.append([json.dumps(plain_record(1, now)).encode() + b"\n"], now)
    assert compact_predictions("plain").open == 1
    assert closed(folder) == []
    log.append([json.dumps(plain_record(2, now)).encode() + b"\n"], now)
    log.close()
    assert (compact_predictions("plain").records, compact_predictions("plain").files) == (2, 0)
    assert hl.predictions("plain").count() == 2


def test_a_torn_tail_is_cut_and_a_file_with_a_line_that_is_no_record_stays(folder: Path) -> None:
    write_log(folder, some(3), "torn")
    write_log(folder, some(3, 30), "bad")
    torn, bad = sorted(folder.iterdir())
    torn.write_bytes(torn.read_bytes()[:-10])
    bad.write_bytes(b"{}\n" + bad.read_bytes())
    done = compact_predictions("plain")
    assert (done.records, done.unread) == (2, {bad.name: "line 1 is no record"})
    bad.write_bytes(bad.read_bytes().removeprefix(b"{}\n").replace(b'"2026-11-02T0', b'"never 2026-11-02T0', 1))
    assert "has no time" in compact_predictions("plain").unread[bad.name]
    with pytest.raises(DataError, match="has no time"):
        hl.predictions("plain", since=START).count()


def test_whatever_a_kill_leaves_of_a_change_each_record_counts_once_and_the_next_ends_it(folder: Path) -> None:
    write_log(folder, some(30))
    lines = {path: path.read_bytes() for path in folder.iterdir()}
    compact_predictions("plain")
    names = [path.name for path in closed(folder)]
    temporary = {f".{name}.1-{'a' * 8}": name for name in names}
    said = Swap(temporary, tuple(path.name for path in lines)).text()

    def numbers() -> list[str]:
        found = records_in(folder)
        assert found is not None
        assert sorted(record["id"] for record in found.found) == sorted(
            record["id"] for record in hl.predictions("plain")
        )
        return sorted(record["id"] for record in found.found)

    whole = numbers()
    # Back to the moment before it counted, and on from there step by step.
    for path, content in lines.items():
        path.write_bytes(content)
    for name, final in temporary.items():
        (folder / final).rename(folder / name)
    assert numbers() == whole
    (folder / f"{SWAP}x.json").write_text(said)
    for name, final in temporary.items():
        assert numbers() == whole
        (folder / name).rename(folder / final)
    for path in lines:
        assert numbers() == whole
        path.unlink()
    assert numbers() == whole
    for path, content in lines.items():
        path.write_bytes(content)
    (folder / names[0]).rename(folder / f".{names[0]}.1-{'a' * 8}")
    assert compact_predictions("plain").files == 0
    assert numbers() == whole
    assert sorted(path.name for path in folder.iterdir() if path.name != ".compact.lock") == names


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `restarted` has copies of."""
    home = tmp_path_factory.mktemp("restarted")
    made = home / "predictions" / "plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(home))
        for place in range(3):
            write_log(made, some(48)[place::3])
            turn_only(made)
    return made


@pytest.fixture
def restarted(folder: Path, small_files: Path) -> Path:
    """A log of two days by two versions, compacted each time that a server had been begun again: three small files of each."""
    shutil.copytree(small_files, folder, dirs_exist_ok=True)
    return folder


def turn_only(folder: Path) -> None:
    """Compact as if these days were not over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hookline.live.log.compacting.small_segments", lambda *_: iter(()))
        compact_predictions("plain")


def test_small_files_of_a_day_that_is_over_become_one_a_version(restarted: Path) -> None:
    assert len(closed(restarted)) == 12
    done = compact_predictions("plain")
    assert (done.files, done.merged, len(closed(restarted))) == (0, 12, 4)
    assert {path.name[:25] for path in closed(restarted)} == {
        f"predictions-2026-11-0{day}-v{version}" for day in (1, 2) for version in (1, 2)
    }
    assert sorted(done.written) == [path.name for path in closed(restarted)]
    assert by_id(hl.predictions("plain")) == some(48)
    frame = pl.read_parquet(closed(restarted)[0])
    assert frame["time"].is_sorted()
    assert frame["typed"].all()
    # Nothing is left to do, and a file that comes late joins.
    assert (compact_predictions("plain").merged, len(closed(restarted))) == (0, 4)
    write_log(restarted, some(4, 48 + 24))
    assert compact_predictions("plain").merged == 0
    write_log(restarted, [{**some(1)[0], "id": "late"}], "late")
    assert (compact_predictions("plain").merged, len(closed(restarted))) == (2, 6)
    assert hl.predictions("plain").count() == 48 + 4 + 1


def test_files_of_this_day_or_of_much_text_are_not_gathered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for place in range(2):
        write_log(folder, [plain_record(place, now)], str(place))
        write_log(folder, [plain_record(9 + place, START)], str(place))
        turn_only(folder)
    # So small that what would be one is two all the same.
    monkeypatch.setattr("hookline.live.segments.turning.MOST_BYTES", 10)
    names = closed(folder)
    assert compact_predictions("plain").merged == 0
    assert closed(folder) == names
    monkeypatch.undo()
    monkeypatch.setenv("HOOKLINE_HOME", str(folder.parents[1]))
    assert compact_predictions("plain").merged == 2
    assert len(closed(folder)) == 3


def test_whatever_a_kill_leaves_as_small_files_become_one_each_record_counts_once(restarted: Path) -> None:
    small = {path: path.read_bytes() for path in closed(restarted)}
    compact_predictions("plain")
    large = {path: path.read_bytes() for path in closed(restarted)}

    def require_whole() -> None:
        found = records_in(restarted)
        assert found is not None
        assert by_id(found.found) == by_id(hl.predictions("plain")) == some(48)

    # Back to the moment before it counted, and on from there step by step.
    for path, content in small.items():
        path.write_bytes(content)
    temporary = {temporary_for(path): path for path in large}
    for name, final in temporary.items():
        final.rename(name)
    require_whole()
    said = Swap({name.name: final.name for name, final in temporary.items()}, tuple(path.name for path in small))
    (restarted / f"{SWAP}x.json").write_text(said.text())
    for name, final in temporary.items():
        require_whole()
        name.rename(final)
    for path in small:
        require_whole()
        path.unlink()
    require_whole()
    assert compact_predictions("plain").merged == 0
    assert {path: path.read_bytes() for path in closed(restarted)} == large
    assert not list(restarted.glob(f"{SWAP}*"))


def test_a_reader_that_is_under_way_goes_on_where_small_files_become_one(restarted: Path) -> None:
    reading = iter(hl.predictions("plain"))
    first = list(islice(reading, 2))
    compact_predictions("plain")
    assert by_id([*first, *reading]) == some(48)


def test_a_small_file_that_cannot_be_read_stays_and_is_told(restarted: Path) -> None:
    names = closed(restarted)
    names[0].write_bytes(b"PAR1 and no more PAR1")
    done = compact_predictions("plain")
    assert list(done.unread) == [names[0].name]
    assert (done.merged, names[0] in closed(restarted), len(closed(restarted))) == (11, True, 5)


def test_a_reader_that_is_under_way_goes_on_where_its_files_are_replaced(folder: Path) -> None:
    write_log(folder, some(72))
    reading = iter(hl.predictions("plain"))
    first = list(islice(reading, 5))
    compact_predictions("plain")
    assert by_id([*first, *reading]) == some(72)


def test_a_reader_that_is_under_way_goes_on_where_its_files_are_compacted_and_pruned(folder: Path) -> None:
    write_log(folder, some(72))
    reading = iter(hl.predictions("plain"))
    first = list(islice(reading, 5))
    compact_predictions("plain")
    for hours in (30, 33):
        prune_predictions("plain", START + timedelta(hours=hours))
    # The first file was open before, and of the second what is not older is where its records went twice.
    assert by_id([*first, *reading]) == [*some(72)[:24], *some(72)[33:]]


def test_while_files_take_the_place_of_others_there_is_one_of_the_two(folder: Path) -> None:
    def name(number: int) -> str:
        return f"predictions-{number:05}.ndjson"

    def go_on() -> None:
        for number in range(40):
            temporary = temporary_for(folder / name(number + 1))
            temporary.touch()
            swap(folder, {temporary.name: name(number + 1)}, [name(number)])

    (folder / name(0)).touch()
    with ThreadPoolExecutor(1) as threads:
        going = threads.submit(go_on)
        while not going.done():
            assert len(standing(folder)) == 1
    going.result()
    assert [path.name for path in standing(folder)] == [name(40)]


def test_a_follower_reads_what_is_compacted_to_its_end(folder: Path) -> None:
    write_log(folder, some(2))
    coming = follow(folder, sizes(folder), 0.01)
    write_log(folder, some(3, 2))
    assert json.loads(next(coming))["id"] == "p-00002"
    compact_predictions("plain")
    assert [json.loads(line)["id"] for line in islice(coming, 2)] == ["p-00003", "p-00004"]


def test_one_at_a_time_changes_a_log_and_a_full_disk_changes_nothing(folder: Path) -> None:
    # Of values that no compression makes small, so that the catalog has room where the log has none.
    times = [START + timedelta(seconds=number) for number in range(600)]
    write_log(folder, [plain_record(n, time, row={"pad": secrets.token_hex(500)}) for n, time in enumerate(times)])
    before = sorted(folder.iterdir())
    with alone(folder), pytest.raises(StoreError, match="is being compacted or pruned"):
        compact_predictions("plain")
    with full_after(200_000), pytest.raises(StoreError, match="is full; what was on record still is"):
        compact_predictions("plain")
    assert standing(folder) == before
    assert hl.predictions("plain").count() == 600
    assert compact_predictions("plain").records == 600


KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
import polars, sqlalchemy, filelock
import hookline as hl
from hookline.live.log.compacting import compact_predictions
from kit.logs import plain_record, write_log
from datetime import UTC, datetime, timedelta

rounds, folder, seed = int(sys.argv[1]), Path(sys.argv[2]), random.Random(7)

def child(act):
    # Polars has begun no threads here, and begins its own in each child.
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = act()
        finally:
            os._exit(code)
    return pid

def whole(count):
    ids = sorted(record["id"] for record in hl.predictions("plain"))
    return 0 if ids == [f"p-{number:05}" for number in range(count)] else 3

def compacted():
    compact_predictions("plain")
    return 0

written, took, killed, attempts = 0, 0.0, 0, 0
while killed < rounds and attempts < 6 * rounds:
    times = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=written + place) for place in range(300)]
    write_log(folder, [plain_record(written + place, time) for place, time in enumerate(times)], str(attempts))
    written += 300
    begun = time.monotonic()
    pid = child(compacted)
    if attempts:
        time.sleep(seed.uniform(0.1, 1) * took)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    took = took if os.WIFSIGNALED(status) else time.monotonic() - begun
    killed += os.WIFSIGNALED(status)
    attempts += 1
    _, status = os.waitpid(child(lambda: whole(written)), 0)
    assert status == 0, (attempts, status)
print(killed, written)
"""


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.long)])
def test_kills_in_the_middle_lose_nothing_and_double_nothing(folder: Path, rounds: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(rounds), str(folder)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    killed, written = map(int, done.stdout.split())
    assert killed == rounds
    left = compact_predictions("plain")
    assert not list(folder.glob("*.ndjson"))
    assert left.unread == {}
    assert hl.predictions("plain").count() == written
