"""A host and its port, as a URL of a broker names them."""

from __future__ import annotations

from urllib.parse import urlsplit


def host_and_port(place: str) -> tuple[str, int | None]:
    """Return a host and its port, None where none is said; raises ValueError where one of them is none."""
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # As whoever connects does.
    except ValueError:
        host, port = None, None
    if not host or port == 0:
        raise ValueError(f"url must name a host as `host:port`, with a port from 1 to 65535, got {place!r}")
    return host, port
