"""Which version answers a row: as a policy's weights say, by chance or by the value of a column."""

from __future__ import annotations

import random
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from hookline.kinds.deployments import Deployment, Route


@dataclass(frozen=True)
class Router:
    """A policy made ready to be asked of each row.

    The arms that are not in charge come first in the interval from 0 to 1, in the policy's order, each as long as its weight
    is of all. So a row that a canary answers at 5 % is answered by it at 25 %, too.
    """

    policy: Deployment
    routes: tuple[Route, ...]
    """Those that answer."""
    ends: tuple[float, ...]
    """Where in the interval each one ends; the last one answers what is left."""
    shadows: tuple[Route, ...]
    salt: bytes

    @classmethod
    def of(cls, policy: Deployment) -> Router:
        """Return the router of a policy."""
        answering = [route for route in policy.routes if route.weight > 0 and not route.shadow]
        ordered = sorted(answering, key=lambda route: route.version == policy.version) or [Route(policy.version, 1.0)]
        whole, reached, ends = sum(route.weight for route in ordered), 0.0, []
        for route in ordered:
            reached += route.weight / whole
            ends.append(reached)
        shadows = tuple(route for route in policy.routes if route.shadow and route.weight > 0)
        others = sorted(version for version in policy.versions if version != policy.version)
        return cls(policy, tuple(ordered), tuple(ends), shadows, f"{policy.model}:{others}:".encode())

    @property
    def is_single(self) -> bool:
        """Whether one version answers everything, and no other is asked."""
        return len(self.routes) == 1 and not self.shadows

    def route(self, key: Any = None) -> Route:
        """Return who answers a row with this value of the policy's key; None: by chance."""
        return self.at(self.place(key))

    def at(self, place: float) -> Route:
        """Return who answers what has a place in the interval."""
        for route, end in zip(self.routes, self.ends, strict=True):
            if place < end:
                return route
        return self.routes[-1]

    def beside(self, place: float) -> tuple[Route, ...]:
        """Return who is asked beside, without an answer to anybody, of what has a place in the interval."""
        return tuple(route for route in self.shadows if place < route.weight)

    def place(self, key: Any) -> float:
        """Return the place of a key in the interval from 0 to 1, always the same for one rollout; without one, a random place."""
        if key is None:
            return random.random()
        digest = blake2b(self.salt + key_text(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def key_text(value: Any) -> str:
    """Return the text of a key, the same of 5 and of 5.0, since JSON and tables tell them apart as they like."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
