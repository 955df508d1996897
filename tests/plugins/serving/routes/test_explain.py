"""What moved an answer: told by whoever can, within its time, and said to be missing where nobody can."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from hookline import Explanation, Predictor
from hookline_serving.http.app import _http_error
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.routes import explain as module
from hookline_serving.http.routes.asked import Guarded
from hookline_serving.http.routes.explain import explain, installed
from kit.serving import ROW, asking

Ask = Callable[..., httpx.Response]


class OneByOne:
    """Explains by putting the ordinary value in the place of each column's, one after the other. late: seconds before that."""

    def __init__(self, late: float = 0.0) -> None:
        self.late = late

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        time.sleep(self.late)

        def chance(frame: pl.DataFrame) -> np.ndarray:
            chances = predictor.predict(frame).probabilities
            assert chances is not None
            return np.asarray(chances[:, 1], float)

        whole = chance(rows)
        moved = [whole - chance(rows.with_columns(pl.lit(background[name][0]).alias(name))) for name in rows.columns]
        return Explanation(tuple(rows.columns), np.stack(moved, 1), chance(background).repeat(len(rows)), "one by one")


def app_with(desk: Desk, explainer: Any) -> Starlette:
    route = Route("/explain", Guarded(desk, explain(lambda: explainer)), methods=["POST"])
    handlers: Any = {HTTPException: _http_error}
    return Starlette(routes=[route], exception_handlers=handlers)


def test_each_row_is_told_what_moved_its_answer(desk: Desk) -> None:
    with asking(app_with(desk, OneByOne())) as ask:
        told = ask("POST", "/explain", json=[ROW | {"amount": 30.0}, ROW])
    said = told.json()
    assert (told.status_code, said["model"], said["version"], said["method"]) == (200, "churn", 3, "one by one")
    first, second = said["explanations"]
    assert set(first["values"]) == set(ROW)
    assert max(first["values"], key=lambda name: abs(first["values"][name])) == "amount"
    assert abs(first["values"]["amount"]) > abs(second["values"]["amount"])
    assert first["base"] == second["base"]


def test_what_takes_too_long_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET_SECONDS", 0.05)
    with asking(app_with(desk, OneByOne(late=0.3))) as ask:
        told = ask("POST", "/explain", json=ROW)
    assert (told.status_code, told.headers["retry-after"]) == (503, "1")
    assert told.json() == {"error": "the answer could not be explained within 0.05 s; send fewer rows"}


def test_without_anybody_who_explains_it_is_said_what_to_install(desk: Desk, ask: Ask) -> None:
    with asking(app_with(desk, None)) as asked:
        told = asked("POST", "/explain", json=ROW)
        assert asked("POST", "/explain", json={}).status_code == 422
        assert asked("POST", "/explain", json=[ROW] * 101).status_code == 413
        assert asked("POST", "/explain", content=b"{").status_code == 400
        assert asked("POST", "/explain", content=b" " * 300_000).status_code == 413
    assert told.status_code == 501
    assert "install a plugin with an evaluator" in told.json()["error"]
    assert ask("POST", "/explain", json=ROW).status_code == (501 if installed() is None else 200)


def test_a_fault_in_the_component_is_told(desk: Desk) -> None:
    with asking(app_with(desk, object())) as ask:
        told = ask("POST", "/explain", json=ROW)
    assert (told.status_code, told.json()) == (500, {"error": "the model could not answer: AttributeError"})


def test_what_is_given_up_keeps_its_turn_until_it_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET_SECONDS", 0.02)
    with asking(app_with(desk, OneByOne(late=0.3))) as ask:
        first, second = ask("POST", "/explain", json=ROW), ask("POST", "/explain", json=ROW)
        assert "could not be explained within" in first.json()["error"]
        assert (second.status_code, second.json()) == (503, {"error": "another answer is being explained"})
        monkeypatch.setattr(module, "BUDGET_SECONDS", 5)
        for _ in range(100):
            third = ask("POST", "/explain", json=ROW)
            if third.status_code == 200:
                break
            time.sleep(0.02)
    assert third.status_code == 200
