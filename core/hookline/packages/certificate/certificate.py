"""What a certificate says, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.errors import ExportError
from hookline.kinds.plain import to_json

from .parity import Parity

CERTIFICATE = "certificate.json"
HELD_OUT = "held_out"


@dataclass(frozen=True)
class WorstRow:
    """A row on which two forms differ most. row: its raw values; native, answered: a label, a number, or the refusal."""

    difference: float
    native: Any
    answered: Any
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How two forms agree on one sort of rows.

    max_difference, changed_decisions: as in `Parity`, of the rows that count; infinite where only one of them answers
    refused: rows that both refuse, with the same kind of error
    beyond_limit: rows past a limit that the format states, of which `beyond_limit_differing` differ; they do not count
    left_out: rows that were not compared
    tied: rows that differ by more than the tolerance, and on which the model's own answer hangs on which of several equals,
        such as neighbors equally near, it counts; they do not count
    """

    sort: str
    rows: int
    max_difference: float
    changed_decisions: int
    ok: bool
    refused: int = 0
    beyond_limit: int = 0
    beyond_limit_differing: int = 0
    left_out: int = 0
    tied: int = 0
    worst: tuple[WorstRow, ...] = ()


@dataclass(frozen=True)
class Quality:
    """How well the native pipeline and the package do on held-out rows whose truth is known: accuracy, Brier score, or RMSE."""

    name: str
    native: float
    package: float


@dataclass(frozen=True)
class Certificate:
    """What was compared with the native pipeline, on which rows, and how well it agrees."""

    subject: str
    """The packager's name, or `served by <deployer>`."""
    tolerance: float
    seed: int
    agreements: tuple[Agreement, ...] = field(default_factory=tuple)
    limit: str | None = None
    """Where the format says that it may differ, and why."""
    changes_at_most: float | None = None
    """Share of held-out decisions that may change, of a package that is coarser on purpose; generated rows are told then."""
    quality: tuple[Quality, ...] = ()
    """Of such a package."""

    @property
    def ok(self) -> bool:
        """Whether every sort of row agrees."""
        return all(agreement.ok for agreement in self.agreements)


def require_agreement(certificate: Certificate, subject: str, hint: str | None) -> None:
    """Raise ExportError naming the sorts of rows on which a certificate does not agree, with an example."""
    bad = [agreement for agreement in certificate.agreements if not agreement.ok]
    if not bad:
        return
    most = certificate.changes_at_most
    share = "" if most is None else f", and of the decisions on held-out rows {most:.2%} may change"
    lines = [f"{subject} changes predictions (tolerance {certificate.tolerance:g}{share}):"]
    for one in bad:
        kind = "held-out" if one.sort == HELD_OUT else f"generated {one.sort}"
        changed = f"{one.changed_decisions} decisions changed" if one.changed_decisions else "no decision changed"
        lines.append(
            f"  on {one.rows} {kind} rows the largest difference is {one.max_difference:.3g}, and {changed}{_example(one)}"
        )
    raise ExportError("\n".join(lines), hint=hint)


def _example(agreement: Agreement) -> str:
    if not agreement.worst:
        return ""
    worst = agreement.worst[0]
    shown = ", ".join(f"{name}={value!r}" for name, value in list(worst.row.items())[:6])
    more = ", ..." if len(worst.row) > 6 else ""
    if worst.native == worst.answered:
        return f": {worst.native!r} stayed, and its probabilities moved by {worst.difference:.3g}, for {shown}{more}"
    return f": {worst.native!r} became {worst.answered!r} for {shown}{more}"


def plain_certificate(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON values."""
    plain: dict[str, Any] = to_json(certificate)
    return plain | {"ok": certificate.ok}


def as_parity(certificate: Certificate) -> Parity:
    """Return the part of a package's certificate that is about held-out rows."""
    held = next(agreement for agreement in certificate.agreements if agreement.sort == HELD_OUT)
    return Parity(held.rows, held.max_difference, held.changed_decisions, certificate.tolerance)
