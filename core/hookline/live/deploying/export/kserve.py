"""A policy as InferenceServices of KServe: one version, or a canary beside the one in charge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment
from hookline.workspace.workspace import Workspace

from ...routing import Router
from ..policies import answering, percent
from .place import PORT, Manifest, Place, dns_name, shares_in

MOUNTED = "/mnt/models"
"""Where KServe puts what STORAGE_URI names."""
CONTAINER = "kserve-container"
MOST_ARMS = 2


def services(workspace: Workspace, policy: Deployment, place: Place) -> list[Manifest]:
    """Return the InferenceService of the version in charge and, in a canary, of the new one, to be applied after it.

    Raises UsageError for a shadow and for more than two versions, of which an InferenceService has no words.
    """
    shares: dict[int, float] = {}
    for route, share in answering(policy).items():
        shares[route.version] = shares.get(route.version, 0.0) + share
    if Router.of(policy).shadows or len(shares) > MOST_ARMS:
        what = "a shadow" if Router.of(policy).shadows else f"{len(shares)} versions that answer"
        raise UsageError(
            f"an InferenceService has no words for {what}", hint=f"hookline deploy export {policy.model} --to gateway"
        )
    first, *new = shares
    if not new:
        return [Manifest(_service(workspace, policy, place, first, None))]
    _, part = shares_in([shares[first], shares[new[0]]], 100)
    told = f"v{new[0]} is to get {percent(shares[new[0]])} of the requests"
    return [
        Manifest(
            _service(workspace, policy, place, first, None),
            (f"Apply this first, and wait until it is ready: v{first} is in charge.",),
        ),
        Manifest(_service(workspace, policy, place, new[0], part), (f"Then this: {told}.",)),
    ]


def _service(workspace: Workspace, policy: Deployment, place: Place, version: int, part: int | None) -> dict[str, Any]:
    folder = Path(workspace.catalog.models.get(policy.model, version).path)
    within = folder.relative_to(workspace.home) if folder.is_relative_to(workspace.home) else Path(folder.name)
    command = ["hookline", "serve", MOUNTED, "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104  of a container
    container = {
        "name": CONTAINER,
        "image": place.image,
        "command": command,
        "env": [{"name": "STORAGE_URI", "value": f"{place.storage.rstrip('/')}/{within.as_posix()}"}],
        "ports": [{"name": "http1", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": PORT}},
    }
    canary = {} if part is None else {"canaryTrafficPercent": part}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": place.metadata(dns_name(policy.model), policy),
        "spec": {"predictor": {**canary, "containers": [container]}},
    }
