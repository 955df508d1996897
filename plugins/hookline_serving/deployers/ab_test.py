"""The `ab_test` deployer: versions answer side by side until labels tell which one is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from string import ascii_uppercase
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Interval, Len

from hookline import Deployment, Package, Route, Seen

from .evidence.comparison import Comparison, Rules
from .evidence.likelihood import log_other_shares
from .evidence.losses import Metric, keys_of
from .figures import NOTHING, figures_of, in_short
from .guards import Guards, Word
from .policies import all_to, number_of
from .serving import ServingDeployer
from .words import by_chance

Version: TypeAlias = Annotated[int, Gt(0)] | Literal["live", "new"]
LETTERS = tuple(ascii_uppercase)
UNEVEN_RISK = 0.001
"""How probable it may be at most that arms which get what they are meant to are called uneven."""


class ABTestDeployer(ServingDeployer):
    """Has versions answer side by side until labels tell, with a bound on chance, which one is better, or for `max` requests."""

    name = "ab_test"
    key: str | None
    """The raw column whose value decides who answers, so that one customer always meets one version; null: chance decides."""
    arms: Annotated[Mapping[Version, Annotated[float, Gt(0)]], Len(2, 26)] = field(
        default_factory=lambda: {"live": 1, "new": 1}
    )
    """Who takes part, with weights: `live` is the version in charge, arm A; `new` the deployed one, B; others by number."""
    metric: Metric = "squared"
    """How numbers are judged, by the squared or the absolute error; classes are judged by mistakes."""
    alpha: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """How probable it may be at most that one is called better where none is, however often one looks."""
    least: Annotated[int, Ge(10)] = 100
    """How many rows with their truth (of a key: values of it) each arm has before it is judged."""
    max: Annotated[int, Gt(0)] = 10_000
    """After how many requests of each arm the test ends at the latest."""
    errors: Annotated[float, Interval(ge=0, lt=1)] | None = 0.005
    """By how much larger a share than of A's requests may fail, before the test ends at once; null: not looked at."""
    promote: bool = False
    """Whether the better version takes over; else the one in charge goes on, and a person is told."""

    def __post_init__(self) -> None:
        if not {"live", "new"} <= set(self.arms):
            raise ValueError(f"arms must hold live and new, got {', '.join(map(str, self.arms))}")

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Have the arms answer side by side; the new version answers everything where none, or itself, is in charge."""
        new = number_of(package)
        if current is None or current.version == new:
            return Deployment.single(package.name, new, self.name)
        routes = self._routes(current.version, new)
        if (current.deployer, current.routes, current.key) == (self.name, routes, self.key):
            return current
        aliases = {"champion": current.version, "challenger": new}
        return Deployment(package.name, current.version, routes, self.name, aliases, key=self.key)

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """End the test where an arm is better, fails, or `max` is reached, or where arms do not get what they are meant to."""
        if len(policy.routes) < 2 or any(route.arm not in LETTERS for route in policy.routes):
            return None
        arms = {route.arm: (route.version, seen.get(route.version, NOTHING)) for route in policy.routes}
        if failing := self._failing(arms, {route.arm: route.weight for route in policy.routes}):
            told = f"the test ends, and v{policy.version} answers everything: {in_short(failing)}."
            return all_to(policy, policy.version, told, figures_of(arms, failing))
        if uneven := self._uneven(policy, arms):
            return all_to(policy, policy.version, uneven, figures_of(arms))
        compared = Comparison.of(arms, Rules(self.key, self.metric, self.alpha, self.least, self.max))
        if compared.winner is None and min(one.requests for _, one in arms.values()) < self.max:
            return None
        return self._ended(policy, compared, figures_of(arms) | {"comparison": compared.figures()})

    def _routes(self, live: int, new: int) -> tuple[Route, ...]:
        """Return a route for each version, the one in charge first; one that is said twice gets both weights."""
        weights = {live: 0.0, new: 0.0}
        for said, weight in self.arms.items():
            version = {"live": live, "new": new}.get(said, said) if isinstance(said, str) else said
            weights[int(version)] = weights.get(int(version), 0.0) + weight
        whole = sum(weights.values())
        named = zip(LETTERS, weights.items(), strict=False)
        return tuple(Route(version, weight / whole, arm=arm) for arm, (version, weight) in named)

    def _failing(self, arms: Mapping[str, tuple[int, Seen]], weights: Mapping[str, float]) -> Sequence[Word]:
        live, seen = arms["A"]
        found: list[Word] = []
        for arm, (version, one) in arms.items():
            if arm != "A":
                # Of the keys of these two.
                share = None if self.key is None else weights[arm] / (weights[arm] + weights["A"])
                guards = Guards(errors=self.errors, risk=self.alpha / 5 / (len(arms) - 1), key=self.key, share=share)
                found += guards.words(one, seen, (version, live))
        return [word for word in found if word.against]

    def _uneven(self, policy: Deployment, arms: Mapping[str, tuple[int, Seen]]) -> str:
        """Return why no comparison of these arms is to be trusted; empty where none is known."""
        counts, what = [one.requests for _, one in arms.values()], "requests"
        if self.key is not None and any(one.scored is None for _, one in arms.values()):
            return ""
        if self.key is not None:
            # Of a key's requests nobody knows how many are to be expected, but each value is as good as any other.
            counts, what = [keys_of(one.scored, self.key) for _, one in arms.values()], f"values of {self.key}"
        weights = [route.weight for route in policy.routes]
        found = log_other_shares(counts, weights)
        if found < -math.log(UNEVEN_RISK):
            return ""
        told = ", ".join(f"{count:,} of {arm}" for arm, count in zip(arms, counts, strict=True))
        meant = " : ".join(f"{weight:.3g}" for weight in weights)
        return (
            f"the test ends without a verdict, and v{policy.version} answers everything: arms that are to get {meant} got {told} "
            f"({what}), so that something else than chance divides them; {by_chance(found)}."
        )

    def _ended(self, policy: Deployment, compared: Comparison, figures: Mapping[str, Any]) -> Deployment:
        winner = policy.version if compared.winner is None else compared.version(compared.winner)
        told = compared.verdict()
        if winner == policy.version:
            return all_to(policy, winner, f"{told}; v{winner} goes on answering everything.", figures)
        if self.promote:
            return all_to(policy, winner, f"{told}; v{winner} takes over from v{policy.version}.", figures)
        line = f"hookline models promote {policy.model}:{winner}"
        told += f"; v{policy.version} goes on answering everything, until a person says otherwise ({line})."
        return all_to(policy, policy.version, told, figures)
