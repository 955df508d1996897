"""How a function of whole rows is put into a lazy frame."""

from __future__ import annotations

from typing import TypedDict


class Pushdowns(TypedDict):
    """What polars may ask of fewer rows or columns than the function takes."""

    predicate_pushdown: bool
    projection_pushdown: bool
    slice_pushdown: bool


WHOLE: Pushdowns = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
"""Nothing: the function sees all columns of all rows."""
