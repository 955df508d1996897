"""What a manifest says beside the policy: the cluster, names that it takes, and shares in whole numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.kinds.deployments import Deployment
from hookline.version import __version__

from ..policies import words_of

PORT = 8080
"""Where `hookline serve` listens in a container."""
LONGEST_NAME = 50
"""Letters of a name that others are made of, which may have 63."""


@dataclass(frozen=True)
class Place:
    """What a policy does not say of a cluster. storage: a URL above the folder `models` of the home, such as `pvc://hookline`"""

    image: str = f"hookline:{__version__}"
    storage: str = "pvc://hookline"
    namespace: str | None = None
    gateway: str = "hookline"

    def metadata(self, name: str, policy: Deployment) -> dict[str, Any]:
        """Return a manifest's metadata."""
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "hookline"}
        told = {"name": name, **({"namespace": self.namespace} if self.namespace else {})}
        return {**told, "labels": labels, "annotations": {"hookline/policy": words_of(policy)}}


@dataclass(frozen=True)
class Manifest:
    """One manifest, with remarks on how it is meant, which become comments."""

    content: Mapping[str, Any]
    remarks: tuple[str, ...] = ()


def dns_name(model: str) -> str:
    """Return a model's name as a cluster takes it: lower case letters, digits and hyphens, a letter first."""
    bare = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:LONGEST_NAME].strip("-")
    return bare if bare[:1].isalpha() else f"model-{bare}".strip("-")


def shares_in(weights: Sequence[float], whole: int) -> list[int]:
    """Return shares as whole numbers that add up to `whole`, each of at least one (largest remainders; Hamilton)."""
    total = sum(weights)
    exact = [weight / total * whole for weight in weights]
    found = [max(1, int(one)) for one in exact]
    order = sorted(range(len(exact)), key=lambda place: int(exact[place]) - exact[place])
    for place in order[: max(0, whole - sum(found))]:
        found[place] += 1
    if (over := sum(found) - whole) > 0:
        found[found.index(max(found))] -= over
    return found
