"""The ledger of what each transform did to the rows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.ledger import CleaningLedger
from hookline.data.cleaning.replay import keep_ledger
from hookline.kinds.artifacts import Dataset
from hookline.kinds.component import Component
from hookline.kinds.plain import to_json
from hookline.plans.plan import every

from .. import outputs
from ..execution import Section, StageKind
from .rows import dataset_moves, fitted_moves

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Write what each transform did to the rows."""
    first = dataset_moves(run)
    source: Dataset | None = run.value(run.plan.of("source")[0].key) if first else None
    scratch = folder / "scratch"
    scratch.mkdir()
    ledger = keep_ledger(source, [*first, *fitted_moves(run)], run.value("split"), scratch)
    shutil.rmtree(scratch)
    outputs.write(ledger, folder)


def _section(run: Execution) -> list[Any]:
    ledger: CleaningLedger = run.value("cleaning")
    return [to_json(entry) for entry in ledger.entries]


def _takes(done: Mapping[str, tuple[str, ...]], component: Component | None) -> tuple[str, ...]:
    """Take the rows before the split only where something was done to them."""
    first = ("source", "transform before the split") if done.get("transform before the split") else ()
    return every(*first, "split", "transform")(done, component)


STAGE = StageKind(
    kind="cleaning",
    module=__name__,
    takes=_takes,
    makes=CleaningLedger,
    wanted=lambda meant: bool(meant.config.components["transform"]),
    write=_write,
    summarize=lambda ledger: ledger.summary,
    sections=(Section("cleaning", ("cleaning",), _section),),
    final=True,
)
