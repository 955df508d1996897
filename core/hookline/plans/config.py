"""A run's config as typed values: what was chosen for each kind, and the options around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Gt, Interval

from hookline.data.parts import LearningCurveOptions, SplitOptions
from hookline.errors import ConfigError, HooklineError, Problem, closest
from hookline.kinds.artifacts import Roles
from hookline.kinds.component import COMPONENT, Component, Settings, plain_component
from hookline.kinds.given.names import SHOWN, fault_of, shortened
from hookline.kinds.given.references import hold, settle
from hookline.kinds.kinds import KIND_TABLE, KINDS, MULTIPLE
from hookline.kinds.plain import plain
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions
from hookline.registry.registry import Registry
from hookline.registry.values import validate, validate_object
from hookline.telling.secrets import redacted

from .gates import Said, flat


@dataclass(frozen=True)
class Options:
    """Everything of a run's config but its components and settings."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    name: str | None = None
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    roles: Roles = field(default_factory=Roles)
    split: SplitOptions = field(default_factory=SplitOptions)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    intervals: IntervalOptions = field(default_factory=IntervalOptions)
    sets: SetOptions = field(default_factory=SetOptions)
    learning_curve: LearningCurveOptions = field(default_factory=LearningCurveOptions)
    contract: Path | None = None
    """A YAML file that says what the columns may hold, over what training rows show: see `hookline data contract`."""
    audit: Literal["warn", "fail", "off"] = "warn"
    """What critical findings of the split audit do: they are told, or they stop the run before any training."""
    audit_allow: tuple[str, ...] = ()
    """Findings of the audit that somebody has looked at: `COLUMN`, or `STATISTIC:COLUMN`; they become notes."""
    gates: Mapping[str, Annotated[float | str, Said()]] = field(default_factory=dict)
    """Metric -> what it must reach: a number, or a text such as `>= 0.8`, `>= champion - 0.002` or `no worse`."""
    golden: Annotated[int, Interval(ge=0, le=1000)] = 20
    """How many raw held-out rows travel in each package with their answers, which `hookline models verify` asks again."""
    rungs: tuple[Annotated[float, Interval(gt=0, lt=1)], ...] = ()
    """Shares of the training rows that a search with a pruner has each trial fitted to first, and judged by."""
    repeats: Annotated[int, Gt(0)] = 1
    """How often the pipeline is fitted, with one seed more each time; the first is packaged. A sweep makes them jobs."""
    on_error: Literal["continue", "stop"] = "continue"
    """What a sweep does when a job fails."""


ROOTS = (*KINDS, "experiment", "settings", *(f.name for f in fields(Options)))
"""What may stand at the root of a config."""


@dataclass(frozen=True)
class Placed:
    """A component at its place in config, such as `transform.impute`."""

    key: str
    component: Component


@dataclass(frozen=True)
class RunConfig:
    """A whole, valid run config."""

    options: Options
    components: Mapping[str, tuple[Placed, ...]]
    """Kind -> its components in order; single-choice kinds have at most one."""
    settings: Mapping[str, Settings] = field(default_factory=dict)

    def one(self, kind: str) -> Placed | None:
        """Return the component of a single-choice kind."""
        return next(iter(self.components[kind]), None)

    @property
    def name(self) -> str:
        """The model's name: as configured, else the source's file stem or component name."""
        if self.options.name:
            return self.options.name
        source = self.components["source"][0].component
        path = getattr(source, "path", None)
        stem = re.sub(r"[^\w.-]+", "_", Path(redacted(str(path))).stem).strip("._-") if path else ""
        return shortened(stem) or source.name.replace(".", "_")

    def plain(self) -> dict[str, Any]:
        """Return the config as plain JSON values, complete with defaults."""
        tree: dict[str, Any] = plain(self.options)
        for kind in KINDS:
            nodes = {
                placed.key.partition(".")[2]: plain_component(placed.component) for placed in self.components[kind]
            }
            tree[kind] = nodes if kind in MULTIPLE else next(iter(nodes.values()), None)
        return tree | {"settings": {name: plain(value) for name, value in self.settings.items()}}


def key_of(name: str) -> str:
    """Return the config key of a component in a multiple-choice kind; a dot would nest it."""
    return name.replace(".", "_")


def resolve(registry: Registry, tree: Mapping[str, Any]) -> RunConfig:
    """Turn a plain config into typed values; raises ConfigError with every problem of the whole config at once."""
    problems = [*_targets(tree), *_unknown_roots(tree)]
    hints: list[str] = []
    components: dict[str, tuple[Placed, ...]] = {}
    for kind in KINDS:
        components[kind] = tuple(_place(registry, kind, tree.get(kind), problems, hints))
    options = _checked(Options, _options(tree), "", problems) or Options()
    settings = _settings(registry, tree.get("settings") or {}, problems)
    if options.name is not None and (fault := fault_of(options.name)):
        problems.append(Problem("name", f"{fault}, got {options.name[:SHOWN]!r}"))
    problems += options.decision.problems()
    by_folds = options.decision.chosen_on == "folds" and bool(options.decision.ways)
    if by_folds and not options.split.cross_validates:
        problems.append(
            Problem("decision.chosen_on", "goes by folds within the training rows, of which there are none")
        )
        hints.append("split.folds=5 draws some")
    needing = {
        "decision": options.decision.needs_rows and not by_folds,
        "intervals": options.intervals.coverage is not None,
        "sets": options.sets.coverage is not None,
    }
    if any(needing.values()) and not options.split.valid and options.split.method != "column":
        told = "goes by validation rows, of which there are none"
        problems += [Problem(name, told) for name, needed in needing.items() if needed]
        hints.append("split.valid=0.2 takes a fifth of the rows for that")
    held_out = 1 / options.split.folds if options.split.fold is not None and options.split.folds else options.split.test
    held_out += options.split.valid
    if held_out >= 1:
        problems.append(Problem("split", f"leaves nothing to train on: test and valid together are {held_out:g}"))
    if any(problem.path == "seed" for problem in problems):
        # Components take the run's seed, and would say the same again.
        problems = [problem for problem in problems if not problem.path.endswith(".seed")]
    if problems:
        kinds = {kind: tree[kind] for kind in KINDS if kind in tree}
        raise ConfigError(_title(problems, kinds), problems, hint=hints[0] if hints else None)
    return RunConfig(options, components, settings)


def _place(registry: Registry, kind: str, node: Any, problems: list[Problem], hints: list[str]) -> Sequence[Placed]:
    if not node and KIND_TABLE[kind].optional:
        return []
    if not node:
        problems.append(Problem(kind, f"required; choose one of {', '.join(registry.names(kind))}"))
        return []
    if kind in MULTIPLE and not isinstance(node, Mapping):
        problems.append(Problem(kind, f"must be a mapping of components, each under a key of its own, got {node!r}"))
        return []
    nodes = {kind: node} if kind not in MULTIPLE else {f"{kind}.{key}": value for key, value in node.items()}
    placed = []
    for key, values in nodes.items():
        try:
            placed.append(Placed(key, built(registry, kind, key, values)))
        except ConfigError as error:
            problems.extend(error.problems)
            hints.extend([error.hint] if error.hint else [])
        except HooklineError as error:
            problems.append(Problem(key, error.message))
            hints.extend([error.hint] if error.hint else [])
    return placed


def built(registry: Registry, kind: str, key: str, values: Any) -> Any:
    """Return the component that an object, a name, or a mapping with `component` and its fields means at a key.

    Raises ConfigError with every problem of its fields, UnknownName where no component is called so.
    """
    if isinstance(values, Component):
        if values.kind != kind:
            raise ConfigError(
                "bad config", [Problem(key, f"a {values.kind} ('{values.name}') stands where a {kind} belongs")]
            )
        return validate_object(values, key)
    if isinstance(values, str):
        values = {COMPONENT: values}
    if not isinstance(values, Mapping):
        raise ConfigError("bad config", [Problem(key, f"must be a component with its fields, got {values!r}")])
    fields_ = {
        name: value for name, value in values.items() if name != COMPONENT and not str(name).startswith("_target_")
    }
    whole, kept = settle(fields_, key)
    return hold(registry.build(kind, name_in(values, kind, key), whole, key), kept)


def name_in(values: Mapping[str, Any], kind: str, key: str) -> str:
    """Return the component that a node names; raises ConfigError where it names none."""
    name = values.get(COMPONENT)
    if isinstance(name, str):
        return name
    told = f"required: the name of a registered {kind}"
    if name is not None:
        told = f"must be the name of a registered {kind}, got {name!r}"
    raise ConfigError("bad config", [Problem(f"{key}.{COMPONENT}", told)])


def _options(tree: Mapping[str, Any]) -> dict[str, Any]:
    given = {f.name: tree[f.name] for f in fields(Options) if f.name in tree}
    for name in ("roles", "split", "decision", "intervals", "sets", "learning_curve", "gates"):
        if given.get(name) is None:
            given.pop(name, None)
        elif is_dataclass(given[name]):
            # An object would be taken as it is, whatever its fields hold.
            given[name] = asdict(given[name])
    if "gates" in given:
        given["gates"] = flat(given["gates"])
    return given


def settings_in(registry: Registry, node: Any) -> dict[str, Settings]:
    """Return the settings of all plugins by name, where no run's config stands around them; raises ConfigError."""
    problems: list[Problem] = []
    found = _settings(registry, node, problems)
    if problems:
        raise ConfigError("bad settings", problems)
    return found


def _settings(registry: Registry, node: Any, problems: list[Problem]) -> dict[str, Settings]:
    known = registry.settings()
    if not isinstance(node, Mapping):
        problems.append(Problem("settings", f"must be a mapping of plugins' settings, got {node!r}"))
        return {}
    problems += [
        Problem(f"settings.{name}", _did_you_mean("no plugin has settings of this name", name, known))
        for name in sorted(set(node) - set(known))
    ]
    built = {name: _checked(cls, node.get(name) or {}, f"settings.{name}", problems) for name, cls in known.items()}
    return {name: value for name, value in built.items() if value is not None}


def _checked(cls: Any, values: Any, path: str, problems: list[Problem]) -> Any:
    try:
        if isinstance(values, cls):
            return validate_object(values, path)
        whole, kept = settle(values, path, names=cls is Options)
        return hold(validate(cls, whole, path, "bad config"), kept)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _targets(node: Any, path: str = "") -> list[Problem]:
    if not isinstance(node, (Mapping, list, tuple)):
        return []
    found = []
    for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
        where = f"{path}.{key}" if path else str(key)
        if str(key).startswith("_target_"):
            found.append(Problem(where, "is not allowed: config names registered components, never dotted paths"))
        found += _targets(value, where)
    return found


def _unknown_roots(tree: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(str(key), _did_you_mean("unknown key", str(key), ROOTS))
        for key in tree
        if key not in ROOTS and not str(key).startswith("_target_")
    ]


def _did_you_mean(text: str, name: str, known: Any) -> str:
    match = closest(name, known)
    return f"{text}; did you mean '{match}'?" if match else f"{text}; there is {', '.join(sorted(known))}"


def _title(problems: Sequence[Problem], kinds: Mapping[str, Any]) -> str:
    roots = {problem.path.partition(".")[0] for problem in problems}
    if len(roots) == 1 and (kind := roots.pop()) in kinds and kind not in MULTIPLE and isinstance(kinds[kind], Mapping):
        return f"bad config for {kind} '{kinds[kind].get(COMPONENT)}'"
    return "bad config"
