"""What every deployer of this plugin shares: the server that answers, and which packages may take part."""

from __future__ import annotations

from typing import Any

from hookline import Deployer, Fleet, Package, Predictor, ServeOptions


class ServingDeployer(Deployer):
    """A deployer whose policies the HTTP server of this plugin carries out."""

    extra = "serving"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("uvicorn", "starlette", "msgspec", "httptools")

    @classmethod
    def imports_beside(cls) -> tuple[str, ...]:
        """Return what answers as the server does."""
        return (f"{__name__.partition('.')[0]}.http.arms.trial",)

    def accepts(self, package: Package) -> bool:
        """Accept a package that a trial on live traffic can judge: one without a critical finding, and of the same target.

        That it did worse on held-out rows is no reason to keep it out: the trial is there to find out.
        """
        return not package.unfit

    def answer(self, predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows as the server does, on no port; raises DataError where it would refuse the request."""
        from ..http.arms.trial import answer_rows

        return answer_rows(predictor, rows)

    def serve(self, fleet: Fleet, options: ServeOptions) -> None:
        """Answer until interrupted; raises UsageError where the port is taken, StoreError where no record can be kept."""
        from ..http.clients.bounds import Bounds

        bounds = Bounds(rows=options.max_rows, bytes=options.max_bytes)
        if options.beside is not None:
            from ..http.arms.apart import answer_apart

            answer_apart(fleet, options.beside, bounds)
            return
        from ..http.access.tls import access_of
        from ..http.server import serve

        access = access_of(options.token_file, options.tls_cert, options.tls_key)
        serve(fleet, options.host, options.port, bounds, access, share=options.share)
