"""What a server takes from its clients at most, and the account of what it holds for them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

MIB = 1024 * 1024
SPARE_FILES = 32
"""Descriptors that no client gets: for the loop, the record and whatever the model opens, and for clients over the bound.

Once there is none, the loop closes whoever waits to be taken in.
"""
FEWEST_CONNECTIONS = 8
MOST_EXPLAINED = 100
"""Rows of a request to `/explain`, each of which is explained by asking the model many times."""
CLIENT = "hookline.client"
"""Name of the `Client` among the extensions of an ASGI scope."""


@dataclass(frozen=True)
class Bounds:
    """What one request, and all of them together, may take."""

    rows: int = 50_000
    """Of a request."""
    bytes: int = 32 * MIB
    """Of a body."""
    tensor_bytes: int = 4 * MIB
    """Of a body of the Open Inference Protocol, which names all its tensors before a row of them is whole."""
    in_flight: int = 48 * MIB
    """Of all larger bodies, and of their answers, together."""
    connections: int = 512
    head_seconds: float = 10
    """How long the head of a request may take, from the opening of the connection or its first byte."""
    body_seconds: float = 60
    """How long its body may take."""
    answer_seconds: float = 60
    """How long a client may take nothing of an answer that it was sent."""
    rest_seconds: float = 2
    """How long the rest of a body is read that was refused before its end."""

    def within_files(self) -> Bounds:
        """Return the same with no more connections than there are descriptors for."""
        import psutil

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        left = soft - psutil.Process().num_fds() - SPARE_FILES
        return replace(self, connections=max(FEWEST_CONNECTIONS, min(self.connections, left)))


class Client(Protocol):
    """Whoever something is held for."""

    def lags(self) -> bool:
        """Tell whether it has long kept the server waiting."""
        ...

    def give_way(self) -> None:
        """Send it away."""
        ...


@dataclass
class Held:
    """Bytes that are held for clients."""

    most: int
    now: int = 0
    _accounts: dict[int, Account] = field(default_factory=dict)

    @contextmanager
    def account(self, client: Client | None = None) -> Iterator[Account]:
        """Open an account, of which nothing is held any more afterwards."""
        account = Account(self, client)
        self._accounts[id(account)] = account
        try:
            yield account
        finally:
            account.settle(0)
            del self._accounts[id(account)]

    def make_room(self, size: int) -> bool:
        """Make room for so many bytes, where need be of clients that lag; returns whether there is as much."""
        short = self.now + size - self.most
        if short <= 0:
            return True
        lagging = [one for one in self._accounts.values() if one.size and one.client is not None and one.client.lags()]
        if sum(one.size for one in lagging) < short:
            return False
        for account in sorted(lagging, key=lambda one: one.size, reverse=True):
            account.give_way()
            if self.now + size <= self.most:
                break
        return True


@dataclass
class Account:
    """What is held for one request."""

    held: Held
    client: Client | None = None
    size: int = field(default=0)

    def fits(self, size: int) -> bool:
        """Hold so many bytes in all, where there is room for them."""
        if not self.could_hold(size):
            return False
        self.settle(size)
        return True

    def could_hold(self, size: int) -> bool:
        """Tell whether there is room for so many bytes in all, or can be made."""
        return self.held.make_room(size - self.size)

    def settle(self, size: int) -> None:
        """Hold so many bytes in all, whether there is room for them or not."""
        self.held.now += size - self.size
        self.size = size

    def give_way(self) -> None:
        """Hold nothing any more, for a client that lags."""
        assert self.client is not None
        self.client.give_way()
        self.settle(0)
