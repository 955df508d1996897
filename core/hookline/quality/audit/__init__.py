"""Looks at a split before any training: rows on both sides, columns that give the answer away, parts that are unlike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import Split, Target
from hookline.kinds.reports import Finding, Metric, Report, Table, worst_first

from .computed.encodings import find_encodings
from .computed.futures import find_futures
from .groups import find_groups
from .leaks import find_leaks
from .near import find_near
from .noise import find_noise
from .overlaps import find_overlaps, find_twins, find_unseen
from .shift import find_shifts
from .sides import EXAMPLES, take_sides
from .texts import find_disguises

if TYPE_CHECKING:
    import polars as pl

__all__ = ["audit", "find_disguises"]


def audit(
    split: Split,
    target: Target,
    labels: Sequence[pl.Series],
    allow: Sequence[str] = (),
    against_repeats: Sequence[str] = (),
    others: Sequence[Finding] = (),
    *,
    noise: bool = False,
) -> Report:
    """Audit training against held-out rows; findings name columns and rows, the worst first.

    Tables: `explained`, what each column alone says of the target (held-out accuracy above the most frequent class, or R2);
    `duplicates`, held-out row ids with the training row that equals each; `shift`, how far each column's parts are apart;
    `label_noise`, training rows whose label is doubtful.

    labels: the target of all rows after transforms, part by part as `parts_of` has them: (n_train,), (n_test,), (n_valid,)
    allow: what somebody has looked at and lets pass, as `subject` or `statistic:subject` of a finding
    against_repeats: what to type, so that rows which repeat another whole are dropped
    others: what was found in the rows elsewhere, to be told with the rest; noise: whether to look for doubtful labels
    """
    rows = len(labels[0]), len(labels[1])
    sides = take_sides(split, target, labels)
    scores, leaks = find_leaks(sides)
    twins = find_twins(split, labels)
    shift, shifts = find_shifts(sides, split.method, split.train.roles)
    unseen = find_unseen(split, target, labels)
    found_overlaps = find_overlaps(split, twins, rows, against_repeats)
    related = find_groups(split, rows[0])
    # Amounts and the like differ from row to row without being names of rows.
    named = {finding.subject for finding in others}
    overlaps = [found for found in found_overlaps if found.statistic != "distinct_share" or found.subject not in named]
    computed = [*find_encodings(sides, split, target, labels), *find_futures(split, target.name, labels)]
    doubtful, doubts = find_noise(sides, target) if noise else ([], None)
    near = find_near(sides, split)
    found = [*leaks, *computed, *overlaps, *near, *related, *unseen, *shifts, *doubtful, *others]
    findings = worst_first(_allowed(found, allow))
    tables = [Table("explained", ("column", "share"), tuple((name, round(score, 4)) for name, score in scores)), shift]
    if twins.height:
        shown = tuple(twins.head(EXAMPLES).select("test", "train").rows())
        tables.append(Table("duplicates", ("held_out_row", "training_row"), shown))
    tables += [doubts] if doubts is not None else []
    metric = Metric("duplicate_share", twins.height / max(1, rows[1]), greater_is_better=False)
    return Report("Split audit", (metric,), tuple(tables), findings=tuple(findings))


def _allowed(findings: Sequence[Finding], allow: Sequence[str]) -> Iterator[Finding]:
    """Turn findings that are let pass into notes, and tell of a name that lets nothing pass."""
    used = set()
    for finding in findings:
        names = {finding.subject, f"{finding.statistic}:{finding.subject}"} & set(allow)
        used |= names
        yield replace(finding, severity="info", message=f"{finding.message} (audit_allow)") if names else finding
    for name in allow:
        if name not in used:
            text = f"audit_allow names '{name}', about which nothing was found; leave it out."
            yield Finding(name, "allowed", 0.0, 0.0, "warning", text)
