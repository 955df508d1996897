"""Up to where rows of an API have come, by a field that grows with each of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.streams.marks import MOST_OPEN, TIME, Mark, alike, before, newer, require_apart, require_comparable

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Growing:
    """Rows with a field that grows."""

    watermark: str
    key: str | None
    overlap: float
    whole: bool
    """Whether all rows are read each time, since the server cannot be asked for later ones alone."""
    of: str
    """What a position says that it is of."""

    def mark(self, frame: pl.LazyFrame, known: Mark) -> Mark:
        """Return the position of rows; `known` is one before it, which holds where none has come since."""
        rows, missing, largest = self._figures(frame)
        if missing:
            raise DataError(
                f"{missing:,} rows have no '{self.watermark}', so that it cannot be told when they came",
                hint="name another field in source.watermark",
            )
        if not rows:
            return known
        if isinstance(largest, str):
            self._require_comparable(frame, largest, known.upto)
        settled = before(largest, self.overlap)
        keys = self._open(frame, settled, largest) if self.overlap else ()
        return Mark(largest, settled, self._settled(frame, settled), keys, self.of)

    def require_onwards(self, first: Mark, last: Mark) -> None:
        """Raise DataError for a position before the one that rows were read up to, of which some are gone then."""
        if first.upto is None or not (last.upto is None or _is_before(last.upto, first.upto)):
            return
        raise DataError(
            f"rows that were read before are gone: the largest '{self.watermark}' was {first.upto}, and "
            + ("there is none by now" if last.upto is None else f"is {last.upto} by now"),
            hint="where the server began anew, collect anew under another name",
        )

    def between(self, frame: pl.LazyFrame, first: Mark, last: Mark) -> pl.LazyFrame:
        """Return the rows between two positions; raises DataError where some that were read before are gone, or came too late."""
        import polars as pl

        if last.upto is None:
            return frame.clear()
        dtype = frame.collect_schema()[self.watermark]
        mark = pl.col(self.watermark)
        if first.upto is not None:
            self._require_settled(frame, first)
        self._require_there(frame, last, "are gone that were there when the position was asked for")
        frame = frame.filter(mark <= alike(last.upto, dtype))
        if first.settled is not None:
            frame = frame.filter(mark > alike(first.settled, dtype))
        return newer(frame, self.watermark, self.key if self.overlap else None, first, last)

    def _require_settled(self, frame: pl.LazyFrame, first: Mark) -> None:
        """Raise DataError where rows up to a position are not those that were read, as far as the server tells of them."""
        now = self._settled(frame, first.settled)
        # One that gives only what is larger says nothing of the rows at the position itself.
        silent = not self.whole and now == 0
        if now > first.rows and not silent and (self.whole or not self.overlap):
            raise DataError(
                f"{now - first.rows:,} rows came to '{self.watermark}' at or before {first.settled}, later than "
                f"source.overlap={self.overlap:g} allows",
                hint="collect anew under another name, with an overlap as long as rows may be late",
            )
        if now < first.rows and not silent:
            self._gone(first.rows - now, f"that were read before are gone, or have another '{self.watermark}' by now")
        self._require_there(frame, first, f"that were read before are gone, or have another '{self.watermark}' by now")

    def _require_there(self, frame: pl.LazyFrame, mark: Mark, told: str) -> None:
        if mark.open:
            self._gone(len({*mark.open} - {*self._open(frame, mark.settled, mark.upto)}), told)

    def _gone(self, rows: int, told: str) -> None:
        if rows:
            raise DataError(
                f"{rows:,} rows {told}",
                hint="choose a watermark that is written once a row, and collect anew under another name",
            )

    def _settled(self, frame: pl.LazyFrame, settled: Any) -> int:
        """Return how many rows there are up to a watermark, or at it where no earlier ones are read."""
        import polars as pl

        bound, mark = alike(settled, frame.collect_schema()[self.watermark]), pl.col(self.watermark)
        if not self.whole and self.overlap:
            return 0
        return _sum(frame.select(rows=(mark <= bound if self.whole else mark == bound).sum()))

    def _figures(self, frame: pl.LazyFrame) -> tuple[int, int, Any]:
        import polars as pl

        mark = pl.col(self.watermark)
        told = frame.select(rows=pl.len(), missing=mark.null_count(), largest=mark.max()).collect(engine="streaming")
        rows, missing, largest = told.row(0)
        if largest is not None and (
            isinstance(largest, bool) or not isinstance(largest, (int, float, str, date, datetime))
        ):
            raise DataError(
                f"'{self.watermark}' holds {type(largest).__name__}, by which rows cannot be told when they came",
                hint="name a field of numbers, times or texts in source.watermark",
            )
        return rows, missing, largest

    def _open(self, frame: pl.LazyFrame, settled: Any, upto: Any) -> Collection[Any]:
        """Return the keys of rows in the overlap."""
        import polars as pl

        assert self.key is not None
        dtype, mark = frame.collect_schema()[self.watermark], pl.col(self.watermark)
        found = frame.filter((mark > alike(settled, dtype)) & (mark <= alike(upto, dtype))).select(self.key)
        keys = found.head(MOST_OPEN + 1).collect()[self.key].to_list()
        require_apart(keys, f"source.row_key '{self.key}'", self.overlap)
        return keys

    def _require_comparable(self, frame: pl.LazyFrame, largest: str, known: Any) -> None:
        """Raise DataError where texts do not compare as the times or numbers that they say, so that rows would be lost."""
        import polars as pl

        before_ = pl.LazyFrame({self.watermark: [known] if isinstance(known, str) else []}, {self.watermark: pl.String})
        texts = pl.concat([frame.select(self.watermark), before_])
        if TIME.fullmatch(largest):
            require_comparable(self._forms(texts), self.watermark)
        text = pl.col(self.watermark)
        whole = text.str.extract(r"^(\d+)(?:\.\d+)?$").drop_nulls()
        if _sum(texts.select(whole.str.len_chars().n_unique())) > 1:
            raise DataError(
                f"'{self.watermark}' holds numbers as texts, of which '10' comes before '9', so that rows would be lost",
                hint="name a field of numbers or times in source.watermark",
            )

    def _forms(self, frame: pl.LazyFrame) -> list[str]:
        """Return the forms of texts that say times: what parts day and time, the zone, and how many letters there are."""
        import polars as pl

        text = pl.col(self.watermark)
        zone = text.str.extract(r"^.{16,}?([Zz]|[+-]\d\d(?::?\d\d)?)$").str.to_uppercase().fill_null("")
        form = pl.concat_str(text.str.slice(10, 1), zone, text.str.len_chars().cast(pl.String), separator="|")
        return frame.select(form=form).unique().collect()["form"].to_list()


def _is_before(value: Any, other: Any) -> bool:
    """Tell whether a watermark is smaller than another, where they can be compared."""
    try:
        return bool(value < other)
    except TypeError:
        return False


def _sum(frame: pl.LazyFrame) -> int:
    return int(frame.collect().item())
