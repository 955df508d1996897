"""`hl.predict`: a table answered as a model's policy says, into a file that a killed process is gone on with, on record."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.cli.models.predict import _to_stdout
from hookline.cli.runs.progress import RowProgress
from hookline.errors import DataError, PluginError, StoreError, UnknownName, UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.deployments import Deployment, Route
from hookline.live.batch.panel import Framed, Who, who_answers
from hookline.live.batch.predicting import Work
from hookline.live.records import records_in
from hookline.live.routing import Router
from hookline.packages import scoring
from hookline.packages.scoring import Tally
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.workspace.workspace import open_workspace
from kit.processes import run_python

ROWS = 1_050
QUICK = {"trainer": "decision_tree", "packager": ["onnx"], "deployer": "local", "monitor": [], "evaluator": []}


def table(rows: int, low: str, high: str) -> pl.DataFrame:
    places = pl.int_range(rows, eager=True)
    frame = pl.DataFrame({"x": (places % 10).cast(pl.Float64), "customer": places % 97})
    return frame.with_columns(pl.when(pl.col("x") < 5).then(pl.lit(low)).otherwise(pl.lit(high)).alias("y"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model, whose second version says the contrary of the first, and whose third says other words."""
    home = tmp_path_factory.mktemp("home")
    roles = hl.Roles(target="y", ignore=("customer",))
    for words in ("ab", "ba", "cd"):
        hl.run(source=table(200, *words), roles=roles, name="m", home=home, **QUICK)
    routes = (Route(1, 0.7), Route(2, 0.3, arm="canary"), Route(3, 1.0, shadow=True, arm="shadow"))
    policy = Deployment("m", 1, routes, "local", key="customer")
    open_workspace(home).catalog.deployments.record(policy, "for a test")
    return home


@pytest.fixture
def home(shared: Path) -> Iterator[Path]:
    """The same, with an empty log."""
    yield shared
    for file in (shared / "predictions").glob("*/*"):
        file.unlink()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 100)
    monkeypatch.setattr(scoring, "PIECE_ROWS", 100)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    table(ROWS, "a", "b").drop("y").write_parquet(path)
    return path


KILLED = """
import os, signal, sys
from pathlib import Path
from hookline.live.batch.panel import Who, who_answers
from hookline.live.batch.predicting import Work
from hookline.packages import scoring
from hookline.packages.scoring import Tally
from hookline.registry.registry import load_registry
class Killer(scoring.Silent):
    def at(self, rows):
        if rows == 800:
            os.kill(os.getpid(), signal.SIGKILL)
data, output, home = sys.argv[1:]
scoring.BATCH_ROWS = scoring.PIECE_ROWS = 100
registry, who = load_registry(), who_answers("m:1", None, None, home)
Work.of(registry, who, who.load(registry)).recorded(True, home).reading(data, {}).write(Path(output), teller=Killer())
"""


def test_what_a_killed_process_had_done_is_not_done_again_and_each_answer_is_on_record_once(
    home: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out" / "out.parquet"
    assert run_python(KILLED, data, output, home, check=False).returncode == -signal.SIGKILL
    assert not output.exists()
    done = len(list(output.parent.glob(".out.parquet.*.parts/*.arrow")))
    assert 6 <= done <= 8
    assert [*hl.predictions("m", home=home)] == []
    # A chunk that the other had written the records of, and whose answers were lost.
    *_, last = sorted(output.parent.glob(".out.parquet.*.parts/*.arrow"))
    last.unlink()
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    assert main(["predict", "m:1", str(data), "-o", str(output), "--log"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"{done - 1}00 rows were done already",
        "1,050 rows, 0 of them unlike the training data",
    ]
    found = pl.read_parquet(output)
    assert main(["predict", "m:1", str(data), "-o", str(tmp_path / "whole.parquet")]) == 0
    assert found.drop("prediction_id").equals(pl.read_parquet(tmp_path / "whole.parquet"))
    told = {record["id"]: record for record in hl.predictions("m", home=home)}
    assert sum(1 for _ in hl.predictions("m", home=home)) == ROWS
    assert found["prediction_id"].to_list() == [*told]
    assert [record["prediction"] for record in told.values()] == found["prediction"].to_list()
    assert [path.name for path in output.parent.iterdir()] == ["out.parquet"]


class Snapshot(scoring.Silent):
    """Keeps a copy of what is on the disk when half of the rows are done, as a kill would leave it, and ends the work."""

    def __init__(self, folder: Path, copy: Path) -> None:
        self.folder, self.copy, self.found = folder, copy, 0

    def begin(self, done: int) -> None:
        self.found = done

    def at(self, rows: int) -> None:
        if rows == 600 and not self.copy.exists():
            # Without what the other thread may rename meanwhile.
            shutil.copytree(self.folder, self.copy, ignore=shutil.ignore_patterns("*.part"))
            raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", scoring.FORMATS)
def test_the_file_of_work_that_was_gone_on_with_is_byte_for_byte_that_of_work_done_at_once(
    shared: Path, data: Path, tmp_path: Path, suffix: str
) -> None:
    whole, halves, copy = tmp_path / f"whole{suffix}", tmp_path / "out" / f"halves{suffix}", tmp_path / "copy"
    work = work_of(shared, data, {})
    work.write(whole)
    teller = Snapshot(halves.parent, copy)
    with pytest.raises(KeyboardInterrupt):
        work.write(halves, teller=teller)
    assert [*halves.parent.iterdir()] == []
    shutil.copytree(copy, halves.parent, dirs_exist_ok=True)
    assert work.write(halves, teller=teller) == Tally(ROWS, 0)
    # The last one may be on its way to the disk, or there already.
    assert teller.found in (400, 500, 600)
    assert whole.read_bytes() == halves.read_bytes()
    assert [*halves.parent.iterdir()] == [halves]


class Second(scoring.Silent):
    """A second process with the same output, while the first is at work."""

    def __init__(self, work: Work, path: Path) -> None:
        self.work, self.path = work, path

    def at(self, rows: int) -> None:
        self.work.write(self.path)


def test_a_second_process_with_the_same_output_is_refused(shared: Path, data: Path, tmp_path: Path) -> None:
    work, path = work_of(shared, data, {}), tmp_path / "out" / "out.csv"
    with pytest.raises(UsageError, match="another process is writing .*out.csv"):
        work.write(path, teller=Second(work, path))
    assert [*path.parent.iterdir()] == []
    assert work.write(path).rows == ROWS


def test_what_nobody_holds_of_other_work_with_the_same_output_is_tidied(
    shared: Path, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    other, foreign = folder / f".o.csv.{'0' * 16}.parts", folder / f".p.csv.{'0' * 16}.parts"
    for one in (other, foreign):
        one.mkdir(parents=True)
        (one / "00000000-100-0.arrow").write_text("")
    (folder / ".o.csv.lock").write_text("")
    assert hl.predict("m:1", data, folder / "o.csv", home=shared) == folder / "o.csv"
    assert {path.name for path in folder.iterdir()} == {"o.csv", foreign.name}


def test_other_rows_are_other_work(shared: Path, data: Path, tmp_path: Path) -> None:
    jobs = set()
    for rows in (1, 2, 2):
        table(rows, "a", "b").write_parquet(data)
        for fields in ({}, {"missing": ("-",)}):
            jobs.add(work_of(shared, data, fields)._job(tmp_path / "out.csv"))
    jobs.add(work_of(shared, data, {}).recorded(True, shared)._job(tmp_path / "out.csv"))
    assert len(jobs) >= 5
    assert work_of(shared, pl.read_parquet(data), {})._job(tmp_path / "out.csv") is None


def work_of(home: Path, data: object, fields: dict[str, object]) -> Work:
    registry, who = load_registry(), who_answers("m:1", None, None, home)
    return Work.of(registry, who, who.load(registry)).reading(data, fields)


def test_each_row_is_answered_by_the_version_that_the_policy_says(home: Path, data: Path) -> None:
    rows = pl.read_parquet(data)
    found = hl.predict("m", data, log=True, home=home)
    assert isinstance(found, pl.DataFrame)
    router = Router.of(open_workspace(home).catalog.deployments.current("m") or pytest.fail("no policy"))
    routes = [router.route(customer) for customer in rows["customer"]]
    assert found["row_id"].to_list() == list(range(ROWS))
    assert found["version"].to_list() == [route.version for route in routes]
    assert found["arm"].to_list() == [route.arm for route in routes]
    assert 150 < (found["version"] == 2).sum() < 500
    firsts = ["ab"[x >= 5] for x in rows["x"]]
    others = {"a": "b", "b": "a"}
    assert found["prediction"].to_list() == [
        first if route.version == 1 else others[first] for first, route in zip(firsts, routes, strict=True)
    ]
    assert found.columns[-4:] == ["warnings", "version", "arm", "prediction_id"]
    told = {record["id"]: record for record in hl.predictions("m", home=home)}
    records = [told[one] for one in found["prediction_id"]]
    assert [record["version"] for record in records] == found["version"].to_list()
    assert [record["key"] for record in records] == [str(customer) for customer in rows["customer"]]
    assert {record["arm"] for record in records} == {"batch"}
    assert records[7]["row"] == rows.row(7, named=True)
    assert sum(records[7]["probabilities"]) == pytest.approx(1)
    assert len(told) == ROWS


def test_what_is_asked_again_without_a_file_is_on_record_beside_what_was_asked_before(home: Path, data: Path) -> None:
    first, again = (hl.predict("m:1", data, log=True, home=home) for _ in range(2))
    assert isinstance(first, pl.DataFrame)
    assert isinstance(again, pl.DataFrame)
    told = [record["id"] for record in hl.predictions("m", home=home)]
    assert sorted(told) == sorted([*first["prediction_id"], *again["prediction_id"]])


def test_what_the_log_is_to_keep_of_a_row_holds_here_too(home: Path, data: Path) -> None:
    folder = home / "predictions" / "m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.yaml").write_text("columns: {customer: hash, x: drop}\n")
    found = hl.predict("m", data, log=True, home=home)
    assert isinstance(found, pl.DataFrame)
    records = {record["id"]: record for record in hl.predictions("m", home=home)}
    for name, customer in zip(found["prediction_id"], pl.read_parquet(data)["customer"], strict=True):
        record = records[name]
        assert "x" not in record["row"]
        assert record["row"]["customer"] == record["key"] != str(customer)


@pytest.mark.parametrize("columns", ["{}", "{customer: hash}", "{customer: drop, x: drop}"])
def test_a_row_that_the_log_is_not_to_keep_is_none(home: Path, data: Path, columns: str) -> None:
    folder = home / "predictions" / "m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.yaml").write_text(f"sample: 0.5\ncolumns: {columns}\n")
    found = hl.predict("m:1", data, log=True, home=home)
    assert isinstance(found, pl.DataFrame)
    records = [*hl.predictions("m", home=home)]
    assert [record["id"] for record in records] == found["prediction_id"].to_list()
    kept = [(record["row"], place) for place, record in enumerate(records) if record["row"]]
    assert (300 < len(kept) < 750) if "x" not in columns else kept == []
    assert all(row["x"] == place % 10 and row["customer"] is not None for row, place in kept)


def test_a_version_that_is_named_answers_alone(shared: Path, data: Path) -> None:
    found = hl.predict("m:2", pl.read_parquet(data), home=shared)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == ["row_id", "prediction", "probability_a", "probability_b", "warnings"]
    assert found["prediction"].to_list()[:6] == ["b", "b", "b", "b", "b", "a"]


def test_a_row_without_a_key_goes_the_same_way_each_time(shared: Path, data: Path) -> None:
    rows = pl.read_parquet(data).with_columns(customer=pl.lit(None, pl.Int64))
    first, again = (hl.predict("m", rows, home=shared) for _ in range(2))
    assert isinstance(first, pl.DataFrame)
    assert isinstance(again, pl.DataFrame)
    assert first.equals(again)
    assert 200 < (first["version"] == 2).sum() < 430


def test_data_without_the_column_that_decides_are_refused(shared: Path, data: Path) -> None:
    with pytest.raises(DataError, match="'customer', and the data have none\nhint: .*m:1"):
        hl.predict("m", pl.read_parquet(data).drop("customer"), home=shared)


def test_versions_that_do_not_predict_the_same_are_refused(shared: Path) -> None:
    folders = {version: find(f"m:{version}", shared).folder for version in (1, 3)}
    who = Who(folders, Deployment("m", 1, (Route(1, 0.5), Route(3, 0.5)), "local"), "m")
    with pytest.raises(UsageError, match="lets version 3 answer, which does not predict .*\nhint: name one: m:3"):
        who.load(load_registry())


def test_a_scorer_that_nothing_brings_is_named_with_those_there_are(shared: Path, data: Path) -> None:
    with pytest.raises(UnknownName, match="no scorer named 'rai'\nhint: .*ray"):
        hl.predict("m:1", data, on="rai", home=shared)


SCORER = """
    import pickle
    from hookline import hookimpl

    def score(make, chunks):
        answer = pickle.loads(pickle.dumps(make))()
        for chunk in chunks:
            yield pickle.loads(pickle.dumps(answer(pickle.loads(pickle.dumps(chunk)))))

    @hookimpl
    def register_scorers():
        return {NAME: score}
"""


def test_a_scorer_of_a_plugin_gives_the_same_and_what_it_is_given_can_be_pickled(
    home: Path, data: Path, tmp_path: Path, project_module: Callable[[str, str], str]
) -> None:
    project_module("elsewhere", SCORER.replace("NAME", '"elsewhere"'))
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    assert hl.predict("m", data, here, home=home) == here
    assert hl.predict("m", data, there, on="elsewhere", home=home) == there
    assert here.read_bytes() == there.read_bytes()
    logged = hl.predict("m", data, on="elsewhere", log=tmp_path / "log", home=home)
    assert isinstance(logged, pl.DataFrame)
    assert logged.drop("prediction_id").equals(pl.read_parquet(here))
    records = records_in(tmp_path / "log")
    assert records is not None
    assert len(records.found) == ROWS


@pytest.mark.parametrize(("name", "told"), [('"ray"', "is already taken by plugin 'ray'"), ("7", "returned 7")])
def test_a_scorer_that_is_none_or_whose_name_is_taken_is_refused(
    project_module: Callable[[str, str], str], name: str, told: str
) -> None:
    project_module("elsewhere", SCORER.replace("NAME", name))
    with pytest.raises(PluginError, match=told):
        load_registry()


def test_an_error_leaves_no_record_and_no_part(home: Path, data: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(data).with_columns(x=pl.when(pl.col("x").is_not_null()).then(pl.lit("word")))
    rows = pl.concat([pl.read_parquet(data).cast({"x": pl.String}), rows])
    rows.write_parquet(data)
    with pytest.raises(DataError, match="must be a number"):
        hl.predict("m:1", data, tmp_path / "out" / "out.csv", log=True, home=home)
    assert [*hl.predictions("m", home=home)] == []
    assert [*(tmp_path / "out").iterdir()] == []


@pytest.mark.parametrize(("formulas", "told"), [(False, "'=1+1"), (True, "=1+1")])
def test_predictions_on_stdout_are_safe_to_open_unless_somebody_wants_them_as_they_are(
    shared: Path, data: Path, capsys: pytest.CaptureFixture[str], formulas: bool, told: str
) -> None:
    def answer(chunks: Iterable[pl.DataFrame]) -> Iterator[Framed]:
        for chunk in chunks:
            yield Framed(chunk.select(row_id=ROW_ID, prediction=pl.lit("=1+1")), {})

    work = replace(work_of(shared, data, {}), answer=answer)
    assert _to_stdout(work, formulas=formulas).rows == ROWS
    assert capsys.readouterr().out.splitlines() == ["row_id,prediction", *(f"{row},{told}" for row in range(ROWS))]


class Obstacle(scoring.Silent):
    """Has a folder stand where records of the fourth chunk are to go, as a disk that is full halfway would stop them."""

    def __init__(self, output: Path, log: Path) -> None:
        self.output, self.log, self.found, self.told = output, log, 0, 0

    def begin(self, done: int) -> None:
        self.found = done

    def at(self, rows: int) -> None:
        self.told += 1
        if rows == 600:
            (waiting,) = self.output.parent.glob(f".{self.output.name}.*.parts/predictions-*-00000003.ndjson")
            (self.log / waiting.name).mkdir(parents=True)


def test_answers_that_could_not_all_be_recorded_are_none_on_record_until_the_same_is_asked_again(
    home: Path, data: Path, tmp_path: Path
) -> None:
    output, log = tmp_path / "out" / "out.parquet", home / "predictions" / "m"
    work, teller = work_of(home, data, {}).recorded(True, home), Obstacle(output, log)
    with pytest.raises(StoreError, match="cannot be recorded.*\nhint: free the disk, and say the same again"):
        work.write(output, teller=teller)
    (obstacle,) = log.iterdir()
    obstacle.rmdir()
    assert not output.exists()
    before = teller.told
    assert work.write(output, teller=teller).rows == teller.found == ROWS
    assert teller.told == before
    told = [record["id"] for record in hl.predictions("m", home=home)]
    assert told == pl.read_parquet(output)["prediction_id"].to_list()
    assert [*output.parent.iterdir()] == [output]


def test_of_work_that_is_never_found_again_nothing_is_left_where_its_answers_could_not_all_be_recorded(
    home: Path, data: Path, tmp_path: Path
) -> None:
    output, log = tmp_path / "out" / "out.parquet", home / "predictions" / "m"
    work = work_of(home, pl.read_parquet(data), {}).recorded(True, home)
    with pytest.raises(StoreError, match="cannot be recorded"):
        work.write(output, teller=Obstacle(output, log))
    (obstacle,) = log.iterdir()
    obstacle.rmdir()
    assert [*output.parent.iterdir()] == []


def test_lines_say_how_far_it_is_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline.cli.runs.progress.LINE_SECONDS", 0.0)
    progress = RowProgress(lambda: 1_000)
    progress.begin(0)
    progress.at(100)
    assert progress.counting is not None
    progress.counting.join()
    progress.at(500)
    progress.close()
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("500 of 1,000 rows, ")
    assert " rows/s, 0:00:00 left" in last


def test_a_terminal_has_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_PROGRESS", "rich")
    progress = RowProgress(lambda: 1_000)
    progress.begin(300)
    progress.at(500)
    assert progress.counting is not None
    progress.counting.join()
    progress.at(600)
    progress.bar.refresh()
    progress.close()
    told = capsys.readouterr().err
    assert "300 rows were done already" in told
    assert "600/1000" in told
    assert "rows/s" in told
