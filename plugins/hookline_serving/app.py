"""The HTTP routes: `/predict` and its neighbors, and the Open Inference Protocol under `/v2`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hookline import Predictor, codec
from hookline.errors import DataError, HooklineError

from . import inference_protocol as v2
from .answers import Answer, Answerer
from .log import PredictionLog
from .openapi import document, example_row
from .rows import MOST_PROBLEMS, BadRequest, BadRows, rows_of

log = logging.getLogger("hookline.serving")

MOST_BYTES = 32 * 1024 * 1024
"""Largest body that is read."""
MOST_ROWS_INLINE = 50
"""A request of more rows is predicted in a thread, so that others are not kept waiting."""
INTERNAL_ERROR = 500
PLAIN_ROUTES = ("/predict", "/example", "/health", "/metadata", "/openapi.json")


@dataclass(frozen=True)
class Service:
    """What the routes answer from."""

    answerer: Answerer
    info: Mapping[str, Any]
    # Threads take turns: the record is one file, and not every model may be asked from two threads at once.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def predictor(self) -> Predictor:
        """The model that is asked."""
        return self.answerer.predictor

    async def answer(self, rows: list[Mapping[str, Any]]) -> Answer:
        """Predict rows, in a thread where there are many."""
        async with self.turn:
            if len(rows) <= MOST_ROWS_INLINE:
                return self.answerer.answer(rows)
            return await asyncio.to_thread(self.answerer.answer, rows)


def make_app(predictor: Predictor, info: Mapping[str, Any], record: PredictionLog | None) -> Starlette:
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
    return Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _http_error, Exception: _fault}
    )


def json_response(content: Any, status: int = 200) -> Response:
    """Return content as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _predict(service: Service, body: Any) -> Any:
    answer = await service.answer(rows_of(body))
    return {"model": service.info["model"], "version": service.info["version"], "predictions": answer.items()}


def _guarded(
    service: Service, act: Callable[[Service, Any], Awaitable[Any]]
) -> Callable[[Request], Awaitable[Response]]:
    """Turn what can go wrong with a request into an answer that says what it was."""

    async def route(request: Request) -> Response:
        try:
            v2.check_asked(request.path_params, service)
            return json_response(await act(service, _decoded(await _body(request))))
        except BadRows as error:
            told = [asdict(problem) for problem in error.problems[:MOST_PROBLEMS]]
            return _error(422, f"{len(error.problems)} values do not fit the input contract", problems=told)
        except DataError as error:
            return _error(
                422, error.message, problems=[{"column": p.path, "message": p.message} for p in error.problems]
            )
        except BadRequest as error:
            return _error(400, str(error))
        except OSError as error:
            log.error("a prediction could not be recorded, and was not answered: %s", error)
            return _error(503, f"the prediction could not be recorded: {error.strerror}")
        except HooklineError as error:
            return _error(INTERNAL_ERROR, error.message)

    return route


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


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(str(error)) from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


def _constant(service: Service, content: Any) -> Callable[[Request], Awaitable[Response]]:
    encoded = msgspec.json.encode(content)

    async def route(request: Request) -> Response:
        v2.check_asked(request.path_params, service)
        return Response(encoded, media_type="application/json")

    return route


def _metadata(service: Service) -> dict[str, Any]:
    predictor = service.predictor
    return {**service.info, "target": codec.to_json(predictor.target), "schema": codec.to_json(predictor.schema)}


def _error(status: int, message: str, **more: Any) -> Response:
    return json_response({"error": message, **more}, status)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _fault(_: Request, error: Exception) -> Response:
    """Answer for a fault in code; its traceback goes to the server's own log."""
    return _error(INTERNAL_ERROR, f"the model could not answer: {type(error).__name__}")
