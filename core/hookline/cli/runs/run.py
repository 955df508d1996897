"""`hookline run`: a process beside it is started first, since it has the most to import."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline.runs.beside.second import Second

HELP = """usage: hookline run [OVERRIDES] [--json] [--profile] [Hydra flags]

Runs a pipeline. A path is the table; kinds and options are Hydra overrides.

  hookline run train.csv target=churned                          a file, a folder, a glob, or - for stdin
  hookline run train.csv target=churned id=customer time=day     group, weight and ignore=[a,b] go likewise
  hookline run transform=[dedupe,impute] trainer=random_forest trainer.n_estimators=300
  hookline run experiment=breast_cancer seed=7
  hookline run -m trainer=logistic_regression,random_forest      a sweep
  hookline run --cfg job            the composed config       --info   what Hydra did
  hookline run --config-dir conf    your own experiments

--json prints the evidence of the run on stdout. --profile shows where time and memory went.
`hookline components list` lists what can be chosen.
"""


def main(argv: Sequence[str]) -> int:
    """Run from Hydra overrides and flags."""
    if {"--help", "-h"} & set(argv):
        sys.stdout.write(HELP)
        return 0
    # A run imports many modules, and looking for garbage among what they leave takes a tenth of a small run's time.
    gc.set_threshold(1_000_000, 50, 100)
    second = _second(argv)
    try:
        from .running import run

        return run(argv, second)
    finally:
        if second is not None:
            second.close()


def _second(argv: Sequence[str]) -> Second | None:
    """Start a process beside the run, where the line asks for one run and for nothing else."""
    others = [word.lstrip("+~") for word in argv if word not in ("-", "--json", "--profile")]
    # What Hydra is told may be of other processes and of what a run says.
    if any(word.startswith(("-", "hydra")) for word in others):
        return None
    from hookline.runs.beside.second import start

    return start(argv)
