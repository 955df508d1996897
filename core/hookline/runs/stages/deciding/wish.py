"""What config wants of the answers, held against the target before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.data.frames import count_rows
from hookline.errors import DataError
from hookline.kinds.artifacts import Split
from hookline.kinds.plain import to_json
from hookline.packages.deciding.conformal import least_rows, too_few
from hookline.packages.deciding.options import Wish, wish_of
from hookline.plans.plan import every

from ...execution import StageKind

if TYPE_CHECKING:
    from hookline.plans.plan import Meant, Stage

    from ...execution import Execution


def _make(run: Execution, stage: Stage) -> Wish:
    """Hold it against the target; raises ConfigError, or DataError where there are no rows to go by."""
    split: Split = run.value("split")
    options = run.plan.config.options
    wish = wish_of(options.decision, options.intervals, options.sets, run.value("target"))
    by_folds = options.decision.chosen_on == "folds" and wish.covered is None
    if wish.needs_rows and split.valid is None and not by_folds:
        measured = "intervals" if wish.sets is None else "sets"
        what = "to choose a threshold on" if wish.decision else f"to measure {measured} on"
        raise DataError(f"there are no validation rows {what}", hint="split.valid=0.2 takes some")
    rows = 0 if split.valid is None else count_rows(split.valid.weighing().frame)
    if wish.covered is not None and rows < least_rows(wish.covered):
        raise too_few(wish.covered, rows, "intervals" if wish.sets is None else "sets")
    return wish


def _wanted(meant: Meant) -> bool:
    options = meant.config.options
    return bool(options.decision.ways) or options.intervals.coverage is not None or options.sets.coverage is not None


def _summarize(wish: Wish) -> str:
    said = [] if wish.decision is None else [f"decide by {wish.decision.by}"]
    what = "intervals" if wish.sets is None else f"{wish.sets.method} sets"
    return ", ".join([*said, *([] if wish.covered is None else [f"{what} of {wish.covered:g}"])])


STAGE = StageKind(
    kind="wish",
    module=__name__,
    takes=every("split", "target"),
    makes=Wish,
    parts=lambda meant: {
        part: to_json(getattr(meant.config.options, part)) for part in ("decision", "intervals", "sets")
    },
    wanted=_wanted,
    make=_make,
    summarize=_summarize,
)
