"""Whether a server says that it can answer, as its versions can."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from threading import Event

import httpx
import polars as pl
import pytest

import hookline as hl
from hookline import Prediction, Predictor
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.watching import ready
from kit.serving import asking
from kit.versions import until

INFO = {"model": "churn", "version": 1, "format": "onnx"}
PATHS = ("/ready", "/v2/health/ready", "/v2/models/churn/ready", "/v2/models/churn/versions/1/ready")


class Mending:
    """A predictor that answers once it is mended. hangs: until then; else it raises."""

    def __init__(self, whole: Predictor, hangs: bool) -> None:
        self.schema, self.roles, self.target = whole.schema, whole.roles, whole.target
        self.whole, self.hangs, self.mended = whole, hangs, Event()

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        if self.hangs:
            self.mended.wait(20)
        if not self.mended.is_set():
            raise RuntimeError("a fault in the model")
        return self.whole.predict(frame)


def test_a_version_that_answers_is_ready_on_every_way(ask: Callable[..., httpx.Response]) -> None:
    paths = [path.replace("versions/1", "versions/3") for path in PATHS]
    answers = [ask("GET", path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.parametrize("hangs", [False, True], ids=["raises", "hangs"])
def test_no_version_can_answer_until_it_is_mended(
    predictor: hl.Predictor, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    monkeypatch.setattr(ready, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(ready, "AGAIN_SECONDS", 0.0)
    model = Mending(predictor, hangs)
    with asking(app_of(desk_of(model, INFO, None, Bounds()))) as ask:
        before = [ask("GET", path) for path in PATHS]
        model.mended.set()
        after = [eventually(ask, path) for path in PATHS]
        assert ask("GET", "/health").status_code == 200
        assert ask("GET", "/v2/models/churn/versions/2/ready").status_code == 404
    assert [answer.status_code for answer in before] == [503] * 4
    assert before[0].json() == {"error": "no version can answer"}
    assert before[0].headers["retry-after"] == "1"
    assert after == [200] * 4


def eventually(ask: Callable[..., httpx.Response], path: str) -> int:
    until(lambda: ask("GET", path).status_code == 200)
    return ask("GET", path).status_code


def test_a_version_that_nobody_needs_is_not_held_for_having_been_asked(predictor: hl.Predictor) -> None:
    desk, readiness = desk_of(predictor, INFO, None, Bounds()), ready.Readiness()
    assert asyncio.run(readiness.is_ready([desk.traffic.live]))
    held = weakref.ref(desk.traffic.live)
    desk.close()
    del desk
    gc.collect()
    assert held() is None
