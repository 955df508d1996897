"""Models that the checks need: fitted by the trainer under check, or of a kind that a packager takes."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from hookline.errors import ConfigError, ExportError, HooklineError
from hookline.kinds.artifacts import Features, Task
from hookline.kinds.fitted import Model
from hookline.packages.pipeline import Pipeline
from hookline.registry.ports import assignable, ports
from hookline.registry.registry import load_registry

from .subject import Subject
from .tables.parts import LinearModel
from .tables.pipelines import fitted_features, pipeline_around


def fit_model(subject: Subject, train: Features, valid: Features | None = None) -> Model:
    """Fit a trainer; the error of a failed fit gets a note that says on what."""
    try:
        model: Model = subject.component.fit(train, valid)
    except HooklineError as error:
        error.add_note(f"while fitting {subject.label} on a {train.target.task if train.target else ''} table")
        raise
    return model


def learned_tasks(subject: Subject) -> tuple[Task, ...]:
    """Return the claimed tasks that a trainer's fields allow it to learn; a ConfigError says that they do not."""
    if "tasks" in subject.memory:
        return tuple(subject.memory["tasks"])
    kept: list[Task] = []
    refused = ""
    for task in subject.tasks():
        try:
            fit_model(subject, training_features(subject, task))
        except ConfigError as error:
            refused = str(error)
            continue
        kept.append(task)
    if not kept:
        subject.fail(f"learns none of the tasks in `tasks`; set `tasks` to what it can learn. {refused}")
    subject.memory["tasks"] = tuple(kept)
    return tuple(kept)


def training_features(subject: Subject, task: Task) -> Features:
    """Return the design matrix of a task's training rows, complete and scaled."""
    sample = subject.rows(task)
    return fitted_features(sample.train, sample.target)


def pipeline_for(subject: Subject, task: Task) -> Pipeline[Any]:
    """Return a fitted pipeline whose model the packager takes: the kit's, scikit-learn's, or one of a registered trainer.

    It is fitted once for a task; a check that wants another one makes a copy.
    """
    key = f"pipeline {task}"
    if key not in subject.memory:
        subject.memory[key] = _pipeline_for(subject, task)
    found: Pipeline[Any] = subject.memory[key]
    return found


def _pipeline_for(subject: Subject, task: Task) -> Pipeline[Any]:
    sample = subject.rows(task)
    train = fitted_features(sample.train, sample.target)
    wanted = ports(type(subject.component)).takes
    made = (make() for make in models_at_hand(train, next(iter(wanted.values()), Any)))
    model = next((model for model in made if model is not None and _taken(subject, model)), None)
    if model is not None:
        return pipeline_around(model, sample)
    return subject.fail(
        f"takes {', '.join(map(str, wanted.values()))}, and no model at hand is of that kind; "
        "install the library or the plugin whose models it packages"
    )


def _taken(subject: Subject, model: Model) -> bool:
    from hookline.packages.certificate.parity import check_takes

    try:
        check_takes(subject.component, model)
    except ExportError:
        return False
    return True


def models_at_hand(train: Features, wanted: Any = Any) -> Iterator[Callable[[], Model | None]]:
    """Return makers of the kit's model, scikit-learn's and those of registered trainers; None where one cannot be made.

    wanted: what is done with them takes this, such as `Pipeline[SklearnModel]`; trainers that say to make no such model are
        not fitted
    """
    yield lambda: LinearModel.fitted(train)
    yield lambda: _sklearn_model(train)
    yield from _registered_models(train, wanted)


def _sklearn_model(train: Features) -> Model | None:
    from importlib.util import find_spec

    from hookline.kinds.sklearn_model import SklearnModel

    if find_spec("sklearn") is None:
        return None
    from sklearn.linear_model import LogisticRegression, Ridge

    assert train.target is not None
    estimator = Ridge() if train.target.task == "regression" else LogisticRegression()
    return SklearnModel.of(estimator.fit(train.X, train.y), train)


def _registered_models(train: Features, wanted: Any) -> Iterator[Callable[[], Model | None]]:
    registry = load_registry()
    for name in registry.names("trainer"):
        cls = registry.entry("trainer", name).cls
        made: Any = types.GenericAlias(Pipeline, (ports(cls).makes,))
        if not (ports(cls).makes is Model or assignable(made, wanted)):
            continue

        def make(cls: Any = cls) -> Model | None:
            try:
                cls.check_backend()
                model: Model = cls().fit(train, None)
            except (HooklineError, TypeError):
                # It lacks its library, a required field, or the task.
                return None
            return model

        yield make
