"""What is written in texts: moments in several ways, quantities with units, several things in one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from hookline import Dataset, Finding, Roles, Transform
from hookline.errors import ConfigError, DataError
from hookline.kinds.fitting import findings_in
from hookline_polars import (
    CastTransform,
    ParseDatesTransform,
    ParseNumbersTransform,
    SplitTextTransform,
    UnitsTransform,
)


def dataset(**columns: Any) -> Dataset:
    return Dataset(pl.LazyFrame(columns), Roles())


def made(transform: Transform, train: Dataset, rows: pl.LazyFrame | None = None) -> pl.DataFrame:
    return transform.fit(train).transform(train.frame if rows is None else rows).collect()


# parse_dates

MIXED = ["2024-01-02", "03.04.2024", "2024-02-01 10:30", "2024-02-01T08:00:00+02:00", "2024/03/05", "31.12.2023"]
READ = [
    datetime(2024, 1, 2),
    datetime(2024, 4, 3),
    datetime(2024, 2, 1, 10, 30),
    datetime(2024, 2, 1, 6),
    datetime(2024, 3, 5),
    datetime(2023, 12, 31),
]


def test_dates_that_one_column_writes_in_several_ways_are_all_read() -> None:
    out = made(ParseDatesTransform(), dataset(when=[*MIXED, None, "soon"], other=["x", "y"] * 4))
    assert out["when"].to_list() == [*READ, None, None]
    assert out["other"].dtype == pl.String


def test_a_text_alone_is_read_as_among_others() -> None:
    train = dataset(when=MIXED)
    fitted = ParseDatesTransform().fit(train)
    for text, moment in zip(MIXED, READ, strict=True):
        assert fitted.transform(pl.LazyFrame({"when": [text]})).collect()["when"].to_list() == [moment]


def test_formats_are_tried_in_their_order() -> None:
    transform = ParseDatesTransform(columns=("when",), formats=("%m/%d/%Y", "%d/%m/%Y", "%B %d, %Y"))
    out = made(transform, dataset(when=["01/02/2024", "31/01/2024", "May 5, 2024", "?"]))
    assert out["when"].to_list() == [datetime(2024, 1, 2), datetime(2024, 1, 31), datetime(2024, 5, 5), None]


def test_a_letter_z_in_a_layout_is_no_distance_from_utc() -> None:
    transform = CastTransform(dtypes={"when": "datetime"}, format="Zeit %H:%M am %d.%m.%Y")
    out = made(transform, dataset(when=["Zeit 10:30 am 01.02.2024"]))
    assert out["when"].to_list() == [datetime(2024, 2, 1, 10, 30)]
    assert out.schema["when"] == pl.Datetime("us")


def test_what_nobody_can_tell_and_what_is_no_date_is_refused() -> None:
    with pytest.raises(DataError, match="nobody can tell whether the day stands first in 'when', such as '01/02/2024'"):
        made(ParseDatesTransform(), dataset(when=["01/02/2024", "03/04/2024"]))
    with pytest.raises(DataError, match="'when' holds texts of which most are no moments"):
        made(ParseDatesTransform(columns=("when",)), dataset(when=["a", "b"]))
    with pytest.raises(DataError, match="'when' holds 'soon', which is no moment"):
        made(ParseDatesTransform(errors="raise"), dataset(when=[*MIXED, "soon"]))


# units


def test_quantities_become_numbers_in_one_unit() -> None:
    texts = ["5 kg", "3 lb", "7,5 KG", " 800 g", "12", "1e1 oz", None]
    out = made(UnitsTransform(columns={"w": "kg"}), dataset(w=texts))
    expected = [5.0, 3 * 0.45359237, 7.5, 0.8, 12.0, 10 * 0.028349523125]
    assert out["w"].to_list()[:6] == pytest.approx(expected)
    assert out["w"].to_list()[6] is None


def test_temperatures_have_a_zero_of_their_own_and_a_usual_unit_need_not_be_seen_before() -> None:
    fitted = UnitsTransform(columns={"t": "degC"}, bare="degF").fit(dataset(t=["20 °C", "50"]))
    out = fitted.transform(pl.LazyFrame({"t": ["20 °C", "50", "300 K"]})).collect()
    assert out["t"].to_list() == pytest.approx([20.0, 10.0, 26.85])


def test_a_unit_of_another_kind_is_an_error_or_is_missing_and_told() -> None:
    train = dataset(w=["5 kg", "3 m", "heavy"])
    with pytest.raises(DataError, match="'w' holds '3 m', 'heavy', which is no quantity that can be told in kg"):
        UnitsTransform(columns={"w": "kg"}).fit(train)
    found: list[Finding] = []
    with findings_in(found):
        out = made(UnitsTransform(columns={"w": "kg"}, errors="null"), train)
    assert out["w"].to_list() == [5.0, None, None]
    assert [(one.subject, one.statistic, one.value) for one in found] == [("w", "unknown_units", 1.0)]
    with pytest.raises(ConfigError, match=r"transform\.units\.columns\.w: 'kilos_of' is no unit that pint knows"):
        UnitsTransform(columns={"w": "kilos_of"}).fit(train)


@pytest.mark.parametrize(
    ("texts", "fields", "expected"),
    [
        (["1,500 kg", "2.5 kg"], {}, [1500.0, 2.5]),
        (["1.500,5 kg", "2,5 kg", "3.000 kg"], {}, [1500.5, 2.5, 3000.0]),
        (["1,500 kg", "2 kg"], {"decimal": "."}, [1500.0, 2.0]),
        (["1,500 kg", "2 kg"], {"decimal": ","}, [1.5, 2.0]),
        (["12 000 kg", "1 g", "2 3 kg"], {"errors": "null"}, [12000.0, 0.001, None]),
        (["1.5 kg", "2,5 kg", "-3 kg"], {}, [1.5, 2.5, -3.0]),
    ],
    ids=str,
)
def test_thousands_are_told_from_fractions(texts: list[str], fields: dict[str, Any], expected: list[Any]) -> None:
    out = made(UnitsTransform(columns={"w": "kg"}, **fields), dataset(w=texts))
    assert out["w"].to_list() == expected


def test_a_number_that_may_mean_a_thousand_or_one_is_refused() -> None:
    with pytest.raises(DataError, match="holds '1,500', which may be meant with thousands or with a fraction"):
        UnitsTransform(columns={"w": "kg"}).fit(dataset(w=["1,500 kg", "2 kg"]))
    fitted = UnitsTransform(columns={"w": "kg"}).fit(dataset(w=["5 kg", "2 kg"]))
    with pytest.raises(DataError, match="'w' holds '1,500 kg', which is no quantity"):
        fitted.transform(pl.LazyFrame({"w": ["1,500 kg"]})).collect()


def test_rows_of_weight_zero_do_not_say_how_things_are_written() -> None:
    roles = Roles(weight="w")
    weights = [1.0, 1.0, 0.0, 0.0]
    dates = Dataset(pl.LazyFrame({"when": ["31/01/2024", "01/02/2024", "01/31/2024", "x"], "w": weights}), roles)
    assert ParseDatesTransform().fit(dates).columns == {"when": ("day_first",)}
    numbers = Dataset(pl.LazyFrame({"n": ["1,5", "2,75", "1,500,000", "x"], "w": weights}), roles)
    assert ParseNumbersTransform().fit(numbers).columns["n"].decimal == ","
    quantities = Dataset(pl.LazyFrame({"n": ["1,5 kg", "2,75 kg", "1,500,000 kg", "3 m"], "w": weights}), roles)
    assert UnitsTransform(columns={"n": "kg"}, errors="null").fit(quantities).columns["n"].numerals.decimal == ","


# split_text


def test_a_text_is_taken_apart_at_a_separator_or_by_a_pattern() -> None:
    train = dataset(place=["Oslo, Norway", "Lima", "Pune, India, Asia", None, ", Peru"])
    out = made(SplitTextTransform(column="place", into=("city", "country"), keep=False), train)
    assert out.columns == ["city", "country"]
    assert out["city"].to_list() == ["Oslo", "Lima", "Pune", None, None]
    assert out["country"].to_list() == ["Norway", None, "India, Asia", None, "Peru"]
    out = made(SplitTextTransform(column="place", into=("first",), pattern=r"^(\w)"), train)
    assert out["first"].to_list() == ["O", "L", "P", None, None]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"into": ("place",)}, r"transform\.split_text\.into: the rows have a column 'place' already"),
        ({"into": ("a", "a")}, r"transform\.split_text\.into: names a column twice"),
        ({"into": ("a", "b"), "pattern": "(x)"}, r"transform\.split_text\.pattern: has 1 groups for 2 columns"),
        ({"into": ("a",), "pattern": "(?=x)(x)"}, r"transform\.split_text\.pattern: .*look-around"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_apart_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SplitTextTransform(column="place", **fields).fit(dataset(place=["x"]))
