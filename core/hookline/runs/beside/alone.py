"""A run with no process beside it, which does all itself: what stages may ask, with nothing behind it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


class Alone:
    """Nobody beside a run; a process that is there overrides these."""

    def hand_over(self, run: Execution, decided: Mapping[str, str]) -> None:
        """Hear the plan, and key of a stage -> what is decided of it: `run`, `cached` or `unneeded`."""

    def after(self, run: Execution, stage: Stage) -> None:
        """Hear that a stage is done."""

    def fit(self, run: Execution, stage: Stage) -> bool:
        """Make a trainer's model, put it into the store, and tell so; False: it is to be made here."""
        return False

    def take(self, what: str, key: str) -> Any:
        """Return what came of a task of a stage; None where it is to be done here."""
        return None

    def package(self, stage: Stage, folder: Path) -> dict[str, Any] | None:
        """Fill a package's folder but for its seal, and return what its manifest is to say of the model; None: as above."""
        return None

    def close(self) -> None:
        """End what is beside the run."""
