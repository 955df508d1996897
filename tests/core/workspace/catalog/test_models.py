"""Models in the catalog: the version that a name, a number or an alias means."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hookline.errors import UnknownName
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import Models


@pytest.fixture(params=["sqlite", "postgresql"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> Models:
    """Three versions of one model, and one of another, in a database of either sort."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    found = Catalog(url).models
    for number in (1, 2, 3):
        found.register("churn", f"run{number}", f"path/{number}", "onnx", {"auc": number / 10}, f"f{number}")
    found.register("Tips", "run4", "path/4", "pickle", {}, "f1")
    return found


def test_models_are_named_once_and_in_order(models: Models) -> None:
    assert models.names() == ["Tips", "churn"]
    assert models.has("churn")
    assert not models.has("chrun")


def test_versions_are_listed_newest_first(models: Models) -> None:
    assert [record.version for record in models.versions("churn")] == [3, 2, 1]
    every = [(record.name, record.version) for record in models.every_version()]
    assert every == [("Tips", 1), ("churn", 3), ("churn", 2), ("churn", 1)]


def test_the_newest_version_of_each_model_is_one_a_model(models: Models) -> None:
    newest = [(record.name, record.version, record.path) for record in models.newest_versions()]
    assert newest == [("Tips", 1, "path/4"), ("churn", 3, "path/3")]


def test_a_name_alone_means_the_newest_until_there_is_a_champion(models: Models) -> None:
    assert models.get("churn").version == 3
    models.set_alias("churn", "champion", 2)
    assert models.get("churn").version == 2
    assert models.get("churn").metrics == {"auc": 0.2}
    assert models.get("Tips").version == 1


def test_a_version_is_found_by_number_and_by_alias(models: Models) -> None:
    models.set_alias("churn", "challenger", 1)
    models.set_alias("churn", "challenger", 3)
    assert models.get("churn", 2).path == "path/2"
    assert models.get("churn", "challenger").path == "path/3"
    assert models.aliases("churn") == {"challenger": 3}
    assert models.aliases("Tips") == {}


def test_an_unknown_model_suggests_the_closest(models: Models) -> None:
    for ask in (lambda: models.get("chrun"), lambda: models.get("chrun", 1), lambda: models.versions("chrun")):
        with pytest.raises(UnknownName, match="did you mean 'churn'"):
            ask()


def test_a_name_that_is_no_text_is_unknown_too(models: Models) -> None:
    for ask in (lambda: models.get("\udcff"), lambda: models.versions("\udcff"), lambda: models.get("churn", "\udcff")):
        with pytest.raises(UnknownName):
            ask()


def test_an_unknown_alias_suggests_the_closest(models: Models) -> None:
    models.set_alias("churn", "challenger", 1)
    with pytest.raises(UnknownName, match="no alias of churn named 'chalenger'\nhint: did you mean 'challenger'"):
        models.get("churn", "chalenger")


@pytest.mark.parametrize("number", [0, 7, 2**31, 10**30])
def test_an_unknown_version_says_which_there_are(models: Models, number: int) -> None:
    with pytest.raises(UnknownName, match=f"no version of churn named '{number}'") as told:
        models.get("churn", number)
    assert told.value.known == ("3", "2", "1")


def test_an_alias_is_not_set_on_a_version_that_there_is_not(models: Models) -> None:
    with pytest.raises(UnknownName, match="version of churn"):
        models.set_alias("churn", "champion", 4)
    assert models.aliases("churn") == {}


def test_a_package_has_a_version_of_its_own_under_each_name(models: Models) -> None:
    assert models.register("churn", "run9", "path/9", "onnx", {}, "f1") == 1
    assert models.register("Tips", "run9", "path/9", "onnx", {}, "f3") == 2
    assert models.get("churn", 1).path == "path/1"


def test_two_processes_that_register_at_once_get_different_versions(models: Models) -> None:
    code = (
        "import json, sys\nfrom hookline.workspace.catalog.catalog import Catalog\n"
        "models = Catalog(sys.argv[1]).models\nprint('ready', flush=True)\ninput()\n"
        "print(json.dumps([models.register('churn', 'r', 'p', 'onnx', {}, f'{sys.argv[2]}-{n}') for n in range(20)]))"
    )
    command = [sys.executable, "-c", code, models._database.url]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    given = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    assert sorted(given[0] + given[1]) == list(range(4, 44))
