"""The HTTP routes: `/predict` and its neighbors, and the Open Inference Protocol under `/v2`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookline import Predictor
from hookline.errors import DataError, Problem
from hookline.kinds.plain import to_json

from . import inference_protocol as v2
from .answers import Answerer
from .clients.bounds import Bounds
from .clients.receiving import client_of, receive_body
from .log import PredictionLog
from .many import MOST_BYTES_AT_ONCE, predict
from .openapi import document, example_row
from .reading.cutting import Body
from .replies import OK, answered, failure, send_answer, told
from .service import Service

Act = Callable[[Service, Body], Awaitable[bytes]]
"""Answers a body."""
PLAIN_ROUTES = ("/predict", "/example", "/health", "/metadata", "/openapi.json")


def make_app(
    predictor: Predictor, info: Mapping[str, Any], record: PredictionLog | None, bounds: Bounds | None = None
) -> ASGIApp:
    """Return the ASGI application; info: model, version, format."""
    bounds = bounds or Bounds()
    service = Service(Answerer(predictor, record, bounds.rows), info, bounds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.close()
            if record is not None:
                record.close()

    handlers: Mapping[Any, Any] = {HTTPException: _http_error, Exception: _fault}
    return _with_short_way(Starlette(routes=_routes(service), lifespan=lifespan, exception_handlers=handlers), service)


def answer_rows(predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer one request as a client gets it, through JSON both ways; raises DataError where it is refused."""
    bounds = Bounds(rows=len(rows))
    service = Service(Answerer(predictor, None), {"model": "model", "version": None, "format": ""}, bounds)
    body = msgspec.json.encode({"rows": rows})
    # In a thread of its own, since the caller's may have a loop that runs, as a notebook's has.
    with ThreadPoolExecutor(1) as pool:
        status, answer = pool.submit(lambda: asyncio.run(answered(predict(service, body)))).result()
    service.close()
    said: dict[str, Any] = msgspec.json.decode(answer)
    if status != OK:
        problems = [
            Problem(f"row {one.get('row')}, {one['column']}", one["message"]) for one in said.get("problems", [])
        ]
        raise DataError(f"status {status}: {said['error']}", problems)
    predictions: list[dict[str, Any]] = said["predictions"]
    return predictions


def _routes(service: Service) -> list[Route]:
    info, predictor = service.info, service.predictor
    # Not the model's own name, in which a brace would be a parameter to the router.
    model = "/v2/models/{model}"

    def get(path: str, content: Any) -> Route:
        return Route(path, _constant(service, content), methods=["GET"])

    ready = {"name": info["model"], "ready": True}
    return [
        Route("/predict", _Guarded(service, predict), methods=["POST"]),
        Route(f"{model}/infer", _Guarded(service, v2.infer), methods=["POST"]),
        Route(f"{model}/versions/{{version}}/infer", _Guarded(service, v2.infer), methods=["POST"]),
        get("/", {**info, "routes": [*PLAIN_ROUTES, f"/v2/models/{info['model']}"]}),
        get("/health", {"status": "ok", **info}),
        get("/metadata", _metadata(service)),
        get("/example", {"rows": [example_row(predictor.schema)]}),
        get("/openapi.json", document(predictor.schema, predictor.target, info)),
        get("/v2", v2.server_metadata()),
        get("/v2/health/live", {"live": True}),
        get("/v2/health/ready", {"ready": True}),
        get(model, v2.model_metadata(service)),
        get(f"{model}/ready", ready),
        get(f"{model}/versions/{{version}}", v2.model_metadata(service)),
        get(f"{model}/versions/{{version}}/ready", ready),
    ]


def _with_short_way(app: ASGIApp, service: Service) -> ASGIApp:
    """Answer POST /predict without routing, request and response objects, which take longer than a small model does."""
    most = min(MOST_BYTES_AT_ONCE, service.bounds.bytes)

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/predict" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        first = await receive()
        body = first.get("body", b"")
        if first["type"] != "http.request" or first.get("more_body") or len(body) > most:
            await app(scope, _again(first, receive), send)
            return
        answer = await answered(predict(service, body))
        if len(answer.body) <= MOST_BYTES_AT_ONCE:
            await send_answer(send, answer)
            return
        with service.held.account(client_of(scope)) as account:
            account.settle(len(answer.body))
            await send_answer(send, answer)

    return short


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that begins with a message that has been taken already."""
    held = [first]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again


class _Guarded:
    """A route that takes a body, within the bounds, as an ASGI application."""

    def __init__(self, service: Service, act: Act) -> None:
        self._service, self._act = service, act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self._service
        v2.check_asked(scope["path_params"], service)
        with service.held.account() as account:
            body = await receive_body(Request(scope, receive), service.bounds, account)
            answer = await answered(self._act(service, body))
            # What the client takes its time over is held, too.
            del body
            account.settle(len(answer.body))
            await send_answer(send, answer)


def _constant(service: Service, content: Any) -> Callable[[Request], Awaitable[Response]]:
    encoded = msgspec.json.encode(content)

    async def route(request: Request) -> Response:
        v2.check_asked(request.path_params, service)
        return Response(encoded, media_type="application/json")

    return route


def _metadata(service: Service) -> dict[str, Any]:
    predictor = service.predictor
    return {**service.info, "target": to_json(predictor.target), "schema": to_json(predictor.schema)}


async def _http_error(_: Request, error: HTTPException) -> Response:
    status, body = failure(error.status_code, error.detail)
    response = Response(body, status, media_type="application/json")
    response.headers.update(error.headers or {})
    return response


async def _fault(_: Request, error: Exception) -> Response:
    """Answer for a fault in code beside the model."""
    status, body = told(error)
    return Response(body, status, media_type="application/json")
