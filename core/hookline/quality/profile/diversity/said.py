"""What a person says the population is: shares in a line or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.workspace.yaml_size import read_bounded

from .population import Population

FILES = (".yaml", ".yml", ".json")
"""Endings of files that hold shares; any other is a table."""
MOST_BYTES, MOST_VALUES = 2**22, 100_000
EXAMPLE = "such as sex=female:0.51,male:0.49"


def shares_in(words: Sequence[str]) -> Population | None:
    """Return the population that lines (`column=value:share,...`) or one file of shares say; None where a table is named.

    Raises ConfigError with every problem.
    """
    if len(words) == 1 and Path(words[0]).suffix.lower() in FILES:
        return Population(_checked(_read(Path(words[0])), words[0]))
    if not all("=" in word and ":" in word and not Path(word).exists() for word in words):
        if len(words) > 1:
            raise ConfigError("bad population", [Problem("population", f"name one table, or shares {EXAMPLE}")])
        column, equals, value = words[0].partition("=")
        # What chooses a source that is a table begins so.
        if equals and column != "source" and "/" not in column and not Path(words[0]).exists():
            told = f"says no share of {value!r}; write {column}={value or 'VALUE'}:0.5,OTHER:0.5"
            raise ConfigError("bad population", [Problem(column, told)])
        return None
    tree: dict[str, Any] = {}
    for word in words:
        column, _, rest = word.partition("=")
        if column in tree:
            raise ConfigError("bad population", [Problem(column, "is said twice; name all of its values at once")])
        tree[column] = dict(_pair(part) for part in rest.split(","))
    return Population(_checked(tree))


def shares_of(tree: Mapping[str, Any]) -> Population:
    """Return the population that shares say, column -> value -> share; raises ConfigError."""
    return Population(_checked(tree))


def _pair(part: str) -> tuple[str, Any]:
    value, _, share = part.rpartition(":")
    try:
        return value, float(share)
    except ValueError:
        return value, share


def _read(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(read_bounded(path, MOST_BYTES, MOST_VALUES))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError("bad population", [Problem("population", f"'{path}' cannot be read: {reason}")]) from None


def _checked(tree: Any, path: str = "") -> dict[str, dict[str, float]]:
    problems: list[Problem] = []
    if not isinstance(tree, Mapping) or not tree:
        raise ConfigError(
            f"bad population {path}".rstrip(), [Problem("population", "column -> value -> share, " + EXAMPLE)]
        )
    for column, shares in tree.items():
        if not isinstance(shares, Mapping) or not shares:
            problems.append(Problem(str(column), f"must say the share of each value, {EXAMPLE}"))
            continue
        odd = [
            v for v, s in shares.items() if isinstance(s, bool) or not isinstance(s, (int, float)) or not 0 <= s <= 1
        ]
        problems += [Problem(f"{column}.{value}", f"a share is from 0 to 1, got {shares[value]!r}") for value in odd]
        if not odd and abs(sum(shares.values()) - 1) > 0.01:
            problems.append(Problem(str(column), f"the shares of all values make 1, got {sum(shares.values()):g}"))
    if problems:
        raise ConfigError(f"bad population {path}".rstrip(), problems)
    # As the table's values are told: true and false are words.
    return {str(c): {_word(v): float(s) for v, s in shares.items()} for c, shares in tree.items()}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
