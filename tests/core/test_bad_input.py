"""When everything is typed wrong: one clear message each, the right exit code, nothing on stdout, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.data.frames import to_polars
from hookline.errors import ConfigError, DataError, HooklineError, StoreError, UsageError
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.registry.registry import Registry, load_registry
from kit.advice import hint_of
from kit.command_line import Told
from kit.places import own_home
from kit.processes import HOOKLINE, run_command

Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(hookline: Told) -> Refused:
    """Run a command line that must fail; returns exit code and stderr, and sees that stdout stays empty."""

    def tell(*argv: str) -> tuple[int, str]:
        code, out, err = hookline(*argv)
        assert out == ""
        assert "Traceback" not in err
        assert err.count("error: ") == 1, err
        return code, err

    return tell


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("transform=[imputee,clipp]",), ["'imputee'; did you mean 'impute'", "'clipp'; did you mean 'clip'"]),
        (("trianer=ridge", "sed=1"), ["trianer: unknown key; did you mean 'trainer'", "sed: unknown key"]),
        (("trainer=rigde", "roles.tagret=y"), ["trainer: no trainer named 'rigde'", "roles.tagret: unknown key"]),
        (("trainer=rigde", "a b=c"), ["no trainer named 'rigde'", "a b=c: is no override"]),
        (
            ("seed=-1", "split.test=2", "trainer=logistic_regression", "trainer.C=x"),
            ["seed: must be", "split.test: must be", "trainer.C: must be"],
        ),
        (("split.test=0.9", "split.valid=0.5"), ["split: leaves nothing to train on"]),
        (("transform=[impute,impute]",), ["transform: 'impute' is named 2 times"]),
        (("source=[iris,wine]",), ["source: takes one component, got 2: iris, wine"]),
        (("trainer=",), ["no trainer named ''"]),
        (("tagret=y", "igonre=[x]"), ["did you mean 'target'", "did you mean 'ignore'"]),
        (("=x",), ["=x: unknown key"]),
        (('seed="x',), ["'seed=\"x' is no override"]),
        (("~nothing",), ["nothing: unknown key"]),
        (("seed=1,2",), ["'seed=1,2' gives several values", "a sweep takes them: hookline -m seed=1,2"]),
        (("-m", "seed=range(1,0)"), ["seed: the range is empty"]),
        (
            ("-m", "split.test=interval(0.1,0.4)"),
            ["an interval has too many", "hydra/sweeper=optuna searches intervals"],
        ),
        (("-m", "trainer=ridge,rigde"), ["did you mean 'ridge'"]),
        (("seed=99999999999",), ["seed: must be less than 4294967296"]),
        (("seed=" + "9" * 5000,), ["is no override"]),
        (("gates.accuracy=nan",), ["gates.accuracy: must be a finite number, got nan"]),
        (("settings=1",), ["settings: must be a mapping"]),
        (("source=iris", "source.path=x"), ["source.path: unknown field; it has no fields"]),
        (("roles=[x]",), ["roles: cannot be [x]"]),
        (("seed=${oc.env:NOPE_NOPE}",), ["Environment variable 'NOPE_NOPE' not found"]),
        (("--frob",), ["unrecognized arguments: --frob", "hint: hookline run --help"]),
        (("--cfg", "jobb"), ["invalid choice: 'jobb'"]),
        (("--config-dir", "nowhere", "seed=1"), ["there is no folder", "nowhere"]),
        (("",), ["no command named ''"]),
        (("x" * 9_000 + "=1",), ["unknown key"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_every_fault_of_a_command_line_is_told_at_once(
    refused: Refused, argv: tuple[str, ...], told: list[str]
) -> None:
    code, err = refused(*argv)
    assert code == 2
    for text in told:
        assert text in err
    assert len(err) < 1_500


HEAD = "# @package _global_\ndefaults:\n  - override /source: iris\n  - override /trainer: decision_tree\n"
FILES = {
    "not closed": ("# @package _global_\ntrainer: {component: ridge\nseed: 3\n", ["is not valid YAML", "line 3"]),
    "indented": (HEAD + "trainer:\n  max_depth: 3\n max_leaf: 2\n", ["is not valid YAML", "line 7"]),
    "tabs": (HEAD + "trainer:\n\tmax_depth: 3\n", ["line 6", "indent with spaces, not with tabs"]),
    "a key twice": (HEAD + "seed: 1\nseed: 2\n", ["line 6", "found duplicate key seed"]),
    "a python tag": (HEAD + "name: !!python/object/apply:os.system [ls]\n", ["line 5", "python/object"]),
    "a target": (HEAD + "trainer:\n  _target_: os.system\n", ["trainer._target_: is not allowed"]),
    "an unknown default": (HEAD + "seed: 1\n".replace("seed", "sed"), ["sed: unknown key; did you mean 'seed'"]),
    "a default that is not there": ("# @package _global_\ndefaults:\n  - override /trainer: forst\n", ["'forst'"]),
    "no package line": ("seed: 3\n", ["experiment.seed: would not be read", "# @package _global_"]),
    "nothing": ("", ["holds no settings"]),
    "a list": ("- a\n- b\n", ["holds no settings"]),
    "half an interpolation": (HEAD + "name: ${\n", ["name"]),
    "itself": ("# @package _global_\ndefaults:\n  - mine\n", ["the config includes itself"]),
    "two faults": (HEAD + "seed: -1\ntrainer:\n  foo: 1\n", ["seed: must be", "trainer.foo: unknown field"]),
    "latin-1": (HEAD.encode() + "name: café\n".encode("latin-1"), ["is not UTF-8"]),
}


@pytest.mark.parametrize("case", FILES)
def test_a_broken_experiment_is_told_by_file_and_line(refused: Refused, tmp_path: Path, case: str) -> None:
    content, told = FILES[case]
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, err = refused("--config-dir", str(tmp_path / "conf"), "experiment=mine")
    assert code == 2
    for text in told:
        assert text in err
    if "YAML" in err or "UTF-8" in err:
        assert "mine.yaml" in err


def test_plan_tells_the_same_of_an_experiment_as_run_does(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("seed: 3\n")
    with pytest.raises(ConfigError, match=r"experiment\.seed: would not be read"):
        compose(registry, ["experiment=mine"], tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        compose(registry, [], tmp_path / "nowhere")


PROJECTS = {
    "broken": ("[tool.hookline\n", "is not valid TOML"),
    "a text for a list": ('[tool.hookline]\nplugins = "x"\n', "must be a list of module names"),
    "a misspelt option": ('[tool.hookline]\nplugin = ["x"]\n', "has no option 'plugin'\nhint: did you mean 'plugins'?"),
    "no table": ("[tool]\nhookline = 3\n", "must be a table, got 3"),
    "latin-1": ("# café\n", "is not valid TOML"),
}


@pytest.mark.parametrize("case", PROJECTS)
def test_a_broken_pyproject_is_named(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    content, told = PROJECTS[case]
    (tmp_path / "pyproject.toml").write_bytes(content.encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    code, err = refused("components", "list")
    assert code == 4
    assert told in err


LOUD = """
print("at import")
from hookline import Metric, Report, Evaluator, Scored, hookimpl

class Loud(Evaluator):
    "Says something."
    name = "loud"

    def evaluate(self, scored: Scored) -> Report:
        print("while it works")
        return Report("loud", (Metric("loudness", 1.0),))

@hookimpl
def register_evaluators():
    print("while it registers")
    return [Loud]
"""


def test_what_a_plugin_prints_does_not_come_among_the_data(
    project_module: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    project_module("loud", LOUD)
    assert (
        main(["source=iris", "trainer=decision_tree", "evaluator=[loud]", "packager=[]", "deployer=null", "--json"])
        == 0
    )
    out, err = capsys.readouterr()
    assert json.loads(out)["run"]["status"] == "finished"
    assert all(f"while it {what}" in err for what in ("works", "registers"))
    assert main(["components", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_plugin_with_a_syntax_error_is_skipped_by_file_and_line(
    project_module: Callable[[str, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    name = project_module("syntax", "x = (\n")
    load_registry()
    assert f"{name}.py, line 1" in caplog.text


@pytest.mark.parametrize("home", ["file", "file/sub", "/proc/nowhere"])
@pytest.mark.parametrize("verb", [("source=iris",), ("runs", "list")])
def test_a_home_that_cannot_be_a_folder_is_named(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str, verb: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / home))
    code, err = refused(*verb)
    assert code == 1
    assert "cannot be written" in err
    assert "set HOOKLINE_HOME to a folder of yours" in err


@pytest.mark.parametrize(("url", "exit_code"), [("frob", 2), ("frob://x", 2), ("sqlite:////nowhere/x.db", 1)])
def test_a_catalog_that_cannot_be_opened_is_one_clear_error(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, url: str, exit_code: int
) -> None:
    monkeypatch.setenv("HOOKLINE_CATALOG", url)
    code, err = refused("runs", "list")
    assert code == exit_code
    assert "hint: " in err


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = run_command(["sh", "-c", f"cd {tmp_path / 'gone'} && rmdir ../gone && {HOOKLINE} components list"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the current folder is gone\nhint: cd to one that is there\n"


ROWS = 60
BASE = pl.DataFrame(
    {
        "x": [float(i * 7 % 11) for i in range(ROWS)],
        "s": ["abc"[i % 3] for i in range(ROWS)],
        "y": ["no" if i * 7 % 11 < 5 else "yes" for i in range(ROWS)],
    }
)
ROW = pl.int_range(pl.len())
TABLES: dict[str, tuple[pl.DataFrame, dict[str, object], str]] = {
    "no target column": (BASE.drop("y"), {}, "y: not a column"),
    "a target without values": (BASE.with_columns(y=pl.lit(None)), {}, "'y' is missing everywhere"),
    "a constant class": (BASE.with_columns(y=pl.lit("k")), {}, "has one value only, 'k'"),
    "a constant number": (BASE.with_columns(y=pl.lit(2.5)), {"trainer": "ridge"}, "has one value only, 2.5"),
    "a class a row": (BASE.with_columns(y=ROW.cast(pl.String)), {}, "a value of its own in every row"),
    "an infinite target": (
        BASE.with_columns(y=pl.when(ROW == 3).then(float("inf")).otherwise(ROW * 0.5)),
        {"trainer": "ridge"},
        "infinite or not a number in 1 rows",
    ),
    "a target beyond float64": (BASE.with_columns(y=2**60 + ROW), {"trainer": "ridge"}, "beyond 2^53"),
    "a target beyond squares": (BASE.with_columns(y=ROW * 1e300), {"trainer": "ridge"}, "beyond 1e+150"),
    "a nested target": (BASE.with_columns(y=pl.concat_list("x")), {}, "column 'y': columns of type List"),
    "a time of day": (BASE.with_columns(t=pl.lit(time(1, 2))), {}, "column 't': columns of type Time"),
    "a target that is a day": (BASE.with_columns(y=pl.lit(date(2024, 1, 1))), {}, "'y' is a time"),
    "infinities": (
        BASE.with_columns(x=pl.when(ROW == 3).then(float("-inf")).otherwise("x")),
        {},
        "column 'x' holds infinite values",
    ),
    "numbers beyond squares": (BASE.with_columns(x=pl.col("x") * 1e300), {}, "column 'x' holds numbers too large"),
    "no name": (BASE.rename({"x": ""}), {}, "column 1 has no name"),
    "a name with a NUL byte": (BASE.rename({"x": "a\0b"}), {}, "the name of column 1, 'a\\x00b', holds a NUL byte"),
    "a pattern for a name": (BASE.rename({"x": "^a$"}), {}, "'^a$' is a pattern"),
    "a star for a name": (BASE.rename({"x": "*"}), {}, "'*' is a pattern"),
    "our own name": (BASE.rename({"x": "__row_id__"}), {}, "is hookline's own"),
    "texts for weights": (BASE, {"roles": {"target": "y", "weight": "s"}}, "the weight 's' holds no numbers"),
    "one group": (
        BASE.with_columns(g=pl.lit(1)),
        {"roles": {"target": "y", "group": "g"}},
        "the group split leaves no test rows",
    ),
    "one moment": (
        BASE.with_columns(t=pl.lit(datetime(2024, 1, 1))),
        {"roles": {"target": "y", "time": "t"}},
        "the time split leaves no train rows",
    ),
    "no row": (BASE.head(0), {}, "0 rows"),
    "one row": (BASE.head(1), {}, "1 rows, too few"),
    "two rows": (BASE.head(2), {}, "leaves no test rows"),
    "nothing but the target": (BASE.select("y"), {}, "there is no feature column"),
    "nothing but gaps": (BASE.select("y", x=pl.lit(None)), {}, "no feature column holds anything"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_learned_from_is_told_by_its_column(case: str) -> None:
    table, config, told = TABLES[case]
    given = {"trainer": "decision_tree", "packager": [], "roles": {"target": "y"}, **config}
    with pytest.raises(DataError) as caught:
        hl.run(source=table, **given)  # type: ignore[arg-type]
    assert told in str(caught.value)


LEARNABLE: dict[str, pl.DataFrame] = {
    "a class of one row": BASE.with_columns(y=pl.when(ROW == 3).then(pl.lit("rare")).otherwise("y")),
    "a column of gaps": BASE.with_columns(z=pl.lit(None), w=pl.lit(float("nan"))),
    "whole numbers beyond int64": BASE.with_columns(u=pl.Series([2**64 - 1 - i for i in range(ROWS)], dtype=pl.UInt64)),
    "labels beyond 2^53": BASE.with_columns(y=2**60 + ROW % 2),
    "more columns than rows": BASE.with_columns((ROW * i % 7).alias(f"c{i}") for i in range(ROWS + 5)),
    "odd names": BASE.with_columns(
        pl.col("x").alias(name)
        for name in ("len", "rows", "value", "a.b", "a b", 'a"b', "a'b", "ünï", "a\nb", "{x}", "x" * 500, "__part__")
    ),
    "a text column called len": BASE.rename({"s": "len"}),
    "moments with a zone": BASE.with_columns(
        t=pl.datetime(2024, 1, 1, time_zone="Europe/Berlin") + pl.duration(hours=ROW)
    ),
    "categories and gaps": BASE.with_columns(
        e=pl.when(ROW % 9 > 0).then(pl.lit("p")).cast(pl.Enum(["p", "q"])), k=pl.col("s").cast(pl.Categorical)
    ),
    "a line of blanks": BASE.with_columns(s=pl.lit(" ")),
}


@pytest.mark.parametrize("case", LEARNABLE)
def test_an_odd_table_is_learned_from_and_its_package_agrees(case: str) -> None:
    table = LEARNABLE[case]
    transforms = [] if case == "a column of gaps" else ["impute", "rare_categories"]
    run = hl.run(source=table, target="y", trainer="decision_tree", transform=transforms, packager=["skops"])
    rows = table.drop("y")
    packaged = hl.load(run.package()).predict(rows)  # type: ignore[union-attr]
    assert packaged.values.tolist() == run.predict(rows).values.tolist()


def test_a_class_that_only_held_out_rows_have_is_told() -> None:
    table = BASE.with_columns(part=pl.when(ROW < 40).then(pl.lit("train")).otherwise(pl.lit("test"))).with_columns(
        y=pl.when(ROW == 50).then(pl.lit("new")).otherwise("y")
    )
    run = hl.run(
        source=table, target="y", trainer="decision_tree", packager=[], split={"method": "column", "column": "part"}
    )
    told = [finding["message"] for finding in run.findings if finding["statistic"] == "unseen_classes"]
    assert told == ["no training row is of class new: it cannot be predicted."]


def test_a_hundred_thousand_categories_do_not_fill_the_memory() -> None:
    rows = 20_000
    users = [f"user {i // 2}" for i in range(rows)]
    table = pl.DataFrame({"c": users, "x": range(rows), "y": ["no", "no", "yes", "yes"] * (rows // 4)})
    table = table.with_columns(part=pl.when(pl.col("x") < 14_000).then(pl.lit("train")).otherwise(pl.lit("test")))
    featurizer = {"component": "tabular", "max_categories": 100_000}
    run = hl.run(
        source=table,
        target="y",
        trainer="logistic_regression",
        featurizer=featurizer,
        packager=[],
        evaluator=[],
        split={"method": "column", "column": "part"},
    )
    matrix = next(stage["summary"] for stage in run.evidence["plan"] if stage["key"] == "features")
    assert matrix == "14,000 x 7,001 matrix"


def test_a_matrix_that_no_memory_holds_is_refused_before_it_is_made() -> None:
    from scipy.sparse import csr_matrix

    features = hl.Features(csr_matrix((5_000_000, 5_000_000), dtype="float32"), ())
    with pytest.raises(DataError, match=r"a matrix of 5,000,000 x 5,000,000 numbers takes 93,132\.3 GiB") as caught:
        features.dense()
    assert "featurizer.tabular.max_categories" in hint_of(caught.value)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    table = BASE.with_columns(
        n=ROW % 5, b=ROW % 2 == 0, t=pl.datetime(2024, 1, 1) + pl.duration(hours=ROW)
    )  # fmt: skip
    home = tmp_path_factory.mktemp("home")
    return hl.run(source=table, target="y", trainer="hist_gradient_boosting", packager=["onnx", "skops"], home=home)


GOOD = {"x": 1.0, "s": "a", "n": 1, "b": True, "t": datetime(2024, 1, 2)}
UNFIT: dict[str, tuple[object, list[str]]] = {
    "no rows at all": ([], ["there are no rows"]),
    "no table": (5, ["rows must be a data frame"]),
    "rows that are lists": ([[1, 2]], ["rows must be a data frame"]),
    "no columns": ([{}], [f"{name}: is missing" for name in GOOD]),
    "a column less": ([{k: v for k, v in GOOD.items() if k != "x"}], ["x: is missing"]),
    "texts for numbers": ([GOOD, GOOD | {"x": "much"}], ["x: must be a number, got 'much' in row 1"]),
    "far down": ([GOOD] * 500 + [GOOD | {"n": "x"}] * 3, ["n: must be a number, got 'x' in row 500"]),
    "a number for a time": ([GOOD | {"t": 5}], ["t: must be a datetime, got 5 in row 0"]),
    "a nested value": ([GOOD | {"s": {"a": 1}}], ["s: must be a string, got a struct"]),
    "a list": ([GOOD | {"x": [1]}], ["x: must be a number, got a list"]),
    "two faults": ([GOOD | {"x": "a", "b": 2}], ["x: must be a number", "b: must be a boolean, got 2"]),
    "a number beyond all": ([GOOD | {"x": 10**400}], ["the rows cannot be read as a table"]),
    "names that are numbers": ([{1: 2}], ["the rows cannot be read as a table"]),
    "moments with and without a zone": (
        [GOOD | {"t": datetime(2024, 1, 1).astimezone()}, GOOD],
        ["the rows cannot be read as a table"],
    ),
    "columns of two lengths": (
        {name: [1, 2] if name == "x" else [1, 2, 3] for name in GOOD},
        ["cannot be read as a table"],
    ),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("by", ["run", "package"])
def test_rows_that_do_not_fit_are_told_by_column_and_row(learned: hl.Run, case: str, by: str) -> None:
    rows, told = UNFIT[case]
    predictor = learned if by == "run" else hl.load(learned.package("onnx"))
    with pytest.raises(DataError) as caught:
        predictor.predict(rows)  # type: ignore[union-attr]
    for text in told:
        assert text in str(caught.value)


FIT: dict[str, pl.DataFrame] = {
    "other order": pl.DataFrame([dict(reversed(GOOD.items()))]),
    "more columns": pl.DataFrame([GOOD | {"more": 1}]),
    "a new category": pl.DataFrame([GOOD | {"s": "never"}]),
    "numbers as texts": pl.DataFrame([GOOD | {"x": "1.5"}]),
    "fractions for whole numbers": pl.DataFrame([GOOD | {"n": 1.5}]),
    "beyond int64": pl.DataFrame([GOOD]).with_columns(n=pl.lit(2**64 - 1, dtype=pl.UInt64)),
    "not a number": pl.DataFrame([GOOD | {"x": float("nan")}]),
    "infinite": pl.DataFrame([GOOD | {"x": float("inf")}]),
    "gaps everywhere": pl.DataFrame([dict.fromkeys(GOOD)]),
    "no rows": pl.DataFrame([GOOD]).head(0),
}


@pytest.mark.parametrize("case", FIT)
def test_odd_rows_that_fit_are_answered_alike_by_run_and_packages(learned: hl.Run, case: str) -> None:
    rows = FIT[case]
    expected = learned.predict(rows)
    assert len(expected.values) == rows.height
    for name in ("onnx", "skops"):
        answered = hl.load(learned.package(name)).predict(rows)  # type: ignore[union-attr]
        assert answered.values.tolist() == expected.values.tolist()
        assert answered.warnings == expected.warnings


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("predict", "", "x.csv"), "no model or run named ''"),
        (("predict", "x" * 5_000, "x.csv"), "no model or run named 'xxx"),
        (("predict", "a\0b", "x.csv"), "no model or run named"),
        (("serve", "x" * 5_000), "no model or run named 'xxx"),
    ],
)
def test_a_name_that_can_be_no_path_is_no_model(refused: Refused, argv: tuple[str, ...], told: str) -> None:
    code, err = refused(*argv)
    assert code == 2
    assert told in err
    assert len(err) < 400


@pytest.mark.parametrize("name", ["", "x" * 5_000])
def test_load_takes_no_impossible_path(name: str) -> None:
    with pytest.raises(HooklineError):
        hl.load(name)


def test_a_frame_keeps_its_columns_whatever_they_are_called() -> None:
    assert to_polars({"len": [1], "": [2]}).collect_schema().names() == ["len", ""]


def test_what_resolves_resolves_to_itself(registry: Registry) -> None:
    config = resolve(registry, compose(registry, ["transform=[impute,clip]", "transform.clip.upper=3", "seed=7"]))
    assert resolve(registry, config.plain()) == config


@pytest.mark.parametrize("damage", ["junk", "half", "nothing"])
def test_damaged_evidence_is_named_by_every_verb(
    refused: Refused, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    run = hl.run("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")
    path = run.path / "evidence.json"
    content = path.read_bytes()
    path.write_bytes({"junk": b"{", "half": content[: len(content) // 2], "nothing": b"{}"}[damage])
    capsys.readouterr()
    for argv in (("runs", "show", "last"), ("report", "last"), ("compare", "last", "last")):
        code, err = refused(*argv)
        assert code == 1
        assert f"{path} is damaged" in err


def test_a_run_whose_folder_is_gone_says_so(tmp_path: Path) -> None:
    import shutil

    run = hl.run("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")
    shutil.rmtree(run.path)
    with pytest.raises(DataError, match="its folder .* is gone"):
        hl.load(run.id)


CATALOGS = {
    "flipped": "malformed",
    "cut": "malformed",
    "no database": "not a database",
    "a table less": "no such table",
    "a column less": "no such column",
    "a record that is no JSON": "cannot be read",
    "another version": "format 99",
}


@pytest.mark.parametrize("damage", CATALOGS)
def test_a_damaged_catalog_is_one_clear_error_for_readers_and_writers(
    refused: Refused, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    hl.run("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")
    _damage(own_home() / "catalog.db", damage)
    capsys.readouterr()
    code, err = refused("runs", "list")
    assert code == 1
    assert CATALOGS[damage] in err
    assert "hint: " in err
    with pytest.raises(StoreError):
        hl.load("last")


def _damage(path: Path, how: str) -> None:
    import sqlite3
    from contextlib import closing

    statements = {
        "a table less": "DROP TABLE hookline_runs",
        "a column less": "ALTER TABLE hookline_runs DROP COLUMN error",
        "a record that is no JSON": "UPDATE hookline_runs SET metrics = '{'",
        "another version": "UPDATE hookline_meta SET format = 99",
    }
    with closing(sqlite3.connect(path)) as connection:
        if how in statements:
            connection.execute(statements[how])
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[4096:12000] = b"\xff" * (12000 - 4096)
    elif how == "cut":
        del content[6000:]
    elif how == "no database":
        content = bytearray(b"junk" * 500)
    for file in path.parent.glob("catalog.db*"):
        file.unlink()
    path.write_bytes(content)


def test_columns_that_no_model_takes_are_told_at_once_with_the_line_that_leaves_them_out() -> None:
    table = BASE.with_columns(tags=pl.concat_list("x"), wait=pl.duration(days=ROW), at=pl.lit(time(1, 2)))
    with pytest.raises(DataError) as caught:
        hl.run(source=table, target="y", trainer="decision_tree", packager=[])
    assert [name in str(caught.value) for name in ("'tags'", "'wait'", "'at'")] == [True] * 3
    assert caught.value.hint is not None
    assert "roles.ignore=[tags,wait,at]" in caught.value.hint
