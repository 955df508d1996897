"""Giving a token once, and giving the session back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from .desk import desk_of, session_of
from .guard import is_own
from .rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST_BYTES = 64 * 1024
"""Of a form."""
WAIT_SECONDS = 0.5
"""How long an answer to a wrong token takes."""


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that was sent from a page of ours; raises HTTPException for any other."""
    from starlette.exceptions import HTTPException

    headers = request.headers
    if not is_own(headers.get("origin"), headers.get("sec-fetch-site"), headers.get("host", "")):
        raise HTTPException(403, "this form was sent from another site")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, "this form is larger than a form of ours")
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "this is no form of ours") from None


async def login(request: Request) -> Response:
    """Ask for a token, and begin a session with it."""
    from starlette.responses import RedirectResponse

    desk, following = desk_of(request), _ours(request.query_params.get("next", "/"))
    if request.method == "GET":
        return page(request, "login.html.jinja", {"following": following, "wrong": False})
    fields = await form_of(request)
    name = desk.sessions.begin(fields.get("token", "").strip())
    if name is None:
        await asyncio.sleep(WAIT_SECONDS)
        return page(request, "login.html.jinja", {"following": following, "wrong": True}, 401)
    answer = RedirectResponse(following, 303)
    answer.set_cookie(desk.sessions.cookie, name, httponly=True, samesite="strict", path="/")
    return answer


async def logout(request: Request) -> Response:
    """End the session."""
    from starlette.exceptions import HTTPException
    from starlette.responses import RedirectResponse

    desk, session, answer = desk_of(request), session_of(request), RedirectResponse("/", 303)
    if request.method == "GET" or session is None:
        return answer
    if not session.bears((await form_of(request)).get("csrf", "")):
        raise HTTPException(403, "this form is none of this session")
    desk.sessions.end(request.cookies.get(desk.sessions.cookie))
    answer.delete_cookie(desk.sessions.cookie, path="/", httponly=True, samesite="strict")
    return answer


def _ours(path: str) -> str:
    """Return a path of this server; the first page for anything else, such as an address elsewhere."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine else "/"
