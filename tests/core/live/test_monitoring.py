"""Current rows held against what a model was trained on: raw rows, answers, and truth where it is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError, DataError, UnknownName, UntrustedPackage, UsageError

MONITORS = '''
"""Monitors of answers and of rows, and somebody who is told of findings."""

import json
import os
from pathlib import Path

import hookline as hl


class ErrorsMonitor(hl.Monitor):
    """Say how many answers are wrong, of those whose truth is known."""

    name = "errors"
    most: float = 0.5

    def check(self, current: hl.Scored, reference: hl.Reference) -> hl.Report:
        values = current.prediction().values
        share = float((values == "yes").mean())
        metrics = [hl.Metric("yes", share), hl.Metric("trained", reference.metrics["accuracy"].value)]
        metrics.append(hl.Metric("answers_then", float(reference.answers.count)))
        if "truth" in current.frame.collect_schema().names():
            known = current.labeled()
            truth = known.truth()
            metrics += [
                hl.Metric("accuracy", float((known.prediction().values == truth).mean())),
                hl.Metric("known", float(len(truth))),
            ]
        found = hl.Finding("yes", "share", share, self.most, "warning", f"{share:.0%} are answered yes")
        files = {"answers.txt": "\\n".join(map(str, values)).encode()}
        return hl.Report("Errors", tuple(metrics), findings=(found,) if share > self.most else (), files=files)


class CountMonitor(hl.Monitor):
    """Say how many rows there are."""

    name = "count"
    most: int = 10

    def check(self, current: hl.Dataset, reference: hl.Reference) -> hl.Report:
        import polars as pl

        rows = int(current.frame.select(pl.len()).collect().item())
        found = hl.Finding("rows", "count", float(rows), float(self.most), "critical", f"{rows} rows")
        return hl.Report("Rows", (hl.Metric("rows", float(rows)),), findings=(found,) if rows > self.most else ())


@hl.hookimpl
def register_monitors():
    return [ErrorsMonitor, CountMonitor]


@hl.hookimpl
def on_finding(finding, run, model):
    told = {
        "subject": finding.subject,
        "run": None if run is None else run.id,
        "model": None if model is None else [model.name, model.version, str(model.path)],
    }
    with (Path(os.environ["HOOKLINE_HOME"]) / "told.ndjson").open("a") as out:
        out.write(json.dumps(told) + "\\n")
'''


def rows(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size, color = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    bought = np.where(size + (color == "red") + rng.normal(0, 0.5, count) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size, "color": color, "bought": bought})


@pytest.fixture
def shop(project_module: Callable[[str, str], str]) -> hl.Run:
    """A registered model `shop`."""
    project_module("watching", MONITORS)
    return made()


def made(**over: object) -> hl.Run:
    config: dict[str, object] = {
        "source": rows(300, 0),
        "target": "bought",
        "name": "shop",
        "trainer": "logistic_regression",
        "packager": ["skops"],
        "deployer": "local",
    }
    return hl.run(**(config | over))


def told() -> list[dict[str, Any]]:
    import os

    path = Path(os.environ["HOOKLINE_HOME"]) / "told.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_monitor_of_answers_is_given_what_the_model_says_and_the_truth(shop: hl.Run) -> None:
    now = rows(200, 1)
    report = hl.monitor("shop", now, "errors")["errors"]
    answers = shop.predict(now).values
    assert report["accuracy"] == pytest.approx(accuracy_score(now["bought"].to_numpy(), answers))
    assert (report["known"], report["yes"]) == (200, pytest.approx((answers == "yes").mean()))
    assert report["trained"] == pytest.approx(shop.metrics["accuracy"])
    assert report["answers_then"] == shop.evidence["split"]["test"]


def test_without_the_target_it_is_given_the_answers_alone(shop: hl.Run) -> None:
    now = rows(200, 1)
    report = hl.monitor("shop:1", now.drop("bought"), ["errors"])["errors"]
    assert report["yes"] == pytest.approx((shop.predict(now).values == "yes").mean())
    assert {metric.name for metric in report.metrics} == {"yes", "trained", "answers_then"}
    gone = now.with_columns(bought=pl.lit(None, pl.String))
    assert hl.monitor("shop:1", gone, ["errors"])["errors"] == report


def test_truth_that_is_known_of_some_rows_is_that_of_these_rows(shop: hl.Run, tmp_path: Path) -> None:
    now = rows(200, 1)
    late = now.with_columns(bought=pl.when(pl.int_range(pl.len()) < 150).then("bought"))
    late.write_csv(tmp_path / "late.csv")
    for data in (late, tmp_path / "late.csv"):
        report = hl.monitor("shop", data, {"errors": None})["errors"]
        golden = accuracy_score(now["bought"].to_numpy()[:150], shop.predict(now).values[:150])
        assert (report["accuracy"], report["known"]) == (pytest.approx(golden), 150)


def test_numbers_that_are_known_of_some_rows_too(project_module: Callable[[str, str], str]) -> None:
    code = MONITORS.replace('(values == "yes").mean()', "values.mean()").replace('["accuracy"]', '["r2"]')
    project_module("watching", code.replace("(known.prediction().values == truth).mean()", "truth.mean()"))
    table = rows(300, 0).with_columns(price=pl.col("size") * 2 + 5).drop("bought")
    made(source=table, target="price", trainer="ridge")
    late = table.with_columns(price=pl.when(pl.int_range(pl.len()) < 150).then("price"))
    report = hl.monitor("shop", late, {"errors": {"most": 99.0}})["errors"]
    assert (report["accuracy"], report["known"]) == (pytest.approx(table["price"].head(150).mean()), 150)


def test_fields_are_given_by_name_or_by_the_monitor_itself(shop: hl.Run) -> None:
    from hookline_polars import DataDriftMonitor

    few = rows(20, 1)
    assert hl.monitor("shop", few, {"count": {"most": 20}})["count"].findings == ()
    assert len(hl.monitor("shop", few, {"count": {"most": 19}})["count"].findings) == 1
    moved = rows(400, 2).with_columns(size=pl.col("size") + 3)
    assert [finding.subject for finding in hl.monitor("shop", moved)["data_drift"].findings] == ["size"]
    reports = hl.monitor("shop", moved, [DataDriftMonitor(min_rows=1000), "count"])
    assert list(reports) == ["data_drift", "count"]
    assert [finding.subject for finding in reports["data_drift"].findings] == ["rows"]  # Too few, as it was told.


def test_what_is_wrong_with_monitors_is_told_before_the_rows_are_read(shop: hl.Run) -> None:
    with pytest.raises(ConfigError, match=r"monitor.count.mots: .*did you mean 'most'"):
        hl.monitor("shop", "nowhere.csv", {"count": {"mots": 1}})
    with pytest.raises(UnknownName, match="did you mean 'count'"):
        hl.monitor("shop", "nowhere.csv", "cuont")
    with pytest.raises(UsageError, match="monitor 'count' is given twice"):
        hl.monitor("shop", "nowhere.csv", ["count", "count"])
    with pytest.raises(DataError, match="nowhere.csv"):
        hl.monitor("shop", "nowhere.csv", "count")


def test_answers_of_a_pickle_are_asked_for_only_where_it_is_trusted(
    shop: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(name="pickled", packager=["pickle"])
    now = rows(200, 1)
    now.write_csv(tmp_path / "now.csv")
    assert hl.monitor("pickled", now, {"count": {"most": 200}})["count"]["rows"] == 200
    with pytest.raises(UntrustedPackage):
        hl.monitor("pickled", now, "errors")
    allowed = hl.monitor("pickled", now, "errors", trust=hl.Trust(pickle=True))["errors"]
    words = ["monitor", "run", "pickled", str(tmp_path / "now.csv"), "--monitor", "errors"]
    assert main(words) == 1
    assert "--allow-pickle" in capsys.readouterr().err
    assert main([*words, "--allow-pickle", "--json", "--output", str(tmp_path / "out")]) == 0
    found = json.loads(capsys.readouterr().out)["errors"]
    assert {metric["name"]: metric["value"] for metric in found["metrics"]} == {
        m.name: m.value for m in allowed.metrics
    }
    answers = (tmp_path / "out" / "errors" / "answers.txt").read_text().split()
    assert answers == hl.load("shop").predict(now).values.tolist()


def test_a_persons_contract_stands_above_the_packages_also_for_answers(shop: hl.Run, tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text("format: 1\ncolumns:\n  color:\n    on_violation: reject\n", "utf-8")
    pink = rows(50, 1).with_columns(color=pl.lit("pink"))
    assert hl.monitor("shop", pink, "errors")["errors"]["known"] == 50
    with pytest.raises(DataError, match="pink"):
        hl.monitor("shop", pink, "errors", contract=strict)
    made(name="strict", contract=strict)
    with pytest.raises(DataError, match="pink"):
        hl.monitor("strict", pink, "errors")
    loose = tmp_path / "loose.yaml"
    loose.write_text(str(hl.contract("shop")), "utf-8")
    assert hl.monitor("strict", pink, "errors", contract=loose)["errors"]["known"] == 50


def test_findings_of_a_run_and_of_a_monitor_reach_the_hook_with_whom_they_are_about(shop: hl.Run) -> None:
    assert told() == []
    always = {"component": "local", "promote": "always"}
    run = made(monitor={"count": {"component": "count", "most": 5}}, trainer="decision_tree", deployer=always)
    assert told() == [{"subject": subject, "run": run.id, "model": None} for subject in ("log_loss", "rows")]
    hl.monitor("shop", rows(30, 1), "count")
    hl.monitor("shop:1", rows(30, 1), {"count": {"most": 29}, "errors": {"most": 0.0}})
    hl.monitor(run.package(), rows(30, 1), "count")
    hl.monitor("shop", rows(3, 1), "count")
    version_1, version_2 = (str(hl.load(f"shop:{number}").path) for number in (1, 2))
    assert told()[2:] == [
        {"subject": "rows", "run": None, "model": ["shop", 2, version_2]},
        {"subject": "rows", "run": None, "model": ["shop", 1, version_1]},
        {"subject": "yes", "run": None, "model": ["shop", 1, version_1]},
        {"subject": "rows", "run": None, "model": ["shop", None, str(run.package())]},
    ]


def test_the_command_line_sets_fields_and_tells_the_hook_too(
    shop: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(30, 1).write_csv(tmp_path / "now.csv")
    words = ["monitor", "run", "shop", str(tmp_path / "now.csv"), "--monitor", "count"]
    assert main([*words, "--set", "count.most=30"]) == 0
    assert told() == []
    assert main([*words, "--set", "count.most=29", "--fail-on", "warning"]) == 3
    assert [one["model"][:2] for one in told()] == [["shop", 1]]
    assert main([*words, "--set", "count.mots=29"]) == 2
    assert "monitor.count.mots" in capsys.readouterr().err


def test_the_command_line_writes_what_monitors_found_as_a_page(shop: hl.Run, tmp_path: Path) -> None:
    page = tmp_path / "today.html"
    rows(200, 1).write_csv(tmp_path / "now.csv")
    assert main(["monitor", "run", str(shop.package()), str(tmp_path / "now.csv"), "--html", str(page)]) == 0
    text = page.read_text("utf-8")
    assert '<section id="verdict"' in text
    assert '<section id="monitor.data_drift">' in text
