"""Which version is in charge after a run: one that is worse, leaks or answers another question does not take over unsaid."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


def shop(rows: int = 400, seed: int = 0, noise: float = 0.0) -> pl.DataFrame:
    """Customers that buy where their size and age add up to more than 0, but for a share of them."""
    rng = np.random.default_rng(seed)
    size, age = rng.normal(size=(2, rows))
    flipped = rng.random(rows) < noise
    bought = np.where((size + age > 0) ^ flipped, "yes", "no")
    return pl.DataFrame({"size": size, "age": age, "bought": bought, "spent": size + 2 * age})


def deployed(frame: pl.DataFrame, *, target: str = "bought", **config: Any) -> Mapping[str, Any]:
    """Run, and return what became of the package."""
    given = {"trainer": "decision_tree", "packager": ["skops"], "deployer": "local", "name": "shop", **config}
    run = hl.run(source=frame, roles={"target": target, "ignore": ["spent"] if target == "bought" else []}, **given)
    found: Mapping[str, Any] = run.evidence["deployment"]
    return found


def in_charge() -> int | None:
    current = open_workspace().catalog.deployments.current("shop")
    return None if current is None else current.version


SHALLOW = {"component": "decision_tree", "max_depth": 1}
ALWAYS = {"component": "local", "promote": "always"}


def test_a_better_version_takes_over_and_the_reason_is_kept() -> None:
    deployed(shop(), trainer=SHALLOW)
    told = deployed(shop())
    assert told["accepted"]
    assert told["told"].startswith("champion -> shop v2: accuracy is ")
    assert "of v1 on the same held-out rows" in told["told"]
    assert in_charge() == 2
    history = open_workspace().catalog.deployments.history("shop")
    assert "accuracy is" in history[0].reason


def test_a_worse_version_on_the_same_rows_is_only_registered_and_the_line_that_promotes_it_works(
    hookline: Told,
) -> None:
    deployed(shop())
    told = deployed(shop(), trainer=SHALLOW)
    assert not told["accepted"]
    assert told["version"] == 2
    assert told["policy"]["version"] == in_charge() == 1
    assert "v1 stays in charge: accuracy is " in told["told"]
    line = told["told"].partition("To put it in charge: hookline ")[2]
    assert line == "models promote shop:2"
    assert hookline(*line.split())[0] == 0
    assert in_charge() == 2


def test_the_worse_version_takes_over_where_the_deployer_is_told_to() -> None:
    deployed(shop())
    told = deployed(shop(), trainer=SHALLOW, deployer=ALWAYS)
    assert told["accepted"]
    assert "although accuracy is" in told["told"]
    assert in_charge() == 2


def test_on_other_rows_chance_does_not_keep_a_version_out() -> None:
    deployed(shop(noise=0.1))
    small_loss = deployed(shop(seed=1, noise=0.12))
    assert small_loss["accepted"], small_loss["told"]
    assert "on other held-out rows" in small_loss["told"]
    large_loss = deployed(shop(seed=2, noise=0.45))
    assert not large_loss["accepted"]
    assert in_charge() == 2


def test_another_target_does_not_take_over() -> None:
    deployed(shop())
    told = deployed(shop(), target="spent")
    assert "it predicts spent (regression), and v1 bought (binary)" in told["told"]
    assert in_charge() == 1


def test_a_worse_version_is_tried_as_a_canary_and_one_of_another_target_is_not() -> None:
    deployed(shop())
    worse = deployed(shop(), trainer=SHALLOW, deployer="canary")
    assert worse["accepted"]
    assert "challenger -> shop v2: although accuracy is" in worse["told"]
    assert [(route["version"], route["arm"]) for route in worse["policy"]["routes"]] == [(1, "live"), (2, "canary")]
    other = deployed(shop(), target="spent", deployer="canary")
    assert "it predicts spent (regression), and v1 bought (binary)" in other["told"]
    assert in_charge() == 1


def test_other_classes_do_not_take_over() -> None:
    deployed(shop())
    told = deployed(shop().with_columns(bought=pl.col("bought").replace("no", "never")))
    assert "it tells the classes never, yes apart, and v1 no, yes" in told["told"]
    assert in_charge() == 1


def test_the_first_version_is_not_put_in_charge_with_a_critical_finding_and_answers_all_the_same() -> None:
    leaky = shop().with_columns(copy=pl.col("bought"))
    told = deployed(leaky)
    assert not told["accepted"]
    assert "no version is in charge yet: critical finding: " in told["told"]
    assert in_charge() is None
    assert len(hl.load("shop").predict(leaky.head(3)).values) == 3
    assert deployed(shop())["accepted"]
    assert in_charge() == 2


def test_a_leak_does_not_take_over_however_good_it_looks() -> None:
    deployed(shop(noise=0.2))
    told = deployed(shop(noise=0.2).with_columns(copy=pl.col("bought")))
    assert "critical finding: " in told["told"]
    assert in_charge() == 1


def test_a_finding_that_is_allowed_keeps_no_version_out() -> None:
    told = deployed(shop().with_columns(copy=pl.col("bought")), audit_allow=["copy"])
    assert told["accepted"], told["told"]


def test_the_version_in_charge_stays_so_when_it_is_run_again() -> None:
    leaky = shop().with_columns(copy=pl.col("bought"))
    deployed(leaky)
    hl.promote("shop:1")
    again = deployed(leaky)
    assert again["accepted"]
    assert (again["version"], in_charge()) == (1, 1)


def test_the_gated_metric_decides_before_the_headline() -> None:
    deployed(shop(), trainer=SHALLOW, gates={"log_loss": 1000.0})
    told = deployed(shop(), gates={"log_loss": 1000.0})
    assert "log_loss is" in told["told"]


def test_a_version_that_nobody_judged_does_not_take_over() -> None:
    deployed(shop())
    told = deployed(shop(seed=3), evaluator=[])
    assert "no evaluator measured both it and v1" in told["told"]


def test_a_version_that_nobody_judged_is_taken_over_from() -> None:
    deployed(shop(), evaluator=[])
    assert deployed(shop(seed=3), evaluator=[])["told"] == "champion -> shop v2: v1 was never measured"
    assert deployed(shop(seed=4))["accepted"]


def test_a_lost_champion_is_taken_over_from() -> None:
    deployed(shop())
    shutil.rmtree(Path(open_workspace().catalog.models.get("shop", 1).path))
    told = deployed(shop(), trainer=SHALLOW)
    assert told["told"] == "champion -> shop v2: the package of v1 is lost"


@pytest.mark.parametrize("seed", [0, 1])
def test_evidence_reaches_the_registered_copy_of_a_version_that_is_not_in_charge(seed: int) -> None:
    deployed(shop(seed=seed))
    told = deployed(shop(seed=seed), trainer=SHALLOW)
    folder = Path(open_workspace().catalog.models.get("shop", told["version"]).path)
    assert (folder / "evidence" / "evidence.json").is_file()
