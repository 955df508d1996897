"""What is answered: status and JSON, also where something is wrong with the request or with the model."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from starlette.exceptions import HTTPException

from hookline.errors import DataError, FeaturesAway, HooklineError
from hookline.telling.secrets import logger

from .log import NotRecorded
from .reading.faults import MOST_SHOWN, BadRequest, BadRows, Overdue, TooLarge

if TYPE_CHECKING:
    from starlette.types import Send

log = logger("hookline.serving")

JSON = b"application/json"
OK = 200
INTERNAL_ERROR = 500
UNAVAILABLE = 503
SENT_AT_ONCE = 64 * 1024
"""Bytes of an answer that are sent before a look at whether the client takes them."""


class Answer(NamedTuple):
    """A status and what goes with it, JSON where it does not say what else."""

    status: int
    body: bytes
    media: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()
    is_counted: bool = False
    """Whether a version was asked and has counted it as failed, so that it is none that was refused before."""


class Reply(NamedTuple):
    """What is answered with 200."""

    body: bytes
    media: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()


async def answered(reply: Awaitable[bytes | Reply]) -> Answer:
    """Return status and body; what can go wrong with a request becomes an answer that says what it was.

    Raises HTTPException, which says itself what is answered.
    """
    try:
        said = await reply
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001  a model may raise anything, and whoever asked must hear of it
        return told(error)
    return Answer(OK, said) if isinstance(said, bytes) else Answer(OK, *said)


def told(error: Exception) -> Answer:
    """Return what is answered for an error."""
    match error:
        case BadRows():
            return failure(422, error.told(), problems=[asdict(problem) for problem in error.problems[:MOST_SHOWN]])
        case DataError():
            problems = [{"column": problem.path, "message": problem.message} for problem in error.problems[:MOST_SHOWN]]
            # What cannot be read is a fault of its own kind: this is what a version said to rows that could.
            return failure(422, error.message, problems=problems)._replace(is_counted=True)
        case BadRequest():
            return failure(400, str(error))
        case TooLarge():
            return failure(413, str(error))
        case Overdue():
            return failure(UNAVAILABLE, str(error))
        case NotRecorded():
            log.error("a prediction could not be recorded, and was not answered: %s", error)
            return failure(503, f"the prediction could not be recorded: {error.strerror}")
        case FeaturesAway():
            return failure(UNAVAILABLE, f"the row lacks stored features, which cannot be read now: {error.message}")
        case HooklineError():
            return failure(INTERNAL_ERROR, error.message)
        case _:
            log.error("the model could not answer", exc_info=error)
            return failure(INTERNAL_ERROR, f"the model could not answer: {type(error).__name__}")


def failure(status: int, message: str, **more: Any) -> Answer:
    """Return an error as every route answers it."""
    return Answer(status, msgspec.json.encode({"error": message, **more}))


def headers_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Return what is said of an answer."""
    headers = [(b"content-type", answer.media), (b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if answer.status == UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    return headers


def fields_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers as they are written."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


async def send_answer(send: Send, answer: Answer, close: bool = False) -> None:
    """Send an answer over ASGI, a large one in parts, so that no more of it waits in the connection than the client takes."""
    body, headers = answer.body, headers_of(answer)
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    at = 0
    while len(body) - at > SENT_AT_ONCE:
        await send({"type": "http.response.body", "body": body[at : at + SENT_AT_ONCE], "more_body": True})
        at += SENT_AT_ONCE
    await send({"type": "http.response.body", "body": body[at:] if at else body})
