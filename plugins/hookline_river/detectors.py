"""River's detectors over a stream of losses: where one finds a rise, and since when there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .calibrating import threshold_for
from .streams import Usual

if TYPE_CHECKING:
    import numpy as np

Detector: TypeAlias = Literal["page_hinkley", "adwin", "kswin", "hddm_a", "hddm_w"]
HARD = 0.8
"""Share of held-out rows whose error is smaller than what a detector of bits takes for one, of numbers."""


@dataclass(frozen=True)
class Rise:
    """Where the loss rose.

    found: the row at which it was found; since: the first row of the rise; both positions in the stream
    before, now: mean loss of held-out rows, and since then until it was found; low: the lower 95 % bound of the difference
    """

    found: int
    since: int
    before: float
    now: float
    low: float

    @property
    def size(self) -> float:
        """How much the loss rose."""
        return self.now - self.before


def first_rise(losses: np.ndarray, usual: Usual, kind: Detector, sought: float, rows: float) -> Rise | None:
    """Return the first rise by at least half of `sought` that a detector finds in losses, (n,); None where there is none.

    rows: that pass on average before a false alarm, which `page_hinkley` keeps; the others have a chance of 1 / rows at a test
    """
    for found in _alarms(losses, usual, kind, sought, rows):
        rise = _rise(losses, usual, found, sought)
        if rise.size >= sought / 2 and rise.low > 0:
            return rise
    return None


def _alarms(losses: np.ndarray, usual: Usual, kind: Detector, sought: float, rows: float) -> Iterator[int]:
    update = _detector(usual, kind, sought, rows)
    return (place for place, loss in enumerate(losses.tolist()) if update(loss))


def _detector(usual: Usual, kind: Detector, sought: float, rows: float) -> Callable[[float], bool]:
    """Return what is given one loss after another, and says when it finds a change; it has seen the usual losses."""
    if kind == "page_hinkley":
        return _page_hinkley(usual, sought, rows)
    return _of_bits(usual, kind, rows) if kind.startswith("hddm") else _of_numbers(usual, kind, rows)


def _page_hinkley(usual: Usual, sought: float, rows: float) -> Callable[[float], bool]:
    from river.drift import PageHinkley

    mean, delta = float(usual.losses.mean()), sought / 2
    varied = usual.losses if usual.losses.std() > 0 else _nearly(usual.losses)
    detector = PageHinkley(1, delta, threshold_for(varied, delta, rows), alpha=1.0, mode="up")
    # It compares with the mean of all that it has seen, so it is told of the held-out rows by theirs, which is no change.
    for _ in range(usual.rows):
        detector.update(mean)
    return _asked(detector, float)


def _of_numbers(usual: Usual, kind: Detector, rows: float) -> Callable[[float], bool]:
    import numpy as np
    from river.drift import ADWIN, KSWIN

    detector: Any = ADWIN(delta=1 / rows) if kind == "adwin" else KSWIN(alpha=1 / rows, seed=0)
    mixed = np.random.default_rng(0).permutation(usual.losses).tolist()
    # KSWIN looks back no further than its window.
    return _after(detector, mixed if kind == "adwin" else mixed[: detector.window_size], float)


def _of_bits(usual: Usual, kind: Detector, rows: float) -> Callable[[float], bool]:
    import numpy as np
    from river.drift.binary import HDDMA, HDDMW

    hard = 0.5 if usual.losses.max() <= 1 else float(np.quantile(usual.losses, HARD))
    made = HDDMA if kind == "hddm_a" else HDDMW
    detector = made(drift_confidence=1 / rows, warning_confidence=2 / rows)
    mixed = np.random.default_rng(0).permutation(usual.losses).tolist()
    return _after(detector, mixed, lambda loss: loss > hard)


def _after(detector: Any, seen: list[float], told: Callable[[float], Any]) -> Callable[[float], bool]:
    for loss in seen:
        detector.update(told(loss))
    return _asked(detector, told)


def _asked(detector: Any, told: Callable[[float], Any]) -> Callable[[float], bool]:
    def update(loss: float) -> bool:
        detector.update(told(loss))
        return bool(detector.drift_detected)

    return update


def _nearly(losses: np.ndarray) -> np.ndarray:
    """Return losses of a model that has made no error yet: as if the next of as many were one (Laplace)."""
    import numpy as np

    return np.append(losses, losses[-1] + 1.0)


def _rise(losses: np.ndarray, usual: Usual, found: int, sought: float) -> Rise:
    """Return since when the loss had risen: from where its sum above the usual was lowest (Page, 1954)."""
    import numpy as np

    before = float(usual.losses.mean())
    sums = np.concatenate([[0.0], np.cumsum(losses[: found + 1] - before - sought / 2)])
    since = int(sums[:-1].argmin())
    # Until it was found: what comes after may be better again.
    rows = losses[since : found + 1]
    now = float(rows.mean())
    doubt = (usual.losses.var() / max(1, usual.rows) + rows.var() / len(rows)) ** 0.5
    return Rise(found, since, before, now, now - before - 1.645 * float(doubt))
