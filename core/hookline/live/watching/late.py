"""Windows whose labels came after they were looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hookline.workspace.catalog.watching.windows import Window
from hookline.workspace.workspace import Workspace

from ..log.joining import truths
from ..log.predictions import Predictions
from ..segments.standing import steady
from ..segments.tables import facts
from .rules import WatchRules
from .spans import Span

if TYPE_CHECKING:
    import polars as pl


def came_late(
    workspace: Workspace, log: Predictions, rules: WatchRules, labels: int, waits: Callable[[Window], bool]
) -> dict[int, list[Span]]:
    """Return the windows that labels came for since they were looked at, by version and in the order of time.

    labels: the number of the newest label that counts; waits: whether a window is looked at again for labels
    Of the others it is noted that these labels say nothing of them.
    """
    kept, now = workspace.catalog.windows, workspace.catalog.database.clock()
    rested = [
        window
        for window in kept.of(log.model, log.since)
        if window.labels < labels and window.looked is not None and window.looked + rules.labels <= now
    ]
    waiting = [window for window in rested if waits(window)]
    if not waiting:
        return {}
    told = _told(workspace, log, min(window.labels for window in waiting), labels)
    late = [window for window in waiting if _says(told, window)]
    kept.note_labels([window for window in waiting if window not in late], labels)
    found: dict[int, set[Span]] = defaultdict(set)
    for window in late:
        found[window.version].add(Span(window.since, window.until, window.rows))
    return {version: sorted(spans, key=lambda span: span.since) for version, spans in found.items()}


def _told(workspace: Workspace, log: Predictions, after: int, upto: int) -> pl.DataFrame:
    """Return `time`, `version` and `label` of each answer that a label after another tells of, up to a last one."""
    import polars as pl

    labels = workspace.catalog.labels.table(log.model, upto).filter(pl.col("label") > after)
    known = labels.drop_nulls("prediction_id").select("prediction_id", "label")
    if labels["prediction_id"].null_count():
        # Of a label by key the record is looked for as for all that goes by truth.
        whole = truths(workspace, log, upto).table.filter(pl.col("first") > after)
        known = pl.concat([known, whole.select("prediction_id", pl.col("first").alias("label"))])
    asked = known.group_by("prediction_id").agg(pl.col("label").max()).rename({"prediction_id": "id"})
    parts = steady(lambda: [facts([path], log.wanted).join(asked, on="id", how="inner") for path in log.files()])
    empty = facts([], replace(log.wanted, since=None)).join(asked, on="id", how="inner")
    return pl.concat([empty, *parts]).select("time", "version", "label")


def _says(told: pl.DataFrame, window: Window) -> bool:
    import polars as pl

    here = pl.col("time").is_between(window.since, window.until - timedelta(microseconds=1))
    new = (pl.col("version") == window.version) & (pl.col("label") > window.labels)
    return bool(told.select((here & new).any()).item())
