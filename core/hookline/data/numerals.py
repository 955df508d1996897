"""Numbers as people write them: decimal commas, thousands in groups, money, percent, and how a column of them is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import polars as pl

Decimal: TypeAlias = Literal[".", ","]
"""What stands before fractions."""
Thousands: TypeAlias = Literal["", ",", ".", " ", "'"]
"""What stands between groups of digits; a space is any space, and an apostrophe any."""
PERCENT, PER_MILLE = "%", "‰"
UNITS = r"\p{Sc}|%|‰|(?:EUR|USD|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|Rs\.?|Fr\.?|kr\.?|zł|Kč)"
"""Signs and codes of money, and shares of a hundred or a thousand: at either end of a number."""
SHAPE = rf"^(?:\(|[-+])? ?(?:{UNITS})? ?[-+]? ?([\d.,'][\d.,' ]*?) ?(?:{UNITS})?\)?$"
"""A number with what people put around it; the group is what is left between."""
PLAIN = r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"
"""A number as computers write it."""
NEGATIVE = r"^[^\d]*[-(]"
GROUPED = r"[1-9]\d{{0,2}}(?:{0}\d{{2,3}}){{0,5}}{0}\d{{3}}"
"""Up to seven groups of three digits, or as in India of two and at the end three; a number does not begin with zeros."""
CODED = r"^[-+]?0\d"
"""A needless zero at the front, as codes have."""
MOSTLY = 0.8
"""Where this share of a column's texts are numbers, the others are the odd ones."""
OTHERS = 5
"""Texts that are none, at most, that are told."""
LOOKED_AT = 100
"""Texts that are looked at first: where few of them hold a digit, a column holds no numbers."""


@dataclass(frozen=True)
class Numerals:
    """How a column writes its numbers."""

    decimal: Decimal = "."
    thousands: Thousands = ""
    unit: str = ""
    """The sign of money or share that its numbers bear."""


@dataclass(frozen=True)
class Found:
    """What the texts of a column say of the numbers they hold; counts are of rows."""

    numerals: Numerals
    """As they are written; where `asked` is set, one of the two ways in which they may be meant."""
    numbers: int
    of: int
    """Rows whose text is not blank."""
    disguised: int
    """Of the numbers, those that are none as they stand: `12,5`, `$3`, `4 %`, `1 000`."""
    coded: int
    """Of the numbers, those that begin with a needless zero, as codes do."""
    example: str
    """The most frequent disguised number, else the most frequent number."""
    others: tuple[str, ...]
    """The most frequent texts that are neither numbers nor blank."""
    asked: bool = False
    """Whether nobody can tell what every comma and point means, as with 1,234 alone."""
    blank: int = 0
    """Rows whose text is blank."""

    @property
    def share(self) -> float:
        """The share of numbers among the texts that are not blank."""
        return self.numbers / max(1, self.of)


def find(counts: pl.DataFrame, decimal: Decimal | None = None, thousands: Thousands | None = None) -> Found | None:
    """Return how texts write numbers; None unless most of them are numbers, or where some are codes such as 007.

    counts: `text`, different ones, and the `rows` of each; decimal, thousands: what somebody has said of them
    """
    import polars as pl

    if counts.is_empty() or not _some_digits(counts["text"].head(LOOKED_AT)):
        return None
    table = counts.with_columns(_tidy(pl.col("text")).alias("tidy")).with_columns(
        blank=pl.col("tidy") == "",
        plain=pl.col("text").str.strip_chars().str.contains(PLAIN),
        body=_body(pl.col("tidy")),
    )
    table = table.with_columns(unit=_unit(pl.col("tidy")).fill_null(""), coded=pl.col("body").str.contains(CODED))
    unit = _common_unit(table)
    fitting = _bears(pl.col("unit"), unit)
    table = table.with_columns(
        **{
            name: (fitting & pl.col("body").str.contains(_pattern(mark, groups))).fill_null(value=False)
            | (pl.col("plain") & fitting & pl.lit(mark == "."))
            for name, mark, groups in (("point", ".", ",' "), ("comma", ",", ".' "))
        }
    )
    return _told(table, unit, decimal, thousands)


def read(text: pl.Expr, how: Numerals) -> pl.Expr:
    """Return texts as float64; what is no number as a column writes them is missing, a blank text too.

    What JSON writes for a number, as 12.5, is one also among decimal commas, unless it could be meant in thousands.
    """
    import polars as pl

    tidy = _tidy(text)
    body = _body(tidy)
    digits = body.str.replace_all(how.thousands, "", literal=True) if how.thousands else body
    digits = digits.str.replace(",", ".", literal=True) if how.decimal == "," else digits
    fits = body.str.contains(_pattern(how.decimal, how.thousands)) & _bears(_unit(tidy).fill_null(""), how.unit)
    number = pl.when(fits).then(digits).otherwise(None).cast(pl.Float64, strict=False)
    number = pl.when(tidy.str.contains(NEGATIVE)).then(-number).otherwise(number)
    if how.unit in (PERCENT, PER_MILLE):
        return number
    plain = tidy.str.contains(PLAIN)
    if how.decimal == ",":
        plain = plain & ~tidy.str.contains(f"^[-+]?{GROUPED.format('[.]')}$")
    return pl.coalesce(number, pl.when(plain).then(tidy).otherwise(None).cast(pl.Float64, strict=False))


def said_decimal(decimal: Decimal | None, thousands: Thousands | None) -> Decimal | None:
    """Return what stands before fractions where somebody has said it, or what stands between thousands."""
    if decimal is None and thousands in (",", "."):
        return "," if thousands == "." else "."
    return decimal


def _told(table: pl.DataFrame, unit: str, decimal: Decimal | None, thousands: Thousands | None) -> Found | None:
    import polars as pl

    rows = table.select(
        pl.col("rows").filter(pl.col("point")).sum().alias("."),
        pl.col("rows").filter(pl.col("comma")).sum().alias(","),
        of=pl.col("rows").filter(~pl.col("blank")).sum(),
        blank=pl.col("rows").filter(pl.col("blank")).sum(),
    ).row(0, named=True)
    said = said_decimal(decimal, thousands)
    mark: Decimal = said or ("," if rows[","] > rows["."] else ".")
    number = pl.col("comma" if mark == "," else "point")
    between = _thousands(table.filter(number), mark) if thousands is None else thousands
    as_written = pl.col("body").str.contains(_pattern(mark, between)).fill_null(value=False)
    table = table.with_columns(number=number & (as_written | (pl.col("plain") & pl.lit(mark == "."))))
    held = table.filter(pl.col("number")).sort(["rows", "text"], descending=[True, False])
    if 2 * held["rows"].sum() <= rows["of"]:
        return None
    disguised = held.filter(~pl.col("plain"))
    marked = held.filter(pl.col("body").str.contains("[.,]"))
    both = marked.filter(pl.col("point") & pl.col("comma"))
    asked = said is None and 0 < marked.height == both.height and not disguised.is_empty()
    others = table.filter(~pl.col("number") & ~pl.col("blank")).sort(["rows", "text"], descending=[True, False])
    return Found(
        Numerals(mark, between, unit),
        int(held["rows"].sum()),
        rows["of"],
        int(disguised["rows"].sum()),
        int(held.filter(pl.col("coded"))["rows"].sum()),
        (disguised if disguised.height else held)["text"][0],
        tuple(others["text"].head(OTHERS).to_list()),
        asked,
        rows["blank"],
    )


def _thousands(held: pl.DataFrame, mark: Decimal) -> Thousands:
    """Return what stands between the groups of most numbers; of numbers without groups nothing."""
    import polars as pl

    candidates: tuple[Thousands, ...] = (",", " ", "'") if mark == "." else (".", " ", "'")
    rows = {
        sign: int(held.filter(pl.col("body").str.contains(sign, literal=True))["rows"].sum()) for sign in candidates
    }
    most = max(candidates, key=lambda sign: rows[sign])
    return most if rows[most] else ""


def _common_unit(table: pl.DataFrame) -> str:
    """Return the unit of most numbers; of those that bear none the sign of money that some bear."""
    import polars as pl

    held = table.filter(pl.col("body").is_not_null()).group_by("unit").agg(pl.col("rows").sum())
    rows = dict(held.sort(["rows", "unit"], descending=[True, False]).rows())
    money = [unit for unit in rows if unit not in ("", PERCENT, PER_MILLE)]
    most = next(iter(rows), "")
    return money[0] if not most and money else most


def _bears(found: pl.Expr, unit: str) -> pl.Expr:
    """Tell which texts bear a column's unit; an amount of money may lack it, and a share may not."""
    return (found == unit) | ((found == "") & (unit not in (PERCENT, PER_MILLE)))


def _pattern(mark: str, groups: str) -> str:
    """Return what fits a number's body; groups: the signs that may stand between thousands."""
    between = f"[{re.escape(groups)}]"
    whole = rf"(?:\d+|{GROUPED.format(between)})" if groups else r"\d+"
    point = re.escape(mark)
    return rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)$"


def _tidy(text: pl.Expr) -> pl.Expr:
    """Return texts with one kind of space, apostrophe and minus, and none of the former at the ends."""
    spaces = text.str.strip_chars().str.replace_all(r"\s", " ")
    return spaces.str.replace_all("[’ʼ`´]", "'").str.replace_all("−", "-", literal=True)


def _body(tidy: pl.Expr) -> pl.Expr:
    return tidy.str.extract(SHAPE, 1)


def _unit(tidy: pl.Expr) -> pl.Expr:
    return tidy.str.extract(f"({UNITS})", 1).str.strip_chars_end(".")


def _some_digits(texts: pl.Series) -> bool:
    return bool(2 * texts.str.contains(r"\d").sum() > (texts.str.strip_chars() != "").sum())
