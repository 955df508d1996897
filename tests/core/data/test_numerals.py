"""Numbers as people write them: what a column of them is taken for, what each text becomes, and what is asked."""

from __future__ import annotations

import polars as pl
import pytest

from hookline.data.numerals import Decimal, Found, Thousands, find, read


def found_in(texts: list[str], decimal: Decimal | None = None, thousands: Thousands | None = None) -> Found | None:
    counts = pl.Series("text", texts).value_counts(name="rows", sort=True)
    return find(counts, decimal, thousands)


def values(texts: list[str], **said: str) -> list[float | None]:
    found = found_in(texts, **said)  # type: ignore[arg-type]  # texts of the two literals
    assert found is not None
    numbers: list[float | None] = pl.DataFrame({"x": texts}).select(read(pl.col("x"), found.numerals))["x"].to_list()
    return numbers


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["12,5", "7,25", "3"], [12.5, 7.25, 3.0]),
        (["1.234,50", "12,5"], [1234.5, 12.5]),
        (["€ 3", "4,50 €"], [3.0, 4.5]),
        (["$1,234.50", "$999.00", "-$3", "($4.20)"], [1234.5, 999.0, -3.0, -4.2]),
        (["4 %", "12.5%"], [4.0, 12.5]),
        (["1 234,5", "22\u00a0000,0", "7\u202f100,1"], [1234.5, 22000.0, 7100.1]),
        (["1’234.50", "1'000.25"], [1234.5, 1000.25]),
        (["12,34,567", "5,000", "1.5"], [1234567.0, 5000.0, 1.5]),
        (["EUR 3", "4 EUR", "5"], [3.0, 4.0, 5.0]),
        (["\u22125", "3.5", " 4 "], [-5.0, 3.5, 4.0]),
        (["0,123", "1,234"], [0.123, 1.234]),
        (["1e-3", "2.5", " "], [0.001, 2.5, None]),
    ],
)
def test_numbers_are_read_as_they_are_meant(texts: list[str], numbers: list[float | None]) -> None:
    assert values(texts) == numbers


@pytest.mark.parametrize("texts", [["1,234", "12,345", "999"], ["$1.234", "$2.345"]])
def test_a_sign_that_may_mean_thousands_or_a_fraction_is_asked(texts: list[str]) -> None:
    found = found_in(texts)
    assert found is not None
    assert found.asked


def test_what_somebody_says_of_the_signs_holds() -> None:
    assert values(["1,234", "12,345"], decimal=",") == [1.234, 12.345]
    assert values(["1,234", "12,345"], decimal=".") == [1234.0, 12345.0]
    assert values(["1.234", "12.345"], thousands=".") == [1234.0, 12345.0]
    found = found_in(["1,234", "12,345"], thousands=",")
    assert found is not None
    assert not found.asked


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b"],
        ["2024-01-01", "2024-01-02"],
        ["12.03.2020", "13.04.2021"],
        ["10:30", "11:20"],
        ["192.168.1.1", "10.0.0.1"],
        ["1-2", "3-4"],
        ["1,5", "3.5"],
        ["Main St 5", "Elm St 12"],
    ],
)
def test_texts_with_digits_are_not_taken_for_numbers(texts: list[str]) -> None:
    assert found_in(texts) is None


def test_amounts_of_another_money_and_shares_without_their_sign_are_no_numbers_of_a_column() -> None:
    money = found_in(["$3", "€4", "€5"])
    assert money is not None
    assert (money.numerals.unit, money.others) == ("€", ("$3",))
    assert values(["4%", "5%", "0.2"]) == [4.0, 5.0, None]


def test_codes_with_needless_zeros_are_counted() -> None:
    found = found_in(["007", "123"])
    assert found is not None
    assert found.coded == 1


def test_a_plain_number_is_one_also_among_decimal_commas_but_not_where_it_may_mean_thousands() -> None:
    found = found_in(["12,5", "7,25"])
    assert found is not None
    rows = pl.DataFrame({"x": ["3.5", "1.234", "x", ""]}).select(read(pl.col("x"), found.numerals))
    assert rows["x"].to_list() == [3.5, None, None, None]
