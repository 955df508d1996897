"""A run as bytes, for the process beside it."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.plans.plan import Plan, StageSpec

from ..execution import Execution, StageKind
from ..sequence import SEQUENCE

if TYPE_CHECKING:
    from hookline.kinds.hooks import RunInfo


@dataclass(frozen=True)
class Handed:
    """What the process beside a run must know of it."""

    plan: Plan
    info: RunInfo
    home: Path
    scratch: Path
    """A folder for as long as the run's stages run."""
    plugins: tuple[tuple[str, str, str], ...]
    """Those of the run, by name, module and version."""
    environ: Mapping[str, str]
    """The environment of the run, which its config may have added to."""


def handed(run: Execution) -> bytes | None:
    """Return a run as it stands before its stages; None where a component cannot be sent, such as one around a data frame."""
    assert run.scratch is not None, "the stages of the run are about to begin"
    written = io.BytesIO()
    what = Handed(
        run.plan, run.info, run.workspace.home, run.scratch, run.registry.plugins.signature(), dict(os.environ)
    )
    try:
        _Pickler(written, protocol=pickle.HIGHEST_PROTOCOL).dump(what)
    except Exception:  # noqa: BLE001  a plugin's component may raise anything here, and then the run does all itself
        return None
    return written.getvalue()


class _Pickler(pickle.Pickler):
    """Names what a stage does by its place in the sequence: it holds functions that have no name."""

    def reducer_override(self, one: Any) -> Any:
        if isinstance(one, StageSpec):
            return _kind_at, (next(place for place, kind in enumerate(SEQUENCE) if kind is one),)
        return NotImplemented


def _kind_at(place: int) -> StageKind:
    return SEQUENCE[place]
