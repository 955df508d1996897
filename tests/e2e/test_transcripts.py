"""What pages show of commands is what the commands print; WRITE_DOCS=1 writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from kit.places import ROOT
from kit.transcripts import BLOCK, Step, ids_between, missing, printed, rewritten, same, steps_of, with_ids

PAGES = ("README.md", "docs/config.md")
CHOOSING = ROOT / "docs" / "choosing-a-model.md"
TABLE = "customers.csv target=churned id=customer name=customers"
MODEL = f"hookline {TABLE} trainer=logistic_regression featurizer.tabular.missing=zero"
LEARNER = f"hookline {TABLE} trainer=sgd_classifier featurizer.tabular.missing=zero 'packager=[skops]'"
PREPARED: Mapping[str, tuple[str, ...]] = {
    "docs/getting-started.md": (),
    "docs/contract.md": (MODEL,),
    "docs/features.md": (MODEL, f"{MODEL} featurizer.tabular.numeric=min_max 'ignore=[plan]'"),
    "docs/cleaning.md": (),
    "docs/data.md": (
        "hookline customers.csv target=churned id=customer trainer=decision_tree",
        "hookline new/customers.csv target=churned id=customer trainer=decision_tree",
        "mkdir inbox && head -n 401 customers.csv > inbox/monday.csv",
    ),
    "docs/sweeps.md": (),
    "docs/command-line.md": (
        "hookline run 'packager=[]' '~deployer'",
        f"{LEARNER} seed=0",
        f"{LEARNER} seed=1",
        "mkdir inbox && head -n 401 customers.csv > inbox/monday.csv",
    ),
}
"""Further pages -> what makes the models that their commands go by, where they do not make these themselves."""


ELSEWHERE: Mapping[str, str] = {
    "Python API": "the import alone",
    "hl.sweep": "starts workers, as tests of sweeps do",
    "hl.load": "names packages that build types of a team's own",
    "hl.deploy": "tests of deploying walk through it",
    "hl.monitor": "names a monitor of one's own",
    "hl.predict": "names a Ray cluster",
    "hl.update_from": "takes a broker, as tests of events do",
    "hl.answer_from": "takes two topics of a broker",
    "hl.monitor_from": "takes a broker",
    "hl.predictions, hl.label, hl.labels, hl.scored": "takes a log of a model that was served",
}
"""Sections of the Python page whose blocks do not run here -> why."""
BEFORE: Mapping[str, str] = {
    "hl.register": "hl.run(source='customers.csv', target='churned', id='customer', name='customers', trainer='sgd_classifier', "
    "evaluator=[], packager=['skops'], transform=['impute'], seed=2)",
    "hl.why": "hl.run(source='raw.csv', target='churned', id='customer', transform=['dedupe'], trainer='decision_tree')",
    "hl.evaluate": """
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

X, y = load_breast_cancer(return_X_y=True)
model, X_test, y_test = DecisionTreeClassifier(max_depth=3).fit(X[:400], y[:400]), X[400:], y[400:]
""",
}
"""Section -> what its blocks go by."""


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


def untidy(tidy: pl.DataFrame) -> pl.DataFrame:
    """Return the table as it may come: some rows twice, bills that were taken back, and whether someone asked to leave."""
    again = tidy.sample(20, seed=0).with_columns(customer=pl.format("R{}", pl.int_range(pl.len())))
    asked = pl.when(pl.col("churned") == "yes").then(pl.lit("letter")).otherwise(pl.lit("none"))
    place = pl.int_range(pl.len())
    return pl.concat([tidy, again]).with_columns(
        bill=pl.when(place % 60 == 7).then(-pl.col("bill")).otherwise("bill"), notice=asked
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
    untidy(customers(600, 0)).write_csv(folder / "raw.csv")
    (folder / "new").mkdir()
    moved = pl.when(pl.int_range(pl.len()) % 4 == 0).then(pl.lit("gold")).otherwise("plan")
    later = customers(500, 2).with_columns(plan=moved, months=pl.col("months") + 6, region=pl.lit("north"))
    later.write_csv(folder / "new" / "customers.csv")
    customers(400, 3).write_csv(folder / "labeled.csv")
    fresh = customers(300, 1).drop("churned").with_row_index("row")
    gold = pl.when(pl.col("row") == 2).then(pl.lit("gold")).otherwise("plan")
    fresh.with_columns(plan=gold, bill=(pl.col("bill") * 1.3).round(2)).drop("row").write_csv(folder / "new.csv")
    return folder


@pytest.fixture
def census(tmp_path: Path, shared_data: Path) -> Path:
    """Return a folder with Adult under its header, and the files that the page on choosing a model shows."""
    folder = tmp_path / "shop"
    (folder / "experiment").mkdir(parents=True)
    text = CHOOSING.read_text("utf-8")
    header = ",".join(re.findall(r"^\$ header=(?:\$header,)?(.*)$", text, re.MULTILINE))
    for part in ("train", "test"):
        rows = (shared_data / f"adult-{part}.csv").read_text("utf-8")
        (folder / f"adult-{part}.csv").write_text(f"{header}\n{rows}")
    return folder


@pytest.mark.long
def test_choosing_a_model_shows_what_its_commands_print(census: Path) -> None:
    text = CHOOSING.read_text("utf-8")
    if os.environ.get("WRITE_DOCS"):
        CHOOSING.write_text("".join(rewritten(part, census) for part in _parts_with_files(text, census)), "utf-8")
        return
    for part in _parts_with_files(text, census):
        _require_what_is_shown(part, CHOOSING.name, census)


def _parts_with_files(text: str, folder: Path) -> Iterator[str]:
    """Yield a page up to each file that it shows, and write that file before what follows it."""
    for part in re.split(r"(?=^```yaml\n)", text, flags=re.MULTILINE):
        for said in re.findall(r"```yaml\n(.*?)```", part, re.DOTALL):
            (folder / re.findall(r"^# (experiment/\S+)$", said, re.MULTILINE)[0]).write_text(said)
        yield part


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
    assert BLOCK.search(text)
    _require_what_is_shown(text, page, shop)


def _require_what_is_shown(text: str, page: str, shop: Path) -> None:
    ids: dict[str, str] = {}
    blocks = BLOCK.findall(text)
    for step in (step for _, block in blocks for step in steps_of(dedent(block))):
        lines = printed(with_ids(step.command, ids), shop)
        ids |= ids_between(step, lines)
        assert not (lost := missing(step, lines)), f"{page}: $ {step.command}\n" + "\n".join(
            ["lost:", *lost, "printed:", *lines]
        )


@pytest.mark.long
def test_the_python_page_runs_in_one_session(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("HOOKLINE_HOME", str(shop / ".hookline"))
    (shop / "inbox").mkdir()
    clicks = pl.DataFrame({"seconds": range(300), "bought": ["yes", "no", "no"] * 100})
    clicks.write_csv(shop / "inbox" / "monday.csv")
    customers(812, 4).write_parquet(shop / "labeled-yesterday.parquet")
    kept: dict[str, Any] = {"evaluator": [], "packager": ["skops"], "deployer": "local", "transform": ["impute"]}
    table = {"target": "churned", "id": "customer", "name": "customers"}
    hl.run(source="customers.csv", trainer="sgd_classifier", **table, **kept)
    for seed in (5, 6, 7):
        hl.update("customers", customers(100, seed))
    session: dict[str, Any] = {"hl": hl, "Path": Path}
    text, ran = (ROOT / "docs" / "python-api.md").read_text("utf-8"), []
    for title, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
        if title in ELSEWHERE:
            continue
        exec(BEFORE.get(title, ""), session)
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)):
            # The source of a component that a block defines is part of what its runs are known by, and stands in a file.
            file = shop / f"{title.replace(' ', '_')}_{number}.py"
            file.write_text(block)
            exec(compile(block, str(file), "exec"), session)
            ran.append(title)
    assert set(BEFORE) <= set(ran)
    assert session["update"].rows == 812
    assert session["trace"].verdict == "row R3 (position 603) was dropped by transform.dedupe: it repeats row C0009"


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
