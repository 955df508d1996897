"""Distributions as an installer leaves them: metadata, and entry points in the group `hookline`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def describe_installed(
    site: Path, name: str, version: str = "0.1", *, entries: Mapping[str, str] | None = None, more: str = ""
) -> None:
    """Write a distribution's metadata into a folder of the import path."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}")
    if entries:
        lines = "".join(f"{key} = {module}\n" for key, module in entries.items())
        (info / "entry_points.txt").write_text(f"[hookline]\n{lines}")
