"""How long labels take to come, as far as windows tell that were looked at again when they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from hookline.workspace.catalog.watching.windows import Window

NEWEST = 500
"""Windows that are looked through, the newest."""
SOONEST = timedelta(days=1)
"""Labels are never late before that."""
FACTOR = 2
"""Labels are late once they take so many times as long as they usually do."""


@dataclass(frozen=True)
class LabelDelay:
    """How long a model's labels take, and what waits for them."""

    usual: timedelta | None
    """From the end of a window to the last look that labels brought, the median; None where none came yet."""
    waiting: int
    """Windows, of one monitor each, about which nothing can be said before labels come."""
    oldest: datetime | None
    """The end of the oldest of these."""

    def is_late(self, now: datetime) -> bool:
        """Tell whether what waits does so for longer than is usual."""
        return self.oldest is not None and now - self.oldest > max(SOONEST, FACTOR * (self.usual or timedelta()))


def label_delay(windows: Sequence[Window]) -> LabelDelay:
    """Return how long labels take. windows: of one model, the newest first; a monitor that never waited says nothing"""
    fine = [one for one in windows if one.error is None]
    waits = [one for one in fine if not one.speaks]
    who = {one.monitor for one in waits} | {one.monitor for one in fine if one.labels}
    took = [one.looked - one.until for one in fine if one.speaks and one.labels and one.monitor in who and one.looked]
    usual = timedelta(seconds=median(span.total_seconds() for span in took)) if took else None
    # One that was passed over while later ones were labeled is taken to stay as it is.
    spoken = max((one.until for one in fine if one.speaks and one.monitor in {w.monitor for w in waits}), default=None)
    still = [one.until for one in waits if spoken is None or one.until > spoken]
    return LabelDelay(usual, len(still), min(still, default=None))


def span_said(span: timedelta) -> str:
    """Return a span of time in the unit that suits it, such as `3 days` or `40 minutes`."""
    seconds = max(0.0, span.total_seconds())
    for unit, long in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= long:
            count = round(seconds / long)
            return f"{count} {unit}{'s' * (count != 1)}"
    return "less than a minute"
