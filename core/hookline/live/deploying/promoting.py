"""A version put in charge, called by an alias, or put back, by a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hookline.errors import DataError, StoreError, UnknownName, UsageError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import verify
from hookline.runs.names import split_model_name
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import CHAMPION, ModelRecord
from hookline.workspace.workspace import open_workspace

from ..mirroring.pushing import keep_in_step
from .force import Decision, in_turn, require_there
from .naming import model_named, version_named
from .policies import (
    before_present,
    by,
    is_settled,
    is_taken_back,
    newcomers,
    only,
    pair_of,
    repeated,
    stacked,
    words_of,
)

BY_HAND = "promoted by hand"


def promote(
    version: str,
    *,
    alias: str = CHAMPION,
    reason: str = BY_HAND,
    who: str | None = None,
    home: str | Path | None = None,
) -> Deployment | None:
    """Put a model's version (`"churn:3"`) in charge and return the policy in force; with another alias only name it so.

    Of a model alone (`"churn"`) the new version of its rollout, which ends with that. who: by default, whoever works here
    Raises UsageError where it is not clear which version is meant, UnknownName where there is none, StoreError where its
    package is damaged.
    """
    catalog = open_workspace(home).catalog
    is_model = alias == CHAMPION and catalog.models.has(version)
    new = f"{version}:{_new_version(catalog, version, catalog.deployments.current(version))}" if is_model else version
    record = version_named(catalog, new, "promote")
    name = record.name
    verify(Path(record.path))
    if alias != CHAMPION:
        catalog.models.set_alias(name, alias, record.version, "" if reason == BY_HAND else reason, who)
        keep_in_step(name, home)
        return None

    def require_meant(current: Deployment | None) -> None:
        # The rollout may have ended, or another begun, while the package's files were read.
        if is_model and (now := _new_version(catalog, name, current)) != record.version:
            raise UsageError(f"the rollout of '{name}' is one of v{now} by now", hint=f"hookline deploy status {name}")

    made = put_in_charge(catalog, record, reason, who, require_meant)
    keep_in_step(name, home)
    return made


def put_in_charge(
    catalog: Catalog,
    record: ModelRecord,
    reason: str,
    who: str | None,
    before: Callable[[Deployment | None], None] = lambda current: None,
) -> Deployment | None:
    """Have a version alone answer, and return the policy in force. before: raises why not, given the policy of the moment"""

    def decide(current: Deployment | None) -> Decision:
        before(current)
        if current is None:
            return by(Deployment.single(record.name, record.version, "local"), who), reason
        return by(only(current, record.version), who), reason

    return in_turn(catalog, record.name, decide)


def rollback(
    model: str,
    to: int | str | None = None,
    *,
    reason: str = "",
    who: str | None = None,
    home: str | Path | None = None,
) -> Deployment:
    """Put back what was in force before the present rollout or promotion, and return it; its reason says what it did.

    In a rollout that is what answered before it began. A second time it goes back further, and not forth again.
    to: a version or an alias, to go back to that one; who: by default, whoever works here
    Raises UsageError where there is nothing to go back to or a rollout was taken back already, UnknownName, and StoreError
    where the version's package is gone.
    """
    catalog = open_workspace(home).catalog
    name = model_named(catalog, model, "deploy rollback")
    target = None if to is None else _version(catalog, name, to)

    def decide(current: Deployment | None) -> Decision:
        history = catalog.deployments.history(name)
        if current is None or not history:
            raise _nothing(catalog, name)
        found = _before(catalog, name, history) if target is None else _last_of(history, target)
        _require_whole(catalog, name, found.version, history)
        told = f"rolled back by hand, {pair_of(history[0], found)}"
        return by(repeated(found), who), f"{told}: {reason}" if reason else told

    made = in_turn(catalog, name, decide)
    assert made is not None
    keep_in_step(name, home)
    return made


def _new_version(catalog: Catalog, name: str, policy: Deployment | None) -> int:
    """Return the version that a model's rollout is about. policy: the one in force"""
    versions = catalog.models.versions(name)
    if policy is None:
        raise UsageError(
            f"say which version to promote, such as {name}:{versions[0].version}", hint=f"hookline models list {name}"
        )
    found = newcomers(policy)
    if len(found) == 1:
        return found[0]
    if found:
        told = " or ".join(f"v{version}" for version in found)
        raise UsageError(
            f"the rollout of '{name}' may end with {told}", hint=f"hookline deploy promote {name}:{found[0]}"
        )
    told, hint = "no rollout is going on, and ", _promotion(policy, versions, policy.version)
    if not is_settled(policy):
        told, hint = "", f"for the one in charge alone: hookline deploy promote {name}:{policy.version}"
    raise UsageError(f"say which version of '{name}' to promote: {told}{words_of(policy)}", hint=hint)


def _promotion(policy: Deployment, versions: list[ModelRecord], present: int) -> str:
    others = [record.version for record in versions if record.version != present]
    return f"hookline deploy promote {policy.model}:{others[0]}" if others else f"hookline models list {policy.model}"


def _version(catalog: Catalog, name: str, to: int | str) -> int:
    said = str(to).removeprefix(f"{name}:")
    _, number, _ = split_model_name(f"{name}:{said.removeprefix('v')}")
    return catalog.models.get(name, said if number is None else number).version


def _before(catalog: Catalog, name: str, history: list[Deployment]) -> Deployment:
    """Return what is to be put back; raises UsageError where that happened already, or there is nothing."""
    found = before_present(history)
    if is_taken_back(history):
        hint = f"hookline models log {name}" if found is None else f"to go back further: {_line(name, found.version)}"
        present = history[0].version
        raise UsageError(f"the rollout was taken back already: v{present} answers everything", hint=hint)
    if found is None:
        raise _nothing(catalog, name, history)
    return found


def _last_of(history: list[Deployment], version: int) -> Deployment:
    """Return the last policy in which one version alone answered; one as it would be where there was none."""
    present = history[0]
    if is_settled(present) and present.version == version:
        raise UsageError(
            f"v{version} of '{present.model}' answers everything already", hint=f"hookline models log {present.model}"
        )
    stack = [*reversed(stacked(history)), *filter(is_settled, history)]
    return next((policy for policy in stack if policy.version == version), only(present, version))


def _require_whole(catalog: Catalog, name: str, version: int, history: list[Deployment]) -> None:
    try:
        require_there(catalog.models.get(name, version))
    except (DataError, StoreError, UnknownName) as error:
        others = [policy.version for policy in history if is_settled(policy) and policy.version != version]
        hint = f"go back to another: {_line(name, others[0])}" if others else f"hookline models list {name}"
        raise StoreError(f"v{version} cannot be put back: {error.args[0]}", hint=hint) from error


def _nothing(catalog: Catalog, name: str, history: list[Deployment] | None = None) -> UsageError:
    versions = catalog.models.versions(name)
    if not history:
        return UsageError(
            f"no version of '{name}' was ever put in charge", hint=f"hookline deploy apply {name}:{versions[0].version}"
        )
    present = history[0]
    return UsageError(
        f"there is nothing before v{present.version} of '{name}' to go back to",
        hint=_promotion(present, versions, present.version),
    )


def _line(name: str, to: int | str | None) -> str:
    return f"hookline deploy rollback {name} --to {to}"
