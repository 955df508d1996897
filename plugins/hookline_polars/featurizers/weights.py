"""The `weights` featurizer: says how much features count, for what learns from the scale of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any

from annotated_types import Ge, Le, Len

from hookline import Feature, Features, Featurizer
from hookline.errors import ConfigError, DataError, Problem, suggestion

WHERE = "featurizer.weights.columns"
LARGEST = 1e6
"""The largest weight: beyond it a column drowns all others, and float32 ends."""


@dataclass(frozen=True)
class FittedWeights:
    """By what each column of a matrix is multiplied.

    features: those that are kept, with their weights; places: where they stand in the matrix of the featurizer before
    width: how many columns that has; factors: of the kept ones; 1 of positions of categories, which no product makes more of
    """

    features: tuple[Feature, ...]
    places: tuple[int, ...]
    width: int
    factors: tuple[float, ...]

    def transform(self, features: Features) -> Features:
        """Return the kept columns, multiplied: float32, dense in C order or CSR as before."""
        import numpy as np

        if features.shape[1] != self.width:
            raise DataError(f"the matrix has {features.shape[1]} columns, and there are weights for {self.width}")
        X: Any = features.X
        if len(self.places) < self.width:
            places = list(self.places)
            X = np.take(X, places, axis=1) if isinstance(X, np.ndarray) else X[:, places]
        factors = np.array(self.factors, dtype=np.float32)
        if not (factors == 1).all():
            X = X * factors if isinstance(X, np.ndarray) else _scaled(X, factors)
        return replace(features, X=X, features=self.features)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX: {"X": float32 (N, width)} becomes {"X": float32 (N, n_kept)}."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        X = inputs["X"]
        if len(self.places) < self.width:
            X = op.gather(X, op.const(np.array(self.places, dtype=np.int64)), axis=1)
        if any(factor != 1 for factor in self.factors):
            X = op.mul(X, op.const(np.array([self.factors], dtype=np.float32)))
        return {"X": X}


class WeightsFeaturizer(Featurizer):
    """Say how much features count: `featurizer=[tabular,weights]`, `featurizer.weights.columns={age: 2, income: 0.5}`.

    A feature is multiplied by its weight once it is scaled, in training and inference alike. To a linear model with a penalty,
    a network, neighbors or a support vector machine it counts for more, or less: a coefficient is penalized 1/w times as much
    (lasso), or 1/w^2 times (ridge), as the adaptive lasso weighs its penalties (Zou 2006). 0 leaves it out. Trees, and linear
    models without a penalty, do not go by scale, which the plan says.
    """

    name = "weights"
    columns: Annotated[Mapping[str, Annotated[float, Ge(0), Le(LARGEST)]], Len(1)]
    """Column, feature, or pattern of either, in which `*` stands for any part of a name -> weight. A feature goes by its own name
    first (`plan=gold`), then by that of the column which it is made of (`plan`), then by a pattern (`pl*`); else it counts 1."""

    def weighs(self) -> bool:
        """Tell whether a weight does more than to leave a feature out."""
        return any(weight not in (0, 1) for weight in self.columns.values())

    def fit(self, train: Features) -> FittedWeights:
        """Find out what is meant; raises ConfigError for a name that nothing has, DataError where nothing would be left."""
        weights = weights_of(train.features, self.columns)
        places = tuple(place for place, weight in enumerate(weights) if weight)
        if not places:
            raise DataError("featurizer 'weights' would leave out every feature", hint=f"give one a weight in {WHERE}")
        kept = tuple(_weighed(train.features[place], weights[place]) for place in places)
        factors = tuple(1.0 if train.features[place].categories is not None else weights[place] for place in places)
        return FittedWeights(kept, places, len(train.features), factors)


def weights_of(features: Sequence[Feature], said: Mapping[str, float]) -> list[float]:
    """Return the weight of each feature; raises ConfigError with every name that is none, or that says two things."""
    known = dict.fromkeys([*(column for one in features for column in one.inputs), *(one.name for one in features)])
    problems = [
        Problem(f"{WHERE}.{name}", _unknown(name, known))
        for name in said
        if not any(_fits(name, one, known) for one in known)
    ]
    found = []
    for feature in features:
        weights = next((some for some in _levels(feature, said, known) if some), {})
        if len(set(weights.values())) > 1:
            names = " and ".join(f"'{name}'" for name in weights)
            problems.append(Problem(WHERE, f"{names} say different weights of '{feature.name}'; name it, too"))
        found.append(float(next(iter(weights.values()), 1.0)))
    if problems:
        raise ConfigError("bad config for featurizer 'weights'", list(dict.fromkeys(problems)))
    return found


def _unknown(name: str, known: Mapping[str, None]) -> str:
    column, found, _ = name.partition("=")
    # A category that few rows have may be in none of those that a fold, or a later training, learns from.
    told = f"these training rows make no such feature of '{column}'" if found and column in known else ""
    return f"{told or 'no column or feature is called so'}; {suggestion(name, known, 'feature')}"


def _levels(feature: Feature, said: Mapping[str, float], known: Mapping[str, None]) -> Iterator[dict[str, float]]:
    """Yield what is said of a feature, the nearest first: by its name, of the columns that it is made of, by patterns."""
    columns = {name: said.get(name, 1.0) for name in feature.inputs}
    # An indicator `age?missing` belongs to `age` as the number does, whose feature is called as its column.
    named = {feature.name: said[feature.name]} if feature.name in said else {}
    yield named
    # What is made of several columns together counts as all of them do.
    yield columns if any(name in said for name in feature.inputs) else {}
    names = (feature.name, *feature.inputs)
    yield {
        name: weight
        for name, weight in said.items()
        if name not in known and any(_fits(name, one, known) for one in names)
    }


def _fits(said: str, name: str, known: Mapping[str, None]) -> bool:
    """Tell whether a name is meant: as it is, or by a pattern where no name is written so."""
    if said in known or "*" not in said:
        return said == name
    return re.fullmatch(".*".join(map(re.escape, said.split("*"))), name, re.DOTALL) is not None


def _weighed(feature: Feature, weight: float) -> Feature:
    """Return a feature with a further weight, which is a part of what its values mean."""
    if weight == 1:
        return feature
    version = sha256(f"{weight!r} * {feature.version}".encode()).hexdigest()[:8]
    told = f"{weight:g} * {feature.definition if feature.definition.isidentifier() else f'({feature.definition})'}"
    return replace(feature, definition=told, version=version, weight=feature.weight * weight)


def _scaled(X: Any, factors: Any) -> Any:
    """Return a CSR matrix with its columns multiplied."""
    from scipy.sparse import csr_matrix

    return csr_matrix((X.data * factors[X.indices], X.indices, X.indptr), X.shape)
