"""How much features count: what says it, and who cannot go by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from ..artifacts import Feature


@runtime_checkable
class WeighsFeatures(Protocol):
    """A featurizer that multiplies columns of the matrix, so that some count for more in what is learned of them."""

    def weighs(self) -> bool:
        """Tell whether a feature is given a weight other than 0, which leaves it out, and 1, which changes nothing."""
        ...


@runtime_checkable
class IgnoresScale(Protocol):
    """A trainer, or a featurizer behind another, to which it may be the same what features are multiplied by.

    So no weight of theirs reaches what is learned.
    """

    def ignores_scale(self) -> str | None:
        """Say why, as `splits of trees do not change with scale`; None: as it is configured, scale counts."""
        ...


@runtime_checkable
class EmbedsCategories(Protocol):
    """A trainer that makes a vector of each category that `Feature.categories` counts, and multiplies it by `Feature.weight`."""

    embeds_categories: ClassVar[bool]


def weighed(importances: Mapping[str, float], features: Sequence[Feature]) -> dict[str, float]:
    """Return a model's importances, each times its feature's weight.

    A coefficient is of a column that was multiplied: with twice the weight, half of it moves an answer as far. Models that
    say another figure, as trees do, go by no weight but 1.
    """
    weights = {feature.name: feature.weight for feature in features}
    return {name: float(value) * weights.get(name, 1.0) for name, value in importances.items()}
