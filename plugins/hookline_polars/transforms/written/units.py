"""Reads quantities that are written with their unit, as numbers in one unit, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Len

from hookline import Dataset, Finding, Roles, Transform, report_finding
from hookline.data.numerals import Decimal, Numerals, Thousands, find, read, said_decimal
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.formats.words import ONNX

from ...columns import NullIsWord, choose, present
from ...stats import value_counts
from ..checks import require_values, some

if TYPE_CHECKING:
    import polars as pl

QUANTITY = r"^\s*([-+]?(?:\d+(?:[.,'’\s]\d+)*[.,]?|[.,]\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s].*?)?\s*$"
"""A number, with what people put between its digits, and the unit behind it."""
EITHER = r"^[-+]?[1-9]\d{0,2}[.,]\d{3}$"
"""A number that may be meant with thousands or with a fraction."""
_USUAL = """
mg g kg t lb oz st ton mm cm dm m km inch in ft yd mi ml cl dl l gal pint qt fl_oz m^2 ft^2 acre hectare m^3 ms s sec min h hr
d day week month year degC degF kelvin K °C °F Pa kPa bar psi J kJ cal kcal kWh W kW hp V A Hz kHz MHz GHz B KB MB GB TB m/s
km/h kph mph knot deg rad percent
"""
USUAL = tuple(_USUAL.split())
"""Units that are known beside those that training rows write."""
FULL_WORDS: Mapping[str, str] = {"°C": "degC", "°F": "degF", "KB": "kB", "hr": "hour", "sec": "second", "in": "inch"}


@dataclass(frozen=True)
class UnitTable:
    """How a column's units become the one: number * factor + constant."""

    into: str
    units: tuple[str, ...]
    """As they are written."""
    factors: tuple[float, ...]
    constants: tuple[float, ...]
    bare: str
    """The unit of numbers without one; empty: they are taken to be in `into`."""
    numerals: Numerals
    """How numbers are written; one with another sign before its fraction is read all the same, where it can mean nothing else."""


@dataclass(frozen=True)
class FittedUnits:
    """Reads quantities as numbers in one unit."""

    columns: Mapping[str, UnitTable]
    strict: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Read, as float64; what is no quantity, or in a unit of another kind, is missing, or an error. Numbers stay."""
        import polars as pl

        schema = frame.collect_schema()
        names = [name for name in present(frame, self.columns) if not schema[name].is_numeric()]
        read = {name: _read(pl.col(name).cast(pl.String), self.columns[name]) for name in names}
        if self.strict:
            frame = require_values(frame, {name: expr.is_not_null() for name, expr in read.items()}, self._refusal)
        return frame.with_columns(**read)

    def _refusal(self, name: str, values: list[Any]) -> DataError:
        return DataError(
            f"transform.units: '{name}' holds {some(values)}, which is no quantity that can be told in {self.columns[name].into}",
            hint="transform.units.errors=null makes such values missing",
        )


class UnitsTransform(Transform):
    """Read quantities such as `5 kg` and `3 lb` as numbers in one unit: `transform.units.columns={weight: kg}`."""

    name = "units"
    extra = "units"
    columns: Annotated[Mapping[str, str], Len(1)]
    """Column of texts -> the unit that its numbers are told in, as `pint` writes units: kg, m, degC, km/h."""
    bare: str | None = None
    """The unit of numbers that stand without one; null: the one that they are told in."""
    decimal: Decimal | None = None
    """What stands before fractions; null finds out."""
    thousands: Thousands | None = None
    """What stands between thousands; null finds out."""
    errors: Annotated[Literal["raise", "null"], NullIsWord()] = "raise"
    """What becomes of a text that is no such quantity: an error, or a missing value."""

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("pint",)

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it reads texts."""
        return {ONNX: "quantities read from texts (parse_numbers reads those of one unit)"}

    def fit(self, train: Dataset) -> FittedUnits:
        """Look up the units of the training rows, and the usual ones of their kind.

        Raises ConfigError for a unit that nobody knows or a column that holds no text, DataError for a text that is no quantity,
        and for numbers of which nobody can tell what their commas or points mean.
        """
        choose(train, tuple(self.columns), "transform.units.columns", ("string",))
        heavy = train.weighing()
        tables = {name: self._table(name, unit, heavy) for name, unit in self.columns.items()}
        fitted = FittedUnits(tables, self.errors == "raise")
        if fitted.strict:
            fitted.transform(train.frame).select(list(tables)).collect()
        return fitted

    def _table(self, name: str, unit: str, train: Dataset) -> UnitTable:
        registry, written = _registry(), _written(train, name)
        where = f"transform.units.columns.{name}"
        wanted = _unit(registry, unit)
        if wanted is None:
            problem = Problem(where, f"'{unit}' is no unit that pint knows")
            raise ConfigError("bad config for transform 'units'", [problem])
        if self.bare is not None and _line(registry, self.bare, wanted) is None:
            problem = Problem("transform.units.bare", f"'{self.bare}' cannot be told in {unit}")
            raise ConfigError("bad config for transform 'units'", [problem])
        lines = {
            one: _line(registry, one, wanted) for one in dict.fromkeys([*written, *USUAL, unit, self.bare or unit])
        }
        known = {one: line for one, line in sorted(lines.items()) if line is not None}
        factors, constants = zip(*known.values(), strict=True)
        _tell(name, unit, [one for one in written if one not in known])
        return UnitTable(unit, tuple(known), factors, constants, self.bare or "", self._numerals(train, name))

    def _numerals(self, train: Dataset, name: str) -> Numerals:
        """Return how a column writes its numbers; raises DataError where nobody can tell."""
        import polars as pl

        numbers = pl.col(name).cast(pl.String).str.extract(QUANTITY, 1).str.strip_chars().alias("number")
        counts = value_counts(train.frame.select(numbers).drop_nulls(), "number").collect().sort("value")
        found = find(counts.rename({"value": "text"}), self.decimal, self.thousands)
        if found is not None and found.asked:
            raise DataError(
                f"transform.units: '{name}' holds {some([found.example])}, which may be meant with thousands or with a fraction",
                hint="transform.units.decimal=. where it is more than a thousand, and transform.units.decimal=, where it is not",
            )
        if found is not None:
            return found.numerals
        decimal = said_decimal(self.decimal, self.thousands) or "."
        return Numerals(decimal, self.thousands or "")


@cache
def _registry() -> Any:
    """Return the units that pint knows; reading its definitions takes a second."""
    import pint

    return pint.UnitRegistry(cache_folder=None)


def _read(text: pl.Expr, table: UnitTable) -> pl.Expr:
    """Return texts as numbers in the unit of a table."""
    import polars as pl

    written = text.str.extract(QUANTITY, 1).str.strip_chars()
    plain = pl.when(~written.str.contains(EITHER)).then(written.str.replace(",", ".", literal=True))
    number = pl.coalesce(read(written, table.numerals), plain.cast(pl.Float64, strict=False))
    unit = text.str.extract(QUANTITY, 2).fill_null(table.bare or table.into)
    factor = unit.replace_strict(list(table.units), list(table.factors), default=None, return_dtype=pl.Float64)
    constant = unit.replace_strict(list(table.units), list(table.constants), default=None, return_dtype=pl.Float64)
    return number * factor + constant


def _written(train: Dataset, name: str) -> list[str]:
    """Return the units that a column's texts write, as they do."""
    import polars as pl

    unit = pl.col(name).cast(pl.String).str.extract(QUANTITY, 2).alias("unit")
    found: list[str] = train.frame.select(unit).collect()["unit"].drop_nulls().unique().sort().to_list()
    return found


def _unit(registry: Any, text: str) -> Any:
    """Return a unit as it is written, or in other case, or None where there is none of that name."""
    said = FULL_WORDS.get(text, text.rstrip("."))
    tries: Iterable[str] = dict.fromkeys([said, FULL_WORDS.get(said, said), said.lower(), said.lower().rstrip("s")])
    for one in tries:
        try:
            return registry.Unit(one)
        except Exception:  # noqa: BLE001, S112  pint raises anything for texts that are no units
            continue
    return None


def _line(registry: Any, text: str, wanted: Any) -> tuple[float, float] | None:
    """Return factor and constant that a unit's numbers become the wanted one's by; None where they cannot."""
    unit = _unit(registry, text)
    if unit is None or unit.dimensionality != wanted.dimensionality:
        return None
    zero, one = (registry.Quantity(number, unit).to(wanted).magnitude for number in (0.0, 1.0))
    return float(one - zero), float(zero)


def _tell(name: str, unit: str, unknown: list[str]) -> None:
    if unknown:
        report_finding(
            Finding(
                subject=name,
                statistic="unknown_units",
                value=float(len(unknown)),
                threshold=0.0,
                severity="warning",
                message=f"'{name}' writes units that cannot be told in {unit}, and are missing: {some(unknown)}",
            )
        )
