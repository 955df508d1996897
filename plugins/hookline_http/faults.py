"""What went wrong between us and an HTTP server, in one line and with one thing to do; never with a secret in it."""

from __future__ import annotations

import re

from hookline.errors import DataError
from hookline.telling.secrets import redacted

LONGEST = 200
"""Characters of a server's words that are told."""
HINTS = {
    400: "look at source.parameters: the server does not take one of them",
    401: "give source.token, source.user and password, or source.key, as ${oc.env:API_TOKEN}",
    403: "the server knows who asks and refuses: grant the right to read, or use other credentials",
    404: "look at source.url: nothing is there",
    407: "the proxy wants credentials: look at HTTPS_PROXY",
    410: "look at source.url: what was there is gone",
    429: "ask less often: source.rate=1 is one request a second",
}


def shown(url: str) -> str:
    """Return a URL as it may be told: without what stands behind its question mark, or before its host."""
    return redacted(re.sub(r"//[^/@]*@", "//", url.partition("?")[0]))


class Refused(DataError):
    """An answer that is none."""

    status: int = 0


def refused(url: str, status: int, words: str) -> Refused:
    """Return the error for an answer that is none."""
    from http import HTTPStatus

    phrase = next((one.phrase for one in HTTPStatus if one == status), "")
    said = "" if "<html" in words[:500].lower() else " ".join(words.split())[:LONGEST]
    told = f"{shown(url)} answers {status} {phrase}".rstrip() + (f": {said}" if said else "")
    other = (
        "the server is at fault; run again later" if status >= 500 else "look at source.url and what the server wants"
    )
    fault = Refused(redacted(told), hint=HINTS.get(status, other))
    fault.status = status
    return fault


def broken(url: str, error: Exception, timeout: float) -> DataError:
    """Return the error for a connection that was not there, or did not hold."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        hint = "say a longer source.timeout, or look whether the server is well"
        return DataError(f"{shown(url)} sends nothing for {timeout:g} s", hint=hint)
    if isinstance(error, (httpx.ConnectError, UnicodeError)):
        hint = "look at host and port in source.url, and whether the server runs"
        return DataError(redacted(f"{shown(url)} cannot be reached: {error}"), hint=hint)
    told = redacted(f"{shown(url)} breaks off: {error or type(error).__name__}")
    return DataError(told, hint="run again; of several pages, it goes on with the one that is missing")


def elsewhere(url: str) -> DataError:
    """Return the error for a server that sends us to another one."""
    hint = "name that host in source.url if credentials are meant for it"
    return DataError(f"the server sends on to {shown(url)}, another host, which credentials are not for", hint=hint)


def too_large(url: str, most: int) -> DataError:
    """Return the error for more bytes than are allowed."""
    hint = f"say a larger source.most_bytes, or ask for less: it is {most}"
    return DataError(f"{shown(url)} answers with more than {most:,} bytes", hint=hint)
