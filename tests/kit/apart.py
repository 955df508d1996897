"""Tests of what has an environment of its own, since it is too large for the common one."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

TENSORFLOW = "TensorFlow is tested in an environment of its own: make test-tensorflow"
TORCHSERVE = "TorchServe is tested in an environment of its own: make test-torchserve"


def needs_tensorflow() -> None:
    """Leave out a test, or a module of them, where TensorFlow is not; under CI too, which asks for it by another target."""
    if find_spec("tensorflow") is None:
        pytest.skip(TENSORFLOW, allow_module_level=True)


def needs_torchserve() -> None:
    """Leave out a test where TorchServe is not."""
    if find_spec("ts") is None:
        pytest.skip(TORCHSERVE)
