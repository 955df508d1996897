"""What a component or a fitted part may be able to do beyond its kind: no base class, the methods are enough."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .answering.rules import DecisionRule, Intervals, PredictionSets
from .artifacts import Dataset, DateOrder, Schema, TextRules
from .component import Component
from .fitted import Limit, Model, Prediction, Predictor
from .reports import Decision, Explanation

if TYPE_CHECKING:
    import polars as pl

    from .kinds import Evaluator, Source


@runtime_checkable
class ExportsOnnx(Protocol):
    """A fitted transform, fitted featurizer or model that can say itself as an ONNX graph."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return named outputs (spox.Var, shape (N, 1) a column) given named inputs.

        Columns: numbers and booleans are float64 with NaN for missing; strings are strings with "" for missing;
        datetimes are int64 microseconds since 1970 UTC with the smallest int64 for missing. A transform takes and returns
        every column; a featurizer returns {"X": float32 (N, n_features)}, which one after another takes and returns; a
        model takes {"X"} and returns {"label": int64 (N,), "probabilities": float32 (N, n_classes)} over its class codes,
        or {"value": float32 (N,)}, with its quantiles of each row as "lower" and "upper" where it tells some.
        Raises ExportError where ONNX cannot say it.
        """
        ...


@runtime_checkable
class LimitedInOnnx(Protocol):
    """A fitted part or model that ONNX can say only for numbers that are not too large."""

    def onnx_limit(self) -> Limit | None:
        """Return from where on its graph may answer differently; None: nowhere."""
        ...


@runtime_checkable
class NeedsOpset(Protocol):
    """A component whose fitted part can be said in ONNX, but in no old set of operators."""

    onnx_opset: int
    """The oldest ai.onnx operator set that has words for it."""


@runtime_checkable
class NamesTies(Protocol):
    """A model whose answer may hang on which of several equals is counted, as that of nearest neighbors does."""

    def ties(self, features: Any) -> Any:
        """Return the rows of `Features` on which equals are apart by no more than rounding, and some count: bool (n,)."""
        ...


@runtime_checkable
class SplitsAt(Protocol):
    """A model of trees that can tell where it splits."""

    def thresholds(self) -> Mapping[int, Any]:
        """Return position of a feature -> its split thresholds, float64 (n,); empty where the model has no trees."""
        ...


@runtime_checkable
class Selects(Protocol):
    """A fitted featurizer that keeps some features of the one before it, and can tell of each why."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """One of each feature that it was given, in their order."""
        ...


@runtime_checkable
class DropsRepeats(Protocol):
    """A fitted transform that drops a row because it equals one that stays, so that `data why` can name that one."""

    def repeats_in(self) -> tuple[str, ...]:
        """Return the columns in which the two are equal."""
        ...


@runtime_checkable
class KnowsColumns(Protocol):
    """A source that knows its columns before any row is read, so that a plan can be held against them."""

    def columns_ahead(self) -> Mapping[str, pl.DataType | None] | None:
        """Return column -> type as `load` will have it, None where only the rows tell it; None where the names are not known."""
        ...


@runtime_checkable
class ReadsOn(Protocol):
    """A source whose rows keep coming, and that can be read from where the last reading ended."""

    def position(self) -> str:
        """Return where the rows end now, and of what: an opaque text, to be given to `load_between` later.

        Reads no rows, unless they alone tell it, as those of an API do.
        """
        ...

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the rows after one position (None: from the beginning) up to another, each exactly once, lazily.

        Raises DataError where rows that were read before have changed or are gone.
        """
        ...


@runtime_checkable
class ReadsAlike(Protocol):
    """A source of rows that lie somewhere, and that can read others that lie elsewhere as it reads its own.

    A package keeps it, so that rows to predict, to watch or to learn from are read as those of the training were.
    """

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> Source:
        """Return a source that reads the rows of another place; of the place "", one that only says how rows are read.

        texts: columns that hold texts whatever their values look like there; those that are not there are passed over.
        dates: columns of dates with what stands first in them, day or month, where they do not tell alone
        Raises DataError where the place cannot be read.
        """
        ...

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        """Return what reading does to texts, so that it is done to those of a request or a data frame too.

        moments: columns of dates and times, of which the rules say how their days and months are ordered, where that is known
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """An evaluator that can say of single answers what they came from."""

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        """Return how much each raw column of `rows` moved the answer, `background` being what is ordinary."""
        ...


@runtime_checkable
class Updatable(Protocol):
    """A trainer that can go on learning from a batch."""

    def update(self, model: Any, batch: Any) -> Model:
        """Return another model, after `batch` (Features, labeled, of the same features); `model` stays as it was."""
        ...


@runtime_checkable
class PredictsRows(Protocol):
    """A predictor that answers a few rows without a data frame, as a server wants it."""

    def predict_rows(self, rows: Sequence[Sequence[Any]]) -> Prediction:
        """Predict rows given by value in the schema's order: float, int, str, bool, naive UTC datetime, None.

        The caller has asked the contract of them (`hookline.data.contract.limits.Limits`), so the answer has neither
        warnings nor ids. A server asks of no rows when it starts, for what is made at first use.
        """
        ...


@runtime_checkable
class Varies(Protocol):
    """A trainer that may make several models of one seed on one machine; without it, it makes the same one bit for bit."""

    def varies(self) -> str | None:
        """Say why, as `adds up on a GPU in any order`; None: as it is configured, on this machine, it does not."""
        ...


@runtime_checkable
class NeedsMore(Protocol):
    """A component that may need libraries beside those that it requires, by how its fields are set; told before anything runs."""

    def needs(self) -> Mapping[str, str]:
        """Return importable modules beside those of `requires`, each with the extra of hookline that installs it."""
        ...


@runtime_checkable
class RefusesParts(Protocol):
    """A packager that can tell of components, before any row is read, that its format has no words for them."""

    def refuses(self, parts: Sequence[Component]) -> str | None:
        """Say why transforms, featurizers and trainer of a plan cannot be packaged; None: nothing is known against it."""
        ...


@runtime_checkable
class Approximates(Protocol):
    """A packager whose packages are coarser than the model on purpose; of generated rows only refusals count."""

    changes_at_most: float
    """Largest share of held-out rows whose decision may be another, within the packager's `tolerance`."""


@runtime_checkable
class AnswersWith(Protocol):
    """A packager whose packages need less to answer than it needs to write them."""

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return the importable modules that a package of it needs to answer."""
        ...


@runtime_checkable
class AnswersAlone(Protocol):
    """A packager whose packages answer without hookline, by a module that travels with them."""

    def write_alone(self, pipeline: Any, code: Path, model: Path) -> tuple[str, tuple[str, ...]]:
        """Write the module into the folder `code`, and what it reads beside the package's own files into `model`.

        The module has `Answers(folder)`, whose `predict` takes a pandas frame of raw rows and returns one of answers, and
        `_load_pyfunc(folder)`, which makes one. Returns its name, and the distributions that it needs.
        """
        ...


@runtime_checkable
class TakesContract(Protocol):
    """A predictor that can be put under another contract for the same columns, such as one that a person edited."""

    def with_schema(self, schema: Schema) -> Predictor:
        """Return the same predictor, which warns of and rejects what `schema` says."""
        ...


@runtime_checkable
class Decides(Protocol):
    """A predictor that can tell by which rule it answers a class, and how wide the intervals around its numbers are."""

    @property
    def decision(self) -> DecisionRule | None:
        """The rule; None where it answers the most probable class, or a number."""
        ...

    @property
    def intervals(self) -> Intervals | None:
        """How far they reach; None where it tells none."""
        ...


@runtime_checkable
class TellsSets(Protocol):
    """A predictor that can tell by which rule it says which classes may be true."""

    @property
    def sets(self) -> PredictionSets | None:
        """The rule; None where it says one class alone, or a number."""
        ...


@runtime_checkable
class WorksBeside(Protocol):
    """A trainer, packager or deployer whose work hangs on its fields and on what it is given alone, and on nothing around it.

    A process beside the run may do that work for it, where it then says nothing; else it is done again in the run.
    """

    @classmethod
    def imports_beside(cls) -> tuple[str, ...]:
        """Return the modules that the work needs; that process imports them, in this order, while the run reads its rows."""
        ...


@runtime_checkable
class NarrowsTasks(Protocol):
    """A trainer or evaluator some of whose options are for some of its tasks alone."""

    only_for: Mapping[str, frozenset[str]]
    """Field -> the tasks that it is for; set otherwise than by default, it is refused for all others before any training."""


@runtime_checkable
class MeasuresAsSet(Protocol):
    """An evaluator whose metrics hang on its fields, so that its class alone cannot say what it measures."""

    def measured(self) -> Mapping[str, tuple[str, ...]] | None:
        """Return what it measures as it is configured: task -> metrics, as `measures` of an evaluator says it."""
        ...


def measured_by(evaluator: Evaluator) -> Mapping[str, tuple[str, ...]] | None:
    """Return task -> all metrics that an evaluator may measure as it is configured; None where it does not say it before."""
    return evaluator.measured() if isinstance(evaluator, MeasuresAsSet) else evaluator.measures
