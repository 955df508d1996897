"""Why a row is what it is, or is gone: one row followed through a run that has ended."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UnknownName, UsageError
from hookline.runs.past.trace import RowTrace
from hookline.workspace.workspace import open_workspace

TABLE = pl.DataFrame(
    {
        "name": [f"n{i}" for i in range(40)] + ["n3"],
        "x": [None if i % 8 == 5 else i % 10 for i in range(40)] + [77],
        "z": [i // 2 if i < 20 else i for i in range(40)] + [99],
        "y": [None if i == 7 else "yes" if i % 3 else "no" for i in range(40)] + ["no"],
    }
)
CONFIG = {
    "target": "y",
    "roles": {"id": "name"},
    "trainer": "decision_tree",
    "transform": [
        "drop_missing_target",
        {"component": "dedupe", "columns": ["z"]},
        {"component": "impute", "columns": ["x"], "number": "constant", "number_value": 50},
        {"component": "clip", "columns": ["x"], "upper": 8},
    ],
    "packager": ["pickle"],
    "audit": "off",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("traced")
    TABLE.write_csv(folder / "rows.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_STORE_KEY", "of these tests")
        yield folder


@pytest.fixture(autouse=True)
def _home(_own_home: None, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "of these tests")
    monkeypatch.setenv("HOOKLINE_HOME", str(place / "home"))


@pytest.fixture(scope="module")
def run(place: Path) -> hl.Run:
    return hl.run(CONFIG, source=place / "rows.csv", home=place / "home")


@pytest.fixture
def own(run: hl.Run, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, with the run in it, to be harmed."""
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    shutil.copy2(place / "rows.csv", tmp_path / "rows.csv")
    hl.run(CONFIG, source=tmp_path / "rows.csv")
    return tmp_path


def outcomes(trace: RowTrace) -> list[tuple[str, str]]:
    return [(step.component, step.outcome) for step in trace.steps]


def test_a_repeated_row_names_the_one_that_stayed(run: hl.Run) -> None:
    trace = hl.why(run.id, "n9")
    assert outcomes(trace) == [("drop_missing_target", "kept"), ("dedupe", "dropped")]
    assert (trace.part, trace.dropped_by) == (None, "transform.dedupe")
    assert trace.steps[-1].repeats == hl.why(run.id, "n8").row
    assert trace.verdict == 'row n9 (position 9) was dropped by transform.dedupe (columns=["z"]): it repeats row n8'


def test_a_row_dropped_for_another_reason_repeats_none(run: hl.Run) -> None:
    trace = hl.why(run.id, "n7")
    assert outcomes(trace) == [("drop_missing_target", "dropped")]
    assert trace.steps[0].repeats is None


def test_a_row_dropped_by_a_condition_is_told_the_condition(place: Path) -> None:
    filtered = {"component": "filter_rows", "column": "x", "op": "<", "value": 50}
    run = hl.run(CONFIG | {"transform": ["drop_missing_target", filtered]}, source=place / "rows.csv")
    trace = hl.why(run, position=40)
    assert trace.verdict == ('row n3 (position 40) was dropped by transform.filter_rows (column="x", op="<", value=50)')


def test_each_change_is_told_with_the_value_before_and_after(run: hl.Run) -> None:
    trace = hl.why(run.id, "n29")
    assert outcomes(trace)[2:] == [("impute", "changed"), ("clip", "changed")]
    changes = [dataclasses.astuple(change) for step in trace.steps for change in step.changes]
    assert changes == [("x", None, 50.0), ("x", 50.0, 8.0)]
    assert "transform.impute and transform.clip changed 2 cells of it" in trace.verdict


def test_an_untouched_row_says_where_it_went(run: hl.Run) -> None:
    parts = {row: hl.why(run.id, f"n{row}").part for row in (22, 24, 26, 28, 30, 32, 34, 36, 38)}
    assert set(parts.values()) == {"train", "test"}
    trace = hl.why(run.id, "n22")
    assert {step.outcome for step in trace.steps} == {"kept"}
    assert trace.verdict.endswith("row; no transform changed it")


def test_every_row_agrees_with_the_ledger(run: hl.Run) -> None:
    traces = [hl.why(run, position=position) for position in range(TABLE.height)]
    for entry in run.evidence["cleaning"]:
        steps = [step for trace in traces for step in trace.steps if step.stage == entry["stage"]]
        assert sum(step.outcome == "dropped" for step in steps) == entry["rows_dropped"]
        assert sum(len(step.changes) for step in steps) == sum(entry["cells_changed"].values())
    assert [sum(trace.part == part for trace in traces) for part in ("train", "test")] == [
        run.evidence["split"]["train"],
        run.evidence["split"]["test"],
    ]


def test_an_id_that_names_several_rows_is_asked_back(run: hl.Run) -> None:
    with pytest.raises(DataError, match=r"2 rows of rows have the name 'n3', at positions 3, 40") as caught:
        hl.why(run.id, "n3")
    assert caught.value.hint == "say which by its position: --position 3"
    assert hl.why(run.id, position=40).row.id == "n3"


def test_an_unknown_row_suggests_the_closest(run: hl.Run) -> None:
    with pytest.raises(DataError, match="no row of rows has the name 'm29'") as caught:
        hl.why(run.id, "m29")
    assert caught.value.hint == "did you mean 'n29'?"
    with pytest.raises(DataError, match=r"there is no row 41: the rows of rows are 0 to 40"):
        hl.why(run.id, position=41)
    with pytest.raises(UsageError, match="either `row` or `position`"):
        hl.why(run.id)
    with pytest.raises(UnknownName, match="no run named 'nothing'"):
        hl.why("nothing", "n1")


def test_without_an_id_role_rows_go_by_position() -> None:
    rows = TABLE.drop("name").drop_nulls()
    run = hl.run(source=rows, target="y", trainer="decision_tree", transform=["dedupe"], audit="off")
    assert hl.why(run, 4).row.position == 4
    with pytest.raises(UsageError, match="'n4' is no position: this run has no id role"):
        hl.why(run, "n4")


def test_numbers_as_ids_suggest_the_nearest() -> None:
    rows = TABLE.drop("name").drop_nulls().with_columns(code=pl.int_range(pl.len()) * 10 + 1000)
    run = hl.run(
        source=rows, target="y", roles={"id": "code"}, trainer="decision_tree", transform=["dedupe"], audit="off"
    )
    assert hl.why(run, 1040).row.position == 4
    with pytest.raises(DataError, match="no row of frame has the code '1042'") as caught:
        hl.why(run, 1042)
    assert str(caught.value.hint).startswith("the closest are 1040, 1050, 1030")


def test_a_frame_in_memory_can_be_asked_only_where_it_is() -> None:
    run = hl.run(source=TABLE.drop_nulls(), target="y", trainer="decision_tree", transform=["dedupe"], audit="off")
    assert hl.why(run, 0).part in ("train", "test")
    with pytest.raises(DataError, match="a data frame in the memory of the process that made it"):
        hl.why(run.id, 0)


def test_a_changed_source_is_refused(own: Path) -> None:
    TABLE.with_columns(x=pl.lit(1)).write_csv(own / "rows.csv")
    with pytest.raises(DataError, match=r"the data of run \S+ have changed since: source 'file'"):
        hl.why("last", "n22")


def test_what_the_store_lost_is_computed_again(own: Path, run: hl.Run) -> None:
    shutil.rmtree(own / "home" / "store")
    for row in ("n9", "n22", "n29"):
        found, known = hl.why("last", row), hl.why(run, row)
        assert (found.part, found.steps) == (known.part, known.steps)


def test_a_package_keeps_what_a_changed_transform_had_learned(
    own: Path, project_module: Callable[[str, str], str]
) -> None:
    code = """
        from dataclasses import dataclass
        import polars as pl
        from hookline import Dataset, Transform, hookimpl

        @dataclass(frozen=True)
        class FittedAdd:
            amount: float
            def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
                return frame.with_columns(pl.col("x") + self.amount)

        class Add(Transform):
            '''Add a number.'''
            name = "add"
            def fit(self, train: Dataset) -> FittedAdd:
                return FittedAdd(5.0)

        @hookimpl
        def register_transforms():
            return [Add]
    """
    project_module("adding", code)
    run = hl.run(CONFIG, source=own / "rows.csv", transform=["add"], trainer="hist_gradient_boosting", target="z")
    store = open_workspace().store
    fingerprints = {stage["key"]: stage["fingerprint"] for stage in run.evidence["plan"]}
    record = json.loads((run.path / "evidence.json").read_text("utf-8"))
    for stage in record["plan"]:
        if stage["key"] == "transform.add":
            # As if the plugin's code had been another one then.
            stage["fingerprint"] = "abc"
    (run.path / "evidence.json").write_text(json.dumps(record), "utf-8")
    assert store.discard(fingerprints["transform.add"])
    trace = hl.why(run.path, "n22")
    assert [(change.before, change.after) for step in trace.steps for change in step.changes] == [(2, 7.0)]
    shutil.rmtree(run.path / "packages")
    with pytest.raises(DataError, match=r"the store no longer holds stage 'transform.add'"):
        hl.why(run.path, "n22")


def test_a_run_that_never_came_to_the_split_says_so(tmp_path: Path) -> None:
    TABLE.head(1).write_csv(tmp_path / "one.csv")
    with pytest.raises(DataError, match="too few"):
        hl.run(CONFIG, source=tmp_path / "one.csv")
    with pytest.raises(DataError, match=r"run \S+ failed before stage 'split' was done"):
        hl.why("last", "n0")


def test_a_trace_is_a_frame_and_a_page(run: hl.Run) -> None:
    trace = hl.why(run, "n29")
    assert trace.frame().filter(pl.col("outcome") == "changed").rows() == [
        ("transform.impute", "changed", "x", "null", "50.0"),
        ("transform.clip", "changed", "x", "50.0", "8.0"),
    ]
    assert trace.frame()["step"].to_list()[2] == "split"
    assert "changed 2 cells" in trace._repr_html_()


def test_the_command_prints_json_and_takes_a_position(run: hl.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "why", run.id, "--position", "9", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dropped_by"], told["row"]) == ("transform.dedupe", {"position": 9, "id": "n9"})
    assert told["steps"][-1]["repeats"] == {"position": 8, "id": "n8"}
    assert main(["data", "why", run.id]) == 2
    assert "--row" in capsys.readouterr().err
