"""A config that is made when Hydra reads it: a run reads a few of all that there are, and each costs a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore


@dataclass
class DeferredNode(ConfigNode):
    """An entry of Hydra's store that is an ordinary one in each copy, and copies are all that the store hands out."""

    make: Callable[[], Any]

    def __copy__(self) -> ConfigNode:
        return ConfigNode(self.name, self.make(), self.group, self.package, self.provider)


def store_deferred(group: str, name: str, package: str, make: Callable[[], Any]) -> None:
    """Make a config an option of a group of Hydra's; `make` returns it as an OmegaConf node."""
    options = ConfigStore.instance().repo.setdefault(group, {})
    options[f"{name}.yaml"] = DeferredNode(f"{name}.yaml", None, group, package, "hookline", make)  # type: ignore[arg-type]
