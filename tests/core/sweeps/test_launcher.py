"""The launcher that a sweep had is found again by what its ledger keeps, in a process that composed nothing before."""

from __future__ import annotations

from hookline.sweeps.hydra.launcher import HooklineLauncher, kept_launcher


def test_a_resumed_sweep_goes_on_with_the_launcher_and_the_settings_that_it_had() -> None:
    kept = kept_launcher({"launcher": {"option": "hookline", "n_jobs": 2, "timeout": 30.0, "retries": 1}})
    assert type(kept) is HooklineLauncher
    assert (kept.workers, kept.limits.timeout, kept.limits.retries) == (2, 30.0, 1)


def test_a_sweep_that_kept_no_settings_is_resumed_by_ours_and_asked_workers_count_first() -> None:
    assert kept_launcher({}, 3).workers == 3
