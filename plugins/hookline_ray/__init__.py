"""Ray: sweeps by `hydra/launcher=ray`, and tables scored by `--on ray`, on many machines; ray itself is imported then only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hookline import hookimpl


@hookimpl
def register_scorers() -> Mapping[str, Callable[[Callable[[], Callable[[Any], Any]], Iterable[Any]], Iterator[Any]]]:
    """Return the scorer `ray`."""
    from .scoring import score

    return {"ray": score}
