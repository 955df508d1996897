"""The stages that a config means, in order, each with its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hookline.data.contract.file import read_contract
from hookline.data.frames import seem_values
from hookline.errors import ConfigError, Problem
from hookline.kinds.artifacts import ROW_ID, Roles
from hookline.kinds.capabilities import NeedsMore
from hookline.kinds.component import Component, check_backends
from hookline.kinds.kinds import KINDS, Source
from hookline.kinds.plain import adapter, plain
from hookline.registry.nested import nested_components
from hookline.registry.ports import ports
from hookline.registry.registry import Registry
from hookline.workspace.signing import read_key

from .ahead import check_columns
from .chain import check_chain
from .closure import core_digest
from .config import RunConfig
from .fingerprints import code_digest, versions
from .plan import Meant, Plan, Stage, StageSpec

SHOWN = 12
"""Columns to choose from that an error names."""


def make_plan(registry: Registry, config: RunConfig, sequence: Sequence[StageSpec]) -> Plan:
    """Check a config as a whole and lay out its stages; raises PlanError, ConfigError or MissingBackend."""
    components = [
        component
        for kind in config.components.values()
        for placed in kind
        for component in (placed.component, *nested_components(placed.component))
    ]
    needing = [(type(component), component.needs()) for component in components if isinstance(component, NeedsMore)]
    check_backends(map(type, components), needing)
    source = config.components["source"][0].component
    assert isinstance(source, Source)
    roles = source.roles().merged(config.options.roles)
    if not roles.target:
        raise _no_target(source, registry, config)
    doubled = list(_doubly_used(roles))
    if doubled:
        raise ConfigError("bad config", doubled)
    check_chain(registry, config)
    check_columns(registry, config, source, roles)
    path = config.options.contract
    contract = None if path is None else read_contract(path)
    return Plan(config, roles, _Layout(Meant(config, roles, contract, registry)).stages(sequence), contract)


def _no_target(source: Source, registry: Registry, config: RunConfig) -> ConfigError:
    """Return the error of a config that does not say what to predict; raises DataError where there is no table either."""
    names = [name for name in source.load().frame.collect_schema().names() if name != ROW_ID]
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    told = f"required: source '{source.name}' does not say which column to predict"
    ways = registry.remedies("no_header", config.plain()) if seem_values(names) else []
    hint = ", or ".join([*ways, f"add target=COLUMN, one of {shown}"])
    return ConfigError("bad config", [Problem("roles.target", told)], hint=hint)


def _doubly_used(roles: Roles) -> Iterator[Problem]:
    """Yield the columns that are given two roles which exclude each other."""
    named = {name: getattr(roles, name) for name in ("target", "id", "weight", "group")}
    for name, column in named.items():
        others = [other for other in named if other != name and column and named[other] == column]
        if column in roles.ignore or others:
            also = "ignored" if column in roles.ignore else f"the {others[0]}"
            yield Problem(f"roles.{name}", f"'{column}' is also {also}")


class _Layout:
    """Lays out the stages of one config, each with the fingerprints upstream of it."""

    def __init__(self, meant: Meant) -> None:
        self.meant = meant
        self.done: dict[str, Stage] = {}
        self.keys: dict[str, tuple[str, ...]] = {}

    def stages(self, sequence: Sequence[StageSpec]) -> tuple[Stage, ...]:
        """Return every stage, in an order in which each follows its inputs."""
        for spec in sequence:
            if spec.kind in KINDS:
                for placed in self.meant.config.components[spec.kind]:
                    if spec.holds(placed.component):
                        self._add(spec, placed.key, placed.component)
            elif spec.wanted(self.meant):
                self._add(spec, spec.kind, None)
        return tuple(self.done.values())

    def _add(self, spec: StageSpec, key: str, component: Component | None) -> None:
        inputs = spec.takes(self.keys, component)
        parts = {
            **({"code": core_digest(spec.module)} if component is None else _parts_of(component)),
            **({} if component is None else {"core": core_digest(spec.module)}),
            **spec.parts(self.meant),
            "inputs": {name: self.done[name].fingerprint for name in inputs},
        }
        text = json.dumps([spec.kind, key, parts], sort_keys=True, default=str)
        makes = spec.makes if component is None or spec.makes is not None else ports(type(component)).makes
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.done[key] = Stage(key, spec, component, inputs, makes, parts, digest)
        self.keys[spec.label] = (*self.keys.get(spec.label, ()), key)


def _parts_of(component: Component) -> dict[str, Any]:
    """Return what a component and those in its fields do, by name."""
    classes = [type(one) for one in (component, *nested_components(component))]
    return {
        "component": component.name,
        "fields": plain(component),
        **_of_hidden(component),
        "code": code_digest(classes[0]) if len(classes) == 1 else [code_digest(cls) for cls in classes],
        "versions": {name: version for cls in classes for name, version in versions(cls).items()},
    }


def _of_hidden(component: Component) -> dict[str, Any]:
    """Return what tells a changed value that is not written, to whoever has the store's key and to nobody else."""
    dumps = [
        (one, adapter(type(one)).dump_python(one, mode="json")) for one in (component, *nested_components(component))
    ]
    hidden = [fields for one, fields in dumps if fields != plain(one)]
    if not hidden:
        return {}
    text = json.dumps(hidden, sort_keys=True)
    return {"hidden": hashlib.blake2b(text.encode(), key=read_key(), person=b"hidden").hexdigest()}
