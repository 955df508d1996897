"""What a folder's files hold, told from a cache where a file has not been touched since it was last read."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hookline.errors import DataError
from hookline.workspace.home import keep, kept

EDGE = 64 * 1024
"""Bytes at the head and the tail of a file that its digest reads."""
SETTLED = 2_000_000_000
"""Nanoseconds after a change within which the next one may bear the same time, on the coarsest of file systems."""
FORMAT = 1

Facts = tuple[int, int, int, int]
"""Size, modification time, change time and inode: none of them changes unless the file is touched."""


def files_below(folder: str) -> Iterator[str]:
    """Yield the path of every file below a folder; raises DataError for one that is shut.

    Links to folders are not followed, and names that begin with a dot are passed over: `.hookline` itself may lie there.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be listed: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(entry.path)
        elif entry.is_file():
            yield entry.path


def in_order(names: Iterable[str]) -> list[Path]:
    """Return paths in the order of their parts, as `Path` has it."""
    return list(map(Path, sorted(names, key=lambda name: name.split(os.sep))))  # noqa: PTH206  as below


def fingerprint_of(files: Sequence[Path]) -> str:
    """Return a digest of names, sizes, modification times, and the first and last 64 KiB of each file.

    Of several files, only those are opened that have been touched since the last time.
    """
    whole = hashlib.blake2b(digest_size=16)
    for file, (facts, digest) in zip(files, digests_of(files), strict=True):
        size, modified, *_ = facts
        whole.update(f"{file.name}\0{size}\0{modified}\0{digest}\0".encode())
    return whole.hexdigest()


def digests_of(files: Sequence[Path]) -> list[tuple[Facts, str]]:
    """Return the facts of each file, and a digest of its first and last 64 KiB.

    Of several files, only those are opened that have been touched since the last time.
    """
    if not files:
        return []
    paths = [os.path.abspath(file) for file in files]  # noqa: PTH100  some 100,000 of them, ten times as fast
    if len(files) == 1:
        facts = _facts(paths[0])
        return [(facts, _digest(paths[0], facts[0]))]
    name = f"files-{hashlib.blake2b(os.path.commonpath(paths).encode(), digest_size=8).hexdigest()}.json"
    before = _read(name)
    now = time.time_ns()
    found: list[tuple[Facts, str]] = []
    new: dict[str, list[int | str]] = {}
    for path in paths:
        facts = _facts(path)
        held = before.get(path)
        digest = str(held[4]) if held is not None and tuple(held[:4]) == facts else _digest(path, facts[0])
        found.append((facts, digest))
        # A file that was written just now may be written again with nothing to tell by.
        if now - facts[1] > SETTLED:
            new[path] = [*facts, digest]
    if any(before.get(path) != facts for path, facts in new.items()):
        keep(name, json.dumps([FORMAT, {**before, **new}], separators=(",", ":")).encode())
    return found


def _read(name: str) -> Mapping[str, list[int | str]]:
    try:
        version, files = json.loads(kept(name) or b"")
        return files if version == FORMAT and isinstance(files, dict) else {}
    except (ValueError, TypeError):
        return {}


def _facts(path: str) -> Facts:
    found = os.stat(path)  # noqa: PTH116  as above
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _digest(path: str, size: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as opened:
        digest.update(opened.read(EDGE))
        if size > EDGE:
            opened.seek(max(EDGE, size - EDGE))
            digest.update(opened.read(EDGE))
    return digest.hexdigest()
