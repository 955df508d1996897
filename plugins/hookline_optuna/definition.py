"""What a study was made of when it began, so that going on with it as another is refused with the difference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, Problem

if TYPE_CHECKING:
    from .fields import Chosen
    from .space import Space


@dataclass(frozen=True)
class Definition:
    """What makes results of two trials comparable; it must not change while a study goes on."""

    space: Mapping[str, str]
    config: Mapping[str, Any]
    """Key -> value of everything that is not searched."""
    fixed: Sequence[str]
    """Overrides that count only with some of the components that are searched."""
    metrics: Sequence[str]
    arguments: Sequence[str]
    """The overrides as they were typed, to go on without typing them again."""
    pruner: str | None = None
    """What the study was pruned by when it began; it may change."""
    pruner_options: Mapping[str, Any] = field(default_factory=dict)

    def differences(self, before: Definition) -> list[Problem]:
        """Return what differs from the definition that a study began with."""
        found = [*_differ(before.space, self.space, "not searched"), *_differ(before.config, self.config, "not there")]
        found += [Problem(text, "is gone") for text in before.fixed if text not in self.fixed]
        found += [Problem(text, "is new") for text in self.fixed if text not in before.fixed]
        if self.metrics and list(self.metrics) != list(before.metrics):
            was, now = (", ".join(some) or "the headline metric" for some in (before.metrics, self.metrics))
            found.append(Problem("hydra.sweeper.metric", f"was {was}, now {now}"))
        return found


def definition_of(
    space: Space, chosen: Chosen, config: Mapping[str, Any], metrics: Sequence[str], arguments: Sequence[str]
) -> Definition:
    """Return what a search is made of; `config` is that of everything that is not searched."""
    held = {key: value for key, value in config.items() if key not in chosen.searched}
    # Through JSON and back, as it is read from the database.
    plain = json.loads(json.dumps(_flat(held), default=str))
    return Definition(space.definition(), plain, space.conditional(), list(metrics), list(arguments))


def check_same(before: Definition, now: Definition, name: str) -> None:
    """Raise ConfigError, with the difference, where a study would go on as another."""
    if problems := now.differences(before):
        hint = "give what it began with, or nothing at all; or begin a new study"
        raise ConfigError(f"study {name} is no longer what it was when it began", problems, hint=hint)


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return dotted key -> value of a nested config."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) and value else {f"{before}{key}": value}
    return found


def _differ(before: Mapping[str, Any], now: Mapping[str, Any], without: str) -> list[Problem]:
    return [
        Problem(name, f"was {before.get(name, without)}, now {now.get(name, without)}")
        for name in dict.fromkeys((*before, *now))
        if before.get(name, without) != now.get(name, without)
    ]
