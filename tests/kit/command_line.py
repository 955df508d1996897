"""The command line in the test's own process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hookline.cli import main

Told = Callable[..., tuple[int, str, str]]
"""What runs a command line and returns its exit code, stdout and stderr."""


def teller(capsys: pytest.CaptureFixture[str]) -> Told:
    """Return what runs command lines whose output is captured."""

    def tell(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return tell
