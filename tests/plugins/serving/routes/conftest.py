"""What the tests of the further routes share: one model, asked in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import Desk, desk_of
from hookline_serving.http.clients.bounds import Bounds
from kit.serving import asking


@pytest.fixture(scope="package")
def predictor(package: Path) -> hl.Predictor:
    """The small model's predictor."""
    return hl.load(package).predictor


@pytest.fixture(scope="module")
def desk(predictor: hl.Predictor) -> Desk:
    """A desk at which version 3 answers, and nothing is recorded."""
    return desk_of(predictor, {"model": "churn", "version": 3, "format": "onnx"}, None, Bounds(rows=5_000))


@pytest.fixture(scope="module")
def ask(desk: Desk) -> Iterator[Callable[..., httpx.Response]]:
    """Ask the desk's application."""
    with asking(app_of(desk)) as asked:
        yield asked
