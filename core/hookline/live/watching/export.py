"""Alerting rules for Prometheus and a dashboard for Grafana, over what a server's `/metrics` counts."""

from pathlib import Path


def export(model: str, folder: Path) -> list[Path]:
    """Write."""
    return []
