"""`hookline ui --json`: what the pages tell, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.command_line import Told
from kit.homes import busy


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    busy(tmp_path)
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    return tmp_path


def test_the_home_is_told_as_json(shop: Path, hookline: Told) -> None:
    code, out, _ = hookline("ui", "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["what"] for one in told["attention"]] == ["alarm", "labels", "channel", "run", "rollout"]
    assert [card["model"] for card in told["models"]] == ["shop"]


def test_a_model_is_told_with_its_drift_and_quality(shop: Path, hookline: Told) -> None:
    code, out, _ = hookline("ui", "shop", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["deployment"]["arms"][0]["requests"] == 9_000
    assert [one["column"] for one in told["drift"]] == ["income", "age"]
    assert told["quality"][0]["metric"] == "accuracy"


def test_a_model_that_is_not_there_is_told(shop: Path, hookline: Told) -> None:
    code, out, err = hookline("ui", "shpo", "--json")
    assert (code, out) == (2, "")
    assert "did you mean 'shop'?" in err


def test_a_port_that_is_taken_or_none_is_told(shop: Path, hookline: Told) -> None:
    code, _, err = hookline("ui", "--port", "99999999")
    assert code == 2
    assert "cannot answer at 127.0.0.1:99999999" in err
