"""The stages that a config means, in order, each with its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from hookline.data.cleaning.ledger import CleaningLedger
from hookline.data.contract.file import Contract, read_contract
from hookline.errors import ConfigError, PlanError, Problem
from hookline.kinds.artifacts import Dataset, Features, Roles, Split, Target
from hookline.kinds.component import Component
from hookline.kinds.deployments import Deployment, Package
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.kinds.reports import Report
from hookline.registry.ports import ports
from hookline.registry.registry import Registry

from .chain import check_chain
from .closure import core_digest
from .config import Placed, RunConfig
from .fingerprints import code_digest, versions
from .plan import Knowledge, Plan, Stage


def make_plan(registry: Registry, config: RunConfig) -> Plan:
    """Check a config as a whole and lay out its stages; raises PlanError, ConfigError or MissingBackend."""
    for kind in config.components.values():
        for placed in kind:
            type(placed.component).check_backend()
    source = config.components["source"][0].component
    assert isinstance(source, Source)
    roles = source.roles().merged(config.options.roles)
    if not roles.target:
        raise ConfigError(
            "bad config",
            [Problem("roles.target", f"required: source '{source.name}' does not say which column to predict")],
        )
    doubled = list(_doubly_used(roles))
    if doubled:
        raise ConfigError("bad config", doubled)
    check_chain(registry, config)
    path = config.options.contract
    contract = None if path is None else read_contract(path)
    return Plan(config, roles, tuple(_Layout(config, roles, contract).stages()), contract)


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

    def __init__(self, config: RunConfig, roles: Roles, contract: Contract | None) -> None:
        self.config = config
        self.roles = roles
        self.contract: dict[str, Any] = {} if contract is None else {"contract": contract.plain()}
        self.done: dict[str, Stage] = {}

    def stages(self) -> list[Stage]:
        """Return every stage, in an order in which each follows its inputs."""
        options = self.config.options
        source = self._place(self.config.components["source"][0], (), Dataset, {"data": self._data()})
        first = [source]
        for placed in self._transforms("dataset"):
            first.append(self._place(placed, (first[-1],), Dataset, {"roles": asdict(self.roles)}))
        split = self._core(
            "split",
            (first[-1],),
            Split,
            {"split": asdict(options.split), "seed": options.seed, "roles": asdict(self.roles)},
        )
        knowledge = self._core("knowledge", (split,), Knowledge, self.contract)
        if self.contract:
            self._core("contract", (split,), Report, self.contract)
        fitted: list[str] = []
        for placed in self._transforms("training", "always"):
            fitted.append(self._place(placed, (split, *fitted), ports(type(placed.component)).makes, {}))
        if self.config.components["transform"]:
            self._cleaning((*(first if len(first) > 1 else ()), split, *fitted))
        target = self._core("target", (split, *fitted), Target, {"task": options.task})
        path = (split, *fitted, target)
        if options.audit != "off":
            self._core("audit", path, Report, {"audit_allow": list(options.audit_allow)})
        featurizer = self.config.components["featurizer"][0]
        featurizer_key = self._place(featurizer, path, ports(type(featurizer.component)).makes, {})
        features = self._core("features", (*path, featurizer_key), Features, {})
        trainer = self.config.components["trainer"][0]
        trainer_key = self._place(trainer, (features,), ports(type(trainer.component)).makes, {})
        self._evidence((*path, knowledge, featurizer_key, trainer_key), split, knowledge)
        return list(self.done.values())

    def _cleaning(self, inputs: tuple[str, ...]) -> None:
        self._core("cleaning", inputs, CleaningLedger, {})

    def _evidence(self, pipeline: tuple[str, ...], split: str, knowledge: str) -> None:
        components = self.config.components
        reports = [self._place(placed, pipeline, Report, {}) for placed in components["evaluator"]]
        reports += [self._place(placed, (split, knowledge), Report, {}) for placed in components["monitor"]]
        for placed in components["packager"]:
            # A package carries what was found out about its model, so other reports make another package.
            self._place(placed, (*pipeline, *reports), Package, {"name": self.config.name})
        for placed in components["deployer"]:
            packages = [p.key for p in components["packager"]]
            if not packages:
                raise PlanError(
                    f"deployer '{placed.component.name}' has nothing to deploy",
                    hint="choose a packager, or deployer=null",
                )
            self._place(placed, (packages[0],), Deployment, {"model": self.config.name})

    def _transforms(self, *scopes: str) -> list[Placed]:
        return [p for p in self.config.components["transform"] if getattr(p.component, "applies", "") in scopes]

    def _data(self) -> str:
        source = self.config.components["source"][0].component
        assert isinstance(source, Source)
        return source.fingerprint()

    def _place(self, placed: Placed, inputs: tuple[str, ...], makes: Any, parts: Mapping[str, Any]) -> str:
        cls = type(placed.component)
        own = {
            "component": placed.component.name,
            "fields": plain(placed.component),
            "code": code_digest(cls),
            "versions": versions(cls),
        }
        return self._add(placed.key, cls.kind, placed.component, inputs, makes, own | dict(parts))

    def _core(self, kind: str, inputs: tuple[str, ...], makes: Any, parts: Mapping[str, Any]) -> str:
        return self._add(
            kind, kind, None, inputs, makes, {"code": core_digest("hookline.runs.stages.table")} | dict(parts)
        )

    def _add(
        self,
        key: str,
        kind: str,
        component: Component | None,
        inputs: tuple[str, ...],
        makes: Any,
        parts: Mapping[str, Any],
    ) -> str:
        whole = {**parts, "inputs": {name: self.done[name].fingerprint for name in inputs}}
        text = json.dumps([kind, key, whole], sort_keys=True, default=str)
        self.done[key] = Stage(key, kind, component, inputs, makes, whole, hashlib.sha256(text.encode()).hexdigest())
        return key
