"""Which columns of a design matrix hold numbers, and which codes of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from hookline.kinds.artifacts import Feature

LARGEST_WIDTH = 50
"""Numbers that a category becomes at most, where nobody says how many."""


@dataclass(frozen=True)
class CodedColumns:
    """The places of numbers, and of codes with how many categories each has.

    A code is the position of a category, -1 where it is unseen or missing.
    weights: by which vectors of codes are multiplied; empty where each is 1
    """

    numbers: tuple[int, ...]
    codes: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Self:
        """Tell them apart by `Feature.categories`."""
        codes = {place: one.categories for place, one in enumerate(features) if one.categories is not None}
        numbers = tuple(place for place in range(len(features)) if place not in codes)
        weights = tuple(features[place].weight for place in codes)
        return cls(numbers, tuple(codes), tuple(codes.values()), weights if any(one != 1 for one in weights) else ())

    @property
    def weights_of_codes(self) -> tuple[float, ...]:
        """The weight of each code."""
        return self.weights or (1.0,) * len(self.codes)

    @classmethod
    def plainly(cls, fields: Mapping[str, Any]) -> Self:
        """Rebuild from fields that went through JSON."""
        return cls(**{name: tuple(value) for name, value in fields.items()})

    def widths(self, width: int | None) -> tuple[int, ...]:
        """Return how many numbers a category of each column becomes: `width`, or what fast.ai's rule of thumb says."""
        if width is not None:
            return (width,) * len(self.sizes)
        return tuple(min(LARGEST_WIDTH, round(1.6 * (size + 1) ** 0.56)) for size in self.sizes)
