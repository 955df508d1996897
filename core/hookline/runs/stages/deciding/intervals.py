"""Intervals around numbers: measured on validation rows, and how many held-out rows lie within."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import decode
from hookline.kinds.answering.rules import Intervals
from hookline.kinds.artifacts import Features
from hookline.kinds.fitting import report_finding
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Finding
from hookline.kinds.scored import groups_in
from hookline.packages.deciding.conformal import chart_of, measured
from hookline.packages.deciding.options import Wish
from hookline.plans.plan import every
from hookline.quality.intervals import Units, of_share

from ... import outputs
from ...execution import Section, StageKind
from ...parts import pipeline_of, plain_answers_of, weights_in
from ..judging import PLAIN

if TYPE_CHECKING:
    import numpy as np

    from hookline.plans.plan import Stage

    from ...execution import Execution

FACTS = "facts.json"
"""What the report says of intervals, beside them in the store."""


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Measure how far off the model is on validation rows, and count the held-out rows that are no further off."""
    wish: Wish = run.value("wish")
    valid: Features | None = run.value("features")[1]
    assert wish.coverage is not None
    assert valid is not None
    model = run.value(run.plan.of("trainer")[0].key)
    off = abs(valid.y - decode(model.predict(valid), run.value("target")).values)
    intervals = measured(wish.coverage, off, valid.sample_weight)
    pipeline, (rows, said) = pipeline_of(run, ruled=False), plain_answers_of(run)
    errors, weight = abs(pipeline.truth(rows) - said.values), weights_in(run.value("split").test)
    covered = _covered(run, intervals, errors, weight)
    _tell(intervals, covered)
    facts = {"held_out": covered, "charts": [to_json(chart_of((off, valid.sample_weight), (errors, weight)))]}
    outputs.write(intervals, folder)
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


def _covered(run: Execution, intervals: Intervals, errors: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
    """Return the share of held-out rows that lie within, with its 95 % interval."""
    import numpy as np

    weights = np.ones(len(errors)) if weight is None else weight
    share = float(np.average(errors <= intervals.half_width, weights=weights))
    units = Units.among(weights, groups_in(run.value("split").test))
    low, high = of_share(share, 0.0, units.effective(), units.count)
    return {"rows": len(errors), "covered": share, "low": low, "high": high}


def _tell(intervals: Intervals, held_out: dict[str, Any]) -> None:
    """Tell where fewer held-out rows lie within than chance explains."""
    if held_out["high"] >= intervals.coverage:
        return
    text = (
        f"Intervals that are to cover {intervals.coverage:g} of the rows cover {held_out['covered']:.3g} of the held-out ones "
        f"[{held_out['low']:.3g}, {held_out['high']:.3g}]: they are unlike the validation rows."
    )
    report_finding(Finding("intervals", "coverage", held_out["covered"], intervals.coverage, "warning", text))


def _section(run: Execution) -> dict[str, Any]:
    stage = run.plan["intervals"]
    folder = run.workspace.store.get(stage.fingerprint)
    facts = {} if folder is None else json.loads((folder / FACTS).read_text("utf-8"))
    return {**asdict(run.value(stage.key)), **facts}


STAGE = StageKind(
    kind="intervals",
    module=__name__,
    takes=every("wish", *PLAIN, "features"),
    makes=Intervals,
    wanted=lambda meant: meant.config.options.intervals.coverage is not None,
    write=_write,
    summarize=lambda found: f"{found.coverage:g} within {found.half_width:.4g}",
    sections=(Section("intervals", ("intervals",), _section),),
)
