"""Which policy was in force when, and who put it there and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment
from hookline.kinds.plain import to_json
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.workspace import open_workspace

from ..log.times import moment_of
from .naming import model_named
from .policies import pair_of, words_of


@dataclass(frozen=True)
class Term:
    """A policy and the time that it was in force, UTC. until: None while it is"""

    policy: Deployment | None
    """None before there was any: then the newest version answered."""
    until: datetime | None
    newest: int | None = None
    """The version that was the newest then, where no policy was in force."""

    @property
    def since(self) -> datetime | None:
        """When it came into force; None where there is no policy."""
        return None if self.policy is None else self.policy.since

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        policy = None if self.policy is None else to_json(self.policy)
        until = None if self.until is None else self.until.isoformat()
        return {"policy": policy, "until": until, "newest": self.newest, "words": self.words()}

    def words(self) -> str:
        """Return who answered, in a line."""
        if self.policy is not None:
            return words_of(self.policy)
        return "there was no version" if self.newest is None else f"v{self.newest} answers, the newest: no policy"


@dataclass(frozen=True)
class Step:
    """One line of the promotion log: a policy, and what it came after."""

    policy: Deployment
    before: Deployment | None

    def row(self) -> dict[str, Any]:
        """Return it as a row: since, who, change, aliases, deployer, step, reason, figures."""
        one = self.policy
        aliases = [f"{alias} -> {version}" for alias, version in one.aliases.items()]
        told: dict[str, Any] = {"since": one.since, "who": one.who, "change": pair_of(self.before, one)}
        told |= {"aliases": aliases, "deployer": one.deployer, "step": one.step}
        return {**told, "reason": one.reason, "figures": dict(one.figures)}


def promotions(model: str, *, home: str | Path | None = None) -> list[Step]:
    """Return a model's promotion log, newest first; raises UnknownName."""
    catalog = open_workspace(home).catalog
    history = catalog.deployments.history(model_named(catalog, model, "models log"))
    return [Step(policy, before) for policy, before in zip(history, [*history, None][1:], strict=True)]


def live_at(model: str, when: str | date | timedelta, *, home: str | Path | None = None) -> list[Term]:
    """Return which policies were in force at a moment, one, or over a day, all of its policies, the first first.

    when: an ISO time, UTC where it names no zone; a date, which is a whole day; or how long ago it was, such as `7d`
    Raises UnknownName, and UsageError for what is no time or has not come yet.
    """
    catalog, now = open_workspace(home).catalog, datetime.now(UTC)
    name = model_named(catalog, model, "models at DATE")
    begin = moment_of(when, "when", now)
    assert begin is not None
    if begin > now:
        raise UsageError(f"{begin:%Y-%m-%d %H:%M} UTC has not come yet", hint=f"hookline deploy status {name}")
    end = begin + timedelta(days=1) if _is_day(when) else begin
    return [term for term in _terms(catalog, name, begin) if _meets(term, begin, end)]


def _terms(catalog: Catalog, name: str, begin: datetime) -> list[Term]:
    history = catalog.deployments.history(name)[::-1]
    ends = [*(policy.since for policy in history), None]
    born = [record.version for record in catalog.models.versions(name) if record.created <= begin]
    return [
        Term(policy, until, born[0] if born and policy is None else None)
        for policy, until in zip([None, *history], ends, strict=True)
    ]


def _meets(term: Term, begin: datetime, end: datetime) -> bool:
    return (term.since is None or term.since <= end) and (term.until is None or term.until > begin)


def _is_day(when: Any) -> bool:
    if isinstance(when, str):
        try:
            date.fromisoformat(when.strip())
        except ValueError:
            return False
        return True
    return isinstance(when, date) and not isinstance(when, datetime)
