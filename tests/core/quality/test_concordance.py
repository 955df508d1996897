"""How far two methods agree on which columns matter."""

from __future__ import annotations

import pytest
from scipy.stats import spearmanr

from hookline.quality.concordance import concordance_of, concordances_of

FIRST = {"a": 0.5, "b": 0.3, "c": 0.3, "d": 0.0, "e": 0.1}
SECOND = {"a": 9.0, "b": 1.0, "c": 2.0, "d": 4.0, "e": 3.0}


def test_the_rank_correlation_is_that_of_scipy_with_ties() -> None:
    found = concordance_of("one", "two", FIRST, SECOND)
    assert found is not None
    assert found.rank_correlation == pytest.approx(
        spearmanr([*FIRST.values()], [*SECOND.values()]).statistic, abs=1e-12
    )


def test_of_leading_columns_those_count_that_lead_in_both() -> None:
    found = concordance_of("one", "two", FIRST, SECOND)
    assert found is not None
    assert (found.top, found.shared, found.columns) == (2, 1, 5)
    assert f"{found}".startswith("one and two: rank correlation ")


def test_columns_that_one_does_not_tell_of_are_left_out() -> None:
    found = concordance_of("one", "two", FIRST, {"a": 1.0, "b": 0.5, "z": 3.0})
    assert found is not None
    assert (found.columns, found.rank_correlation) == (2, pytest.approx(1.0))


def test_who_tells_no_column_from_another_has_no_ranks() -> None:
    found = concordance_of("one", "two", FIRST, dict.fromkeys(FIRST, 0.0))
    assert found is not None
    assert found.rank_correlation is None
    assert "no ranks" in f"{found}"


def test_each_two_methods_are_compared() -> None:
    found = concordances_of({"x": FIRST, "y": SECOND, "z": FIRST, "other": {"q": 1.0}})
    assert [(one.first, one.second) for one in found] == [("x", "y"), ("x", "z"), ("y", "z")]
