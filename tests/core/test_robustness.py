"""Odd data, odd packages, odd plugins: one clear message each, and no wrong answer."""

from __future__ import annotations

import logging
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.data.frames import to_polars
from hookline.errors import ConfigError, DataError, StoreError
from hookline.registry.loading import load_plugins
from hookline.workspace.workspace import open_workspace
from kit.processes import run_command

Write = Callable[[str, str], str]


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "x": [float(i % 17) for i in range(200)],
            "code": [("007", "012", "A1", "B2")[i % 4] for i in range(200)],
            "y": ["a" if i % 17 < 8 else "b" for i in range(200)],
        }
    )


@pytest.mark.parametrize("packager", ["onnx", "skops"])
def test_no_format_answers_for_a_gap_that_the_model_cannot_take(table: pl.DataFrame, packager: str) -> None:
    run = hl.run(source=table, target="y", trainer="logistic_regression", packager=[packager])
    with pytest.raises(DataError, match="transform=\\[impute\\]"):
        hl.load(run.package()).predict([{"x": None, "code": "007"}])  # type: ignore[union-attr]


def test_codes_of_digits_stay_texts_when_a_file_is_scored(
    table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hl.run(source=table, target="y", trainer="decision_tree", packager=["onnx"], deployer="local", name="codes")
    (tmp_path / "new.csv").write_text("x,code\n1,007\n2,012\n")
    assert main(["predict", "codes", str(tmp_path / "new.csv")]) == 0
    assert "never seen" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"target": "y", "ignore": ("y",)}, "roles.target: 'y' is also ignored"),
        ({"target": "y", "id": "y"}, "roles.target: 'y' is also the id"),
    ],
)
def test_a_column_cannot_have_two_roles(table: pl.DataFrame, roles: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        hl.plan(source=table, roles=roles, trainer="decision_tree")


@pytest.mark.parametrize("name", ["../escaped", "a@b", "a:1", "a/b", "..", ""])
def test_a_models_name_is_no_path_and_no_alias(table: pl.DataFrame, name: str) -> None:
    if name:
        with pytest.raises(ConfigError, match=r"name: may hold letters"):
            hl.plan(source=table, target="y", trainer="decision_tree", name=name)


def test_times_as_texts_are_not_ordered_by_letters(table: pl.DataFrame) -> None:
    dated = table.with_columns(when=pl.lit("6/2/2021"))
    with pytest.raises(DataError, match=r"source.dtypes=\{when: datetime\}"):
        hl.run(source=dated, roles={"target": "y", "time": "when"}, trainer="decision_tree")


def test_a_time_is_no_target(table: pl.DataFrame) -> None:
    dated = table.with_columns(when=pl.date(2020, 1, 1))
    with pytest.raises(DataError, match="'when' is a time"):
        hl.run(source=dated, target="when", trainer="decision_tree")


def test_a_split_column_of_numbers_is_named_not_crashed_on(table: pl.DataFrame) -> None:
    numbered = table.with_columns(part=pl.lit(1))
    with pytest.raises(DataError, match="may hold only train, valid and test, got 1"):
        hl.run(source=numbered, target="y", trainer="decision_tree", split={"method": "column", "column": "part"})


def test_a_wrong_value_of_a_component_object_is_a_config_error() -> None:
    from hookline_sklearn.trainers import LogisticRegressionTrainer

    with pytest.raises(ConfigError, match=r"trainer.C"):
        hl.plan(source="iris", trainer=LogisticRegressionTrainer(C="x"))  # type: ignore[arg-type]


NOTEBOOK = """
import hookline as hl
from dataclasses import dataclass
RATE = {rate}
def scaled():
    return RATE
@dataclass(frozen=True)
class Fitted:
    by: float
    def transform(self, frame):
        return frame
class Scale(hl.Transform):
    name = "scale_nb"
    def fit(self, train: hl.Dataset) -> Fitted:
        return Fitted(scaled())
run = hl.run(source="iris", transform=[Scale()], trainer="decision_tree")
print(dict(run.stages().select("key", "status").rows())["transform.scale_nb"])
"""


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_what_a_notebooks_component_uses_is_part_of_it(tmp_path: Path, how: str) -> None:
    def run(rate: float) -> str:
        code = textwrap.dedent(NOTEBOOK).replace("{rate}", str(rate))
        script = tmp_path / "script.py"
        script.write_text(code)
        command = [sys.executable, str(script)] if how == "file" else [sys.executable, "-"]
        done = run_command(command, input=code, check=True)
        return done.stdout.split()[-1]

    assert [run(1.0), run(1.0), run(5.0)] == ["ran", "cached", "ran"]


@pytest.mark.parametrize("code", ["import sys\nsys.exit(5)\n", "1 / 0\n"])
def test_a_module_that_will_not_be_imported_is_skipped(project_module: Write, code: str) -> None:
    name = project_module("odd", code)
    plugins = load_plugins()
    assert plugins[name].skipped


@pytest.mark.parametrize("module", ["sys", "hookline_polars", "no_such_package.inner"])
def test_a_module_that_is_no_plugin_is_skipped_with_a_reason(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_PLUGINS", module)
    assert load_plugins()[module.rpartition(".")[2]].skipped


def test_a_hook_that_fails_is_named_and_the_others_are_called(
    project_module: Write, caplog: pytest.LogCaptureFixture
) -> None:
    name = project_module(
        "failing",
        """
        from hookline import hookimpl

        @hookimpl(tryfirst=True)
        def after_run(run):
            raise RuntimeError("tracker is down")

        @hookimpl(tryfirst=True)
        def render_report(evidence, path):
            raise RuntimeError("no paper")
        """,
    )
    with caplog.at_level(logging.WARNING):
        run = hl.run("source=iris", "trainer=decision_tree")
    assert run.report.is_file()
    assert f"hook after_run of plugin '{name}' failed: RuntimeError: tracker is down" in caplog.text


def test_a_metric_that_is_no_number_does_not_hide_the_run(project_module: Write) -> None:
    project_module(
        "measure",
        """
        from hookline import Dataset, Evaluator, Metric, Pipeline, Report, hookimpl

        class Nothing(Evaluator):
            "Measures nothing."
            name = "nothing"

            def evaluate(self, pipeline: Pipeline, test: Dataset) -> Report:
                return Report("nothing", (Metric("accuracy", float("nan")),))

        @hookimpl
        def register_evaluators():
            return [Nothing]
        """,
    )
    run = hl.run("source=iris", "trainer=decision_tree", "evaluator=[nothing]")
    assert run.status == "finished"
    assert run.metrics["accuracy"] != run.metrics["accuracy"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    run = hl.run("source=iris", "trainer=decision_tree", home=tmp_path / "made")
    return Path(shutil.copytree(run.package(), tmp_path / "package"))


@pytest.mark.parametrize("content", ['{"format": 1, "files": {}}', '{"format": 1}', "[]", "not json"])
def test_a_manifest_that_is_none_is_one_clear_error(package: Path, content: str) -> None:
    (package / "manifest.json").write_text(content)
    with pytest.raises(StoreError):
        hl.load(package)


def test_a_link_in_a_package_is_refused(package: Path) -> None:
    (package / "inner").symlink_to("/etc")
    with pytest.raises(StoreError, match="holds links"):
        hl.load(package)


def test_a_registered_version_does_not_change_when_the_same_run_is_made_again() -> None:
    def manifest() -> bytes:
        (path,) = Path(hl.load("last").path).parents[1].glob("models/iris/*/manifest.json")  # type: ignore[union-attr]
        return path.read_bytes()

    hl.run("source=iris", "trainer=decision_tree")
    before = manifest()
    hl.run("source=iris", "trainer=decision_tree")
    assert manifest() == before


@pytest.mark.parametrize("folder", ["a?b#c%41", "with space", "umlaut-ü"])
def test_a_home_of_any_name_holds_its_catalog(tmp_path: Path, folder: str) -> None:
    hl.run("source=iris", "trainer=decision_tree", home=tmp_path / folder)
    assert (tmp_path / folder / "catalog.db").is_file()


def test_a_catalog_can_be_shared_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_CATALOG", f"sqlite:///{tmp_path / 'shared.db'}")
    for home in ("one", "two"):
        hl.run("source=iris", "trainer=decision_tree", home=tmp_path / home)
    assert not (tmp_path / "one" / "catalog.db").exists()
    assert len(open_workspace(tmp_path / "one").catalog.runs()) == 2


def test_pandas_frames_keep_zones_and_nullable_types() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin"),
            "member": pd.array([True, None, False], dtype="boolean"),
            "count": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    found = to_polars(frame)
    assert isinstance(found, pl.DataFrame)
    assert found["member"].to_list() == [True, None, False]
    assert found["count"].to_list() == [1, None, 3]
    assert found["when"][0] == frame["when"][0].to_pydatetime()


def test_a_pandas_frame_with_one_name_twice_is_refused() -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="'a' more than once"):
        to_polars(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_infinite_values_warn_of_nothing_but_what_is_wrong(table: pl.DataFrame) -> None:
    infinite = table.with_columns(x=pl.when(pl.col("x") > 15).then(float("inf")).otherwise(pl.col("x")))
    # Warnings are errors here, so that NumPy's would come before ours.
    with pytest.raises(DataError, match="column .x. holds infinite values"):
        hl.run(source=infinite, target="y", trainer="decision_tree")
