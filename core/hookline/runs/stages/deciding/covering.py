"""What share of held-out rows is covered by intervals, or by sets, and where it is less than chance explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.fitting import report_finding
from hookline.kinds.reports import Finding
from hookline.kinds.scored import groups_in
from hookline.quality.intervals import Units, of_share

if TYPE_CHECKING:
    import numpy as np

    from hookline.kinds.artifacts import Dataset


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
