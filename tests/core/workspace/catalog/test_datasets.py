"""Versions of data in the catalog: what a name means, and which runs and models saw one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import ColumnVersion, DataVersion
from hookline.kinds.reports import ColumnProfile, Profile
from hookline.workspace.catalog.catalog import Catalog

PROFILE = Profile(2, (ColumnProfile("x", "Int64", "number", 2, 0, 2, mean=1.5),))


def version(fingerprint: str, name: str = "tips") -> DataVersion:
    return DataVersion(fingerprint, name, 2, (ColumnVersion("x", "Int64", "d1"), ColumnVersion("y", "String", "d2")))


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """Three versions of data of two names, of which runs saw one twice, in a database of either sort."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    found = Catalog(url)
    origin = {"component": "file", "path": "tips.csv"}
    for fingerprint, name, run_id in (
        ("abc1", "tips", "run1"),
        ("abd2", "tips", "run2"),
        ("fff3", "churn", "run3"),
        ("abc1", "tips", "run4"),
    ):
        found.datasets.record(version(fingerprint, name), origin, run_id, None)
    for run_id, name, fingerprint in (("run4", "tips", "f1"), ("run1", "tips", "f2"), ("run4", "other", "f3")):
        found.models.register(name, run_id, "p", "onnx", {}, fingerprint)
    return found


def test_versions_are_listed_newest_first_with_runs_and_models(catalog: Catalog) -> None:
    listed = [(record.version.fingerprint, record.runs, record.models) for record in catalog.datasets.versions()]
    assert listed == [
        ("fff3", ("run3",), ()),
        ("abd2", ("run2",), ()),
        ("abc1", ("run4", "run1"), ("tips:2", "other:1", "tips:1")),
    ]
    assert catalog.datasets.names() == ["churn", "tips"]


def test_what_a_version_holds_is_read_as_it_was_recorded(catalog: Catalog) -> None:
    record = catalog.datasets.find("fff3")
    assert record.version == version("fff3", "churn")
    assert record.where == "file tips.csv"
    assert record.profile is None


def test_only_versions_of_the_name_are_listed(catalog: Catalog) -> None:
    assert [record.version.fingerprint for record in catalog.datasets.versions("tips")] == ["abd2", "abc1"]
    with pytest.raises(UnknownName, match="no dataset named 'tps'\nhint: did you mean 'tips'"):
        catalog.datasets.versions("tps")


@pytest.mark.parametrize(
    ("text", "fingerprint"),
    [("last", "fff3"), ("abc", "abc1"), ("abd2", "abd2"), ("tips", "abd2"), ("run1", "abc1"), ("run3", "fff3")],
)
def test_a_version_is_found_by_what_it_can_be_called(catalog: Catalog, text: str, fingerprint: str) -> None:
    assert catalog.datasets.find(text).version.fingerprint == fingerprint


def test_letters_of_a_fingerprint_go_before_a_name(catalog: Catalog) -> None:
    catalog.datasets.record(version("999", "abd"), {}, "run5", None)
    assert catalog.datasets.find("abd").version.fingerprint == "abd2"


def test_letters_that_fit_several_versions_name_them_newest_first(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="'ab' fits 2 versions: abd2, abc1"):
        catalog.datasets.find("ab")


def test_an_unknown_version_is_told_with_what_there_is(catalog: Catalog) -> None:
    with pytest.raises(UnknownName, match="no version of data named 'tisp'") as told:
        catalog.datasets.find("tisp")
    assert told.value.known == ("fff3", "abd2", "abc1", "churn", "tips")


def test_the_profile_is_that_of_the_first_run_that_got_so_far(catalog: Catalog) -> None:
    other = Profile(9, ())
    catalog.datasets.record(version("abc1"), {}, "run5", PROFILE)
    catalog.datasets.record(version("abc1"), {}, "run6", other)
    record = catalog.datasets.find("abc1")
    assert record.profile == PROFILE
    assert record.origin == {"component": "file", "path": "tips.csv"}
    assert record.runs == ("run6", "run5", "run4", "run1")
