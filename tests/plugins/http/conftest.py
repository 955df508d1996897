"""A server that a test may start with a function that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from kit.apis import Api, Asked, Reply


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Reply]], Api]]:
    """Start servers, which end with the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Api(answer))
