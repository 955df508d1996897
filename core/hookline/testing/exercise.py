"""Uses a component once, as a run would, on sample rows; the common checks watch what it does meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, ExportError, HooklineError
from hookline.kinds.artifacts import Dataset, Features, Task
from hookline.kinds.deployments import Package, Trust
from hookline.kinds.fitted import Model
from hookline.kinds.reports import Reference, Report
from hookline.kinds.scored import Scored
from hookline.packages.pipeline import FittedStage, Pipeline
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.quality.distributions import answers_of, profile
from hookline.registry.ports import ports, takes_pipeline, takes_scored
from hookline.registry.registry import Registry, load_registry

from .parts import LinearModel, SampleFeaturizer, fitted_features, known_pipelines, pipeline_around
from .samples import Sample
from .subject import Subject


def exercise(subject: Subject) -> None:
    """Use the component once for each task that it claims."""
    EXERCISES[subject.component.kind](subject)


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


def reference_of(sample: Sample) -> Reference:
    """Return what a monitor compares with."""
    names = [*sample.train.feature_columns(), sample.target.name]
    answered = scored_by(ordinary_pipeline(sample), sample.train)
    return Reference(
        profile(sample.train.frame, names), sample.train, target=sample.target, answers=answers_of(answered)
    )


def ordinary_pipeline(sample: Sample) -> Pipeline[Any]:
    """Return a pipeline around the kit's own linear model, fitted on the training rows."""
    return pipeline_around(LinearModel.fitted(fitted_features(sample.train, sample.target)), sample)


def scored_by(pipeline: Pipeline[Any], rows: Dataset) -> Scored:
    """Return rows with what a pipeline answers, and the truth."""
    frame = rows.frame.collect()
    return Scored.of(rows, pipeline.predict(frame), pipeline.target, pipeline.truth(frame))


def evaluate(subject: Subject, pipeline: Pipeline[Any], rows: Dataset) -> Report:
    """Ask an evaluator what it thinks of a pipeline's answers, the pipeline being there where it names it."""
    asked = {"pipeline": pipeline} if takes_pipeline(type(subject.component)) else {}
    report: Report = subject.component.evaluate(scored_by(pipeline, rows), **asked)
    return report


def seen_by(subject: Subject, sample: Sample, rows: Dataset) -> Dataset | Scored:
    """Return rows as a monitor's port wants them: raw, or with the answers of an ordinary pipeline."""
    return scored_by(ordinary_pipeline(sample), rows) if takes_scored(type(subject.component)) else rows


def fitted_stage(subject: Subject, sample: Sample) -> FittedStage:
    """Fit a transform or featurizer on the training rows."""
    component = subject.component
    return FittedStage(component.kind, component.name, component.fit(sample.train))


def pipeline_for(subject: Subject, task: Task) -> Pipeline[Any]:
    """Return a fitted pipeline whose model the packager takes: the kit's, scikit-learn's, or one of a registered trainer."""
    sample = subject.rows(task)
    train = fitted_features(sample.train, sample.target)
    wanted = ports(type(subject.component)).takes
    made = (make() for make in _models(train))
    model = next((model for model in made if model is not None and _taken(subject, model)), None)
    if model is not None:
        return pipeline_around(model, sample)
    return subject.fail(
        f"takes {', '.join(map(str, wanted.values()))}, and no model at hand is of that kind; "
        "install the library or the plugin whose models it packages"
    )


@contextmanager
def saved(subject: Subject, pipeline: Pipeline[Any]) -> Iterator[StoredPackage]:
    """Save a pipeline with the packager into a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        write_pipeline(pipeline, Path(name))
        subject.component.save(pipeline, Path(name))
        yield StoredPackage(Path(name), known_to(subject))


def known_to(subject: Subject) -> Registry:
    """Return a registry of the kit's featurizer and the component itself, which no plugin need register."""
    return load_registry().knowing([SampleFeaturizer, type(subject.component)])


def sample_package(version: int = 7) -> Package:
    """Return a registered package, as a deployer is given it."""
    return Package(Path("model"), "pickle", "churn", version)


def _source(subject: Subject) -> None:
    subject.component.fingerprint()
    subject.component.load().frame.collect()


def _transform(subject: Subject) -> None:
    sample = subject.rows("binary")
    subject.component.fit(sample.train).transform(sample.train.frame).collect()


def _featurizer(subject: Subject) -> None:
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    subject.component.transform_train(fitted, sample.train)
    fitted.transform(sample.unlabeled())


def _trainer(subject: Subject) -> None:
    for task in learned_tasks(subject):
        train = training_features(subject, task)
        fit_model(subject, train).predict(train)


def _evaluator(subject: Subject) -> None:
    for task in subject.tasks():
        right, _, test = known_pipelines(subject.rows(task))
        evaluate(subject, right, test)


def _packager(subject: Subject) -> None:
    task = subject.tasks()[0]
    with saved(subject, pipeline_for(subject, task)) as stored:
        subject.component.load(stored, Trust(everything=True)).predict(subject.rows(task).unlabeled())


def _deployer(subject: Subject) -> None:
    subject.component.deploy(sample_package(), None)


def _monitor(subject: Subject) -> None:
    sample = subject.rows("binary")
    subject.component.check(seen_by(subject, sample, sample.train), reference_of(sample))


EXERCISES: Mapping[str, Callable[[Subject], None]] = {
    "source": _source,
    "transform": _transform,
    "featurizer": _featurizer,
    "trainer": _trainer,
    "evaluator": _evaluator,
    "packager": _packager,
    "deployer": _deployer,
    "monitor": _monitor,
}


def _taken(subject: Subject, model: Model) -> bool:
    from hookline.packages.certificate.parity import check_takes

    try:
        check_takes(subject.component, model)
    except ExportError:
        return False
    return True


def _models(train: Features) -> Iterator[Callable[[], Model | None]]:
    yield lambda: LinearModel.fitted(train)
    yield lambda: _sklearn_model(train)
    yield from _registered_models(train)


def _sklearn_model(train: Features) -> Model | None:
    from importlib.util import find_spec

    from hookline.kinds.sklearn_model import SklearnModel

    if find_spec("sklearn") is None:
        return None
    from sklearn.linear_model import LogisticRegression, Ridge

    assert train.target is not None
    estimator = Ridge() if train.target.task == "regression" else LogisticRegression()
    return SklearnModel.of(estimator.fit(train.X, train.y), train)


def _registered_models(train: Features) -> Iterator[Callable[[], Model | None]]:
    registry = load_registry()
    for name in registry.names("trainer"):
        cls = registry.entry("trainer", name).cls

        def make(cls: Any = cls) -> Model | None:
            try:
                cls.check_backend()
                model: Model = cls().fit(train, None)
            except (HooklineError, TypeError):
                # It lacks its library, a required field, or the task.
                return None
            return model

        yield make
