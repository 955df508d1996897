"""What people do: acknowledge, mute, promote, roll back; each after a page that asks, and on record with who and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from hookline.live.deploying.policies import before_present, words_of
from hookline.live.deploying.promoting import promote as put_in_charge
from hookline.live.deploying.promoting import rollback as put_back
from hookline.live.watching.acting import ack as acknowledge
from hookline.live.watching.acting import alarm_of
from hookline.live.watching.acting import mute as silence
from hookline.workspace.catalog.models import CHAMPION

from .desk import Desk, desk_of, session_of
from .rendering import page
from .signing import form_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .sessions import Session

T = TypeVar("T")
LONGEST_WHO, LONGEST_WHY = 200, 2_000
SPANS = {
    "1h": "1 hour",
    "12h": "12 hours",
    "1d": "1 day",
    "7d": "7 days",
    "30d": "30 days",
    "0s": "no longer: end the mute",
}


@dataclass(frozen=True)
class Ask:
    """What a page asks before something is done."""

    title: str
    text: str
    """What will follow."""
    button: str
    back: str
    """Where to go instead, and afterwards."""
    grave: bool = False
    """Whether it changes who answers."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What the form bears beside who and why, unseen."""
    spans: Mapping[str, str] = field(default_factory=dict)
    """For how long: what is sent -> what is said."""


Act = Callable[[Desk, Mapping[str, str], str, str], str]
"""Does it, by fields of the form, who and why; says what was done."""


async def ack(request: Request) -> Response:
    """Acknowledge an alarm."""
    model, number = request.path_params["model"], request.path_params["alarm"]

    def ask(desk: Desk) -> Ask:
        alarm = alarm_of(model, number, home=desk.home)
        text = f"{alarm.finding.message} It is told again only when it is worse."
        return Ask(f"Acknowledge alarm {number} of {model}?", text, "Acknowledge", _back(model, "alarms"))

    def act(desk: Desk, fields: Mapping[str, str], who: str, why: str) -> str:
        acknowledge(model, number, why, who=who, home=desk.home)
        return f"Alarm {number} is acknowledged by {who}."

    return await _carried_out(request, ask, act)


async def mute(request: Request) -> Response:
    """Mute an alarm, a monitor, a column or the model."""
    model = request.path_params["model"]

    def ask(desk: Desk) -> Ask:
        desk.workspace().catalog.models.versions(model)
        what = request.query_params.get("what", "")
        said = f"alarm {what}" if what.isdecimal() else what or "everything"
        text = "Nobody is told of it for a while. It is watched all the same, and told afterwards if it is still there."
        return Ask(f"Mute {said} of {model}?", text, "Mute", _back(model, "alarms"), fields={"what": what}, spans=SPANS)

    def act(desk: Desk, fields: Mapping[str, str], who: str, why: str) -> str:
        made = silence(model, fields.get("what") or None, fields.get("span", "7d"), why, who=who, home=desk.home)
        what = ":".join(filter(None, (made.monitor, made.subject))) or "everything"
        return f"{what} is muted until {made.until:%Y-%m-%d %H:%M} UTC."

    return await _carried_out(request, ask, act)


async def promote(request: Request) -> Response:
    """Put a version in charge."""
    model, asked = request.path_params["model"], request.query_params.get("version", "")

    def ask(desk: Desk) -> Ask:
        catalog = desk.workspace().catalog
        record = catalog.models.get(model, _number(asked))
        current = catalog.deployments.current(model)
        then = f"Then v{record.version} answers everything; running servers follow within a second."
        text = f"At present {words_of(current)}. {then}"
        return Ask(
            f"Put version {record.version} of {model} in charge?",
            text,
            "Promote",
            _back(model, "versions"),
            grave=True,
            fields={"version": str(record.version)},
        )

    def act(desk: Desk, fields: Mapping[str, str], who: str, why: str) -> str:
        number = _number(fields.get("version", ""))
        put_in_charge(f"{model}:{number}", alias=CHAMPION, reason=why, who=who, home=desk.home)
        return f"Version {number} is in charge."

    return await _carried_out(request, ask, act)


async def rollback(request: Request) -> Response:
    """Put back what was in force before."""
    model = request.path_params["model"]

    def ask(desk: Desk) -> Ask:
        catalog = desk.workspace().catalog
        catalog.models.versions(model)
        history = catalog.deployments.history(model)
        before = before_present(history)
        then = "there is nothing to go back to" if before is None else words_of(before)
        text = f"At present {words_of(history[0] if history else None)}. After that: {then}. No retraining is needed."
        return Ask(f"Roll {model} back?", text, "Roll back", _back(model, "versions"), grave=True)

    def act(desk: Desk, fields: Mapping[str, str], who: str, why: str) -> str:
        made = put_back(model, reason=why, who=who, home=desk.home)
        return f"Rolled back: {words_of(made)}."

    return await _carried_out(request, ask, act)


async def _carried_out(request: Request, ask: Callable[[Desk], Ask], act: Act) -> Response:
    """Ask for a token, then for a confirmation with who and why, then do it and go back."""
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import RedirectResponse

    desk, session = desk_of(request), session_of(request)
    if session is None:
        if request.method == "POST":
            raise HTTPException(401, "give the token first")
        asked = quote(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path, safe="")
        return RedirectResponse(f"/login?next={asked}", 303)
    if request.method == "GET":
        asking = await run_in_threadpool(_at_home, desk, ask)
        return page(request, "confirm.html.jinja", _facts(asking, session))
    fields = await form_of(request)
    if not session.bears(fields.get("csrf", "")):
        raise HTTPException(403, "this form is none of this session: open the page again")
    who, why = fields.get("who", "").strip()[:LONGEST_WHO], fields.get("why", "").strip()[:LONGEST_WHY]
    if not (who and why):
        asking = await run_in_threadpool(_at_home, desk, ask)
        return page(request, "confirm.html.jinja", _facts(asking, session, "say who you are, and why"), 400)
    told = await run_in_threadpool(_at_home, desk, lambda at: act(at, fields, who, why))
    session.who, session.told = who, told
    tab = "versions" if request.url.path.endswith(("promote", "rollback")) else "alarms"
    return RedirectResponse(_back(request.path_params["model"], tab), 303)


def _at_home(desk: Desk, work: Callable[[Desk], T]) -> T:
    with desk.at_home():
        return work(desk)


def _facts(asking: Ask, session: Session, missing: str = "") -> dict[str, Any]:
    return {"ask": asking, "csrf": session.csrf, "who": session.who, "missing": missing}


def _back(model: str, tab: str) -> str:
    return f"/models/{quote(model, safe='')}/{tab}"


def _number(text: str) -> int:
    from hookline.errors import UsageError

    if not text.isdecimal():
        raise UsageError(f"'{text}' is no version", hint="versions are numbers")
    return int(text[:12])
