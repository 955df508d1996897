"""The pipeline that a package was made of, with rows that show whether another package answers as it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hookline.errors import DataError, HooklineError, UsageError
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Packager
from hookline.packages.certificate.edges import EdgeRows, make_edges
from hookline.packages.loading import load_package
from hookline.packages.pipeline import Pipeline
from hookline.packages.reading import reading_in
from hookline.packages.writing import seed_in
from hookline.registry.registry import Registry
from hookline.runs.edges import edges_of
from hookline.runs.execution import Execution
from hookline.runs.parts import pipeline_of
from hookline.runs.past.trace import reopen
from hookline.runs.result import read_evidence
from hookline.runs.stages.judging import PIPELINE
from hookline.workspace.workspace import Workspace

from ..rows import rows_for

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline. rows: raw rows to compare on, held out where the run is known; edges: others, generated"""

    pipeline: Pipeline[Any]
    rows: pl.LazyFrame
    edges: EdgeRows

    @classmethod
    def of(
        cls,
        registry: Registry,
        workspace: Workspace,
        folder: Path,
        manifest: Mapping[str, Any],
        run: Path | None,
        trust: Trust | None,
        rows: Any = None,
    ) -> Self:
        """Return the pipeline of a package that was verified: from itself where it holds the model, else from its run.

        run: the folder of the run that made it, where there is one
        rows: a file or a frame, to compare on these instead of the rows that the run held out
        Raises UsageError where neither has the model or there are no rows, UntrustedPackage, and what reading `rows` raises.
        """
        past, why = _past(registry, workspace, run)
        pipeline = _held(registry, folder, manifest, trust)
        if pipeline is None and past is None:
            raise UsageError(
                f"package {folder} is of packager '{manifest['packager']}', which does not hold the model itself, and {why}",
                hint="run it again with both: packager=[" + f"{manifest['packager']},FORMAT]",
            )
        if past is not None:
            pipeline = pipeline or pipeline_of(past)
            if rows is None:
                return cls(pipeline, past.value("split").test.frame, edges_of(past, pipeline))
        assert pipeline is not None
        if rows is None:
            raise UsageError(
                f"there are no rows to compare on: {why}", hint="name some like those of the training: --rows FILE"
            )
        given = rows_for(registry, rows, pipeline.schema, pipeline.target, pipeline.roles, reading_in(manifest)).frame
        return cls(pipeline, given, make_edges(pipeline, given.collect(), seed_in(folder)))


def _held(registry: Registry, folder: Path, manifest: Mapping[str, Any], trust: Trust | None) -> Pipeline[Any] | None:
    """Return the pipeline that a package holds; None where its format does not hold the model itself."""
    packager = registry.entry("packager", manifest["packager"]).cls
    if not (issubclass(packager, Packager) and packager.native):
        return None
    predictor = load_package(folder, registry, trust).predictor
    return predictor if isinstance(predictor, Pipeline) else None


def _past(registry: Registry, workspace: Workspace, run: Path | None) -> tuple[Execution | None, str]:
    """Return a run as it was, with all that its pipeline is made of in the store; else None, and why."""
    if run is None:
        return None, "no run of this home made it"
    try:
        evidence = read_evidence(run)
        now = reopen(registry, workspace, evidence["run"]["id"], run)
    except HooklineError as error:
        return None, f"its run cannot be asked: {error.message}"
    recorded = {stage["key"]: stage["fingerprint"] for stage in evidence["plan"]}
    stages = tuple(
        replace(stage, fingerprint=recorded[stage.key]) for stage in now.plan.stages if stage.key in recorded
    )
    past = replace(now, plan=replace(now.plan, stages=stages), values={})
    gone = [stage.key for stage in stages if stage.kind in PIPELINE and not _is_there(past, stage)]
    if gone:
        return None, f"the store no longer holds what its run fitted: {', '.join(gone)}"
    return past, ""


def _is_there(run: Execution, stage: Any) -> bool:
    return not stage.persisted or run.workspace.store.get(stage.fingerprint) is not None


def require_rows(rows: pl.LazyFrame) -> None:
    """Raise DataError for a table without rows, which shows nothing."""
    if not rows.head(1).collect().height:
        raise DataError("there are no rows to compare on")
