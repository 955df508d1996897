"""Regular expressions of contracts, asked so that none of them takes for ever, whoever wrote it."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LONGEST = 2_000
"""Characters of a pattern."""
MOST_CHARACTERS = (10**9, 10**6, 4_000, 300)
"""Of a text that Python's engine is asked, by how many repeats without an end a pattern has: it may try each in all its
lengths, so that the time is the text's length to that power; of fewer, where each is tried in several ways."""

MANY = 20
"""Lengths of one repeat that count as if there were no end to them."""
MOST_WAYS = 10_000
"""Ways through all other repeats and choices, each of which Python's engine may try."""


@dataclass(frozen=True)
class Pattern:
    """A pattern, ready to be asked of texts: Python's engine knows all of its syntax, polars' needs linear time only."""

    text: str
    python: re.Pattern[str]
    longest: int
    """Characters of a text that Python is asked; polars is asked of a longer one, where it knows what the pattern says."""

    def matches(self, text: str) -> bool:
        """Tell whether a text matches as a whole; one that no engine can tell in time does not."""
        if len(text) <= self.longest:
            return self.python.fullmatch(text) is not None
        return not self._linear([text])

    def failing(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that do not match."""
        short = [text for text in texts if len(text) <= self.longest]
        failing = [text for text in short if self.python.fullmatch(text) is None]
        return (
            failing if len(short) == len(texts) else failing + self._linear([t for t in texts if len(t) > self.longest])
        )

    def _linear(self, texts: Sequence[str]) -> list[str]:
        import polars as pl

        if not _is_linear(self.text):
            return list(texts)
        held = pl.Series(texts, dtype=pl.String)
        failing: list[str] = held.filter(~held.str.contains(_whole(self.text))).to_list()
        return failing


def compile_pattern(text: str) -> Pattern:
    """Return a pattern; raises ValueError, saying why, for one that is none, too long, or may take time without end."""
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text):,} characters, and may have {LONGEST:,}")
    try:
        # What Python may read otherwise one day is its author's to know, not that of whoever loads a model.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, longest = re.compile(text), _longest(text)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"is no regular expression: {str(error).splitlines()[0] or type(error).__name__}") from None
    if not longest and not _is_linear(text):
        raise ValueError("may take time without end: write it with fewer repeats and choices, and none inside another")
    return Pattern(text, made, longest)


def check_pattern(text: str | None) -> None:
    """Raise ValueError as `compile_pattern` does; None is no pattern."""
    if text is not None:
        compile_pattern(text)


@lru_cache(maxsize=256)
def _is_linear(text: str) -> bool:
    """Tell whether polars knows what a pattern says."""
    import polars as pl

    try:
        pl.Series([""]).str.contains(_whole(text))
    except pl.exceptions.PolarsError:
        return False
    return True


def _whole(text: str) -> str:
    return rf"\A(?:{text})\z"


def _longest(text: str) -> int:
    """Return of how many characters a text may be, for Python's engine to answer in a moment; 0 where a few take for ever."""
    from re import _parser  # type: ignore[attr-defined]  # Python has no public way to a parsed pattern

    parsed = _parser.parse(text)
    repeats, ways = list(_repeats(parsed, inside=False)), _ways(parsed)
    endless = sum(open_ended for _, open_ended in repeats)
    if any(nested for nested, _ in repeats) or endless >= len(MOST_CHARACTERS) or ways > MOST_WAYS:
        return 0
    return int(MOST_CHARACTERS[endless] / ways ** (1 / endless)) if endless else MOST_CHARACTERS[0]


def _ways(part: Any) -> int:
    """Return in how many ways the repeats with an end and the choices of a part can be taken together."""
    from re import _constants  # type: ignore[attr-defined]  # as above

    found = 1
    for operator, argument in part:
        if operator is _constants.BRANCH:
            found *= sum(map(_ways, argument[1]))
            continue
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            low, high, _ = argument
            found *= 1 if _is_endless(low, high) else high - low + 1
        found *= math.prod(map(_ways, _bodies(argument)))
    return found


def _is_endless(low: int, high: int) -> bool:
    from re import _constants  # type: ignore[attr-defined]  # as above

    return high == _constants.MAXREPEAT or high - low >= MANY


def _repeats(part: Any, *, inside: bool) -> Iterator[tuple[bool, bool]]:
    """Yield, of each repeat and each choice within one, whether it stands in another repeat, and whether it has no end."""
    from re import _constants  # type: ignore[attr-defined]  # as above

    for operator, argument in part:
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            low, high, body = argument
            if low != high:
                yield inside, _is_endless(low, high)
            yield from _repeats(body, inside=inside or high > 1)
        elif operator is _constants.BRANCH:
            yield inside, False
            for choice in argument[1]:
                yield from _repeats(choice, inside=inside)
        else:
            for body in _bodies(argument):
                yield from _repeats(body, inside=inside)


def _bodies(argument: Any) -> Iterator[Any]:
    """Yield the parsed parts in what an operator, such as a group or a look ahead, is given."""
    from re import _parser  # type: ignore[attr-defined]  # as above

    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple):
        for one in argument:
            yield from _bodies(one)
