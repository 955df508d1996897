"""The parity certificate: that a package, and what a client is answered, agree with the native pipeline row by row."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import codec
from .artifacts import Prediction, Schema, Target
from .capabilities import AnswersAsServed
from .components import Limit, Packager, Predictor
from .contract import rejected_mask
from .edges import EdgeRows, plain_row
from .errors import DataError, ExportError
from .packages import Parity, differences, spread_of
from .pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

CERTIFICATE = "certificate.json"
HELD_OUT = "held_out"
MOST_ALONE = 200
"""Questions that a sort's refused rows are told apart by; what is beyond is counted as left out."""
MOST_REFUSED = 8
"""Rows that the contract rejects which are asked all the same."""
WORST = 3
SERVED_ROWS = 200
"""Held-out rows that are asked as a client would."""
SERVED_BATCH = 400
SERVED_TOLERANCE = 1e-9
"""What the order in which a library sums up may change, whatever the format."""

Ask = Callable[["pl.DataFrame"], Prediction]


@dataclass(frozen=True)
class WorstRow:
    """A row on which two forms differ most. row: its raw values; native, answered: a label, a number, or the refusal."""

    difference: float
    native: Any
    answered: Any
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How two forms agree on one sort of rows.

    max_difference, changed_decisions: as in `Parity`, of the rows that count; infinite where only one of them answers
    refused: rows that both refuse, with the same kind of error
    beyond_limit: rows past a limit that the format states, of which `beyond_limit_differing` differ; they do not count
    left_out: rows that were not compared
    """

    sort: str
    rows: int
    max_difference: float
    changed_decisions: int
    ok: bool
    refused: int = 0
    beyond_limit: int = 0
    beyond_limit_differing: int = 0
    left_out: int = 0
    worst: tuple[WorstRow, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """What was compared with the native pipeline, on which rows, and how well it agrees."""

    subject: str
    """The packager's name, or `served by <deployer>`."""
    tolerance: float
    seed: int
    agreements: tuple[Agreement, ...] = field(default_factory=tuple)
    limit: str | None = None
    """Where the format says that it may differ, and why."""

    @property
    def ok(self) -> bool:
        """Whether every sort of row agrees."""
        return all(agreement.ok for agreement in self.agreements)


def certify(
    packager: Packager, pipeline: Pipeline[Any], packaged: Predictor, held_out: pl.DataFrame, edges: EdgeRows
) -> Certificate:
    """Compare a package with its pipeline on held-out and edge rows, raw."""
    limit = packager.limit(pipeline)
    asked = _Comparison.of(pipeline, packaged.predict, packager.tolerance, held_out)
    beyond = _beyond(limit, pipeline, edges) if limit else None
    found = [*asked.on(held_out, [HELD_OUT] * held_out.height), *asked.on(edges.frame, edges.sorts, beyond)]
    found = [replace(one, left_out=one.left_out + edges.left_out.get(one.sort, 0)) for one in found]
    said = None if limit is None else f"{limit.reason} (numbers, raw or as features, from {limit.largest:g} on)"
    return Certificate(packager.name, packager.tolerance, edges.seed, tuple(found), said)


def certify_served(
    deployer: AnswersAsServed, name: str, packaged: Predictor, tolerance: float, held_out: pl.DataFrame, edges: EdgeRows
) -> Certificate:
    """Compare what a client is answered with what the package predicts, on held-out and edge rows, raw."""
    tolerance = max(tolerance, SERVED_TOLERANCE)

    def served(frame: pl.DataFrame) -> Prediction:
        return _as_client(deployer, packaged, frame)

    asked = _Comparison.of(packaged, served, tolerance, held_out)
    found = [*asked.on(held_out, [HELD_OUT] * held_out.height), *asked.on(edges.frame, edges.sorts)]
    return Certificate(f"served by {name}", tolerance, edges.seed, tuple(found))


def require_agreement(certificate: Certificate, subject: str, hint: str) -> None:
    """Raise ExportError naming the sorts of rows on which a certificate does not agree, with an example."""
    bad = [agreement for agreement in certificate.agreements if not agreement.ok]
    if not bad:
        return
    lines = [f"{subject} changes predictions (tolerance {certificate.tolerance:g}):"]
    for one in bad:
        kind = "held-out" if one.sort == HELD_OUT else f"generated {one.sort}"
        lines.append(
            f"  on {one.rows} {kind} rows the largest difference is {one.max_difference:.3g}, and "
            f"{one.changed_decisions} decisions changed" + _example(one)
        )
    raise ExportError("\n".join(lines), hint=hint)


def _example(agreement: Agreement) -> str:
    if not agreement.worst:
        return ""
    worst = agreement.worst[0]
    shown = ", ".join(f"{name}={value!r}" for name, value in list(worst.row.items())[:6])
    more = ", ..." if len(worst.row) > 6 else ""
    return f": {worst.native!r} became {worst.answered!r} for {shown}{more}"


@dataclass(frozen=True)
class _Comparison:
    """Two ways to be answered for the same raw rows."""

    target: Target
    schema: Schema
    native: Ask
    other: Ask
    tolerance: float
    spread: float
    """Of the native numbers on held-out rows; see `Parity`."""

    @classmethod
    def of(cls, native: Predictor, other: Ask, tolerance: float, held_out: pl.DataFrame) -> _Comparison:
        """Compare a predictor with another way to ask."""
        spread = spread_of(native.target, native.predict(held_out))
        return cls(native.target, native.schema, native.predict, other, tolerance, spread)

    def on(self, frame: pl.DataFrame, sorts: Sequence[str], beyond: np.ndarray | None = None) -> list[Agreement]:
        """Compare them on rows, all at once, and tell it sort by sort. beyond: rows past the format's limit, (n,)."""
        import numpy as np

        told = _Told.empty(frame.height)
        kept = self._worth_asking(frame, sorts)
        self._compare(frame, kept, told, [MOST_ALONE])
        past = np.zeros(frame.height, dtype=bool) if beyond is None else beyond
        names = np.array(sorts, dtype=object)
        return [self._agreement(sort, frame, names == sort, told, past) for sort in dict.fromkeys(sorts)]

    def _worth_asking(self, frame: pl.DataFrame, sorts: Sequence[str]) -> np.ndarray:
        """Return the positions of rows, without most of those that the contract rejects wherever they are asked."""
        import numpy as np

        if not frame.height or sorts[0] == HELD_OUT:
            return np.arange(frame.height)
        rejected = rejected_mask(frame, self.schema).to_numpy()
        return np.sort(np.concatenate([np.flatnonzero(~rejected), np.flatnonzero(rejected)[:MOST_REFUSED]]))

    def _agreement(self, sort: str, frame: pl.DataFrame, mine: np.ndarray, told: _Told, past: np.ndarray) -> Agreement:
        counted = told.asked & mine & ~past
        excused = told.asked & mine & past
        largest = float(told.difference[counted].max(initial=0.0))
        return Agreement(
            sort,
            int((told.asked & mine).sum()),
            largest,
            int(told.changed[counted].sum()),
            largest <= self.tolerance,
            int((told.refused & mine).sum()),
            int(excused.sum()),
            int((told.difference[excused] > self.tolerance).sum()),
            int((mine & ~told.asked).sum()),
            self._worst(frame, (mine & told.asked).nonzero()[0].tolist(), told, past),
        )

    def _compare(self, frame: pl.DataFrame, places: np.ndarray, told: _Told, budget: list[int]) -> None:
        """Fill `told` for rows; where either refuses, their halves are asked again, until each row is told by itself."""
        if not len(places):
            return
        rows = frame[places]
        one, other = _ask(self.native, rows), _ask(self.other, rows)
        if isinstance(one, Prediction) and isinstance(other, Prediction):
            told.difference[places], told.changed[places] = differences(
                self.target, one, other, self.tolerance, self.spread
            )
            told.asked[places] = True
            for place, pair in zip(places, zip(one.values.tolist(), other.values.tolist(), strict=True), strict=True):
                told.answers[place] = pair
        elif len(places) == 1:
            same = _alike(one, other)
            told.asked[places], told.refused[places] = True, same
            told.difference[places], told.changed[places] = (0.0, False) if same else (float("inf"), True)
            told.answers[int(places[0])] = (_answer(one), _answer(other))
        else:
            half = len(places) // 2
            for part in (places[:half], places[half:]):
                if budget[0] > 0:
                    budget[0] -= 1
                    self._compare(frame, part, told, budget)

    def _worst(self, frame: pl.DataFrame, places: Sequence[int], told: _Told, past: np.ndarray) -> tuple[WorstRow, ...]:
        # What counts comes first, then the rows that are past the limit.
        order = sorted(places, key=lambda place: (past[place], -told.difference[place]))
        names = [name for name in self.schema.names if name in frame.columns]
        return tuple(
            WorstRow(
                float(told.difference[place]),
                told.answers[place][0],
                told.answers[place][1],
                plain_row(frame.select(names).row(place, named=True)),
            )
            for place in order[:WORST]
            if told.difference[place] > 0
        )


@dataclass
class _Told:
    """What became of each row. difference: float64 (n,); changed, refused, asked: bool (n,)."""

    difference: np.ndarray
    changed: np.ndarray
    refused: np.ndarray
    asked: np.ndarray
    answers: list[Any]

    @classmethod
    def empty(cls, rows: int) -> _Told:
        import numpy as np

        masks = [np.zeros(rows, dtype=bool) for _ in range(3)]
        return cls(np.zeros(rows), masks[0], masks[1], masks[2], [None] * rows)


def _ask(predict: Ask, rows: pl.DataFrame) -> Prediction | Exception:
    """Return an answer or the refusal; numbers that overflow on the way are part of the question."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return predict(rows)
        except Exception as error:  # noqa: BLE001  a model or a library may raise anything for an odd row, and that is the answer
            return error


def _alike(one: Any, other: Any) -> bool:
    """Tell whether both refuse with the same kind of error: a contract's rejection, over HTTP, is the 422 of any bad data."""
    return type(one) is type(other) or (isinstance(one, DataError) and isinstance(other, DataError))


def _answer(found: Prediction | Exception) -> Any:
    if isinstance(found, Prediction):
        return found.values.tolist()[0]
    return f"{type(found).__name__}: {found}".splitlines()[0]


def _beyond(limit: Limit, pipeline: Pipeline[Any], edges: EdgeRows) -> np.ndarray:
    """Return the extreme rows with a number, raw or as a feature, at or past a limit: bool (n,)."""
    import numpy as np
    import polars as pl

    past = np.array([sort == "extreme" for sort in edges.sorts], dtype=bool)
    places = np.flatnonzero(past)
    frame = edges.frame[places]
    if not len(places):
        return past
    numbers = [column.name for column in pipeline.schema.columns if column.kind == "number"]
    large = frame.select(
        pl.any_horizontal(
            pl.lit(value=False),
            *((pl.col(n).cast(pl.Float64).abs() >= limit.largest).fill_null(value=False) for n in numbers),
        )
        & (pl.int_range(pl.len()) >= 0)
    )
    features = _ask_features(pipeline, frame)
    past[places] = large.to_series().to_numpy()
    if features is not None:
        past[places] |= (np.abs(features) >= limit.largest).any(axis=1)
    return past


def _ask_features(pipeline: Pipeline[Any], frame: pl.DataFrame) -> np.ndarray | None:
    try:
        return pipeline.features(frame.lazy()).dense()
    except Exception:  # noqa: BLE001  a transform may refuse an odd row, which is told when the pipeline is asked
        return None


def _as_client(deployer: AnswersAsServed, predictor: Predictor, frame: pl.DataFrame) -> Prediction:
    """Return served answers as a prediction."""
    import numpy as np

    answers: list[Mapping[str, Any]] = []
    for start in range(0, frame.height, SERVED_BATCH):
        answers += deployer.answer(predictor, json_rows(frame[start : start + SERVED_BATCH], predictor.schema))
    values = np.array([answer["prediction"] for answer in answers])
    if not predictor.target.classes:
        return Prediction(values.astype(np.float64))
    labels = [str(label).lower() if isinstance(label, bool) else str(label) for label in predictor.target.classes]
    if "probabilities" not in answers[0]:
        return Prediction(values, None, predictor.target.classes)
    chances = np.array([[answer["probabilities"][label] for label in labels] for answer in answers])
    return Prediction(values, chances, predictor.target.classes)


def json_rows(frame: pl.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Return raw rows as a client writes them in JSON: datetimes as ISO text in UTC, null for what is missing."""
    import polars as pl

    columns = []
    for column in schema.columns:
        values = pl.col(column.name)
        if column.kind == "datetime":
            zone = getattr(frame[column.name].dtype, "time_zone", None)
            values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else values
            values = values.cast(pl.Datetime("us"))
        elif column.kind == "number":
            values = values.cast(pl.Float64).fill_nan(None)
        elif column.kind == "string":
            values = values.cast(pl.String)
        columns.append(values)
    return [plain_row(row) for row in frame.select(columns).to_dicts()]


def plain_certificate(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON values."""
    plain: dict[str, Any] = codec.to_json(certificate)
    return plain | {"ok": certificate.ok}


def as_parity(certificate: Certificate) -> Parity:
    """Return the part of a package's certificate that is about held-out rows."""
    held = next(agreement for agreement in certificate.agreements if agreement.sort == HELD_OUT)
    return Parity(held.rows, held.max_difference, held.changed_decisions, certificate.tolerance)
