"""What current rows lack that training had, and what that keeps from being judged."""

from __future__ import annotations

from collections.abc import Container

from hookline import Dataset, Finding, Reference


def absences(reference: Reference, held: Container[str]) -> list[Finding]:
    """Say which columns are not there that must be. held: the names of those that are"""
    expected = expected_columns(reference)
    names = [column.name for column in reference.profile.columns]
    return [_absent(name) for name in names if name not in held and name in expected]


def expected_columns(reference: Reference) -> set[str]:
    """Return the columns that current rows must have: every profiled one but the target, the last where nobody names it."""
    names = [column.name for column in reference.profile.columns]
    if reference.target is not None:
        return {*names} - {reference.target.name}
    if reference.dataset is not None:
        return {*names} - {reference.dataset.roles.target}
    return {*names[:-1]}


def _absent(name: str) -> Finding:
    return Finding(name, "columns", 0.0, 1.0, "critical", f"'{name}' is not among the current columns.")


def ungrouped(current: Dataset, reference: Reference) -> list[Finding]:
    """Say that rows do not tell their groups, where those matter."""
    group = current.roles.group
    alike = min((column.independent for column in reference.profile.columns), default=1.0)
    if not group or alike == 1 or group in current.frame.collect_schema():
        return []
    text = (
        f"'{group}' is not among the current columns, so its rows are taken to be as alike as those of training; "
        "with it, drift is judged by the groups that there are."
    )
    return [Finding(group, "groups", alike, 1.0, "info", text)]
