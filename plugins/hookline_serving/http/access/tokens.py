"""Bearer tokens (RFC 6750): a file of them, read again when it changes, and asked of each request."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.errors import UsageError
from hookline.telling.once import Once
from hookline.telling.secrets import logger, remember

from ..replies import failure, send_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logger("hookline.serving")

OPEN = frozenset({"/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""What is answered without a token: whoever watches a server need not be able to ask it."""
LOOK_SECONDS = 1.0
"""How often the file is looked at."""
FEWEST_LETTERS = 16
MOST_BYTES = 64 * 1024
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What may be sent as one, by the standard."""
HINT = "one token a line, such as `openssl rand -hex 32` writes"
SCHEME = b"bearer"
NOT_READ = "the tokens cannot be read again, and those read before stay: %s"


@dataclass
class Tokens:
    """The tokens of a file, of which only digests are kept."""

    path: Path
    _digests: tuple[bytes, ...] = ()
    _seen: tuple[int, ...] = ()
    """By what of the file a change is told."""
    _looked: float = 0.0
    _told: Once = field(default_factory=lambda: Once(partial(log.error, NOT_READ)), repr=False)

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Read a file of tokens; raises UsageError where it cannot be read, or holds none, or one that is easily guessed."""
        tokens = cls(path)
        tokens._read()
        if not tokens._digests:
            raise UsageError(f"--token-file {path} holds no token", hint=HINT)
        tokens._looked = time.monotonic()
        return tokens

    def allow(self, given: bytes) -> bool:
        """Tell whether a token is one of those in the file; how long that takes says nothing of them."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look()
        digest = sha256(given).digest()
        # All are compared, whichever of them fits.
        fits = [compare_digest(digest, held) for held in self._digests]
        return any(fits)

    def _look(self) -> None:
        """Read the file again where it has changed; one that cannot be read leaves the tokens as they were."""
        try:
            if _marks(self.path.stat()) == self._seen:
                return
            self._read()
        except (OSError, UsageError) as error:
            self._told.fault(error)
            return
        self._told.well()
        log.info("%d tokens are read again from %s", len(self._digests), self.path)
        if not self._digests:
            log.warning("%s holds no token any more, and nobody is let in", self.path)

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                text = file.read(MOST_BYTES + 1).decode("ascii")
        except OSError as error:
            raise UsageError(f"--token-file {self.path} cannot be read: {error.strerror}", hint=HINT) from None
        except UnicodeDecodeError:
            raise UsageError(f"--token-file {self.path} holds other letters than a token may have", hint=HINT) from None
        if len(text) > MOST_BYTES:
            raise UsageError(f"--token-file {self.path} is larger than {MOST_BYTES // 1024} KiB", hint=HINT)
        self._digests, self._seen = _digests(text, self.path), _marks(found)


def guarded(app: ASGIApp, tokens: Tokens | None) -> ASGIApp:
    """Return an application that answers only who has a token, but for the paths in OPEN; None: the same as it was."""
    if tokens is None:
        return app

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await app(scope, receive, send)
            return
        if lets_in(tokens, scope):
            await app(scope, receive, send)
            return
        given = _given(scope)
        said = "there is no such token" if given is not None else "send a token: `Authorization: Bearer ...`"
        why = b'Bearer realm="hookline"' + (b', error="invalid_token"' if given is not None else b"")
        await send_answer(send, failure(401, said)._replace(headers=[(b"www-authenticate", why)]))

    return ask


def lets_in(tokens: Tokens, scope: Scope) -> bool:
    """Tell whether a request has one of the tokens."""
    given = _given(scope)
    return given is not None and tokens.allow(given)


def _given(scope: Scope) -> bytes | None:
    """Return the token of a request; None where it has none, or not exactly one."""
    said: list[bytes] = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(said) != 1:
        return None
    scheme, _, token = said[0].partition(b" ")
    return token.strip() if scheme.lower() == SCHEME and token.strip() else None


def _digests(text: str, path: Path) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        token = line.strip()
        if not token or token.startswith("#"):
            continue
        # Not shown in what is said of it.
        if not TOKEN.fullmatch(token):
            raise UsageError(f"--token-file {path}: line {number} is no token", hint=HINT)
        if len(token) < FEWEST_LETTERS:
            told = f"--token-file {path}: the token in line {number} is shorter than {FEWEST_LETTERS} letters"
            raise UsageError(told, hint=HINT)
        remember(token)
        found.append(sha256(token.encode()).digest())
    return tuple(found)


def _marks(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns
