"""Carries the retraining of a model on, step by step: each is on record before the next begins, and may be begun anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hookline.errors import GateFailed, HooklineError, StoreError, UsageError
from hookline.kinds.deployments import Trust
from hookline.kinds.plain import plain
from hookline.packages.loading import load_package
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import Registry
from hookline.telling.secrets import logger, redacted
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.retrainings import Letters, Retraining, Status
from hookline.workspace.home import home_in
from hookline.workspace.workspace import Workspace

from ..deploying.choosing import chosen
from ..deploying.weighing import weigh
from ..log.times import span_of
from .challengers.lessons import bound_of, learned_by, told
from .challengers.making import Making
from .letters import letters_of, told_over
from .opening import Opener, Opening
from .releasing import NOBODY, follow, release
from .rules import RetrainRules
from .settings import rules_for, rules_in
from .testing import Tested, compared, loss_of

log = logger("hookline.live")

KEPT_RISK = 0.05
"""How probable it is that a challenger which is as good is refused for the rows that are kept aside."""


Step = Callable[[Retraining, datetime], Retraining]
"""Takes a retraining further, or leaves it as it is."""


@dataclass(frozen=True)
class Look:
    """What one look came to."""

    retraining: Retraining | None = None
    """The one that is under way, or that ended in this look."""
    held: tuple[str, ...] = ()
    """What keeps one from being opened that would be."""
    warnings: tuple[str, ...] = ()


@dataclass
class Retrainer:
    """Opens and carries on the retrainings of one model, while no other process does."""

    workspace: Workspace
    registry: Registry
    model: str
    said: Mapping[str, Any] = field(default_factory=dict)
    """Rules that stand above those of the home's settings."""
    trust: Trust | None = None

    def look(self, now: datetime | None = None) -> Look:
        """Carry on what is under way, as far as it goes; where there is nothing, open what is to be opened.

        Raises ConfigError for wrong rules, and what the catalog raises.
        """
        now = now or datetime.now(UTC)
        with home_in(self.workspace.home):
            under_way = self.workspace.catalog.retrainings.under_way(self.model)
            if under_way is not None:
                return Look(self._carried_on(under_way, now))
            opening = self._opener(now).by_itself()
            return Look() if opening is None else self._opened(opening, now)

    def by_hand(self, who: str, why: str | None, now: datetime | None = None) -> Retraining:
        """Open a retraining, and carry it on; raises UsageError where one is under way or something keeps it from that."""
        now = now or datetime.now(UTC)
        rules_for(self.model, self.workspace.home, self.said)
        with home_in(self.workspace.home):
            if (one := self.workspace.catalog.retrainings.under_way(self.model)) is not None:
                raise UsageError(
                    f"retraining {one.number} of '{self.model}' is under way: {one.told or one.status}",
                    hint=f"to end it: hookline retrain stop {self.model}",
                )
            looked = self._opened(self._opener(now).by_hand(who, why), now)
            if looked.retraining is None:
                raise UsageError(f"'{self.model}' is not retrained: {'; '.join(looked.held)}", hint=self._hint)
            return looked.retraining

    def opener(self, now: datetime | None = None) -> Opener:
        """Return who says what would open a retraining now."""
        return self._opener(now or datetime.now(UTC))

    def unable(self, rules: RetrainRules) -> HooklineError | None:
        """Return why the champion cannot be retrained by some rules at all; None where it can."""
        try:
            with home_in(self.workspace.home):
                self._check(rules, self._champion())
        except HooklineError as error:
            return error
        return None

    @property
    def _hint(self) -> str:
        return f"`hookline retrain status {self.model}` says what there is; retrain.guards in settings.yaml, what is wanted"

    def _opener(self, now: datetime) -> Opener:
        rules = rules_for(self.model, self.workspace.home, self.said)
        champion = self._champion()
        read = partial(told, self.registry, self.workspace, self.model, champion)
        return Opener(self.workspace, self.model, rules, champion, read, now)

    def _champion(self) -> ModelRecord:
        """Return the version in charge; the newest where no policy says one."""
        policy = self.workspace.catalog.deployments.current(self.model)
        return self.workspace.catalog.models.get(self.model, None if policy is None else policy.version)

    def _opened(self, opening: Opening, now: datetime) -> Look:
        if opening.objections:
            return Look(held=opening.objections, warnings=opening.warnings)
        rules, champion = rules_for(self.model, self.workspace.home, self.said), self._champion()
        self._check(rules, champion)
        opened = {**opening.opened, "warnings": list(opening.warnings)}
        new = Retraining(self.model, rules.policy, champion.version, opened, opening.lesson, plain(rules))
        made = self.workspace.catalog.retrainings.open(new, self._letters(new))
        if made is None:
            return Look(held=("another one was opened meanwhile",))
        log.warning("%s: retraining %s is opened by %s", self.model, made.number, opening.opened["said"])
        return Look(self._carried_on(made, now), warnings=opening.warnings)

    def _check(self, rules: RetrainRules, champion: ModelRecord) -> None:
        """Raise ConfigError or UsageError where a challenger could not be made so, or not be released."""
        Making(self.registry, self.workspace, rules, self.trust).check(champion)
        if rules.then != NOBODY:
            chosen(self.registry, rules.then, None)

    def _carried_on(self, one: Retraining, now: datetime) -> Retraining:
        steps = {"making": self._make, "trial": self._try, "released": self._follow}
        while one.is_under_way:
            after = self._step(steps[one.status], one, now)
            if after.status == one.status:
                return after
            log.warning("%s: retraining %s is %s: %s", self.model, after.number, after.status, after.told)
            one = after
        return one

    def _step(self, step: Step, one: Retraining, now: datetime) -> Retraining:
        """Take a step; what fails before anything is in force ends the retraining, and the champion stays."""
        try:
            return step(one, now)
        except GateFailed as error:
            if one.status == "released":
                raise
            return self._change(one, "refused", error.message)
        except StoreError:
            # What is out of reach now may be there the next time.
            raise
        except Exception as error:  # a plugin's may be any
            if one.status == "released":
                raise
            return self._change(one, "failed", f"{type(error).__name__}: {error}")

    def _rules(self, one: Retraining) -> RetrainRules:
        """Return the rules that a retraining was opened by."""
        return rules_in(one.rules)

    def _change(self, one: Retraining, status: Status, said: str, **values: Any) -> Retraining:
        changed = {"status": status, "told": redacted(said), **values}
        return self.workspace.catalog.retrainings.change(one, self._letters(replace(one, **changed)), **changed)

    def _letters(self, new: Retraining) -> Letters:
        """Return what says what is to be told; over which channels is asked before the catalog is written to."""
        channels = told_over(self.workspace, self.registry, new)
        return lambda one: letters_of(one, channels)

    def _make(self, one: Retraining, now: datetime) -> Retraining:
        if (other := self._champion().version) != one.champion:
            return self._change(one, "overtaken", f"v{other} is in charge by now, and no longer v{one.champion}")
        made = Making(self.registry, self.workspace, self._rules(one), self.trust).make(one)
        refusal, figures = self._at_once(replace(one, version=made.version, run_id=made.run_id))
        facts = {"version": made.version, "run_id": made.run_id, "figures": figures}
        if refusal:
            return self._change(one, "refused", refusal, **facts)
        seen = self.workspace.catalog.labels.last(self.model)
        return self._change(one, "trial", f"v{made.version} waits for labels to come", seen=seen, **facts)

    def _at_once(self, one: Retraining) -> tuple[str, dict[str, Any]]:
        """Return why a challenger is refused without a trial, and the figures of the rows that are kept aside."""
        champion, challenger = self._records(one)
        standing = weigh(self.workspace, challenger, read_manifest(Path(challenger.path)), champion)
        known = told(self.registry, self.workspace, self.model, champion)
        fresh = known.fresh(learned_by(self.workspace, champion), bound_of(one))
        rules = self._rules(one)
        tested = self._compared(one, known.kept(fresh, rules.keep), KEPT_RISK)
        figures = {} if tested is None else {"kept": tested.plain}
        if challenger.version == champion.version:
            return "it came to the very version that is in charge: there was nothing new to learn", figures
        if standing.unfit:
            return "; ".join(standing.unfit), figures
        if tested is not None and tested.is_worse:
            return (
                f"it is worse on rows that are kept aside: {tested.said(champion.version, challenger.version)}",
                figures,
            )
        return "", figures

    def _compared(self, one: Retraining, rows: Any, risk: float) -> Tested | None:
        champion, challenger = (load_package(Path(r.path), self.registry, self.trust) for r in self._records(one))
        trial = self._rules(one).trial
        return compared(rows, champion, challenger, loss_of(trial, champion.target), risk)

    def _records(self, one: Retraining) -> tuple[ModelRecord, ModelRecord]:
        models = self.workspace.catalog.models
        return models.get(self.model, one.champion), models.get(self.model, one.version)

    def _try(self, one: Retraining, now: datetime) -> Retraining:
        """Look at the labels that came since the challenger was made, however often, and say where they decide."""
        if (other := self._champion().version) != one.champion:
            ended: Status = "promoted" if other == one.version else "overtaken"
            return self._change(one, ended, f"v{other} is in charge by now, and no longer v{one.champion}")
        trial, labels = self._rules(one).trial, self.workspace.catalog.labels.last(self.model)
        is_over = one.began is not None and now - one.began > span_of(trial.patience, "retrain.trial.patience")
        if one.figures.get("labels") == labels and not is_over:
            return one
        champion, challenger = self._records(one)
        guards = self._rules(one).guards
        lag = span_of(guards.lag, "retrain.guards.lag")
        known = told(self.registry, self.workspace, self.model, champion)
        rows = known.later(one.seen, now - lag if lag else None).head(trial.most)
        tested = self._compared(one, rows, self._risk(one)) if len(rows) >= trial.least else None
        figures = {**one.figures, "labels": labels, "rows": len(rows)} | (
            {} if tested is None else {"trial": tested.plain}
        )
        said = "" if tested is None else tested.said(champion.version, challenger.version)
        if tested is not None and tested.is_better:
            line = f"; hookline models promote {self.model}:{one.version} puts it in charge"
            by_hand = line if self._rules(one).then == NOBODY else ""
            return self._change(one, "released", f"it is better: {said}{by_hand}", figures=figures)
        if tested is not None and tested.is_worse:
            return self._change(one, "refused", f"it is worse: {said}", figures=figures)
        if is_over or len(rows) >= trial.most:
            why = said or f"{len(rows):,} labels came, and {trial.least:,} are wanted"
            return self._change(one, "undecided", f"nothing is proven: {why}", figures=figures)
        waits = f"v{challenger.version} is tested: {said or f'{len(rows):,} of {trial.least:,} labels came'}"
        return self._change(one, "trial", waits, figures=figures)

    def _risk(self, one: Retraining) -> float:
        """Return the part of the risk that falls to this challenger: of the k-th against one champion, 1 / (k (k + 1))."""
        past = self.workspace.catalog.retrainings.of(self.model)
        before = [
            r
            for r in past
            if r.champion == one.champion and "trial" in r.figures and (r.number or 0) < (one.number or 0)
        ]
        place = len(before) + 1
        return self._rules(one).trial.risk / (place * (place + 1))

    def _follow(self, one: Retraining, now: datetime) -> Retraining:
        release(self.registry, self.workspace, one, self._rules(one).then)
        status, said = follow(self.workspace, one)
        return self._change(one, status, said or one.told)
