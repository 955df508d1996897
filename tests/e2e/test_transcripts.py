"""What pages show of commands is what the commands print; WRITE_DOCS=1 writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kit.places import ROOT
from kit.transcripts import BLOCK, Step, missing, printed, rewritten, same, steps_of

PAGES = ("README.md", "docs/config.md")
TABLE = "customers.csv target=churned id=customer name=customers"
MODEL = f"hookline {TABLE} trainer=logistic_regression featurizer.tabular.missing=zero"
PREPARED: Mapping[str, tuple[str, ...]] = {
    "docs/getting-started.md": (),
    "docs/contract.md": (MODEL,),
    "docs/features.md": (MODEL, f"{MODEL} featurizer.tabular.numeric=min_max 'ignore=[plan]'"),
}
"""Further pages -> what makes the models that their commands go by, where they do not make these themselves."""


def customers(rows: int, seed: int) -> pl.DataFrame:
    """Return the table that the pages speak of: who leaves, by how often they called and for how long they stayed."""
    rng = np.random.default_rng(seed)
    months, calls = rng.integers(1, 61, rows), rng.poisson(2, rows)
    leaves = calls - months / 20 + rng.normal(0, 1, rows) > 0.6
    bill = np.round(rng.normal(45, 15, rows).clip(9), 2)
    return pl.DataFrame(
        {
            "customer": [f"C{seed * 600 + i:04d}" for i in range(rows)],
            "plan": rng.choice(["basic", "plus", "pro"], rows),
            "months": months,
            "support_calls": calls,
            "bill": pl.Series(
                [None if gap else value for gap, value in zip(rng.random(rows) < 0.05, bill, strict=True)]
            ),
            "churned": np.where(leaves, "yes", "no"),
        }
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with the README's plugin, and the tables: customers, and new ones with higher bills, one of a new plan."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, block in (("my_components.py", "python"), ("pyproject.toml", "toml")):
        (folder / name).write_text(
            re.findall(rf"```{block}\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[0]
        )
    customers(600, 0).write_csv(folder / "customers.csv")
    fresh = customers(300, 1).drop("churned").with_row_index("row")
    gold = pl.when(pl.col("row") == 2).then(pl.lit("gold")).otherwise("plan")
    fresh.with_columns(plan=gold, bill=(pl.col("bill") * 1.3).round(2)).drop("row").write_csv(folder / "new.csv")
    return folder


@pytest.mark.parametrize("page", [*PAGES, *(pytest.param(page, marks=pytest.mark.long) for page in PREPARED)])
def test_a_page_shows_what_its_commands_print(page: str, shop: Path) -> None:
    text = (ROOT / page).read_text("utf-8")
    for said in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[:1] if page in PREPARED else ():
        (shop / "short.yaml").write_text(said)
    for command in PREPARED.get(page, ()):
        printed(command, shop)
    if os.environ.get("WRITE_DOCS"):
        (ROOT / page).write_text(rewritten(text, shop), "utf-8")
        return
    blocks = BLOCK.findall(text)
    assert blocks
    for step in (step for block in blocks for step in steps_of(block)):
        lines = printed(step.command, shop)
        assert not (lost := missing(step, lines)), f"{page}: $ {step.command}\n" + "\n".join(
            ["lost:", *lost, "printed:", *lines]
        )


def test_ids_times_and_last_digits_may_differ_and_words_may_not() -> None:
    shown = "✓ run 20261124-173543-20fd20 in 0.96s: accuracy 0.9706, 129 KiB"
    assert same(shown, "✓ run 20270101-000000-aaaaaa in  12.10s: accuracy 0.9712, 9.5 KiB")
    assert not same(shown, shown.replace("0.9706", "0.9106"))
    assert not same(shown, shown.replace("accuracy", "recall"))


def test_a_gap_stands_for_any_lines_and_nothing_else_does() -> None:
    assert missing(Step("", ["a", "...", "c"]), ["a", "b", "b", "c"]) == []
    assert missing(Step("", ["a", "c"]), ["a", "b", "c"]) == ["a", "c"]
    assert missing(Step("", ["a"]), ["a", "b"]) == ["b"]
    assert missing(Step("", ["...", "c", "b"]), ["a", "b", "c"]) == ["c", "b"]
