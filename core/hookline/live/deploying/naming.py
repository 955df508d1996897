"""Which version of a model a person means."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import UsageError
from hookline.runs.names import split_model_name
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace, open_workspace


def version_named(catalog: Catalog, said: str, act: str) -> ModelRecord:
    """Return the version that is named; raises UnknownName, and UsageError for a model alone or what is no number.

    act: what a person types after `hookline deploy`
    """
    name, number, alias = split_model_name(said)
    if number is not None or alias is not None:
        return catalog.models.get(name, alias if number is None else number)
    model, colon, wrong = said.rpartition(":")
    known = model if colon and catalog.models.has(model) else name
    catalog.models.require_known(known)
    line = f"hookline deploy {act} {known}:{catalog.models.versions(known)[0].version}"
    if known != name:
        raise UsageError(f"'{wrong}' is no version of '{known}': versions are numbers", hint=line)
    raise UsageError(f"say which version of '{known}' is meant", hint=line)


def model_named(catalog: Catalog, said: str, act: str) -> str:
    """Return the model that is named alone; raises UnknownName, UsageError where a version is named with it."""
    if catalog.models.has(said):
        return said
    name, number, alias = split_model_name(said)
    name = name if number is not None or alias is not None else said.rpartition(":")[0] or said
    catalog.models.require_known(name)
    raise UsageError(f"'{said}' is a version, and a model is meant", hint=f"hookline {act} {name}")


def workspace_of(model: str, home: str | Path | None) -> Workspace:
    """Return the workspace that has a model; raises UnknownName for what is none of it."""
    workspace = open_workspace(home)
    workspace.catalog.models.require_known(model)
    return workspace
