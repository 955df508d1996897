"""What is promised of a packager whose folder is read anywhere, each promise with one that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from hookline import Package, Packager, Pipeline, Predictor, Stored, Trust
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for
from hookline.testing.tables.parts import LinearModel


class Weights(Packager):
    """Weights as JSON."""

    name = "weights"
    native = True

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        pipeline.model.save(path)
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return stored.around(LinearModel.load(stored.path))


class Modest(Weights):
    """Has the model itself, and says that it has not."""

    native = False


class Elsewhere(Weights):
    """Keeps the weights where they were written first."""

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        (path / "where.txt").write_text(str(path))
        return super().save(pipeline, path)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return stored.around(LinearModel.load(Path((stored.path / "where.txt").read_text())))


class Remembering(Weights):
    """Keeps the last model in memory."""

    last: ClassVar[list[LinearModel]] = []

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        self.last[:] = [pipeline.model]
        return super().save(pipeline, path)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return stored.around(self.last[0])


FAULTS: Mapping[str, Callable[[], Component]] = {
    "says_whether_it_is_native": Modest,
    "folder_is_enough": Elsewhere,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def test_a_good_packager_passes() -> None:
    for check in checks_for(Weights()):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^packager 'weights': "):
        named(FAULTS[name](), name)()


def test_a_packager_that_remembers_the_last_model_is_told() -> None:
    with pytest.raises(CheckFailed, match="loads another package than the one in stored.path"):
        named(Remembering(), "folder_is_enough")()
