"""Tags of a version: names with values that people find it by, each change of them on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hookline.errors import UsageError
from hookline.kinds.given.names import require_name
from hookline.workspace.workspace import open_workspace

from ..deploying.naming import version_named
from ..mirroring.pushing import keep_in_step

LONGEST = 500
"""Characters of a tag's value."""


def tag_version(
    version: str,
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    who: str | None = None,
    home: str | Path | None = None,
) -> dict[str, str]:
    """Set tags of a version (`"churn:3"`, `"churn@champion"`), and return those that it has; None as a value removes one.

    who: by default, whoever works here
    Raises UnknownName, UsageError for what is no tag, or for one to remove that it does not have.
    """
    catalog = open_workspace(home).catalog
    record = version_named(catalog, version, "models tag")
    held = catalog.acts.tags(record.name).get(record.version, {})
    for name, value in tags.items():
        require_name(name, "a tag", "stage")
        if value is None and name not in held:
            told = ", ".join(held) or "none"
            raise UsageError(f"{record.name}:{record.version} has no tag '{name}'", hint=f"its tags: {told}")
        if value is not None and (len(value) > LONGEST or not value.isprintable()):
            raise UsageError(f"the value of tag '{name}' is no line of at most {LONGEST} characters")
    gone = {name: held[name] for name, value in tags.items() if value is None}
    new = {name: value for name, value in tags.items() if value is not None}
    with catalog.database.writing() as connection:
        # While nobody else may write, so that it is not deleted meanwhile.
        catalog.models.require(record.name, [record.version])
        if new:
            catalog.acts.add(connection, record.name, record.version, "tagged", new, reason, who)
        if gone:
            catalog.acts.add(connection, record.name, record.version, "untagged", gone, reason, who)
    keep_in_step(record.name, home)
    return catalog.acts.tags(record.name).get(record.version, {})
