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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookline.kinds.plain import to_json

from . import inference_protocol as v2
from .arms.desk import Desk
from .clients.receiving import client_of
from .many import MOST_BYTES_AT_ONCE, predict
from .openapi.columns import example_row
from .openapi.document import document
from .replies import OK, Answer, failure, send_answer, told
from .routes.arrow import MARK, predict_any
from .routes.asked import Guarded, called
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
    return _with_short_way(app, desk) if spans is None else traced(app, spans)


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


def _with_short_way(app: ASGIApp, desk: Desk) -> ASGIApp:
    """Answer POST /predict without routing, request and response objects, which take longer than a small model does."""
    most, held = min(MOST_BYTES_AT_ONCE, desk.room.bounds.bytes), desk.room.held

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/predict" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        first = await receive()
        body = first.get("body", b"")
        if first["type"] != "http.request" or first.get("more_body") or len(body) > most or body[:1] == MARK:
            await app(scope, _again(first, receive), send)
            return
        try:
            answer = Answer(OK, await predict(desk.traffic, body, called(scope)))
        except Exception as error:  # noqa: BLE001  as in `answered`, without a coroutine more
            answer = told(error)
        if len(answer.body) <= MOST_BYTES_AT_ONCE:
            await send_answer(send, answer)
            return
        with held.account(client_of(scope)) as account:
            account.settle(len(answer.body))
            await send_answer(send, answer)

    return short


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that begins with a message that has been taken already."""
    held = [first]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again


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
