"""Which training rows make up each share of them, so that a larger share holds the smaller ones of its draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.data.frames import count_rows
from hookline.data.target import is_label

if TYPE_CHECKING:
    import numpy as np

    from hookline.kinds.artifacts import Dataset


def order_of(train: Dataset, seed: int, repeat: int) -> np.ndarray:
    """Return the positions of training rows in the order in which a draw takes them, int64 (n_rows,).

    Whole groups come one after another where rows have groups; of classes each comes in its share, however few are taken.
    """
    import numpy as np

    rng = np.random.default_rng((seed, repeat))
    roles = train.roles
    by = roles.group or (roles.target if roles.target and is_label(train.frame, roles.target) else None)
    if by is None:
        return np.asarray(rng.permutation(count_rows(train.frame)), dtype=np.int64)
    codes = train.frame.select(by).collect().to_series().rank("dense").fill_null(0).to_numpy().astype(np.int64)
    if roles.group:
        return np.argsort(rng.permutation(codes.max() + 1)[codes], kind="stable")
    shuffled = rng.permutation(len(codes))
    place = np.empty(len(codes))
    for code in np.unique(codes):
        mine = shuffled[codes[shuffled] == code]
        place[mine] = (np.arange(len(mine)) + rng.random()) / len(mine)
    return np.argsort(place, kind="stable")
