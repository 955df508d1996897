"""Sheets of Excel workbooks."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.errors import DataError, MissingBackend, suggestion

from .base import Reader

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ExcelReader(Reader):
    """Reads one sheet of a workbook, whose cells have types of their own; it is held in memory."""

    title: ClassVar[str] = "Excel"
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx",)
    magic: ClassVar[bytes] = b"PK\x03\x04"

    sheet: str | None
    header: bool
    skip_rows: int
    most_bytes: int

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows of a sheet; raises DataError for one that is not there, and a workbook that cannot be read."""
        try:
            import fastexcel
        except ImportError:
            raise MissingBackend("an Excel workbook", "fastexcel", "excel") from None
        import polars as pl

        self._require_size(file)
        try:
            names = fastexcel.read_excel(file).sheet_names
            sheet = self._chosen(names, file)
            options: dict[str, Any] = {"header_row": self.skip_rows} if self.header else {"skip_rows": self.skip_rows}
            frame = pl.read_excel(
                file,
                sheet_name=sheet,
                engine="calamine",
                has_header=self.header,
                read_options=options,
                infer_schema_length=None,
                raise_if_empty=False,
            )
        except fastexcel.FastExcelError as error:
            told = str(error).strip().splitlines()[0]
            raise DataError(
                f"{file} cannot be read: {told}", hint="open it in a spreadsheet and save it again"
            ) from None
        if not self.header:
            frame.columns = [f"c{place}" for place in range(1, frame.width + 1)]
        return frame.lazy()

    def _chosen(self, names: list[str], file: Path) -> str:
        if self.sheet is None:
            return names[0]
        if self.sheet in names:
            return self.sheet
        raise DataError(f"{file} has no sheet '{self.sheet}'", hint=suggestion(self.sheet, names, "sheet"))

    def _require_size(self, file: Path) -> None:
        """Raise DataError for a workbook that unpacks to more than is allowed, or is none."""
        try:
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile as error:
            raise DataError(
                f"{file} is damaged, or cut short, as Excel: {error}", hint="copy or save it again"
            ) from None
        if size > self.most_bytes:
            hint = "say a larger source.most_bytes, if it is meant to"
            raise DataError(f"{file} holds more than {self.most_bytes:,} bytes", hint=hint)
