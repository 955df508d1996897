"""A policy as an HTTPRoute of the Gateway API: weights over a service a version, and mirrored requests for shadows."""

from __future__ import annotations

from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment, Route

from ...routing import Router
from ..policies import answering
from .place import PORT, Manifest, Place, dns_name, shares_in

WHOLE = 1_000
"""What the weights add up to, so that a tenth of a percent can be said."""
MOST_BACKENDS = 16


def routes(policy: Deployment, place: Place) -> list[Manifest]:
    """Return the HTTPRoute; raises UsageError for more versions than one takes."""
    shares = answering(policy)
    if len(shares) > MOST_BACKENDS:
        raise UsageError(
            f"an HTTPRoute takes {MOST_BACKENDS} versions, and {len(shares)} answer",
            hint=f"hookline deploy status {policy.model}",
        )
    name = dns_name(policy.model)
    weights = shares_in(list(shares.values()), WHOLE) if len(shares) > 1 else [WHOLE]
    backends = [
        {**_backend(name, route.version), "weight": weight} for route, weight in zip(shares, weights, strict=True)
    ]
    filters = [
        {"type": "RequestMirror", "requestMirror": {"backendRef": _backend(name, route.version), **_part(route)}}
        for route in Router.of(policy).shadows
    ]
    rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    rule |= {**({"filters": filters} if filters else {}), "backendRefs": backends}
    content = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": place.metadata(name, policy),
        "spec": {"parentRefs": [{"name": place.gateway}], "rules": [rule]},
    }
    services = ", ".join(f"{name}-v{version}" for version in sorted(policy.versions))
    remarks = [f"The services {services} each run `hookline serve {policy.model}:VERSION` at port {PORT}."]
    if policy.key is not None and len(shares) > 1:
        remarks.append(f"A route shares requests out by chance; that rows of one {policy.key} stay together is lost.")
    return [Manifest(content, tuple(remarks))]


def _backend(name: str, version: int) -> dict[str, Any]:
    return {"name": f"{name}-v{version}", "port": PORT}


def _part(route: Route) -> dict[str, Any]:
    """Return which requests are mirrored: all, so many of a hundred, or of a thousand."""
    if route.weight >= 1:
        return {}
    hundredths = route.weight * 100
    if round(hundredths) >= 1 and abs(hundredths - round(hundredths)) < 1e-9:
        return {"percent": round(hundredths)}
    return {"fraction": {"numerator": max(1, round(route.weight * WHOLE)), "denominator": WHOLE}}
