"""The `select` featurizer: keeps the features that are worth their place, and says of each why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, Lt

from hookline import Decision, Feature, Features, Featurizer
from hookline.errors import DataError

METHODS = (
    "variance",
    "correlation",
    "mutual_information",
    "model_importance",
    "permutation_importance",
    "shadows",
    "recursive",
)
"""In the order in which they are gone through."""


@dataclass(frozen=True)
class FittedSelect:
    """Which columns of a matrix are kept, and why.

    features: the kept ones, as the featurizer before describes them; places: where they stand in its matrix
    width: how many columns that has; decisions: one of each of them
    """

    features: tuple[Feature, ...]
    places: tuple[int, ...]
    width: int
    decisions: tuple[Decision, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features that are kept."""
        return tuple(feature.name for feature in self.features)

    def transform(self, features: Features) -> Features:
        """Return the kept columns: float32, dense in C order or CSR as before; the same matrix where all are kept."""
        import numpy as np

        if features.shape[1] != self.width:
            raise DataError(
                f"the matrix has {features.shape[1]} columns, and the selection was made among {self.width}"
            )
        if len(self.places) == self.width:
            return features
        X: Any = features.X
        places = list(self.places)
        taken = np.take(X, places, axis=1) if isinstance(X, np.ndarray) else X[:, places]
        return replace(features, X=taken, features=self.features)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX: {"X": float32 (N, width)} becomes {"X": float32 (N, n_kept)}."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        if len(self.places) == self.width:
            return dict(inputs)
        return {"X": op.gather(inputs["X"], op.const(np.array(self.places, dtype=np.int64)), axis=1)}


class SelectFeaturizer(Featurizer):
    """Drop features that are constant, that repeat another, or that say little of the target: `featurizer=[tabular,select]`.

    Fitted on training rows alone. The methods that are on come one after the other, each among what the one before left.
    """

    name = "select"
    extra = "sklearn"
    variance: Annotated[float, Ge(0)] | None = 0.0
    """Drop features whose variance is at most this; 0 drops constant ones, null none."""
    correlation: Annotated[float, Interval(gt=0, le=1)] | None = 0.99
    """Of two features that correlate at least so much, drop the one that correlates less with the target; null drops none."""
    mutual_information: Annotated[float, Ge(0)] | None = None
    """Drop features that share less information with the target, in nats (Ross 2014; Kraskov et al. 2004); null drops none."""
    model_importance: Annotated[float, Ge(0), Lt(1)] | None = None
    """Drop features with a smaller share of what the splits of a quick forest gain (Breiman 2001); null drops none."""
    permutation_importance: Annotated[float, Lt(1)] | None = None
    """Drop features whose shuffling adds less to a quick forest's loss on rows that it has not seen, as a share of a constant
    guess's (Fisher, Rudin and Dominici 2019); null drops none."""
    shadows: bool = False
    """Whether features go that gain a quick forest surely no more than shuffled copies do (Boruta: Kursa and Rudnicki 2010)."""
    shadow_rounds: Annotated[int, Gt(4)] = 20
    """Forests that `shadows` grows."""
    keep: Annotated[int, Gt(0)] | Annotated[float, Interval(gt=0, lt=1)] | None = None
    """Most features that are kept, or their largest share, the best ones by `rank_by`; null keeps all that are left."""
    rank_by: Literal["mutual_information", "model_importance", "permutation_importance", "recursive"] = (
        "model_importance"
    )
    """What `keep` goes by; `recursive` drops the weakest tenth, grows a forest anew, and so on (Guyon et al. 2002)."""
    resamples: Annotated[int, Ge(0)] = 0
    """On how many halves of the rows it is selected again, to tell how stable that is; each takes as long as the first."""
    n_estimators: Annotated[int, Gt(0)] = 50
    """Trees of a quick forest."""
    max_rows: Annotated[int, Gt(1)] = 20_000
    """Most training rows that correlation, information and importance are taken from, drawn at random."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows, of the forest, and of the noise that mutual information is estimated with."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Features) -> FittedSelect:
        """Choose among the columns of `train`; raises DataError where none would be left."""
        from .choosing import choose

        train = train.weighing()
        decisions = choose(self, train)
        places = tuple(place for place, one in enumerate(decisions) if one.kept)
        if not places:
            last = max(decisions, key=lambda one: METHODS.index(one.method))
            raise DataError(
                f"featurizer 'select' would keep none of {len(decisions)} features, such as '{last.feature}', {last.message}",
                hint="featurizer.select.shadows=false"
                if last.method == "shadows"
                else f"lower featurizer.select.{last.method}, or set it to null",
            )
        return FittedSelect(tuple(train.features[place] for place in places), places, train.shape[1], decisions)
