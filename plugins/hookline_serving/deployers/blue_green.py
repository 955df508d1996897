"""The `blue_green` deployer: the new version is warmed beside the old one, then takes everything at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from hookline import Deployment, Package, Route, Seen

from .durations import Duration, has_lasted, span_of
from .figures import NOTHING, figures_of, in_short
from .guards import Guards
from .policies import all_to, beside, next_step, number_of, tried
from .serving import ServingDeployer

GOLDEN, PREVIOUS = "golden", "previous"


class BlueGreenDeployer(ServingDeployer):
    """Has the new version answer some requests unseen, switches all traffic to it at once, and keeps the old one warm."""

    name = "blue_green"
    golden: Annotated[int, Ge(0)] = 200
    """How many requests are asked of the new version, too, before the switch, which nobody sees; 0: it switches at once.

    Every server loads it meanwhile. Held-out rows were asked of it already, when it was deployed.
    """
    patience: Duration = "10m"
    """After how long it switches though fewer were asked, as at night; those that were must not have failed."""
    keep: Duration = "1h"
    """How long the old version stays warm behind the switch, so that it is back in a moment; `0s`: not at all."""
    errors: Annotated[float, Interval(ge=0, lt=1)] = 0.005
    """By how much larger a share of those requests than of the old version's may fail."""
    risk: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """How probable it may be at most that a version which is like the old one is not switched to."""
    promote: Literal["unless_worse", "always"] = "unless_worse"
    """Whether a version with a critical finding, another target or worse metrics than the champion's takes over all the same."""

    def accepts(self, package: Package) -> bool:
        """Accept a package that nothing speaks against, as it answers everything in a moment; each where it is told to."""
        return self.promote == "always" or not package.objections

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Ask the new version beside the old one, or switch at once where none is in charge, or no row is to be asked."""
        new = number_of(package)
        if current is not None and current.version == new and tried(current, PREVIOUS) is not None:
            return current
        if current is None or current.version == new or self.golden:
            return beside(package, current, self.name, Route(new, 1.0, shadow=True, arm=GOLDEN))
        return replace(Deployment.single(package.name, new, self.name), routes=self._routes(new, current.version))

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """Switch, or leave the new version; later let the old one go; None where it is time for neither."""
        new, old = tried(policy, GOLDEN), tried(policy, PREVIOUS)
        if new is not None:
            return self._judged(policy, new, seen, now)
        if old is None or not has_lasted(policy, now, self.keep):
            return None
        one = seen.get(policy.version, NOTHING)
        told = f"v{policy.version} has answered {one.requests:,} requests since the switch, so v{old} is let go."
        return all_to(policy, policy.version, told, figures_of({"live": (policy.version, one)}))

    def _judged(self, policy: Deployment, new: int, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        one, live = (seen.get(version, NOTHING) for version in (new, policy.version))
        words = Guards(errors=self.errors, risk=self.risk).words(one, live, (new, policy.version))
        against = any(word.against for word in words)
        if not against and one.requests < self.golden and not has_lasted(policy, now, self.patience):
            return None
        figures = figures_of({GOLDEN: (new, one), "live": (policy.version, live)}, words)
        found = in_short(words) or f"{one.requests} requests were asked of it, {one.errors} of which failed"
        if against or (one.requests and one.errors == one.requests):
            told = f"v{new} is not switched to, and v{policy.version} stays: {found}."
            return all_to(policy, policy.version, told, figures)
        told = f"everything goes from v{policy.version} to v{new}: {found}."
        routes, aliases = self._routes(new, policy.version), {"champion": new}
        return next_step(policy, told, figures, version=new, routes=routes, aliases=aliases)

    def _routes(self, new: int, old: int) -> tuple[Route, ...]:
        warm = (Route(old, 0.0, arm=PREVIOUS),) if span_of(self.keep) else ()
        return (Route(new, 1.0), *warm)
