"""A first look at a table: its columns, what part each most likely plays, its first rows, what is odd, and how to begin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.frames import mark_missing
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset, Roles
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain, to_json
from hookline.registry.remedies import Remedies
from hookline.telling.secrets import HIDDEN, redacted_tree

from .guessing import Guess, guess, with_guesses
from .profile import DataProfile, profile_dataset

if TYPE_CHECKING:
    import polars as pl

ROWS = 10
"""How many rows are shown."""
MOST_ROWS = 100_000
"""How many rows are looked at, so that a look takes no longer than a moment."""
SINGLE = ("target", "id", "time", "weight", "group")
"""Roles that one column has."""


@dataclass(frozen=True)
class Peek:
    """What a first look at a table found."""

    profile: DataProfile
    """Of the rows that were looked at, with the roles that were said or guessed."""
    rows: pl.DataFrame
    """The first rows, as they are."""
    guesses: tuple[Guess, ...]
    """Roles that nobody said."""
    whole: bool
    """Whether those were all rows; a table of more is known by its first ones only."""
    fields: Mapping[str, Any]
    """The source's fields that are not as they are by themselves, without secrets."""

    def plain(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        shown = to_json(self.rows.to_dicts())
        guesses = [dataclasses.asdict(one) for one in self.guesses]
        return {"profile": self.profile.plain(), "rows": shown, "guesses": guesses, "whole": self.whole}

    def experiment(self, name: str) -> str:
        """Return the experiment file to begin with, in YAML."""
        source = str(self.profile.origin.get("component", ""))
        hidden = [
            f"# source.{field} held a secret: say it as ${{oc.env:NAME}}"
            for field, value in self.fields.items()
            if HIDDEN in str(value)
        ]
        parts = [
            "# @package _global_",
            "# From a first look at the rows: see whether the roles are right before you train.",
            *hidden,
            *self._odd(),
            _yaml({"defaults": [{"override /source": source}]}),
            _yaml({"name": name, "source": dict(self.fields)}),
            *self._roles(),
        ]
        return "\n".join(part.rstrip("\n") for part in parts) + "\n"

    def _odd(self) -> list[str]:
        return [
            f"# {line}"
            for finding in self.profile.findings
            for line in (f"{finding.severity}: {finding.message}", f"  {finding.action}")
        ]

    def _roles(self) -> list[str]:
        """Return the roles, each with the reason where it is a guess."""
        reasons = {(one.role, one.column): one.reason for one in self.guesses}
        roles = self.profile.table.roles
        lines = ["roles:"]
        for role in SINGLE:
            column = getattr(roles, role)
            if column is not None:
                lines.append(_told(f"  {role}: {_word(column)}", reasons.get((role, column))))
            elif role == "target":
                lines.append("  target: ???  # the column to predict")
        if ignored := self._ignored():
            lines.append("  ignore:")
            lines += [_told(f"    - {_word(column)}", reasons.get(("ignore", column))) for column in ignored]
        return lines

    def _ignored(self) -> Sequence[str]:
        return self.profile.table.roles.ignore


def peek_source(source: Source, roles: Roles, remedies: Remedies) -> Peek:
    """Look at the first rows of a source; roles that are said, or that it knows itself, are not guessed.

    Raises DataError where there are no rows, or they cannot be read.
    """
    dataset = source.load()
    held = {field.name: field for field in dataclasses.fields(source)}
    changed = {
        name: value for name, value in plain(source).items() if not _is_default(held[name], getattr(source, name))
    }
    origin = {"component": source.name, **plain(source)}
    known = source.roles().merged(roles)
    return _peek(Dataset(dataset.frame, known, dataset.name), origin, redacted_tree(changed), remedies)


def _peek(dataset: Dataset, origin: Mapping[str, Any], fields: Mapping[str, Any], remedies: Remedies) -> Peek:
    import polars as pl

    try:
        rows = dataset.frame.head(MOST_ROWS + 1).collect()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the rows of {dataset.name} cannot be read: {str(error).splitlines()[0]}") from error
    seen = rows.head(MOST_ROWS)
    first = profile_dataset(Dataset(seen.lazy(), dataset.roles, dataset.name), origin, remedies, in_memory=True)
    guesses = guess(first.table, dataset.roles)
    named = Dataset(mark_missing(seen.lazy()), with_guesses(dataset.roles, guesses), dataset.name)
    profile = profile_dataset(named, origin, remedies, in_memory=False) if guesses else first
    return Peek(profile, seen.head(ROWS), guesses, rows.height <= MOST_ROWS, fields)


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(value == field.default)


def _yaml(values: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=1_000)
    return text


def _word(text: str) -> str:
    """Return a text as a value of YAML, on one line."""
    return _yaml({"_": text}).removeprefix("_: ").rstrip("\n")


def _told(line: str, reason: str | None) -> str:
    return line if reason is None else f"{line}  # guessed: {reason}"
