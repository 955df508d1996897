"""What came to a source since it was last looked at, held against what a model was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hookline.data.collecting import alone
from hookline.errors import StoreError
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Source
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.workspace.signing import flush
from hookline.workspace.workspace import open_workspace

from ..monitoring import DEFAULT, Monitors, monitor
from ..watched import Watched
from .batches import FOLDER, Batches

WATCHED, MARK = "watched", "mark.json"


def monitor_from(
    what: str | Path,
    source: Source,
    monitors: Monitors = DEFAULT,
    *,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> Watched | None:
    """Return each monitor's report on the rows that came to a source since the last call; None where none did.

    What came is stored in `streams/MODEL/watched` of the home first, and the mark moves once plugins were told of the findings:
    rows of a call that is killed or fails are looked at by the next.

    what, monitors: as for `monitor`; source: one that reads on, such as `events`
    Raises UsageError for a source that does not read on, and what `monitor` raises.
    """
    registry, workspace, found = load_registry(), open_workspace(home), find(what, home)
    model = found.model or str(read_manifest(found.package())["name"])
    folder = workspace.home / FOLDER / model / WATCHED
    with alone(folder.with_name(f"{WATCHED}.now")):
        batches, mark = Batches(folder), folder / MARK
        came = batches.take(registry, source, position_at(mark))
        rows = batches.frame(came)
        if rows.is_empty():
            return None
        reports = monitor(what, rows, monitors, trust=trust, contract=contract, home=home)
        _move(mark, came[-1].upto)
        return reports


def position_at(mark: Path) -> str | None:
    """Return up to where all was looked at; None where nothing was; raises StoreError for a damaged file."""
    try:
        told: Any = json.loads(mark.read_text("utf-8"))
        return str(told["position"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{mark} is damaged", hint="delete it, to look at all that was stored again") from error


def _move(mark: Path, position: str) -> None:
    temporary = mark.with_name(f".{mark.name}")
    temporary.write_text(json.dumps({"position": position}), "utf-8")
    flush(temporary)
    temporary.replace(mark)
    flush(mark.parent)
