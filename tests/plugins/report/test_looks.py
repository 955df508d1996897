"""How the pages look: on a phone as on a desk, and what stands where a reader looks for it."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.live.watched import Watched
from hookline.live.watched import render as render_watched
from hookline.quality.distributions import profile
from hookline.registry.registry import load_registry
from hookline_report import register_pages
from hookline_report.charting import LONGEST, charts_of
from hookline_report.glyphs import interval, sparkline
from hookline_report.page import render
from hookline_report.wording import ranked, typed
from hookline_sklearn.evaluators.charts import heatmap
from kit.browser import asked
from kit.processes import run_command, run_python

pytestmark = pytest.mark.usefixtures("at_home")
LONG = "a_rather_long_measurement_name_of_the_sensor_in_the_northern_hall_number"
CLASSES = 12
FITS = """(document) => ({
  page: document.documentElement.scrollWidth,
  sideways: [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.textContent.slice(0, 60)),
  drawn: [...document.querySelectorAll("[data-chart]")].map((one) => one.querySelectorAll("svg").length),
})"""
SEEN = """(document) => {
  const row = (selector, word) => [...document.querySelectorAll(selector)].find((one) => one.textContent.includes(word));
  const within = (one) => { const box = one.getBoundingClientRect(); return box.width > 0 && box.left >= 0 && box.right <= 390; };
  const accuracy = row("#evaluator\\\\.standard tr", "Accuracy");
  return {
    interval: accuracy.cells[2].textContent, metric: [...accuracy.cells].slice(0, 3).map(within),
    plan: [...document.querySelectorAll("#plan tbody tr")]
      .map((one) => [...one.cells].every((cell) => !cell.textContent || within(cell))),
    headline: within(document.querySelector("h1")),
  };
}"""
TALL = """(document) => {
  const table = [...document.querySelectorAll(".tall")].find((one) => one.closest("#monitor\\\\.data_drift"));
  const shown = () => [...table.querySelectorAll("tbody tr")].filter((one) => one.getBoundingClientRect().height > 0);
  const whole = () => shown().every((one) => one.getBoundingClientRect().bottom <= table.getBoundingClientRect().bottom + 1);
  const before = [shown().length, whole()];
  table.nextElementSibling.querySelector("input").click();
  return { before, after: [shown().length, whole()], of: table.querySelectorAll("tbody tr").length };
}"""
DOTS = """async (document, window) => {
  const followed = [];
  window.HTMLAnchorElement.prototype.dispatchEvent = function () { followed.push(this.getAttribute("href")); };
  for (const dot of document.querySelectorAll("#cost .mark-symbol path")) {
    for (const kind of ["mousemove", "click"]) dot.dispatchEvent(new window.MouseEvent(kind, { bubbles: true }));
  }
  await new Promise((done) => setTimeout(done, 500));
  return { followed, labels: [...document.querySelectorAll("#cost .mark-text.role-mark text")].map((one) => one.textContent) };
}"""


def rows(count: int) -> pl.DataFrame:
    numbers = [(i * 7919) % 1000 / 100 for i in range(count)]
    return pl.DataFrame(
        {f"{LONG}_{i:02d}": [value * (1 + i) + i for value in numbers] for i in range(20)}
        | {"floors": [i % 4 for i in range(count)], "y": [f"class of the kind {i % CLASSES}" for i in range(count)]}
    )


@pytest.fixture(scope="module")
def run(home: Path) -> hl.Run:
    return hl.run(
        source=rows(360),
        target="y",
        trainer="decision_tree",
        packager=["skops"],
        monitor=["data_drift"],
        split={"method": "stratified"},
        home=home,
    )


@pytest.fixture
def evidence(run: hl.Run) -> dict[str, Any]:
    return copy.deepcopy(dict(run.evidence))


@pytest.fixture(scope="module")
def watched(run: hl.Run) -> Watched:
    moved = rows(120).with_columns(pl.col("floors") + 2)
    return hl.monitor(run.path, moved)


@pytest.fixture(scope="module")
def pages(run: hl.Run, watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {name: folder / f"{name}.html" for name in ("leaderboard", "profile", "monitors")}
    write = register_pages()
    write["leaderboard"](board(run), found["leaderboard"])
    hl.profile(rows(360), target="y", html=found["profile"])
    render_watched(load_registry(), watched, found["monitors"])
    return {"report": run.report, **found}


def board(run: hl.Run) -> dict[str, Any]:
    same = {
        "jobs": 3,
        "peak_memory_mib": 200.0,
        "status": "finished",
        "pruned_at": "",
        "error": "",
        "path": str(run.path),
    }
    trials: list[dict[str, Any]] = [
        {"rank": rank, "trial": rank, "trainer": f"{LONG}_{rank}", "trainer.depth": rank, "seconds": 1.0 + rank}
        | {"accuracy": 1 - rank / 20, "accuracy_low": 0.9 - rank / 20, "accuracy_high": 1.1 - rank / 20}
        | same
        for rank in range(1, 6)
    ]
    failed = {**trials[0], "rank": 6, "accuracy": None, "status": "failed", "error": f"#5: {LONG} {LONG}", "path": ""}
    told = {"verdict": "trial 2 may be as good", "register": "hookline models register abc"}
    return told | {
        "sweep": "s",
        "metric": "accuracy",
        "varied": ["trainer", "trainer.depth"],
        "rows": [*trials, failed],
    }


@pytest.mark.parametrize("name", ["report", "leaderboard", "profile", "monitors"])
def test_no_page_scrolls_sideways_on_a_phone(pages: Mapping[str, Path], name: str, tmp_path: Path) -> None:
    told = asked(pages[name], FITS, tmp_path)
    assert told["page"] <= 390
    assert told["sideways"] == []
    assert all(count == 1 for count in told["drawn"])
    assert bool(told["drawn"]) == (name != "profile")


def test_a_phone_shows_accuracy_its_interval_and_the_plan(run: hl.Run, tmp_path: Path) -> None:
    told = asked(run.report, SEEN, tmp_path)
    assert told["headline"]
    assert told["metric"] == [True, True, True]
    assert " to " in told["interval"]
    assert len(told["plan"]) == len(run.evidence["plan"])
    assert all(told["plan"])


def test_a_long_table_shows_whole_rows_and_all_of_them_when_asked(run: hl.Run, tmp_path: Path) -> None:
    told = asked(run.report, TALL, tmp_path, width=1280)
    assert told["before"] == [12, True]
    assert told["after"] == [told["of"], True]
    assert told["of"] > 15


def test_dots_of_a_leaderboard_are_labelled_and_lead_to_reports_that_are_there(
    run: hl.Run, pages: Mapping[str, Path], tmp_path: Path
) -> None:
    found = asked(pages["leaderboard"], DOTS, tmp_path, width=1280)
    assert sorted(label.partition(":")[0] for label in found["labels"]) == ["1", "2", "3", "4", "5"]
    assert [label for label in found["labels"] if label.startswith("1: a_rather_long")]
    assert len(found["followed"]) == 5
    # Where there is no room for more, the rank alone stands at a dot.
    narrow = asked(pages["leaderboard"], DOTS, tmp_path)
    assert sorted(narrow["labels"]) == ["1", "2", "3", "4", "5"]
    for address in found["followed"]:
        assert (pages["leaderboard"].parent / address).resolve() == run.report.resolve()
    text = pages["leaderboard"].read_text("utf-8")
    assert text.count(">report</a>") == 5
    assert "<p>trial 2 may be as good</p>" in text
    assert "<code>hookline models register abc</code>" in text


def test_a_confusion_matrix_stands_there_once(run: hl.Run) -> None:
    text = run.report.read_text("utf-8")
    assert text.count('data-chart="evaluator.standard.confusion_matrix"') == 1
    assert "<h3>Confusion matrix</h3>" not in text
    assert "<h3>Per class</h3>" in text


def test_trainer_baseline_and_training_score_stand_in_the_headline(evidence: dict[str, Any]) -> None:
    assert "<dt>Baseline</dt>" not in render(_without_beside(evidence))
    accuracy = next(metric for metric in _measured(evidence) if metric["name"] == "accuracy")
    accuracy |= {"baseline": 0.0833, "training": 0.987}
    text = render(evidence)
    head = text.partition('id="verdict"')[2].partition("</section>")[0]
    assert "<dt>Trainer</dt><dd>decision_tree</dd>" in head
    assert "<dt>Baseline</dt><dd>0.0833</dd>" in head
    assert "<dt>In training</dt><dd>0.987</dd>" in head
    assert '<th class="n">Baseline</th><th class="n">In training</th>' in text
    assert '<small class="phone">baseline 0.0833, in training 0.987</small>' in text


def test_integers_of_few_values_are_drawn_as_a_bar_a_value() -> None:
    frame = pl.DataFrame({"floors": [0] * 60 + [1] * 30 + [7] * 10, "height": [i / 7 for i in range(100)]})
    floors, height = profile(frame.lazy(), ["floors", "height"]).columns
    drawn = str(sparkline(_plain(floors)))
    assert drawn.count("<rect") == 3
    assert [part.partition('"')[0] for part in drawn.split(' height="')[1:]] == ["28.0", "14.0", "4.7"]
    assert "0 60, 1 30, 7 10" in drawn
    assert "density" in str(sparkline(_plain(height)))


def test_a_table_profile_draws_integers_of_few_values_as_bars(tmp_path: Path) -> None:
    frame = pl.DataFrame({"rooms": [1] * 40 + [2] * 30 + [3] * 20 + [9]})
    hl.profile(frame, html=tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text("utf-8")
    assert "rooms: 1 40, 2 30, 3 20, 9 1" in text


def test_an_interval_is_drawn_of_shares_only() -> None:
    share = {"name": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95, "greater_is_better": True}
    assert 'd="M93.6 6H110.4"' in str(interval(share))
    assert interval(share | {"greater_is_better": False}) == ""
    assert interval(share | {"high": 1.2}) == ""
    assert interval(share | {"low": None}) == ""


def test_long_names_that_begin_alike_are_told_apart_in_the_picture() -> None:
    names = [f"{LONG}_{i}_of_the_hall_where_it_is_cold" for i in range(5)]
    (chart,) = charts_of({"reports": [], "importances": [[name, 1.0] for name in names]})
    drawn = [value["feature"] for value in chart["spec"]["data"]["values"]]
    assert len({*drawn}) == 5
    assert max(map(len, drawn)) <= LONGEST


def test_points_are_told_the_gravest_first_and_what_to_type_stands_out() -> None:
    points = [{"level": "ok", "text": "a"}, {"severity": "critical", "message": "b", "action": "roles.ignore=[b]"}]
    assert [(point["level"], point["text"]) for point in ranked(points)] == [("critical", "b"), ("ok", "a")]
    said = str(typed("<b> must go: roles.ignore=[x, y]. Or `hookline plan`, with p=0.3"))
    assert said == "&lt;b&gt; must go: <code>roles.ignore=[x, y]</code>. Or <code>hookline plan</code>, with p=0.3"


def test_the_same_run_gives_the_same_bytes(run: hl.Run) -> None:
    read = json.loads((run.path / "evidence.json").read_text("utf-8"))
    assert render(read) == run.report.read_text("utf-8")


def test_a_first_report_bundles_nothing(run: hl.Run, tmp_path: Path) -> None:
    run_command([sys.executable, "-m", "hookline_report.vega"], check=True)
    code = """
import json, os, sys
from pathlib import Path
os.environ["XDG_CACHE_HOME"] = sys.argv[2]
from hookline_report import register_pages
register_pages()["report"](json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]) / "report.html")
print("vl_convert" in sys.modules)
"""
    assert run_python(code, run.path / "evidence.json", tmp_path).stdout.strip() == "False"
    assert (tmp_path / "report.html").read_bytes() == run.report.read_bytes()


def test_a_notebook_shows_a_run_with_charts_intervals_and_a_link(run: hl.Run, tmp_path: Path) -> None:
    shown = run._repr_html_()
    assert "<script" not in shown
    assert shown.count("<figure>") >= 4
    assert shown.count("<svg") > shown.count("<figure>")
    assert f"<code>{run.report}</code>" in shown
    assert " to " in shown
    page = tmp_path / "cell.html"
    page.write_text(f'<meta charset="utf-8"><body style="margin:0">{shown}', "utf-8")
    assert asked(page, "(document) => document.documentElement.scrollWidth", tmp_path) <= 390


def test_a_notebook_shows_monitors_a_sweep_a_profile_and_a_comparison(
    run: hl.Run, watched: Watched, home: Path, tmp_path: Path
) -> None:
    from hookline.sweeps.leaderboard import Leaderboard

    assert "<figure>" in watched._repr_html_()
    facts = board(run)
    sweep = Leaderboard("s", "accuracy", ("trainer",), tuple(facts["rows"]))._repr_html_()
    assert "<figure>" in sweep
    assert 'report.html" target="_blank">report</a>' in sweep
    assert 'class="spark' in hl.profile(rows(100), target="y")._repr_html_()
    other = hl.run(
        source=rows(360),
        target="y",
        trainer="logistic_regression",
        packager=["skops"],
        split={"method": "stratified"},
        home=home,
    )
    compared = hl.compare(run, other)._repr_html_()
    assert 'class="interval"' in compared
    assert "hookline-cell" in compared
    page = tmp_path / "cell.html"
    page.write_text(f'<meta charset="utf-8"><body style="margin:8px">{compared}', "utf-8")
    told = asked(page, FITS, tmp_path)
    assert (told["page"], told["sideways"]) == (390, [])


def test_a_notebook_shows_a_run_without_the_plugin_too(run: hl.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "report")
    shown = run._repr_html_()
    assert "hookline-cell" not in shown
    assert "<td>accuracy</td>" in shown


def test_a_confusion_matrix_of_many_classes_counts_under_the_pointer_only() -> None:
    few, many = (heatmap(np.eye(count), [f"class {i}" for i in range(count)]).spec for count in (15, 16))
    assert [layer["mark"] for layer in few["layer"]] == ["rect", {"type": "text"}]
    assert [layer["mark"] for layer in many["layer"]] == ["rect"]
    assert [shown["field"] for shown in many["encoding"]["tooltip"]] == ["actual", "predicted", "rows", "share"]


def _plain(column: Any) -> dict[str, Any]:
    from hookline.kinds.plain import to_json

    told: dict[str, Any] = to_json(column)
    return told


def _measured(evidence: dict[str, Any]) -> list[dict[str, Any]]:
    return [metric for report in evidence["reports"] if report["kind"] == "evaluator" for metric in report["metrics"]]


def _without_beside(evidence: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(evidence)
    for metric in _measured(found):
        metric.pop("baseline", None)
        metric.pop("training", None)
    return found
