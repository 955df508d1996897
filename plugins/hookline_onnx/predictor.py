"""Answers for raw rows with an ONNX graph."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from hookline import DecisionRule, Intervals, Prediction, PredictionSets, Roles, Schema, Stored, Target
from hookline.data.target import no_prediction
from hookline.errors import StoreError
from hookline.kinds.artifacts import Column
from hookline.packages.pipeline import admit, require_finite

from .checked import read_graph
from .intake import MISSING_TIME, Intake, gather

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_TWICE = 64 * 1024**2
"""Bytes of a graph that is worth being held twice."""
BATCH = 50_000
"""Rows made ready for the session at a time."""
SLICE = 2_000
"""Rows that one call of the session answers: few enough for what it makes of them to stay in a processor's cache."""


@dataclass(frozen=True)
class OnnxPredictor:
    """A session over model.onnx, with the contract of its input."""

    schema: Schema
    target: Target
    roles: Roles
    session: Any
    few: FewRows | None
    """The same graph for a few rows at a time; None where it is large."""
    decision: DecisionRule | None = None
    """How the graph decides."""
    intervals: Intervals | None = None
    """How far the intervals reach that the graph tells."""
    sets: PredictionSets | None = None
    """Which classes are in the sets that the graph tells."""

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """Read a package; raises StoreError where its graph is damaged, or is not of its contract."""
        schema, target, roles = stored.schema, stored.target, stored.roles
        file = stored.path / "model.onnx"
        written = _written(file)
        graph = read_graph(written, file)
        absent = {column.name for column in schema.columns} - {given.name for given in graph.graph.input}
        if absent:
            raise StoreError(f"{file} has no input for {', '.join(sorted(absent))}")
        del graph
        few = FewRows(written, file, schema) if len(written) <= MOST_TWICE else None
        rules = (stored.decision, stored.intervals, stored.sets)
        return cls(schema, target, roles, _session(written, file), few, *rules)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        """Predict each raw row, in order; raises DataError naming every column that breaks the schema."""
        admitted = admit(frame, self.schema, self.roles)
        return self._prediction(self._answers(admitted.rows), admitted.ids, admitted.warnings)

    def _answers(self, rows: pl.DataFrame) -> list[list[np.ndarray]]:
        """Return the session's outputs for each slice of rows; several are answered at a time, while more are made ready."""
        if rows.height <= SLICE:
            return [self._run(feeds) for feeds in _slices(rows, self.schema)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._run, _slices(rows, self.schema)))

    def _run(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        outputs: list[np.ndarray] = self.session.run(None, feeds)
        return outputs

    def with_schema(self, schema: Schema) -> Self:
        """Return a predictor on the same session under another contract for the same columns."""
        return replace(self, schema=schema)

    def predict_rows(self, rows: Sequence[Sequence[Any]]) -> Prediction:
        """Predict a few rows of values in the schema's order, without a data frame in between; none get ready for others."""
        if not rows:
            if self.few is not None:
                self.few.prepare()
            return no_prediction(self.target)
        if self.few is None:
            return self._predict_framed(rows)
        answer = self.few.answer(rows)
        if self.target.task == "regression":
            return require_finite(Prediction(answer[0].astype(float), intervals=self._bounds([answer])))
        found = Prediction(
            self._labels(answer[0]), answer[1].astype(float), self.target.classes, sets=self._sets([answer])
        )
        return require_finite(found)

    def _predict_framed(self, rows: Sequence[Sequence[Any]]) -> Prediction:
        import polars as pl

        frame = pl.DataFrame(dict(zip(self.schema.names, zip(*rows, strict=True), strict=True)), strict=False)
        return replace(self.predict(frame), row_ids=None, warnings={})

    def _prediction(self, answers: list[Any], ids: np.ndarray, warnings: Mapping[int, tuple[str, ...]]) -> Prediction:
        import numpy as np

        if self.target.task == "regression":
            values = _joined([answer[0] for answer in answers], np.empty(0))
            found = Prediction(values.astype(np.float64), row_ids=ids, warnings=warnings)
            return require_finite(replace(found, intervals=self._bounds(answers)))
        classes = self.target.classes
        labels = _joined([answer[0] for answer in answers], np.empty(0, dtype=object))
        probabilities = _joined([answer[1] for answer in answers], np.empty((0, len(classes))))
        found = Prediction(self._labels(labels), probabilities.astype(np.float64), classes, ids, warnings)
        return require_finite(replace(found, sets=self._sets(answers)))

    def _bounds(self, answers: list[Any]) -> np.ndarray | None:
        """Return what the graph says of lower and upper bounds, behind the numbers, float64 (n_rows, 2)."""
        import numpy as np

        if self.intervals is None:
            return None
        return np.column_stack([_joined([answer[place] for answer in answers], np.empty(0)) for place in (1, 2)])

    def _sets(self, answers: list[Any]) -> np.ndarray | None:
        """Return which classes the graph says to be in the sets, behind the probabilities, bool (n_rows, n_classes)."""
        import numpy as np

        if self.sets is None:
            return None
        return _joined([answer[2] for answer in answers], np.empty((0, len(self.target.classes)), dtype=bool))

    def _labels(self, labels: np.ndarray) -> np.ndarray:
        import numpy as np

        if labels.dtype == object:
            return labels.astype(np.str_)
        return labels.astype(np.bool_) if self._says_yes_or_no else labels

    @cached_property
    def _says_yes_or_no(self) -> bool:
        return all(isinstance(label, bool) for label in self.target.classes)


class FewRows:
    """A graph with its inputs gathered, on a session of its own.

    That is made when the first rows come: it takes as much memory as the other one, and who scores tables needs none.
    """

    def __init__(self, written: bytes, file: Path, schema: Schema) -> None:
        self._written: bytes | None = written
        self._file = file
        self._schema = schema
        self._lock = Lock()
        self._made: tuple[Any, Intake] | None = None

    def answer(self, rows: Sequence[Sequence[Any]]) -> list[np.ndarray]:
        """Return the session's outputs for rows of values in the schema's order."""
        session, intake = self._made or self._ready()
        outputs: list[np.ndarray] = session.run(None, intake(rows))
        return outputs

    def prepare(self) -> None:
        """Make the session, so that no rows wait for it."""
        self._ready()

    def _ready(self) -> tuple[Any, Intake]:
        """Return the session and its intake, made once, whichever threads ask first; what they were made of is let go."""
        with self._lock:
            if self._made is None:
                assert self._written is not None
                gathered, intake = _gathered(self._written, self._file, self._schema)
                self._made = _session(gathered, self._file), intake
                self._written = None
            return self._made


def _gathered(written: bytes, file: Path, schema: Schema) -> tuple[bytes, Intake]:
    """Return a graph with its inputs gathered, written: as an object it takes five times as much, beside its session."""
    graph = read_graph(written, file)
    intake = gather(graph, schema)
    return graph.SerializeToString(), intake


def _joined(parts: list[np.ndarray], nothing: np.ndarray) -> np.ndarray:
    import numpy as np

    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else nothing


def _written(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error}") from error


def _session(written: bytes, file: Path) -> Any:
    from .runtime import onnxruntime

    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # Many rows are shared out among threads by slices, and few rows are only held up by threads.
    options.intra_op_num_threads = 1
    try:
        return runtime.InferenceSession(written, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base but this
        raise StoreError(f"{file} cannot be run: {error}") from error


def _slices(rows: pl.DataFrame, schema: Schema) -> Iterator[dict[str, np.ndarray]]:
    """Yield what the session takes for each slice of rows."""
    for batch in rows.iter_slices(BATCH):
        filled = batch.select(_filled(column) for column in schema.columns)
        feeds = {column.name: _feed(filled[column.name], column).reshape(-1, 1) for column in schema.columns}
        for start in range(0, batch.height, SLICE):
            yield {name: feed[start : start + SLICE] for name, feed in feeds.items()}


def _filled(column: Column) -> pl.Expr:
    import polars as pl

    values = pl.col(column.name)
    if column.kind == "string":
        return values.cast(pl.String).fill_null("")
    if column.kind == "datetime":
        return values.cast(pl.Datetime("us")).dt.epoch("us").fill_null(MISSING_TIME)
    return values.cast(pl.Float64).fill_null(float("nan"))


def _feed(values: pl.Series, column: Column) -> np.ndarray:
    import numpy as np
    import polars as pl

    if column.kind != "string" or column.categories is None:
        return values.to_numpy()
    # Of a few texts that return, each is made once for Python, not once a row.
    distinct = values.unique()
    places = values.cast(pl.Enum(distinct)).to_physical().to_numpy()
    texts: np.ndarray = np.array(distinct.to_list(), dtype=object)[places]
    return texts
