"""What the training rows show of having been read otherwise than they were meant: a row taken for names, marks for values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.data.frames import NUMBER, count_up
from hookline.kinds.reports import ColumnProfile, Finding, Profile
from hookline.registry.remedies import Remedies

MARKS = frozenset(
    ("?", "??", "???", "-", "--", "---", ".", "..", "...", "n/a", "#n/a", "n.a.", "n.a", "(null)", "<na>")
)
"""Texts, in lower case, that mean a missing value wherever they stand; words such as `none` may be a class."""
FEW = 20
"""Values of a column up to which its name is no word that happens to be among them."""
MOST_SHOWN = 5


def reading_findings(profile: Profile, remedies: Remedies, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what of training rows should be read otherwise, with the line to type; nothing where no option would."""
    names, ways = names_of_values(profile.columns), remedies("no_header", config)
    if names and ways:
        share = len(names) / len(profile.columns)
        text = (
            f"the first line may be a row: it was read as the column names {_shown(names)}; "
            f"{ways[0]} reads it as a row, with columns c1, c2, ..."
        )
        yield Finding("columns", "header", share, 0.0, "warning", text)
    yield from _marks(profile, remedies, config)
    yield from _spaced(profile, remedies, config)
    yield from _empty(profile)


def names_of_values(columns: Sequence[ColumnProfile]) -> list[str]:
    """Return the column names, where all of them may be values of a row: numbers over numbers, and texts of their column."""
    numbers = [column for column in columns if column.kind == "number"]
    few = [column for column in columns if column.kind == "string" and 1 < column.distinct <= FEW]
    fit = all(NUMBER.fullmatch(column.name) for column in numbers) and all(
        column.name in dict(column.top) for column in few
    )
    if not (numbers or few) or not fit or (not few and count_up([float(column.name) for column in numbers])):
        return []
    return [column.name for column in columns]


def _marks(profile: Profile, remedies: Remedies, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Find marks of missing values among texts; one option reads those of all columns."""
    found = {
        column.name: [(text, rows) for text, rows in column.top if text.strip().lower() in MARKS]
        for column in profile.columns
        if column.kind == "string"
    }
    held = {name: marks for name, marks in found.items() if marks}
    words = list(dict.fromkeys(text.strip() for marks in held.values() for text, _ in marks))
    ways = remedies("more_missing_words", config, words=words) or remedies("missing_words", config, words=words)
    if not held or not ways:
        return
    name, rows = max(((name, sum(n for _, n in marks)) for name, marks in held.items()), key=lambda pair: pair[1])
    told = f"{_shown(words)} {'stands' if len(words) == 1 else 'stand'} in {_shown(list(held))}"
    text = f"{told} as a text, and may mean a missing value, which {ways[0]} makes it"
    yield Finding(name, "missing_marks", rows / max(1, profile.rows), 0.0, "warning", text)


def _spaced(profile: Profile, remedies: Remedies, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Find columns of texts that all begin or end with a space, behind which a number is none."""
    texts = {c.name: [text for text, _ in c.top] for c in profile.columns if c.kind == "string" and c.top}
    spaced = [name for name, top in texts.items() if all(text != text.strip() for text in top)]
    ways = remedies("spaced_values", config)
    if not spaced or not ways:
        return
    numbers = [name for name in spaced if all(NUMBER.fullmatch(text.strip()) for text in texts[name])]
    hidden = f", and what {_shown(numbers)} {'holds' if len(numbers) == 1 else 'hold'} looks like numbers"
    text = f"texts of {_shown(spaced)} begin or end with a space{hidden if numbers else ''}; {ways[0]} takes it away"
    share = len(spaced) / len(profile.columns)
    yield Finding(spaced[0], "spaced", share, 0.0, "warning" if numbers else "info", text)


def _empty(profile: Profile) -> Iterator[Finding]:
    """Find columns without any value, such as those of a separator at the end of every line."""
    names = [column.name for column in profile.columns if column.count and column.missing == column.count]
    if names:
        one = len(names) == 1
        told = (
            "it makes no feature, and rows to predict may lack it"
            if one
            else "they make no features, and may be left out"
        )
        text = f"{_shown(names)} {'has' if one else 'have'} no value in the training rows: {told}"
        yield Finding(names[0], "empty", len(names) / len(profile.columns), 0.0, "info", text)


def _shown(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_SHOWN
    return ", ".join(f"'{text}'" for text in texts[:MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
