"""Whether two classifiers err equally often, by the rows on which only one of them is right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_EXACT = 1_000


@dataclass(frozen=True)
class McNemar:
    """McNemar's test (1947) of two classifiers on the same independent rows, each counted once.

    only_first, only_second: rows on which only the first, only the second is right
    p: two-sided; mid-p of the exact test (Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91), of more
        than 1,000 such rows by chi-square
    """

    only_first: int
    only_second: int
    p: float

    @classmethod
    def of(cls, truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
        """Test labels against what was true, all (n_rows,)."""
        right = first == truth, second == truth
        counts = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
        return cls(*counts, mid_p(*counts))

    @property
    def told(self) -> str:
        """The figures in a sentence."""
        return (
            f"McNemar: only the first is right on {self.only_first:,} rows, only the second on {self.only_second:,}; "
            f"p = {self.p:.3g}"
        )


def mid_p(first: int, second: int) -> float:
    """Return how likely it is that so many rows of `first + second` fall to one side, where each side is as likely."""
    count, fewer = first + second, min(first, second)
    if not count:
        return 1.0
    if count > MOST_EXACT:
        return math.erfc(abs(first - second) / math.sqrt(2 * count))
    below: float = sum(math.comb(count, one) for one in range(fewer + 1)) / 2**count
    equal: float = math.comb(count, fewer) / 2**count
    return min(1.0, 2 * below - equal)
