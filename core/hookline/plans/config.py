"""A run's config as typed values: what was chosen for each kind, and the options around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Gt, Interval

from hookline.data.parts import LearningCurveOptions, SplitOptions
from hookline.errors import ConfigError, HooklineError, Problem, closest
from hookline.kinds.artifacts import Roles
from hookline.kinds.component import COMPONENT, Settings, plain_component
from hookline.kinds.given.names import SHOWN, fault_of, shortened
from hookline.kinds.given.references import hold, settle
from hookline.kinds.kinds import KIND_TABLE, KINDS, MULTIPLE, Source
from hookline.kinds.plain import plain
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions
from hookline.registry.registry import Registry
from hookline.registry.values import validate, validate_object
from hookline.telling.secrets import redacted
from hookline.workspace.yaml_size import read_tree

from .gates import Said, flat
from .placing.components import Placed, built
from .placing.sets import KnownSet, sets_in

SETTINGS_FILE = "settings.yaml"
"""What plugins are set to where no run's config says so, in the home."""
OF_CORE = ("retrain",)
"""Its sections that are no plugin's."""


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
    keep_data: bool = False
    """Whether the rows are kept in the store as they were read, once a content, so that `hookline data checkout` has them."""
    audit: Literal["warn", "fail", "off"] = "warn"
    """What critical findings of the split audit do: they are told, or they stop the run before any training."""
    audit_allow: tuple[str, ...] = ()
    """Findings of the audit that somebody has looked at: `COLUMN`, or `STATISTIC:COLUMN`; they become notes."""
    audit_labels: bool = False
    """Whether the audit looks for labels that a model which has not seen them contradicts; takes seconds."""
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


FEATURES = "features"
"""Where a config names feature sets."""
ROOTS = (*KINDS, FEATURES, "experiment", "settings", *(f.name for f in fields(Options)))
"""What may stand at the root of a config."""


@dataclass(frozen=True)
class RunConfig:
    """A whole, valid run config."""

    options: Options
    components: Mapping[str, tuple[Placed, ...]]
    """Kind -> its components in order; single-choice kinds have at most one."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    sets: Mapping[str, KnownSet] = field(default_factory=dict)
    """Feature set -> what it holds; its components are among those of their kinds."""
    bare: Placed | None = None
    """The source as config says it, where a feature set puts more beside its rows."""

    def one(self, kind: str) -> Placed | None:
        """Return the component of a single-choice kind."""
        return next(iter(self.components[kind]), None)

    @property
    def name(self) -> str:
        """The model's name: as configured, else the source's file stem or component name."""
        if self.options.name:
            return self.options.name
        source = self._said("source")[0].component
        path = getattr(source, "path", None)
        stem = re.sub(r"[^\w.-]+", "_", Path(redacted(str(path))).stem).strip("._-") if path else ""
        return shortened(stem) or source.name.replace(".", "_")

    def plain(self) -> dict[str, Any]:
        """Return the config as plain JSON values, complete with defaults."""
        tree: dict[str, Any] = plain(self.options)
        for kind in KINDS:
            nodes = {placed.key.partition(".")[2]: plain_component(placed.component) for placed in self._said(kind)}
            tree[kind] = nodes if kind in MULTIPLE else next(iter(nodes.values()), None)
        sets = {"features": {name: known.plain() for name, known in self.sets.items()}} if self.sets else {}
        return tree | sets | {"settings": {name: plain(value) for name, value in self.settings.items()}}

    def _said(self, kind: str) -> tuple[Placed, ...]:
        """Return the components of a kind that config places, without what feature sets add."""
        if kind == "source" and self.bare is not None:
            return (self.bare,)
        return tuple(placed for placed in self.components[kind] if not placed.within)


def resolve(registry: Registry, tree: Mapping[str, Any]) -> RunConfig:
    """Turn a plain config into typed values; raises ConfigError with every problem of the whole config at once."""
    problems = [*_targets(tree), *_unknown_roots(tree)]
    hints: list[str] = []
    components: dict[str, tuple[Placed, ...]] = {}
    for kind in KINDS:
        components[kind] = tuple(_place(registry, kind, tree.get(kind), problems, hints))
    sets = sets_in(registry, tree.get(FEATURES), problems, hints)
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
    return with_sets(RunConfig(options, components, settings), sets)


def with_sets(config: RunConfig, sets: Mapping[str, KnownSet]) -> RunConfig:
    """Return a config with the components of feature sets in their places: around the source, and after its transforms."""
    if not sets:
        return config
    bare = config.components["source"][0]
    source = bare.component
    assert isinstance(source, Source)
    for known in sets.values():
        source = known.around(source)
    added = [
        Placed(f"transform.{name}.{key}", one, name)
        for name, known in sets.items()
        for key, one in known.definitions.items()
    ]
    components = {**config.components, "transform": (*config.components["transform"], *added)}
    components["source"] = (Placed(bare.key, source),)
    return replace(config, components=components, sets=sets, bare=bare)


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


def settings_at(registry: Registry, home: Path) -> dict[str, Settings]:
    """Return the settings of all plugins by name, as `settings.yaml` in the home says; raises ConfigError with every problem."""
    path = home / SETTINGS_FILE
    tree = read_tree(path, "alerts: {urls: [...]}") if path.exists() else {}
    return settings_in(registry, {name: said for name, said in tree.items() if name not in OF_CORE})


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
        Problem(str(key), _did_you_mean("unknown key", str(key), (*ROOTS, *(f.name for f in fields(Roles)))))
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
