"""The `profile` monitor: leaves a whylogs profile of the training rows in the package, and writes one of current rows."""

from __future__ import annotations

from typing import Any

from hookline import Dataset, Metric, Monitor, Reference, Report, Table
from hookline.errors import StoreError

REFERENCE, CURRENT = "reference.bin", "current.bin"
QUANTILES = (0.05, 0.5, 0.95)


class ProfileMonitor(Monitor):
    """Sketch every column in whylogs' own format: small, mergeable over days and machines, read by `whylogs` itself.

    Writes current.bin, and in a run reference.bin of the training rows. It judges nothing: `data_drift` does.
    """

    name = "profile"
    measures = ("profiled_columns",)
    extra = "whylogs"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("whylogs", "whylogs_sketching")

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Report quantiles and counts of current rows beside training's; raises StoreError for a damaged reference profile."""
        from .sketches import profile_view

        names = [column.name for column in reference.profile.columns]
        now = profile_view(current.frame, names)
        then = _reference_view(reference, names)
        files = {CURRENT: now.serialize()}
        if reference.dataset is not None:
            files[REFERENCE] = then.serialize()
        metrics = (Metric("profiled_columns", float(len(now.get_columns()))),)
        return Report("Profile", metrics, (_table(now, then),), files=files)


def _reference_view(reference: Reference, names: list[str]) -> Any:
    from .sketches import profile_view, read_view

    if reference.dataset is not None:
        return profile_view(reference.dataset.frame, names)
    path = reference.files.get(REFERENCE)
    if path is None:
        raise StoreError(
            f"the package holds no {REFERENCE}",
            hint="build it with monitor=[profile], so that the profile travels with it",
        )
    return read_view(path)


def _table(now: Any, then: Any) -> Table:
    columns = ["column"]
    for side in ("training", "current"):
        columns += [f"rows_{side}", f"missing_{side}", f"distinct_{side}", *(f"q{q:g}_{side}" for q in QUANTILES)]
    held = then.get_columns()
    rows = [(name, *_facts(held.get(name)), *_facts(view)) for name, view in sorted(now.get_columns().items())]
    return Table("sketches", tuple(columns), tuple(rows))


def _facts(view: Any) -> tuple[Any, ...]:
    if view is None:
        return (None,) * (3 + len(QUANTILES))
    counts, distribution = view.get_metric("counts"), view.get_metric("distribution")
    quantiles: list[float | None] = [None] * len(QUANTILES)
    if distribution is not None and distribution.kll.value.get_n():
        quantiles = [float(value) for value in distribution.kll.value.get_quantiles(list(QUANTILES))]
    distinct = round(view.get_metric("cardinality").hll.value.get_estimate())
    return (counts.n.value, counts.null.value, distinct, *quantiles)
