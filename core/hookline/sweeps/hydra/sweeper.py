"""Our sweeper for Hydra: its basic one, which leaves it to our launcher to compose and check the jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.plugins.sweeper import Sweeper

from .launcher import HooklineLauncher, sweep_of
from .nulls import without_choice_of_null


class HooklineSweeper(BasicSweeper):
    """Hydra's basic sweeper, which leaves it to the launcher to compose and check the jobs."""

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        # Not the basic sweeper's own: Hydra runs its module twice, and its `super()` then means another class than ours.
        Sweeper.__init__(self)
        self.overrides = None
        self.batch_index = 0
        self.max_batch_size = max_batch_size
        typed = (without_choice_of_null(f"{key}={value}").split("=", 1) for key, value in (params or {}).items())
        self.params = dict(typed)
        self.hydra_context, self.config, self.launcher = None, None, None

    def sweep(self, arguments: list[str]) -> Any:
        """Sweep over what the arguments span, and say before what that varies."""
        sweep = sweep_of(self.launcher.task_function) if isinstance(self.launcher, HooklineLauncher) else None
        if sweep:
            sweep.searched = self._searched(arguments)
        return super().sweep(arguments)

    def _searched(self, arguments: Sequence[str]) -> frozenset[str]:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        assert self.hydra_context is not None  # It comes from `setup`.
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        parsed = parser.parse_overrides([*(f"{key}={value}" for key, value in self.params.items()), *arguments])
        return frozenset(override.get_key_element() for override in parsed if override.is_sweep_override())

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing unless another launcher is chosen: ours checks every job before the first starts, and composes once."""
        if not isinstance(self.launcher, HooklineLauncher):
            super().validate_batch_is_legal(batch)
