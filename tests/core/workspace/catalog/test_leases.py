"""An owner goes on saying that it is alive, whatever one of its signs of life came to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hookline.workspace.catalog import leases
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.leases import Leases
from hookline.workspace.processes.owners import Owner

RUN = "20260101-000000-aaaaaa"


class Stumbling(Leases):
    """Fails at its first sign of life by what no database raises."""

    failed = False

    def beat(self, owner: Owner) -> None:
        """Fail once."""
        if not self.failed:
            self.failed = True
            raise RuntimeError("can't start new thread")
        super().beat(owner)


def test_a_sign_of_life_that_fails_by_any_error_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    held, runs = Stumbling(catalog.database), catalog.database.tables["runs"]
    with held.held() as owner:
        catalog.runs.begin(RUN, "tips", "path", {}, [], owner)
        first, until = owner.clock(), time.monotonic() + 10
        while catalog.database.rows(runs.select())[0]["beat"] <= first:
            assert time.monotonic() < until, "no sign of life came after the one that failed"
            time.sleep(0.01)
    assert held.failed
