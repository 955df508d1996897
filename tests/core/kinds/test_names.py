"""Names that people give: one rule for models, aliases, collections and sweeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookline.errors import ConfigError, UsageError
from hookline.kinds.given.names import LONGEST, fault_of, require_name, shortened
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.registry.registry import Registry
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.engine import sqlite_url

BAD = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/a",
    "a\\b",
    "a\nb",
    "a\n",
    "a b",
    "-x",
    "a:b",
    "a@b",
    "\x1b[31ma",
    "a\u202eb",
    "x" * 201,
]


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_what_is_no_part_of_a_path_and_no_word_of_a_line_is_no_name(name: str, tmp_path: Path) -> None:
    assert fault_of(name)
    with pytest.raises(UsageError, match="cannot name an alias") as caught:
        Catalog(sqlite_url(tmp_path / "catalog.db"), tmp_path).models.set_alias("churn", name, 1)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("name", ["a", "1", "churn-2.eu", "_x", "Künden", "x" * LONGEST])
def test_a_word_is_a_name(name: str) -> None:
    assert fault_of(name) is None
    require_name(name, "a model", "churn")


def test_the_bytes_of_a_name_count_and_not_its_letters() -> None:
    assert fault_of("ü" * 101)
    assert fault_of("ü" * 100) is None


def test_a_models_name_is_checked_with_the_rest_of_its_config(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"name: may hold letters.*got '\.\./x'"):
        resolve(registry, {"source": "iris", "trainer": "auto", "featurizer": {}, "name": "../x"})


def test_a_name_made_from_a_file_is_cut_to_what_a_folder_takes() -> None:
    assert shortened("ü" * 90, 100) == "ü" * 50
    assert fault_of(shortened("a" * 99 + "._rest")) is None


@pytest.mark.parametrize("name", ["../mine", "../../etc/mine", "a/../../mine"])
def test_an_experiment_is_looked_for_in_its_folder_alone(registry: Registry, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.yaml").write_text("# @package _global_\nseed: 1\n")
    with pytest.raises(ConfigError, match="experiment: names a file below experiment/"):
        compose(registry, [f"experiment={name}"], tmp_path)
