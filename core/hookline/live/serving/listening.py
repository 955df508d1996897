"""The port that a server answers at: bound before anything is loaded, and shared by the processes that answer."""

from __future__ import annotations

import errno
import socket

from hookline.errors import UsageError

BACKLOG = 2048
"""Connections that the system holds until somebody accepts them."""


NOBODY = -1
"""Stands for a process that takes no connections, where processes say how many they have."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises UsageError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Listening at once, so that a client that comes before the server is up waits rather than being refused.
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise _unbindable(host, port, error) from None
    return listening


def _unbindable(host: str, port: int, error: OSError | OverflowError) -> UsageError:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is taken", hint="choose another with --port, or --port 0 for a free one"
        )
    if getattr(error, "errno", None) == errno.EACCES:
        return UsageError(f"port {port} needs more rights", hint="choose one above 1023 with --port")
    return UsageError(f"cannot answer at {host}:{port}: {error}", hint="see --host and --port")
