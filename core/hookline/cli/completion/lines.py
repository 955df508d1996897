"""A command line as a shell hands it over, parted at the cursor."""

from __future__ import annotations

import os
from collections.abc import Sequence

OPEN_ENDS = ("=", ".", ",", "[", "/")
"""A word that ends so goes on: the shell puts no space behind it."""


class Current:
    """The word at the cursor: its text, and from where on the shell replaces it."""

    def __init__(self, text: str, start: int = 0, quote: str = "") -> None:
        self.text = text
        self.start = start
        self.quote = quote

    def kept(self, text: str, *, escape: bool) -> str:
        """Return the part of a whole word that the shell is to put in, escaped where it is a path outside of quotes."""
        rest = text[self.start :]
        special = " \t\"'\\$&;<>|()*?[]{}!`#"
        return "".join(f"\\{c}" if c in special else c for c in rest) if escape and not self.quote else rest


def split(line: str, breaks: str) -> tuple[list[str], Current]:
    """Split a command line up to the cursor as a shell does, quotes taken away; `breaks` divide the last word only."""
    words: list[str] = []
    text, start, quote, inside = "", 0, "", False
    letters = iter(line)
    for letter in letters:
        if quote:
            if letter == quote:
                quote = ""
            elif letter == "\\" and quote == '"':
                text += next(letters, "")
            else:
                text += letter
        elif letter in "\"'":
            quote, start, inside = letter, len(text), True
        elif letter == "\\":
            text, inside = text + next(letters, ""), True
        elif letter.isspace():
            if inside:
                words.append(text)
            text, start, inside = "", 0, False
        else:
            text, inside = text + letter, True
            start = len(text) if letter in breaks else start
    return words, Current(text, start, quote)


def bash_line(cword: int, words: Sequence[str]) -> str:
    """Return the command line up to the cursor; put together from bash's words where it tells no line."""
    if line := os.environ.get("COMP_LINE"):
        point = int(os.environ.get("COMP_POINT") or len(line.encode()))
        return line.encode()[:point].decode(errors="ignore")
    made, glued = "", True
    for word in words[: cword + 1]:
        # Bash makes words of their own of `=` and `:`.
        alone = bool(word) and set(word) <= set("=:@")
        made += word if glued or alone else f" {word}"
        glued = alone
    return made
