"""Which deployer is meant, with which fields: as overrides say it, as Python does, or as the policy in force has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.component import COMPONENT
from hookline.kinds.deployments import Deployment
from hookline.kinds.kinds import Deployer
from hookline.plans.placing.components import built
from hookline.registry.registry import Registry

KIND = "deployer"
FIRST = "local"
"""The deployer of a model that never had one."""

Choice = str | Mapping[str, Any] | Deployer | Sequence[str] | None
"""A name; a mapping with `component` and its fields; a deployer; overrides, as they are typed; None: the one in force."""


def chosen(registry: Registry, choice: Choice, current: Deployment | None) -> Deployer:
    """Return the deployer that is meant; what is not said is as the policy in force has it, where that is of the same one.

    Raises ConfigError and UnknownName as a run does, UsageError for overrides of anything else.
    """
    deployer = built(registry, KIND, KIND, _node(registry, choice, current))
    assert isinstance(deployer, Deployer)
    type(deployer).check_backend()
    return deployer


def _node(registry: Registry, choice: Choice, current: Deployment | None) -> Any:
    kept = {COMPONENT: FIRST} if current is None else {COMPONENT: current.deployer, **current.fields}
    if choice is None:
        return kept
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        return _from_words(registry, choice, kept) if choice else kept
    return choice


def _from_words(registry: Registry, overrides: Sequence[str], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the node that overrides mean; fields alone change those in force."""
    from hookline.plans.hydra.compose import fields_said

    names = [word.partition("=")[2] for word in overrides if _key(word) == KIND]
    for word in overrides:
        if _key(word).partition(".")[0] != KIND:
            raise UsageError(
                f"'{word}': a version is deployed as it is, and only its deployer is said",
                hint="write deployer=NAME deployer.FIELD=VALUE; `hookline components list deployer` tells which there are",
            )
    if any(name in ("", "null", "None") for name in names):
        raise UsageError("a version is deployed by a deployer", hint=f"write deployer={FIRST}")
    name = names[-1] if names else str(kept[COMPONENT])
    fields = [word for word in overrides if _key(word) != KIND]
    said = fields_said(registry, KIND, name, fields)
    return {COMPONENT: name, **said} if names else {**kept, **said}


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]
