"""A model's log watched window by window: each once, with one alarm of what goes wrong, told at a real webhook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.live.watching.rules import Rules
from hookline.live.watching.watching import watch
from kit.logs import records_of, write_log
from kit.webhook import Webhook

HOUR = timedelta(hours=1)
RULES = Rules(every=HOUR, least=100, labels=timedelta(0))
NOW = datetime.now(UTC)
LAST = NOW.replace(minute=0, second=0, microsecond=0)
if RULES.grace >= NOW - LAST:
    LAST -= HOUR


def rows(count: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size, color = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    bought = np.where(size + (color == "red") + rng.normal(0, 0.5, count) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size + shift, "color": color, "bought": bought})


@pytest.fixture(scope="module")
def shop(home: Path) -> Path:
    """A home with a registered model `shop`, to be copied."""
    hl.run(
        source=rows(2_000, 0),
        target="bought",
        name="shop",
        trainer="logistic_regression",
        packager=["skops"],
        deployer="local",
        monitor=["data_drift"],
        home=home,
    )
    return home


def answer(home: Path, start: datetime, shift: float = 0.0, count: int = 200, first: int = 0) -> None:
    """Let the model answer in the hour from a moment on."""
    asked = rows(count, first, shift).drop("bought").to_dicts()
    times = [start + HOUR * (place / count) for place in range(count)]
    write_log(home / "predictions" / "shop", records_of("shop:1", asked, times, home, first))


def test_a_drift_is_one_alarm_at_a_webhook(shop: Path) -> None:
    for place, shift in enumerate([0.0, 2.0, 2.0, 2.0]):
        answer(shop, LAST - HOUR * (4 - place), shift, first=place * 200)
    with Webhook() as hook:
        (shop / "settings.yaml").write_text(f"alerts: {{urls: ['{hook.url}']}}\n")
        looked = watch("shop", rules=RULES, once=True, home=shop)
        assert len(looked.windows) == 4
        again = watch("shop", rules=RULES, once=True, home=shop)
        assert again.windows == ()
    print(hook.bodies)
    assert len(hook.bodies) == 1
