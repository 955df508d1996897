"""The files that a path of a source means: found, fetched or unpacked where they have to be, and all of one format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hookline.errors import DataError

from ..finding import files_of, folder_of
from ..formats.base import Reader
from ..formats.logged.delta import is_delta
from ..formats.logged.iceberg import is_iceberg
from ..formats.table import format_of
from ..messages import WHO, first_line, short
from .bringing import Brought, bring
from .far import far_files, fetch, is_far


@dataclass(frozen=True)
class Files:
    """What `path` and `format` of a source mean; most_bytes: of a file, fetched or once unpacked."""

    path: str | Path
    format: str
    most_bytes: int

    def found(self) -> list[Path]:
        """Return files of this machine; raises DataError where there is none."""
        if not str(self.path).strip():
            raise DataError("source.path is empty", hint="name a file, a glob or a folder")
        with self.readable():
            return files_of(self.path)

    def brought(self, *, first: bool = False) -> Brought:
        """Return the files, or the first of them, as they can be read."""
        if is_far(self.path):
            return self._fetched(first=first)
        files = self.found()
        return self.unpacked(files[:1] if first else files)

    def unpacked(self, files: Sequence[Path]) -> Brought:
        """Return files of this machine as they can be read; raises DataError where they are of several formats."""
        with self.readable():
            brought = bring(files, self.most_bytes)
        with brought.told():
            self.format_of(brought.files)
        return brought

    def _fetched(self, *, first: bool) -> Brought:
        """Return copies of the files at a URL, or of the first of them."""
        files = far_files(self.path)
        files = files[:1] if first else files
        copies, folder = fetch(files, self.most_bytes)
        urls = dict(zip(copies, (file.url for file in files), strict=True))
        return self.unpacked(copies).of_copies(urls, folder)

    def folder(self) -> Path:
        """Return the folder that rows keep coming to; raises DataError where the path means no folder and no glob."""
        if is_far(self.path):
            raise DataError(
                f"source.path={short(self.path)} is a URL, and only in a folder of this machine are new rows told from old",
                hint="name the files of the rows to read",
            )
        with self.readable():
            folder = folder_of(self.path)
        if folder is not None and is_delta(folder):
            raise DataError(
                f"{folder} is a table of Delta Lake, whose new rows are not told from old", hint="read its versions"
            )
        if folder is None:
            raise DataError(
                f"source.path={short(self.path)} is neither a folder nor a glob, and only of those can new rows be told from old",
                hint="put new rows into new files of a folder, and name the folder in source.path",
            )
        return folder

    def format_of(self, files: Sequence[Path]) -> str:
        """Return the one format of some files; raises DataError where there are several, or a suffix is not known."""
        if self.format != "auto" and not (is_delta(files[0]) or is_iceberg(files[0])):
            return self.format
        formats = {format_of(file) for file in files}
        if len(formats) > 1:
            raise DataError(f"{self.path} mixes formats: {', '.join(sorted(formats))}", hint="name one with a glob")
        return formats.pop()

    @contextmanager
    def readable(self, reader: Reader | None = None) -> Iterator[None]:
        """Tell as a DataError why a file cannot be opened within this block. reader: what may know more of it"""
        try:
            yield
        except OSError as error:
            reason = error.strerror or first_line(error)
            raise DataError(
                f"{short(error.filename or self.path)} cannot be read: {reason}",
                hint=(reader.hint(str(error)) if reader is not None else None) or WHO,
            ) from error
