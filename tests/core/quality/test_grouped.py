"""Rows that come in groups tell less than as many others: what a row is worth, and how seldom such rows raise an alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Reference, Roles
from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.kinds.artifacts import Split, Target
from hookline.quality.audit import audit
from hookline.quality.distributions import profile
from hookline.quality.grouped import worth_in
from hookline_polars import DataDriftMonitor
from kit.tables import with_row_ids

TARGET = Target("y", "regression")


def subjects(groups: int, rows: int, seed: int, moved: float = 0.0) -> pl.DataFrame:
    """Return rows of groups: of the group alone, of the group in part, and of the row alone."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(groups), rows)
    noise = rng.normal(size=(3, len(who)))
    return pl.DataFrame(
        {
            "who": [f"{seed}-{one}" for one in who],
            "shared": rng.normal(size=groups)[who] + moved,
            "between": rng.normal(size=groups)[who] + noise[0],
            "own": noise[1],
            "city": rng.choice(list("abcd"), groups)[who],
            "y": rng.normal(size=groups)[who] + noise[2],
        }
    )


def test_a_row_is_worth_what_the_design_effect_says() -> None:
    # Of equal groups it is 1 + (rows - 1) r, where r is the correlation of the rows of one group (Kish, 1965).
    frame = subjects(2_000, 10, 0).lazy()
    assert worth_in(frame, "shared", "who") == pytest.approx(1 / 10, rel=0.02)
    assert worth_in(frame, "city", "who") == pytest.approx(1 / 10, rel=0.02)
    assert worth_in(frame, "own", "who") == pytest.approx(1, rel=0.05)
    # Of whether each of two normal numbers that correlate by 1/2 is below the median, the correlation is 2 asin(1/2) / pi.
    assert worth_in(frame, "between", "who") == pytest.approx(1 / (1 + 9 * 0.31), rel=0.1)


def test_rows_of_no_group_stand_alone_and_one_group_is_one_row() -> None:
    frame = subjects(200, 5, 0)
    assert worth_in(frame.with_columns(who=pl.lit(None, pl.String)).lazy(), "shared", "who") == 1
    assert worth_in(frame.with_columns(who=pl.lit("all")).lazy(), "shared", "who") == pytest.approx(1 / 1_000)
    assert worth_in(frame.with_columns(who=pl.int_range(pl.len())).lazy(), "shared", "who") == 1


def test_values_that_whole_groups_lack_are_worth_less_than_those_that_rows_lack() -> None:
    frame = subjects(400, 5, 0)
    by_group = pl.when(pl.col("who").hash(0) % 3 > 0).then("own")
    by_row = pl.when(pl.int_range(pl.len()).hash(0) % 3 > 0).then("own")
    assert worth_in(frame.with_columns(own=by_group).lazy(), "own", "who") == pytest.approx(1 / 5, rel=0.05)
    assert worth_in(frame.with_columns(own=by_row).lazy(), "own", "who") > 0.8


def divided(frame: pl.DataFrame, roles: Roles, seed: int, folder: Path) -> Split:
    folder.mkdir()
    method, counts = prepare(Dataset(with_row_ids(frame), roles), SplitOptions(method="group"), seed, folder)
    return read_split(folder, SplitFacts("data", method, counts), roles)


def alarms(split: Split, roles: Roles) -> list[str]:
    """Return what is called moved in held-out rows by the audit, and by the monitor with the rows and with the profile."""
    labels = [part.frame.select("y").collect()["y"] for part in (split.train, split.test)]
    held = profile(split.train.frame, [*split.train.feature_columns(), "y"], group=roles.group)
    reports = [audit(split, TARGET, labels)]
    reports += [
        DataDriftMonitor().check(split.test, Reference(held, rows, target=TARGET)) for rows in (split.train, None)
    ]
    return [finding.subject for report in reports for finding in report.findings]


def test_groups_raise_few_false_alarms_in_repeated_draws(tmp_path: Path) -> None:
    roles = Roles(target="y", group="who")
    found, blind = [], []
    for seed in range(40):
        split = divided(subjects(40, 15, seed), roles, seed, tmp_path / str(seed))
        found.append(alarms(split, roles))
        if seed < 5:
            untold = Roles(target="y", ignore=("who",))
            parts = (Dataset(part.frame.drop("who"), untold) for part in (split.train, split.test))
            train, test = parts
            blind.append(alarms(Split(train, None, test, "random"), untold))
    assert sum(map(bool, found)) <= 40 * 0.15
    assert np.mean([len(one) for one in blind]) > 2


def test_groups_that_have_moved_are_found() -> None:
    before, now = subjects(150, 10, 0), subjects(150, 10, 1, moved=1.5)
    held = profile(before.lazy(), before.columns[1:], group="who")
    current = Dataset(now.lazy(), Roles(target="y", group="who"))
    findings = DataDriftMonitor().check(current, Reference(held, target=TARGET)).findings
    assert [finding.subject for finding in findings] == ["shared"]


def test_what_a_row_is_worth_travels_with_the_package() -> None:
    run = hl.run(
        source=subjects(40, 15, 0),
        roles={"target": "y", "group": "who"},
        trainer="ridge",
        packager=["skops"],
    )
    later = subjects(40, 15, 1)
    assert [f.message for f in hl.monitor(run.package(), later)["data_drift"].findings] == []
    (note,) = hl.monitor(run.package(), later.drop("who"))["data_drift"].findings
    assert (note.subject, note.severity) == ("who", "info")
    assert "'who' is not among the current columns" in note.message
    answers = hl.monitor(run.package(), later, "prediction_drift")["prediction_drift"]
    assert answers.findings == ()
