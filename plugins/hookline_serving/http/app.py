"""The HTTP routes: `/predict` and its neighbors, and the Open Inference Protocol under `/v2`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookline import Predictor
from hookline.errors import DataError, HooklineError, Problem
from hookline.kinds.plain import to_json

from . import inference_protocol as v2
from .answers import Answerer
from .log import PredictionLog
from .openapi import document, example_row
from .rows import MOST_PROBLEMS, BadRequest, BadRows
from .service import Service

log = logging.getLogger("hookline.serving")

MOST_BYTES = 32 * 1024 * 1024
"""Largest body that is read."""
OK = 200
INTERNAL_ERROR = 500
MOST_BYTES_SHORT = 1024 * 1024
"""Largest body that goes the short way."""
PLAIN_ROUTES = ("/predict", "/example", "/health", "/metadata", "/openapi.json")


Act = Callable[["Service", bytes], Awaitable[Any]]
"""Answers a body."""


def make_app(predictor: Predictor, info: Mapping[str, Any], record: PredictionLog | None) -> ASGIApp:
    """Return the ASGI application; info: model, version, format."""
    service = Service(Answerer(predictor, record), info)
    # Not the model's own name, in which a brace would be a parameter to the router.
    model = "/v2/models/{model}"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if record is not None:
                record.close()

    def get(path: str, content: Any) -> Route:
        return Route(path, _constant(service, content), methods=["GET"])

    ready = {"name": info["model"], "ready": True}
    routes = [
        Route("/predict", _guarded(service, _predict), methods=["POST"]),
        Route(f"{model}/infer", _guarded(service, v2.infer), methods=["POST"]),
        Route(f"{model}/versions/{{version}}/infer", _guarded(service, v2.infer), methods=["POST"]),
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
    app = Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _http_error, Exception: _fault}
    )
    return _with_short_way(app, service)


def answer_rows(predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer one request as a client gets it, through JSON both ways; raises DataError where it is refused."""
    service = Service(Answerer(predictor, None), {"model": "model", "version": None, "format": ""})
    body = msgspec.json.encode({"rows": rows})
    # In a thread of its own, since the caller's may have a loop that runs, as a notebook's has.
    with ThreadPoolExecutor(1) as pool:
        status, answer = pool.submit(lambda: asyncio.run(_respond(service, _predict, body))).result()
    said: dict[str, Any] = msgspec.json.decode(answer)
    if status != OK:
        told = [Problem(f"row {one.get('row')}, {one['column']}", one["message"]) for one in said.get("problems", [])]
        raise DataError(f"status {status}: {said['error']}", told)
    predictions: list[dict[str, Any]] = said["predictions"]
    return predictions


def _with_short_way(app: Starlette, service: Service) -> ASGIApp:
    """Answer POST /predict without routing, request and response objects, which take longer than a small model does."""

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/predict" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        first = await receive()
        body = first.get("body", b"")
        if first["type"] != "http.request" or first.get("more_body") or len(body) > MOST_BYTES_SHORT:
            await app(scope, _again(first, receive), send)
            return
        status, answer = await _respond(service, _predict, body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return short


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that begins with a message that has been taken already."""
    held = [first]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again


async def _predict(service: Service, body: bytes) -> Any:
    items = await service.answer(service.answerer.reader.read_body(body))
    return {"model": service.info["model"], "version": service.info["version"], "predictions": items}


def _guarded(service: Service, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        v2.check_asked(request.path_params, service)
        status, answer = await _respond(service, act, await _body(request))
        return Response(answer, status, media_type="application/json")

    return route


async def _respond(service: Service, act: Act, body: bytes) -> tuple[int, bytes]:
    """Return status and JSON; what can go wrong with a request becomes an answer that says what it was."""
    try:
        return OK, msgspec.json.encode(await act(service, body))
    except BadRows as error:
        told = [asdict(problem) for problem in error.problems[:MOST_PROBLEMS]]
        return _failure(
            422,
            f"{len(error.problems)} {'value does' if len(error.problems) == 1 else 'values do'} not fit the input contract",
            problems=told,
        )
    except DataError as error:
        problems = [{"column": problem.path, "message": problem.message} for problem in error.problems]
        return _failure(422, error.message, problems=problems)
    except BadRequest as error:
        return _failure(400, str(error))
    except OSError as error:
        log.error("a prediction could not be recorded, and was not answered: %s", error)
        return _failure(503, f"the prediction could not be recorded: {error.strerror}")
    except HooklineError as error:
        return _failure(INTERNAL_ERROR, error.message)
    except Exception as error:  # noqa: BLE001  a model may raise anything, and whoever asked must hear of it
        return _broken(error)


async def _body(request: Request) -> bytes:
    received = bytearray()
    try:
        async for part in request.stream():
            received += part
            if len(received) > MOST_BYTES:
                raise HTTPException(
                    413, f"the body is larger than {MOST_BYTES // 1024**2} MiB; send fewer rows at a time"
                )
    except ClientDisconnect:
        raise HTTPException(400, "the client went away") from None
    return bytes(received)


def _constant(service: Service, content: Any) -> Callable[[Request], Awaitable[Response]]:
    encoded = msgspec.json.encode(content)

    async def route(request: Request) -> Response:
        v2.check_asked(request.path_params, service)
        return Response(encoded, media_type="application/json")

    return route


def _metadata(service: Service) -> dict[str, Any]:
    predictor = service.predictor
    return {**service.info, "target": to_json(predictor.target), "schema": to_json(predictor.schema)}


def _failure(status: int, message: str, **more: Any) -> tuple[int, bytes]:
    return status, msgspec.json.encode({"error": message, **more})


def _error(status: int, message: str) -> Response:
    return Response(_failure(status, message)[1], status, media_type="application/json")


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _fault(_: Request, error: Exception) -> Response:
    """Answer for a fault in code beside the model."""
    return Response(_broken(error)[1], INTERNAL_ERROR, media_type="application/json")


def _broken(error: Exception) -> tuple[int, bytes]:
    """Return status and JSON for a fault in code; its traceback goes to the server's own log."""
    log.error("the model could not answer", exc_info=error)
    return _failure(INTERNAL_ERROR, f"the model could not answer: {type(error).__name__}")
