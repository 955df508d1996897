"""Old records taken out of a log, whole files and parts of one, of either form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError
from hookline.live.log import pruning
from hookline.live.log.compacting import compact_predictions
from hookline.live.log.pruning import prune_predictions
from hookline.live.log.writing import Segments
from hookline.live.segments.parquet import Timed
from hookline.live.segments.standing import standing
from hookline.live.segments.turning import timed_lines
from kit.logs import plain_record, write_log

END = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of `plain`: a record an hour for five days, the last one half an hour ago; the older half is compacted."""
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    made = tmp_path / "predictions" / "plain"
    records = [plain_record(hour, END - timedelta(hours=120 - hour)) for hour in range(120)]
    write_log(made, records[:60])
    compact_predictions("plain")
    write_log(made, records[60:])
    return made


def numbers() -> list[int]:
    return sorted(int(record["id"].removeprefix("p-")) for record in hl.predictions("plain"))


@pytest.mark.parametrize(("span", "first"), [("100h", 20), ("20h", 100), ("61h", 59)])
def test_what_is_older_is_gone_and_the_rest_is_as_it_was(folder: Path, span: str, first: int) -> None:
    kept = {record["id"]: record for record in hl.predictions("plain") if int(record["id"][2:]) >= first}
    plan = prune_predictions("plain", span, dry_run=True)
    assert (plan.records, numbers()) == (first, list(range(120)))
    done = prune_predictions("plain", plan.before)
    assert done.records == first
    assert {record["id"]: record for record in hl.predictions("plain")} == kept
    assert sum(not one.whole for one in done.files) <= 1
    assert prune_predictions("plain", plan.before).records == 0


def test_what_a_writer_holds_stays(folder: Path) -> None:
    log, time = Segments(folder), END - timedelta(days=30)
    log.append([json.dumps(plain_record(500, time)).encode() + b"\n"], time)
    assert (prune_predictions("plain", "1h").held, numbers()) == (1, [119, 500])
    log.close()
    assert (prune_predictions("plain", "1h").held, numbers()) == (0, [119])


def test_what_a_writer_adds_before_it_lets_go_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, time = Segments(folder), END - timedelta(days=30)
    log.append([json.dumps(plain_record(500, time)).encode() + b"\n"], time)

    def read_and_let_go(path: Path) -> Iterator[Timed]:
        """Yield the records of a file, whose writer adds one and ends as soon as the last one is read."""
        yield from timed_lines(path)
        if path == held:
            log.append([json.dumps(plain_record(501, END)).encode() + b"\n"], time)
            log.close()

    (held,) = (path for path in standing(folder) if b"p-00500" in path.read_bytes())
    monkeypatch.setattr(pruning, "timed_lines", read_and_let_go)
    assert prune_predictions("plain", "1h").held == 1
    assert numbers() == [119, 500, 501]
    monkeypatch.undo()
    monkeypatch.setenv("HOOKLINE_HOME", str(folder.parents[1]))
    assert prune_predictions("plain", "1h").held == 0
    assert numbers() == [119, 501]


@pytest.mark.usefixtures("shop")
def test_a_version_cannot_be_pruned_or_compacted_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for act in (["prune", "shop:1", "--older-than", "0d"], ["compact", "shop@champion"], ["settings", "shop:2"]):
        assert main(["predictions", *act]) == 2
        told = capsys.readouterr().err
        assert f"'{act[1]}' is one version, and the files of a log hold the answers of all" in told
        assert "name shop" in told
    assert hl.predictions("shop").count() == 240


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("act", [["prune", "plain", "--older-than"], ["list", "plain", "--since"]])
def test_a_span_beyond_the_calendar_is_refused(act: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", *act, "999999d"]) == 2
    assert "'999999d' is longer ago than the calendar goes" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_the_first_and_the_last_day_of_the_calendar_may_be_named() -> None:
    whole = hl.predictions("plain", since="0001-01-01", until="9999-12-31")
    assert whole.count() == 120
    assert len(whole.newest(200)) == 120


def test_the_command_line_says_first_what_it_removes_and_compacts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "prune", "plain", "--older-than", "100h", "--dry-run"]) == 0
    told = capsys.readouterr().err
    assert "20 records" in told
    assert "removed: " not in told
    assert main(["predictions", "prune", "plain", "--older-than", "100h"]) == 0
    assert "removed: 20 records" in capsys.readouterr().err
    assert main(["predictions", "compact", "plain"]) == 0
    assert "60 records of " in capsys.readouterr().err
    assert main(["predictions", "compact", "plain"]) == 0
    assert "no closed file of plain is left" in capsys.readouterr().err
    assert main(["predictions", "prune", "plain", "--older-than", "1h", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["records"], numbers()) == (99, [119])
    assert main(["predictions", "compact", "plain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 0
    assert main(["predictions", "prune", "plain", "--older-than", "9000h"]) == 0
    assert "no record of plain is from before" in capsys.readouterr().err
    with pytest.raises(UsageError, match="is no length of time"):
        prune_predictions("plain", "old")
