"""Homes in which something was done, made in the test's own process since that is quick."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookline.cli import main

KEY = {"HOOKLINE_STORE_KEY": "one key for what is stored at every place"}
"""What a home is signed by that several users or places share."""


def lived_in(home: Path, table: Path) -> None:
    """Make a home of two comparable runs of a model `shop`, that tells `bought` of a table, and of a sweep."""
    given = ["source=file", f'source.path="{table}"', "roles.target=bought", "name=shop", "trainer=decision_tree"]
    lines = [[*given, f"trainer.max_depth={depth}", "packager=[skops]"] for depth in (1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (KEY | {"HOOKLINE_HOME": str(home)}).items():
            patch.setenv(name, value)
        for line in (*lines, ["-m", *given, "trainer.max_depth=1,2", "hydra.launcher.n_jobs=1"]):
            assert main(line) == 0
