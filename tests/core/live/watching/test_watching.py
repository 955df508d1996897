"""A model's log watched window by window: each once, with one alarm of what goes wrong, told at a real webhook."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, UnknownName, UsageError
from hookline.kinds.hooks import Alert
from hookline.live.watching import watching
from hookline.live.watching.alarms import sending
from hookline.live.watching.alarms.sending import Sender
from hookline.live.watching.watcher import Looked, Watcher
from hookline.live.watching.watching import watch
from hookline.registry.registry import load_registry
from hookline.workspace.catalog import leases
from hookline.workspace.catalog.watching.old import NEWEST
from hookline.workspace.catalog.watching.windows import Outcome, Window
from hookline.workspace.processes.owners import Owner, Watch
from hookline.workspace.workspace import Workspace, open_workspace
from kit.command_line import Told
from kit.logs import plain_record, write_log
from kit.shops import add_version
from kit.watched import HOUR, RULES, answer, answer_hours, last_hour, rows
from kit.webhook import Webhook

ERRORS = '''
"""A monitor of truth, and one that fails."""

import hookline as hl


class ErrorsMonitor(hl.Monitor):
    """Say how many answers are wrong, once it is known of any."""

    name = "errors"
    most: float = 0.5

    def check(self, current: hl.Scored, reference: hl.Reference) -> hl.Report:
        if "truth" not in current.frame.collect_schema().names():
            return hl.Report("Errors")
        known = current.labeled()
        share = float((known.prediction().values != known.truth()).mean())
        metrics = (hl.Metric("errors", share), hl.Metric("known", float(len(known.truth()))))
        found = hl.Finding("errors", "share", share, self.most, "warning", f"{share:.0%} are wrong")
        return hl.Report("Errors", metrics, findings=(found,) if share > self.most else ())


class BrokenMonitor(hl.Monitor):
    """Fail."""

    name = "broken"

    def check(self, current: hl.Dataset, reference: hl.Reference) -> hl.Report:
        raise ZeroDivisionError("password=hunter22 is no number")


@hl.hookimpl
def register_monitors():
    return [ErrorsMonitor, BrokenMonitor]
'''


def look(home: Path, monitors: str | dict[str, None] | None = None, rules: object = RULES) -> list[str]:
    """Look once, and return what became of alarms."""
    looked = watch("shop", monitors, rules=rules, once=True, channels={}, home=home)  # type: ignore[arg-type]
    return [f"{change.alarm.subject} {change.what}" for change in looked.changes if change.what]


def test_a_drift_is_told_once_at_a_webhook_with_its_size_its_cost_and_what_to_do(shop: Path) -> None:
    first = answer_hours(shop, 0.0, 2.0, 2.0, 2.0)
    with Webhook() as hook:
        (shop / "settings.yaml").write_text(f"alerts: {{urls: {{ops: '{hook.url}'}}}}\n")
        looked = watch("shop", rules=RULES, once=True)
        assert watch("shop", rules=RULES, once=True).windows == []
    assert [(window.since, window.rows) for window in looked.windows] == [(first + HOUR * n, 150) for n in range(4)]
    [body] = hook.bodies
    assert body["title"] == "[drift] shop:1: 1 alarm (critical): size"
    assert body["type"] == "failure"
    said = body["message"].splitlines()
    assert said[0].startswith("new, critical: 'size' has moved: ")
    assert f"since {first + HOUR:%Y-%m-%d %H:%M} UTC" in said[1]
    assert "of what the model goes by" in said[2]
    assert said[3] == "  look: hookline monitor report shop --alarm 1"
    assert said[4].startswith("id: ")
    [letter] = open_workspace().catalog.outbox.of("shop")
    assert (letter.channel, letter.attempts, letter.sent is not None) == ("ops", 1, True)
    # The field that the model was trained with: 0.05 is what a monitor without it goes by.
    assert hl.alarms("shop")[0].finding.threshold == 0.08


def test_windows_are_looked_at_as_they_end_and_an_alarm_ends_with_its_cause(shop: Path) -> None:
    shifts = [0.0, 0.7, 0.7, 0.7, 0.0, 0.0, 0.0]
    first = answer_hours(shop, *shifts)
    seen = []
    for hour in range(1, len(shifts) + 1):
        looked = Watcher(open_workspace(shop), load_registry(), "shop", RULES).look(first + HOUR * hour + RULES.grace)
        assert len(looked.windows) == 1
        seen.append([(change.what, change.is_told) for change in looked.changes if change.what])
    assert seen == [[], [], [("opened", True)], [], [], [("closed", True)], []]
    assert [event.what for event in hl.alarm_history("shop")] == ["closed", "opened"]
    assert (hl.alarms("shop"), len(hl.alarms("shop", closed=True))) == ([], 1)


def test_after_a_while_without_a_watch_the_newest_windows_are_caught_up_with(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = answer_hours(shop, *[0.0] * 5)
    looked = watch("shop", rules=replace(RULES, catch_up=3), once=True, channels={})
    assert looked.skipped == {1: 2}
    assert [window.since for window in looked.windows] == [first + HOUR * n for n in (2, 3, 4)]
    assert f"2 windows before {first + 2 * HOUR:%Y-%m-%d %H:%M} UTC are left out" in caplog.text
    assert watch("shop", rules=RULES, once=True, channels={}).windows == []


def test_each_version_has_windows_of_its_own_and_what_a_shadow_said_is_in_none(shop: Path) -> None:
    workspace = Workspace.open(shop)
    assert add_version(workspace, Path(workspace.catalog.models.get("shop", 1).path)) == 2
    hour = last_hour() - HOUR
    answer(shop, hour)
    answer(shop, hour, 2.0, 120, version=2)
    look(shop)
    assert sorted((one.version, one.rows) for one in hl.windows("shop")) == [(1, 150), (2, 120)]
    assert [one.version for one in hl.alarms("shop")] == [2]


def test_a_version_whose_package_is_gone_holds_up_no_other(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    workspace = Workspace.open(shop)
    package = Path(workspace.catalog.models.get("shop", 1).path)
    assert add_version(workspace, package) == 2
    answer(shop, last_hour() - HOUR)
    answer(shop, last_hour() - HOUR, 2.0, version=2)
    shutil.rmtree(package)
    watcher = Watcher(workspace, load_registry(), "shop", RULES)
    assert [one.version for one in watcher.look().windows] == [2]
    watcher.look()
    assert [record.message.count("shop:1 cannot be watched") for record in caplog.records] == [1]


def test_windows_are_looked_at_again_once_their_labels_come(
    shop: Path, project_module: Callable[[str, str], str]
) -> None:
    project_module("truths", ERRORS)
    first = last_hour() - 3 * HOUR
    ids = [answer(shop, first + HOUR * n, seed=n) for n in range(3)]
    assert look(shop, {"errors": None, "data_drift": None}) == []
    assert [one.speaks for one in hl.windows("shop", monitor="errors")] == [False] * 3
    # All that the first two windows answered was wrong.
    answers = {one["id"]: one["prediction"] for one in hl.predictions("shop")}
    wrong = {id_: "no" if answers[id_] == "yes" else "yes" for some in ids[:2] for id_ in some}
    hl.label("shop", pl.DataFrame({"id": list(wrong), "bought": list(wrong.values())}))
    assert look(shop, {"errors": None, "data_drift": None}) == ["errors opened"]
    found = {one.since: one for one in hl.windows("shop", monitor="errors")}
    known = [found[first + HOUR * n].figures["metrics"] for n in range(3)]
    assert [[metric["value"] for metric in metrics] for metrics in known] == [[1.0, 150.0], [1.0, 150.0], []]
    assert len({one.labels for one in found.values()}) == 1
    # Nothing new is known: nothing is looked at again.
    assert watch("shop", {"errors": None}, rules=RULES, once=True, channels={}).windows == []
    hl.label("shop", pl.DataFrame({"id": list(wrong), "bought": [answers[id_] for id_ in wrong]}))
    assert look(shop, {"errors": None, "data_drift": None}) == ["errors closed"]


def test_a_monitor_that_fails_is_an_alarm_itself_and_holds_up_no_other(
    shop: Path, project_module: Callable[[str, str], str]
) -> None:
    project_module("truths", ERRORS)
    answer_hours(shop, 2.0, 2.0)
    assert sorted(look(shop, {"broken": None, "data_drift": None})) == ["broken opened", "size opened"]
    [broken] = hl.windows("shop", monitor="broken", limit=1)
    assert broken.error == "ZeroDivisionError: password=*** is no number"


def test_what_people_do_about_alarms_is_on_record(shop: Path, hookline: Told) -> None:
    answer_hours(shop, 2.0, 2.0)
    look(shop)
    code, out, err = hookline("monitor", "ack", "shop", "1", "--who", "ada", "--why", "the sale", "--json")
    assert (code, json.loads(out)["acked_by"]) == (0, "ada")
    code, out, err = hookline("monitor", "mute", "shop", "data_drift:color", "--for", "12h", "--who", "ada")
    assert (code, "data_drift:color is muted until" in err) == (0, True)
    assert hookline("monitor", "mute", "shop", "1", "--for", "7d")[0] == 0
    assert hookline("monitor", "mute", "shop", "1", "--for", "0s", "--why", "sale over")[0] == 0
    code, out, err = hookline("monitor", "history", "shop", "--json")
    told = [(one["what"], one["alarm"], one["subject"], one["why"]) for one in json.loads(out)]
    assert told == [
        ("unmuted", 1, "size", "sale over"),
        ("muted", 1, "size", None),
        ("muted", None, "color", None),
        ("acked", 1, "size", "the sale"),
        ("opened", 1, "size", None),
    ]
    state = hl.watch_state("shop")
    assert [(mute.monitor, mute.subject) for mute in state.mutes] == [("data_drift", "color")]
    assert (state.host, list(state.looked)) == (None, [1])


def test_the_command_line_shows_alarms_and_windows(shop: Path, hookline: Told) -> None:
    first = answer_hours(shop, 2.0, 2.0)
    code, out, _ = hookline(
        "monitor",
        "watch",
        "shop",
        "--once",
        "--least",
        "100",
        "--set",
        "data_drift.min_rows=40",
        "--monitor",
        "data_drift",
    )
    assert code == 0
    assert "alarm 1 opened, critical: 'size' has moved" in out
    code, out, err = hookline("monitor", "watch", "shop", "--once", "--least", "100")
    assert (code, out) == (0, "")
    assert err == "nothing to look at: no window of 1h with 100 answers has ended since the last look\n"
    code, out, err = hookline("monitor", "alarms", "shop")
    assert (code, "data_drift" in out, "nobody watches 'shop'" in err) == (0, True, True)
    code, out, _ = hookline("monitor", "alarms", "shop", "--json")
    [alarm] = json.loads(out)["alarms"]
    assert (alarm["subject"], alarm["severity"], alarm["since"]) == (
        "size",
        "critical",
        first.isoformat(timespec="seconds"),
    )
    assert alarm["cost"]["cost"] == pytest.approx(alarm["cost"]["importance"] * alarm["value"])
    code, out, _ = hookline("monitor", "report", "shop", "--alarm", "1")
    assert (code, out.count("size (critical)")) == (0, 2)
    code, out, _ = hookline("monitor", "report", "shop", "--json")
    windows = json.loads(out)["windows"]
    assert [[table["name"] for table in one["tables"]] for one in windows] == [["Columns", "Distances"]] * 2
    assert hookline("monitor", "report", "shop", "--alarm", "7")[0] == 2
    assert hookline("monitor", "ack", "shop", "7")[0] == 2


def test_one_watches_at_a_time(shop: Path) -> None:
    catalog, other = open_workspace(shop).catalog, Owner.here()
    assert catalog.watchers.take("shop", other, Watch())
    with pytest.raises(UsageError, match="'shop' is watched already"):
        watch("shop", rules=RULES, once=True, channels={})
    catalog.watchers.leave("shop", other)
    watch("shop", rules=RULES, once=True, channels={})
    assert catalog.watchers.who("shop") is None


def test_what_is_wrong_is_said_before_anything_is_looked_at(shop: Path) -> None:
    with pytest.raises(UnknownName, match="no model named 'shup'|shup"):
        watch("shup", once=True)
    with pytest.raises(UsageError, match="name a model"):
        watch("shop:1", once=True)
    with pytest.raises(ConfigError, match=r"monitor.data_drift.mots"):
        watch("shop", {"data_drift": {"mots": 1}}, once=True)
    (shop / "settings.yaml").write_text("alarts: {}\n")
    with pytest.raises(ConfigError, match=r"settings.alarts: .*did you mean 'alerts'"):
        watch("shop", once=True)


def test_two_looks_at_the_same_window_keep_it_once(shop: Path) -> None:
    from hookline.workspace.catalog.watching.windows import Outcome

    answer_hours(shop, 0.0)
    look(shop)
    catalog = open_workspace(shop).catalog
    [window] = catalog.windows.of("shop")
    assert catalog.windows.keep([replace(window, rows=7)], 2, lambda standing: Outcome()) is None
    assert catalog.windows.of("shop") == [window]
    later = replace(window, rows=8, labels=1)
    assert catalog.windows.keep([later], 2, lambda standing: Outcome()) == []
    assert catalog.windows.of("shop")[0].rows == 8


def test_a_window_begins_where_the_last_one_ended_also_on_another_grid(shop: Path) -> None:
    first = answer_hours(shop, 0.0, 0.0)
    look(shop)
    workspace = open_workspace(shop)
    assert workspace.catalog.windows.end("shop", 1) == first + 2 * HOUR
    again = watch("shop", rules=replace(RULES, every=timedelta(minutes=30)), once=True, channels={})
    assert again.windows == []


def test_rows_of_the_log_are_those_that_monitor_run_sees(shop: Path) -> None:
    first = answer_hours(shop, 2.0, 0.0)
    look(shop)
    report = hl.monitor("shop:1", None, {"data_drift": {"numeric_threshold": 0.08}}, since=first, until=first + HOUR)
    window = hl.windows("shop")[-1]
    assert list(report["data_drift"].findings) == list(window.findings)
    with pytest.raises(UsageError, match="until is of what `serve` recorded"):
        hl.monitor("shop", rows(10, 0), until="1h")


def test_a_watch_goes_on_until_another_process_has_taken_over(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.02)
    answer_hours(shop, 2.0)
    workspace, heard, seen = open_workspace(shop), list[Alert](), list[Looked]()
    watcher = Watcher(workspace, load_registry(), "shop", RULES, channels=("me",))
    one = watching.Watching(watcher, Sender(workspace, "shop", {"me": heard.append}), seen.append)
    assert one._take()
    with one._held() as lost:
        going = threading.Thread(target=one._go_on, args=(lost,))
        going.start()
        _wait(lambda: bool(heard))
        table = workspace.catalog.database.tables["watchers"]
        with workspace.catalog.database.writing() as connection:
            connection.execute(table.update().values(owner=str(Owner.here())))
        going.join(10)
        assert not going.is_alive()
    # What the other holds is not let go.
    assert workspace.catalog.watchers.who("shop") is not None
    assert sum(len(looked.windows) for looked in seen) == 1
    assert [alert.title for alert in heard] == ["[drift] shop:1: 1 alarm (critical): size"]
    assert time.time() < one._next() <= time.time() + HOUR.total_seconds() + RULES.grace.total_seconds()


def test_a_look_that_fails_is_said_once_and_taken_again(
    shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "AGAIN_SECONDS", 0.0)
    workspace, seen = open_workspace(shop), list[Looked]()
    one = watching.Watching(
        Watcher(workspace, load_registry(), "shop", RULES), Sender(workspace, "shop", {}), seen.append
    )
    write_log(shop / "predictions" / "shop", [{**plain_record(1, last_hour() - HOUR), "time": "soon"}])
    one._look()
    one._look()
    assert [record.message.count("has no time") for record in caplog.records] == [1]
    for path in (shop / "predictions" / "shop").glob("*.ndjson"):
        path.unlink()
    answer_hours(shop, 0.0)
    one._look()
    assert len(seen[0].windows) == 1
    write_log(shop / "predictions" / "shop", [{**plain_record(1, last_hour() - HOUR), "time": "soon"}])
    one._look()
    assert [record.message.count("has no time") for record in caplog.records] == [1, 1]


def _wait(done: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_over_for_longer_than_is_kept_goes_with_a_look(shop: Path) -> None:
    answer_hours(shop, 0.0)
    catalog, long_ago = open_workspace(shop).catalog, last_hour() - timedelta(days=500)
    starts = [long_ago + HOUR * hour for hour in range(NEWEST + 5)]
    old = [Window("shop", 1, "data_drift", start, start + HOUR, 150, {}, []) for start in starts]
    assert catalog.windows.keep(old, 2, lambda standing: Outcome()) == []
    look(shop, rules=replace(RULES, keep=timedelta(days=600)))
    assert len(catalog.windows.of("shop")) == len(old) + 1
    look(shop)
    assert [one.since for one in catalog.windows.of("shop")] == [last_hour() - HOUR, *starts[:-NEWEST:-1]]
