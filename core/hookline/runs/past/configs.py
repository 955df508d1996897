"""The config that a run left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hookline.errors import DataError


def config_of(run_id: str, folder: Path) -> dict[str, Any]:
    """Return the config that a run left in its folder; raises DataError where there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"run {run_id} left no config.json in {folder}", hint="run it again") from None
    return found
