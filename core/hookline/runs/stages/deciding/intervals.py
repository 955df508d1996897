"""Intervals around numbers: measured on validation rows, and how many held-out rows lie within."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import decode
from hookline.kinds.answering.rules import Intervals
from hookline.kinds.artifacts import Features
from hookline.kinds.plain import to_json
from hookline.packages.deciding.conformal import chart_of, errors_of, measured
from hookline.packages.deciding.options import Wish
from hookline.plans.plan import every

from ... import outputs
from ...execution import Section, StageKind
from ...parts import pipeline_of, plain_answers_of, weights_in
from ..judging import PLAIN
from .covering import FACTS, covered, section_of, tell

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ...execution import Execution


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Measure how far off the model is on validation rows, and count the held-out rows that are no further off."""
    import numpy as np

    wish: Wish = run.value("wish")
    valid: Features | None = run.value("features")[1]
    assert wish.coverage is not None
    assert valid is not None
    model = run.value(run.plan.of("trainer")[0].key)
    answers = decode(model.predict(valid), run.value("target"))
    y: Any = valid.y
    off = errors_of(y, answers)
    intervals = measured(
        wish.coverage, off, valid.sample_weight, "errors" if answers.intervals is None else "quantiles"
    )
    pipeline, (rows, said) = pipeline_of(run, ruled=False), plain_answers_of(run)
    truth, test = pipeline.truth(rows), run.value("split").test
    errors, weight = errors_of(truth, said), weights_in(test)
    bounds = intervals.around(said.values, said.intervals)
    told = covered((bounds[:, 0] <= truth) & (truth <= bounds[:, 1]), weight, test)
    widths = bounds[:, 1] - bounds[:, 0]
    told |= {"width": float(np.average(widths, weights=weight)), "widest": float(widths.max(initial=0.0))}
    tell("intervals", wish.coverage, told)
    facts = {"held_out": told, "charts": [to_json(chart_of((off, valid.sample_weight), (errors, weight)))]}
    outputs.write(intervals, folder)
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


def _summarize(found: Intervals) -> str:
    how = "within" if found.by == "errors" else "between quantiles, moved by"
    return f"{found.coverage:g} {how} {found.half_width:.4g}"


STAGE = StageKind(
    kind="intervals",
    module=__name__,
    takes=every("wish", *PLAIN, "features"),
    makes=Intervals,
    wanted=lambda meant: meant.config.options.intervals.coverage is not None,
    write=_write,
    summarize=_summarize,
    sections=(Section("intervals", ("intervals",), section_of("intervals")),),
)
