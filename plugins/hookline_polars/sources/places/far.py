"""Files that lie at a URL which fsspec speaks, such as s3://: listed and told by it, read by polars or else fetched."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from glob import has_magic
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from hookline.data.frames import TemporaryFolder
from hookline.errors import DataError, MissingBackend

from ..formats.table import known_suffix

if TYPE_CHECKING:
    import polars as pl

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.+)", re.DOTALL)
"""A URL; a `Path` has lost one of its slashes."""
NEAR = ("file", "local", "http", "https")
"""Protocols of this machine, and those that source=http reads."""
STREAMED = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""Protocols that polars reads Parquet at, part by part, with credentials from the environment."""
LIBRARIES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
}
"""Protocol -> the library that fsspec speaks it with; what others want, it says itself."""
VERSIONS = ("ETag", "etag", "md5Hash", "crc32c", "content_md5", "checksum", "generation")
TIMES = ("LastModified", "mtime", "last_modified", "updated", "modified", "modify", "created")
"""What file systems call the version of a file's content, and its time."""
KEPT = 4
"""Sets of files whose copies are kept for whoever reads them next."""


@dataclass(frozen=True)
class FarFile:
    """A file at a URL, with what changes when it does."""

    url: str
    size: int
    version: str

    @property
    def name(self) -> str:
        """Its name without its folder."""
        return PurePosixPath(self.url.partition("?")[0]).name


def is_far(path: str | Path) -> bool:
    """Tell whether a path is a URL of another place than this machine, which fsspec knows and source=http does not read."""
    found = URL.fullmatch(str(path))
    if found is None or found[1].lower() in NEAR:
        return False
    from fsspec import available_protocols

    return found[1].lower() in available_protocols()


def far_files(path: str | Path) -> list[FarFile]:
    """Return the files that a URL of a file, a glob or a folder means, in order; raises DataError where there are none.

    Raises MissingBackend where the library of the protocol is not installed.
    """
    url = _url(path)
    with _told(url):
        files, root = _file_system(url)
        if has_magic(root):
            named = sorted(files.glob(root))
        elif files.isdir(root):
            named = sorted(name for name in files.find(root) if known_suffix(name))
        else:
            named = [root]
        found = [_file(files, name) for name in named if not files.isdir(name)]
    if not found:
        raise DataError(f"no file of a known format lies at {url}", hint="name a file, a glob or a folder")
    return found


def far_folder(path: str | Path) -> Path | None:
    """Return the folder that all files lie below which a URL means, as `far_files` tells them; None where it means one file."""
    url = _url(path)
    with _told(url):
        files, root = _file_system(url)
        if has_magic(root):
            root = str(PurePosixPath(*takewhile(lambda part: not has_magic(part), PurePosixPath(root).parts)))
        elif not files.isdir(root):
            return None
        return Path(files.unstrip_protocol(root))


def fingerprint_of_far(files: Sequence[FarFile]) -> str:
    """Return a digest of names, sizes, and of what the file system says of each content; reads none of it."""
    told = "".join(f"{file.name}\0{file.size}\0{file.version}\0" for file in files)
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def streamed(files: Sequence[FarFile]) -> pl.LazyFrame | None:
    """Return the rows of Parquet files where they lie, of which polars reads what is asked for; None where it cannot."""
    import polars as pl

    if any(not file.url.startswith(tuple(f"{name}://" for name in STREAMED)) for file in files):
        return None
    try:
        frame = pl.scan_parquet([file.url for file in files], glob=False)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError):
        # It looks for credentials in fewer places than the protocol's own library, which then fetches the files.
        return None
    return frame


def fetch(files: Sequence[FarFile], most: int) -> tuple[list[Path], TemporaryFolder]:
    """Return copies of files, in order, with the folder that holds them; raises DataError for one of more than `most` bytes."""
    for file in files:
        if file.size > most:
            raise DataError(
                f"{file.url} has {file.size:,} bytes, and source.most_bytes allows {most:,}",
                hint="raise it, or name fewer files",
            )
    copies, folder = _fetched(tuple(files))
    if not all(copy.is_file() for copy in copies):  # Somebody has tidied up.
        _fetched.cache_clear()
        copies, folder = _fetched(tuple(files))
    return list(copies), folder


@lru_cache(maxsize=KEPT)
def _fetched(files: tuple[FarFile, ...]) -> tuple[tuple[Path, ...], TemporaryFolder]:
    folder = TemporaryFolder()
    copies = []
    for place, file in enumerate(files):
        # One folder each, since two may have one name.
        inside = folder.path / f"{place:06d}"
        inside.mkdir()
        with _told(file.url):
            system, root = _file_system(file.url)
            system.get_file(root, str(inside / file.name))
        copies.append(inside / file.name)
    return tuple(copies), folder


def _url(path: str | Path) -> str:
    found = URL.fullmatch(str(path))
    assert found is not None
    return f"{found[1].lower()}://{found[2]}"


def _file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, root = url_to_fs(url)
    # What lies there may have changed since somebody of this process looked.
    files.invalidate_cache()
    return files, str(root)


def _file(files: Any, name: str) -> FarFile:
    facts = files.info(name)
    # Where none of these is told, what else is.
    version = next((str(facts[key]) for key in (*VERSIONS, *TIMES) if facts.get(key)), None) or str(files.ukey(name))
    return FarFile(files.unstrip_protocol(name), int(facts.get("size") or 0), version)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Say in our words what a file system raises."""
    protocol = url.partition("://")[0]
    try:
        yield
    except (DataError, MissingBackend):
        raise
    except ImportError as error:
        library = error.name or LIBRARIES.get(protocol)
        if library is None:
            raise DataError(
                f"a path of {protocol}:// cannot be read: {error}", hint="install what is said there"
            ) from None
        raise MissingBackend(f"a path of {protocol}://", library, "s3" if library == "s3fs" else "") from None
    except FileNotFoundError:
        raise DataError(f"there is no file {url}", hint="look at its bucket, its name, and who may read it") from None
    except Exception as error:  # noqa: BLE001  each file system of fsspec raises errors of its own
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{url} cannot be read: {told}",
            hint=f"look at the credentials and address of {protocol} in the environment",
        ) from None
