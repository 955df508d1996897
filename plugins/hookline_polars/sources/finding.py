"""Which files a path means: itself, those that fit it, or those of a known format below it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path

from hookline.errors import DataError, suggestion

from .file_index import files_below, in_order
from .formats.logged.delta import is_delta
from .formats.logged.iceberg import require_no_table, require_one
from .formats.table import SUFFIXES, known_suffix
from .places.packed import is_packed, unpacked_name

SHOWN = 5
"""Files of a folder that are named where another one was meant."""


def files_of(path: str | Path) -> list[Path]:
    """Return the files that a file, a glob or a folder means, in order; raises DataError where there are none."""
    _refuse_url(str(path))
    text = str(Path(path).expanduser())
    place = Path(text)
    if _is_glob(place):
        names = glob(text, recursive=True)  # noqa: PTH207  Path.glob refuses absolute patterns
        found = in_order(name for name in names if os.path.isfile(name))  # noqa: PTH113  names may be many
        if not found:
            raise DataError(f"no file fits {path}")
        require_one(found)
        return found
    if place.is_dir():
        if is_delta(place):
            return [place]
        require_no_table(place)
        found = in_order(file for file in files_below(text) if known_suffix(file))
        if not found:
            raise DataError(f"the folder {path} holds no file of a known format", hint=f"known: {', '.join(SUFFIXES)}")
        _require_once(found)
        return found
    if place.is_file():
        return [place]
    if place.is_symlink():
        raise DataError(f"{path} is a link to {place.readlink()}, which is not there")
    raise DataError(f"there is no file {path}", hint=_what_is_there(place))


def _require_once(files: Sequence[Path]) -> None:
    """Raise DataError for a folder that holds a file both as it is and packed, whose rows would count twice."""
    if not any(is_packed(file.name) for file in files):
        return
    plain: dict[Path, Path] = {}
    for file in files:
        other = plain.setdefault(file.with_name(unpacked_name(file.name)), file)
        if other is not file:
            raise DataError(f"{other} and {file} are one table twice", hint="name one kind with a glob, such as *.csv")


def _what_is_there(place: Path) -> str:
    """Return what was meant instead of a file that is not there: one of nearly its name, one that can be read, or a folder."""
    folder = place.parent
    if not folder.is_dir():
        above = next(parent for parent in folder.absolute().parents if parent.is_dir())
        return f"there is no folder {folder} either; what is there: ls {shlex.quote(_near(above))}"
    names = sorted(file.name for file in folder.iterdir())
    near = suggestion(place.name, names, "file") if names else None
    if near and "mean" in near:
        return near
    tables = [name for name in names if known_suffix(name)]
    if not tables:
        return f"no table lies in {_near(folder)}; give the path of one, or see what is there: ls {shlex.quote(_near(folder))}"
    more = f" and {len(tables) - SHOWN:,} more" if len(tables) > SHOWN else ""
    line = f"hookline {shlex.quote(str(folder / tables[0]))} target=COLUMN"
    return f"tables there: {', '.join(tables[:SHOWN])}{more}; a run of one: {line}"


def _near(folder: Path) -> str:
    """Return a folder as one types it: the present one by its own path."""
    return str(folder.absolute() if str(folder) == "." else folder)


def folder_of(path: str | Path) -> Path | None:
    """Return the folder that all files lie below which a path means, now or later; None where it does not mean several."""
    place = Path(path).expanduser()
    if _is_glob(place):
        return Path(*takewhile(lambda part: not has_magic(part), place.parts))
    return place if place.is_dir() else None


def _refuse_url(text: str) -> None:
    """Raise DataError for an address of another machine or protocol; a Path has lost one of its slashes."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/(?:/)?(.*)", text)
    if found is None or Path(text).exists():
        return
    scheme, rest = found[1].lower(), found[2]
    if scheme == "file":
        hint = f"source.path=/{rest.removeprefix('localhost').lstrip('/')}"
    else:
        name = rest.partition("?")[0].rstrip("/").rpartition("/")[2] or "table.csv"
        url = f"{scheme}://{rest}"
        hint = (
            f"source 'http' reads it: source=http {shlex.quote(f'source.url={url}')}"
            if scheme in ("http", "https")
            else f"copy it here, and then source.path={name}"
        )
    raise DataError(f"source.path={text} is a URL, and source 'file' reads files of this machine", hint=hint)


def _is_glob(place: Path) -> bool:
    return has_magic(str(place)) and not place.exists()
