"""How often rows that come in groups raise a false alarm, by the audit of a split and by drift, and how often drift is found."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from hookline import Dataset, Reference, Report, Roles, Split, Target
from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.kinds.artifacts import ROW_ID
from hookline.quality.audit import audit
from hookline.quality.distributions import profile
from hookline_polars import DataDriftMonitor

TARGET = Target("y", "regression")


def subjects(groups: int, rows: int, seed: int, moved: float = 0.0) -> pl.DataFrame:
    """Return about `rows` rows of each of some groups: values of the group, of the row, and in between.

    moved: how far `own`, `shared` and `between` lie from where they are, in standard deviations
    """
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(groups), rng.integers(rows // 2, rows * 3 // 2 + 1, groups))
    level = rng.normal(size=(3, groups))[:, who]
    noise = rng.normal(size=(3, len(who)))
    columns = {
        "subject": [f"g{seed}-{one}" for one in who],
        "shared": level[0] + moved,
        "between": 0.7 * level[1] + 0.7 * noise[0] + moved,
        "own": noise[1] + moved,
        "city": rng.choice(list("abcde"), groups)[who],
        "device": np.where(
            rng.random(len(who)) < 0.2, rng.choice(list("abc"), len(who)), rng.choice(list("abc"), groups)[who]
        ),
        "asked": np.where((rng.random(groups) < 0.3)[who], np.nan, noise[2]),
        "y": level[2] + noise[2],
    }
    return pl.DataFrame(columns, nan_to_null=True)


def split_of(frame: pl.DataFrame, roles: Roles, seed: int) -> Split:
    """Return the rows divided by group, whatever the roles say of it."""
    with tempfile.TemporaryDirectory() as folder:
        rows = frame.with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64)).lazy()
        by_group = Dataset(rows, Roles(target="y", group="subject"))
        method, counts = prepare(by_group, SplitOptions(method="group"), seed, Path(folder))
        split = read_split(Path(folder), SplitFacts("data", method, counts), roles)
        parts = {
            name: Dataset(part.frame.collect().lazy(), roles)
            for name in ("train", "test")
            for part in [getattr(split, name)]
        }
    return Split(parts["train"], None, parts["test"], method=method)


def audited(split: Split) -> Report:
    """Return what the audit says of a split."""
    labels = [part.frame.select("y").collect()["y"] for part in (split.train, split.test)]
    return audit(split, TARGET, labels)


def watched(train: Dataset, current: Dataset, *, rows: bool) -> Report:
    """Return what the drift monitor says, with the training rows at hand or by their profile alone."""
    names = [*train.feature_columns(), "y"]
    held = profile(train.frame, names, group=train.roles.group)
    return DataDriftMonitor().check(current, Reference(held, train if rows else None, target=TARGET))


def alarms(groups: int, rows: int, seed: int, roles: Roles, moved: float = 0.0) -> dict[str, list[str]]:
    """Return the columns that are called moved by each of those that look, of one draw."""
    split = split_of(subjects(groups, rows, seed), roles, seed)
    later = Dataset(subjects(groups, rows, seed + 10_000, moved).lazy(), roles)
    reports = {
        "audit": audited(split),
        "monitor in the run": watched(split.train, split.test, rows=True),
        "monitor, later rows": watched(split.train, later, rows=False),
    }
    return {name: [f.subject for f in report.findings if f.severity != "info"] for name, report in reports.items()}


def shares(draws: int, groups: int, rows: int, moved: float = 0.0) -> Iterator[dict[str, object]]:
    """Yield in what share of draws each looked at finds anything, with and without the group role."""
    for told in (True, False):
        roles = Roles(target="y", group="subject") if told else Roles(target="y", ignore=("subject",))
        found = [alarms(groups, rows, seed, roles, moved) for seed in range(draws)]
        for name in found[0]:
            yield {
                "groups": groups,
                "rows_a_group": rows,
                "moved": moved,
                "group_role": told,
                "by": name,
                "draws_with_findings": sum(bool(one[name]) for one in found) / draws,
                "findings_a_draw": sum(len(one[name]) for one in found) / draws,
            }


def main() -> None:
    """Print one line of JSON a row of the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=40)
    draws = options.parse_args().draws
    for groups, rows, moved in ((12, 40, 0.0), (30, 40, 0.0), (100, 20, 0.0), (300, 5, 0.0), (100, 20, 1.0)):
        for row in shares(draws, groups, rows, moved):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
