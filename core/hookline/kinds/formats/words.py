"""Which languages a format writes in, and what a part has no words for in some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from ..artifacts import Roles

ONNX, TORCH = "onnx", "torch"
"""Languages: operators of ONNX, and the words of PyTorch for them. A plugin may add others."""


@runtime_checkable
class Speaks(Protocol):
    """A packager that says every part of a pipeline in some languages, and cannot write what one of them has no words for."""

    def languages(self) -> tuple[str, ...]:
        """Return the languages, such as `("onnx", "torch")` of one that translates a graph."""
        ...


@runtime_checkable
class LacksWords(Protocol):
    """A component whose fitted part some languages have no words for, as it is configured, so that a plan can refuse it."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Return language -> what it has no words for, such as `{"torch": "a support vector machine"}`; empty for nothing.

        roles: as config says them; what the source says besides is not known yet
        """
        ...


def holds_feature(columns: Iterable[str], roles: Roles) -> bool:
    """Tell whether one of some columns is a feature for certain, so that a part that changes them must be said."""
    names = set(columns) - roles.not_features()
    # Of a target that config does not name any one may be it.
    return len(names) > (roles.target is None)
