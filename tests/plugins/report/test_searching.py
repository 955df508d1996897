"""What a sweep searched, drawn: axes, ends and the front, and the page that a command writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline_report.pages.board import write_board
from hookline_report.pages.labels import told_apart
from hookline_report.pages.searching import front_chart, parallel_chart, short_names
from kit.browser import PHONE, asked
from kit.command_line import Told

LABELS = """(document) => {
  const overlapping = [];
  for (const chart of document.querySelectorAll("[data-chart]")) {
    const words = [...chart.querySelectorAll("text")].filter((one) => one.textContent && !one.closest("[aria-hidden=true]"));
    const boxes = words.map((one) => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
    const meet = (one, two) => one.left + 1 < two.right && one.top + 3 < two.bottom;
    for (const [told, one] of boxes) for (const [other, two] of boxes)
      if (told < other && meet(one, two) && meet(two, one)) overlapping.push([chart.dataset.chart, told, other]);
  }
  const bars = document.querySelector("[data-chart=importance]");
  const edge = bars.querySelector("svg").getBoundingClientRect().right;
  const last = Math.max(...[...bars.querySelectorAll("text")].map((one) => one.getBoundingClientRect().bottom));
  return {
    overlapping,
    drawn: document.querySelectorAll("[data-chart] svg").length,
    room: edge - Math.max(...[...bars.querySelectorAll("text")].map((one) => one.getBoundingClientRect().right)),
    empty: bars.getBoundingClientRect().bottom - last,
    sideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  };
}"""

ROWS: list[dict[str, Any]] = [
    {"rank": 1, "trainer": "forest", "trainer.depth": 8, "accuracy": 0.9, "log_loss": 0.3, "front": True},
    {"rank": 2, "trainer": "forest", "trainer.depth": 2, "accuracy": 0.8, "log_loss": 0.2, "front": True},
    {"rank": 3, "trainer": "ridge", "trainer.depth": None, "accuracy": 0.7, "log_loss": 0.4, "front": False},
]
FACTS: dict[str, Any] = {"metric": "accuracy", "varied": ["trainer", "trainer.depth"], "others": ["log_loss"]}


def test_a_line_goes_through_what_was_chosen_and_what_came_of_it() -> None:
    made = parallel_chart(FACTS, ROWS)
    assert made is not None
    paths, *texts = made["spec"]["layer"]
    found = {(one["trial"], one["axis"]): one["at"] for one in paths["data"]["values"]}
    assert [found[2, axis] for axis in ("0 trainer", "1 depth")] == [0, 0]
    assert found[1, "2 Accuracy"] == 1
    # A field that a trial had not has no place on its axis.
    assert (3, "1 depth") not in found
    told = [(one["axis"], one["told"], one["at"]) for layer in texts[1::2] for one in layer["data"]["values"]]
    assert told[:3] == [("0 trainer", "trainer", 0), ("1 depth", "depth", 0), ("2 Accuracy", "Accuracy", 0)]
    assert {one[1:] for one in told[3:]} == {("forest", 0), ("2", 0), ("0.7", 0), ("ridge", 1), ("8", 1), ("0.9", 1)}
    # The best lies above the others.
    assert paths["data"]["values"][-1]["trial"] == 1


def test_an_axis_over_two_orders_of_magnitude_goes_by_powers() -> None:
    rows = [row | {"rate": rate} for row, rate in zip(ROWS, (0.001, 0.01, 0.1), strict=True)]
    made = parallel_chart({**FACTS, "varied": ["trainer", "rate"]}, rows)
    assert made is not None
    found = {(one["trial"], one["axis"]): one["at"] for one in made["spec"]["layer"][0]["data"]["values"]}
    assert [found[trial, "1 rate"] for trial in (1, 2, 3)] == pytest.approx([0, 0.5, 1])


def test_names_of_one_end_are_told_whole() -> None:
    assert short_names(["trainer.seed", "featurizer.tabular.seed", "trainer.depth"]) == {
        "trainer.seed": "trainer.seed",
        "featurizer.tabular.seed": "featurizer.tabular.seed",
        "trainer.depth": "depth",
    }


def test_a_label_gives_way_to_a_shorter_one_and_to_none() -> None:
    points = [(0.0, 1.0), (0.0, 1.0), (10.0, 0.0), (10.0, 1.0)]
    texts = [
        ("1: deep forest", "1"),
        ("2: shallow forest", "2"),
        ("3: ridge", "3"),
        ("4: as long as the picture is wide", "4"),
    ]
    assert told_apart(points, texts, (200.0, 200.0), [1, 1, -1, -1]) == ["1: deep forest", "", "3: ridge", "4"]
    assert told_apart([], [], (200.0, 200.0), []) == []


def test_no_label_of_the_page_is_cut_or_lies_on_another_and_bars_leave_no_room_below(tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    write_board(many(), page)
    for width in (PHONE, 1280):
        folder = tmp_path / str(width)
        folder.mkdir()
        found = asked(page, LABELS, folder, width)
        assert found["drawn"] == 5
        assert found["overlapping"] == []
        assert found["empty"] < 30
        assert found["room"] >= 0
        assert found["sideways"] is False


def many() -> dict[str, Any]:
    """Return the facts of a sweep of 40 trials, of which many are as good, and as quick, as others."""
    rng = np.random.default_rng(4)
    tried = {
        "trainer": rng.choice(["mlp", "ft_transformer", "hist_gradient_boosting"], 40).tolist(),
        "trainer.learning_rate": (10.0 ** rng.uniform(-4, -1, 40)).tolist(),
        "featurizer.tabular.numeric": rng.choice(["standard", "min_max", "robust", "none"], 40).tolist(),
    }
    scores, seconds = np.sort(rng.normal(0.95, 0.01, 40))[::-1].tolist(), rng.uniform(3, 9, 40).round().tolist()
    ended = {"jobs": 1, "peak_memory_mib": 300.0, "status": "finished", "error": "", "pruned_at": None, "path": None}
    rows = [
        {key: values[place] for key, values in tried.items()}
        | {
            "rank": place + 1,
            "trial": place,
            "accuracy": scores[place],
            "seconds": seconds[place],
            "front": place % 3 == 0,
        }
        | ended
        for place in range(40)
    ]
    shares = [["trainer.learning_rate", 0.998], ["trainer", 0.0012], ["featurizer.tabular.numeric", 0.0008]]
    points = [[step, 1 / step] for step in range(1, 9)]
    curve = {"status": "finished", "name": "loss", "greater_is_better": False, "points": points}
    return {
        "sweep": "20261129-101010-abc123",
        "metric": "accuracy",
        "others": ["seconds"],
        "varied": [*tried],
        "rows": rows,
        "importances": {"method": "a forest", "foreseen": 0.6, "of": shares},
        "curves": [{"rank": rank, **curve} for rank in (1, 2)],
    }


def test_one_key_has_no_lines_and_no_other_metric_no_front() -> None:
    assert parallel_chart({**FACTS, "varied": ["trainer"]}, ROWS) is None
    assert front_chart({**FACTS, "others": []}, ROWS) is None
    made = front_chart(FACTS, ROWS)
    assert made is not None
    assert [one["front"] for one in made["spec"]["data"]["values"]] == [True, True, False]
    json.dumps(made)


def test_the_page_is_written_where_it_is_asked_for(hookline: Told, tmp_path: Path) -> None:
    quick = ("source=iris", "trainer=decision_tree", "packager=[]", "monitor=[]", "hydra.launcher.n_jobs=1")
    varied = ("trainer.max_depth=1,2", "trainer.min_samples_leaf=1,9")
    assert hookline("-m", *quick, *varied)[0] == 0
    page = tmp_path / "board.html"
    code, out, _ = hookline("sweeps", "show", "last", "--front", "log_loss,seconds", "--html", str(page))
    assert (code, out.strip()) == (0, str(page))
    text = page.read_text("utf-8")
    assert "What was tried" in text
    assert "What nothing beats in all" in text
    code, _, err = hookline("sweeps", "show", "last", "--html", str(tmp_path / "no" / "board.html"))
    assert code == 2
    assert "there is no folder" in err
