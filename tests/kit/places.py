"""Where things are: the project, the real tables beside it, and the home of the test at hand."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"


def own_home() -> Path:
    """Return the home of the test at hand."""
    return Path(os.environ["HOOKLINE_HOME"])


def at(home: Path) -> dict[str, str]:
    """Return this process's environment with another home."""
    return os.environ | {"HOOKLINE_HOME": str(home)}
