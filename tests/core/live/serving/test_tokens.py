"""Tokens of a file, as it reads at that moment, and one that is made for as long as a server runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookline.errors import UsageError
from hookline.live.serving import tokens as module
from hookline.live.serving.tokens import Tokens, digest_of
from hookline.telling.secrets import redacted

ONE, OTHER = "6df6b4db25c9183bbc32a55b2236ac42" * 2, "nT-8yq_Lx0Vd3fRk9sWbZcQ1mJhU7gAe"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# of the shop\n{ONE}\n\n  {OTHER}  \n")
    return path


def test_each_token_of_the_file_is_allowed_and_nothing_else(file: Path) -> None:
    tokens = Tokens.read(file)
    assert tokens.allow(ONE)
    assert tokens.allow(OTHER)
    assert not any(tokens.allow(given) for given in ("", ONE[:-1], f"{ONE}x", "# of the shop", "\udcff"))
    assert tokens.holds(digest_of(ONE))


def test_a_token_that_was_taken_back_is_none_any_more(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    tokens = Tokens.read(file)
    file.write_text(f"{OTHER}\n")
    assert not tokens.allow(ONE)
    assert tokens.allow(OTHER)
    file.unlink()
    assert tokens.allow(OTHER)


def test_a_made_token_is_long_its_own_and_in_no_text(file: Path) -> None:
    tokens, token = Tokens.made()
    assert tokens.allow(token)
    assert len(token) >= 32
    assert Tokens.made()[1] != token
    assert not Tokens.made()[0].allow(token)
    assert redacted(f"a token: {ONE}") == redacted("a token: ***")
    Tokens.read(file)
    assert ONE not in redacted(f"it says {ONE} here")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no token"),
        ("short\n", "shorter than 16"),
        ("a b c d e f g h i j k l m n\n", "line 1 is no token"),
        ("é" * 20, "other letters"),
        ("x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_lets_in_nobody_or_anybody_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=told):
        Tokens.read(tmp_path / "t")
    with pytest.raises(UsageError, match="cannot be read"):
        Tokens.read(tmp_path / "none")
