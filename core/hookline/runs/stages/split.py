"""The division of the rows into training, validation and test rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import count_rows
from hookline.data.parts import PARTS, SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split, write_rows
from hookline.data.versions import version_of
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles, Split
from hookline.kinds.plain import from_json, to_json
from hookline.plans.plan import newest

from ..execution import Section, StageKind

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage

    from ..execution import Execution


SPLIT = "split.json"
"""What is known of a split, beside its rows."""


def facts_of(run: Execution) -> SplitFacts:
    """Return what is known of the split, without reading its rows where they need not be made."""
    if "split" not in run.values:
        content = run.workspace.store.read(run.plan["split"].fingerprint, SPLIT)
        if content is not None:
            return _facts(content)
    return SplitFacts.of(run.value("split"))


def split_in(folder: Path, roles: Roles) -> Split:
    """Return the split that a run left in a folder of the store."""
    return read_split(folder, _facts((folder / SPLIT).read_bytes()), roles)


def parts_of(split: Split) -> pl.LazyFrame:
    """Return the parts of a split together, in the order of the source, without row ids."""
    import polars as pl

    parts = [part.frame for name in PARTS if (part := getattr(split, name)) is not None]
    whole: pl.LazyFrame = pl.concat(parts).sort(ROW_ID).drop(ROW_ID)
    return whole


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Divide the rows, and write each part."""
    options = run.plan.config.options
    dataset: Dataset = run.value(stage.inputs[0])
    rows = write_rows(dataset, folder)
    # Rows that no transform has touched are read from where they have just been written.
    loaded = rows if stage.inputs[0] == "source" else run.value("source").frame
    version = version_of(loaded, dataset.name, without=[ROW_ID])
    method, counts = prepare(dataset, options.split, options.seed, folder)
    facts = SplitFacts(dataset.name, method, counts, version)
    write_facts(facts, folder)


def write_facts(facts: SplitFacts, folder: Path) -> None:
    """Write what is known of a split beside its rows."""
    (folder / SPLIT).write_text(json.dumps(to_json(facts)), "utf-8")


def _read(run: Execution, stage: Stage, folder: Path) -> Split:
    return split_in(folder, run.plan.roles)


def divided_by(write: Callable[[Execution, Stage, Path], None], parts: Mapping[str, Any], module: str) -> StageKind:
    """Return a stage that stands for the split where rows are divided otherwise. parts: what decides how; module: whose it is"""
    return StageKind(
        kind="split",
        module=module,
        takes=newest("source", "transform before the split"),
        makes=Split,
        parts=lambda meant: parts,
        write=write,
        read=_read,
    )


def _options(split: SplitOptions) -> dict[str, Any]:
    """Return what decides the parts; folds that are drawn within the training rows do not."""
    return asdict(replace(split, folds=None, repeats=1) if split.cross_validates else split)


def _facts(content: bytes) -> SplitFacts:
    return from_json(SplitFacts, json.loads(content))


def _summarize(split: Split) -> str:
    rows = {"train": split.train, "valid": split.valid, "test": split.test}
    return ", ".join(f"{count_rows(part.frame):,} {name}" for name, part in rows.items() if part) + " rows"


def _section(run: Execution) -> dict[str, Any]:
    split = facts_of(run)
    return {"method": split.method, **split.rows}


STAGE = StageKind(
    kind="split",
    module=__name__,
    takes=newest("source", "transform before the split"),
    makes=Split,
    parts=lambda meant: {
        "split": _options(meant.config.options.split),
        "seed": meant.config.options.seed,
        "roles": asdict(meant.roles),
    },
    write=_write,
    read=_read,
    summarize=_summarize,
    sections=(Section("split", ("split",), _section),),
)
