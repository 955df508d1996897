"""What every definition asks of the columns that it is computed from, and of those that it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hookline import Dataset, Derived
from hookline.data.columns import kind_of
from hookline.data.frames import require_columns, require_new
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.artifacts import ROW_ID, ColumnKind

if TYPE_CHECKING:
    import polars as pl


def require(component: str, train: Dataset, added: Mapping[str, Derived], kinds: Sequence[ColumnKind] = ()) -> None:
    """Hold the columns that are added, and those that they are computed from, against the training rows.

    kinds: what the latter must be; any where empty
    Raises DataError where one is not there or is the target; ConfigError for other kinds, and for one to add that is there.
    """
    schema = train.frame.collect_schema()
    where = f"transform.{component}.columns"
    names = list(dict.fromkeys(name for derived in added.values() for name in derived.inputs))
    require_columns(names, [name for name in schema.names() if name != ROW_ID], where)
    if train.roles.target in names:
        raise DataError(
            f"{where}: '{train.roles.target}' is what is to be predicted, which no row has when it is asked",
            hint="compute features from other columns",
        )
    require_new(added, schema.names(), where)
    wrong = [name for name in names if kinds and kind_of(name, schema[name]) not in kinds]
    if wrong:
        told = f"holds no {' and no '.join(kinds)}"
        raise ConfigError(
            f"bad config for transform '{component}'", [Problem(f"{where}: '{name}'", told) for name in wrong]
        )


def numbers(name: str) -> pl.Expr:
    """Return a column as float64 with null, and no NaN, for what is missing."""
    import polars as pl

    return pl.col(name).cast(pl.Float64).fill_nan(None)
