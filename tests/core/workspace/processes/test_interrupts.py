"""However often Ctrl-C is pressed, what must be written down is written first."""

from __future__ import annotations

import signal

import pytest

from hookline.workspace.processes.interrupts import interruptible_in


def press(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def working() -> None:
    press()


def test_a_signal_interrupts_the_work_and_no_further_one_what_is_written_after_it() -> None:
    written: list[str] = []
    with pytest.raises(KeyboardInterrupt), interruptible_in(working):
        try:
            working()
        finally:
            press(5)
            written.append("interrupted")
    assert written == ["interrupted"]


def test_a_signal_between_works_comes_once_the_block_has_ended() -> None:
    written: list[str] = []
    with pytest.raises(KeyboardInterrupt), interruptible_in(working):
        press(2)
        written.append("finished")
    assert written == ["finished"]


def test_a_signal_is_not_lost_behind_another_error() -> None:
    def failing() -> None:
        with interruptible_in(working):
            press()
            raise ValueError("something else")

    with pytest.raises(KeyboardInterrupt):
        failing()


def test_a_signal_that_the_caller_is_handling_hides_no_further_one() -> None:
    written: list[str] = []

    def again() -> None:
        try:
            working()
        except KeyboardInterrupt:
            with interruptible_in(working):
                press()
                written.append("finished")

    with pytest.raises(KeyboardInterrupt):
        again()
    assert written == ["finished"]


def test_what_signals_did_before_they_do_again(request: pytest.FixtureRequest) -> None:
    # A library that another test has used may have one of its own.
    own = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(signal.SIGTERM, own))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with interruptible_in(working):
        assert signal.getsignal(signal.SIGINT) is not before[0]
        assert signal.getsignal(signal.SIGTERM) is before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
