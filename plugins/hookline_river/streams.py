"""The losses of labelled rows in the order in which they happened, and those of held-out rows as they travel with a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hookline import Scored
from hookline.data.target import encode
from hookline.errors import StoreError
from hookline.kinds.scored import PREDICTION_ID, TRUTH

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST = 2_000
"""Losses that a package keeps: quantiles, where there were more rows."""
FARTHEST = 10.0
"""Times its mean that the error of a number counts at most, so that no single one is a drift."""


@dataclass(frozen=True)
class Usual:
    """The losses of held-out rows.

    losses: float64, (n,), at most MOST; rows: of how many they are
    scale: what the error of a number is divided by, 1 for classes
    """

    losses: np.ndarray
    rows: int
    scale: float

    def packed(self) -> bytes:
        """Return it as JSON."""
        return json.dumps({"rows": self.rows, "scale": self.scale, "losses": self.losses.tolist()}).encode()

    @classmethod
    def of(cls, losses: np.ndarray, scale: float) -> Usual:
        """Keep quantiles where there are more losses than are kept; their mean is that of all but for rounding."""
        import numpy as np

        kept = losses if len(losses) <= MOST else np.quantile(losses, (np.arange(MOST) + 0.5) / MOST)
        return cls(np.asarray(kept, dtype=float), len(losses), scale)

    @classmethod
    def read(cls, path: Path) -> Usual:
        """Read it back; raises StoreError for a damaged file."""
        import numpy as np

        try:
            held = json.loads(path.read_text("utf-8"))
            losses = np.array([float(loss) for loss in held["losses"]])
            found = cls(losses, int(held["rows"]), float(held["scale"]))
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path} does not tell the losses of held-out rows") from error
        if not len(losses) or not np.isfinite(losses).all() or not found.scale > 0:
            raise StoreError(f"{path} does not tell the losses of held-out rows")
        return found


@dataclass(frozen=True)
class Stream:
    """Labelled rows in order. errors: float64, (n,); times: when each was, (n,), or None where nobody tells."""

    errors: np.ndarray
    times: pl.Series | None

    def losses(self, scale: float) -> np.ndarray:
        """Return the error of each row, float64 (n,), a number's in so many times `scale`, at most FARTHEST."""
        import numpy as np

        return np.asarray(np.minimum(self.errors / scale, FARTHEST))


def stream_of(scored: Scored) -> Stream:
    """Return the rows whose truth is known, by time where they tell it; rows of one group that follow each other as one.

    Rows that come in groups are alike, and a detector takes every loss for a new one. Nothing is weighed.
    """
    import numpy as np
    import polars as pl

    if TRUTH not in scored.frame.collect_schema().names():
        return Stream(np.zeros(0), None)
    labeled = scored.labeled()
    if not int(labeled.frame.select(pl.len()).collect().item()):
        return Stream(np.zeros(0), None)
    held = pl.DataFrame({"error": _errors(labeled)})
    time, groups = _times(labeled), labeled.groups()
    if time is not None:
        held = held.with_columns(time=time)
    if groups is not None:
        held = held.with_columns(group=pl.Series(groups))
    held = held.sort("time", maintain_order=True) if time is not None else held
    if groups is not None:
        means = [pl.col("error").mean(), *([] if time is None else [pl.col("time").first()])]
        held = held.group_by(pl.col("group").rle_id(), maintain_order=True).agg(means)
    errors: np.ndarray = held["error"].to_numpy()
    return Stream(errors, held["time"] if time is not None else None)


def _errors(labeled: Scored) -> np.ndarray:
    import numpy as np

    truth, answers = labeled.truth(), labeled.prediction().values
    if labeled.target.task == "regression":
        return np.asarray(np.abs(np.asarray(answers, dtype=float) - np.asarray(truth, dtype=float)))
    return np.asarray(encode(truth, labeled.target) != encode(answers, labeled.target), dtype=float)


def _times(labeled: Scored) -> pl.Series | None:
    """Return when each row happened: as the prediction log has it, else by the time role; None where nobody tells."""
    names = labeled.frame.collect_schema().names()
    if PREDICTION_ID in names and "time" in names:
        return labeled.frame.select("time").collect().to_series()
    rows, name = labeled.rows(), labeled.roles.time
    if name is None or name not in rows.frame.collect_schema().names():
        return None
    return rows.frame.select(name).collect().to_series()
