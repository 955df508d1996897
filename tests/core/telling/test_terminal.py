"""Nothing that a terminal would act on reaches it from labels, values, names and paths."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.cli import main
from hookline.cli.output import print_json, print_rows, say, tell
from hookline.cli.runs.progress import Progress
from hookline.kinds.hooks import StageInfo
from hookline.telling.terminal import harmless, one_line
from kit.command_line import Told

ACTING = [
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\x07",
    "\b",
    "\r",
    "\x7f",
    "\x00",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u2028",
    "\udcff",
]
EVIL = "a\x1b[2Jb\u202ec\x9bd\re"


@pytest.mark.parametrize("sign", ACTING, ids=ascii)
def test_a_sign_that_a_terminal_would_act_on_is_spelled_out(sign: str) -> None:
    shown = harmless(f"a{sign}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert sign not in shown


@pytest.mark.parametrize("text", ["plain", "Zürich 東京 שלום عربى 🙂", "two\nlines\tand a tab", "C:\\new"])
def test_other_texts_are_shown_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(st.text(st.characters()))
def test_what_is_shown_has_no_sign_of_control_left(text: str) -> None:
    assert all(sign in "\n\t" or sign.isprintable() or not sign.isascii() for sign in harmless(text))
    assert "\n" not in one_line(text)
    assert harmless(harmless(text)) == harmless(text)
    harmless(text).encode()


def test_every_way_of_printing_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"name": EVIL, "n": f"{EVIL}\nline"}], ["name", "n"], empty="")
    say(EVIL)
    tell(EVIL, 3)
    print_json({EVIL: [EVIL]})
    progress = Progress()
    progress.after_stage(StageInfo(EVIL, EVIL, 1, 2, status="ran", why=f"{EVIL}\nforged", summary=EVIL))
    out, err = capsys.readouterr()
    for sign in ("\x1b", "\u202e", "\x9b", "\r"):
        assert sign not in out + err
    assert "a\\x1b[2Jb\\u202ec\\x9bd\\x0de" in out
    assert "line" in out
    assert "\\nforged" in err


@pytest.mark.parametrize(
    "argv",
    [
        (f"{EVIL}.csv", "target=y"),
        (EVIL,),
        ("run", f"trainer={EVIL}"),
        ("runs", "show", EVIL),
        ("models", "promote", "x:1", "--alias", EVIL),
        ("predict", EVIL, "x.csv"),
    ],
    ids=ascii,
)
def test_no_error_acts_on_a_terminal(hookline: Told, argv: tuple[str, ...]) -> None:
    code, out, err = hookline(*argv)
    assert code != 0
    assert out == ""
    assert err.replace("\n", "").isprintable(), err


def test_a_columns_name_and_its_values_are_shown_and_not_acted_on(hookline: Told, tmp_path: Path) -> None:
    rows = "".join(f"{row},{row % 3},l{row % 2}\x1b[2J\n" for row in range(60))
    (tmp_path / "t.csv").write_text(f"a,b\x1b[31m,y\n{rows}")
    code, out, err = hookline("data", "profile", str(tmp_path / "t.csv"), "target=y")
    assert code == 0, err
    assert "\x1b" not in out + err
    assert "l0\\x1b[2J" in out
    code, out, err = hookline("data", "profile", str(tmp_path / "t.csv"), "target=y", "--json")
    assert "\x1b" not in out + err
    assert "l0\x1b[2J" in json.dumps(json.loads(out), ensure_ascii=False).replace("\\u001b", "\x1b")


def test_a_fault_in_code_is_told_by_a_traceback_that_acts_on_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["hookline", "--version"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    assert main() == 0
    error = ValueError(EVIL)
    sys.excepthook(ValueError, error, None)
    err = capsys.readouterr().err
    assert err == "ValueError: a\\x1b[2Jb\\u202ec\\x9bd\\x0de\n"
