"""The feature sets that a command line may mean."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hookline.live.featuring.comparing import outdated
from hookline.live.featuring.seen import SetVersion, set_versions
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from ..output import say

SET = "a feature set: customer as the project defines it, or customer@1a2b, a version that was used"


def add_config_dir(made: argparse.ArgumentParser) -> None:
    """Add `--config-dir`, where a project keeps its sets."""
    made.add_argument("--config-dir", type=Path, metavar="FOLDER", help="a folder with features/NAME.yaml")


def versions_known(given: Any, name: str | None = None) -> list[SetVersion]:
    """Return the versions of all sets, or of one."""
    return set_versions(load_registry(), open_workspace(), given.config_dir, name)


def warn_of_outdated(versions: list[SetVersion]) -> None:
    """Name the models that answer with a version which the project no longer defines so."""
    for one in outdated(versions):
        say(f"warning: {one.message}")
