"""Our sweeper for Hydra: its basic one, which leaves it to our launcher to compose and check the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.plugins.sweeper import Sweeper

from .launcher import HooklineLauncher


class HooklineSweeper(BasicSweeper):
    """Hydra's basic sweeper, which leaves it to the launcher to compose and check the jobs."""

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        # Not the basic sweeper's own: Hydra runs its module twice, and its `super()` then means another class than ours.
        Sweeper.__init__(self)
        self.overrides = None
        self.batch_index = 0
        self.max_batch_size, self.params = max_batch_size, params or {}
        self.hydra_context, self.config, self.launcher = None, None, None

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing unless another launcher is chosen: ours checks every job before the first starts, and composes once."""
        if not isinstance(self.launcher, HooklineLauncher):
            super().validate_batch_is_legal(batch)
