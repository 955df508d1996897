"""Config -> typed, fingerprinted stages. Pure: nothing runs here."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .artifacts import Dataset, Deployment, Features, Package, Profile, Reference, Report, Roles, Schema, Split, Target
from .cleaning import CleaningLedger
from .components import Component, FittedFeaturizer, FittedTransform, Source, Trainer, Transform
from .contract_file import Contract, read_contract
from .digests import CORE_MODULES, code_digest, core_digest, versions
from .errors import ConfigError, PlanError, Problem
from .pipeline import Pipeline
from .registry import Ports, Registry, plain, ports, type_text
from .runconfig import Placed, RunConfig

PERSISTED = frozenset(
    {
        "split",
        "knowledge",
        "contract",
        "transform",
        "cleaning",
        "target",
        "audit",
        "featurizer",
        "features",
        "trainer",
        "evaluator",
        "packager",
        "monitor",
    }
)
"""Stage kinds whose output the store keeps; rows before the split stay lazy, and a deployment is never skipped."""


MOST_NAMED = 3
"""Inputs that are named where they are why a stage must run."""


@dataclass(frozen=True)
class Knowledge:
    """What a model knows of its training rows: the contract of its input and their distributions."""

    schema: Schema
    profile: Profile


@dataclass(frozen=True)
class Stage:
    """A component placed in a run, with what it takes, makes and depends on."""

    key: str
    kind: str
    """One of the eight kinds, or a stage of the core: split, knowledge, contract, cleaning, target, audit, features."""
    component: Component | None
    inputs: tuple[str, ...]
    """Keys of the stages whose outputs it takes."""
    makes: Any
    parts: Mapping[str, Any]
    """What the fingerprint is made of, by name; a later run compares them to say why it must run."""
    fingerprint: str

    @property
    def name(self) -> str:
        """The component's name, or `core`."""
        return self.component.name if self.component else "core"

    @property
    def persisted(self) -> bool:
        """Whether the store keeps its output."""
        return self.kind in PERSISTED and not (self.kind == "transform" and self.applies == "dataset")

    @property
    def applies(self) -> str:
        """A transform's scope; empty for other kinds."""
        return self.component.applies if isinstance(self.component, Transform) else ""


@dataclass(frozen=True)
class Plan:
    """The checked, fingerprinted stages that a config means, in order."""

    config: RunConfig
    roles: Roles
    stages: tuple[Stage, ...]
    contract: Contract | None = None
    """What a person says of the columns."""

    def __getitem__(self, key: str) -> Stage:
        return next(stage for stage in self.stages if stage.key == key)

    def of(self, *kinds: str) -> tuple[Stage, ...]:
        """Return the stages of some kinds, in order."""
        return tuple(stage for stage in self.stages if stage.kind in kinds)

    def fitted_transforms(self) -> tuple[Stage, ...]:
        """Return the transform stages that are fitted after the split."""
        return tuple(stage for stage in self.of("transform") if stage.applies != "dataset")

    def needed(self, cached: Iterable[str]) -> dict[str, str]:
        """Return key -> `run`, `cached` or `unneeded`, given the keys of stages that the store holds.

        Work is demanded from the end: what only a cached stage would read is not needed.
        """
        held = set(cached)
        ends = ("contract", "cleaning", "audit", "evaluator", "packager", "monitor", "deployer", "trainer")
        wanted = {stage.key for stage in self.of(*ends)}
        decided: dict[str, str] = {}
        for stage in reversed(self.stages):
            if stage.key not in wanted:
                decided[stage.key] = "cached" if stage.key in held else "unneeded"
            elif stage.key in held:
                decided[stage.key] = "cached"
            else:
                decided[stage.key] = "run"
                wanted |= set(stage.inputs)
        return {stage.key: decided[stage.key] for stage in self.stages}


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
    _check_chain(registry, config)
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
            self._core("contract", (split,), Report, {**self.contract, "checks": core_digest("contract")})
        fitted: list[str] = []
        for placed in self._transforms("training", "always"):
            fitted.append(self._place(placed, (split, *fitted), ports(type(placed.component)).makes, {}))
        if self.config.components["transform"]:
            self._cleaning((*(first if len(first) > 1 else ()), split, *fitted))
        target = self._core("target", (split, *fitted), Target, {"task": options.task})
        path = (split, *fitted, target)
        if options.audit != "off":
            looks = {"audit_code": core_digest("audit", "effects"), "audit_allow": list(options.audit_allow)}
            self._core("audit", path, Report, looks)
        featurizer = self.config.components["featurizer"][0]
        featurizer_key = self._place(featurizer, path, ports(type(featurizer.component)).makes, {})
        features = self._core("features", (*path, featurizer_key), Features, {})
        trainer = self.config.components["trainer"][0]
        trainer_key = self._place(trainer, (features,), ports(type(trainer.component)).makes, {})
        self._evidence((*path, knowledge, featurizer_key, trainer_key), split, knowledge)
        return list(self.done.values())

    def _cleaning(self, inputs: tuple[str, ...]) -> None:
        self._core(
            "cleaning", inputs, CleaningLedger, {"code": core_digest(*CORE_MODULES, "cells", "cleaning", "moves")}
        )

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
        return self._add(kind, kind, None, inputs, makes, {"code": core_digest()} | dict(parts))

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


def explain(stage: Stage, before: Mapping[str, Any] | None) -> str:
    """Say why a stage must run, given the parts of its last run: `depth changed 3 -> 5`."""
    if before is None:
        return "first run"
    # As the catalog keeps them: tuples have become lists.
    parts: Mapping[str, Any] = json.loads(json.dumps(stage.parts, default=str))
    if parts.get("component") != before.get("component"):
        return f"{stage.key} changed {before.get('component')} -> {parts.get('component')}"
    reasons = [
        *_changes(stage.key, parts.get("fields", {}), before.get("fields", {})),
        *(f"its {name} changed" for name in ("code", "data") if parts.get(name) != before.get(name)),
        *_changes("versions", parts.get("versions", {}), before.get("versions", {})),
    ]
    for name in ("split", "roles", "seed", "task", "audit_allow", "model", "name"):
        reasons += _changes(name, parts.get(name), before.get(name))
    reasons += ["contract changed"] if parts.get("contract") != before.get("contract") else []
    now, then = parts["inputs"], before.get("inputs", {})
    changed = sorted(key for key in now if now[key] != then.get(key)) + [
        f"{key} (removed)" for key in sorted(set(then) - set(now))
    ]
    if changed and not reasons:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        reasons.append(f"its input changed: {', '.join(changed[:MOST_NAMED])}{more}")
    if not reasons:
        return "not in the store any more" if stage.persisted else "never kept: it runs each time"
    return "; ".join(reasons)


def assignable(made: Any, wanted: Any) -> bool:
    """Tell whether a port that takes `wanted` can be given what a stage says it makes."""
    made, wanted = _bare(made), _bare(wanted)
    if wanted is Any or made is Any or wanted is made:
        return True
    if isinstance(wanted, typing.TypeVar):
        return assignable(made, wanted.__bound__ or Any)
    if _union(made):
        return all(assignable(one, wanted) for one in typing.get_args(made))
    if _union(wanted):
        return any(assignable(made, one) for one in typing.get_args(wanted))
    made_class, wanted_class = typing.get_origin(made) or made, typing.get_origin(wanted) or wanted
    if not _subclass(made_class, wanted_class):
        return False
    pairs = zip(typing.get_args(made), typing.get_args(wanted), strict=False)
    return all(assignable(one, other) for one, other in pairs)


def _check_chain(registry: Registry, config: RunConfig) -> None:
    problems: list[str] = []
    hints: list[str] = []
    trainer = config.components["trainer"][0]
    model: Any = ports(type(trainer.component)).makes
    pipeline: Any = types.GenericAlias(Pipeline, (model,))
    given: dict[str, Sequence[Any]] = {
        "transform": (Dataset,),
        "featurizer": (Dataset,),
        "trainer": (Features, Features | None),
        "evaluator": (pipeline, Dataset),
        "packager": (pipeline,),
        "monitor": (Dataset, Reference),
        "deployer": (Package, Deployment | None),
    }
    results = {"transform": FittedTransform, "featurizer": FittedFeaturizer}
    for kind, types_given in given.items():
        for placed in config.components[kind]:
            found = ports(type(placed.component))
            for made, (port, wanted) in zip(types_given, found.takes.items(), strict=False):
                if not assignable(made, wanted):
                    problems.append(_mismatch(kind, placed, port, made, wanted, trainer))
                    hints += _alternatives(registry, kind, made, model)
            if kind in results and not assignable(found.makes, results[kind]):
                problems.append(
                    f"{kind} '{placed.component.name}' makes {type_text(found.makes)}, which has no transform()"
                )
    problems += _check_tasks(config)
    if problems:
        raise PlanError("\n".join(problems), hint=hints[0] if hints else None)


def _mismatch(kind: str, placed: Placed, port: str, made: Any, wanted: Any, trainer: Placed) -> str:
    name = placed.component.name
    if typing.get_origin(made) is Pipeline and typing.get_args(wanted):
        takes, makes = (type_text(typing.get_args(pipeline)[0]) for pipeline in (wanted, made))
        return f"{kind} '{name}' takes {takes}, but trainer '{trainer.component.name}' makes {makes}"
    return f"{kind} '{name}' takes {type_text(wanted)} as `{port}`, but is given {type_text(made)}"


def _alternatives(registry: Registry, kind: str, made: Any, model: Any) -> list[str]:
    fits = []
    for name in registry.names(kind):
        takes: Ports = ports(registry.entry(kind, name).cls)
        if assignable(made, next(iter(takes.takes.values()), Any)):
            fits.append(name)
    return [f"{kind}s that take {type_text(model)}: {', '.join(fits)}"] if fits else []


def _check_tasks(config: RunConfig) -> list[str]:
    trainer = config.components["trainer"][0].component
    assert isinstance(trainer, Trainer)
    problems = []
    asked = config.options.task
    if asked != "auto" and asked not in trainer.tasks:
        problems.append(f"trainer '{trainer.name}' does {_tasks(trainer.tasks)}, but task={asked}")
    for placed in config.components["evaluator"]:
        tasks: frozenset[str] = getattr(placed.component, "tasks", frozenset())
        if not tasks & trainer.tasks:
            problems.append(
                f"evaluator '{placed.component.name}' judges {_tasks(tasks)}, "
                f"but trainer '{trainer.name}' does {_tasks(trainer.tasks)}"
            )
    return problems


def _tasks(tasks: Iterable[str]) -> str:
    return " or ".join(sorted(tasks))


def _changes(path: str, now: Any, then: Any) -> list[str]:
    if now == then:
        return []
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        return [
            text for key in sorted({*now, *then}) for text in _changes(f"{path}.{key}", now.get(key), then.get(key))
        ]
    return [f"{path} changed {_short(then)} -> {_short(now)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _subclass(made: Any, wanted: Any) -> bool:
    if not isinstance(made, type) or not isinstance(wanted, type):
        return made is wanted
    try:
        return issubclass(made, wanted)
    except TypeError:
        # A protocol with properties cannot be asked of a class; look for its members instead.
        members = getattr(wanted, "__protocol_attrs__", None) or set(vars(wanted)) - set(vars(typing.Protocol))
        annotated = getattr(made, "__dataclass_fields__", {})
        return all(hasattr(made, name) or name in annotated for name in members if not name.startswith("_"))
