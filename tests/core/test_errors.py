"""Errors read well on a terminal, and go whole from one process to another."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline
from hookline import errors
from hookline.errors import Breach, ConfigError, HooklineError, Problem, UnknownName
from hookline.version import install_line
from kit.places import ROOT
from kit.processes import raise_unknown

PLUGINS = ROOT / "plugins"
SAID = {"message": "no", "what": "trainer", "name": "nerest", "known": ["nearest"], "title": "bad config"}
SAID |= {"problems": [Problem("trainer.neighbors", "must be greater than 0")], "component": "trainer 'mlp'"}
SAID |= {"module": "torch", "extra": "torch", "plugin": "nearest", "count": 3, "step": 2, "value": 0.5, "number": 1}
SAID |= {"distribution": "hookline", "more": (), "why": "rows", "told": "SUM"}
SAID |= {"breaches": [Breach(0, "age", "is 300")], "hint": "look", "ailment": "spelling", "facts": {"column": "city"}}


def every_error() -> list[type[BaseException]]:
    """Return every class of errors of the core and of the plugins that come with it."""
    folders = [Path(hookline.__file__).parent, *sorted(PLUGINS.glob("hookline_*"))]
    files = (path for folder in folders for path in folder.rglob("*.py") if RAISED.search(path.read_text("utf-8")))
    modules = [import_module(".".join(path.relative_to(_root(path)).with_suffix("").parts)) for path in files]
    classes = {cls for module in modules for _, cls in inspect.getmembers(module, inspect.isclass)}
    ours = (cls for cls in classes if cls.__module__.startswith("hookline") and issubclass(cls, BaseException))
    return sorted((cls for cls in ours if not cls.__name__.startswith("_")), key=lambda cls: cls.__qualname__)


def _root(path: Path) -> Path:
    return next(root for root in (Path(hookline.__file__).parents[1], PLUGINS) if path.is_relative_to(root))


RAISED = re.compile(r"^ *class \w+\((\w+\.)*\w*(Error|Exception|Interrupt|Warning)\b", re.MULTILINE)
CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, HooklineError)]


EVERY = every_error()


def raised(cls: type[HooklineError]) -> HooklineError:
    """Return an error of a class, with everything that it takes."""
    return cls(**{name: SAID[name] for name in inspect.signature(cls).parameters})


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_every_error_survives_a_pickle(cls: type[HooklineError], protocol: int) -> None:
    error = raised(cls)
    error.add_note("in check 'pickles'")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is cls
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_can_be_copied(cls: type[HooklineError]) -> None:
    error = raised(cls)
    assert vars(copy.copy(error)) == vars(error)


@settings(max_examples=30)
@given(message=st.text(), hint=st.none() | st.text(), name=st.text(), known=st.lists(st.text()), count=st.integers(0))
def test_every_error_of_core_and_plugins_comes_whole_from_another_process(**drawn: object) -> None:
    said = SAID | drawn
    for cls in EVERY:
        own = inspect.signature(cls).parameters if "__init__" in vars(cls) or issubclass(cls, HooklineError) else ()
        error = cls(**{name: said[name] for name in own}) if own else cls(said["message"])
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is cls
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def test_an_error_of_a_worker_process_arrives_as_it_was() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, pytest.raises(UnknownName) as caught:
        pool.submit(raise_unknown, "trainer", "nerest", "nearest").result()
    assert caught.value.known == ("nearest",)
    assert str(caught.value) == "no trainer named 'nerest'\nhint: did you mean 'nearest'?"


def test_problems_are_listed_at_their_paths() -> None:
    error = ConfigError("bad config", [Problem("trainer.neighbors", "must be greater than 0")], hint="mend it")
    assert str(error) == "bad config\n  trainer.neighbors: must be greater than 0\nhint: mend it"


def made(site: Path, name: str, url: str = "", *, editable: bool = False) -> None:
    """Install a distribution as pip leaves it on disk: its metadata, and where it came from."""
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    if url:
        told = {"url": url, "dir_info": {"editable": editable}}
        (folder / "direct_url.json").write_text(json.dumps(told), "utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def test_what_is_missing_is_installed_by_one_line(site: Path) -> None:
    made(site, "shop-one")
    made(site, "shop-two")
    wanted = [
        ("shop-one", "a", "x"),
        ("shop-two", "c", "y"),
        ("shop-one", "b", "z"),
        ("shop-one", "a", "w"),
        ("", "", "v"),
    ]
    assert install_line(wanted) == "pip install 'shop-one[a,b]' 'shop-two[c]' v"


def test_a_clone_that_was_installed_to_be_edited_is_installed_again(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    (clone / "pyproject.toml").touch()
    made(site, "shop-edited", clone.as_uri(), editable=True)
    made(site, "shop-folder", clone.as_uri())
    made(site, "shop-gone", (tmp_path / "gone").as_uri(), editable=True)
    monkeypatch.chdir(tmp_path)
    assert install_line([("shop-edited", "onnx", "")]) == f"pip install -e '{clone}[onnx]'"
    monkeypatch.chdir(clone)
    assert install_line([("shop-edited", "onnx", "")]) == "pip install -e '.[onnx]'"
    assert install_line([("shop-folder", "onnx", "")]) == "pip install 'shop-folder[onnx]'"
    assert install_line([("shop-gone", "onnx", "")]) == "pip install 'shop-gone[onnx]'"


@pytest.mark.parametrize(
    ("what", "name", "line"),
    [
        ("model", "churn", "hookline train.csv target=COLUMN name=churn"),
        ("model or run", "../a b", "hookline train.csv target=COLUMN"),
        ("run", "last", "hookline train.csv target=COLUMN"),
        ("sweep", "last", "hookline -m train.csv target=COLUMN trainer=NAME,NAME"),
    ],
)
def test_where_there_is_none_yet_the_line_that_makes_one_is_told(what: str, name: str, line: str) -> None:
    assert UnknownName(what, name, []).hint == f"there is no {what} yet; {line} makes one"
