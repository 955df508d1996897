"""`hookline retrain`, as people type it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hookline as hl
from hookline.cli import main
from kit.drifting import labeled


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
