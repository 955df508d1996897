"""Asks an HTTP server: patiently, not too often, and never another host with credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from hookline.errors import DataError

from .faults import broken, elsewhere, refused, shown, too_large

if TYPE_CHECKING:
    import httpx
    import tenacity

T = TypeVar("T")
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same question may be answered."""
NOT_MODIFIED = 304
MOST_REDIRECTS = 5
FEW = 2000
"""Letters of an error's body that are read."""
LONGEST_WAIT = 300.0
"""Seconds that a server may ask us to wait."""


class Again(Exception):
    """What may go better the next time."""

    fault: DataError
    """What is raised if it never does."""
    after: float | None
    """When to ask, in seconds."""
    anew: bool
    """Whether what is there of the answer is of no use."""

    @classmethod
    def after_fault(cls, fault: DataError, after: float | None = None, *, anew: bool = False) -> Self:
        """Return what is raised after a fault."""
        again = cls(str(fault))
        again.fault, again.after, again.anew = fault, after, anew
        return again


@dataclass(frozen=True)
class Answer:
    """An answer whose body lies in a file."""

    url: str
    """Where it came from, after redirects."""
    kind: str
    """Its content type, in small letters, without parameters."""
    following: str | None
    """The URL of the next page that its Link header names (RFC 8288)."""
    body: Path
    linked: bool
    """Whether it has a Link header at all."""
    tag: str | None = None
    """Its ETag."""


@dataclass
class _Part:
    """What is there of a body, and of which version it is."""

    file: Path
    size: int = 0
    version: str | None = None

    def condition(self) -> dict[str, str]:
        """Return the headers that ask for the rest of the same version, if there is something to go on with."""
        if not self.size or self.version is None:
            return {}
        return {"range": f"bytes={self.size}-", "if-range": self.version}


@dataclass
class Client:
    """Asks a server, over connections that are kept until it is left as a context."""

    url: str
    """Credentials are for its scheme, host and port alone."""
    headers: Mapping[str, str]
    """What goes along with every request."""
    credentials: Mapping[str, str]
    """Headers that no other host may see."""
    retries: int
    timeout: float
    """Seconds without a byte."""
    rate: float | None
    """Requests a second at most."""
    most: int
    """Bytes of all bodies together."""
    taken: int = field(default=0, init=False)
    _next: float = field(default=0.0, init=False)

    def __enter__(self) -> Client:
        import httpx

        self._http = httpx.Client(timeout=self.timeout, headers={"user-agent": "hookline", **self.headers})
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def fetch(self, url: str, parameters: Mapping[str, str], body: Path) -> Answer:
        """Write the body of an answer to a file; raises DataError where there is none that can be used.

        A download that broke is gone on with where the server has the rest of the same version (RFC 9110, section 14).
        """
        part = _Part(body)

        def once() -> Answer:
            try:
                with self._answered(url, parameters, part.condition()) as response:
                    self._keep(response, part)
                    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                    following, linked = response.links.get("next", {}).get("url"), "link" in response.headers
                    return Answer(str(response.url), kind, following, body, linked, response.headers.get("etag"))
            except Again as error:
                if error.anew:
                    self.taken -= part.size
                    part.size = 0
                raise

        return self._patiently(once)

    def unchanged(self, url: str, parameters: Mapping[str, str], tag: str) -> bool:
        """Tell whether a server says that its answer still has an ETag (RFC 9110, section 13.1.2); the body is not read."""

        def once() -> bool:
            with self._answered(url, parameters, {"if-none-match": tag}) as response:
                return response.status_code == NOT_MODIFIED or response.headers.get("etag") == tag

        return self._patiently(once)

    def version(self, url: str, parameters: Mapping[str, str]) -> str | None:
        """Return what the server says of an answer's version, without reading it: ETag, or time and length; else None."""

        def once() -> str | None:
            with self._answered(url, parameters, {}) as response:
                told = response.headers
                if "etag" in told:
                    return str(told["etag"])
                return f"{told['last-modified']} {told.get('content-length')}" if "last-modified" in told else None

        return self._patiently(once)

    def require_same_host(self, url: str) -> None:
        """Raise DataError for a URL of another scheme, host or port, if there are credentials to lose."""
        if self.credentials and _origin(url) != _origin(self.url):
            raise elsewhere(url)

    def _patiently(self, once: Callable[[], T]) -> T:
        """Return what a function returns that may raise Again; what a server asks to wait is waited."""
        import tenacity

        back_off = tenacity.wait_random_exponential(multiplier=0.5, max=30)

        def wait(state: tenacity.RetryCallState) -> float:
            raised = state.outcome.exception() if state.outcome is not None else None
            after = raised.after if isinstance(raised, Again) else None
            return back_off(state) if after is None else after

        stop, again = tenacity.stop_after_attempt(self.retries + 1), tenacity.retry_if_exception_type(Again)
        try:
            return tenacity.Retrying(stop=stop, wait=wait, retry=again, reraise=True)(once)
        except Again as error:
            raise error.fault from None

    @contextmanager
    def _answered(self, url: str, parameters: Mapping[str, str], more: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Ask once, and yield a good answer whose body is unread; raises Again or DataError for another."""
        import httpx

        try:
            for _ in range(MOST_REDIRECTS + 1):
                self._wait_turn()
                # A query that is there is sent as it stands: a signature may be of its very letters.
                asked = httpx.URL(url).copy_merge_params(dict(parameters)) if parameters else httpx.URL(url)
                own = self.credentials if _origin(url) == _origin(self.url) else {}
                with self._http.stream("GET", asked, headers={**own, **more}) as response:
                    if not response.has_redirect_location:
                        self._require_good(response)
                        yield response
                        return
                    url, parameters = str(asked.join(response.headers["location"])), {}
                    self.require_same_host(url)
            raise DataError(f"{shown(self.url)} sends on more than {MOST_REDIRECTS} times", hint="look at source.url")
        except httpx.TransportError as error:
            raise Again.after_fault(broken(url, error, self.timeout)) from error
        except (httpx.InvalidURL, httpx.DecodingError, UnicodeError) as error:
            raise broken(url, error, self.timeout) from error

    def _require_good(self, response: httpx.Response) -> None:
        asked_whether = "if-none-match" in response.request.headers and response.status_code == NOT_MODIFIED
        if response.is_success or asked_whether:
            return
        # No more of it than is told: an error may be of any length.
        words = next(response.iter_text(FEW), "")
        fault = refused(str(response.url), response.status_code, words)
        if response.status_code == 416 and "range" in response.request.headers:
            short = ValueError("there is less of it than its length says")
            raise Again.after_fault(broken(str(response.url), short, self.timeout), anew=True)
        if response.status_code not in AGAIN:
            raise fault
        after = _seconds(response.headers.get("retry-after"))
        if after is not None and after > LONGEST_WAIT:
            raise DataError(
                f"{str(fault).partition(chr(10))[0]}, and asks to wait {after:,.0f} s", hint="run again by then"
            )
        raise Again.after_fault(fault, after)

    def _keep(self, response: httpx.Response, part: _Part) -> None:
        """Write a body behind what is there of it, or anew where the server begins anew."""
        begins = f"bytes {part.size}-"
        goes_on = response.status_code == 206 and response.headers.get("content-range", "").startswith(begins)
        if response.status_code == 206 and not goes_on:
            other = ValueError("it answers with another part than asked for")
            raise Again.after_fault(broken(str(response.url), other, self.timeout), anew=True)
        if not goes_on:
            self.taken -= part.size
            part.size, part.version = 0, _strong(response)
        with part.file.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                file.flush()
                part.size += len(chunk)
                self.taken += len(chunk)
                if self.taken > self.most:
                    raise too_large(self.url, self.most)

    def _wait_turn(self) -> None:
        if self.rate is not None:
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + 1 / self.rate


def _origin(url: str) -> tuple[str, str, int | None]:
    import httpx

    read = httpx.URL(url)
    # A port that is the scheme's own is left out by httpx in both.
    return read.scheme, read.host, read.port


def _strong(response: httpx.Response) -> str | None:
    """Return the ETag that names bytes and not only their meaning, of a body that is sent as it is."""
    tag: str = response.headers.get("etag", "")
    return tag if tag.startswith('"') and "content-encoding" not in response.headers else None


def _seconds(text: str | None) -> float | None:
    """Return how long a Retry-After asks to wait: seconds, or until a date (RFC 9110, section 10.2.3); None for neither."""
    if text is None:
        return None
    if text.isascii() and text.strip().isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
