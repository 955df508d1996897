"""What the processes of a server are told at their start, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from hookline.kinds.deployments import ServeOptions, Trust


@dataclass(frozen=True)
class Work:
    """What is to be answered with, and how: what a name meant when the server began, so that each process means the same."""

    folder: str
    """Of the package; where a model is named without a version, of its newest one."""
    model: str | None
    """The model that the package is a version of; None where no catalog was asked."""
    version: int | None
    whole: bool
    """Whether the model's policy says who answers."""
    home: str
    log: str | None
    """The folder where answers are recorded; None: nowhere."""
    contract: str | None
    trust: Trust | None
    options: ServeOptions
