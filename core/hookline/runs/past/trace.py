"""Why a row is what it is, or is gone: one row followed again through the transforms of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hookline.data.cleaning.cells import differs
from hookline.data.cleaning.ledger import RowRef, counted
from hookline.data.cleaning.replay import Move, named
from hookline.data.parts import PARTS
from hookline.data.rows import check_position, find_row
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Label, Split
from hookline.kinds.capabilities import DropsRepeats
from hookline.kinds.fitted import FittedTransform
from hookline.kinds.hooks import RunInfo
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.packages.door.files import MANIFEST
from hookline.packages.manifest import verify
from hookline.packages.state import StoredPackage
from hookline.plans.config import resolve
from hookline.plans.plan import Stage
from hookline.registry.fields import field_infos
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import Workspace, open_workspace

from ..execution import Execution
from ..result import Run
from ..sequence import plan_run
from ..stages.rows import dataset_moves, fitted_moves
from .configs import config_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Change:
    """One cell that a transform changed."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """What one transform did to the row."""

    stage: str
    component: str
    applies: str
    outcome: Literal["kept", "changed", "dropped"]
    changes: tuple[Change, ...] = ()
    copies: int = 1
    """How often the row stands among the rows after it: 0 where it was dropped, more where it was drawn several times."""
    repeats: RowRef | None = None
    """The row that stayed, where this one was dropped because it repeats another."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The transform's fields that are not at their defaults."""


@dataclass(frozen=True)
class RowTrace:
    """What a run did to one row of its source."""

    run: str
    row: RowRef
    part: str | None
    """`train`, `valid` or `test`; None for a row that was dropped before the split."""
    steps: tuple[Step, ...]
    """Every transform that met the row, in order."""

    @property
    def dropped_by(self) -> str | None:
        """The stage that dropped the row, or None."""
        return next((step.stage for step in self.steps if step.outcome == "dropped"), None)

    @property
    def verdict(self) -> str:
        """The answer in a sentence."""
        at = "" if self.row.id is None else f" (position {self.row.position})"
        words = {"train": "a training row", "valid": "a validation row", "test": "a test row"}
        last = self.steps[-1] if self.steps else None
        if last is not None and last.outcome == "dropped":
            when = "" if self.part is None else f" {words[self.part]} that"
            why = "" if last.repeats is None else f": it repeats {last.repeats}"
            told = ", ".join(f"{name}={json.dumps(value)}" for name, value in last.settings.items())
            by = f"{last.stage} ({told})" if told else last.stage
            return f"{self.row}{at} {'is' + when + ' ' if when else ''}was dropped by {by}{why}"
        changed = [step for step in self.steps if step.changes]
        cells = counted(sum(len(step.changes) for step in changed), "cell")
        who = " and ".join(step.stage for step in changed)
        what = f"{who} changed {cells} of it" if changed else "no transform changed it"
        return f"{self.row}{at} is {words.get(str(self.part), 'in no part')}; {what}"

    def frame(self) -> pl.DataFrame:
        """Return what happened in order: step, outcome, column, before, after (the last two as text, `null` where missing)."""
        import polars as pl

        names = ("step", "outcome", "column", "before", "after")
        return pl.DataFrame(list(self._told()), schema=dict.fromkeys(names, pl.String), orient="row")

    def _told(self) -> Iterator[tuple[str | None, ...]]:
        first = [step for step in self.steps if step.applies == "dataset"]
        for step in first:
            yield from _lines(step)
        if self.part is not None:
            yield "split", self.part, None, None, None
        for step in self.steps[len(first) :]:
            yield from _lines(step)

    def _repr_html_(self) -> str:
        return f"<h4>{escape(self.verdict)}</h4>{self.frame()._repr_html_()}"


def reopen(registry: Registry, workspace: Workspace, run_id: str, folder: Path) -> Execution:
    """Return a run as it stood when it ended, to be asked for its values; raises DataError where it left no config."""
    config = config_of(run_id, folder)
    if (config.get("source") or {}).get("component") == "frame":
        raise DataError(
            f"the rows of run {run_id} were a data frame in the memory of the process that made it",
            hint="ask there, with hl.why(run, row); or save the rows, and use source=file",
        )
    plan = plan_run(registry, resolve(registry, config))
    info = RunInfo(run_id, plan.config.name, folder, config, plan.config.settings)
    return Execution(plan, workspace, registry, info)


def trace_of(run: Run, row: Label | None, position: int | None, home: str | Path | None = None) -> RowTrace:
    """Follow one row through the transforms of a run that has ended; raises what `reopen` and `trace` raise."""
    execution = run.execution or reopen(load_registry(), open_workspace(home), run.id, run.path)
    return trace(execution, run.evidence, row, position)


def trace(
    run: Execution, evidence: Mapping[str, Any], row: Label | None = None, position: int | None = None
) -> RowTrace:
    """Follow one row, named by its id (its position where the run has no id role), through a run's transforms.

    Raises DataError where the source has changed since, the row is not there, or what the run fitted is lost.
    """
    past = _as_it_was(run, evidence)
    source: Dataset = past.value("source")
    roles = past.plan.roles
    place = find_row(source, row) if position is None else check_position(source, position)
    ref = named([place], source.frame, roles.id)[place]
    first = list(_follow(dataset_moves(past), source.frame, ref, source.frame, roles.id))
    part, held = _part(past, ref)
    _require_agreement(past, ref, first, held)
    steps = [step for step, _ in first]
    if part is not None:
        frame = getattr(past.value("split"), part).frame
        met = [move for move in fitted_moves(past) if move.applies == "always" or part == "train"]
        steps += [step for step, _ in _follow(met, frame, ref, source.frame, roles.id)]
    settings = {step.stage: _settings(past.plan[step.stage].component) for step in steps}
    return RowTrace(run.info.id, ref, part, tuple(replace(step, settings=settings[step.stage]) for step in steps))


def _settings(component: Any) -> dict[str, Any]:
    """Return the fields of a component that are not at their defaults, as plain data."""
    said: dict[str, Any] = plain(component)
    infos = field_infos(type(component))
    return {info.name: said[info.name] for info in infos if info.required or said[info.name] != info.default}


def _as_it_was(run: Execution, evidence: Mapping[str, Any]) -> Execution:
    """Return the run with the fingerprints that its stages had; raises DataError where it cannot be followed."""
    recorded = {stage["key"]: stage for stage in evidence["plan"]}
    _require_same_data(run, recorded["source"]["fingerprint"])
    wanted = [run.plan["split"], *run.plan.fitted_transforms()]
    for stage in wanted:
        if recorded[stage.key]["status"] in ("not reached", "failed"):
            raise DataError(f"run {run.info.id} {evidence['run']['status']} before stage '{stage.key}' was done")
    known = [stage for stage in run.plan.stages if stage.key in recorded]
    stages = tuple(replace(stage, fingerprint=recorded[stage.key]["fingerprint"]) for stage in known)
    # With no values at hand, since what they stand for may have left the store.
    past = replace(run, plan=replace(run.plan, stages=stages), values={})
    for stage in wanted:
        # A stage whose fingerprint is still the same can be computed again, and gives the same.
        if run.plan[stage.key].fingerprint != past.plan[stage.key].fingerprint:
            _require_state(past, past.plan[stage.key])
    return past


def _require_same_data(run: Execution, fingerprint: str) -> None:
    stage = run.plan["source"]
    assert isinstance(stage.component, Source)
    parts = run.workspace.catalog.runs.stage_parts(run.info.id, stage.key)
    now = stage.component.fingerprint()
    same = stage.fingerprint == fingerprint if parts is None else parts.get("data") == now
    if not same or now != stage.parts["data"]:
        raise DataError(
            f"the data of run {run.info.id} have changed since: {stage.key} '{stage.name}' has another fingerprint",
            hint="run it again, and ask about that run",
        )


def _require_state(past: Execution, stage: Stage) -> None:
    """See to it that a stage's output is at hand, from the store or else a package; raises DataError where it is lost."""
    if past.workspace.store.get(stage.fingerprint) is not None:
        return
    for manifest in sorted(past.info.path.glob(f"packages/*/{MANIFEST}")):
        verify(manifest.parent)
        held = {fitted.key: fitted.fitted for fitted in StoredPackage(manifest.parent, past.registry).transforms}
        if stage.key in held:
            past.values[stage.key] = held[stage.key]
            return
    raise DataError(
        f"the store no longer holds stage '{stage.key}' of run {past.info.id}, and its code or libraries have changed since",
        hint="run it again, and ask about that run",
    )


def _follow(
    moves: Sequence[Move], frame: pl.LazyFrame, ref: RowRef, source: pl.LazyFrame, id_column: str | None
) -> Iterator[tuple[Step, pl.DataFrame]]:
    """Yield what each transform did to a row, with the row after it (no rows where it is gone)."""
    import polars as pl

    frames, fits = [frame], []
    for move in moves:
        fits.append(move.fit(frames[-1]))
        frames.append(fits[-1].transform(frames[-1]).lazy())
    rows = pl.collect_all([each.filter(pl.col(ROW_ID) == ref.position) for each in frames])
    for place, move in enumerate(moves):
        before, after = rows[place].head(1), rows[place + 1]
        facts = (move.stage, move.component, move.applies)
        if not after.height:
            kept = _repeated(fits[place], before, frames[place + 1])
            repeats = None if kept is None else named([kept], source, id_column)[kept]
            yield Step(*facts, "dropped", copies=0, repeats=repeats), after
            return
        changes = tuple(_changes(before, after.head(1)))
        yield Step(*facts, "changed" if changes else "kept", changes, after.height), after


def _changes(before: pl.DataFrame, after: pl.DataFrame) -> Iterator[Change]:
    for name in before.columns:
        if name != ROW_ID and name in after.columns and differs(before[name], after[name]).item():
            yield Change(name, before[name].item(), after[name].item())


def _repeated(fitted: FittedTransform, row: pl.DataFrame, after: pl.LazyFrame) -> int | None:
    """Return the row id that stayed in place of a row that repeats it; None where the transform drops for other reasons."""
    if not isinstance(fitted, DropsRepeats):
        return None
    columns = list(fitted.repeats_in())
    equal = after.join(row.lazy().select(columns), on=columns, how="semi", nulls_equal=True)
    found = equal.select(ROW_ID).head(1).collect()[ROW_ID].to_list()
    return found[0] if found else None


def _part(past: Execution, ref: RowRef) -> tuple[str | None, pl.DataFrame | None]:
    """Return the part that a row landed in, with the row as it is there."""
    import polars as pl

    split: Split = past.value("split")
    for name in PARTS:
        part: Dataset | None = getattr(split, name)
        rows = None if part is None else part.frame.filter(pl.col(ROW_ID) == ref.position).collect()
        if rows is not None and rows.height:
            return name, rows
    return None, None


def _require_agreement(
    past: Execution, ref: RowRef, first: Sequence[tuple[Step, pl.DataFrame]], held: pl.DataFrame | None
) -> None:
    """Raise DataError where the transforms before the split do something else today than in the run."""
    gone = any(step.outcome == "dropped" for step, _ in first)
    same = gone == (held is None) or (not gone and past.plan.config.options.split.leaves_out)
    if same and held is not None and first:
        same = not list(_changes(first[-1][1].head(1), held.head(1)))
    if not same:
        raise DataError(
            f"the transforms before the split do something else to {ref} now than they did in run {past.info.id}",
            hint="their code or libraries have changed since; run it again, and ask about that run",
        )


def _lines(step: Step) -> Iterator[tuple[str | None, ...]]:
    outcome = step.outcome if step.repeats is None else f"dropped: repeats {step.repeats}"
    outcome += f" {step.copies} times" if step.copies > 1 else ""
    if not step.changes:
        yield step.stage, outcome, None, None, None
    for change in step.changes:
        yield step.stage, outcome, change.column, _text(change.before), _text(change.after)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
