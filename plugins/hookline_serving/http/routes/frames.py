"""Bodies that hold a table, as polars reads them: Arrow's stream format, Parquet and CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hookline import Schema

from ..clients.bounds import MIB
from ..many import ROWS_AT_ONCE
from ..reading.cutting import Body, check_count
from ..reading.faults import BadRequest, TooLarge
from ..reading.pages import size_of
from ..reading.unpacked import unpacked_bytes, values_in

if TYPE_CHECKING:
    import polars as pl

MOST_HELD = 32 * MIB
"""Bytes of a table: a body of a kind that is packed may be of a few, and hold whatever it likes."""
POINTER, TEXT = 8, 16
"""Bytes of a value once rows are made of it, and of a text in a table, at least."""
VALUES_AT_ONCE = 200_000
"""Values that rows are made of at a time, since those of a wide table take much."""
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
"""As pandas and others write them."""


def arrow_weight(body: Body) -> int:
    """Return how many bytes the table of an Arrow IPC stream takes once it is unpacked; raises BadRequest."""
    return max(unpacked_bytes(body), POINTER * values_in(body))


def parquet_weight(body: Body) -> int:
    """Return the same of a Parquet file."""
    return size_of(body).bytes


def csv_weight(body: Body, most_rows: int) -> int:
    """Return the same of a CSV file; a line that is shorter than the header is as long as it once it is read."""
    return TEXT * _width(body) * min(body.count(b"\n") + 1, most_rows)


def arrow_frame(body: Body, most_rows: int) -> pl.DataFrame:
    """Return the table of an Arrow IPC stream; raises BadRequest, or TooLarge for more than is taken."""
    import polars as pl

    check_held(arrow_weight(body))
    return _checked(lambda: pl.read_ipc_stream(BytesIO(body), n_rows=most_rows + 1), "an Arrow IPC stream", most_rows)


def parquet_frame(body: Body, most_rows: int) -> pl.DataFrame:
    """Return the table of a Parquet file; raises as above."""
    import polars as pl

    check_count(size_of(body).rows, most_rows)
    check_held(parquet_weight(body))
    return _checked(lambda: pl.read_parquet(BytesIO(body), n_rows=most_rows + 1), "a Parquet file", most_rows)


def csv_rows(body: Body, most_rows: int, schema: Schema) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Yield the rows of a CSV file with a header as `rows_in` does, its texts read as the schema's kinds; raises as above.

    A text that is no number, or neither true nor false, stays one, so that what reads the rows says where it stands.
    """
    import polars as pl

    def read() -> pl.DataFrame:
        return pl.read_csv(BytesIO(body), infer_schema=False, n_rows=most_rows + 1, glob=False)

    check_held(csv_weight(body, most_rows))
    frame = _checked(read, "a CSV file with a header", most_rows)
    missing = [text for text in schema.texts.missing if text]
    frame = frame.with_columns(pl.when(~pl.all().is_in(missing)).then(pl.all())) if missing else frame
    kinds = {column.name: column.kind for column in schema.columns if column.name in frame.columns}
    numbers = {name: frame[name].cast(pl.Float64, strict=False) for name, kind in kinds.items() if kind == "number"}
    whole = [value for name, value in numbers.items() if value.null_count() == frame[name].null_count()]
    singly: dict[str, Callable[[str | None], Any]] = dict.fromkeys(
        numbers.keys() - {value.name for value in whole}, _number
    )
    singly |= {name: _truth for name, kind in kinds.items() if kind == "boolean"}
    for before, rows in rows_in(frame.with_columns(*whole)):
        yield before, [{**row, **{name: as_kind(row[name]) for name, as_kind in singly.items()}} for row in rows]


def _width(body: Body) -> int:
    """Return how many columns the header of a CSV file has; raises BadRequest where it is none."""
    lines = (line.decode("utf-8", "replace") for line in BytesIO(body))
    try:
        return len(next((names for names in csv.reader(lines) if names), []))
    except csv.Error as error:
        raise BadRequest(f"the body is not a CSV file with a header: {error}") from None


def _number(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _truth(text: str | None) -> bool | str | None:
    return True if text in TRUE else False if text in FALSE else text


def rows_in(frame: pl.DataFrame) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Yield a table's rows as JSON would have them, some at a time, with how many come before them."""
    import polars as pl
    import polars.selectors as cs

    plain = frame.lazy().with_columns(
        cs.float().fill_nan(None),
        cs.decimal().cast(pl.Float64),
        cs.categorical().cast(pl.String),
        cs.enum().cast(pl.String),
        cs.date().dt.to_string("iso"),
        cs.datetime().dt.to_string("iso:strict"),
    )
    held = plain.collect()
    if any(_has_categories(dtype) for dtype in held.dtypes):
        raise BadRequest("a column holds lists or records of categories; send them as texts")
    # By now a text that stands in a table once counts as often as rows have it.
    check_held(held.estimated_size())
    at_once = max(1, min(ROWS_AT_ONCE, VALUES_AT_ONCE // max(1, held.width)))
    for start in range(0, held.height, at_once):
        rows: list[Mapping[str, Any]] = held.slice(start, at_once).to_dicts()  # type: ignore[assignment]
        yield start, rows


def check_held(size: float) -> None:
    """Raise TooLarge for a table that takes more memory than is given to one."""
    if size > MOST_HELD:
        raise TooLarge(
            f"the table takes more than {MOST_HELD // MIB} MiB once it is unpacked; send fewer rows at a time"
        )


def _has_categories(dtype: Any) -> bool:
    import polars as pl

    inside = (
        [field.dtype for field in dtype.fields] if isinstance(dtype, pl.Struct) else [getattr(dtype, "inner", None)]
    )
    return any(isinstance(one, (pl.Categorical, pl.Enum)) or _has_categories(one) for one in inside if one is not None)


def _checked(read: Callable[[], pl.DataFrame], what: str, most_rows: int) -> pl.DataFrame:
    import polars as pl

    try:
        frame = read()
    except pl.exceptions.PanicException:
        raise BadRequest(f"the body is not {what}") from None
    except Exception as error:  # noqa: BLE001  polars raises many kinds of errors for a body that is broken
        raise BadRequest(f"the body is not {what}: {str(error)[:200]}") from None
    if not frame.height:
        raise BadRequest("there are no rows to predict")
    check_count(frame.height, most_rows)
    return frame
