"""Which class is answered: by a rule that is chosen on validation rows, and what it is worth beside the most probable class."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import decide, decode, encode
from hookline.errors import HooklineError
from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.artifacts import Features, Target
from hookline.kinds.fitted import Model, Prediction, label_text
from hookline.kinds.plain import to_json
from hookline.packages.deciding.drawing import charts_of
from hookline.packages.deciding.options import Wish, is_whole
from hookline.packages.deciding.thresholds import Thresholds, chosen, figures
from hookline.plans.plan import every
from hookline.quality.judging import numbers_of

from ... import outputs
from ...execution import Section, StageKind
from ...parts import pipeline_of, plain_answers_of, weights_in
from ..folds.unseen import unseen_answers
from ..judging import PLAIN
from ..trainer import BESIDE, training_rows

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ...execution import Execution

FACTS = "facts.json"
"""What the report says of a rule, beside it in the store."""


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Choose the rule on validation rows, and say what it and the most probable class are worth there and held out."""
    wished: Wish = run.value("wish")
    wish, target = wished.decision, run.value("target")
    assert wish is not None
    model = run.value(run.plan.of("trainer")[0].key)
    said, truth = _held_out(run)
    _require_probabilities(said, wish, target)
    rule, facts = _chosen(run, wish, target, model)
    facts["held_out"] = _both(rule, target, truth, said, weights_in(run.value("split").test))
    outputs.write(rule, folder)
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")
    # What cannot be judged, as rows without truth, an evaluator refuses; the decision does not hang on it.
    with suppress(HooklineError):
        beside = numbers_of(run.registry, training_rows(run, model, rule))
        (folder / BESIDE).write_text(json.dumps({"training": beside}), "utf-8")


def _require_probabilities(said: Prediction, rule: DecisionRule, target: Target) -> None:
    if said.probabilities is None:
        decide(said, rule, target)


def _chosen(run: Execution, wish: DecisionRule, target: Target, model: Model) -> tuple[DecisionRule, dict[str, Any]]:
    """Return the rule, and what the report says of the validation rows, where there are any."""
    import numpy as np

    by_folds = run.plan.config.options.decision.chosen_on == "folds" and not is_whole(wish)
    found = unseen_answers(run) if by_folds else _validation(run, model)
    if found is None:
        return wish, {}
    said, truth, weight = found
    chances = said.probabilities
    assert chances is not None
    rule = wish if is_whole(wish) else chosen(wish, truth, chances, weight)
    facts: dict[str, Any] = {"validation": _both(rule, target, truth, said, weight)} | (
        {"on": "folds"} if by_folds else {}
    )
    if rule.threshold is not None:
        weights = np.ones(len(truth)) if weight is None else weight
        table = Thresholds.of(truth == rule.positive, chances[:, rule.positive], weights)
        facts["charts"] = [to_json(chart) for chart in charts_of(rule, table)]
    return rule, facts


def _validation(run: Execution, model: Model) -> tuple[Prediction, Any, Any] | None:
    """Return what the model says of the validation rows, with their true class codes and weights; None where there are none."""
    valid: Features | None = run.value("features")[1]
    if valid is None:
        return None
    return decode(model.predict(valid), run.value("target")), valid.y, valid.sample_weight


def _held_out(run: Execution) -> tuple[Prediction, Any]:
    """Return what the model says of the held-out rows, with their true class codes."""
    pipeline, (rows, said) = pipeline_of(run, ruled=False), plain_answers_of(run)
    return said, encode(pipeline.truth(rows), pipeline.target)


def _both(rule: DecisionRule, target: Target, truth: Any, said: Prediction, weight: Any) -> dict[str, Any]:
    """Return what the rule's answers and the most probable classes are worth on the same rows."""
    chances: Any = said.probabilities
    answers = {"chosen": rule.codes(chances), "default": encode(said.values, target)}
    told = {name: dict(figures(rule, truth, codes, weight)) for name, codes in answers.items()}
    return {"rows": len(truth), **told}


def _section(run: Execution) -> dict[str, Any]:
    stage = run.plan["decision"]
    folder = run.workspace.store.get(stage.fingerprint)
    facts: Mapping[str, Any] = {} if folder is None else json.loads((folder / FACTS).read_text("utf-8"))
    rule: DecisionRule = run.value(stage.key)
    return {**asdict(rule), "told": in_words(rule, run.value("target"), facts.get("on") or "validation"), **facts}


def in_words(rule: DecisionRule, target: Target, on: str = "validation") -> str:
    """Say how a rule decides."""
    if rule.threshold is None:
        return "the class of the least expected cost"
    said = f"'{label_text(target.classes[rule.positive])}' from a probability of {rule.threshold:.4g} on"
    if not rule.rows:
        return said
    how = "of the least cost" if rule.wanted is None else f"for a {rule.by} of {rule.wanted:g}"
    rows = "training rows, each by a model that had not seen it" if on == "folds" else "validation rows"
    return f"{said}, {how} on {rule.rows:,} {rows}"


STAGE = StageKind(
    kind="decision",
    module=__name__,
    takes=every("wish", *PLAIN, "features"),
    makes=DecisionRule,
    wanted=lambda meant: bool(meant.config.options.decision.ways),
    write=_write,
    summarize=lambda rule: f"threshold {rule.threshold:.4g}" if rule.threshold is not None else "least expected cost",
    sections=(Section("decision", ("decision",), _section),),
)
