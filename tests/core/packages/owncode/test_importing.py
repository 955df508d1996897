"""Two bodies of one module in one process: each is whole in itself, whatever it imports, and nothing of either is written."""

from __future__ import annotations

import inspect
import pickle
import sys
import threading
import typing
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hookline.errors import StoreError
from hookline.packages.owncode.carried import FOLDER, Carried, write_carried
from hookline.packages.owncode.importing import DIGITS, forget, import_carried, is_imported
from hookline.registry.own import PRIVATE, public_name

PARTS = """
from __future__ import annotations

from dataclasses import dataclass

import garden.counts
import garden.counts as counted
from garden import counts
from garden.counts import SIZE

from .inner import deep


@dataclass(frozen=True)
class Bed:
    plant: Plant

    def sizes(self):
        from garden.late import LATE

        return {SIZE, counts.SIZE, counted.SIZE, garden.counts.SIZE, deep.outer(), LATE}


@dataclass(frozen=True)
class Plant:
    name: str
"""


def body(size: int, more: Mapping[str, str] | None = None) -> Carried:
    files = {
        "garden/__init__.py": "",
        "garden/parts.py": PARTS,
        "garden/counts.py": f"SIZE = {size}\nseen = []\n",
        "garden/late.py": "from garden.counts import SIZE as LATE\n",
        "garden/inner/deep.py": "from ..counts import SIZE\n\ndef outer():\n    return SIZE\n",
        **(more or {}),
    }
    return Carried({name: text.encode() for name, text in files.items()}, ("garden.parts",))


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Any]:
    made: list[str] = []

    def imported(carried: Carried, name: str = "parts") -> Any:
        folder = tmp_path / carried.digest[:8]
        folder.mkdir(exist_ok=True)
        write_carried(folder, carried)
        made.append(import_carried(carried, folder / FOLDER))
        return sys.modules[f"{made[-1]}.garden.{name}"]

    yield imported
    for under in made:
        forget(under)


def test_each_body_imports_its_own_by_every_statement_then_and_later(imported: Any) -> None:
    one, two = imported(body(1)), imported(body(2))
    assert (one.Bed(one.Plant("rose")).sizes(), two.Bed(two.Plant("rose")).sizes()) == ({1}, {2})
    assert "garden" not in sys.modules


def test_each_body_has_a_state_of_its_own(imported: Any) -> None:
    one, two = imported(body(1)), imported(body(2))
    one.counts.seen.append("x")
    assert two.counts.seen == []


def test_the_same_body_is_imported_once(imported: Any) -> None:
    assert imported(body(1)) is imported(body(1))


def test_annotations_are_resolved_in_the_body_that_they_stand_in(imported: Any) -> None:
    two = imported(body(2))
    assert typing.get_type_hints(two.Bed) == {"plant": two.Plant}


def test_an_object_is_pickled_and_read_again_in_the_process(imported: Any) -> None:
    one = imported(body(1))
    again = pickle.loads(pickle.dumps(one.Bed(one.Plant("rose"))))
    assert again == one.Bed(one.Plant("rose"))


def test_the_source_is_that_in_the_package_and_is_known_when_it_is_gone(imported: Any, tmp_path: Path) -> None:
    carried = body(1)
    one = imported(carried)
    place = tmp_path / carried.digest[:8]
    assert one.__file__ == str(place / FOLDER / "garden" / "parts.py")
    place.rename(tmp_path / "elsewhere")
    assert "plant: Plant" in inspect.getsource(one.Bed)


def test_nothing_is_compiled_into_the_folder(imported: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    imported(body(1))
    assert not list(tmp_path.rglob("*.pyc"))


def test_many_threads_at_once_get_whole_modules(tmp_path: Path) -> None:
    slow = body(3, {"garden/counts.py": "import time\ntime.sleep(0.1)\nSIZE = 3\n"})
    start = threading.Barrier(6)

    def ask(_: int) -> Any:
        start.wait()
        module = sys.modules[f"{import_carried(slow, tmp_path)}.garden.parts"]
        return module.Bed(module.Plant("rose")).sizes()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [{3}] * 6
    forget(import_carried(slow, tmp_path))


def test_what_a_module_prints_is_no_data(imported: Any, capsys: pytest.CaptureFixture[str]) -> None:
    imported(body(4, {"garden/__init__.py": "print('hello')\n"}))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "hello\n")


def test_a_module_that_fails_is_one_error_that_names_it(imported: Any) -> None:
    with pytest.raises(
        StoreError, match=r"the code of garden\.parts that travels in .* ModuleNotFoundError: No module named"
    ):
        imported(body(5, {"garden/counts.py": "import nowhere_at_all\n"}))


def test_of_a_body_that_fails_nothing_is_left(imported: Any) -> None:
    failing = body(5, {"garden/counts.py": "import nowhere_at_all\n"})
    with pytest.raises(StoreError):
        imported(failing)
    assert not is_imported(failing)
    assert not [name for name in sys.modules if failing.digest[:DIGITS] in name]


def test_a_name_is_private_by_its_beginning_alone() -> None:
    assert public_name(f"{PRIVATE}0af.garden.parts.Bed") == "garden.parts.Bed"
    assert public_name(f"garden{PRIVATE}0af.parts.Bed") == f"garden{PRIVATE}0af.parts.Bed"
