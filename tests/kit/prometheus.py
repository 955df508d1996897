"""Prometheus' own tool, which reads rules, queries and metrics as the server does."""

from __future__ import annotations

import shutil

from kit.processes import Done, lacks, run_command


def checked(*words: str, told: str | None = None) -> Done:
    """Have `promtool check` read something, on its stdin where it is told."""
    promtool = shutil.which("promtool")
    if promtool is None:
        lacks("promtool is not in the PATH: `apt-get install prometheus` has it")
    return run_command([promtool, "check", *words], input=told)
