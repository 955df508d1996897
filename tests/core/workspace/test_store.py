"""Entries are whole or absent, whatever happens to their writer, their reader or the disk."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline.workspace.store import Store
from kit.processes import run_together, started

KEY = "ab" * 32


def put(store: Store, key: str = KEY, text: str = "content") -> Path:
    return store.put(key, lambda folder: (folder / "value.txt").write_text(text) and None)


def test_what_is_put_is_read_back(tmp_path: Path) -> None:
    put(Store(tmp_path))
    again = Store(tmp_path)
    folder = again.get(KEY)
    assert folder is not None
    assert (folder / "value.txt").read_text() == "content"
    assert again.has(KEY)
    assert not again.has("cd" * 32)


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        store.put(KEY, fail)
    assert store.get(KEY) is None
    assert store.entries() == []
    assert not any(path.name == "half.txt" for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("damage", ["change", "truncate", "remove", "add", "unsign"])
def test_a_damaged_entry_is_discarded_and_made_anew(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    folder = put(store)
    acts = {
        "change": lambda: (folder / "value.txt").write_text("CONTENT"),
        "truncate": lambda: (folder / "value.txt").write_text("con"),
        "remove": lambda: (folder / "value.txt").unlink(),
        "add": lambda: (folder / "more.txt").write_text("x"),
        "unsign": lambda: (folder / "entry.json").write_text(
            json.dumps(json.loads((folder / "entry.json").read_text()) | {"signature": "0" * 64})
        ),
    }
    acts[damage]()
    with caplog.at_level(logging.WARNING):
        assert Store(tmp_path).get(KEY) is None
    assert "is discarded" in caplog.text
    put(store, text="anew")
    assert (store.get(KEY) / "value.txt").read_text() == "anew"  # type: ignore[operator]


def test_one_file_is_read_whatever_became_of_the_others(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "facts.json").write_text("{}")
        (folder / "rows.bin").write_bytes(b"rows")

    store = Store(tmp_path)
    folder = store.put(KEY, write)
    (folder / "rows.bin").write_bytes(b"swor")
    assert store.read(KEY, "facts.json") == b"{}"
    assert store.read(KEY, "rows.bin") is None
    assert store.read(KEY, "absent") is None
    assert store.read("cd" * 32, "facts.json") is None


def test_an_entry_signed_by_somebody_else_is_not_taken_for_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(Store(tmp_path / "theirs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another user"))
    ours = Store(tmp_path / "ours")
    target = ours.root / KEY[:2]
    target.mkdir()
    (tmp_path / "theirs" / KEY[:2] / KEY).rename(target / KEY)
    assert ours.get(KEY) is None


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path)
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="99"):
        Store(tmp_path)


def test_the_key_is_readable_by_its_user_only(tmp_path: Path) -> None:
    Store(tmp_path)
    key = Path(os.environ["XDG_CONFIG_HOME"]) / "hookline" / "store.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("**/key"))


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fill(folder: Path) -> None:
        (folder / "big").symlink_to("/dev/full")
        (folder / "big").write_bytes(b"x" * 10_000_000)

    with pytest.raises(StoreError, match="full|space"):
        store.put(KEY, fill)


def test_a_mirror_gives_back_what_the_disk_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "a team's secret")
    remote = f"file://{tmp_path / 'remote'}"
    put(Store(tmp_path / "one", remote=remote))
    folder = Store(tmp_path / "two", remote=remote).get(KEY)
    assert folder is not None
    assert (folder / "value.txt").read_text() == "content"


def test_parallel_writers_of_one_entry_agree(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from hookline.workspace.store import Store
        store, made = Store(Path(sys.argv[1])), 0
        for number in range(20):
            key = f"{number:02x}" * 32
            with store.lock(key):
                if store.get(key) is None:
                    store.put(key, lambda folder: (folder / "value.txt").write_text(str(number)) and None)
                    made += 1
        print(made)
    """)
    command = [sys.executable, "-c", code, str(tmp_path)]
    made = [int(writer.stdout) for writer in run_together([command] * 4, timeout=60)]
    store = Store(tmp_path)
    assert sum(made) == len(store.entries()) == 20
    assert all(store.get(key) is not None for key in store.entries())


def test_a_killed_writer_leaves_nothing_that_a_reader_sees(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import itertools, os
        from pathlib import Path
        from hookline.workspace.store import Store
        store = Store(Path({str(tmp_path)!r}))
        def write(folder):
            for part in range(5):
                (folder / f"{{part}}.bin").write_bytes(os.urandom(200_000))
        print("ready", flush=True)
        for number in itertools.count():
            store.put(f"{{number:064x}}", write)
    """)
    for delay in (0.02, 0.05, 0.11, 0.2):
        with started([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=None) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(delay)
            writer.kill()
        store = Store(tmp_path)
        for key in store.entries():
            folder = store.get(key)
            assert folder is not None
            assert len(list(folder.glob("*.bin"))) == 5
        assert not [path for path in (tmp_path / "tmp").iterdir() if path.is_dir()]


def test_a_lock_leaves_no_file_and_keeps_others_out_while_it_is_held(tmp_path: Path) -> None:
    root, key, order = tmp_path / "store", "ab" * 32, list[str]()

    def hold(name: str) -> None:
        with Store(root).lock(key):
            order.append(f"{name} in")
            time.sleep(0.02)
            order.append(f"{name} out")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, map(str, range(24))))
    assert len(order) == 48
    assert all(begins.split()[0] == ends.split()[0] for begins, ends in zip(order[::2], order[1::2], strict=True))
    assert list((root / "locks").iterdir()) == []
