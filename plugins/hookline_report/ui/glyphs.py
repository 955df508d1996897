"""Small drawings within a line, as SVG without styles: a share, and a span of time on a scale of powers of ten."""

from __future__ import annotations

import math
from typing import Any

FASTEST, SLOWEST = 0.0005, 20.0
"""Seconds at the two ends of the scale of latencies."""


def bar(share: float, kind: str = "") -> Any:
    """Return a bar (markupsafe.Markup) for a share from 0 to 1."""
    from markupsafe import Markup

    wide = 120 * min(1.0, max(0.0, share))
    return Markup(
        '<svg class="meter {}" viewBox="0 0 120 8" aria-hidden="true"><rect class="rail" width="120" height="8" rx="4"/>'
        '<rect class="fill" width="{}" height="8" rx="4"/></svg>'
    ).format(kind, f"{max(wide, 3 if share > 0 else 0):.1f}")


def reach(low: float | None, high: float | None) -> Any:
    """Return a span of seconds (markupsafe.Markup), from the median to the slowest of a hundred."""
    from markupsafe import Markup

    if low is None or high is None:
        return ""
    first, last = (_place(value) for value in (low, high))
    return Markup(
        '<svg class="meter" viewBox="0 0 120 8" aria-hidden="true"><rect class="rail" y="3" width="120" height="2" rx="1"/>'
        '<rect class="fill" x="{}" y="2" width="{}" height="4" rx="2"/><circle class="fill" cx="{}" cy="4" r="4"/></svg>'
    ).format(f"{first:.1f}", f"{max(2.0, last - first):.1f}", f"{first:.1f}")


def _place(seconds: float) -> float:
    whole = math.log(SLOWEST / FASTEST)
    return 4 + 112 * min(1.0, max(0.0, math.log(max(seconds, FASTEST) / FASTEST) / whole))
