"""`hookline retrain`, as people type it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import psutil
import pytest

import hookline as hl
from hookline.cli import main
from hookline.cli.live import watch
from hookline.workspace.workspace import open_workspace
from kit.drifting import labeled
from kit.versions import until


def test_a_model_is_retrained_looked_at_and_released_by_commands(
    drifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["retrain", "shop", "--why", "a=b changed", "--who", "ada", "policy=incremental", "then=local"]
    assert main(line) == 0
    told = capsys.readouterr()
    assert "retraining 1 (incremental), opened by ada, by hand: a=b changed: trial" in told.out
    assert "hookline retrain watch shop" in told.err
    assert main(["retrain", "status", "shop", "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["under_way"]["version"], state["under_way"]["status"], state["host"]) == (2, "trial", None)
    labeled(drifted, 200, 2, tilt=-1.0)
    assert main(["retrain", "watch", "shop", "--once"]) == 0
    assert "retraining 1 (incremental), opened by ada, by hand: a=b changed: promoted" in capsys.readouterr().out
    assert hl.deployment("shop").policy.version == 2
    assert main(["retrain", "history", "shop"]) == 0
    assert "promoted" in capsys.readouterr().out


def test_what_keeps_a_model_from_being_retrained_is_an_error_by_hand_and_a_line_of_a_look(
    drifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retrain", "shop", "policy=incremental", "guards.least=9000"]) == 2
    assert "'shop' is not retrained: 600 rows on record have their truth" in capsys.readouterr().err
    assert main(["retrain", "watch", "shop", "--once", "when.labels=10", "guards.least=9000"]) == 0
    assert "not retrained: 600 rows on record" in capsys.readouterr().out
    assert main(["retrain", "watch", "shop", "--once"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "nothing to do: no retraining of 'shop' is under way, and nothing opens one\n"
    assert main(["retrain", "shop", "polcy=batch", "then=canary"]) == 2
    assert "settings.retrain.polcy: unknown field; did you mean 'policy'?" in capsys.readouterr().err
    assert main(["retrain", "shop", "policy=incremental", "then=canry"]) == 2
    assert "did you mean 'canary'?" in capsys.readouterr().err
    assert hl.retrainings("shop") == []


def test_a_model_that_nobody_has_asked_yet_has_nothing_to_learn_and_a_damaged_log_is_told(
    drifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (log,) = (drifted / "predictions" / "shop").glob("*.ndjson")
    log.write_bytes(b"no record\n" + log.read_bytes())
    assert main(["retrain", "status", "shop"]) == 1
    assert "is no record" in capsys.readouterr().err
    shutil.rmtree(drifted / "predictions")
    assert main(["retrain", "shop"]) == 2
    assert "0 rows on record have their truth and are new, 200 are wanted" in capsys.readouterr().err


def test_rules_that_are_wrong_end_a_watch_that_is_to_retrain_before_it_begins(
    drifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (drifted / "settings.yaml").write_text("retrain: {polcy: batch}", "utf-8")
    assert main(["monitor", "watch", "shop", "--retrain"]) == 2
    assert "settings.retrain.polcy: unknown field; did you mean 'policy'?" in capsys.readouterr().err
    assert main(["monitor", "watch", "shop", "--retrain", "--look", "often"]) == 2
    assert "--look" in capsys.readouterr().err


def test_the_process_that_retrains_is_begun_again_where_it_ends_and_ends_with_the_watch(
    drifted: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 0.1)
    retrainers = open_workspace(drifted).catalog.retrainers
    others = psutil.Process().children()

    def begun() -> list[psutil.Process]:
        return [one for one in psutil.Process().children() if one not in others]

    with watch.retraining("shop", ["--look", "1s"]):
        assert until(lambda: retrainers.who("shop") is not None, 60)
        (first,) = begun()
        first.kill()
        assert until(lambda: [one.pid for one in begun()] not in ([], [first.pid]), 60)
        (second,) = begun()
    assert not second.is_running()
    assert "the process that retrains ended with -9; it is begun again in 0 s" in capfd.readouterr().err
