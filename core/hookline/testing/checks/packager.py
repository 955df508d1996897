"""Checks on packagers."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.errors import DataError, StoreError, UntrustedPackage
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import Task
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Model, Predictor
from hookline.packages.certificate.parity import measure_parity
from hookline.packages.pipeline import Pipeline
from hookline.packages.state import StoredPackage

from ..fits import pipeline_for
from ..process import watched_pickles
from ..stored import known_to, saved
from ..subject import CheckFunction, Subject
from ..tables.samples import strange_rows


def exercise(subject: Subject) -> None:
    """Save, load and predict."""
    task = subject.tasks()[0]
    with saved(subject, pipeline_for(subject, task)) as stored:
        subject.component.load(stored, Trust(everything=True)).predict(subject.rows(task).unlabeled())


def check_predicts_the_same(subject: Subject) -> None:
    """A package that was saved and loaded predicts what the pipeline does, within the packager's tolerance."""
    for task in subject.tasks():
        pipeline = pipeline_for(subject, task)
        rows = subject.rows(task).unlabeled().collect()
        with saved(subject, pipeline) as stored:
            loaded = subject.component.load(stored, Trust(everything=True))
            if not isinstance(loaded, Predictor):
                subject.fail(
                    f"load() returns a {type(loaded).__name__}, which has not all of schema, roles, target, predict."
                )
            parity = measure_parity(pipeline, loaded, rows, subject.component.tolerance)
        if not parity.ok:
            subject.fail(
                f"changes predictions by up to {parity.max_difference:.3g} on a {task} table "
                f"(allowed: {parity.tolerance:g}); mend save() and load(), or say a larger `tolerance`."
            )


def check_decides_as_the_pipeline(subject: Subject) -> None:
    """A loaded package answers the class that the pipeline's rule decides for, and not simply the most probable one."""
    if "binary" not in subject.tasks():
        return
    plain, rows = pipeline_for(subject, "binary"), subject.rows("binary").unlabeled().collect()
    chances = plain.predict(rows).probabilities
    if chances is None:
        return
    # Between the probabilities that are there, so that rounding decides nothing.
    low, high = sorted({*chances[:, 1].tolist()})[:2]
    pipeline = replace(plain, decision=DecisionRule("threshold", (low + high) / 2))
    with saved(subject, pipeline) as stored:
        loaded = subject.component.load(stored, Trust(everything=True))
        parity = measure_parity(pipeline, loaded, rows, subject.component.tolerance)
    if not parity.ok:
        subject.fail("answers otherwise than the pipeline's rule decides; apply stored.decision, or use stored.around.")


def check_tells_intervals_as_the_pipeline(subject: Subject) -> None:
    """A loaded package tells the intervals around its numbers that the pipeline does."""
    if "regression" not in subject.tasks():
        return
    pipeline = replace(pipeline_for(subject, "regression"), intervals=Intervals(0.9, 1.5, 100))
    rows = subject.rows("regression").unlabeled().collect()
    with saved(subject, pipeline) as stored:
        loaded = subject.component.load(stored, Trust(everything=True))
        parity = measure_parity(pipeline, loaded, rows, subject.component.tolerance)
    if not parity.ok:
        subject.fail("tells other intervals than the pipeline, or none; use stored.intervals, or stored.around.")


def check_tells_sets_as_the_pipeline(subject: Subject) -> None:
    """A loaded package tells the classes that may be true as the pipeline does."""
    if "multiclass" not in subject.tasks():
        return
    plain, rows = pipeline_for(subject, "multiclass"), subject.rows("multiclass").unlabeled().collect()
    if plain.predict(rows).probabilities is None:
        return
    for rule in (PredictionSets(0.9, 0.3001, 100), PredictionSets(0.9, 0.8001, 100, "aps")):
        pipeline = replace(plain, sets=rule)
        with saved(subject, pipeline) as stored:
            loaded = subject.component.load(stored, Trust(everything=True))
            parity = measure_parity(pipeline, loaded, rows, subject.component.tolerance)
        if not parity.ok:
            subject.fail(
                f"tells other sets by {rule.method} than the pipeline, or none; use stored.sets, or stored.around."
            )


def check_contract_travels(subject: Subject) -> None:
    """A loaded package keeps the pipeline's input contract, and refuses rows that break it."""
    task = subject.tasks()[0]
    pipeline = pipeline_for(subject, task)
    rows = subject.rows(task).unlabeled().collect()
    with saved(subject, pipeline) as stored:
        loaded = subject.component.load(stored, Trust(everything=True))
        if (loaded.schema, loaded.target) != (pipeline.schema, pipeline.target):
            subject.fail("a loaded package has another schema or target; read them from pipeline.json.")
        try:
            loaded.predict(rows.drop(pipeline.schema.names[0]))
        except DataError:
            pass
        else:
            subject.fail("a loaded package answers though a column is missing; use hookline.packages.pipeline.admit.")
        if len(loaded.predict(strange_rows(rows.lazy())).values) != 3:
            subject.fail("a loaded package does not answer for each row unlike any in training.")


def check_runs_no_code_untrusted(subject: Subject) -> None:
    """Without the caller's word a package either loads without running its code, or raises UntrustedPackage."""
    with saved(subject, pipeline_for(subject, subject.tasks()[0])) as stored:
        # Once with it, so that what libraries do when they are first used is over.
        subject.component.load(stored, Trust(everything=True))
        with watched_pickles() as found, suppress(UntrustedPackage):
            subject.component.load(stored, Trust())
    if found:
        subject.fail(f"unpickles {found[0]} though `trust` does not allow it; raise UntrustedPackage.")


def check_says_whether_it_is_native(subject: Subject) -> None:
    """`native` is true exactly where the loaded package has the model itself, as `stored.around(model)` makes it."""
    with saved(subject, pipeline_for(subject, subject.tasks()[0])) as stored:
        loaded = subject.component.load(stored, Trust(everything=True))
    holds = isinstance(loaded, Pipeline) and isinstance(loaded.model, Model)
    if holds != subject.component.native:
        what = f"a pipeline around a {type(loaded.model).__name__}" if holds else f"a {type(loaded).__name__}"
        subject.fail(f"loads {what}, and says native = {subject.component.native}; say native = {holds}.")


def check_folder_is_enough(subject: Subject) -> None:
    """A package that was moved, and after which another was written, still answers as it did: its folder holds all."""
    task = subject.tasks()[0]
    pipeline, rows = pipeline_for(subject, task), subject.rows(task).unlabeled().collect()
    with tempfile.TemporaryDirectory() as name, saved(subject, pipeline) as stored:
        moved = Path(name) / "moved"
        shutil.move(stored.path, moved)
        stored.path.mkdir()
        with saved(subject, _on_half_of_the_rows(subject, task)):
            pass
        try:
            loaded = subject.component.load(StoredPackage(moved, known_to(subject)), Trust(everything=True))
        except (OSError, StoreError) as error:
            subject.fail(f"cannot load a package that was moved ({error}); read everything from stored.path.")
        parity = measure_parity(pipeline, loaded, rows, subject.component.tolerance)
    if not parity.ok:
        subject.fail(
            "loads another package than the one in stored.path; keep nothing in memory between save() and load()."
        )


def _on_half_of_the_rows(subject: Subject, task: Task) -> Pipeline[Any]:
    """Return a pipeline of the same kind that learned from other rows."""
    sample = subject.rows(task)
    half = sample.train.with_frame(sample.train.frame.gather_every(2))
    return pipeline_for(replace(subject, sample=half, memory={}), task)


CHECKS: tuple[CheckFunction, ...] = (
    check_predicts_the_same,
    check_decides_as_the_pipeline,
    check_tells_intervals_as_the_pipeline,
    check_tells_sets_as_the_pipeline,
    check_contract_travels,
    check_runs_no_code_untrusted,
    check_says_whether_it_is_native,
    check_folder_is_enough,
)
