"""Short forms of what `make torture-serving` and `make soak` do for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hookline.workspace.workspace import Workspace
from kit.serving import Server
from kit.serving_torture import killed, prepared, served, soaked, switched


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[Workspace]:
    """A home with three versions of a small model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(home))
        yield prepared(home)


@pytest.fixture(scope="module")
def server(home: Path, workspace: Workspace) -> Iterator[Server]:
    """Two workers that serve the model."""
    with served(home) as made:
        yield made


def test_what_was_acknowledged_is_on_record_after_kills_under_load(home: Path, workspace: Workspace) -> None:
    found = killed(home, 4)
    assert found["faults"] == []
    assert found["killed"] == {"worker": 3, "server": 1}
    assert found["answers"] > 50


def test_policies_change_at_full_load_and_every_answer_is_of_one_version(server: Server, workspace: Workspace) -> None:
    found = switched(server, workspace, 10)
    assert found["faults"] == []
    assert found["answers"] > 50


def test_a_short_day_loses_no_record_and_no_connection(server: Server, workspace: Workspace) -> None:
    found = soaked(server, workspace, 4.0, every=1.0)
    assert found["faults"] == []
    assert found["labels"] > 0
    assert len(found["memory"]) == 3


@pytest.mark.long
def test_memory_is_flat_over_a_longer_day(server: Server, workspace: Workspace) -> None:
    found = soaked(server, workspace, 120.0)
    assert found["faults"] == []
    assert max(found["grown"].values()) < 0.05, found["memory"]
