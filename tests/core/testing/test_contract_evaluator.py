"""What is promised of an evaluator of scored rows, and of one that explains, each promise with one that breaks it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Evaluator, Explanation, Metric, Model, Pipeline, Predictor, Report, Scored
from hookline.errors import DataError
from hookline.kinds.component import Component
from hookline.packages.pipeline import Pipeline as FittedPipeline
from hookline.testing import Check, CheckFailed, checks_for
from hookline.testing.tables.parts import LinearModel


class Errors(Evaluator):
    """The share of wrong labels."""

    name = "errors"
    tasks = frozenset({"binary", "multiclass"})

    def evaluate(self, scored: Scored) -> Report:
        wrong = scored.prediction().values != scored.truth()
        weight = scored.weight()
        return Report("Errors", (Metric("errors", float(np.average(wrong, weights=weight)), greater_is_better=False),))


class Asking(Errors):
    """Also asks the model, of half of its columns."""

    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        raw = scored.rows().frame.collect()
        blank = pipeline.predict(raw.with_columns(pl.lit(0).cast(pl.Int64).alias("income")) if "income" in raw else raw)
        moved = float((blank.values != scored.prediction().values).mean())
        return Report("Asking", (*super().evaluate(scored).metrics, Metric("moved", moved)))


class Former(Errors):
    """Asks for the pipeline and rows."""

    def evaluate(self, pipeline: Pipeline[Model], test: Dataset) -> Report:  # type: ignore[override]
        wrong = pipeline.predict(test.frame).values != pipeline.truth(test.frame)
        return Report("Errors", (Metric("errors", float(wrong.mean()), greater_is_better=False),))


class Surprising(Errors):
    """Measures what it does not say."""

    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"binary": ("errors",), "multiclass": ("mistakes",)}


class OfMemory(Errors):
    """Judges only what is held in memory."""

    def evaluate(self, scored: Scored) -> Report:
        return super().evaluate(scored) if scored.held else Report("Errors")


class ByName(Errors):
    """Takes any column of the name for the weights."""

    def evaluate(self, scored: Scored) -> Report:
        frame = scored.rows().frame.collect()
        wrong = scored.prediction().values != scored.truth()
        weight = frame["weight"].to_numpy() if "weight" in frame.columns else None
        return Report("Errors", (Metric("errors", float(np.average(wrong, weights=weight)), greater_is_better=False),))


class Occlusion(Errors):
    """Explains an answer by what becomes of it where a column has an ordinary value (Zeiler and Fergus, 2014)."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        names = predictor.schema.names
        before = self.surety(predictor, rows)
        usual = background.head(1)
        moved = [before - self.surety(predictor, self.covered(rows, name, usual)) for name in names]
        return Explanation(names, np.column_stack(moved), np.zeros(rows.height), "occlusion by the first ordinary row")

    def surety(self, predictor: Predictor, rows: pl.DataFrame) -> np.ndarray:
        shares = predictor.predict(rows).probabilities
        assert shares is not None
        return shares[:, -1]

    def covered(self, rows: pl.DataFrame, name: str, usual: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.lit(usual[name][0]).cast(rows.schema[name]).alias(name))


class Partial(Occlusion):
    """Leaves a column out."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        made = super().explain(predictor, rows, background)
        return dataclasses.replace(made, columns=made.columns[1:], values=made.values[:, 1:])


class Misshapen(Occlusion):
    """Has one base for all rows."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        return dataclasses.replace(super().explain(predictor, rows, background), base=np.zeros(1))


class Infinite(Occlusion):
    """Divides by nothing."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        made = super().explain(predictor, rows, background)
        return dataclasses.replace(made, values=np.full_like(made.values, np.inf))


class Sampling(Occlusion):
    """Draws what is ordinary anew each time."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        made = super().explain(predictor, rows, background)
        return dataclasses.replace(made, values=made.values + np.random.default_rng().normal(size=made.values.shape))


class Choosy(Occlusion):
    """Explains no model of the kit's."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        if isinstance(predictor, FittedPipeline) and isinstance(predictor.model, LinearModel):
            raise DataError("explains trees")
        return super().explain(predictor, rows, background)


FAULTS: Mapping[str, Callable[[], Component]] = {
    "measures_what_it_says": Surprising,
    "takes_scored_rows": Former,
    "takes_rows_read_back": OfMemory,
    "raw_names_do_not_matter": ByName,
    "explains_each_column_and_row": Partial,
    "explains_the_same_twice": Sampling,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


@pytest.mark.parametrize("component", [Asking(), Occlusion(), Choosy()], ids=lambda part: type(part).__name__)
def test_a_good_evaluator_passes(component: Component) -> None:
    for check in checks_for(component):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^evaluator 'errors': "):
        named(FAULTS[name](), name)()


@pytest.mark.parametrize(
    ("component", "told"),
    [(Misshapen(), "a base of shape \\(1,\\)"), (Infinite(), "a number that is not finite")],
    ids=lambda part: type(part).__name__ if isinstance(part, Evaluator) else "",
)
def test_another_fault_of_an_explanation_is_told(component: Evaluator, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, "explains_each_column_and_row")()


def test_an_evaluator_of_the_former_contract_is_told_what_to_take() -> None:
    with pytest.raises(CheckFailed, match="takes test: Dataset; let it take `scored: Scored`"):
        named(Former(), "takes_scored_rows")()
