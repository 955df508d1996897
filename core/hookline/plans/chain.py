"""Whether each stage takes what the one before it makes."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from hookline.errors import ConfigError, PlanError, Problem, suggestion
from hookline.kinds.artifacts import Dataset, Features
from hookline.kinds.capabilities import RefusesParts, measured_by
from hookline.kinds.component import Component
from hookline.kinds.deployments import Deployment, Package, Traffic
from hookline.kinds.features.weights import IgnoresScale, WeighsFeatures
from hookline.kinds.fitted import FittedFeaturizer, FittedTransform
from hookline.kinds.formats.words import ONNX, LacksWords, Speaks
from hookline.kinds.kinds import Evaluator, Monitor, Trainer
from hookline.kinds.reports import Reference
from hookline.kinds.scored import Scored
from hookline.packages.pipeline import Pipeline
from hookline.registry.fields import has_default
from hookline.registry.nested import nested_components
from hookline.registry.ports import Ports, assignable, ports, takers, takes_scored, takes_traffic, type_text
from hookline.registry.registry import Registry

from .config import RunConfig
from .gates import FOLDS, LATENCY, REPEATS, is_among, read_gates
from .placing.components import Placed
from .placing.tasks import unfit


def check_chain(registry: Registry, config: RunConfig) -> None:
    """Raise PlanError where a stage does not take what it is given, with every such problem."""
    problems: list[str] = []
    hints: list[str] = []
    trainer = config.components["trainer"][0]
    model: Any = ports(type(trainer.component)).makes
    pipeline: Any = types.GenericAlias(Pipeline, (model,))
    results = {"transform": FittedTransform, "featurizer": FittedFeaturizer}
    for kind, several in config.components.items():
        for place, placed in enumerate(several):
            found = ports(type(placed.component))
            for port, made in _given(placed.component, found, place, pipeline).items():
                if not assignable(made, wanted := found.takes[port]):
                    problems.append(_mismatch(kind, placed, port, made, wanted, trainer))
                    hints += _alternatives(registry, kind, made, model)
            if kind in results and not assignable(found.makes, results[kind]):
                problems.append(
                    f"{kind} '{placed.component.name}' makes {type_text(found.makes)}, which has no transform()"
                )
    problems += [*_check_tasks(config), *_refused_by_packagers(config)]
    wordless = _wordless(config)
    unheeded = _unheeded(config)
    problems += [*wordless, *unheeded]
    hints += _with_words(registry, config, model) if wordless else []
    hints += _heeding(registry, config) if any(told.startswith("trainer") for told in unheeded) else []
    if problems:
        raise PlanError("\n".join(problems), hint=hints[0] if hints else None)
    assert isinstance(trainer.component, Trainer)
    asked = config.options.task
    # What is asked for as several classes may well have two.
    tasks = trainer.component.tasks if asked in ("auto", "multiclass") else {asked}
    check_gates_are_measured(config, tasks)


def _refused_by_packagers(config: RunConfig) -> list[str]:
    """Return what packagers say that they cannot say of the pipeline's parts."""
    parts = [placed.component for kind in ("transform", "featurizer", "trainer") for placed in config.components[kind]]
    packagers = [placed.component for placed in config.components["packager"]]
    told = [(one.name, one.refuses(parts)) for one in packagers if isinstance(one, RefusesParts)]
    return [f"packager '{name}' cannot say this pipeline: {why}" for name, why in told if why]


def _wordless(config: RunConfig) -> list[str]:
    """Return what packagers cannot say of the pipeline's parts, since a language that they write in has no words for it."""
    lacking = _lacking(config)
    problems = []
    for placed in config.components["packager"]:
        spoken = placed.component.languages() if isinstance(placed.component, Speaks) else ()
        told = dict.fromkeys(why for language, why in lacking if language in spoken)
        if told:
            problems.append(f"packager '{placed.component.name}' cannot say this pipeline: {', '.join(told)}")
    return problems


def _lacking(config: RunConfig) -> list[tuple[str, str]]:
    """Return language and what a part needs that it has no words for, by what each part says itself, or its type does."""
    found: list[tuple[str, str]] = []
    for kind in ("transform", "featurizer", "trainer"):
        for placed in config.components[kind]:
            own: list[tuple[str, str]] = []
            for part in (placed.component, *nested_components(placed.component)):
                said = part.lacks_words(config.options.roles) if isinstance(part, LacksWords) else {}
                own += [(language, f"{part.name} needs {what}") for language, what in said.items()]
            silent = kind != "trainer" and _stays(placed.component) and not _may_say_itself(type(placed.component))
            if silent and ONNX not in dict(own):
                own.append((ONNX, f"{placed.component.name} needs to_onnx(), which it does not have"))
            found += own
    return found


def _unheeded(config: RunConfig) -> list[str]:
    """Return which weights of features are without effect, since the trainer, or a featurizer behind them, ignores scale."""
    trainer = config.components["trainer"][0].component
    featurizers = [placed.component for placed in config.components["featurizer"]]
    problems = []
    for place, one in enumerate(featurizers):
        if not (isinstance(one, WeighsFeatures) and one.weighs()):
            continue
        for other in (*featurizers[place + 1 :], trainer):
            why = other.ignores_scale() if isinstance(other, IgnoresScale) else None
            told = f"{other.kind} '{other.name}' goes by no weights of features, as featurizer '{one.name}' says them"
            problems += [f"{told}: {why}"] if why else []
    return problems


def _heeding(registry: Registry, config: RunConfig) -> list[str]:
    """Return which trainers of the same tasks go by weights of features, of those that are chosen by name alone."""
    asked: frozenset[str] = getattr(config.components["trainer"][0].component, "tasks", frozenset())
    able = [cls for cls in registry.classes("trainer") if _stands_alone(cls) and getattr(cls, "tasks", asked) & asked]
    names = [cls.name for cls in able if not (isinstance(made := cls(), IgnoresScale) and made.ignores_scale())]
    return [f"trainers that go by them: {', '.join(names)}; weights of 0 and 1 do for any"] if names else []


def _stays(component: Component) -> bool:
    """Tell whether what a transform or featurizer learns is asked of new rows as well."""
    return getattr(component, "applies", "always") == "always"


def _may_say_itself(cls: type[Component]) -> bool:
    """Tell whether what a component fits says itself in ONNX, or may, since its type does not tell."""
    made = ports(cls).makes
    tells = isinstance(made, type) and made not in (FittedTransform, FittedFeaturizer)
    return not tells or hasattr(made, "to_onnx")


def _with_words(registry: Registry, config: RunConfig, model: Any) -> list[str]:
    """Return which packagers take such a model and have words for every part."""
    lacking = {language for language, _ in _lacking(config)}
    fits = takers(registry.classes("packager"), types.GenericAlias(Pipeline, (model,)))
    classes = {name: registry.entry("packager", name).cls for name in fits}
    able = [name for name, cls in classes.items() if _stands_alone(cls) and not lacking & _spoken(cls)]
    return [f"packagers that have words for all of it: {', '.join(able)}"] if able else []


def _stands_alone(cls: type[Component]) -> bool:
    """Tell whether a component is chosen by its name alone, without a field that must be said."""
    return all(has_default(field) for field in fields(cls))


def _spoken(cls: type[Component]) -> set[str]:
    """Return the languages of a packager that is chosen by name alone."""
    return set(cls().languages()) if issubclass(cls, Speaks) else set()


def check_gates_are_measured(config: RunConfig, tasks: Iterable[str]) -> None:
    """Raise ConfigError where a gate names what nothing measures in any of some tasks, as far as components say it."""
    judged = _judged(config, tasks)
    watched = None if judged is None else _watched_by(config)
    _require_package(config)
    if judged is None:
        return
    several = {FOLDS: config.options.split.cross_validates, REPEATS: config.options.repeats > 1}
    means = {f"{before}{name}" for before, wanted in several.items() if wanted for name in judged}
    problems = []
    for gate in read_gates(config.options.gates):
        known = judged if gate.champion or watched is None else judged | watched | means
        if is_among(gate.metric, known) or (watched is None and not gate.champion):
            continue
        told = "no evaluator measures this"
        told += ", and of the champion nothing else is known" if gate.champion else ", nor does a monitor or a packager"
        column, name = gate.of_slices
        how = f"; evaluator `slices` with columns=[{column}] and metrics=[{name}] may" if column else ""
        problems.append(Problem(f"gates.{gate.metric}", f"{told}{how}; {suggestion(gate.metric, known, 'metric')}"))
    if problems:
        raise ConfigError("bad config", problems)


def _require_package(config: RunConfig) -> None:
    """Raise ConfigError for a gate on how long an answer takes, where there is no package to be asked."""
    asked = [gate for gate in read_gates(config.options.gates) if gate.metric in LATENCY]
    if asked and not config.components["packager"]:
        told = "is measured of a package, and there is none; choose a packager"
        raise ConfigError("bad config", [Problem(f"gates.{gate.metric}", told) for gate in asked])


def _judged(config: RunConfig, tasks: Iterable[str]) -> set[str] | None:
    """Return what a run's evaluators measure; None where one does not say it beforehand."""
    found: set[str] = set()
    for placed in config.components["evaluator"]:
        measures = measured_by(placed.component) if isinstance(placed.component, Evaluator) else None
        if measures is None:
            return None
        found |= {name for task in tasks for name in measures.get(task, ())}
    return found


def _watched_by(config: RunConfig) -> set[str] | None:
    """Return what a run's monitors measure, and what is measured of its packages; None where a monitor does not say it."""
    found: set[str] = set(LATENCY) if config.components["packager"] else set()
    for placed in config.components["monitor"]:
        measures = placed.component.measures if isinstance(placed.component, Monitor) else None
        if measures is None:
            return None
        found |= set(measures)
    return found


def _given(component: Component, found: Ports, place: int, pipeline: Any) -> dict[str, Any]:
    """Return port -> what the stage is given there; place: of the component among those of its kind."""
    model = {"pipeline": pipeline} if "pipeline" in list(found.takes)[1:] else {}
    by_kind: Mapping[str, Sequence[Any]] = {
        "transform": (Dataset,),
        "featurizer": (Features if place else Dataset,),
        "trainer": (Features, Features | None),
        "evaluator": (Scored,),
        "packager": (pipeline,),
        "monitor": (_watched(component), Reference),
        "deployer": (Package, Deployment | None),
    }
    return dict(zip(found.takes, by_kind.get(component.kind, ()), strict=False)) | model


def _watched(component: Component) -> Any:
    """Return what a monitor is given to look at."""
    if component.kind != "monitor":
        return Dataset
    return Scored if takes_scored(type(component)) else Traffic if takes_traffic(type(component)) else Dataset


def _mismatch(kind: str, placed: Placed, port: str, made: Any, wanted: Any, trainer: Placed) -> str:
    name = placed.component.name
    if typing.get_origin(made) is typing.get_origin(wanted) is Pipeline:
        takes, makes = (type_text(typing.get_args(pipeline)[0]) for pipeline in (wanted, made))
        return f"{kind} '{name}' takes {takes}, but trainer '{trainer.component.name}' makes {makes}"
    return f"{kind} '{name}' takes {type_text(wanted)} as `{port}`, but is given {type_text(made)}"


def _alternatives(registry: Registry, kind: str, made: Any, model: Any) -> list[str]:
    fits = takers(registry.classes(kind), made)
    what = model if typing.get_origin(made) is Pipeline else made
    return [f"{kind}s that take {type_text(what)}: {', '.join(fits)}"] if fits else []


def _check_tasks(config: RunConfig) -> list[str]:
    trainer = config.components["trainer"][0].component
    assert isinstance(trainer, Trainer)
    problems = []
    asked = config.options.task
    if asked != "auto" and asked not in trainer.tasks:
        problems.append(f"trainer '{trainer.name}' does {_tasks(trainer.tasks)}, but task={asked}")
    problems += _unfit_options(config, trainer)
    for placed in config.components["evaluator"]:
        tasks: frozenset[str] = getattr(placed.component, "tasks", frozenset())
        if not tasks & trainer.tasks:
            problems.append(
                f"evaluator '{placed.component.name}' judges {_tasks(tasks)}, "
                f"but trainer '{trainer.name}' does {_tasks(trainer.tasks)}"
            )
    return problems


def _unfit_options(config: RunConfig, trainer: Trainer) -> list[str]:
    """Return what options are for other tasks than the one that is asked for, or any that the trainer does."""
    asked = config.options.task
    # What is asked for as several classes may well have two.
    able = trainer.tasks & ({"binary", "multiclass"} if asked == "multiclass" else {asked}) or trainer.tasks
    told = f"task={asked}" if able < trainer.tasks else f"trainer '{trainer.name}' does {_tasks(trainer.tasks)}"
    placed = (*config.components["trainer"], *config.components["evaluator"])
    found = [option for one in placed for option in unfit(one.component, one.key, able)]
    return [f"{one}, but {one.left_by or told}; {one.hint} leaves it out" for one in found]


def _tasks(tasks: Iterable[str]) -> str:
    return " or ".join(sorted(tasks))
