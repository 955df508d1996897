"""Receives the body of a request, as far as it stays within the bounds."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from ..many import MOST_BYTES_AT_ONCE
from .bounds import CLIENT, MIB, Account, Bounds, Client


async def receive_body(request: Request, bounds: Bounds, account: Account) -> bytearray:
    """Return a body; raises HTTPException for one that is too large (413), or too much beside all that is held (503)."""
    account.client = client_of(request.scope)
    declared = request.headers.get("content-length", "")
    # A number of a thousand digits is none to Python.
    if declared.isdecimal() and (len(declared) > len(str(bounds.bytes)) or int(declared) > bounds.bytes):
        raise _too_large(bounds)
    # Before it is read in vain. None of it is held yet, else the word of it alone would keep others out.
    if declared.isdecimal() and int(declared) > MOST_BYTES_AT_ONCE and not account.could_hold(int(declared)):
        raise _too_much()
    received = bytearray()
    try:
        async for part in request.stream():
            received += part
            if len(received) > bounds.bytes:
                raise _too_large(bounds)
            # Small ones are let in always: as many as there are connections take little.
            if len(received) > MOST_BYTES_AT_ONCE and not account.fits(len(received)):
                raise _too_much()
    except (ClientDisconnect, HTTPException) as error:
        # The error knows its way here, and would hold what nobody wants as long as the client takes over the answer.
        received.clear()
        raise error if isinstance(error, HTTPException) else HTTPException(400, "the client went away") from None
    return received


def client_of(scope: Scope) -> Client | None:
    """Return whoever sends a request, where the server says."""
    client: Client | None = scope.get("extensions", {}).get(CLIENT)
    return client


def _too_much() -> HTTPException:
    said = "too many large requests are being answered; ask again in a moment"
    return HTTPException(503, said, headers={"retry-after": "1"})


def _too_large(bounds: Bounds) -> HTTPException:
    size = f"{bounds.bytes // MIB} MiB" if bounds.bytes % MIB == 0 else f"{bounds.bytes:,} bytes"
    return HTTPException(413, f"the body is larger than {size}; send fewer rows at a time")
