"""What training goes on from after a kill: numbers in one file, which is read without running code."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FILE = "last.npz"
FACTS = "facts"


@dataclass
class Progress:
    """How far training has come, and the best that it came by."""

    epoch: int = 0
    """Epochs that are done."""
    waited: int = 0
    """Epochs since the best one."""
    stopped: bool = False
    halved: int = 0
    """Epochs since the best one, or since the step size was halved."""
    best: float | None = None
    told: dict[int, float] = field(default_factory=dict)
    """Epoch -> what was watched."""
    kept: list[np.ndarray] = field(default_factory=list)
    """The weights of the best epoch."""


def variables_of(module: Any) -> list[Any]:
    """Return every variable that training changes, in an order that the module's shape alone decides."""
    return [*module.variables, *module.optimizer.variables]


def save(folder: Path, module: Any, progress: Progress) -> None:
    """Write the checkpoint whole, or not at all."""
    facts = {name: value for name, value in vars(progress).items() if name != "kept"}
    arrays: dict[str, Any] = {f"now{place}": value.numpy() for place, value in enumerate(variables_of(module))}
    arrays |= {f"best{place}": value for place, value in enumerate(progress.kept)}
    part = folder / f"part-{os.getpid()}.npz"
    np.savez(part, allow_pickle=False, **arrays | {FACTS: np.array(json.dumps(facts))})
    part.replace(folder / FILE)


def restore(folder: Path, module: Any) -> Progress | None:
    """Give a module, whose optimizer is built, what a checkpoint holds; None where there is none."""
    if not (folder / FILE).exists():
        return None
    with np.load(folder / FILE, allow_pickle=False) as kept:
        facts = json.loads(str(kept[FACTS]))
        for place, value in enumerate(variables_of(module)):
            value.assign(kept[f"now{place}"])
        count = sum(name.startswith("best") for name in kept.files)
        best = [kept[f"best{place}"] for place in range(count)]
    told = {int(epoch): value for epoch, value in facts.pop("told").items()}
    return Progress(**facts, told=told, kept=best)
