"""What a job may ask, while it runs, of the process that runs its pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_parent: ContextVar[Callable[[Any], Any] | None] = ContextVar("hookline_parent", default=None)


def ask(question: Any) -> Any:
    """Ask, within a job, the process that runs the pool; None where it does not answer. Both must pickle."""
    parent = _parent.get()
    return None if parent is None else parent(question)


@contextmanager
def asking(parent: Callable[[Any], Any]) -> Iterator[None]:
    """Let `ask` go to `parent` within this block, as each kind of worker does."""
    token = _parent.set(parent)
    try:
        yield
    finally:
        _parent.reset(token)
