"""What moved an answer: told by whoever can, within its time, and said to be missing where nobody can."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

import hookline as hl
from hookline import Explanation, Predictor
from hookline.kinds.artifacts import Column, Schema
from hookline.live.explaining.background import ordinary_rows, profile_of
from hookline.live.fleet import SinglePackage
from hookline.packages.loading import load_package
from hookline.quality.distributions import profile
from hookline.registry.registry import Registry
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


def app_with(desk: Desk, explainer: Any, fleet: Any = None, *, named: bool = True) -> Starlette:
    find = (lambda: explainer) if named else None
    route = Route("/explain", Guarded(desk, explain(find, fleet)), methods=["POST"])
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


class Backgrounds(OneByOne):
    """Keeps what answers are held against."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[pl.DataFrame] = []

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        self.given.append(background)
        return super().explain(predictor, rows, background.head(1))


@pytest.fixture(scope="module")
def fleet(package: Path, registry: Registry) -> SinglePackage:
    """A fleet of the package, which keeps the profile of its training rows."""
    return SinglePackage(load_package(package, registry), 3)


def test_answers_are_held_against_rows_as_those_of_the_training_were(desk: Desk, fleet: SinglePackage) -> None:
    explainer = Backgrounds()
    with asking(app_with(desk, explainer, fleet)) as ask:
        told = [ask("POST", "/explain", json=ROW).json() for _ in range(2)]
    assert [one["background"] for one in told] == ["the training rows' columns, one by one"] * 2
    first, second = explainer.given
    assert first is second
    profile = profile_of(fleet.package)
    assert profile is not None
    assert (first.height, first.columns) == (100, [*ROW])
    # Quantiles of 240 rows, at steps of a hundredth.
    amount, quartiles = first["amount"], (0.1, 0.5, 0.9)
    bins = profile["amount"].bins
    assert bins is not None
    for share in quartiles:
        assert amount.quantile(share) == pytest.approx(np.quantile(bins.edges[1:], share), abs=0.3)
    assert set(first["plan"]) == {"basic", "gold", "silver"}
    assert set(first["visits"]) == set(range(9))
    assert 0.3 < first["active"].mean() < 0.7  # type: ignore[operator]
    assert first["joined"].min() > datetime(2023, 12, 31)  # type: ignore[operator]
    # Each column in an order of its own.
    assert abs(np.corrcoef(amount, first["visits"])[0, 1]) < 0.3


class Foreign(SinglePackage):
    """A fleet whose ordinary rows the model does not take."""

    def ordinary(self, version: int) -> tuple[str, pl.DataFrame]:
        return "rows of somebody else", pl.DataFrame({"other": [1.0]})


def test_where_no_ordinary_rows_are_known_or_the_model_refuses_them_the_row_of_example_is_ordinary(
    desk: Desk, fleet: SinglePackage, tmp_path: Path
) -> None:
    without = SinglePackage(replace(fleet.package, path=tmp_path), 3)
    for known in (None, without, Foreign(fleet.package, 3)):
        explainer = Backgrounds()
        with asking(app_with(desk, explainer, known)) as ask:
            assert ask("POST", "/explain", json=ROW).json()["background"] == "the row of /example"
        assert [one.height for one in explainer.given] == [1]


def test_a_column_of_which_a_part_was_missing_is_missing_in_as_large_a_part() -> None:
    rows = pl.DataFrame(
        {"a": [1.0, None, None, 3.0] * 10, "b": ["x"] * 40, "c": [None] * 40}, schema_overrides={"c": pl.Float64}
    )
    columns = tuple(
        Column(name, str(dtype), kind)
        for (name, dtype), kind in zip(rows.schema.items(), ("number", "string", "number"), strict=True)
    )
    made = ordinary_rows(Schema(columns), profile(rows.lazy(), rows.columns))
    values = [row["a"] for row in made]
    assert (values.count(None), values.count(1.0), values.count(3.0)) == (50, 25, 25)
    assert {row["b"] for row in made} == {"x"}
    assert {row.get("c") for row in made} == {None}


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


def test_without_anybody_named_the_fleet_says_who_explains_as_everywhere_else(
    desk: Desk, fleet: SinglePackage, package: Path
) -> None:
    with asking(app_with(desk, None, fleet, named=False)) as ask:
        said = ask("POST", "/explain", json=ROW).json()
    alone = hl.explain(package, ROW)
    assert said["method"] == alone.explanation.method
    assert said["background"] == alone.background
    (told,) = said["explanations"]
    assert [*told["values"].values()] == alone.explanation.values[0].tolist()
    assert told["base"] == alone.explanation.base[0]
