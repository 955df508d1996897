"""A short form of `make torture`: a sweep that was killed on one host is ended by two others at once, on one home."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hookline.sweeps.ledger import Ledger
from hookline.workspace.workspace import Workspace
from kit.hosts import can_torture, hosts, strike
from kit.torture import SWEEP, Torture


@pytest.mark.skipif(not can_torture(), reason="three hosts take Linux, root, and unshare of util-linux")
def test_a_sweep_killed_on_one_host_is_ended_by_two_others_and_both_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "one for all hosts")
    home = tmp_path / "home"
    with hosts(home, "red", "green", "blue") as made:
        killed = made[0].start(*SWEEP, "hydra.launcher.n_jobs=1", "trainer.max_depth=1,2")
        assert killed.stderr is not None
        next(line for line in killed.stderr if "✓" in line)
        assert strike(killed, signal.SIGKILL)
        killed.communicate(timeout=60)
        both = [host.start("resume", "--take-over") for host in made[1:]]
        ended = [(process.communicate(timeout=120)[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    ledger = Ledger(Workspace.open(home).catalog)
    (sweep,) = ledger.sweeps()
    assert [job.status for job in ledger.jobs(sweep.id)] == ["finished"] * 2
    store = Torture(home, []).workspace.store
    assert not [path for path in (store.root / "tmp").iterdir() if path.is_dir()]
    assert all(store.problem(fingerprint) is None for fingerprint in store.entries())
