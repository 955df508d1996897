"""Bearer tokens (RFC 6750): a file of them, read again when it changes, of which only digests are kept."""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from hookline.errors import UsageError
from hookline.telling.once import Once
from hookline.telling.secrets import logger, remember

log = logger("hookline.serving")

LOOK_SECONDS = 1.0
"""How often the file is looked at."""
FEWEST_LETTERS = 16
MOST_BYTES = 64 * 1024
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What may be sent as one, by the standard."""
HINT = "one token a line, such as `openssl rand -hex 32` writes"
NOT_READ = "the tokens cannot be read again, and those read before stay: %s"


@dataclass
class Tokens:
    """The tokens of a file, or one that was made for as long as a server runs."""

    path: Path | None = None
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

    @classmethod
    def made(cls) -> tuple[Tokens, str]:
        """Return a new token, and what lets it in."""
        token = secrets.token_urlsafe(24)
        return cls(None, (digest_of(token),)), token

    def allow(self, given: str | bytes) -> bool:
        """Tell whether a token is one of those that there are; how long that takes says nothing of them."""
        return self.holds(digest_of(given))

    def holds(self, digest: bytes) -> bool:
        """Tell the same of a token's digest, also of one that was allowed before and may be none any more."""
        if self.path is not None and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look(self.path)
        # All are compared, whichever of them fits.
        fits = [compare_digest(digest, held) for held in self._digests]
        return any(fits)

    def _look(self, path: Path) -> None:
        """Read the file again where it has changed; one that cannot be read leaves the tokens as they were."""
        try:
            if _marks(path.stat()) == self._seen:
                return
            self._read()
        except (OSError, UsageError) as error:
            self._told.fault(error)
            return
        self._told.well()
        log.info("%d tokens are read again from %s", len(self._digests), path)
        if not self._digests:
            log.warning("%s holds no token any more, and nobody is let in", path)

    def _read(self) -> None:
        path = self.path
        assert path is not None
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                text = file.read(MOST_BYTES + 1).decode("ascii")
        except OSError as error:
            raise UsageError(f"--token-file {path} cannot be read: {error.strerror}", hint=HINT) from None
        except UnicodeDecodeError:
            raise UsageError(f"--token-file {path} holds other letters than a token may have", hint=HINT) from None
        if len(text) > MOST_BYTES:
            raise UsageError(f"--token-file {path} is larger than {MOST_BYTES // 1024} KiB", hint=HINT)
        self._digests, self._seen = _digests(text, path), _marks(found)


def digest_of(token: str | bytes) -> bytes:
    """Return what is kept of a token."""
    return sha256(token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")).digest()


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
        found.append(digest_of(token))
    return tuple(found)


def _marks(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns
