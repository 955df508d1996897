"""One study of optuna: opened or gone on with, asked for trials, told what became of them."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .distributions import suggest
from .pruners import Pruner
from .samplers import build_sampler, check_sampler
from .space import Scalar, Space

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from hookline.kinds.fitting import Step

Direction: TypeAlias = Literal["minimize", "maximize"]
OVERRIDES, TRIAL, ERROR, STEPS, WARM = "overrides", "sweep_trial", "error", "step_metric", "warm"
"""Names of what we write down beside optuna's own."""
RUNG = "completed_rung_"
"""Begins the names under which optuna keeps what a trial was worth when it was halved."""


@dataclass(frozen=True)
class Asked:
    """A trial that is to be run."""

    number: int
    overrides: list[str]


@dataclass
class Search:
    """A study with its space; each batch has a sampler of its own, so that going on later asks for what going on now would."""

    space: Space
    sampler: str
    seed: int
    trials: int | None
    """How many the study is to have; None for every point of the grid."""
    storage: BaseStorage | None = None
    name: str | None = None
    directions: Sequence[Direction] = ("maximize",)
    """Provisional until `direct` is told what the metrics say."""
    pruner: Pruner | None = None
    study: Study = field(init=False)
    _steps: list[Any] | None = field(default=None, init=False)
    """Name of the metric that steps report, and whether greater is better."""

    def __post_init__(self) -> None:
        import optuna

        check_sampler(self.sampler, len(self.directions))
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = self._made()

    def ask(self, count: int) -> list[Asked]:
        """Return the next trials, at most `count`; none once the study has all that it is to have."""
        from optuna.trial import TrialState

        number = len(self.study.get_trials(deepcopy=False))
        waiting = len(self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
        left = count if self.trials is None else min(count, self.trials - (number - waiting - len(self.warmed())))
        with _quietly():
            self.study.sampler = self._sampler(number)
            points = self._unseen() if self.sampler == "grid" else None
            asked = []
            for _ in range(max(left, 0)):
                if points is not None and waiting <= 0:
                    point = next(points, None)
                    if point is None:
                        break
                    self.study.enqueue_trial(point)
                waiting -= 1
                asked.append(self._draw(self.study.ask()))
        return asked

    def direct(self, directions: Sequence[Direction]) -> None:
        """Set which way each metric is better, as is known once a first trial was measured; numbers of trials stay."""
        import optuna

        if [direction.name.lower() for direction in self.study.directions] == list(directions):
            return
        trials, attributes, self.directions = self.study.get_trials(), self.study.user_attrs, directions
        if len(directions) == 1:
            trials = list(map(_flipped, trials))
        # Optuna never changes a direction, and nothing was told by it yet: no trial is complete.
        if self.name is not None and self.storage is not None:
            optuna.delete_study(study_name=self.name, storage=self.storage)
        self.study = self._made()
        for key, value in attributes.items():
            self.study.set_user_attr(key, value)
        self.study.add_trials(trials)

    def warm_up(self, trials: Sequence[FrozenTrial], directions: Sequence[Direction]) -> None:
        """Begin with trials that are known already; they are none of those that the study is to have."""
        if trials:
            self.direct(directions)
            self.study.add_trials(trials)

    def warmed(self) -> list[FrozenTrial]:
        """Return the trials that the study began with."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if WARM in trial.user_attrs]

    def tell(self, number: int, values: Sequence[float] | None, error: str = "") -> None:
        """Write down a trial's values; one without, or with any that is not finite, has failed."""
        from optuna.trial import TrialState

        trial = self._at(number)
        if values is None or not all(map(math.isfinite, values)):
            self._note(trial, ERROR, error or "its metric is not a finite number")
            self._tell(number, None, TrialState.FAIL)
        else:
            self._tell(number, values, TrialState.COMPLETE)

    def give_up(self, number: int) -> None:
        """Write down that a trial was pruned, worth what it reported last."""
        from optuna.trial import TrialState

        self._tell(number, None, TrialState.PRUNED)

    def judge(self, number: int, step: Step) -> bool:
        """Write down a step of a trial, and tell whether the pruner gives the trial up there."""
        if not self.is_comparable(step.name, greater_is_better=step.greater_is_better):
            return False
        trial = copy.copy(self._at(number))
        value = self._note_step(trial, step)
        # What an earlier try of this trial had reported of later steps is not known yet.
        before = {at: known for at, known in trial.intermediate_values.items() if at < step.step}
        trial.intermediate_values = {**before, step.step: value}
        return self.study.pruner.prune(self.study, trial)

    def fill(self, number: int, steps: Sequence[Step]) -> None:
        """Write down the steps of a trial whose model came from the store, for others to be compared with."""
        trial = self._at(number)
        if not trial.intermediate_values:
            for step in steps:
                self._note_step(trial, step)

    def is_comparable(self, name: str, *, greater_is_better: bool) -> bool:
        """Tell whether steps measure what those of the study do; the first that are reported decide that."""
        if self._steps is None:
            self._steps = self.study.user_attrs.get(STEPS)
        if self._steps is None:
            self._steps = [name, greater_is_better]
            self.study.set_user_attr(STEPS, self._steps)
        return self._steps == [name, greater_is_better]

    def place(self, number: int, trial: int) -> None:
        """Write down which trial of the sweep's ledger a trial of the study is."""
        self._note(self._at(number), TRIAL, trial)

    def unfinished(self) -> list[FrozenTrial]:
        """Return the trials that were asked for and never told."""
        from optuna.trial import TrialState

        return self.study.get_trials(states=(TrialState.RUNNING,))

    def unmeasured(self) -> bool:
        """Tell whether no trial is complete yet."""
        from optuna.trial import TrialState

        return not self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

    def _made(self) -> Study:
        import optuna

        with _quietly():
            pruner = self.pruner.build() if self.pruner else optuna.pruners.NopPruner()
        return optuna.create_study(
            storage=self.storage,
            study_name=self.name,
            directions=list(self.directions),
            load_if_exists=True,
            pruner=pruner,
        )

    def _note_step(self, trial: FrozenTrial, step: Step) -> float:
        """Write down a step so that it is better the way the study's own metric is, as pruners compare; returns the value."""
        greater = self.study.direction.name == "MAXIMIZE"
        value = step.value if step.greater_is_better == greater else -step.value
        self.study._storage.set_trial_intermediate_value(trial._trial_id, step.step, value)  # noqa: SLF001  as _note
        return value

    def _draw(self, trial: Trial) -> Asked:
        values = self.space.draw(lambda parameter: suggest(trial, parameter))
        overrides = self.space.overrides(values)
        trial.set_user_attr(OVERRIDES, overrides)
        return Asked(trial.number, overrides)

    def _unseen(self) -> Iterator[dict[str, Scalar]]:
        seen = {_frozen(trial.params) for trial in self.study.get_trials(deepcopy=False)}
        return (point for point in self.space.grid() if _frozen(point) not in seen)

    def _sampler(self, number: int) -> BaseSampler:
        import numpy as np

        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        return build_sampler(self.sampler, seed, len(self.directions), self.trials)

    def _at(self, number: int) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[number]

    def _note(self, trial: FrozenTrial, key: str, value: Any) -> None:
        self.study._storage.set_trial_user_attr(trial._trial_id, key, value)  # noqa: SLF001  a frozen trial has no setter

    def _tell(self, number: int, values: Sequence[float] | None, state: Any) -> None:
        with _quietly():
            self.study.tell(number, values, state)


def _flipped(trial: FrozenTrial) -> FrozenTrial:
    """Turn what a trial reported the other way round, as its study now has it."""
    trial.intermediate_values = {step: -value for step, value in trial.intermediate_values.items()}
    trial.system_attrs.update({key: -value for key, value in trial.system_attrs.items() if key.startswith(RUNG)})
    if trial.values is not None:
        trial.values = [-value for value in trial.values]
    return trial


def _frozen(params: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, repr(value)) for name, value in params.items())


@contextmanager
def _quietly() -> Iterator[None]:
    # Optuna says at each use that groups, liars and the like may change; that is ours to follow.
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
