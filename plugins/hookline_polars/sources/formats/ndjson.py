"""NDJSON files: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hookline.errors import DataError

from .base import Reader, literal, rows_to_infer

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class NdjsonReader(Reader):
    """Reads NDJSON."""

    title: ClassVar[str] = "NDJSON"
    suffixes: ClassVar[tuple[str, ...]] = (".ndjson", ".jsonl")

    @classmethod
    def looks_like(cls, head: bytes) -> bool:
        """Tell whether the first line is a JSON object."""
        line = head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
        try:
            return line.startswith(b"{") and isinstance(json.loads(line), dict)
        except ValueError:
            return False

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows."""
        import polars as pl

        return pl.scan_ndjson(literal(file), infer_schema_length=rows_to_infer(file))

    def explain(self, file: Path) -> None:
        """Raise DataError naming the first line that is no JSON object."""
        with file.open("rb") as opened:
            for number, line in enumerate(opened, 1):
                try:
                    found = json.loads(line) if line.strip() else {}
                except ValueError as error:
                    reason = str(error).partition(": line ")[0]
                    raise DataError(f"{file} cannot be read: line {number} is not JSON: {reason}") from None
                if not isinstance(found, dict):
                    raise DataError(
                        f"{file} cannot be read: line {number} is not a JSON object",
                        hint='NDJSON holds one row a line: {"column": value, ...}',
                    )
