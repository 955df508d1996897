"""What version systems say of the place that rows came from: DVC, Delta Lake and Iceberg, as their own small files tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.yaml_size import read_bounded

MOST_BYTES, MOST_VALUES = 2**22, 100_000
"""Of a file that tells a version."""
DELTA_LOG = "_delta_log"
ICEBERG = ".metadata.json"


def tracked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the version of a source's `path` by each system that knows one; empty where none does, or its file is damaged.

    `dvc`: the digest that stands in the `.dvc` file beside it; `delta`: the number of the version; `iceberg`: table and snapshot.
    """
    path = fields.get("path")
    if not isinstance(path, str) or not path.strip():
        return {}
    place = Path(path).expanduser().absolute()
    if not place.name:
        return {}
    found = {"dvc": _dvc(place), "delta": _delta(place, fields.get("version")), "iceberg": _iceberg(place)}
    return {system: version for system, version in found.items() if version is not None}


def told(versions: Mapping[str, Any]) -> str:
    """Return versions in a few words."""
    return ", ".join(f"{system} {_words(version)}" for system, version in versions.items())


def _words(version: Any) -> str:
    return " ".join(f"{name} {value}" for name, value in version.items()) if isinstance(version, dict) else str(version)


def _dvc(place: Path) -> dict[str, str] | None:
    """Return the digest that a `.dvc` file says of a file or folder (DVC's own format: `outs`, each with `path` and a digest)."""
    import yaml

    folders = [folder for folder in (place, place.parent) if folder.name]
    for beside in (folder.with_name(f"{folder.name}.dvc") for folder in folders):
        try:
            tree = yaml.safe_load(read_bounded(beside, MOST_BYTES, MOST_VALUES))
            outs = [out for out in tree["outs"] if out["path"] == beside.name.removesuffix(".dvc")]
            digest = next(name for name in ("md5", "sha256", "etag", "checksum") if name in outs[0])
            return {digest: str(outs[0][digest])}
        except (OSError, ValueError, KeyError, IndexError, TypeError, StopIteration, yaml.YAMLError):
            continue
    return None


def _delta(place: Path, version: Any) -> int | str | None:
    """Return the version of a table of Delta Lake: as it was asked for, or the last commit of its log."""
    log = place / DELTA_LOG
    if not log.is_dir():
        return None
    if version is not None:
        return version if isinstance(version, int) else f"as of {version}"
    commits = [int(file.stem) for file in log.glob("*.json") if file.stem.isdecimal()]
    return max(commits, default=None)


def _iceberg(place: Path) -> dict[str, Any] | None:
    """Return table and snapshot of a metadata file of Iceberg."""
    if not place.name.endswith(ICEBERG):
        return None
    try:
        told = json.loads(read_bounded(place, MOST_BYTES, MOST_VALUES))
        return {"table": str(told["table-uuid"]), "snapshot": told["current-snapshot-id"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
