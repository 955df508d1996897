"""Files packed with gzip, zstd or zip: told by their first bytes, and unpacked into a temporary folder, never without end."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hookline.errors import DataError, MissingBackend

PACKINGS = {".gz": "gzip", ".zst": "zstd", ".zip": "zip"}
"""Suffix -> how such a file is packed."""
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
"""First bytes -> how a file is packed that has them; a spreadsheet is a zip archive too."""
CHUNK = 1 << 20
FEW = 4096
"""Bytes of zstd that are unpacked at once: a block of 128 KiB may be four bytes long."""


def unpacked_name(name: str) -> str:
    """Return a file's name without the suffix that says how it is packed."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122  names may be many
    return stem if suffix.lower() in PACKINGS else name


def is_packed(name: str) -> bool:
    """Tell whether a file's name says that it is packed."""
    return unpacked_name(name) != name


def packing_of(file: Path) -> str | None:
    """Return how a file is packed, by its first bytes; None where it is not, or is a spreadsheet.

    Raises DataError for a file whose suffix says that it is packed, and whose first bytes say that it is not.
    """
    with file.open("rb") as opened:
        head = opened.read(4)
    found = next((packing for magic, packing in MAGIC.items() if head.startswith(magic)), None)
    said = PACKINGS.get(file.suffix.lower())
    if said is not None and found != said:
        what = f"{file} is not packed with {said}: its first bytes are {head.hex(' ') or 'none'}"
        raise DataError(what, hint="call it by what it is, or copy it again")
    return None if found == "zip" and file.suffix.lower() == ".xlsx" else found


def unpack(file: Path, packing: str, folder: Path, most: int) -> Path:
    """Write what is packed in a file to a folder; raises DataError for more bytes than `most`, and for a damaged archive."""
    with _intact(file, packing), _opened(file, packing) as (pieces, name):
        target = folder / name
        keep(pieces, target, most, str(file))
    return target


def keep(pieces: Iterable[bytes], target: Path, most: int, shown: str) -> None:
    """Write pieces to a file; raises DataError where they are more bytes than `most`."""
    left = most
    with target.open("wb") as out:
        for chunk in pieces:
            left -= len(chunk)
            if left < 0:
                target.unlink()
                raise DataError(
                    f"{shown} holds more than {most:,} bytes", hint="say a larger source.most_bytes, if it is meant to"
                )
            out.write(chunk)


@contextmanager
def _opened(file: Path, packing: str) -> Iterator[tuple[Iterable[bytes], str]]:
    """Yield what is packed in a file, in pieces, and the name of it."""
    name = unpacked_name(file.name)
    if packing == "zip":
        with zipfile.ZipFile(file) as archive:
            member = _only_member(archive, file)
            with archive.open(member) as opened:
                # Of the member's own name only the end is kept: the rest may lead out of the folder.
                yield pieces_of(opened), f"{Path(name).stem}{Path(member.filename).suffix.lower()}"
    elif packing == "gzip":
        with gzip.open(file) as opened:
            yield pieces_of(opened), name
    else:
        yield _zstd(file), name


def pieces_of(stream: gzip.GzipFile | IO[bytes]) -> Iterator[bytes]:
    """Yield what a stream gives, a mebibyte at a time."""
    while piece := stream.read(CHUNK):
        yield piece


def _zstd(file: Path) -> Iterator[bytes]:
    """Yield what is packed in the frames of a file; raises EOFError where the last one has no end."""
    try:
        import zstandard
    except ImportError:
        raise MissingBackend("a file packed with zstd", "zstandard", "zstd") from None
    frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
    with file.open("rb") as opened:
        while piece := opened.read(FEW):
            while piece:
                yield frame.decompress(piece)
                begun, piece = not frame.eof, frame.unused_data
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
    if begun:
        raise EOFError


def _only_member(archive: zipfile.ZipFile, file: Path) -> zipfile.ZipInfo:
    # What macOS adds of its own is no part of what somebody packed.
    held = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if len(held) == 1:
        return held[0]
    names = ", ".join(one.filename for one in held[:5]) or "none"
    raise DataError(
        f"{file} holds {len(held)} files ({names}), and one is read",
        hint="unpack it into a folder, and name the folder",
    )


@contextmanager
def _intact(file: Path, packing: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise _damaged(file, packing, error) from None
    except RuntimeError as error:  # So says zipfile of one that wants a password.
        raise DataError(
            f"{file} cannot be unpacked: {error}", hint="unpack it first, and name what was in it"
        ) from None
    except Exception as error:
        # zstandard's own error, which can be named only where the library is there.
        if type(error).__name__ != "ZstdError":
            raise
        raise _damaged(file, packing, error) from None


def _damaged(file: Path, packing: str, error: Exception) -> DataError:
    told = str(error).strip().rstrip(".") or "it ends too early"
    return DataError(f"{file} is damaged, or cut short, as {packing}: {told}", hint="copy or pack it again")
