"""Events spooled to a file as rows of one schema; those that fit no row are set aside on the way."""

from __future__ import annotations

import json
import pickle
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import closest

from .brokers.broker import Event
from .letters import Letter
from .shapes import NoRow, Shape, kind_of, type_of

if TYPE_CHECKING:
    import polars as pl

MOST_TOLD = 20
"""Fields that a message names."""
WRITTEN = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
SetAside = Callable[[Letter], None]


@dataclass
class Spool:
    """Rows on their way from a broker to a frame, in a file of a folder."""

    folder: Path
    shape: Shape
    set_aside: SetAside
    """Is given each event that is no row; raises, or lets the others go on."""
    rows: int = 0
    came: set[str] = field(default_factory=set)
    """The fields that events have."""
    _kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Column -> how many values of each kind, of columns whose type nobody said."""
    _floats: set[str] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """The file, one row a line."""
        return self.folder / "rows.ndjson"

    @property
    def _raw(self) -> Path:
        """The same events as they came, where one may yet turn out to be no row."""
        return self.folder / "events"

    @property
    def _guesses(self) -> bool:
        return not self.shape.columns or not {*self.shape.columns} <= {*self.shape.dtypes}

    def fill(self, events: Iterable[Event]) -> None:
        """Write events as rows."""
        with self.path.open("wb") as file, self._raw.open("wb") as raw:
            for event in events:
                try:
                    row = self.shape.row(event, self.came)
                except NoRow as error:
                    self.set_aside(Letter(event, str(error)))
                    continue
                self._count(row)
                file.write(self._line(event, row))
                if self._guesses:
                    pickle.dump(event, raw)
                self.rows += 1
        if any(len(kinds) > 1 for kinds in self._known().values()):
            self._leave_out_others()
        self._raw.unlink()

    def lacking(self) -> str | None:
        """Say which columns were named that no event has, and which fields they do have; None where there are none such."""
        lacking = [name for name in self.shape.named if name not in self.came] if self.rows else []
        if not lacking:
            return None
        others = sorted(self.came - {*self.shape.named})
        near = {name: closest(name, others) for name in lacking[:MOST_TOLD]}
        told = ", ".join(f"'{name}'" + (f" (did you mean '{other}'?)" if other else "") for name, other in near.items())
        more = f" and {len(lacking) - MOST_TOLD} more" if len(lacking) > MOST_TOLD else ""
        held = ", ".join(sorted(self.came)[:MOST_TOLD]) or "none"
        return f"none of {self.rows:,} events has the field {told}{more}; they have {held}"

    def frame(self) -> pl.LazyFrame:
        """Return the rows, lazily."""
        import polars as pl

        schema = self.schema()
        if not self.rows:
            return pl.LazyFrame(schema=schema)
        # Moments are counted in the file, so that their texts need not be read a second time.
        held = {name: pl.Int64() if dtype.is_temporal() else dtype for name, dtype in schema.items()}
        columns = [
            (pl.col(name).cast(pl.Int32) if dtype == pl.Date else pl.col(name)).cast(dtype)
            for name, dtype in schema.items()
        ]
        return pl.scan_ndjson(self.path, schema=held).select(columns)

    def schema(self) -> Mapping[str, pl.DataType]:
        """Return the columns: as they are named; or those whose types are said, and others as they came. Id and time are last."""
        import polars as pl

        names = self.shape.columns or tuple(dict.fromkeys([*self.shape.dtypes, *self._kinds]))
        own = zip(self.shape.own, (pl.String(), pl.Datetime("us", "UTC")), strict=True)
        return {name: self._type(name) for name in names} | {name: dtype for name, dtype in own if name is not None}

    def _type(self, name: str) -> pl.DataType:
        import polars as pl

        if (said := self.shape.dtypes.get(name)) is not None:
            return type_of(said)
        kind = self._most(name)
        if kind == "number":
            return pl.Float64() if name in self._floats else pl.Int64()
        return pl.Boolean() if kind == "boolean" else pl.String()

    def _line(self, event: Event, row: Mapping[str, Any]) -> bytes:
        own = {
            name: said for name, said in zip(self.shape.own, (event.id, event.time), strict=True) if name is not None
        }
        return f"{WRITTEN.encode({**row, **own})}\n".encode()

    def _count(self, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            self._kinds[name][kind_of(value)] += 1
            if isinstance(value, float):
                self._floats.add(name)

    def _known(self) -> dict[str, Counter[str]]:
        """Return the kinds of values in columns whose type nobody said, but for missing ones."""
        kinds = {name: kinds for name, kinds in self._kinds.items() if name not in self.shape.dtypes}
        return {name: Counter({kind: n for kind, n in one.items() if kind and n}) for name, one in kinds.items()}

    def _most(self, name: str) -> str:
        """Return the kind of most values of a column; of as many, the one that came first."""
        found = self._known().get(name)
        return found.most_common(1)[0][0] if found else ""

    def _leave_out_others(self) -> None:
        """Set aside events whose values are of another kind than those of most in the same column."""
        wanted = {name: self._most(name) for name in self._known()}
        whole = self.path.rename(self.folder / "all.ndjson")
        self._floats.clear()
        self.rows = 0
        with self.path.open("wb") as file, whole.open("rb") as lines, self._raw.open("rb") as raw:
            for line in lines:
                event, row = pickle.load(raw), json.loads(line)
                other = next((name for name, kind in wanted.items() if kind_of(row.get(name)) not in ("", kind)), None)
                if other is not None:
                    reason = f"field '{other}' is a {kind_of(row[other])}, and of most events a {wanted[other]}"
                    self.set_aside(Letter(event, reason))
                    continue
                self._floats |= {name for name, value in row.items() if isinstance(value, float)}
                file.write(line)
                self.rows += 1
        whole.unlink()
