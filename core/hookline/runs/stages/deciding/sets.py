"""Sets of classes that may be true: measured on validation rows, and how many held-out rows have their own in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import decode, encode
from hookline.errors import DataError
from hookline.kinds.answering.rules import PredictionSets
from hookline.kinds.artifacts import Features, Target
from hookline.kinds.fitted import label_text
from hookline.kinds.plain import to_json
from hookline.packages.deciding.conformal import measured_sets, sizes_of
from hookline.packages.deciding.options import Wish
from hookline.plans.plan import every

from ... import outputs
from ...execution import Section, StageKind
from ...parts import pipeline_of, plain_answers_of, weights_in
from ..judging import PLAIN
from .covering import FACTS, covered, section_of, tell

if TYPE_CHECKING:
    import numpy as np

    from hookline.plans.plan import Stage

    from ...execution import Execution


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Measure how likely the true class is on validation rows, and count the held-out rows that have theirs in the set."""
    import numpy as np

    wish: Wish = run.value("wish")
    valid: Features | None = run.value("features")[1]
    target: Target = run.value("target")
    assert wish.sets is not None
    assert wish.sets.coverage is not None
    assert valid is not None
    model = run.value(run.plan.of("trainer")[0].key)
    chances = decode(model.predict(valid), target).probabilities
    if chances is None:
        raise DataError(
            "the model gives no probabilities, so no set of classes can go by them",
            hint="trainer=calibrated makes probabilities of scores",
        )
    y: Any = valid.y
    rule = measured_sets(wish.sets.coverage, wish.sets.method, y, chances, valid.sample_weight)
    pipeline, (rows, said) = pipeline_of(run, ruled=False), plain_answers_of(run)
    assert said.probabilities is not None
    truth, test = encode(pipeline.truth(rows), target), run.value("split").test
    sets, weight = rule.of(said.probabilities), weights_in(test)
    within = sets[np.arange(len(truth)), truth]
    told = covered(within, weight, test)
    told["size"] = float(np.average(sets.sum(axis=1), weights=weight))
    tell("sets", rule.coverage, told)
    facts = {"held_out": told, "classes": _by_class(target, truth, within), "charts": [to_json(sizes_of(sets))]}
    outputs.write(rule, folder)
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


def _by_class(target: Target, truth: np.ndarray, within: np.ndarray) -> list[dict[str, Any]]:
    """Return how many held-out rows of each class have it in their set: the share is promised of all, and not of each."""
    return [
        {
            "class": label_text(label),
            "rows": int(own.sum()),
            "covered": float(within[own].mean()) if own.any() else None,
        }
        for label, own in ((label, truth == code) for code, label in enumerate(target.classes))
    ]


def _summarize(found: PredictionSets) -> str:
    what = "a probability of" if found.method == "lac" else "probabilities up to"
    return f"{found.coverage:g} in sets by {what} {found.limit:.4g}"


STAGE = StageKind(
    kind="sets",
    module=__name__,
    takes=every("wish", *PLAIN, "features"),
    makes=PredictionSets,
    wanted=lambda meant: meant.config.options.sets.coverage is not None,
    write=_write,
    summarize=_summarize,
    sections=(Section("sets", ("sets",), section_of("sets")),),
)
