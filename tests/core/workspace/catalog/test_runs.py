"""Runs in the catalog: what a name means, which is the newest, and what became of their stages."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from hookline.errors import UnknownName, UsageError
from hookline.workspace.catalog import leases
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.runs import Runs
from hookline.workspace.processes import owners
from hookline.workspace.processes.owners import Owner

FIRST, SECOND, OTHER = "20260101-000000-aaaaaa", "20260101-000000-bbbbbb", "20270101-000000-cccccc"


@pytest.fixture(params=["sqlite", "postgresql"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Runs:
    """Three runs, begun one after the other, in a database of either sort."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    found = Catalog(url).runs
    for number, run_id in enumerate((FIRST, SECOND, OTHER)):
        found.begin(run_id, f"table{number % 2}", f"path/{number}", {"seed": number}, [])
    return found


def record(runs: Runs, run_id: str, status: str, parts: dict[str, object], key: str = "trainer") -> None:
    runs.record_stage(run_id, key, "trainer", "ridge", status, "f", parts, 1.0, "why")


def test_the_newest_run_comes_first_and_no_more_than_asked(runs: Runs) -> None:
    assert [run.id for run in runs.newest()] == [OTHER, SECOND, FIRST]
    assert [run.id for run in runs.newest(2)] == [OTHER, SECOND]
    assert runs.count() == 3


def test_a_run_is_found_by_last_by_its_id_and_by_its_first_letters(runs: Runs) -> None:
    for name, path in (("last", "path/2"), (FIRST, "path/0"), ("2027", "path/2"), (f"{SECOND[:-5]}", "path/1")):
        assert runs.get(name).path == path


def test_letters_that_fit_several_runs_name_them_newest_first(runs: Runs) -> None:
    with pytest.raises(UsageError, match=f"'2026' fits 2 runs: {SECOND}, {FIRST}"):
        runs.get("2026")
    with pytest.raises(UsageError, match="'' fits 3 runs"):
        runs.find("")


def test_an_id_that_is_also_the_beginning_of_another_is_meant_itself(runs: Runs) -> None:
    runs.begin(f"{FIRST}-again", "tips", "path/3", {}, [])
    assert runs.get(FIRST).path == "path/0"


@pytest.mark.parametrize("letters", ["2026%", "%", "_", "20260101_"])
def test_letters_that_databases_read_as_patterns_fit_nothing(runs: Runs, letters: str) -> None:
    assert runs.find(letters) is None


def test_upper_and_lower_case_are_told_apart(runs: Runs) -> None:
    runs.begin("Weekly", "tips", "path/3", {}, [])
    assert runs.get("Week").path == "path/3"
    assert runs.find("week") is None


def test_an_unknown_run_suggests_the_closest(runs: Runs) -> None:
    with pytest.raises(UnknownName, match="no run named '20260101-000000-aaaaab'") as told:
        runs.get("20260101-000000-aaaaab")
    assert told.value.known == (OTHER, SECOND, FIRST)
    assert "hookline runs list" in str(told.value.hint)


def test_nothing_is_found_where_there_is_no_run(tmp_path: Path) -> None:
    empty = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}").runs
    assert empty.find("last") is None
    assert empty.newest() == []
    assert empty.count() == 0


def test_how_a_run_ended_is_kept(runs: Runs) -> None:
    runs.end(FIRST, "gated", {"accuracy": 0.5}, "GateFailed: too low")
    ended = runs.get(FIRST)
    assert (ended.status, ended.metrics, ended.error) == ("gated", {"accuracy": 0.5}, "GateFailed: too low")
    assert ended.finished is not None
    assert ended.finished >= ended.started
    assert runs.get(SECOND).status == "running"


def test_only_runs_whose_process_is_gone_are_interrupted(runs: Runs, tmp_path: Path) -> None:
    url = runs._database.url
    code = (
        "import sys\nfrom hookline.workspace.catalog.catalog import Catalog\n"
        "Catalog(sys.argv[1]).runs.begin('20280101-000000-dddddd', 'n', 'p', {}, [])"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True)
    assert runs.mark_interrupted() == 1
    assert runs.mark_interrupted() == 0
    assert [run.status for run in runs.newest()] == ["interrupted", "running", "running", "running"]


def test_the_last_stage_is_the_newest_that_ended_well_in_runs_of_the_name(runs: Runs) -> None:
    record(runs, FIRST, "ran", {"made": "first"})
    record(runs, OTHER, "cached", {"made": "third"})
    record(runs, OTHER, "failed", {"made": "failed"})
    record(runs, SECOND, "ran", {"made": "of another name"})
    last = runs.last_stage("trainer", "table0")
    assert last is not None
    assert (last.run_id, last.component, last.parts) == (OTHER, "ridge", {"made": "third"})
    assert runs.last_stage("trainer", "nothing") is None
    assert runs.last_stage("evaluator", "table0") is None


def test_a_stages_parts_are_those_that_one_run_recorded_last(runs: Runs) -> None:
    record(runs, FIRST, "failed", {"try": 1})
    record(runs, FIRST, "ran", {"try": 2})
    record(runs, SECOND, "ran", {"try": 3})
    assert runs.stage_parts(FIRST, "trainer") == {"try": 2}
    assert runs.stage_parts(FIRST, "evaluator") is None


def test_the_last_run_is_the_one_that_began_last_though_the_clock_was_set_back(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline.workspace.catalog.runs.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    runs.begin("20010101-000000-dddddd", "n", "p", {}, [])
    assert runs.get("last").id == "20010101-000000-dddddd"
    assert [run.id for run in runs.newest(2)] == ["20010101-000000-dddddd", OTHER]


def test_a_run_of_another_machine_lives_as_long_as_it_is_heard_of(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "LEASE_SECONDS", 0.5)
    other = replace(Owner.here(), machine="another boot")
    runs.begin("20280101-000000-dddddd", "n", "p", {}, [], other)
    assert runs.get("last").status == "running"
    time.sleep(0.6)
    assert runs.get("last").status == "interrupted"
    # A server's clock says so for certain; of two clocks that people set nothing is.
    is_certain = runs._database.has_clock
    assert ("20280101-000000-dddddd" in runs.under_way()) is not is_certain
    runs._leases.beat(other)
    assert runs.get("last").status == "running"
    assert runs.mark_interrupted() == 0


def test_who_holds_a_run_is_heard_of_again_and_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    heard = set()
    with runs._leases.held() as owner:
        runs.begin("20280101-000000-dddddd", "n", "p", {}, [], owner)
        until = time.monotonic() + 20
        while len(heard) < 3 and time.monotonic() < until:
            heard.add(runs._database.rows(runs._runs.select().order_by(runs._runs.c.begun.desc()))[0]["beat"])
    assert len(heard) == 3


def test_a_servers_clock_is_asked_once_for_all_rows_of_a_look(runs: Runs) -> None:
    asked: list[str] = []
    event.listen(runs._database._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert runs.lost() == set()
    assert len(runs.under_way()) == len(runs.newest()) == 3
    assert len([text for text in asked if "clock_timestamp" in text]) == (3 if runs._database.has_clock else 0)


def test_runs_are_told_a_page_at_a_time_with_how_many_there_are(runs: Runs) -> None:
    runs.end(FIRST, "failed", {}, "no")
    runs.end(SECOND, "finished", {"accuracy": 0.5})
    found, count = runs.page(2)
    assert ([run.id for run in found], count) == ([OTHER, SECOND], 3)
    assert found[1].metrics == {"accuracy": 0.5}
    assert [run.id for run in runs.page(2, 2)[0]] == [FIRST]
    assert [run.id for run in runs.page(9, status="failed")[0]] == [FIRST]
    assert ([run.id for run in runs.page(9, name="table1")[0]], runs.page(9, name="table1")[1]) == ([SECOND], 1)
    assert runs.page(9, name="\udcff") == ([], 0)
