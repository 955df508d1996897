"""The stage that fits the pipeline to growing parts of the training rows, and says whether more would help."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import count_rows
from hookline.data.split import SplitFacts
from hookline.errors import DataError, HooklineError
from hookline.kinds.artifacts import Dataset, Split
from hookline.kinds.hooks import StageInfo
from hookline.kinds.reports import Metrics, Report
from hookline.packages.deciding.options import IntervalOptions, SetOptions
from hookline.plans.layout import make_plan
from hookline.plans.plan import every
from hookline.quality.judging import metrics_of_rows, numbers_of

from ..execution import Execution, StageKind
from ..parts import report_in_words, scored_of
from ..stages import features, knowledge, rows, target, trainer
from ..stages.deciding import decision, wish
from ..stages.folds.stage import settled
from ..stages.split import divided_by, write_facts
from .drawing import order_of
from .telling import Fit, report_of

if TYPE_CHECKING:
    from hookline.plans.plan import Plan, Stage

SEQUENCE = (knowledge.STAGE, rows.AFTER_SPLIT, target.STAGE, wish.STAGE, features.FEATURIZER, features.FEATURES)
"""What each fit has of its own before its model, on rows that are divided already."""


def _make(run: Execution, stage: Stage) -> Report:
    """Fit and judge until all is done or the time is over; each fit's stages are kept in the store, so a killed run goes on."""
    options, train = run.plan.config.options.learning_curve, run.value("split").train
    sizes = _sizes(count_rows(train.frame), options.shares, options.rows)
    wanted = list(_wanted(sizes, count_rows(train.frame), options.repeats))
    began = time.monotonic()
    fits: list[Fit] = []
    for number, (repeat, size) in enumerate(wanted, 1):
        if fits and time.monotonic() - began > options.seconds:
            break
        here = StageInfo(f"fit {number}/{len(wanted)}", stage.name, len(run.told) + 1, len(run.plan.stages))
        fits.append(_told(run, here, repeat, size))
    return report_of(fits, len(wanted))


def _sizes(count: int, shares: tuple[float, ...], most: int | None) -> list[int]:
    whole = min(count, most or count)
    return sorted({max(1, round(whole * share)) for share in shares})


def _wanted(sizes: list[int], count: int, repeats: int) -> Iterator[tuple[int, int]]:
    """Yield the draw and the number of rows of each fit; of all rows there is but one draw."""
    for repeat in range(repeats):
        for size in sizes:
            if size < count or repeat == 0:
                yield repeat, size


def _told(run: Execution, here: StageInfo, repeat: int, size: int) -> Fit:
    run.registry.tell("before_stage", run=run.info, stage=here)
    started = time.perf_counter()
    try:
        fit = _fit(_inner(run, repeat, size), repeat, size)
    except HooklineError as error:
        error.message = f"learning curve, at {size:,} training rows: {error.message}"
        raise
    said = f"{fit.metric.name} {fit.metric.value:.4g} on {size:,} rows"
    seconds = time.perf_counter() - started
    run.registry.tell("after_stage", run=run.info, stage=replace(here, status="ran", seconds=seconds, summary=said))
    return fit


def _fit(inner: Execution, repeat: int, size: int) -> Fit:
    """Judge one fit as `standard` does, on the held-out rows and on those that it was fitted to."""
    found = metrics_of_rows(inner.registry, scored_of(inner))
    head = Metrics(found).headline()
    if head is None:
        raise DataError("nothing measures the model", hint="pip install 'hookline[sklearn]'")
    model = inner.value(inner.plan.of("trainer")[0].key)
    rule = inner.value("decision") if inner.plan.of("decision") else None
    seen = numbers_of(inner.registry, trainer.training_rows(inner, model, rule))
    return Fit(size, repeat, head, seen[head.name])


def _inner(run: Execution, repeat: int, size: int) -> Execution:
    """Return the execution of one fit, of which no stage has run yet."""
    # Intervals change no figure.
    options = replace(
        run.plan.config.options,
        gates={},
        intervals=IntervalOptions(),
        sets=SetOptions(),
        decision=settled(run),
        repeats=1,
    )
    config = replace(run.plan.config, options=options)
    sequence = (rows.SOURCE, rows.BEFORE_SPLIT, _part(run, repeat, size), *SEQUENCE, trainer.STAGE, decision.STAGE)
    plan: Plan = make_plan(run.registry, config, sequence)
    return Execution(plan, run.workspace, run.registry, run.info)


def _part(run: Execution, repeat: int, size: int) -> StageKind:
    """Return a split with a part of the run's training rows, and its validation and held-out rows as they are."""
    seed = run.plan.config.options.seed
    parts = {"of": run.plan["split"].fingerprint, "repeat": repeat, "rows": size, "seed": seed}

    def write(inner: Execution, stage: Stage, folder: Path) -> None:
        split: Split = run.value("split")
        kept = sorted(order_of(split.train, seed, repeat)[:size].tolist())
        split.train.frame.collect()[kept].write_ipc(folder / "train.arrow")
        others: dict[str, Dataset | None] = {"valid": split.valid, "test": split.test}
        for name, part in others.items():
            if part is not None:
                part.frame.sink_ipc(folder / f"{name}.arrow")
        counts = {name: 0 if part is None else count_rows(part.frame) for name, part in others.items()}
        facts = SplitFacts(split.train.name, split.method, {"train": size, **counts}, split.version)
        write_facts(facts, folder)

    return divided_by(write, parts, __name__)


def _parts(meant: Any) -> dict[str, Any]:
    return {"learning_curve": asdict(meant.config.options.learning_curve), "seed": meant.config.options.seed}


STAGE = StageKind(
    kind="learning_curve",
    module=__name__,
    takes=every("split", "transform", "target", "wish", "knowledge", "featurizer", "trainer", "decision"),
    makes=Report,
    parts=_parts,
    wanted=lambda meant: bool(meant.config.options.learning_curve.shares),
    make=_make,
    summarize=report_in_words,
    final=True,
)
