"""A shop whose customers change their minds: rows, and answers on record with their truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import hookline as hl
from kit.logs import records_of, write_log


def rows(count: int, seed: int, tilt: float = 1.0) -> pl.DataFrame:
    """Return rows of a shop: size, color, and whether it was bought, which follows the size by `tilt`."""
    rng = np.random.default_rng(seed)
    size, color = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    bought = np.where(tilt * size + (color == "red") + rng.normal(0, 0.5, count) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size, "color": color, "bought": bought})


def trained(home: Path, **over: Any) -> hl.Run:
    """Train `shop`, version 1, on rows that follow the first rule; its package is a pickle, which is read soonest."""
    config: Mapping[str, Any] = {
        "source": rows(800, 0),
        "target": "bought",
        "name": "shop",
        "trainer": "sgd_classifier",
        "packager": ["pickle"],
        "evaluator": [],
        "deployer": "local",
    }
    return hl.run(**{**config, **over}, home=home)


def answered(
    home: Path, count: int, seed: int, tilt: float = 1.0, *, version: int = 1, ago: timedelta = timedelta(hours=2)
) -> pl.DataFrame:
    """Put on record what a version of `shop` answers to new rows; return what turned out to be true, by id."""
    asked, start = rows(count, seed, tilt), datetime.now(UTC) - ago
    times = [start + timedelta(milliseconds=place) for place in range(count)]
    found = records_of(f"shop:{version}", asked.drop("bought").to_dicts(), times, home, first=seed * 10_000)
    write_log(home / "predictions" / "shop", found)
    return pl.DataFrame({"prediction_id": [one["id"] for one in found], "bought": asked["bought"]})


def labeled(home: Path, count: int, seed: int, tilt: float = 1.0, **over: Any) -> pl.DataFrame:
    """Put answers on record, and say what was true of all of them; return that."""
    told = answered(home, count, seed, tilt, **over)
    hl.label("shop", told, home=home)
    return told
