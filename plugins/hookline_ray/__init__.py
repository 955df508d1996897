"""Ray: sweeps by `hydra/launcher=ray`, and tables scored by `--on ray`, on many machines; ray itself is imported then only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hookline import hookimpl


@hookimpl
def register_scorers() -> Mapping[str, Callable[[Callable[[], Callable[[Any], Any]], Iterable[Any]], Iterator[Any]]]:
    """Return the scorer `ray`."""
    return {"ray": _score}


def _score(make: Callable[[], Callable[[Any], Any]], chunks: Iterable[Any]) -> Iterator[Any]:
    """Score with what is imported only then."""
    from .scoring import score

    return score(make, chunks)
