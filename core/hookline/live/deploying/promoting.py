"""A version put in charge, called by an alias, or put back, by a person."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import DataError, StoreError, UnknownName, UsageError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import verify
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import CHAMPION, ModelRecord
from hookline.workspace.workspace import open_workspace

from .force import Decision, in_turn, require_there
from .naming import model_named, version_named
from .policies import before_present, is_settled, newcomers, only, pair_of, repeated, standing, words_of

BY_HAND = "promoted by hand"


def promote(
    version: str, *, alias: str = CHAMPION, reason: str = BY_HAND, home: str | Path | None = None
) -> Deployment | None:
    """Put a model's version (`"churn:3"`) in charge and return the policy in force; with another alias only name it so.

    Of a model alone (`"churn"`) the new version of its rollout, which ends with that.
    Raises UsageError where it is not clear which version is meant, UnknownName where there is none, StoreError where its
    package is damaged.
    """
    catalog = open_workspace(home).catalog
    is_model = catalog.models.has(version)
    new = f"{version}:{_new_version(catalog, version, alias)}" if is_model else version
    record = version_named(catalog, new, "promote")
    name = record.name
    verify(Path(record.path))
    if alias != CHAMPION:
        catalog.models.set_alias(name, alias, record.version)
        return None

    def decide(current: Deployment | None) -> Decision:
        if current is None:
            return Deployment.single(name, record.version, "local"), reason
        return only(current, record.version), reason

    return in_turn(catalog, name, decide)


def rollback(
    model: str, to: int | str | None = None, *, reason: str = "", home: str | Path | None = None
) -> Deployment:
    """Put back what was in force before the present rollout or promotion, and return it; its reason says what it did.

    In a rollout that is what answered before it began. A second time it goes back further, and not forth again.
    to: a version or an alias, to go back to that one
    Raises UsageError where there is nothing to go back to, UnknownName, and StoreError where the version's package is gone.
    """
    catalog = open_workspace(home).catalog
    name = model_named(catalog, model, "deploy rollback")
    target = None if to is None else _version(catalog, name, to)

    def decide(current: Deployment | None) -> Decision:
        history = catalog.deployments.history(name)
        if current is None or not history:
            raise _nothing(catalog, name)
        found = before_present(history) if target is None else _last_of(history, target)
        if found is None:
            raise _nothing(catalog, name, history)
        _require_whole(catalog, name, found.version, history)
        told = f"rolled back by hand, {pair_of(history[0], found)}"
        return repeated(found), f"{told}: {reason}" if reason else told

    made = in_turn(catalog, name, decide)
    assert made is not None
    return made


def _new_version(catalog: Catalog, name: str, alias: str) -> int:
    """Return the version that a model's rollout is about."""
    versions = catalog.models.versions(name)
    policy = catalog.deployments.current(name)
    found = [] if policy is None or alias != CHAMPION else newcomers(policy)
    if len(found) == 1:
        return found[0]
    if alias != CHAMPION or policy is None:
        raise UsageError(
            f"say which version to promote, such as {name}:{versions[0].version}", hint=f"hookline models list {name}"
        )
    if not found:
        raise UsageError(
            f"say which version of '{name}' to promote: no rollout is going on, and {words_of(policy)}",
            hint=_promotion(policy, versions, policy.version),
        )
    told = " or ".join(f"v{version}" for version in found)
    raise UsageError(f"the rollout of '{name}' may end with {told}", hint=f"hookline deploy promote {name}:{found[0]}")


def _promotion(policy: Deployment, versions: list[ModelRecord], present: int) -> str:
    others = [record.version for record in versions if record.version != present]
    return f"hookline deploy promote {policy.model}:{others[0]}" if others else f"hookline models list {policy.model}"


def _version(catalog: Catalog, name: str, to: int | str) -> int:
    said = str(to).removeprefix(f"{name}:").removeprefix("v")
    return catalog.models.get(name, int(said) if said.isdigit() else said).version


def _last_of(history: list[Deployment], version: int) -> Deployment:
    """Return the last policy in which one version alone answered; one as it would be where there was none."""
    present = history[0]
    if is_settled(present) and present.version == version:
        raise UsageError(
            f"v{version} of '{present.model}' answers everything already", hint=f"hookline models log {present.model}"
        )
    stack = [*reversed(standing(history)), *filter(is_settled, history)]
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
