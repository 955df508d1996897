"""Rows, and logs hour by hour, of a model that is watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from hookline.live.watching.rules import WatchRules
from kit.logs import write_log

HOUR = timedelta(hours=1)
RULES = WatchRules(every=HOUR, least=100, labels=timedelta(0))


def last_hour() -> datetime:
    """Return the end of the last window that is over."""
    return (datetime.now(UTC) - RULES.grace).replace(minute=0, second=0, microsecond=0)


def rows(count: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """Return rows of a shop: size, color, and whether it was bought."""
    rng = np.random.default_rng(seed)
    size, color = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    bought = np.where(size + (color == "red") + rng.normal(0, 0.5, count) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size + shift, "color": color, "bought": bought})


def answer(
    home: Path, hour: datetime, shift: float = 0.0, count: int = 150, version: int = 1, seed: int = 1
) -> list[str]:
    """Put on record what a version of `shop` answered in the hour from a moment on; return the ids."""
    asked = rows(count, seed, shift).drop("bought").to_dicts()
    start = f"{hour:%d%H}-v{version}"
    found = [
        {
            "id": f"{start}-{place:04}",
            "time": (hour + HOUR * (place / count)).isoformat().replace("+00:00", "Z"),
            "model": "shop",
            "version": version,
            "row": row,
            "row_id": None,
            "prediction": "yes" if row["size"] > 0 else "no",
            "probabilities": None,
            "warnings": [],
        }
        for place, row in enumerate(asked)
    ]
    write_log(home / "predictions" / "shop", found)
    return [str(one["id"]) for one in found]


def answer_hours(home: Path, *shifts: float) -> datetime:
    """Let `shop` answer for as many hours as there are shifts of its rows, up to the last that is over; return the first."""
    first = last_hour() - HOUR * len(shifts)
    for place, shift in enumerate(shifts):
        answer(home, first + HOUR * place, shift, seed=place + 1)
    return first
