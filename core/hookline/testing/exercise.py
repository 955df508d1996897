"""Uses a component once, as a run would, on sample rows; the common checks watch what it does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .subject import Subject


def exercise(subject: Subject) -> None:
    """Use the component once for each task that it claims, as its kind's own module says."""
    use: Callable[[Subject], None] = import_module(f"{__package__}.checks.{subject.component.kind}").exercise
    use(subject)
