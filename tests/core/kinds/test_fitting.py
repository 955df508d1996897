"""What a fit reports while it goes on: kept small, judged evenly, and free where nobody listens."""

from __future__ import annotations

import itertools

import pytest

from hookline import Finding, report_finding, report_step
from hookline.errors import Pruned
from hookline.kinds.fitting import MOST_POINTS, Curve, Step, findings_in, judged_by, steps_in


def test_outside_a_run_nothing_happens() -> None:
    with judged_by(lambda _: True):
        report_step(1, 0.5)
        report_step(1, 0.5)


def test_steps_become_a_curve() -> None:
    curve = Curve()
    with steps_in(curve):
        report_step(1, 0.5, name="accuracy", greater_is_better=True)
        report_step(4, 0.75, name="accuracy", greater_is_better=True)
    assert curve.plain() == {"name": "accuracy", "greater_is_better": True, "points": [[1, 0.5], [4, 0.75]]}


@pytest.mark.parametrize("steps", [1, 999, 1_000, 1_001, 4_321, 100_000])
def test_a_long_curve_is_thinned_evenly_and_keeps_its_ends(steps: int) -> None:
    curve = Curve()
    with steps_in(curve):
        for step in range(1, steps + 1):
            report_step(step, 1 / step)
    shown = [step for step, _ in curve.plain()["points"]]
    assert len(shown) <= MOST_POINTS
    assert len(shown) >= min(steps, MOST_POINTS // 2)
    assert (shown[0], shown[-1]) == (1, steps)
    assert len({after - before for before, after in itertools.pairwise(shown[:-1])}) <= 1


def test_a_fit_that_is_judged_badly_is_stopped_at_that_step() -> None:
    with steps_in(Curve()), judged_by(lambda step: step.value > 2), pytest.raises(Pruned) as stopped:
        for step, value in enumerate((1, 2, 3, 4), 1):
            report_step(step, value, name="valid_loss")
    assert (stopped.value.step, stopped.value.name, stopped.value.value) == (3, "valid_loss", 3.0)
    assert str(stopped.value) == "step 3, valid_loss 3"


def test_of_many_steps_fewer_and_fewer_are_judged() -> None:
    told: list[Step] = []

    def judge(step: Step) -> bool:
        told.append(step)
        return False

    with steps_in(Curve()), judged_by(judge):
        for step in range(1, 1_601):
            report_step(step, 0.0)
    judged = [step.step for step in told]
    assert judged[:101] == [*range(1, 101), 101]
    assert [sum(low <= step - 1 < 2 * low for step in judged) for low in (100, 200, 400, 800)] == [50] * 4


@pytest.mark.parametrize(
    ("again", "told"), [((1, "loss"), "step 1 comes after step 1"), ((2, "auc"), "'auc' comes after 'loss'")]
)
def test_steps_that_cannot_be_one_curve_are_an_error(again: tuple[int, str], told: str) -> None:
    with steps_in(Curve()):
        report_step(1, 0.5)
        with pytest.raises(ValueError, match=told):
            report_step(again[0], 0.4, name=again[1])


def test_a_finding_reaches_whoever_listens_and_nobody_else() -> None:
    finding = Finding("bill", "chosen", 1.0, 0.0, "info", "it was chosen")
    heard: list[Finding] = []
    report_finding(finding)
    with findings_in(heard):
        report_finding(finding)
    report_finding(finding)
    assert heard == [finding]
