"""`hookline features` and `hl.features`: what a model is made of, and what changed from one version to the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main

pytestmark = pytest.mark.usefixtures("at_home")
SIZE = 120
ROWS = pl.DataFrame(
    {
        "age": [20.0 + i % 50 for i in range(SIZE)],
        "plan": [("basic", "pro", "free")[i % 3] for i in range(SIZE)],
        "bill": [i % 90 / 2 for i in range(SIZE)],
        "y": ["yes" if i % 50 > 25 else "no" for i in range(SIZE)],
    }
)


def trained(home: Path, rows: pl.DataFrame, **featurizer: Any) -> None:
    hl.run(
        source=rows, target="y", trainer="decision_tree", featurizer={"component": "tabular", **featurizer},
        packager=["skops"], deployer="local", evaluator=[], name="churn", home=home,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    trained(home, ROWS)
    # Other ages: the mean moves, and the definition stays what it was.
    trained(home, ROWS.with_columns(pl.col("age") + 5))
    trained(home, ROWS.drop("bill").with_columns(visits=pl.int_range(SIZE) % 7), numeric="robust")
    return home


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert main(["features", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_newest_version_of_each_model_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, "list")
    assert {row["model_version"] for row in rows} == {3}
    assert [row["name"] for row in rows] == ["age", "plan=basic", "plan=free", "plan=pro", "visits"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_a_feature_is_shown_in_every_version(capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, "show", "age")
    assert [row["model_version"] for row in rows] == [3, 2, 1]
    assert [row["inputs"] for row in rows] == [["age"]] * 3


def test_a_moved_mean_keeps_the_version_and_another_scaling_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    third, second, first = told(capsys, "show", "age", "churn")
    assert first["definition"] != second["definition"]
    assert first["version"] == second["version"] != third["version"]


def test_a_diff_tells_what_was_added_removed_redefined_and_refitted(capsys: pytest.CaptureFixture[str]) -> None:
    refitted = {change["name"]: change["status"] for change in told(capsys, "diff", "churn:1", "churn:2")}
    assert refitted == {"age": "refitted"}
    changed = {change["name"]: change for change in told(capsys, "diff", "churn:1", "churn:3")}
    statuses = {name: change["status"] for name, change in changed.items()}
    assert statuses == {"visits": "added", "bill": "removed", "age": "redefined"}
    assert set(changed["age"]["before"]) == {"definition", "version"}


def test_a_table_is_printed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "diff", "churn:1", "churn:3"]) == 0
    shown = capsys.readouterr()
    assert "redefined" in shown.out
    assert "1 added, 1 removed, 1 redefined" in shown.err


def test_a_typo_suggests_the_feature(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "show", "agee"]) == 2
    assert "did you mean 'age'?" in capsys.readouterr().err


def test_python_gets_a_frame(home: Path) -> None:
    frame = hl.features("churn:1")
    assert frame["name"].to_list()[0] == "age"
    assert frame.columns[:3] == ["model", "model_version", "name"]
    assert hl.features("last").equals(hl.features("churn").with_columns(model_version=pl.lit(None)), null_equal=True)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"numeric": "min_max"}, False),
        ({"missing": "zero"}, False),
        ({"missing_indicators": True}, True),
        ({"seed": 3}, True),
    ],
    ids=str,
)
def test_a_version_follows_what_decides_the_value(changed: dict[str, Any], same: bool) -> None:
    from hookline_polars.featurizers.tabular import TabularFeaturizer

    def version(**fields: Any) -> str:
        fitted = TabularFeaturizer(**fields).fit(hl.Dataset(ROWS.lazy(), hl.Roles(target="y")))
        return fitted.features[0].version

    assert (version() == version(**changed)) is same


def test_the_place_of_a_category_is_part_of_an_ordinal_version() -> None:
    from hookline_polars.featurizers.tabular import TabularFeaturizer

    def versions(how: str, plan: str) -> list[str]:
        rows = ROWS.with_columns(pl.col("plan").replace("basic", plan))
        fitted = TabularFeaturizer(categorical=how).fit(hl.Dataset(rows.lazy(), hl.Roles(target="y")))
        return [feature.version for feature in fitted.features if "plan" in feature.name]

    assert versions("ordinal", "basic") != versions("ordinal", "alone")
    assert versions("one_hot", "basic") == versions("one_hot", "alone")


def test_a_page_that_cannot_be_written_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (tmp_path, tmp_path / "gone" / "page.html"):
        assert main(["features", "history", "age", "churn", "--html", str(place)]) == 2
        assert f"--html {place} cannot be written" in capsys.readouterr().err
