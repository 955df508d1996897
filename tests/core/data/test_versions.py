"""Versions of data: one content is one version, runs and models are joined to it, and what changed is told."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.cli.completion.answers import answer
from hookline.cli.completion.known import Known
from hookline.data import versions
from hookline.data.versions import version_of
from hookline.errors import UnknownName
from hookline.kinds.reports import Bins, ColumnProfile
from hookline.quality.diff import LIMITS, VersionDiff, diff_versions
from hookline.quality.distributions import profile
from hookline.quality.effects import numeric_effect, numeric_effect_of_profiles
from hookline.workspace.catalog.datasets import DataRecord
from hookline.workspace.workspace import open_workspace
from hookline_polars import DataDriftMonitor


def table(shift: float = 0.0, plans: str = "ab", rows: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(shift, 1, rows)
    return pl.DataFrame(
        {
            "x": x,
            "plan": rng.choice(list(plans), rows),
            "age": rng.integers(18, 80, rows),
            "label": np.where(x + rng.normal(size=rows) > shift, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three runs: on a table, on its copy elsewhere after a transform, and on one that has moved on."""
    folder = tmp_path_factory.mktemp("versions")
    table().write_csv(folder / "customers.csv")
    shutil.copy(folder / "customers.csv", folder / "copy.csv")
    (folder / "new").mkdir()
    table(1.0, "abc").with_columns(extra=pl.lit(1), age=table()["age"]).write_csv(folder / "new" / "customers.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        for path, more in (("customers.csv", ()), ("copy.csv", ("transform=[dedupe]",)), ("new/customers.csv", ())):
            source = ("source=file", f"source.path={folder / path}", "roles.target=label", "trainer=decision_tree")
            hl.run(*source, *more, home=folder / "home")
    return folder / "home"


def fingerprint(frame: pl.DataFrame) -> str:
    return version_of(frame.lazy(), "t").fingerprint


EVERY_TYPE = pl.DataFrame(
    {
        "int": [1, None, 3],
        "float": [0.5, None, float("inf")],
        "text": ["", None, "é"],
        "flag": [True, None, False],
        "day": [date(2026, 1, 1), None, None],
        "time": [time(1), None, None],
        "length": [timedelta(1), None, None],
        "list": [[1], None, [2, 3]],
        "bytes": [b"", None, b"x"],
        "none": [None, None, None],
        "wide": pl.Series([2**100, None, 1], dtype=pl.Int128),
        "decimal": pl.Series(["1.5", None, "2"]).cast(pl.Decimal(9, 2)),
        "category": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    }
)


@pytest.mark.parametrize("name", EVERY_TYPE.columns)
def test_a_value_of_any_type_that_changes_makes_another_version(name: str) -> None:
    if name == "none":
        return
    column = EVERY_TYPE.select(name)
    changed = pl.concat([column.head(2), column.head(1)])
    assert fingerprint(changed) != fingerprint(column)


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fingerprint(EVERY_TYPE)
    monkeypatch.setattr(versions, "BATCH", 1)
    assert fingerprint(EVERY_TYPE) == whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["x", "yz"]}, {"a": ["xy", "z"]}),
        ({"a": ["", "x"]}, {"a": [None, "x"]}),
        ({"a": [0, 1]}, {"a": [None, 1]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1, 2]}, {"b": [1, 2]}),
        ({"a": [1, 2]}, {"a": [1.0, 2.0]}),
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
    ],
    ids=["text boundaries", "empty text", "zero", "order", "name", "type", "columns swapped"],
)
def test_what_is_not_the_same_is_another_version(one: dict[str, list[object]], other: dict[str, list[object]]) -> None:
    assert fingerprint(pl.DataFrame(one)) != fingerprint(pl.DataFrame(other))


def test_the_fingerprint_stays_the_same_from_release_to_release() -> None:
    assert fingerprint(pl.DataFrame({"a": [1, None], "b": ["x", ""]})) == PINNED


PINNED = "0ac503863ba75fdf72e3cd3f14a53414"


def test_a_copy_after_a_transform_is_the_same_version(at_home: Path) -> None:
    records = open_workspace().catalog.datasets.versions()
    assert [(record.version.rows, len(record.runs)) for record in records] == [(600, 1), (600, 2)]
    assert records[1].models == ("customers:1", "copy:1")
    assert records[1].origin["path"].endswith("customers.csv")


def test_evidence_and_package_name_the_version(at_home: Path) -> None:
    run = hl.load("last")
    assert isinstance(run, hl.Run)
    version = run.evidence["data"]["version"]
    manifest = json.loads((run.package() / "manifest.json").read_text("utf-8"))
    assert manifest["data"] == {"version": version, "name": "customers", "rows": 600}
    assert open_workspace().catalog.datasets.find(run.id).version.fingerprint == version


def test_a_cached_run_is_joined_to_its_version_too(at_home: Path, tmp_path: Path) -> None:
    shutil.copytree(at_home, tmp_path / "home")
    before = open_workspace(tmp_path / "home").catalog.datasets.find("last")
    hl.run(source=before.origin["path"], target="label", trainer="decision_tree", home=tmp_path / "home")
    hl.run(source=before.origin["path"], target="label", trainer="decision_tree", home=tmp_path / "home")
    assert len(open_workspace(tmp_path / "home").catalog.datasets.find("last").runs) == 3


def test_what_changed_is_told_column_by_column(at_home: Path) -> None:
    now, before = open_workspace().catalog.datasets.versions()
    found = diff_versions(before, now)
    changes = {column.name: column.change for column in found.columns}
    assert changes == {"extra": "added", "x": "moved", "plan": "moved", "age": "same", "label": changes["label"]}
    plan = next(column for column in found.columns if column.name == "plan")
    assert (plan.new, plan.gone) == (("c",), ())
    assert {effect.statistic for column in found.columns for effect in column.effects} == {"KS", "Cramer's V"}
    text = "\n".join(found.sentences())
    assert "'extra' is new (Int64)." in text
    assert "'x' has moved: KS" in text
    assert "new: 'c'" in text


def test_the_limits_are_those_of_the_drift_monitor() -> None:
    monitor = DataDriftMonitor()
    assert {
        "KS": monitor.numeric_threshold,
        "Cramer's V": monitor.categorical_threshold,
        "missing share": monitor.missing_threshold,
    } == LIMITS


def test_the_distance_of_two_profiles_is_at_most_the_exact_one_and_close_to_it() -> None:
    rng = np.random.default_rng(0)
    for shift, integer in ((0.0, False), (0.3, False), (1.0, False), (0.5, True)):
        samples = [rng.normal(0, 1, 3_000), rng.normal(shift, 1, 4_000)]
        samples = [np.round(sample) for sample in samples] if integer else samples
        made = [profile(pl.LazyFrame({"x": sample}), ["x"])["x"] for sample in samples]
        exact, told = numeric_effect("x", *samples), numeric_effect_of_profiles(*made)
        assert exact.value - 0.02 <= told.value <= exact.value + 1e-12


@pytest.mark.parametrize("size", [40, 700, 20_000])
@pytest.mark.parametrize("heavy", [0.0, 0.002, 0.3])
def test_the_distance_of_two_profiles_keeps_the_bound_that_is_told(size: int, heavy: float) -> None:
    rng = np.random.default_rng(size)
    then = np.where(rng.random(size) < heavy, 0.1, rng.normal(size=size))
    for now in (then + 0.01, np.where(then == 0.1, 0.0999, then), then * 3, np.round(then, 1), np.full(9, 99.0), -then):
        for samples in ((then, now), (now, then), (np.round(then), np.round(now) + 0.5)):
            told = numeric_effect_of_profiles(*(profile(pl.LazyFrame({"x": one}), ["x"])["x"] for one in samples))
            exact = numeric_effect("x", *samples)
            assert exact.value - 0.01 <= told.value <= exact.value + 1e-12


def test_profiles_that_do_not_overlap_are_wholly_apart() -> None:
    columns = [
        ColumnProfile("x", "Float64", "number", 100, 0, 2, bins=Bins(edges, (100,)))
        for edges in ((0.0, 1.0), (2.0, 3.0))
    ]
    assert numeric_effect_of_profiles(*columns).value == 1.0


def diffed(before: pl.DataFrame, now: pl.DataFrame) -> VersionDiff:
    """Compare two tables as two versions of one."""
    records = []
    for frame in (before, now):
        held = profile(frame.lazy(), frame.columns)
        records.append(DataRecord(version_of(frame.lazy(), "t"), datetime.now(UTC), {}, (), (), held))
    return diff_versions(*records)


def texts(shares: np.ndarray, rows: int, seed: int) -> pl.DataFrame:
    codes = np.random.default_rng(seed).choice(len(shares), rows, p=shares / shares.sum())
    return pl.DataFrame({"s": [f"v{code}" for code in codes]})


MANY = {"flat": np.ones(5_000), "falling": 1 / np.arange(1.0, 3_001), "names": np.ones(10**6)}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("rows", [(9_000, 9_000), (2_000, 30_000), (30_000, 900)], ids=str)
def test_texts_of_more_values_than_a_profile_lists_have_hardly_moved_where_they_have_not(
    name: str, rows: tuple[int, int]
) -> None:
    found = diffed(texts(MANY[name], rows[0], 0), texts(MANY[name], rows[1], 1))
    assert [column.change for column in found.columns] == ["changed"]


@pytest.mark.parametrize("back", [False, True])
def test_texts_of_more_values_than_a_profile_lists_have_moved_where_they_have(back: bool) -> None:
    before, now = texts(MANY["falling"], 9_000, 0), texts(MANY["falling"][::-1], 9_000, 1)
    stuck = texts(MANY["names"], 9_000, 1).with_columns(
        s=pl.when(pl.int_range(pl.len()) % 10 < 3).then(pl.lit("x")).otherwise("s")
    )
    for one, other in ((before, now), (texts(MANY["names"], 9_000, 0), stuck)):
        found = diffed(*((other, one) if back else (one, other)))
        assert [column.change for column in found.columns] == ["moved"]


def test_a_column_without_values_is_told_as_empty() -> None:
    now = table().with_columns(x=pl.Series([None] * 600, dtype=pl.String))
    (x,) = [column for column in diffed(table(), now).columns if column.name == "x"]
    assert x.sentence == "'x' was Float64 and is String; is empty now; distinct 600 -> 0; missing 0.0% -> 100.0%."
    same_type = diffed(table(), table().with_columns(x=pl.lit(None, pl.Float64)))
    assert [c.change for c in same_type.columns if c.name == "x"] == ["moved"]


def test_the_commands_list_show_and_compare(at_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "versions", "--json"]) == 0
    now, before = (record["fingerprint"] for record in json.loads(capsys.readouterr().out))
    assert main(["data", "versions"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].startswith(now[:12])
    assert "customers:1, copy:1" in out
    assert main(["data", "show", before[:8]]) == 0
    assert before in capsys.readouterr().out
    assert main(["data", "diff", before[:8], now[:8]]) == 0
    assert "'extra' is new (Int64)." in capsys.readouterr().out
    assert main(["data", "diff", before, now, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["name"] == "extra"
    assert main(["data", "diff", now, now]) == 0
    assert "Both are one version" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["show", "nope"], ["diff", "last", "nope"], ["versions", "custmers"]], ids=str)
def test_an_unknown_version_is_told(at_home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *arguments]) == 2
    assert "error: no " in capsys.readouterr().err


def test_nothing_is_known_before_the_first_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "versions"]) == 0
    assert "no versions yet" in capsys.readouterr().err
    with pytest.raises(UnknownName):
        open_workspace().catalog.datasets.find("last")


def test_versions_are_offered_by_completion(at_home: Path) -> None:
    place = {"name": "version", "many": False}
    spec = {"data": {"help": "", "actions": {"show": {"help": "", "places": [place]}}}}
    offered = answer(Known(home=at_home, verbs=spec), ["data", "show"], "")
    assert [item.help for item in offered.items] == ["customers, 600 rows"] * 2
