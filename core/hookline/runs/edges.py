"""The rows that a package, and then a server, must answer as the pipeline does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.packages.certificate.edges import SAMPLE_ROWS, EdgeRows, make_edges

if TYPE_CHECKING:
    from hookline.packages.pipeline import Pipeline

    from .execution import Execution


def edges_of(run: Execution, pipeline: Pipeline[Any]) -> EdgeRows:
    """Return generated rows at the edges of what a pipeline may be asked, the same ones in every stage of a run."""
    if run.edges is None:
        train = run.value("split").train.frame.head(SAMPLE_ROWS).collect()
        run.edges = make_edges(pipeline, train, run.plan.config.options.seed)
    return run.edges
