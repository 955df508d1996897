"""What intervals and sets of classes have in common: which share of held-out rows they cover, and what is told of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hookline.kinds.fitting import report_finding
from hookline.kinds.reports import Finding
from hookline.kinds.scored import groups_in
from hookline.quality.intervals import Units, of_share

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from hookline.kinds.artifacts import Dataset

    from ...execution import Execution

FACTS = "facts.json"
"""What the report says of intervals, or of sets, beside them in the store."""


def covered(within: np.ndarray, weight: np.ndarray | None, rows: Dataset) -> dict[str, Any]:
    """Return the share of held-out rows that are covered, with its 95 % interval. within: bool, (n_rows,)"""
    import numpy as np

    weights = np.ones(len(within)) if weight is None else weight
    share = float(np.average(within, weights=weights))
    units = Units.among(weights, groups_in(rows))
    low, high = of_share(share, 0.0, units.effective(), units.count)
    return {"rows": len(within), "covered": share, "low": low, "high": high}


def tell(what: str, coverage: float, held_out: dict[str, Any]) -> None:
    """Tell where fewer held-out rows are covered than chance explains. what: `intervals` or `sets`"""
    if held_out["high"] >= coverage:
        return
    text = (
        f"{what.capitalize()} that are to cover {coverage:g} of the rows cover {held_out['covered']:.3g} of the held-out ones "
        f"[{held_out['low']:.3g}, {held_out['high']:.3g}]: they are unlike the validation rows."
    )
    report_finding(Finding(what, "coverage", held_out["covered"], coverage, "warning", text))


def section_of(kind: str) -> Callable[[Execution], dict[str, Any]]:
    """Return what makes the section of the evidence of the stage of a kind: what was measured, and the facts beside it."""

    def section(run: Execution) -> dict[str, Any]:
        stage = run.plan[kind]
        folder = run.workspace.store.get(stage.fingerprint)
        facts = {} if folder is None else json.loads((folder / FACTS).read_text("utf-8"))
        return {**asdict(run.value(stage.key)), **facts}

    return section
