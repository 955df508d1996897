"""A process that was forked after a run is told so at once, where it would else wait for ever."""

from __future__ import annotations

from kit.processes import run_python

FORKED = """
import os, signal, warnings
import hookline as hl
from hookline.errors import HooklineError

warnings.simplefilter("ignore", DeprecationWarning)  # Later Pythons warn of a fork beside threads.
QUICK = ("source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")

def forked(name, act):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            act()
            print(name, "works", flush=True)
        except HooklineError as error:
            print(name, type(error).__name__, "was forked" in error.message, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name

forked("early", lambda: hl.run(*QUICK))
run = hl.run(*QUICK)
rows = [{column.name: 1.0 for column in run.predictor.schema.columns}]
run.predict(rows)
forked("predict", lambda: run.predict(rows))
forked("run", lambda: hl.run(*QUICK, "seed=1"))
"""


def test_what_is_forked_after_a_run_neither_predicts_nor_runs_and_says_why() -> None:
    told = run_python(FORKED, timeout=150).stdout.splitlines()
    assert told == ["early works", "predict UsageError True", "run UsageError True"]
