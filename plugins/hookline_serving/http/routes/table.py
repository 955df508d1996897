"""The routes beside `/predict`, its neighbors and the Open Inference Protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import hookline

from ..inference_protocol import service_asked
from ..watching.metrics import exposition
from ..watching.ready import Readiness
from .asked import Guarded
from .explain import explain
from .invocations import invocations
from .labels import labels
from .page import page_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ..arms.desk import Desk
    from ..service import Service

NAMES = ("/docs", "/ready", "/metrics", "/labels", "/explain", "/invocations", "/ping", "/version")
"""What `GET /` tells of beside the plain routes."""
NAMED = "/v2/models/{model}"


def further(desk: Desk) -> list[Route]:
    """Return the routes of a desk."""
    return [
        *_ready(desk),
        Route("/docs", _page(desk), methods=["GET"]),
        Route("/metrics", _metrics(desk), methods=["GET"]),
        Route("/invocations", Guarded(desk, invocations), methods=["POST"]),
        Route("/explain", Guarded(desk, explain(fleet=desk.fleet)), methods=["POST"]),
        Route("/version", _version, methods=["GET"]),
        Route("/labels", Guarded(desk, labels(desk)), methods=["POST"]),
    ]


def _ready(desk: Desk) -> list[Route]:
    readiness = Readiness()

    def route(path: str, services: Callable[[Request], Iterable[Service]], body: Callable[[Service], object]) -> Route:
        async def answer(request: Request) -> Response:
            asked = [*services(request)]
            if not await readiness.is_ready(asked):
                raise HTTPException(503, "no version can answer", headers={"retry-after": "1"})
            return Response(msgspec.json.encode(body(asked[0])), media_type="application/json")

        return Route(path, answer, methods=["GET"])

    def one(request: Request) -> Iterable[Service]:
        if "version" not in request.path_params:
            service_asked(request.path_params, desk.traffic)
            return desk.traffic.services()
        return [service_asked(request.path_params, desk.traffic)]

    def named(service: Service) -> object:
        return {"name": service.info["model"], "ready": True}

    return [
        route("/ready", one, named),
        route("/ping", one, lambda _: {}),
        route("/v2/health/ready", one, lambda _: {"ready": True}),
        route(f"{NAMED}/ready", one, named),
        route(f"{NAMED}/versions/{{version}}/ready", one, named),
    ]


def _page(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def page(_: Request) -> Response:
        html, policy = page_of(desk.traffic.live)
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }
        return Response(html, media_type="text/html", headers=headers)

    return page


def _metrics(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(request: Request) -> Response:
        body, media = exposition(desk, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": media})

    return metrics


async def _version(_: Request) -> Response:
    """Answer as MLflow's scoring server does, with the text alone."""
    return Response(hookline.__version__, media_type="text/plain")
