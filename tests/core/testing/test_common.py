"""What is promised of a component of any kind: each check of it can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import random
import socket
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline import Deployment, Package
from hookline.kinds.component import Component
from hookline.testing import CheckFailed
from hookline.testing.check import name_of
from hookline.testing.checks.common import CHECKS as COMMON
from kit.components import Newest
from kit.conformance import named, require_failure


class Listed(Newest):
    """Holds a list, which can change."""

    names: list[str] = dataclasses.field(default_factory=list)
    """Names."""


def local_class() -> Component:
    class Local(Newest):
        """Is not at the top of a module, so that pickle cannot find it."""

    return Local()


class Undocumented(Newest):
    """Says nothing of its field."""

    share: float = 1.0


class Rounding(Newest):
    """Changes its field on the way in."""

    share: float = 0.25
    """A share."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", self.share / 2)


class TakesAnything(Newest):
    """Takes anything for its field."""

    share: Any = 1.0
    """A share."""


class Unannotated(Newest):
    """Does not say what it makes."""

    def deploy(self, package: Package, current: Deployment | None):  # type: ignore[no-untyped-def]
        return Deployment.single(package.name, package.version or 1, self.name)


class CallsHome(Newest):
    """Asks a server."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 80), timeout=0.1).close()
        return super().deploy(package, current)


class Meddling(Newest):
    """Changes one thing of the whole process."""

    what: str = "random"
    """Which."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        acts: dict[str, Callable[[], object]] = {
            "random": lambda: random.random(),
            "numpy": lambda: np.random.default_rng() and np.random.rand(),
            "environ": lambda: os.environ.update(KIT_FAULT="1"),
            "folder": lambda: os.chdir("/"),
            "filters": lambda: warnings.simplefilter("ignore"),
            "levels": lambda: logging.getLogger().setLevel(1),
        }
        acts[self.what]()
        return super().deploy(package, current)


FAULTS: Mapping[str, Callable[[], Component]] = {
    "frozen_and_hashable": Listed,
    "pickles": local_class,
    "documented": Undocumented,
    "config_round_trip": Rounding,
    "fields_refuse_wrong_types": TakesAnything,
    "ports_resolve": Unannotated,
    "import_is_light": Newest,
    "stays_off_the_network": CallsHome,
    "leaves_process_as_it_was": Meddling,
}


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == [name_of(function) for function in COMMON]


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


@pytest.mark.parametrize("what", ["random", "numpy", "environ", "folder", "filters", "levels"])
def test_each_kind_of_meddling_is_noticed_and_put_back(what: str) -> None:
    before = (Path.cwd(), dict(os.environ), logging.getLogger().level, random.getstate())
    with pytest.raises(CheckFailed, match="of the whole process"):
        named(Meddling(what=what), "leaves_process_as_it_was")()
    assert before == (Path.cwd(), dict(os.environ), logging.getLogger().level, random.getstate())


def test_the_network_is_back_after_the_check() -> None:
    with pytest.raises(CheckFailed, match=r"connects to 192\.0\.2\.1"):
        named(CallsHome(), "stays_off_the_network")()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_module_that_no_fresh_process_can_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Newest, "__module__", "nowhere_to_be_found")
    with pytest.raises(
        CheckFailed, match="cannot be imported by a fresh process .*No module named 'nowhere_to_be_found'"
    ):
        named(Newest(), "import_is_light")()
