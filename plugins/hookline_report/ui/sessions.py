"""Who gave a token: a session a browser, kept in memory, of which a cookie that no script can read holds the name."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from hmac import compare_digest
from threading import Lock

from hookline.live.serving.tokens import Tokens, digest_of

LONGEST_SECONDS = 12 * 3600
MOST = 1_000
"""Sessions at once; the oldest goes for a new one."""


@dataclass
class Session:
    """One browser that gave a token."""

    digest: bytes
    """Of the token, which may be taken back meanwhile."""
    began: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """What each form of it bears, which no other site can know."""
    who: str = ""
    """The name under which it acted last."""
    told: str = ""
    """What it is to be told on the next page."""

    def bears(self, csrf: str) -> bool:
        """Tell whether a form is one of this session."""
        return compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogatepass"))

    def take_told(self) -> str:
        """Return what is to be told, once."""
        told, self.told = self.told, ""
        return told


class Sessions:
    """Sessions by the name in their cookie; any thread may ask."""

    def __init__(self, tokens: Tokens, cookie: str, who: str = "") -> None:
        """Hold none yet. who: whoever is likely to act, where that is known"""
        self.cookie = cookie
        """The cookie's name; a browser tells cookies of one host by no port."""
        self._tokens, self._who = tokens, who
        self._held: dict[str, Session] = {}
        self._lock = Lock()

    def begin(self, token: str) -> str | None:
        """Begin a session with a token and return its name; None where there is no such token."""
        if not self._tokens.allow(token):
            return None
        name = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
            self._held[name] = Session(digest_of(token), time.monotonic(), who=self._who)
        return name

    def find(self, name: str | None) -> Session | None:
        """Return a session that goes on; None where it has ended, or its token was taken back."""
        with self._lock:
            found = self._held.get(name or "")
        if found is None or not self._tokens.holds(found.digest) or time.monotonic() - found.began > LONGEST_SECONDS:
            self.end(name)
            return None
        return found

    def end(self, name: str | None) -> None:
        """End a session."""
        with self._lock:
            self._held.pop(name or "", None)
