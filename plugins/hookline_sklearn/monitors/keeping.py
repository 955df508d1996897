"""Held-out rows with their scores and their truth, as they travel with a model, and how much they are like current ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Reference, Scored, Target
from hookline.data.target import encode
from hookline.errors import StoreError
from hookline.kinds.artifacts import ROW_ID

from .apart import told_apart
from .estimating import Answers
from .samples import GROUP, drawn, packed, paired, unpacked

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

KEPT = "held_out.arrow"
TRUTH, GUESS, WEIGHT, SHARE = "__truth__", "__guess__", "__weight__", "__share_{}__"
COMPARED = 2_000
"""Rows of either side of which it is found out whether they are alike."""
SURE, MOVED = 0.99, 0.53
"""The area that a classifier must surely reach for rows to count as moved."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows: their columns, and what was answered."""

    rows: pl.DataFrame
    answers: Answers

    def packed(self) -> bytes:
        """Return all of it as an Arrow IPC file."""
        import polars as pl

        answers = self.answers
        held = {TRUTH: answers.truth, GUESS: answers.guess, WEIGHT: answers.weight}
        held |= {SHARE.format(code): answers.shares[:, code] for code in range(answers.shares.shape[1])}
        return packed(self.rows.with_columns(**{name: pl.Series(values) for name, values in held.items()}))


def held_out_of(labeled: Scored, most: int, seed: int) -> HeldOut | None:
    """Return at most so many rows; None where nothing gives probabilities."""
    import numpy as np

    answers = answers_in(labeled)
    if answers is None or not len(answers.guess):
        return None
    rows = len(answers.guess)
    chosen = np.arange(rows)
    if rows > most:
        chosen = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return HeldOut(_columns(labeled)[chosen], answers.taken(chosen))


def read_held_out(reference: Reference, target: Target) -> HeldOut | None:
    """Return what a package keeps; None where it keeps nothing. Raises StoreError where that is damaged."""
    import numpy as np

    path = reference.files.get(KEPT)
    if path is None:
        return None
    held = unpacked(path)
    shares = [SHARE.format(code) for code in range(len(target.classes))]
    if not {TRUTH, GUESS, WEIGHT, *shares} <= set(held.columns) or not held.height:
        raise StoreError(f"{path} does not tell how the model answered", hint="run it again to make the package anew")
    groups = None
    if GROUP in held.columns:
        groups = np.unique(held[GROUP].fill_null("").to_numpy(), return_inverse=True)[1]
    answers = Answers(
        held[GUESS].to_numpy(),
        held.select(shares).to_numpy(),
        held[WEIGHT].to_numpy(),
        held[TRUTH].to_numpy(),
        groups,
    )
    return HeldOut(held.drop(TRUTH, GUESS, WEIGHT, *shares), answers)


def answers_in(scored: Scored) -> Answers | None:
    """Return what was answered, with the truth where it is told; None where there are no probabilities."""
    import numpy as np

    prediction, target = scored.prediction(), scored.target
    if prediction.probabilities is None or not np.isfinite(prediction.probabilities).all():
        return None
    weight = scored.weight()
    names = scored.frame.collect_schema().names()
    rows = len(prediction.values)
    truth = encode(scored.truth(), target) if "truth" in names and _all_known(scored) else None
    guess = encode(prediction.values, target)
    return Answers(guess, prediction.probabilities, np.ones(rows) if weight is None else weight, truth, scored.groups())


def alike_of(held_out: HeldOut, current: Scored, seed: int) -> tuple[np.ndarray | None, float]:
    """Return how much each held-out row is like current ones, (n_rows,), and how many equally heavy rows that is worth.

    The ratio of densities is that of a classifier's odds (Bickel, Brückner and Scheffer, 2009), where it tells them apart at all;
    else None: all of them are. A row counts at most as much as fifty would.
    """
    import numpy as np

    rows = held_out.rows.height
    now = drawn(_columns(current).lazy(), held_out.rows.columns, COMPARED, seed)
    pair = paired(held_out.rows.drop(GROUP, strict=False), now)
    apart = told_apart(pair, seed) if pair.names and now.height else None
    if apart is None or apart.low(SURE) <= MOVED:
        return None, float(rows)
    scores = np.clip(apart.scores[:rows], 1e-4, 1 - 1e-4)
    ratio = scores / (1 - scores) * rows / now.height
    # It is 1 on average, less the current rows that lie where there is no held-out row at all.
    covered = min(1.0, float(ratio.mean()))
    ratio = np.minimum(ratio / ratio.mean(), 50.0)
    return ratio, covered * float(ratio.sum() ** 2 / (ratio**2).sum())


def _columns(scored: Scored) -> pl.DataFrame:
    """Return what the model may see of rows, without the time, and their groups as GROUP."""
    import polars as pl

    rows = scored.rows()
    hidden = {scored.target.name, rows.roles.time, ROW_ID}
    names = [name for name in rows.feature_columns() if name not in hidden]
    group = rows.roles.group
    more = [pl.col(group).cast(pl.String).alias(GROUP)] if group in rows.frame.collect_schema().names() else []
    return rows.frame.select(*names, *more).collect()


def _all_known(scored: Scored) -> bool:
    return not scored.frame.select("truth").collect()["truth"].null_count()
