"""Takes messages from the catalog to their channels: each channel by itself, in order, again and again until it is there."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from hookline.kinds.hooks import Alert, Channel
from hookline.kinds.reports import Severity
from hookline.telling.secrets import logger, redacted
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.workspace import Workspace

log = logger("hookline.live")

FIRST_WAIT = timedelta(seconds=5)
"""After a first attempt that failed; each further one waits twice as long as the one before."""
LONGEST_WAIT = timedelta(minutes=30)
GIVEN_UP = timedelta(days=3)
"""A message that could not be delivered for so long is given up, and the next one's turn comes."""
LOOK_SECONDS = 1.0
LONGEST_ERROR = 500


@dataclass
class Sender:
    """Delivers what waits for a model's channels; a thread a channel, so that none holds up another."""

    workspace: Workspace
    model: str
    channels: Mapping[str, Channel]
    _threads: dict[str, threading.Thread] = field(default_factory=dict)

    def look(self) -> None:
        """Begin with what is due, over each channel that is not at it already; waits for nothing."""
        outbox, now = self.workspace.catalog.outbox, self._now()
        for name, letter in outbox.waiting(self.model).items():
            if name not in self.channels and letter.made is not None and letter.made + GIVEN_UP <= now:
                outbox.give_up(letter, "settings.alerts no longer has this channel", now)
            busy = name in self._threads and self._threads[name].is_alive()
            if name in self.channels and not busy and letter.due is not None and letter.due <= now:
                self._threads[name] = threading.Thread(target=self._empty, args=(name,), name=name, daemon=True)
                self._threads[name].start()

    def finish(self, seconds: float) -> None:
        """Wait for what is on its way, for so long at most."""
        for thread in self._threads.values():
            thread.join(seconds)

    def deliver(self, letter: Letter) -> bool:
        """Try one message once, note what came of it, and tell whether the next one's turn has come."""
        outbox = self.workspace.catalog.outbox
        severity = cast("Severity", letter.severity)
        alert = Alert(letter.message, letter.model, severity, letter.title, letter.body, letter.kind)
        try:
            self.channels[letter.channel](alert)
        except Exception as error:  # noqa: BLE001  a plugin's channel may raise anything, and is tried again
            return self._failed(letter, redacted(str(error) or type(error).__name__)[:LONGEST_ERROR])
        # Killed before this line, it is sent once more, under the same id.
        outbox.sent(letter, self._now())
        return True

    def _failed(self, letter: Letter, told: str) -> bool:
        outbox, now = self.workspace.catalog.outbox, self._now()
        if letter.made is not None and letter.made + GIVEN_UP <= now:
            outbox.give_up(letter, told, now)
            log.error("channel %s: alert %s is given up: %s", letter.channel, letter.message, told)
            return True
        outbox.failed(letter, told, now + wait_after(letter.attempts))
        if letter.attempts == 0:
            log.warning("channel %s: alert %s is tried again later: %s", letter.channel, letter.message, told)
        return False

    def _empty(self, channel: str) -> None:
        """Deliver what waits for one channel, up to the first that is not delivered or not due."""
        try:
            while (letter := self.workspace.catalog.outbox.waiting(self.model).get(channel)) is not None:
                if letter.due is None or letter.due > self._now() or not self.deliver(letter):
                    break
        except Exception as error:  # noqa: BLE001  in a thread of its own, where nobody else would hear of it
            log.error("what waits for channel %s cannot be read: %s", channel, error)

    def _now(self) -> datetime:
        return self.workspace.catalog.database.clock()


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts and one more, give or take a tenth, so that many do not come at once."""
    # The next attempt's time is kept in the catalog, since it outlives the process; so it is no loop that a library runs.
    wait: timedelta = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, 20))
    return wait * random.uniform(0.9, 1.1)
