"""What a table of the catalog is, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Sort = Literal["key", "number", "word", "text", "integer", "long", "float", "moment"]
"""What a column holds.

key: the row's own name; number: the row's own, counted up by the database; word: at most 255 letters, indexed; text: of any
length; long: an integer of 64 bits; moment: a time, UTC

`begun` counts runs, and sweeps, in the order in which they began, whatever the clocks said. Who holds a row that says
`running` is its `owner`, last `heard` of when its own `beat` stood there; `host` is for people.
"""


@dataclass(frozen=True)
class TableSpec:
    """A table: its name in the database, and its columns."""

    name: str
    columns: Mapping[str, Sort]
    unique: tuple[str, ...] = ()
    """Columns whose values together no two rows share."""
    indexed: tuple[str, ...] = ()
    """Columns with an index beside the words: what the newest rows are found by."""
