"""Requests for a few rows, answered without a task, routing and messages, which take longer than a small model does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..access.tokens import lets_in
from ..exchange import Item, Question
from ..many import MOST_BYTES_AT_ONCE, encoded, is_many, question_of
from ..replies import OK, Answer, send_answer, told
from ..routes.arrow import MARK
from ..routes.asked import called
from ..rows import Waits
from ..service import MOST_ROWS_INLINE
from .receiving import client_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from hookline.live.serving.tokens import Tokens

    from ..arms.desk import Desk
    from ..arms.traffic import Traffic
    from ..reading.cutting import Body

Done = Callable[[Answer], None]
"""Takes an answer, at once or in a moment."""


class Direct:
    """Answers `POST /predict` where the body is small and here; all else is left to the application."""

    def __init__(self, desk: Desk, tokens: Tokens | None = None) -> None:
        self._desk, self._tokens = desk, tokens
        self.most = min(MOST_BYTES_AT_ONCE, desk.room.bounds.bytes)
        """Bytes of a body, and of an answer that is written at once."""
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, scope: Scope) -> bool:
        """Tell by its head whether a request may be answered here; of one that is sent in chunks its body decides."""
        if scope["path"] != "/predict" or scope["method"] != "POST":
            return False
        fields = dict(scope["headers"])
        if b"expect" in fields or int(fields.get(b"content-length", b"0")) > self.most:
            return False
        return self._tokens is None or lets_in(self._tokens, scope)

    def answer(self, scope: Scope, body: Body, done: Done) -> bool:
        """Have a request answered; returns False where it is left to the application after all."""
        traffic = self._desk.traffic
        if len(body) > self.most or body[:1] == MARK or is_many(traffic, body):
            return False
        try:
            question = question_of(traffic, body, called(scope))
        except Waits:
            return False
        except Exception as error:  # noqa: BLE001  as in `answered`
            refusal = told(error)
            traffic.refused.add(refusal.status)
            done(refusal)
            return True
        few = len(question.rows) <= MOST_ROWS_INLINE
        if not (few and traffic.ask(question, partial(_tell, traffic, done))):
            task = asyncio.get_running_loop().create_task(_answer(traffic, question, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    def sending(self, answer: Answer) -> ASGIApp:
        """Return an application that sends an answer as far as the client takes it, and holds it meanwhile."""

        async def send_on(scope: Scope, receive: Receive, send: Send) -> None:
            with self._desk.room.held.account(client_of(scope)) as account:
                account.settle(len(answer.body))
                await send_answer(send, answer)

        return send_on


async def _answer(traffic: Traffic, question: Question, done: Done) -> None:
    try:
        items: list[Item] | Exception = await traffic.answer(question)
    except Exception as error:  # noqa: BLE001  as in `answered`
        items = error
    _tell(traffic, done, items)


def _tell(traffic: Traffic, done: Done, items: list[Item] | Exception) -> None:
    try:
        if isinstance(items, Exception):
            raise items
        answer = Answer(OK, encoded(traffic, items))
    except Exception as error:  # noqa: BLE001  as in `answered`
        answer = told(error)
        if not answer.is_counted:
            traffic.refused.add(answer.status)
    done(answer)
