"""Five real tables, as they were published, from raw rows to a package: what is measured, found, kept apart and served."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from kit.places import at
from kit.processes import run_hookline
from kit.serving import serving

PATHS = {
    "adult": "adult-*.csv",
    "diamonds": "diamonds.csv",
    "penguins": "penguins.csv",
    "taxis": "taxis.csv",
    "titanic": "titanic.csv",
}


@dataclass(frozen=True)
class Told:
    """What a command left: its exit code, its data and what it said beside them."""

    code: int
    evidence: dict[str, Any]
    said: str

    @property
    def metrics(self) -> dict[str, float]:
        return {
            metric["name"]: metric["value"]
            for report in self.evidence["reports"]
            if report["kind"] == "evaluator"
            for metric in report["metrics"]
        }

    def audit(self) -> dict[str, dict[str, Any]]:
        """The audit's findings by subject; those of rows that nearly repeat others by their statistic."""
        (report,) = [report for report in self.evidence["reports"] if report["kind"] == "audit"]
        near = "near_duplicates"
        return {near if finding["statistic"] == near else finding["subject"]: finding for finding in report["findings"]}

    def package(self, home: Path) -> Path:
        return home / "runs" / self.evidence["run"]["id"] / "packages" / "onnx"


def hookline(home: Path, *argv: str) -> Told:
    done = run_hookline("run", "--json", *argv, env=at(home))
    return Told(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)


def run(home: Path, data: Path, experiment: str, *overrides: str) -> Told:
    """Run an experiment by its name, with nothing but the path of its table."""
    return hookline(home, f"experiment={experiment}", f"source.path={data / PATHS[experiment]}", *overrides)


def finished(told: Told) -> Told:
    assert told.code == 0, told.said
    (parity,) = told.evidence["parity"]
    assert parity["package"] == "onnx"
    assert parity["ok"]
    return told


@pytest.mark.parametrize("experiment", sorted(PATHS))
def test_an_experiment_without_its_table_says_what_to_give(home: Path, experiment: str) -> None:
    told = hookline(home, f"experiment={experiment}")
    assert told.code == 2
    assert "source.path: required; a file, a glob such as" in told.said
    assert "hint: add source.path=..." in told.said


# adult


@pytest.fixture(scope="module")
def adult(home: Path, shared_data: Path) -> Told:
    return finished(run(home, shared_data, "adult"))


def test_adult_keeps_the_published_split_whole(adult: Told) -> None:
    assert adult.evidence["split"] == {"method": "column", "train": 32_561, "valid": 0, "test": 16_281}


def test_adult_errs_less_than_what_was_published_with_it(adult: Told) -> None:
    assert 1 - adult.metrics["accuracy"] <= 0.135
    assert adult.evidence["config"]["gates"] == {"accuracy": 0.865}


def test_adults_file_names_are_no_feature(adult: Told, home: Path) -> None:
    inputs = {column for feature in adult.evidence["features"] for column in feature["inputs"]}
    assert len(inputs) == 14
    assert "file" not in inputs


def test_adults_question_marks_are_missing_and_its_labels_two(adult: Told, shared_data: Path) -> None:
    raw = (shared_data / "adult-train.csv").read_text("utf-8").splitlines()
    columns = {column["name"]: column for column in adult.evidence["data"]["profile"]["columns"]}
    assert columns["workclass"]["missing"] == sum(line.split(", ")[1] == "?" for line in raw if line)
    assert len(adult.evidence["data"]["classes"]) == 2
    assert "binary target 'income', 2 classes" in adult.said


def test_adults_people_in_both_files_are_told(adult: Told) -> None:
    finding = adult.audit()["rows"]
    assert finding["severity"] == "info"
    assert re.match(r"26 held-out rows \(0\.2%\) have a twin .* 23 of them with the same 'income'", finding["message"])
    assert len(finding["rows"]) == 10
    assert set(adult.audit()) == {"rows", "near_duplicates"}
    near = adult.audit()["near_duplicates"]
    # A census counts alike people of other weights and ages.
    assert re.match(r"3,032 of 16,281 held-out rows .* mostly 'fnlwgt', 'age', 'occupation'", near["message"])
    assert near["severity"] == "info"


# titanic


@pytest.fixture(scope="module")
def titanic(home: Path, shared_data: Path) -> Told:
    return finished(run(home, shared_data, "titanic"))


def test_titanic_runs_though_most_decks_are_missing(titanic: Told) -> None:
    (deck,) = [column for column in titanic.evidence["data"]["profile"]["columns"] if column["name"] == "deck"]
    assert 0.7 < deck["missing"] / deck["count"] < 0.85
    assert 0.75 <= titanic.metrics["accuracy"] < 0.95
    assert not [f for f in titanic.audit().values() if f["severity"] == "critical"]


def test_titanics_alive_stops_a_run_that_must_not_leak(home: Path, shared_data: Path) -> None:
    told = run(home, shared_data, "titanic", "roles.ignore=[]", "audit=fail")
    assert told.code == 3
    assert "'alive' is 'survived' under other names, in 891 of 891 rows" in told.said
    assert "audit_allow=[alive]" in told.said


def test_titanics_alive_is_named_with_rows_in_the_evidence(home: Path, shared_data: Path) -> None:
    cheap = ["trainer=decision_tree", "transform=[impute]", "packager=[]", "~deployer", "monitor=[]"]
    told = run(home, shared_data, "titanic", "roles.ignore=[]", *cheap)
    assert told.code == 0, told.said
    critical = [f for f in told.audit().values() if f["severity"] == "critical"]
    assert [f["subject"] for f in critical] == ["alive"]
    assert len(critical[0]["rows"]) == 10


# diamonds


@pytest.fixture(scope="module")
def diamonds(home: Path, shared_data: Path) -> Told:
    return finished(run(home, shared_data, "diamonds"))


def test_diamonds_are_priced_well(diamonds: Told) -> None:
    assert diamonds.metrics["r2"] >= 0.975


def test_diamonds_that_repeat_another_whole_are_dropped(diamonds: Told, shared_data: Path) -> None:
    raw = pl.read_csv(shared_data / "diamonds.csv")
    assert raw.height - raw.unique().height == 146
    split = diamonds.evidence["split"]
    assert split["train"] + split["test"] == raw.height - 146
    assert split["test"] == round(0.3 * (raw.height - 146))


def test_a_diamond_of_length_zero_is_one_of_unknown_length(diamonds: Told, home: Path, shared_data: Path) -> None:
    rows = pl.read_csv(shared_data / "diamonds.csv").filter(pl.col("x") == 0).drop("price")
    predictor = hl.load(str(diamonds.package(home)))
    gaps = rows.with_columns(pl.when(pl.col(name) != 0).then(pl.col(name)) for name in ("x", "y", "z"))
    zeros, missing = (predictor.predict(frame).values.tolist() for frame in (rows, gaps))
    assert rows.height == 8
    assert zeros == missing


# penguins


@pytest.fixture(scope="module")
def penguins(home: Path, shared_data: Path) -> Told:
    return finished(run(home, shared_data, "penguins"))


def test_penguins_are_told_apart(penguins: Told) -> None:
    assert penguins.metrics["accuracy"] >= 0.95
    assert "multiclass target 'species', 3 classes" in penguins.said


def test_a_server_answers_for_penguins_that_were_not_measured(penguins: Told, home: Path, tmp_path: Path) -> None:
    whole = {
        "island": "Biscoe",
        "bill_length_mm": 50.0,
        "bill_depth_mm": 15.2,
        "flipper_length_mm": 224,
        "body_mass_g": 5700,
        "sex": "MALE",
    }
    rows = [whole, whole | {"sex": None}, whole | {"bill_length_mm": None, "sex": None}, dict.fromkeys(whole)]
    with serving(penguins.package(home), home, tmp_path / "log") as server:
        response = server.post({"rows": rows})
    assert response.status_code == 200, response.text
    answers = response.json()["predictions"]
    assert [answer["prediction"] for answer in answers[:3]] == ["Gentoo"] * 3
    assert answers[3]["prediction"] in ("Adelie", "Chinstrap", "Gentoo")


# taxis


@pytest.fixture(scope="module")
def taxis(home: Path, shared_data: Path) -> Told:
    return finished(run(home, shared_data, "taxis"))


def test_taxis_are_judged_on_the_latest_rides(taxis: Told, shared_data: Path) -> None:
    assert taxis.evidence["split"] == {"method": "time", "train": 4_503, "valid": 0, "test": 1_930}
    (pickup,) = [c for c in taxis.evidence["data"]["profile"]["columns"] if c["name"] == "pickup"]
    rides = pl.read_csv(shared_data / "taxis.csv", try_parse_dates=True)["pickup"].sort()
    assert pickup["maximum"] == rides[4_502].replace(tzinfo=UTC).timestamp()


def test_the_fare_of_a_taxi_is_known_before_the_ride(taxis: Told) -> None:
    assert taxis.metrics["r2"] >= 0.8
    assert not [f for f in taxis.audit().values() if f["severity"] != "info"]


def test_the_columns_that_add_up_to_a_taxis_fare_are_named(home: Path, shared_data: Path) -> None:
    cheap = ["trainer=decision_tree", "transform=[impute]", "packager=[]", "~deployer", "monitor=[]", "gates.r2=0"]
    told = run(home, shared_data, "taxis", "roles.ignore=[]", *cheap)
    assert told.code == 0, told.said
    finding = told.audit()["total"]
    assert (finding["statistic"], finding["severity"]) == ("determined", "warning")
    assert "'fare' is a sum of other columns: 'total', 'tip', 'tolls' give it to" in finding["message"]
    assert len(finding["rows"]) == 10
    assert told.audit()["dropoff"]["severity"] == "info"
