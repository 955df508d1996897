"""Packages are shared at a URL: whole and signed there, or no version at all."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.database import Database
from hookline.workspace.shelf import Shelf, shelf_of

ALONE = """
import sys
from hookline.workspace.catalog.sql.database import Database
with Database(sys.argv[1]).alone("promote churn"):
    print("mine", flush=True)
    sys.stdin.readline()
"""

REGISTER = """
import sys
from pathlib import Path
from hookline.workspace.catalog.catalog import Catalog
home = Path(sys.argv[2])
catalog = Catalog(sys.argv[1], home)
folders = [home / "models" / "churn" / f"{home.name}{n}" for n in range(5)]
for folder in folders:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(folder.name)
print("ready", flush=True)
sys.stdin.readline()
for folder in folders:
    print(catalog.models.register("churn", "run", str(folder), "onnx", {}, folder.name))
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the team's URL names."""
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "one for all")
    return tmp_path / "there"


def package(home: Path, content: str = "weights") -> Path:
    """Write what stands for a package in a home."""
    folder = home / "models" / "churn" / "abc"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_text(content)
    (folder / "manifest.json").write_text("{}")
    return folder


def shelf(home: Path) -> Shelf:
    found = shelf_of(home)
    assert found is not None
    return found


def catalog(home: Path) -> Catalog:
    return Catalog(f"sqlite:///{home.parent / 'catalog.db'}", home)


def register(catalog: Catalog, folder: Path) -> int:
    return catalog.models.register("churn", "run", str(folder), "onnx", {}, "f1")


def test_a_package_that_cannot_be_copied_gets_no_version_until_it_can(tmp_path: Path, there: Path) -> None:
    there.write_text("not a folder")
    folder = package(tmp_path / "first")
    team = catalog(tmp_path / "first")
    with pytest.raises(StoreError, match="cannot be copied to"):
        register(team, folder)
    assert not team.models.has("churn")
    assert there.read_text() == "not a folder"
    there.unlink()
    assert register(team, folder) == 1


def test_another_home_brings_a_version_when_it_asks_for_it(tmp_path: Path, there: Path) -> None:
    register(catalog(tmp_path / "first"), package(tmp_path / "first"))
    brought = Path(catalog(tmp_path / "second").models.get("churn", 1).path)
    assert brought == tmp_path / "second" / "models" / "churn" / "abc"
    assert {path.name for path in brought.iterdir()} == {"model.bin", "manifest.json"}
    assert there.is_dir()


@pytest.mark.usefixtures("there")
def test_what_comes_to_a_package_later_is_taken_by_who_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    folder, brought = package(first), second / "models" / "churn" / "abc"
    shelf(first).put(folder)
    shelf(second).bring(brought)
    (folder / "evidence").mkdir()
    (folder / "evidence" / "run.json").write_text("measured")
    (folder / "manifest.json").write_text('{"evidence": 1}')
    shelf(first).put(folder)
    shelf(second).renew(brought)
    assert (brought / "evidence" / "run.json").read_text() == "measured"
    assert (brought / "manifest.json").read_text() == '{"evidence": 1}'
    assert [path.name for path in brought.parent.iterdir()] == ["abc"]


@pytest.mark.usefixtures("there")
def test_a_package_that_is_taken_away_is_there_no_more(tmp_path: Path) -> None:
    folder = package(tmp_path / "first")
    ours = shelf(tmp_path / "first")
    ours.put(folder)
    assert ours.has(folder)
    ours.remove(folder)
    assert not ours.has(folder)
    with pytest.raises(StoreError, match="cannot be brought"):
        shelf(tmp_path / "second").bring(tmp_path / "second" / "models" / "churn" / "abc")


def test_a_package_that_cannot_be_taken_away_is_told_of(
    tmp_path: Path, there: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = package(tmp_path / "first")
    ours = shelf(tmp_path / "first")
    ours.put(folder)
    there.rename(tmp_path / "away")
    there.write_text("not a folder")
    ours.remove(folder)
    assert f"the copy of {folder} at file://{there} could not be removed" in caplog.text


def test_a_package_that_was_changed_there_is_refused_and_leaves_nothing(tmp_path: Path, there: Path) -> None:
    register(catalog(tmp_path / "first"), package(tmp_path / "first"))
    (changed,) = there.rglob("model.bin")
    changed.write_text("hostile")
    with pytest.raises(StoreError, match="cannot be brought"):
        catalog(tmp_path / "second").models.get("churn", 1)
    assert not [path for path in (tmp_path / "second" / "models").rglob("*") if path.name != "churn"]


@pytest.mark.usefixtures("there")
def test_a_package_signed_with_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(catalog(tmp_path / "first"), package(tmp_path / "first"))
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "somebody else's")
    with pytest.raises(StoreError, match="cannot be brought"):
        catalog(tmp_path / "second").models.get("churn", 1)


def test_a_url_is_tried_with_a_file_that_goes_again(tmp_path: Path, there: Path) -> None:
    assert shelf(tmp_path / "first").problem() is None
    assert not [path for path in there.rglob("*") if path.is_file()]


def test_a_url_that_cannot_be_written_to_says_why(tmp_path: Path, there: Path) -> None:
    there.write_text("not a folder")
    assert shelf(tmp_path / "first").problem()


def test_a_process_waits_for_another_that_is_alone_on_the_server_and_goes_on_when_that_dies(
    postgresql_url: str,
) -> None:
    database = Database(postgresql_url)
    words = [sys.executable, "-c", ALONE, postgresql_url]
    with (
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first,
        ThreadPoolExecutor() as pool,
    ):
        assert first.stdout is not None
        assert first.stdout.readline() == "mine\n"
        waiting = pool.submit(entered, database)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=1)
        first.kill()
        assert waiting.result(timeout=30)


def entered(database: Database) -> bool:
    """Wait to be alone, and tell that it came to it."""
    with database.alone("promote churn"):
        return True


def test_two_homes_that_register_at_once_get_numbers_of_their_own(
    tmp_path: Path, there: Path, postgresql_url: str
) -> None:
    Database(postgresql_url)
    homes = [tmp_path / name for name in ("first", "second")]
    for home in homes:
        home.mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, postgresql_url, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for home in homes
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    numbers = [int(number) for one in started for number in one.communicate(timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 11))
    assert len(list(there.rglob("entry.json"))) == 10


def test_a_package_of_another_home_from_before_is_not_there(there: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "old" / ".hookline" / "models" / "churn" / "abc"
    found = shelf(tmp_path / "home")
    assert not found.has(elsewhere)
    found.remove(elsewhere)
    found.renew(elsewhere)
    with pytest.raises(StoreError, match="registered in another home before HOOKLINE_MODELS_REMOTE was set"):
        found.bring(elsewhere)
    with pytest.raises(StoreError, match="of which HOOKLINE_MODELS_REMOTE holds copies"):
        found.put(elsewhere)
