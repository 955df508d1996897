"""The process that asks a version in the shadow, at the lowest priority, and keeps records of its own."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from hookline.kinds.deployments import Beside, Route
from hookline.live.seen import AnswerCounts, ArmCounts
from hookline.telling.secrets import logger

from ..clients.bounds import Bounds
from ..exchange import Question
from ..log import PredictionLog
from ..service import Room, Service
from .handing import Edges, Report, cut, read_edges, read_handed
from .loading import service_of

if TYPE_CHECKING:
    from hookline.kinds.serving.fleet import Fleet

log = logger("hookline.serving")

TELL_SECONDS = 1.0
"""How often it tells what became of requests."""
PAUSE_SECONDS = 0.01
"""For which more may come before what came is read, so that whoever writes seldom has to wake this process."""
READ_BYTES = 1024 * 1024
MOST_TOGETHER = 256
"""Requests that the version is asked at once."""
LOADING_NICENESS = 10
"""While the version is loaded, which at the lowest priority might never be done."""


def answer_apart(fleet: Fleet, beside: Beside, bounds: Bounds) -> None:
    """Ask a version what is handed over until the pipe is closed; raises what loading it raises."""
    os.nice(LOADING_NICENESS)
    folder = fleet.log()
    record = None if folder is None else PredictionLog.later(folder)
    route = Route(beside.version, 1.0, shadow=True, arm=beside.arm)
    service = service_of(fleet, route, record, Room(bounds))
    # The end of the server closes the pipe as well, and what is in it by then is still gone through.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _give_way()
    try:
        Apart(service, beside).go_on()
    finally:
        service.room.close()
        if record is not None:
            record.close()


def _give_way() -> None:
    """Have the system give this process only what nobody else wants."""
    os.nice(20)
    with suppress(OSError, AttributeError):  # Linux alone has it.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Apart:
    """A version that is asked what others were answered."""

    def __init__(self, service: Service, beside: Beside) -> None:
        self._service, self._beside = service, beside
        self._counts: ArmCounts | None = None
        self._taken = 0
        """Requests since the last report."""

    def go_on(self) -> None:
        """Answer until nothing more comes, and tell what became of it."""
        told = time.monotonic()
        try:
            for messages in self._read():
                for start in range(0, len(messages), MOST_TOGETHER):
                    self._take(messages[start : start + MOST_TOGETHER])
                if time.monotonic() - told > TELL_SECONDS or not messages:
                    self._tell()
                    told = time.monotonic()
            self._tell()
        finally:
            os.close(self._beside.told_on)

    def _read(self) -> Iterator[list[bytes]]:
        """Yield the messages that came; none where nothing came for a while."""
        rest = b""
        while True:
            ready, _, _ = select.select([self._beside.asked_on], [], [], TELL_SECONDS)
            if not ready:
                yield []
                continue
            data = os.read(self._beside.asked_on, READ_BYTES)
            if not data:
                os.close(self._beside.asked_on)
                return
            messages, rest = cut(rest + data)
            if self._counts is None and messages:
                self._begin(read_edges(messages.pop(0)))
            yield messages
            time.sleep(PAUSE_SECONDS)

    def _begin(self, how: Edges) -> None:
        counted = AnswerCounts(how.edges, how.labels, [0] * (len(how.labels) or len(how.edges) - 1))
        self._counts = self._service.counts = ArmCounts(counted)

    def _take(self, messages: Sequence[bytes]) -> None:
        asked: list[Question] = []
        for body in messages:
            try:
                asked.append(self._read_question(body))
            except Exception as error:  # noqa: BLE001  rows that another version took may not fit this one, however it says so
                self._fail(error)
        self._taken += len(messages)
        if asked:
            self._answer(asked)

    def _read_question(self, body: bytes) -> Question:
        given = read_handed(body)
        question = self._service.answerer.reader.read_body(b'{"rows":%b}' % given.rows)
        return msgspec.structs.replace(question, keys=given.keys, request=given.request, of=given.of)

    def _answer(self, asked: Sequence[Question]) -> None:
        """Answer requests together; each by itself where they cannot be, so that one does not fail the others."""
        try:
            answers = self._service.answerer.predict(asked)
        except Exception as error:  # noqa: BLE001  a model may raise anything
            if len(asked) == 1:
                self._fail(error)
            else:
                for one in asked:
                    self._answer([one])
            return
        answered = [*zip(asked, answers, strict=True)]
        try:
            self._service.answerer.record(answered)
        except OSError as error:
            log.warning("answers in the shadow could not be recorded: %s", error)
            return
        for question, items in answered:
            self._service.count(question, items)

    def _fail(self, error: Exception) -> None:
        assert self._counts is not None
        if not self._counts.errors:
            who = f"version {self._beside.version} ({self._beside.arm})"
            log.warning("%s did not answer: %s: %s", who, type(error).__name__, error)
        self._counts.failed()

    def _tell(self) -> None:
        """Tell what became of requests since the last time, if anybody is there to hear it."""
        if not self._taken or self._counts is None:
            return
        counts, answers = self._counts, self._counts.answers
        report = Report(self._taken, counts.requests, counts.errors, counts.latency, answers.counts)
        with suppress(BrokenPipeError):
            os.write(self._beside.told_on, msgspec.json.encode(report) + b"\n")
        self._taken = 0
        self._begin(Edges(answers.edges, answers.labels))
