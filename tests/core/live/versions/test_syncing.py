"""An alias that was moved elsewhere, taken in here."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import StoreError
from hookline.live.mirroring.agreeing import Difference
from hookline.live.versions.syncing import _take
from hookline.workspace.workspace import open_workspace


@pytest.mark.parametrize("alias", ["champion", "stable"])
def test_an_alias_does_not_move_to_a_package_that_is_damaged(alias: str) -> None:
    rows = pl.DataFrame({"size": [float(n % 9) for n in range(80)], "paid": [n % 9 * 2.0 for n in range(80)]})
    hl.run(
        source=rows, target="paid", name="shop", trainer="decision_tree", packager=["skops"], evaluator=[], deployer="local",
    )  # fmt: skip
    catalog = open_workspace().catalog
    before = catalog.models.aliases("shop")
    model = next(Path(catalog.models.get("shop", 1).path).rglob("*.skops"))
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(StoreError, match="damaged"):
        _take(catalog, "shop", Difference(alias, None, 1, "in", "it was moved there"), "a registry", "", None)
    assert catalog.models.aliases("shop") == before
