"""What a sweep searched, drawn: axes, ends and the front, and the page that a command writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hookline_report.pages.searching import front_chart, parallel_chart
from kit.command_line import Told

ROWS: list[dict[str, Any]] = [
    {"rank": 1, "trainer": "forest", "trainer.depth": 8, "accuracy": 0.9, "log_loss": 0.3, "front": True},
    {"rank": 2, "trainer": "forest", "trainer.depth": 2, "accuracy": 0.8, "log_loss": 0.2, "front": True},
    {"rank": 3, "trainer": "ridge", "trainer.depth": None, "accuracy": 0.7, "log_loss": 0.4, "front": False},
]
FACTS: dict[str, Any] = {"metric": "accuracy", "varied": ["trainer", "trainer.depth"], "others": ["log_loss"]}


def test_a_line_goes_through_what_was_chosen_and_what_came_of_it() -> None:
    made = parallel_chart(FACTS, ROWS)
    assert made is not None
    paths, upper, lower = made["spec"]["layer"]
    found = {(one["trial"], one["axis"]): one["at"] for one in paths["data"]["values"]}
    assert [found[2, axis] for axis in ("0 trainer", "1 depth")] == [0, 0]
    assert found[1, "2 Accuracy"] == 1
    # A field that a trial had not has no place on its axis.
    assert (3, "1 depth") not in found
    assert {one["told"] for one in upper["data"]["values"]} == {"ridge", "8", "0.9"}
    assert {one["told"] for one in lower["data"]["values"]} == {"forest", "2", "0.7"}


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
