"""Rows put to a version that refuses some of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline.data.columns import conform
from hookline.errors import DataError
from hookline.kinds.artifacts import Column, Roles, Schema, Target
from hookline.kinds.fitted import Prediction
from hookline.live.replaying.asking import CHUNK, MOST_REFUSED, ask, times_alone

SCHEMA = Schema((Column("a", "Float64", "number"), Column("plan", "String", "string")))


@dataclass
class Above:
    """Answers whether `a` is above zero, and raises where it is exactly 13."""

    schema: Schema = SCHEMA
    roles: Roles = Roles()  # noqa: RUF009  frozen
    target: Target = Target("up", "binary", ("no", "yes"))  # noqa: RUF009  frozen
    calls: int = 0

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        self.calls += 1
        rows = conform(frame.lazy().collect(), self.schema)
        if (rows["a"] == 13).any():
            raise ZeroDivisionError("thirteen")
        up = (rows["a"] > 0).to_numpy()
        values = np.where(up, "yes", "no")
        warned = dict.fromkeys(np.flatnonzero(rows["a"].abs().to_numpy() > 50).tolist(), ("a: is odd",))
        return Prediction(values, np.column_stack([~up, up]).astype(float), ("no", "yes"), None, warned)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"a": float(place % 7 - 3), "plan": "gold"} for place in range(count)]


def test_rows_are_answered_in_order_over_several_questions() -> None:
    asked = rows(2 * CHUNK + 10)
    asked[CHUNK + 3]["a"] = 99.0
    found = ask(Above(), asked)
    answers = found.answers()
    assert found.taken == list(range(len(asked)))
    assert answers.values.tolist() == ["yes" if row["a"] > 0 else "no" for row in asked]
    assert answers.warnings == {CHUNK + 3: ("a: is odd",)}
    assert found.frame is not None
    assert found.frame["a"].to_list() == [row["a"] for row in asked]


def test_rows_that_are_refused_are_found_one_by_one_and_the_others_are_answered() -> None:
    asked = rows(300)
    asked[5]["a"] = "many"
    asked[77] = {"plan": "gold"}
    asked[200]["a"] = 13.0
    found = ask(Above(), asked)
    assert sorted(set(range(300)) - set(found.taken)) == [5, 77, 200]
    assert len(found.answers().values) == 297
    told = {(one.column, one.why) for one in found.refusals()}
    assert told == {
        ("a", "is missing"),
        ("a", "must be a number, got 'many'"),
        ("", "ZeroDivisionError: thirteen"),
    }
    assert sum(one.rows for one in found.refusals()) == 3


def test_a_column_that_need_not_be_there_is_not_missed() -> None:
    columns = (SCHEMA.columns[0], replace(SCHEMA.columns[1], required=False))
    found = ask(Above(schema=Schema(columns)), [{"a": 1.0}] * 3)
    assert found.refused == []
    assert found.answers().values.tolist() == ["yes"] * 3


def test_a_version_that_refuses_all_is_not_asked_on_and_on() -> None:
    asked = [{"a": "many", "plan": "gold"}] * (5 * CHUNK)
    predictor = Above()
    found = ask(predictor, asked)
    assert found.looked == CHUNK
    assert len(found.refused) == CHUNK >= MOST_REFUSED
    assert predictor.calls <= 2 * CHUNK
    (refusal,) = found.refusals()
    assert (refusal.column, refusal.rows, refusal.first) == ("a", CHUNK, 0)
    assert "must be a number" in refusal.why
    assert found.frame is None


def test_rows_without_a_column_are_refused_without_a_question() -> None:
    predictor = Above()
    found = ask(predictor, [{"plan": "gold"}] * (3 * CHUNK))
    assert (predictor.calls, found.looked, len(found.refused)) == (0, 3 * CHUNK, 3 * CHUNK)


def test_each_of_the_first_rows_is_timed_alone() -> None:
    found = ask(Above(), rows(50))
    assert found.frame is not None
    took = times_alone(Above(), found.frame)
    assert took.shape == (50,)
    assert (took > 0).all()


def test_a_model_that_raises_something_of_its_own_does_not_end_the_replay() -> None:
    class Broken(Above):
        def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
            raise DataError("the model has no answer")

    found = ask(Broken(), rows(4))
    assert [one[1:] for one in found.refused] == [("", "the model has no answer")] * 4
    with pytest.raises(ValueError, match="need at least one array"):
        found.answers()
