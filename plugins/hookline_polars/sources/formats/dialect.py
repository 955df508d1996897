"""What stands between the values of a CSV file and around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """A separator, and the quote that a value with a separator or line break stands in; None where there is none."""

    separator: str
    quote: str | None = '"'

    @property
    def is_plain(self) -> bool:
        """Whether separator and quote are one byte each."""
        return len(self.separator.encode()) == 1 and len((self.quote or "-").encode()) == 1

    def quotes_in(self, lines: bytes) -> bool:
        """Tell whether a quote stands somewhere in some lines."""
        return self.quote is not None and self.quote.encode() in lines

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Return a reader of rows, as `csv.reader`."""
        import csv

        if self.quote is None:
            return csv.reader(lines, delimiter=self.separator, quoting=csv.QUOTE_NONE)
        return csv.reader(lines, delimiter=self.separator, quotechar=self.quote)
