"""A deployer of somebody's own project, which gives a new version a share until it has answered enough."""

from __future__ import annotations

ROLLOUT = '''
    """A rollout of our own."""

    from collections.abc import Mapping
    from dataclasses import replace
    from datetime import datetime
    from typing import Annotated

    from annotated_types import Interval

    from hookline import Deployer, Deployment, Package, Route, Seen, hookimpl


    class Gradual(Deployer):
        """Give the new version a share of the traffic, and all of it once it has answered enough."""

        name = "gradual"
        share: Annotated[float, Interval(gt=0, lt=1)] = 0.1
        requests: int = 100
        heeds: bool = True

        def accepts(self, package: Package) -> bool:
            return not (self.heeds and package.objections)

        def deploy(self, package: Package, current: Deployment | None) -> Deployment:
            version = package.version or 1
            if current is None or current.version == version:
                return Deployment.single(package.name, version, self.name)
            routes = (Route(current.version, 1 - self.share), Route(version, self.share, arm="canary"))
            return Deployment(package.name, current.version, routes, self.name, {"champion": current.version})

        def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
            new = next((route.version for route in policy.routes if route.version != policy.version), None)
            if new is None or new not in seen or seen[new].requests < self.requests:
                return None
            made = Deployment.single(policy.model, new, self.name)
            return replace(made, step=policy.step + 1, reason=f"{seen[new].requests} requests were answered")


    @hookimpl
    def register_deployers():
        return [Gradual]
'''
"""The code of a module with the deployer `gradual`, for the fixture `project_module`."""
