"""What speaks against a new version beside the live one, of what was seen of both since the same moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hookline import Seen
from hookline.quality.sequential.asymptotic import difference

from .evidence.distributions import answer_counts, log_slower, p99, total_variation
from .evidence.likelihood import log_excess, log_mean, log_unlike
from .evidence.losses import mean_loss, unit_of
from .words import by_chance, failed, percent, seconds

FEWEST = 20
"""So many requests of each arm are waited for before anything is said of them."""
FEWEST_ERRORS = 5
"""So many errors of the new version are waited for: one client's bad minute is no evidence."""
FEWEST_UNITS = 100
"""So many rows with their truth, or keys, of each arm: an asymptotic interval is none before."""


@dataclass(frozen=True)
class Word:
    """What one guard says."""

    guard: str
    told: str
    """A clause with the figures of both versions."""
    against: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Guards:
    """What a new version is held against, by how much it may be worse, and at what risk for one that is not.

    Each guard asks for a difference of the size that matters, and for evidence that chance shows at most with its part of the
    risk, however often it is asked: half of it is that of errors, and the others share the rest.
    """

    errors: float | None = None
    latency: float | None = None
    answers: float | None = None
    quality: float | None = None
    risk: float = 0.01
    key: str | None = None
    share: float | None = None
    """Of the values of the key, those that fall to the new version; None where chance decides, or nobody says."""

    def words(self, new: Seen, live: Seen, versions: tuple[int, int]) -> tuple[Word, ...]:
        """Return what each guard that can be asked says. versions: of the new arm and the live one, for the wording."""
        if min(new.requests, live.requests) < FEWEST:
            return ()
        return tuple(self._words(new, live, versions))

    def _words(self, new: Seen, live: Seen, versions: tuple[int, int]) -> Iterator[Word]:
        if self.errors is not None:
            yield _errors(new, live, versions, self.errors, self._log_needed("errors"), self.share)
        if self.latency is not None:
            yield _latency(new, live, versions, self.latency, self._log_needed("latency"))
        counts = None if self.answers is None else answer_counts(new.answers, live.answers)
        if counts is not None and self.answers is not None:
            told = (worth(new), worth(live))
            word = _answers(counts, versions, self.answers, self._log_needed("answers"), told)
            yield self._with_doubt(word, told)
        if self.quality is not None:
            yield from self._quality(new, live, versions, self.quality)

    def _with_doubt(self, word: Word, worths: tuple[float, float]) -> Word:
        """Add to what speaks against a version that keys may be the reason, where nobody said what their requests are worth."""
        if not word.against or self.key is None or worths != (1.0, 1.0):
            return word
        doubt = f"unless requests of one {self.key} are alike, which nobody has told; then set deployer.answers=null"
        return replace(word, told=f"{word.told}, {doubt}")

    def _log_needed(self, guard: str) -> float:
        return -math.log(self._risk_of(guard))

    def _risk_of(self, guard: str) -> float:
        on = [name for name in ("errors", "latency", "answers", "quality") if getattr(self, name) is not None]
        if len(on) == 1 or self.errors is None:
            return self.risk / len(on)
        return self.risk / 2 / (1 if guard == "errors" else len(on) - 1)

    def _quality(self, new: Seen, live: Seen, versions: tuple[int, int], worse: float) -> Iterator[Word]:
        one, other = (mean_loss(seen.scored, self.key) for seen in (new, live))
        if one is None or other is None or min(one.units, other.units) < FEWEST_UNITS or new.scored is None:
            return
        # Two-sided intervals, of which one side is asked.
        found = difference(one, other, 2 * self._risk_of("quality"), 10 * FEWEST_UNITS, 1 + worse)
        what = unit_of(new.scored)
        told = f"the {what} of v{versions[0]} is {one.mean:.3g} on {one.rows:,} rows with their truth"
        told += f", and {other.mean:.3g} of v{versions[1]} on {other.rows:,}"
        figures = {"new": one.mean, "live": other.mean, "rows": [one.rows, other.rows], "low": found.low}
        yield Word("quality", told, found.low > 0, figures)


def worth(seen: Seen) -> float:
    """Return how many independent requests a request is worth: less than one where those of one key are alike."""
    return 1.0 if seen.answers is None else seen.answers.independent


def _errors(new: Seen, live: Seen, versions: tuple[int, int], more: float, needed: float, share: float | None) -> Word:
    rates = new.errors / new.requests, live.errors / live.requests
    told = f"{failed(new.errors, new.requests)} of v{versions[0]} failed"
    told += f", and {failed(live.errors, live.requests)} of v{versions[1]}"
    figures: dict[str, Any] = {"new": rates[0], "live": rates[1]}
    if new.errors < FEWEST_ERRORS or rates[0] - rates[1] <= more:
        return Word("errors", told, figures=figures)
    sizes = new.requests * worth(new), live.requests * worth(live)
    found = log_excess(new.errors * worth(new), live.errors * worth(live), sizes[0] / sum(sizes))
    if share is not None and new.failing is not None and live.failing is not None:
        keys = len(new.failing), len(live.failing - new.failing)
        found = log_mean([found, log_excess(*keys, share)])
        figures["keys"] = [*keys]
    return _weighed("errors", told, found, needed, figures)


def _latency(new: Seen, live: Seen, versions: tuple[int, int], ratio: float, needed: float) -> Word:
    slow, before = (p99(seen.latency) for seen in (new, live))
    told = f"99 of 100 requests of v{versions[0]} took at most {seconds(slow)}"
    told += f", and {seconds(before)} of v{versions[1]}"
    figures = {"new_p99": slow, "live_p99": before}
    bounded = [math.inf if one is None else one for one in (slow, before)]
    # Bounds of histograms lie apart, so that a ratio of them is only about that of the times.
    if bounded[0] <= bounded[1] * ratio or not all(sum(seen.latency.counts) for seen in (new, live)):
        return Word("latency", told, figures=figures)
    found = log_slower(new.latency, live.latency, ratio, (worth(new), worth(live)))
    return _weighed("latency", told, found, needed, figures)


def _answers(
    counts: list[tuple[int, int]],
    versions: tuple[int, int],
    distance: float,
    needed: float,
    worths: tuple[float, float],
) -> Word:
    apart = total_variation(counts)
    told = f"the distributions of what v{versions[0]} and v{versions[1]} answered are {percent(apart)} apart"
    figures = {"total_variation": apart}
    if apart <= distance:
        return Word("answers", told, figures=figures)
    found = log_unlike((one * worths[0], other * worths[1]) for one, other in counts)
    return _weighed("answers", told, found, needed, figures)


def _weighed(guard: str, told: str, found: float, needed: float, figures: Mapping[str, Any]) -> Word:
    if found < needed:
        return Word(guard, told, figures=figures)
    more = {"log10_evidence": round(found / math.log(10), 2), "log10_needed": round(needed / math.log(10), 2)}
    return Word(guard, f"{told}; {by_chance(found)}", against=True, figures={**figures, **more})
