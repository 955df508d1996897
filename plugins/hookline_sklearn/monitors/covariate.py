"""The covariate shift monitor: whether rows as a whole have moved, though each column by itself may look well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval

from hookline import Dataset, Finding, Metric, Monitor, Reference, Report, Table
from hookline.errors import StoreError
from hookline.kinds.reports import Severity
from hookline.quality.discoveries import discoveries
from hookline.quality.effects import Effect, categorical_effect, numeric_effect

from .apart import Apart, goes_by, told_apart
from .kernel import discrepancy
from .samples import Pair, drawn, packed, paired, unpacked

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

KEPT = "rows.arrow"
SMALL = 200
"""Rows of either sample below which the kernel test is made, which needs fewer."""
MOST_KERNEL = 500
"""Rows of either sample that the kernel test looks at."""
SURE = 0.99
CHANCE = 0.01
NAMED = 3
"""Columns that a sentence names."""
TITLE = "Covariate shift"


class CovariateShiftMonitor(Monitor):
    """Tell whether the columns together have moved, also where each of them alone looks well.

    A classifier (histogram gradient boosting, cross-validated) tries to tell a sample of current rows from one of the training
    rows, which a run keeps in the package. A finding needs that the lower 99 % bound of its area under the ROC curve (DeLong,
    1988; by groups Obuchowski, 1997) is over 0.5 by `min_gain`. Below 200 rows it is the kernel test of Gretton and others (2012)
    by permutations. The time role's column is left out, since it moves on by itself. It is one test of the whole table, so
    there is nothing to allow for; the columns that it goes by are told after it.
    """

    name = "covariate_shift"
    measures = ("covariate_auc", "covariate_mmd2")
    extra = "sklearn"
    min_gain: Annotated[float, Interval(gt=0, lt=0.5)] = 0.03
    """By how much the area must surely be over 0.5."""
    min_distance: Annotated[float, Interval(gt=0, lt=1)] = 0.0025
    """Squared maximum mean discrepancy, between 0 and 2, that a finding on few rows needs."""
    critical_factor: Annotated[float, Gt(1)] = 4.0
    """A finding whose bound is over 0.5 by this many times `min_gain` is critical."""
    max_rows: Annotated[int, Interval(ge=100, le=50_000)] = 2_000
    """Rows of either sample, drawn at random; so many training rows are kept in the package."""
    min_rows: Annotated[int, Gt(0)] = 30
    """Current rows below which nothing is judged."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the draws, folds and permutations."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Report how well the rows are told apart; raises StoreError where the package keeps no rows to compare with."""
        before = self._kept(reference)
        now = drawn(current.frame, before.columns, self.max_rows, self.seed, current.roles.group)
        report = self._report(paired(before, now), now.height)
        keeps = reference.dataset is not None
        return replace(report, files={KEPT: packed(before)}) if keeps else report

    def _kept(self, reference: Reference) -> pl.DataFrame:
        training = reference.dataset
        if training is not None:
            names = [name for name in training.feature_columns() if name != reference.time]
            return drawn(training.frame, names, self.max_rows, self.seed, training.roles.group)
        path = reference.files.get(KEPT)
        if path is None:
            raise StoreError(
                "the package keeps no training rows to compare with",
                hint=f"build it with monitor=[{self.name}], so that a sample of them travels with it",
            )
        return unpacked(path)

    def _report(self, pair: Pair, rows: int) -> Report:
        notes = tuple(_note(name, why) for name, why in pair.left_out.items())
        if rows < self.min_rows or not pair.names:
            text = f"{rows} rows of {len(pair.names)} columns are too few to judge by; {self.min_rows} rows are needed."
            return Report(TITLE, findings=(_few(rows, self.min_rows, text), *notes))
        alone = _alone(pair)
        if min(int(pair.now.sum()), int((~pair.now).sum())) < SMALL:
            return self._by_kernel(pair, alone, notes)
        apart = told_apart(pair, self.seed)
        if apart is None:
            text = "there are too few groups of rows to judge by; 5 are needed then and now."
            return Report(TITLE, findings=(_few(0, 5, text), *notes))
        return self._by_classifier(pair, apart, alone, notes)

    def _by_classifier(
        self, pair: Pair, apart: Apart, alone: dict[str, Effect | None], notes: Sequence[Finding]
    ) -> Report:
        low = apart.low(SURE)
        reach = 1.96 * apart.error
        auc = Metric("covariate_auc", apart.auc, max(0.0, apart.auc - reach), min(1.0, apart.auc + reach), False)
        if low <= 0.5 + self.min_gain:
            return Report(TITLE, (auc,), findings=tuple(notes))
        lost = dict(zip(pair.names, goes_by(pair, apart, self.seed), strict=True))
        ordered = sorted(lost, key=lambda name: -lost[name])
        named = [name for name in ordered if lost[name] >= lost[ordered[0]] / 10][:NAMED] or ordered[:1]
        severity: Severity = "critical" if low > 0.5 + self.critical_factor * self.min_gain else "warning"
        text = (
            f"the rows as a whole have moved: a classifier tells them from the training rows with an AUC of {apart.auc:.2f} "
            f"(at least {low:.2f}), mostly by {_listed(named)}; {_by_itself(alone, named)}."
        )
        finding = Finding("rows", "AUC", apart.auc, 0.5 + self.min_gain, severity, text)
        rows = tuple((name, lost[name], *_shown(alone[name])) for name in ordered)
        table = Table("Columns", ("column", "AUC lost without it", "alone", "effect"), rows)
        return Report(TITLE, (auc,), (table,), findings=(finding, *notes))

    def _by_kernel(self, pair: Pair, alone: dict[str, Effect | None], notes: Sequence[Finding]) -> Report:
        squared, chance = discrepancy(_fewer(pair, self.seed), self.seed)
        metric = Metric("covariate_mmd2", squared, greater_is_better=False)
        rows = tuple((name, *_shown(alone[name])) for name in pair.names)
        table = Table("Columns", ("column", "alone", "effect"), rows)
        if chance > CHANCE or squared <= self.min_distance:
            return Report(TITLE, (metric,), findings=tuple(notes))
        text = (
            f"the rows as a whole have moved: their squared maximum mean discrepancy from the training rows is {squared:.3f}, "
            f"which chance makes in {chance:.1%} of cases; {_by_itself(alone, pair.names)}."
        )
        severity: Severity = "critical" if squared > self.critical_factor**2 * self.min_distance * 4 else "warning"
        finding = Finding("rows", "MMD²", squared, self.min_distance, severity, text)
        return Report(TITLE, (metric,), (table,), findings=(finding, *notes))


def _alone(pair: Pair) -> dict[str, Effect | None]:
    """Return the effect of each column that has moved by itself, few of them chance; None for the others."""
    effects = []
    for place, (name, categorical) in enumerate(zip(pair.names, pair.categorical, strict=True)):
        then, now = pair.sides(place)
        if categorical:
            effects.append(categorical_effect(name, _counted(then), _counted(now)))
        else:
            effects.append(numeric_effect(name, then, now))
    certain = discoveries([one.chance for one in effects], CHANCE)
    return {one.column: one if sure else None for one, sure in zip(effects, certain, strict=True)}


def _counted(values: np.ndarray) -> dict[str, int]:
    import numpy as np

    found, counts = np.unique(values, return_counts=True)
    return dict(zip(map(str, found.tolist()), counts.tolist(), strict=True))


def _fewer(pair: Pair, seed: int) -> Pair:
    """Return at most MOST_KERNEL rows of each sample."""
    import numpy as np

    rng, kept = np.random.default_rng(seed), []
    for side in (~pair.now, pair.now):
        rows = np.flatnonzero(side)
        kept.append(rows if len(rows) <= MOST_KERNEL else np.sort(rng.choice(rows, MOST_KERNEL, replace=False)))
    rows = np.concatenate(kept)
    groups = None if pair.groups is None else pair.groups[rows]
    return replace(pair, X=pair.X[rows], now=pair.now[rows], groups=groups)


def _by_itself(alone: dict[str, Effect | None], named: Sequence[str]) -> str:
    moved = [name for name in named if alone[name] is not None]
    return f"{_listed(moved)} moved also alone" if moved else "no column has moved that far alone"


def _shown(effect: Effect | None) -> tuple[str, float | None]:
    return ("same", None) if effect is None else ("moved", effect.value)


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _note(name: str, why: str) -> Finding:
    return Finding(name, "left out", 0.0, 0.0, "info", f"'{name}' {why}.")


def _few(value: float, threshold: float, text: str) -> Finding:
    return Finding("rows", "rows", float(value), float(threshold), "info", text)
