"""What changed between two versions of data: rows, columns, and how far the values of each column have moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hookline.kinds.plain import to_json
from hookline.kinds.reports import ColumnProfile, Profile
from hookline.workspace.catalog.datasets import SHORT, DataRecord

from .effects import Effect, categorical_effect_of_profiles, missing_effect, numeric_effect_of_profiles

LIMITS: Mapping[str, float] = {"KS": 0.05, "Cramer's V": 0.1, "missing share": 0.05}
"""Effects up to which a column has hardly moved: the thresholds of the `data_drift` monitor."""
MOVED = ("removed", "added", "retyped", "moved")
"""Changes of a column that are told beside those of rows."""
MOST_VALUES = 20
"""New and gone categories that are named."""


@dataclass(frozen=True)
class ColumnDiff:
    """What became of one column."""

    name: str
    change: str
    """added, removed, retyped, moved (its distribution), changed (some values, hardly moved) or same."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """dtype, and of the training rows: missing (a share), distinct, mean, std, minimum, maximum."""
    now: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    """Each with its lower 95 % bound: KS or Cramer's V of the values, and the difference of the missing shares."""
    new: tuple[str, ...] = ()
    """Categories that only the second holds, at most 20."""
    gone: tuple[str, ...] = ()
    """Categories that only the first holds, at most 20."""

    @property
    def sentence(self) -> str:
        """Say what became of the column."""
        return f"'{self.name}' {'; '.join(_words(self))}."


@dataclass(frozen=True)
class VersionDiff:
    """What changed from one version to another."""

    before: str
    now: str
    rows: tuple[int, int]
    columns: tuple[ColumnDiff, ...]
    """Every column of either, those that changed most first."""
    identical: bool
    """Whether they are one version."""

    def sentences(self) -> list[str]:
        """Say what changed, in the order of importance."""
        if self.identical:
            return ["Both are one version: the same rows, columns and values."]
        was, are = self.rows
        share = f" ({(are - was) / was:+.1%})" if was and are != was else ""
        told = [f"{was:,} rows before, {are:,} now{share}." if are != was else f"{are:,} rows in both."]
        told += [column.sentence for column in self.columns if column.change != "same"]
        same = sum(column.change == "same" for column in self.columns)
        columns = "1 column is" if same == 1 else f"{same} columns are"
        return [*told, f"{columns} the same, value by value."] if same else told


def diff_versions(first: DataRecord, second: DataRecord) -> VersionDiff:
    """Compare two versions by their columns' digests, and by the profiles of the training rows of the runs that saw them."""
    before, now = ({column.name: column for column in record.version.columns} for record in (first, second))
    found = []
    for name in dict.fromkeys([*before, *now]):
        if name not in now or name not in before:
            only, record = (before[name], first) if name in before else (now[name], second)
            facts = _facts(only.dtype, _profile(record.profile, name))
            if name in before:
                found.append(ColumnDiff(name, "removed", before=facts))
            else:
                found.append(ColumnDiff(name, "added", now=facts))
            continue
        profiles = _profile(first.profile, name), _profile(second.profile, name)
        was, is_now = _facts(before[name].dtype, profiles[0]), _facts(now[name].dtype, profiles[1])
        if before[name].digest == now[name].digest:
            found.append(ColumnDiff(name, "same", was, is_now))
        else:
            found.append(_compare(ColumnDiff(name, "changed", was, is_now), *profiles))
    prints = [record.version.fingerprint for record in (first, second)]
    order = ("removed", "added", "retyped", "moved", "changed", "same")
    found.sort(key=lambda c: (order.index(c.change), -max((effect.low for effect in c.effects), default=0.0)))
    rows = first.version.rows, second.version.rows
    return VersionDiff(prints[0], prints[1], rows, tuple(found), prints[0] == prints[1])


def _compare(column: ColumnDiff, before: ColumnProfile | None, now: ColumnProfile | None) -> ColumnDiff:
    """Return a column whose values differ with how far they have moved, where that is known."""
    retyped = column.before["dtype"] != column.now["dtype"]
    if before is None or now is None:
        return replace(column, change="retyped" if retyped else "changed")
    # Nothing tells the type of a column without values.
    empty = before.missing == before.count or now.missing == now.count
    if before.kind != now.kind and not empty:
        return replace(column, change="retyped")
    effects = tuple(_effects(before, now))
    moved = any(effect.low > LIMITS[effect.statistic] for effect in effects)
    change = "retyped" if retyped else "moved" if moved else "changed"
    return replace(column, change=change, effects=effects, new=_categories(now, before), gone=_categories(before, now))


def _effects(before: ColumnProfile, now: ColumnProfile) -> Iterator[Effect]:
    if before.bins is not None and now.bins is not None:
        yield numeric_effect_of_profiles(before, now)
    elif before.top and now.top:
        yield categorical_effect_of_profiles(before, now)
    if before.missing or now.missing:
        yield missing_effect(before, now)


def _categories(of: ColumnProfile, without: ColumnProfile) -> tuple[str, ...]:
    """Return the categories of one that the other does not hold, where it tells all that it holds."""
    if not of.top or len(without.top) < without.distinct:
        return ()
    known = {value for value, _ in without.top}
    return tuple(value for value, _ in of.top if value not in known)[:MOST_VALUES]


def _profile(profile: Profile | None, name: str) -> ColumnProfile | None:
    return next((column for column in profile.columns if column.name == name), None) if profile else None


def _facts(dtype: str, column: ColumnProfile | None) -> dict[str, Any]:
    if column is None:
        return {"dtype": dtype}
    names = ("distinct", "mean", "std", "minimum", "maximum")
    told = {name: getattr(column, name) for name in names if getattr(column, name) is not None}
    return {"dtype": dtype, "missing": column.missing / max(1, column.count), **told}


def _words(column: ColumnDiff) -> Iterator[str]:
    before, now = column.before, column.now
    if column.change == "removed":
        yield f"is gone ({before['dtype']})"
    elif column.change == "added":
        yield f"is new ({now['dtype']})"
    else:
        if column.change == "retyped":
            yield f"was {before['dtype']} and is {now['dtype']}"
        if now.get("missing") == 1 != before.get("missing"):
            yield "is empty now"
        values = next((effect for effect in column.effects if effect.statistic != "missing share"), None)
        moved = any(effect.low > LIMITS[effect.statistic] for effect in column.effects)
        what = "has moved" if moved else "holds other values, and has hardly moved"
        if values is not None:
            yield f"{what}: {values.statistic} {values.value:.3f} (at least {values.low:.3f})"
        elif column.change != "retyped":
            yield "has moved" if moved else "holds other values"
        yield from _numbers(before, now)
        for names, word in ((column.new, "new"), (column.gone, "gone")):
            if names:
                yield f"{word}: {', '.join(map(repr, names[:5]))}{' and more' if len(names) > 5 else ''}"


def _numbers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, form in (("mean", ".4g"), ("std", ".4g"), ("distinct", ",d"), ("missing", ".1%")):
        if name in before and name in now and format(before[name], form) != format(now[name], form):
            yield f"{name} {before[name]:{form}} -> {now[name]:{form}}"


def page_facts(first: DataRecord, second: DataRecord, found: VersionDiff) -> dict[str, Any]:
    """Return what a page of a diff shows, as plain data: what changed, and the profile of each column in both, where known."""
    columns = [
        {
            **to_json(column),
            "sentence": column.sentence,
            "profiles": [to_json(_profile(record.profile, column.name)) for record in (first, second)],
        }
        for column in found.columns
    ]
    told = [{"name": title(one), "origin": one.where, "rows": one.version.rows} for one in (first, second)]
    return {"versions": told, "identical": found.identical, "sentences": found.sentences(), "columns": columns}


def title(record: DataRecord) -> str:
    """Return a version's name as a person reads it."""
    return f"{record.version.name} {record.version.fingerprint[:SHORT]}"
