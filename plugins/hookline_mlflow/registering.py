"""Versions and aliases in MLflow's registry, each known by its fingerprint, so that none is made twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .logged import FINGERPRINT, RUN, VERSION, experiment_id, logged_model, run_of

AGREED = "hookline.agreed"
"""Tag of a registered model: alias -> version of ours, as both sides had them when they were last in step."""
OURS = "hookline."
"""How tags begin that are no tags of a person."""


def standing(client: Any, model: str) -> dict[str, Any]:
    """Return a model's versions by fingerprint, aliases, and what was agreed on; nothing where it is not registered."""
    found = _registered(client, model)
    if found is None:
        return {"versions": {}, "aliases": {}, "agreed": {}}
    return {
        "versions": {print_: str(one.version) for print_, one in _versions(client, model).items()},
        "aliases": {alias: str(version) for alias, version in found.aliases.items()},
        "agreed": json.loads(found.tags.get(AGREED) or "{}"),
    }


def settle(client: Any, order: Mapping[str, Any]) -> list[str]:
    """Register the versions that are not there, set tags and aliases, keep what was agreed on, and delete what is gone.

    In this order; returns the fingerprints of those that stay, since an alias points to them.
    """
    model = order["model"]
    if _registered(client, model) is None:
        client.create_registered_model(model)
    there = _versions(client, model)
    numbers = {}
    for one in order["versions"]:
        found = there.get(one["fingerprint"]) or _register(client, model, order["experiment"], one)
        numbers[one["version"]] = found.version
        _set_tags(client, model, found, one["tags"])
    for alias, version in order["aliases"].items():
        client.set_registered_model_alias(model, alias, numbers[version])
    client.set_registered_model_tag(model, AGREED, json.dumps(order["agreed"], sort_keys=True))
    # Read again: aliases were set meanwhile.
    named = {str(number) for number in _registered(client, model).aliases.values()}
    ended = {print_: there[print_] for print_ in order["gone"] if print_ in there}
    stay = [print_ for print_, one in ended.items() if str(one.version) in named]
    for print_, one in ended.items():
        if print_ not in stay:
            client.delete_model_version(model, one.version)
    return stay


def _register(client: Any, model: str, experiment: str, one: Mapping[str, Any]) -> Any:
    experiments = [str(found.experiment_id) for found in client.search_experiments()]
    run = run_of(client, experiments, one["run"])
    # A run that was never sent, or one of another machine, leaves the model without one.
    place = experiment_id(client, experiment) if run is None else run.info.experiment_id
    made = logged_model(client, place, model, one["fingerprint"], Path(one["path"]), run)
    tags = {FINGERPRINT: one["fingerprint"], VERSION: str(one["version"]), RUN: one["run"]}
    run_id = None if run is None else run.info.run_id
    return client.create_model_version(
        model, made.artifact_location, run_id, tags=tags, model_id=made.model_id, await_creation_for=0
    )


def _set_tags(client: Any, model: str, there: Any, wanted: Mapping[str, str]) -> None:
    """Set a version's tags as they are here, and take those away that were set by us and are gone."""
    held = {name: value for name, value in there.tags.items() if not name.startswith(OURS)}
    ours = json.loads(there.tags.get(f"{OURS}tags") or "[]")
    for name, value in wanted.items():
        if held.get(name) != value:
            client.set_model_version_tag(model, there.version, name, value)
    for name in ours:
        if name not in wanted and name in held:
            client.delete_model_version_tag(model, there.version, name)
    if sorted(wanted) != ours:
        client.set_model_version_tag(model, there.version, f"{OURS}tags", json.dumps(sorted(wanted)))


def _registered(client: Any, model: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _versions(client: Any, model: str) -> dict[str, Any]:
    """Return fingerprint -> MLflow's version, of those that are ours; the first where there are two."""
    found: dict[str, Any] = {}
    token = None
    while True:
        page = client.search_model_versions(f"name = '{model}'", page_token=token)
        for one in sorted(page, key=lambda one: int(one.version)):
            if print_ := one.tags.get(FINGERPRINT):
                found.setdefault(print_, one)
        token = page.token
        if not token:
            return found
