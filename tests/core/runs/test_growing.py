"""Whether more rows would help: fits to shares of the training rows, judged by the run's own held-out rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier

import hookline as hl
from hookline import Dataset, Metric, Roles
from hookline.errors import ConfigError
from hookline.kinds.artifacts import ROW_ID
from hookline.runs.growing.drawing import order_of
from hookline.runs.growing.telling import Fit, report_of
from kit.command_line import Told


def rows(count: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count), "c": rng.normal(size=count)})
    return frame.with_columns(y=pl.when(pl.col("a") * pl.col("b") > 0.3).then(pl.lit("yes")).otherwise(pl.lit("no")))


def run(**config: Any) -> hl.Run:
    given = {
        "packager": [],
        "deployer": None,
        "monitor": [],
        "trainer": "decision_tree",
        "evaluator": ["standard"],
        **config,
    }
    return hl.run(source=rows(), target="y", **given)


def curve_of(made: hl.Run) -> dict[str, Any]:
    return next(report for report in made.evidence["reports"] if report["kind"] == "learning_curve")


def test_the_whole_share_is_the_runs_own_model_and_parts_are_the_librarys() -> None:
    made = run(learning_curve={"shares": [0.25, 1], "repeats": 3})
    (table,) = curve_of(made)["tables"]
    assert [row[:2] for row in table["rows"]] == [[70, 3], [280, 1]]
    assert table["rows"][1][2] == made.metrics["accuracy"]
    execution = made.execution
    assert execution is not None
    split = execution.value("split")
    train, test = (part.frame.collect() for part in (split.train, split.test))
    scores = []
    for repeat in range(3):
        part = train[sorted(order_of(split.train, 0, repeat)[:70].tolist())]
        alone = DecisionTreeClassifier(random_state=0).fit(part.select("a", "b", "c").to_numpy(), part["y"].to_numpy())
        scores.append(accuracy_score(test["y"].to_numpy(), alone.predict(test.select("a", "b", "c").to_numpy())))
    assert table["rows"][0][2] == pytest.approx(np.mean(scores), abs=0.02)


def test_a_larger_share_holds_the_smaller_and_keeps_the_classes() -> None:
    train = Dataset(rows(200).with_row_index(ROW_ID).lazy(), Roles(target="y"))
    order, labels = order_of(train, 0, 1), rows(200)["y"].to_numpy()
    assert sorted(order.tolist()) == list(range(200))
    shares = [float((labels[order[:count]] == "yes").mean()) for count in (20, 100, 200)]
    assert max(shares) - min(shares) < 0.06
    assert order_of(train, 0, 2).tolist() != order.tolist()


def test_groups_come_whole() -> None:
    frame = rows(200).with_columns(g=pl.int_range(200) % 20).with_row_index(ROW_ID)
    order = order_of(Dataset(frame.lazy(), Roles(target="y", group="g")), 0, 0)
    groups = frame["g"].to_numpy()[order[:50]]
    assert len(set(groups.tolist())) == 5


def fits(later: float, earlier: tuple[float, ...]) -> list[Fit]:
    first = [Fit(50, place, Metric("accuracy", value), 1.0) for place, value in enumerate(earlier)]
    return [*first, Fit(100, 0, Metric("accuracy", later), 1.0)]


@pytest.mark.parametrize(
    ("later", "earlier", "said"),
    [
        (0.9, (0.8, 0.81, 0.79), "More rows would help: from 50 to 100 training rows accuracy goes from 0.8 to 0.9"),
        (0.8, (0.8, 0.81, 0.79), "More rows like these are not shown to help"),
        (0.9, (0.8, 0.81), "It is not told whether more rows would help"),
    ],
)
def test_it_is_said_in_words(later: float, earlier: tuple[float, ...], said: str) -> None:
    made = report_of(fits(later, earlier), len(earlier) + 1)
    assert made.findings[0].message.startswith(said)
    assert "The time was over" not in made.findings[0].message
    assert "The time was over after 4 of 9 fits" in report_of(fits(0.9, (0.8, 0.8, 0.8)), 9).findings[0].message


def test_the_gain_is_that_of_each_draw_over_its_own_smaller_part() -> None:
    pairs = [(0.7, 0.75), (0.8, 0.85), (0.9, 0.95)]
    drawn = [
        Fit(size, repeat, Metric("accuracy", value), 1.0)
        for repeat, pair in enumerate(pairs)
        for size, value in zip((50, 100), pair, strict=True)
    ]
    message = report_of(drawn, 6).findings[0].message
    # Each draw gains as much, so that how far the draws lie apart is nothing to it.
    assert message.endswith("a gain of 0.05 [0.05, 0.05] over 3 draws.")
    alone = report_of(fits(0.9, (0.8, 0.81, 0.79)), 4).findings[0].message
    assert alone.endswith("over 3 draws, which leaves out how one fit to 100 rows varies.")


def test_time_and_rows_are_bounded() -> None:
    made = run(learning_curve={"shares": [0.5, 1], "rows": 100, "seconds": 1e-9})
    (table,) = curve_of(made)["tables"]
    assert [row[:2] for row in table["rows"]] == [[50, 1]]
    assert "1 of 6 fits" in curve_of(made)["findings"][0]["message"]


def test_the_report_draws_it(tmp_path: Path) -> None:
    made = hl.run(
        "source=iris",
        "trainer=decision_tree",
        "packager=[]",
        "~deployer",
        "monitor=[]",
        "learning_curve.shares=[0.5,1]",
    )
    page = made.report.read_text("utf-8")
    assert "Would more rows help?" in page
    assert "against training rows" in page


def test_a_share_above_one_and_a_typo_are_refused(hookline: Told) -> None:
    with pytest.raises(ConfigError, match=r"learning_curve\.shares\.0: must be at most 1|less than or equal to 1"):
        hl.plan("source=iris", learning_curve={"shares": [1.5]})
    code, _, err = hookline("plan", "source=iris", "learning_curve.share=[1]")
    assert code == 2
    assert "did you mean" in err
    assert "shares" in err
