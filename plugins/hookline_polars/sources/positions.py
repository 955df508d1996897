"""Where the rows of a folder end: which files there are, and what they hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookline.errors import DataError

from .file_index import digests_of, in_order

FORMAT = 1

Content = tuple[int, str]
"""Size, and a digest of the first and last 64 KiB."""


@dataclass(frozen=True)
class Position:
    """The files of a folder at a time, by their names below it."""

    files: Mapping[str, Content]

    @classmethod
    def of(cls, folder: Path, files: Sequence[Path]) -> Position:
        """Look at files below a folder; only those are opened that have been touched since the last time."""
        names = [os.path.relpath(file, folder).replace(os.sep, "/") for file in files]
        contents = [(facts[0], digest) for facts, digest in digests_of(files)]
        return cls(dict(zip(names, contents, strict=True)))

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read what `text` returned; raises DataError for anything else."""
        try:
            version, files = json.loads(text)
            if version == FORMAT:
                return cls({str(name): (int(size), str(digest)) for name, (size, digest) in files.items()})
        except (ValueError, TypeError, AttributeError):
            pass
        raise DataError(
            f"{text[:40]!r} is no position of source 'file'", hint="give what position() of the same source returned"
        )

    def text(self) -> str:
        """Return it as a text that is the same on every machine, and holds neither times nor absolute paths."""
        return json.dumps([FORMAT, dict(sorted(self.files.items()))], separators=(",", ":"))

    def names_beyond(self, before: Position) -> list[str]:
        """Return the names that another position lacks."""
        return [name for name in self.files if name not in before.files]

    def require_unchanged(self, folder: Path, before: Position) -> None:
        """Raise DataError for a file that is not as this position and one before it have it.

        Of the one before, each file must stand in this one as it was then; of this one, each must be there as it is here.
        """
        _require_same(folder, before.files, before, self, _READ)
        now = Position.of(folder, [path for path in paths_below(folder, self.files) if path.is_file()])
        _require_same(folder, before.files, self, now, _READ)
        _require_same(folder, self.names_beyond(before), self, now, _UNREAD)


def paths_below(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return files by their names below a folder, in the order in which the source has them."""
    return in_order(os.path.join(folder, name) for name in names)  # noqa: PTH118  names may be many


_READ = ("whose rows have been read", "put it back as it was, and new rows into new files")
_UNREAD = (
    "whose rows were about to be read",
    "try again; a file that is still being written belongs elsewhere until it is whole",
)


def _require_same(
    folder: Path, names: Iterable[str], before: Position, now: Position, wording: tuple[str, str]
) -> None:
    whose, hint = wording
    for name in names:
        then, found = before.files[name], now.files.get(name)
        if found != then:
            how = "is gone" if found is None else "has grown since" if found[0] > then[0] else "has changed since"
            raise DataError(f"{folder / name}, {whose}, {how}", hint=hint)
