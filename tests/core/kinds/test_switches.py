"""Variables of the environment that are on or off: the usual words, and no others."""

from __future__ import annotations

import pytest

from hookline.cli.doctor.checks import _variables
from hookline.errors import UsageError
from hookline.kinds.given.switches import CHOICES, OFF, ON, SWITCHES, chosen, switched_on
from hookline.packages.loading import trust_of_environment
from hookline.registry.loading import load_plugins
from kit.command_line import Told


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("word", [*OFF, "", "  ", "FALSE", "Off", " no "])
def test_a_word_that_says_no_is_off(name: str, word: str) -> None:
    assert switched_on(name, {name: word}) is False


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("word", [*ON, "TRUE", "Yes", " on "])
def test_a_word_that_says_yes_is_on(name: str, word: str) -> None:
    assert switched_on(name, {name: word}) is True


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("word", ["2", "maybe", "-1", "falsee", "null", "none", "n"])
def test_any_other_word_is_refused_by_name(name: str, word: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is neither on nor off: '{word}'"):
        switched_on(name, {name: word})


@pytest.mark.parametrize("word", OFF)
def test_pickles_stay_forbidden_by_every_word_that_says_no(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", word)
    assert trust_of_environment().pickle is False
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "yes")
    assert trust_of_environment().pickle is True


def test_a_broken_plugin_is_skipped_where_strict_is_off() -> None:
    loaded = load_plugins(environ={"HOOKLINE_PLUGINS": "no_such_module", "HOOKLINE_STRICT": "off"})
    assert loaded.strict is False
    assert loaded["no_such_module"].skipped


@pytest.mark.parametrize(
    ("word", "meant"), [("", "auto"), ("on", "auto"), ("1", "auto"), ("0", "off"), ("no", "off"), ("Plain", "plain")]
)
def test_progress_takes_its_own_words_and_the_usual_ones(word: str, meant: str) -> None:
    assert chosen("HOOKLINE_PROGRESS", {"HOOKLINE_PROGRESS": word}) == meant


@pytest.mark.parametrize("name", [*SWITCHES, *CHOICES])
def test_the_doctor_names_a_variable_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "flase")
    (found,) = _variables()
    assert (found.check, found.status) == (f"variable {name}", "error")
    assert name in found.detail
    assert "off" in found.todo


def test_a_command_ends_where_it_cannot_read_a_switch(hookline: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_STRICT", "maybe")
    code, out, err = hookline("components", "list")
    assert (code, out) == (2, "")
    assert err.startswith("error: HOOKLINE_STRICT is neither on nor off: 'maybe'\nhint: ")
