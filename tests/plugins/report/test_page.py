"""The report of real runs: one page that needs no network, and that a browser draws whole."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, GateFailed, MissingBackend
from hookline.version import install_line
from hookline_report import register_pages
from hookline_report.filling import MOST_ROWS
from hookline_report.page import render, write_page
from hookline_report.wording import number, seconds, size, words
from kit.browser import chromium
from kit.processes import run_command
from kit.tables import table

pytestmark = pytest.mark.usefixtures("at_home")
HOSTILE = "</script><script>document.body.dataset.hurt=1</script><img src=x onerror=alert(1)>"
LOADS = {"src", "href", "data", "action", "poster", "srcset"}
TWO_MEGABYTES = 2 * 1024**2


class Page(HTMLParser):
    """What a browser would see of a page, as far as these tests ask."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.charts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.loaded += [value or "" for name, value in attrs if name in LOADS and not (value or "").startswith("data:")]
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if given.get("data-chart"):
            self.charts.append(str(given["data-chart"]))


@pytest.fixture(scope="module")
def run(home: Path) -> hl.Run:
    return hl.run(
        source=table(200),
        target="label",
        trainer="random_forest",
        packager=["pickle"],
        monitor=["data_drift"],
        home=home,
    )


@pytest.fixture
def evidence(run: hl.Run) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(dict(run.evidence))
    return found


@pytest.fixture(scope="module")
def dom(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """What Chromium makes of a page once its scripts have run."""
    browser = chromium()
    profile = tmp_path_factory.mktemp("chromium")

    def opened(page: Path) -> str:
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command = [browser, *options, "--virtual-time-budget=8000", "--dump-dom", page.as_uri()]
        done = run_command(command, timeout=90, check=True)
        return done.stdout

    return opened


def test_a_cache_that_cannot_be_kept_costs_no_page(
    evidence: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    write_page(evidence, tmp_path / "report.html")
    assert "vegaEmbed" in (tmp_path / "report.html").read_text()


def assert_drawn(page: str, charts: int) -> None:
    places = re.findall(r'<div class="(chart[^"]*)" data-chart="([^"]+)"[^>]*>(.*?)</figure>', page, re.DOTALL)
    assert len(places) >= charts
    for classes, name, inside in places:
        assert "broken" not in classes.split(), (name, inside)
        assert "<svg" in inside, name


def left_behind(home: Path) -> Path:
    """Return the report of the last run below a home."""
    return max((home / "runs").glob("*/report.html"), key=lambda path: path.stat().st_mtime_ns)


def test_the_page_is_small_and_loads_nothing(run: hl.Run) -> None:
    text = run.report.read_text("utf-8")
    assert len(text.encode()) < TWO_MEGABYTES
    page = Page(text)
    assert page.loaded == []
    assert "iframe" not in page.tags
    style = text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_verdict_comes_first(run: hl.Run) -> None:
    page = Page(run.report.read_text("utf-8"))
    sections = [name for name in page.ids if name not in ("theme", "charts", "vega")]
    assert sections[0] == "verdict"
    assert {"data", "split", "plan", "environment", "packages", "importances"} <= set(sections)


def test_every_id_of_the_page_is_used_once(run: hl.Run) -> None:
    ids = Page(run.report.read_text("utf-8")).ids
    assert len(ids) == len(set(ids))


def test_a_browser_draws_every_chart(run: hl.Run, dom: Callable[[Path], str]) -> None:
    charts = sum(len(report["charts"]) for report in run.evidence["reports"]) + 1
    assert charts > 2
    assert_drawn(dom(run.report), charts)


def test_a_report_of_numbers_draws_every_chart(home: Path, dom: Callable[[Path], str]) -> None:
    rows = table(200).with_columns(label=pl.col("a") * 2 + pl.col("b"))
    done = hl.run(source=rows, target="label", trainer="ridge", home=home)
    assert_drawn(dom(done.report), 2)


def evaluation(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the evaluator's report, to be changed in place."""
    return next(report for report in evidence["reports"] if report["kind"] == "evaluator")


def test_names_that_hold_markup_do_no_harm(home: Path, dom: Callable[[Path], str]) -> None:
    rows = table(200).rename({"a": HOSTILE, "label": f"label {HOSTILE}"})
    rows = rows.with_columns(pl.col("c").replace({"u": HOSTILE}), pl.col(f"label {HOSTILE}").replace({"yes": HOSTILE}))
    done = hl.run(
        source=rows,
        target=f"label {HOSTILE}",
        trainer="random_forest",
        evaluator=["standard"],
        home=home,
    )
    evidence = json.loads((done.path / "evidence.json").read_text("utf-8"))
    done.report.write_text(render(evidence | {"title": "<script>alert(1)</script>"}), "utf-8")
    page = dom(done.report)
    assert "data-hurt" not in page
    assert "onerror" not in [name for tag in re.findall(r"<img[^>]*>", page) for name in tag.split()]
    assert page.count("<title>&lt;script&gt;alert(1)&lt;/script&gt;") == 1
    assert_drawn(page, 2)


def test_a_failed_run_has_a_report_that_says_why(home: Path, dom: Callable[[Path], str]) -> None:
    rows = table(200).with_columns(a=pl.when(pl.col("a") > 1).then(None).otherwise("a"))
    featurizer = {"component": "tabular", "missing": "nan"}
    with pytest.raises(DataError):
        hl.run(source=rows, target="label", trainer="logistic_regression", featurizer=featurizer, home=home)
    page = dom(left_behind(home))
    assert "<h1>The run is failed</h1>" in page
    assert "takes no missing values" in page
    assert 'class="pill failed"' in page
    assert_drawn(page, 0)


def test_a_gated_run_has_a_report_that_says_which_gate(home: Path, dom: Callable[[Path], str]) -> None:
    with pytest.raises(GateFailed):
        hl.run(source=table(200), target="label", trainer="logistic_regression", gates={"accuracy": 1.01}, home=home)
    page = dom(left_behind(home))
    assert "<h1>A gate said no" in page
    assert '<section id="verdict" class="bad">' in page
    assert_drawn(page, 1)


def test_a_run_that_failed_at_once_has_a_report(evidence: dict[str, Any]) -> None:
    for key in ("data", "split", "importances", "features", "parity", "packages"):
        evidence.pop(key)
    page = Page(render(evidence | {"reports": []}))
    assert [name for name in page.ids if name not in ("theme", "charts", "vega")] == ["verdict", "plan", "environment"]
    assert page.charts == []


def test_metrics_that_are_not_numbers_are_a_dash(
    evidence: dict[str, Any], tmp_path: Path, dom: Callable[[Path], str]
) -> None:
    report = evaluation(evidence)
    report["metrics"] = [{"name": "roc_auc", "value": float("nan"), "low": float("nan"), "high": float("inf")}]
    for chart in report["charts"]:
        chart["spec"] = _with_nan(chart["spec"])
    path = tmp_path / "report.html"
    path.write_text(render(evidence), "utf-8")
    page = dom(path)
    assert '<td>ROC AUC</td><td class="n"><b>–</b></td>' in page
    assert_drawn(page, 2)


def test_a_wide_table_stays_below_two_megabytes(evidence: dict[str, Any]) -> None:
    columns = evidence["data"]["profile"]["columns"]
    evidence["data"]["profile"]["columns"] = [columns[i % 3] | {"name": f"column {i}"} for i in range(5_000)]
    evidence["importances"] = [[f"column {i}", 1.0] for i in range(5_000)]
    text = render(evidence)
    assert len(text.encode()) < TWO_MEGABYTES
    assert "4,700 more columns are in evidence.json." in text


def test_a_long_table_scrolls_and_is_cut_with_a_word(evidence: dict[str, Any]) -> None:
    rows = [[f"column {i}", i, 0.5] for i in range(MOST_ROWS + 234)]
    monitor = next(report for report in evidence["reports"] if report["kind"] == "monitor")
    monitor["tables"] = [{"name": "shifts", "columns": ["column", "rows", "psi"], "rows": rows}]
    text = render(evidence)
    (shown,) = re.findall(r'<h3>Shifts</h3><div class="scroll tall"><table>(.*?)</table>', text, re.DOTALL)
    assert shown.count("<tr>") == MOST_ROWS + 1
    assert "234 more rows are in evidence.json." in text


def test_a_header_stands_over_its_numbers(evidence: dict[str, Any]) -> None:
    rows = [["a", 1, 0.5, None, True, None], ["b", 2, None, 3.0, False, None]]
    names = ["name", "rows", "psi", "mean", "drifted", "nothing"]
    evaluation(evidence)["tables"] = [{"name": "shifts", "columns": names, "rows": rows}]
    (head,) = re.findall(r"<h3>Shifts</h3>.*?<thead><tr>(.*?)</tr></thead>", render(evidence), re.DOTALL)
    assert re.findall(r'<th class="n">(\w+)</th>', head) == ["Rows", "Psi", "Mean"]
    assert re.findall(r"<th>(\w+)</th>", head) == ["Name", "Drifted", "Nothing"]


def test_every_table_with_a_head_aligns_it_with_its_cells(run: hl.Run) -> None:
    for found in re.findall(r"<table[^>]*><thead>.*?</table>", run.report.read_text("utf-8"), re.DOTALL):
        heads = re.findall(r"<th( class=\"n\")?>", found)
        first = found.split("<tbody>")[1].split("</tr>")[0]
        cells = re.findall(r"<td( class=\"[\w ]+\")?", first)
        assert len(heads) == len(cells)
        assert [bool(head) for head in heads] == [cell == ' class="n"' for cell in cells]


def test_a_library_that_is_missing_is_told_with_the_line_that_installs_it(
    run: hl.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match="jinja2") as caught:
        register_pages()["report"](run.evidence, tmp_path / "report.html")
    assert caught.value.hint == install_line([("hookline", "report", "jinja2")])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (12345.678, "12,346"),
        (3.0, "3"),
        (True, "True"),
        (1.5e-9, "1.5e-09"),
        ("text", "text"),
    ],
)
def test_a_number_is_written_for_a_person(value: Any, shown: str) -> None:
    assert number(value) == shown


def test_names_durations_and_sizes_are_written_for_a_person() -> None:
    assert [words("roc_auc"), words("balanced_accuracy"), words("r2")] == ["ROC AUC", "Balanced accuracy", "R²"]
    assert [seconds(0.0123), seconds(2.345), seconds(125)] == ["12 ms", "2.3 s", "2 min 5 s"]
    assert [size(2048), size(3 * 1024**2)] == ["2 kB", "3.0 MB"]


def _with_nan(spec: Any) -> Any:
    """Return a chart whose first datum's first number is NaN."""
    spec = copy.deepcopy(spec)
    values = spec.get("data", {}).get("values", [])
    if values:
        key = next((name for name, value in values[0].items() if isinstance(value, float)), None)
        if key is not None:
            values[0][key] = float("nan")
    return spec


def test_what_cleaning_did_is_told_by_transform_and_column(evidence: dict[str, Any]) -> None:
    assert 'id="cleaning"' not in render(evidence)
    counts = {"rows_in": 1000, "rows_out": 900, "rows_dropped": 100, "rows_added": 0, "rows_changed": 0}
    entry = {
        "applies": "dataset",
        "cells_changed": {},
        "columns_added": [],
        "columns_removed": [],
        "changed": [],
        **counts,
    }
    dropped = [{"position": 3, "id": "<b>"}, {"position": 5, "id": None}]
    filled = {
        **entry,
        "applies": "always",
        "rows_in": 900,
        "rows_dropped": 0,
        "rows_changed": 9,
        "cells_changed": {"x": 9},
    }
    evidence["cleaning"] = [
        {**entry, "stage": "transform.dedupe", "component": "dedupe", "dropped": dropped},
        {**filled, "stage": "transform.fill", "component": "impute", "dropped": [], "changed": dropped[1:]},
    ]
    text = render(evidence)
    section = text[text.index('id="cleaning"') :]
    section = section[: section.index("</section>")]
    assert "<code>&lt;b&gt;</code> <code>5</code>" in section
    assert "fill <small>impute</small>" in section
    assert "1.0 %" in section
    assert f"hookline data why {evidence['run']['id']} --row ID" in section


def test_a_table_profile_is_one_small_page_without_a_network(shared_data: Path, tmp_path: Path) -> None:
    page = tmp_path / "titanic.html"
    hl.profile(shared_data / "titanic.csv", target="survived", html=page)
    seen = Page(page.read_text("utf-8"))
    assert seen.loaded == []
    assert {"verdict", "target", "columns", "values"} <= set(seen.ids)
    assert "roles.ignore=[alive]" in page.read_text("utf-8")
    assert page.stat().st_size < 100_000


def test_a_table_profile_escapes_what_the_table_holds(tmp_path: Path) -> None:
    frame = pl.DataFrame({HOSTILE: [HOSTILE] * 60 + ["b"] * 60, "y": ["no", "yes"] * 60})
    hl.profile(frame, target="y", html=tmp_path / "x.html")
    assert "<img" not in (tmp_path / "x.html").read_text("utf-8")


def test_a_table_profile_of_many_columns_stays_small(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"c{i}": [f"{'x' * 200}{j}" for j in range(25)] for i in range(600)})
    hl.profile(frame, html=tmp_path / "x.html")
    assert (tmp_path / "x.html").stat().st_size < TWO_MEGABYTES
