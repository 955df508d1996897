"""The `local` deployer: one version answers everything, from this machine."""

from __future__ import annotations

from typing import Any, Literal

from hookline import Deployer, Deployment, Fleet, Package, Predictor, ServeOptions


class LocalDeployer(Deployer):
    """Makes the new version the champion where nothing speaks against it; `hookline serve MODEL` answers with it over HTTP."""

    name = "local"
    extra = "serving"
    promote: Literal["unless_worse", "always"] = "unless_worse"
    """Whether a version with a critical finding, another target or worse metrics than the champion's takes over all the same."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("uvicorn", "starlette", "msgspec", "httptools")

    def accepts(self, package: Package) -> bool:
        """Accept a package that nothing speaks against; each where it is told to."""
        return self.promote == "always" or not package.objections

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Send everything to the new version."""
        assert package.version is not None, "the runner registers a package before it is deployed"
        return Deployment.single(package.name, package.version, self.name)

    def answer(self, predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows as the server does, on no port; raises DataError where it would refuse the request."""
        from .http.app import answer_rows

        return answer_rows(predictor, rows)

    def serve(self, fleet: Fleet, options: ServeOptions) -> None:
        """Answer until interrupted; raises UsageError where the port is taken, StoreError where no record can be kept."""
        from .http.access.tls import access_of
        from .http.clients.bounds import Bounds
        from .http.server import serve

        bounds = Bounds(rows=options.max_rows, bytes=options.max_bytes)
        access = access_of(options.token_file, options.tls_cert, options.tls_key)
        serve(fleet, options.host, options.port, bounds, access)
