"""Reads columns as another type, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from hookline import Dataset, Limit, Roles, Transform
from hookline.errors import DataError, ExportError
from hookline.kinds.formats.words import holds_feature

from ..columns import NullIsWord, choose, present
from ..reading import read_as
from .checks import require_values, some

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedCast:
    """Reads columns as another type."""

    dtypes: Mapping[str, str]
    format: str | None
    strict: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Cast; where `strict`, reading the rows raises DataError naming a value that cannot be read, else it is missing."""
        import polars as pl

        schema = frame.collect_schema()
        read = {n: read_as(pl.col(n), schema[n], self.dtypes[n], self.format) for n in present(frame, self.dtypes)}
        if self.strict:
            frame = require_values(frame, {n: expr.is_not_null() for n, expr in read.items()}, self._refusal)
        return frame.with_columns(**read)

    def _refusal(self, name: str, values: list[Any]) -> DataError:
        return DataError(
            f"transform.cast: '{name}' holds {some(values)}, which cannot be read as {self.dtypes[name]}",
            hint="transform.cast.errors=null makes such values missing",
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX, where that has the words: numbers to numbers, integers and booleans; else raise ExportError."""
        casts = {name: _in_onnx(name, inputs[name], dtype) for name, dtype in self.dtypes.items() if name in inputs}
        return {**inputs, **casts}

    def onnx_limit(self) -> Limit | None:
        """Return where integers end."""
        whole = "integer" in self.dtypes.values()
        return (
            Limit(2.0**63, "transform 'cast' reads integers, which end at 2^63 and are not refused there")
            if whole
            else None
        )


CAST = "transform=[cast] transform.cast.dtypes={{{column}: {type}}}"


class CastTransform(Transform):
    """Read columns as another type."""

    name = "cast"
    mends: ClassVar = {"wrong_type": CAST, "mixed_type": f"{CAST} transform.cast.errors=null"}
    dtypes: Mapping[str, Literal["number", "integer", "string", "boolean", "datetime"]]
    """Column -> type."""
    format: str | None = None
    """How datetimes are written, in strftime's letters; null finds out."""
    errors: Annotated[Literal["raise", "null"], NullIsWord()] = "raise"
    """What becomes of a value that cannot be read: an error, or a missing value."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that ONNX makes no texts and no moments of a column."""
        made = [name for name, dtype in self.dtypes.items() if dtype in ("string", "datetime")]
        return {"onnx": f"{' and '.join(made)} as a text or a moment"} if holds_feature(made, roles) else {}

    def fit(self, train: Dataset) -> FittedCast:
        """Check that the training rows can be read so; raises DataError naming a value that cannot."""
        import polars as pl

        names = choose(train, tuple(self.dtypes), "transform.cast.dtypes")
        fitted = FittedCast({name: self.dtypes[name] for name in names}, self.format, self.errors == "raise")
        if fitted.strict:
            try:
                fitted.transform(train.frame).select(names).collect()
            except pl.exceptions.PolarsError as error:
                raise DataError(f"transform.cast: {str(error).strip().splitlines()[0]}") from None
        return fitted


def _in_onnx(name: str, column: Any, dtype: str) -> Any:
    from ..onnx import cast_number, is_number

    if is_number(column) and dtype == "number":
        return column
    if is_number(column) and dtype in ("integer", "boolean"):
        return cast_number(column, dtype)
    raise ExportError(
        f"transform 'cast' to {dtype} cannot be said in ONNX (column {name})", hint="choose packager=[skops]"
    )
