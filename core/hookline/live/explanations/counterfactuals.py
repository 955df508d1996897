"""What would have to be otherwise in one row for another answer, within what its contract allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline.errors import DataError, UsageError
from hookline.errors import closest as closest_name
from hookline.kinds.artifacts import Target
from hookline.kinds.deployments import Trust

from .altering import Search
from .explaining import Question, ask
from .ground import Aim, Ground, short_of

if TYPE_CHECKING:
    import polars as pl

MOST_CHANGES = 3
"""Columns that a way to another answer changes at most."""
Want: TypeAlias = Any
"""A class, or of numbers (lowest, highest), None where there is no such bound."""


@dataclass(frozen=True)
class Counterfactual:
    """One way to another answer.

    changes: column -> its value before and after; row: all of it, changed; answer: what it is answered; distance: the sum of the
    changes, of numbers in median absolute deviations of ordinary rows (Wachter et al. 2017), of others 1 each
    """

    changes: Mapping[str, tuple[Any, Any]]
    row: Mapping[str, Any]
    answer: Any
    probability: float | None
    """Of what is wanted; None of numbers, and where the model tells none."""
    distance: float


@dataclass(frozen=True)
class Counterfactuals:
    """Ways from a row to another answer, those of few and small changes first; none where none was found.

    answer: of the row as it is; want: in words; closest: what came closest where none was found; told: what was searched
    """

    model: str
    version: int | None
    answer: Any
    want: str
    found: tuple[Counterfactual, ...]
    closest: Counterfactual | None
    told: str

    def frame(self) -> pl.DataFrame:
        """Return a line a change: way (from 0), column, before, after (as texts), answer, distance."""
        import polars as pl

        lines = [
            {"way": way, "column": name, "before": _text(before), "after": _text(after), "answer": _text(one.answer)}
            | {"distance": one.distance}
            for way, one in enumerate(self.found)
            for name, (before, after) in one.changes.items()
        ]
        texts = dict.fromkeys(("column", "before", "after", "answer"), pl.String)
        return pl.DataFrame(lines, schema={"way": pl.Int64, **texts, "distance": pl.Float64})

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        said: dict[str, Any] = {"model": self.model, "version": self.version, "answer": self.answer, "want": self.want}
        nearest = None if self.closest is None else _plain(self.closest)
        return said | {"found": [_plain(one) for one in self.found], "closest": nearest, "told": self.told}

    def _repr_html_(self) -> str:
        return self.frame()._repr_html_()


def counterfactual(
    model: str | Path,
    row: Any,
    *,
    want: Want = None,
    keep: Sequence[str] = (),
    most_changes: int = MOST_CHANGES,
    n: int = 3,
    most_asked: int = 20_000,
    seconds: float = 10.0,
    background: Any = None,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> Counterfactuals:
    """Find what would have to be otherwise in a row for the model to answer otherwise.

    Few columns are changed, by little, to values that ordinary rows have and the input contract allows; a value is never taken
    away. Combinations of changes are tried by their number (as GeCo does, Schleich et al. 2021), the distance is that of
    Wachter et al. (2017), and each way changes other columns (as DiCE wants it, Mothilal et al. 2020). The same each time, but
    for where `seconds` cut it short. It tells what the model does, not what would happen in the world.

    model: as for `load`; row: a mapping, or one row of whatever `explain` takes
    want: the class, by default the likeliest other one; of numbers (lowest, highest), None where there is no such bound
    keep: columns that stay as they are; most_changes: columns that a way changes at most; n: ways at most
    most_asked: rows that the model is asked about at most; background: as for `explain`
    Raises UsageError for what cannot be wanted or kept, and what `explain` raises.
    """
    question = ask(model, row, background, None, trust, contract, None, home)
    return search(
        question, want=want, keep=keep, most_changes=most_changes, n=n, most_asked=most_asked, seconds=seconds
    )


def search(
    question: Question,
    *,
    want: Want = None,
    keep: Sequence[str] = (),
    most_changes: int = MOST_CHANGES,
    n: int = 3,
    most_asked: int = 20_000,
    seconds: float = 10.0,
) -> Counterfactuals:
    """Find ways from the one row of a question to another answer; takes and raises what `counterfactual` does."""
    if question.rows.height != 1:
        raise UsageError(f"one row is changed at a time, and {question.rows.height} are given", hint="give one of them")
    if min(most_changes, n, most_asked) < 1 or seconds <= 0:
        raise UsageError("most_changes, n, most_asked and seconds must be greater than 0")
    names = question.package.schema.names
    for name in keep:
        if name not in names:
            match = closest_name(name, names)
            raise UsageError(
                f"the model takes no column '{name}' that could stay as it is",
                hint=f"did you mean '{match}'?" if match else f"it takes {', '.join(names)}",
            )
    wish = _wish(question, want)
    ground = Ground.of(question, keep)
    made = Search(ground.asker(wish), ground.moves, ground.far, ground.between, most_asked, seconds)
    ways, nearest = made.find(most_changes, n)
    counted = [_made(question, ground, wish, one.changes, one.distance) for one in ways]
    missed = None if nearest is None or ways else _made(question, ground, wish, nearest.changes, nearest.distance)
    told = f"{made.asked:,} rows asked, up to {most_changes} of {len(ground.moves)} columns changed"
    if made.is_over:
        told += f"; the budget ended it ({most_asked:,} rows, {seconds:g} s)"
    if not ways:
        told = f"none found: {told}"
    name, (answer,) = str(question.package.manifest["name"]), question.prediction.frame()["prediction"].to_list()
    return Counterfactuals(name, question.version, answer, wish.told, tuple(counted), missed, told)


def _made(question: Question, ground: Ground, wish: Aim, changes: Mapping[str, Any], distance: float) -> Counterfactual:
    row = ground.rows([changes])
    said = question.package.predict(row)
    (answer,) = said.frame()["prediction"].to_list()
    probabilities, code = said.probabilities, wish.code
    chance = None if probabilities is None or code is None else float(probabilities[0, code])
    (before,), (after,) = question.rows.to_dicts(), row.to_dicts()
    return Counterfactual({name: (before[name], after[name]) for name in changes}, after, answer, chance, distance)


def _wish(question: Question, want: Want) -> Aim:
    """Return what is wanted, checked; raises UsageError."""
    target = question.package.target
    wish = Aim.number(target, want) if target.task == "regression" else _class(question, target, want)
    if float(short_of(wish, target, question.prediction)[0]) == 0:
        raise UsageError(f"the row is answered as wanted already: {wish.told}", hint="want something else")
    return wish


def _class(question: Question, target: Target, want: Want) -> Aim:
    (own,) = question.prediction.values.tolist()
    if want is None:
        others = [label for label in target.classes if label != own]
        chances = question.prediction.probabilities
        if chances is not None:
            others.sort(key=lambda label: -float(chances[0, target.classes.index(label)]))
        if not others:
            raise DataError(f"the model knows one class only, {own}")
        return Aim.label(target, others[0])
    label = next((one for one in target.classes if one == want or str(one) == str(want)), None)
    if label is None:
        raise UsageError(
            f"the model answers no class '{want}'", hint=f"it answers {', '.join(map(str, target.classes[:20]))}"
        )
    return Aim.label(target, label)


def _plain(one: Counterfactual) -> dict[str, Any]:
    changes = {name: {"before": before, "after": after} for name, (before, after) in one.changes.items()}
    return {"changes": changes, "row": dict(one.row), "prediction": one.answer, "probability": one.probability} | {
        "distance": one.distance
    }


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:.6g}" if isinstance(value, float) else f"{value}"
