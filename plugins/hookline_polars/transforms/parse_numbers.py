"""Reads numbers that are written as texts, as the training rows write them, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hookline import Dataset, Roles, Transform
from hookline.data.numerals import MOSTLY, Decimal, Found, Numerals, Thousands, find, read
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.formats.words import holds_feature

from ..columns import Columns, choose, present
from ..stats import value_counts
from .checks import some

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedParseNumbers:
    """Reads texts as numbers."""

    columns: Mapping[str, Numerals]
    """Column -> how its numbers are written."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Read, as float64; what is no number is missing. Columns that hold numbers already stay as they are."""
        import polars as pl

        schema = frame.collect_schema()
        texts = [name for name in present(frame, self.columns) if not schema[name].is_numeric()]
        return frame.with_columns(read(pl.col(name).cast(pl.String), self.columns[name]).alias(name) for name in texts)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import is_number
        from ..onnx_numbers import parsed

        texts = [name for name in self.columns if name in inputs and not is_number(inputs[name])]
        return {**inputs, **{name: parsed(inputs[name], self.columns[name]) for name in texts}}


class ParseNumbersTransform(Transform):
    """Read numbers that are written as texts: decimal commas, thousands in groups, signs of money, percent, blanks among them."""

    name = "parse_numbers"
    # Patterns and texts that are parted came with it.
    onnx_opset: ClassVar[int] = 20
    mends: ClassVar = {
        "disguised_numbers": "transform=[parse_numbers]",
        "mixed_numbers": "transform=[parse_numbers]",
        "asked_numbers": (
            "transform=[parse_numbers] transform.parse_numbers.decimal=.",
            'transform=[parse_numbers] transform.parse_numbers.decimal=","',
        ),
    }
    columns: tuple[str, ...] | Columns = ()
    """Columns to read; by default every text, among them the target, of which four fifths are numbers."""
    decimal: Decimal | None = None
    """What stands before fractions; null finds out."""
    thousands: Thousands | None = None
    """What stands between thousands; null finds out."""

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that PyTorch has no patterns of texts, where columns are named; else none may be found."""
        named = self.columns if isinstance(self.columns, tuple) else ()
        return {"torch": "patterns of texts"} if holds_feature(named, roles) else {}

    def fit(self, train: Dataset) -> FittedParseNumbers:
        """Find out how the training rows write numbers.

        Raises DataError where nobody can tell what a sign in them means, ConfigError for a column that was named and holds
        other things.
        """
        import polars as pl

        names = choose(train, self.columns, "transform.parse_numbers.columns", ("string",))
        chosen = self.columns not in ((), Columns())
        target, schema = train.roles.target, train.frame.collect_schema()
        if not chosen and target and schema[target] == pl.String and target not in names:
            names.append(target)
        heavy = train.weighing().frame
        counts = pl.collect_all([value_counts(heavy, name).drop_nulls() for name in names])
        found = {name: self._find(of_name) for name, of_name in zip(names, counts, strict=True)}
        if chosen:
            _require_all(found)
        held = {name: one for name, one in found.items() if one is not None and (chosen or _is_disguised(one))}
        for name, one in held.items():
            _require_told(name, one)
        return FittedParseNumbers({name: one.numerals for name, one in held.items()})

    def _find(self, counts: pl.DataFrame) -> Found | None:
        return find(counts.rename({"value": "text"}), self.decimal, self.thousands)


def _is_disguised(found: Found) -> bool:
    """Tell whether most texts are numbers that no reader takes for some; codes such as 007 are none."""
    return found.share >= MOSTLY and not found.coded and bool(found.disguised or found.blank or found.others)


def _require_all(found: Mapping[str, Found | None]) -> None:
    problems = [
        Problem(f"transform.parse_numbers.columns: '{name}'", "most of its texts are no numbers")
        for name, one in found.items()
        if one is None
    ]
    if problems:
        raise ConfigError("bad config for transform 'parse_numbers'", problems)


def _require_told(name: str, found: Found) -> None:
    if found.asked:
        raise DataError(
            f"transform.parse_numbers: '{name}' holds {some([found.example])}, which may be meant with thousands or with a "
            "fraction",
            hint="transform.parse_numbers.decimal=. where it is more than a thousand, and transform.parse_numbers.decimal=, "
            "where it is not",
        )
