"""The HTTP routes: `/predict` and its neighbors, and the Open Inference Protocol under `/v2`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hookline.kinds.plain import to_json

from . import inference_protocol as v2
from .arms.desk import Desk
from .openapi.columns import example_row
from .openapi.document import document
from .replies import failure, told
from .routes.arrow import predict_any
from .routes.asked import Guarded
from .routes.binary import infer_any
from .routes.table import NAMES, further
from .service import Service
from .watching.tracing import traced

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from .arms.traffic import Traffic

PLAIN_ROUTES = ("/predict", "/example", "/health", "/metadata", "/openapi.json")


def app_of(
    desk: Desk, follow: Callable[[], AbstractContextManager[None]] = nullcontext, spans: TracerProvider | None = None
) -> ASGIApp:
    """Return the ASGI application of a desk.

    follow: entered once the loop runs, and left before it ends; spans: where those of requests go, None: nowhere
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            with follow():
                yield
        finally:
            desk.close()
            if spans is not None:
                spans.shutdown()

    handlers: Mapping[Any, Any] = {HTTPException: _http_error, Exception: _fault}
    app = Starlette(routes=_routes(desk), lifespan=lifespan, exception_handlers=handlers)
    # Whoever asks for /ready/ is told so, and not sent to an address made of what the request calls this server.
    app.router.redirect_slashes = False
    return app if spans is None else traced(app, spans)


def _routes(desk: Desk) -> list[Route]:
    # Not the model's own name, in which a brace would be a parameter to the router.
    model = "/v2/models/{model}"

    def get(path: str, content: Callable[[Service], Any]) -> Route:
        return Route(path, _told(desk, content), methods=["GET"])

    return [
        Route("/predict", Guarded(desk, predict_any), methods=["POST"]),
        Route(f"{model}/infer", Guarded(desk, infer_any), methods=["POST"]),
        Route(f"{model}/versions/{{version}}/infer", Guarded(desk, infer_any), methods=["POST"]),
        get("/", lambda live: {**live.info, "routes": [*PLAIN_ROUTES, *NAMES, f"/v2/models/{live.info['model']}"]}),
        get("/health", lambda live: {"status": "ok", **live.info}),
        get("/metadata", _metadata),
        get("/example", lambda live: {"rows": [example_row(live.predictor.schema)]}),
        Route("/openapi.json", _openapi(desk), methods=["GET"]),
        get("/v2", lambda _: v2.server_metadata()),
        get("/v2/health/live", lambda _: {"live": True}),
        get(model, v2.model_metadata),
        get(f"{model}/versions/{{version}}", v2.model_metadata),
        *further(desk),
    ]


def _told(desk: Desk, content: Callable[[Service], Any]) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that tells something of the version that is asked for, or in charge; made once for each."""
    made: WeakKeyDictionary[Service, bytes] = WeakKeyDictionary()

    async def route(request: Request) -> Response:
        service = v2.service_asked(request.path_params, desk.traffic)
        if service not in made:
            made[service] = msgspec.json.encode(content(service))
        return Response(made[service], media_type="application/json")

    return route


def _openapi(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that tells of every route, made once for each traffic."""
    # Of a traffic that is held by others alone, since its models take memory.
    made: tuple[ref[Traffic], bytes] | None = None

    async def route(_: Request) -> Response:
        nonlocal made
        traffic = desk.traffic
        if made is None or made[0]() is not traffic:
            made = ref(traffic), msgspec.json.encode(document(traffic, desk.asks_token))
        return Response(made[1], media_type="application/json")

    return route


def _metadata(service: Service) -> dict[str, Any]:
    predictor = service.predictor
    return {**service.info, "target": to_json(predictor.target), "schema": to_json(predictor.schema)}


async def _http_error(_: Request, error: HTTPException) -> Response:
    answer = failure(error.status_code, error.detail)
    response = Response(answer.body, answer.status, media_type="application/json")
    response.headers.update(error.headers or {})
    return response


async def _fault(_: Request, error: Exception) -> Response:
    """Answer for a fault in code beside the model."""
    answer = told(error)
    return Response(answer.body, answer.status, media_type="application/json")
