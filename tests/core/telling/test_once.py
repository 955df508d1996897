"""A fault that comes again and again is told once."""

from __future__ import annotations

from hookline.telling.once import Once


def test_a_fault_is_told_when_it_is_new_or_was_over() -> None:
    told: list[str] = []
    once = Once(told.append)
    for said in ("away", "away", "locked", "away"):
        once.fault(OSError(said))
    assert told == ["away", "locked", "away"]
    once.well()
    once.fault(OSError("away"))
    assert told[3:] == ["away"]
