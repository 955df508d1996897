"""Checks on packagers."""

from __future__ import annotations

from hookline.errors import DataError, UntrustedPackage
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Predictor
from hookline.packages.certificate.parity import measure_parity

from ..exercise import pipeline_for, saved
from ..samples import strange_rows
from ..subject import CheckFunction, Subject


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
    pipeline = pipeline_for(subject, subject.tasks()[0])
    with saved(subject, pipeline) as stored:
        pickles = [path for path in stored.path.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"\x80\x05"]
        try:
            subject.component.load(stored, Trust())
        except UntrustedPackage:
            return
    if pickles:
        subject.fail(f"reads the pickle {pickles[0].name} though `trust` does not allow it; raise UntrustedPackage.")


CHECKS: tuple[CheckFunction, ...] = (check_predicts_the_same, check_contract_travels, check_runs_no_code_untrusted)
