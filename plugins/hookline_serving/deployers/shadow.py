"""The `shadow` deployer: a new version is asked beside the live one, and nobody sees its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Deployment, Package, Route, Seen

from .durations import Duration, has_lasted
from .figures import NOTHING, figures_of, in_short
from .guards import Guards
from .policies import all_to, beside, number_of, tried
from .serving import ServingDeployer

ARM = "shadow"


class ShadowDeployer(ServingDeployer):
    """Asks the new version beside the live one, which alone answers, and tells after a while how the two compare."""

    name = "shadow"
    share: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Of the requests, those that the new version is asked, too."""
    requests: Annotated[int, Gt(0)] = 10_000
    """After how many requests of the new version the shadow ends."""
    lasts: Duration = "1d"
    """After how long it ends at the latest, such as `30m`, `12h` or `7d`."""
    key: str | None = None
    """The raw column whose value decides which rows are asked; null: chance decides."""
    errors: Annotated[float, Interval(ge=0, lt=1)] | None = 0.005
    """By how much larger a share of its requests may fail; where it is more, the shadow ends early; null: not looked at."""
    answers: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """How far the distribution of its answers may lie off, in total variation, before the report says that it differs."""
    risk: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """How probable it may be at most that anything is said against a version which is like the live one."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Ask the new version beside the one in charge; it answers everything where there is none yet."""
        arm = Route(number_of(package), self.share, shadow=True, arm=ARM)
        return beside(package, current, self.name, arm, self.key)

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """End the shadow once it has seen enough, or fails; the version in charge stays so. None before."""
        new = tried(policy, ARM)
        if new is None:
            return None
        one, live = (seen.get(version, NOTHING) for version in (new, policy.version))
        # Not how long it takes: nobody waits for it, so that it gives way to those who are waited for.
        guards = Guards(self.errors, None, self.answers, risk=self.risk)
        words = guards.words(one, live, (new, policy.version))
        fails = any(word.against and word.guard == "errors" for word in words)
        if not fails and one.requests < self.requests and not has_lasted(policy, now, self.lasts):
            return None
        against = [word for word in words if word.against]
        verdict = f"{'this' if against else 'nothing'} speaks against v{new}"
        found = in_short(words) or f"{one.requests:,} requests of it were seen, too few to compare"
        told = f"the shadow ends after {one.requests:,} requests, and {verdict}: {found}; "
        told += f"see what it would have changed with hookline deploy status {policy.model}."
        return all_to(
            policy, policy.version, told, figures_of({ARM: (new, one), "live": (policy.version, live)}, words)
        )
