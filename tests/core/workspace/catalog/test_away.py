"""A catalog's file that is moved away while somebody uses it, or replaced by another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from hookline.errors import StoreError
from hookline.kinds.deployments import Deployment
from hookline.workspace.catalog.catalog import Catalog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(file: Path) -> Catalog:
    """A model with two versions, of which the first is in charge."""
    found = Catalog(f"sqlite:///{file}")
    for number in (1, 2):
        found.models.register("churn", "r", f"path/{number}", "onnx", {}, f"f{number}")
    found.deployments.record(Deployment.single("churn", 1, "local"), "test")
    return found


def in_charge(catalog: Catalog) -> int | None:
    catalog.database.require_same()
    found = catalog.deployments.current("churn")
    return None if found is None else found.version


def test_a_file_that_is_away_is_told_of_and_none_is_begun_in_its_place(catalog: Catalog, file: Path) -> None:
    assert in_charge(catalog) == 1
    away = file.rename(file.with_name("away.db"))
    with pytest.raises(StoreError, match=r"catalog.db is away\nhint: move it back"):
        in_charge(catalog)
    assert not file.exists()
    away.rename(file)
    assert in_charge(catalog) == 1


def test_another_file_in_its_place_is_the_one_that_is_read(catalog: Catalog, file: Path) -> None:
    catalog.database.close()
    other = Path(shutil.copy(file, file.with_name("other.db")))
    Catalog(f"sqlite:///{other}").deployments.record(Deployment.single("churn", 2, "local"), "test")
    assert in_charge(catalog) == 1
    catalog.database.close()
    other.rename(file)
    assert in_charge(catalog) == 2


def test_another_file_of_another_format_is_refused_until_the_first_is_back(catalog: Catalog, file: Path) -> None:
    other = file.with_name("other.db")
    newer = Catalog(f"sqlite:///{other}")
    with newer.database.writing() as connection:
        connection.execute(text("UPDATE hookline_meta SET format = 99"))
    newer.database.close()
    catalog.database.close()
    kept = file.rename(file.with_name("kept.db"))
    other.rename(file)
    for _ in range(2):
        with pytest.raises(StoreError, match="has format 99"):
            in_charge(catalog)
    kept.rename(file)
    assert in_charge(catalog) == 1
