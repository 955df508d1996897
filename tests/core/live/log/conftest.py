"""A model of two versions with a log of ten days, which the tests of this folder share."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from kit.logs import END, records_of, write_log

HOURS = 240


def rows(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count)
    bought = np.where(size + rng.normal(0, 0.4, count) > 0, "yes", "no")
    return pl.DataFrame(
        {"customer": [f"c{i:03}" for i in range(count)], "size": size, "version": size, "bought": bought}
    )


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `shop`: an answer an hour for ten days, 160 by version 1 and the later 80 by version 2."""
    home = tmp_path_factory.mktemp("shop")
    given: dict[str, Any] = {
        "target": "bought",
        "id": "customer",
        "name": "shop",
        "packager": ["skops"],
        "evaluator": [],
    }
    for seed in (0, 1):
        hl.run(source=rows(200, seed), trainer="decision_tree", deployer="local", home=home, **given)
    asked = rows(HOURS, 2).drop("bought").to_dicts()
    times = [END - timedelta(hours=HOURS - 1 - hour) for hour in range(HOURS)]
    write_log(home / "predictions" / "shop", records_of("shop:1", asked[:160], times[:160], home))
    write_log(home / "predictions" / "shop", records_of("shop:2", asked[160:], times[160:], home, 160), "2")
    return home


@pytest.fixture
def shop(shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the test's own home."""
    home = tmp_path / "shop"
    shutil.copytree(shop_home, home, ignore=shutil.ignore_patterns("store", "runs"))
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return home
