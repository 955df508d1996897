"""The `canary` deployer: more and more traffic for a new version, as long as it does no worse than the live one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, Len

from hookline import Deployment, Package, Route, Seen

from .durations import Duration, has_lasted
from .figures import NOTHING, figures_of, in_short
from .guards import Guards, Word
from .policies import all_to, beside, next_step, number_of, tried
from .serving import ServingDeployer
from .words import percent

ARM = "canary"
Share = Annotated[float, Interval(gt=0, le=100)]
SUGGESTED = "suggested"
"""Stands among the figures of a policy that waits for a person."""


class CanaryDeployer(ServingDeployer):
    """Gives a new version more and more traffic, and takes it back where it does worse than the live one over the same time."""

    name = "canary"
    steps: Annotated[tuple[Share, ...], Len(1)] = (1, 5, 25, 100)
    """Percent of the requests that the new version answers, step by step; behind the last one it is promoted, at 100 at once."""
    wait: Duration = "10m"
    """How long a step takes at least, such as `90s`, `15m` or `1h`."""
    least: Annotated[int, Ge(0)] = 500
    """How many requests of the new version a step takes at least."""
    key: str | None = None
    """The raw column whose value decides who answers, so that one customer always meets one version; null: chance decides."""
    errors: Annotated[float, Interval(ge=0, lt=1)] | None = 0.005
    """Guard: by how much larger a share of its requests may fail; null: not looked at."""
    latency: Annotated[float, Ge(1)] | None = 1.4
    """Guard: how many times as long its requests may take, by the 99th of 100; null: not looked at."""
    answers: Annotated[float, Interval(ge=0, lt=1)] | None = 0.1
    """Guard: how far the distribution of its answers may lie off, in total variation; null: a new version may answer anew."""
    quality: Annotated[float, Ge(0)] | None = 0.1
    """Guard, where labels come: by what share its loss (mistakes, or squared error) may be larger; null: not looked at."""
    risk: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """How probable it may be at most that a version which is like the live one is taken back, over all steps and guards."""
    promote: Literal["automatic", "suggest"] = "automatic"
    """Whether the new version takes over behind the last step, or a person is told that it can."""

    def __post_init__(self) -> None:
        if any(step >= further for step, further in pairwise(self.steps)):
            raise ValueError(f"steps must go up, got {list(self.steps)}")

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Give the new version its first share; everything where no version is in charge yet."""
        first = self.steps[0] / 100
        if current is None or first >= 1:
            return Deployment.single(package.name, number_of(package), self.name)
        return beside(package, current, self.name, Route(number_of(package), first, arm=ARM), self.key)

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """Give the new version its next share, promote it, or take it back; None where a step is not over yet."""
        new = tried(policy, ARM)
        if new is None:
            return None
        one, live = (seen.get(version, NOTHING) for version in (new, policy.version))
        words = self._guards(_share_of(policy)).words(one, live, (new, policy.version))
        against = any(word.against for word in words)
        if not against and (one.requests < self.least or not has_lasted(policy, now, self.wait)):
            return None
        figures = figures_of({ARM: (new, one), "live": (policy.version, live)}, words)
        if not against:
            return self._further(policy, new, words, figures)
        told = f"v{new} is taken back, and v{policy.version} answers everything: {in_short(words)}."
        return all_to(policy, policy.version, told, figures)

    def _guards(self, share: float) -> Guards:
        looked_at = sum(step < 100 for step in self.steps) + (self.promote == "suggest")
        risk = self.risk / max(1, looked_at)
        of_keys = None if self.key is None else share
        return Guards(self.errors, self.latency, self.answers, self.quality, risk, self.key, of_keys)

    def _further(
        self, policy: Deployment, new: int, words: Sequence[Word], figures: Mapping[str, Any]
    ) -> Deployment | None:
        """Return what follows a step that is over, and that nothing speaks against."""
        share = _share_of(policy)
        # A share that was divided by 100 is not always the same number again.
        later = next((step for step in self.steps if step / 100 > share + 1e-9), 100.0)
        found = in_short(words) or f"{figures['arms'][ARM]['requests']} requests of v{new}, too few to compare"
        if later < 100:
            told = f"v{new} goes from {percent(share)} to {percent(later / 100)} of the requests: {found}."
            routes = (Route(policy.version, 1 - later / 100), Route(new, later / 100, arm=ARM))
            return next_step(policy, told, figures, routes=routes)
        if self.promote == "automatic":
            return all_to(policy, new, f"v{new} takes over from v{policy.version}: {found}.", figures)
        if policy.figures.get(SUGGESTED):
            return None
        line = f"hookline models promote {policy.model}:{new}"
        told = f"v{new} can take over from v{policy.version}, which is for a person to say ({line}): {found}."
        return next_step(policy, told, {**figures, SUGGESTED: True})


def _share_of(policy: Deployment) -> float:
    """Return the new version's share of the requests, and of the key's values."""
    return next(route.weight for route in policy.routes if route.arm == ARM)
