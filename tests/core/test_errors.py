"""Errors read well on a terminal, and go whole from one process to another."""

from __future__ import annotations

import copy
import inspect
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from hookline import errors
from hookline.errors import Breach, ConfigError, HooklineError, Problem, UnknownName
from kit.processes import raise_unknown

SAID = {"message": "no", "what": "trainer", "name": "nerest", "known": ["nearest"], "title": "bad config"}
SAID |= {"problems": [Problem("trainer.neighbors", "must be greater than 0")], "component": "trainer 'mlp'"}
SAID |= {"module": "torch", "extra": "torch", "plugin": "nearest", "count": 3, "step": 2, "value": 0.5}
SAID |= {"breaches": [Breach(0, "age", "is 300")], "hint": "look", "ailment": "spelling", "facts": {"column": "city"}}

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, HooklineError)]


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


def test_an_error_of_a_worker_process_arrives_as_it_was() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, pytest.raises(UnknownName) as caught:
        pool.submit(raise_unknown, "trainer", "nerest", "nearest").result()
    assert caught.value.known == ("nearest",)
    assert str(caught.value) == "no trainer named 'nerest'\nhint: did you mean 'nearest'?"


def test_problems_are_listed_at_their_paths() -> None:
    error = ConfigError("bad config", [Problem("trainer.neighbors", "must be greater than 0")], hint="mend it")
    assert str(error) == "bad config\n  trainer.neighbors: must be greater than 0\nhint: mend it"
