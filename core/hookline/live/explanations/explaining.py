"""Answers explained: whose, by whom, and against what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.frames import mark_missing, to_polars
from hookline.errors import DataError
from hookline.kinds.capabilities import Explains
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction
from hookline.kinds.reports import Explanation
from hookline.packages.loading import LoadedPackage
from hookline.packages.reading import read_table, reading_in
from hookline.quality.concordance import Concordance, concordance_of
from hookline.registry.registry import Registry, load_registry

from ..batch.panel import who_answers
from ..explaining.background import Background, background_of
from ..explaining.explainers import explainer_for

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Explained:
    """Some rows' answers, and what moved each of them.

    rows: of the columns that the model takes, in its order; background: against which rows, in words; by: who says it
    """

    model: str
    version: int | None
    rows: pl.DataFrame
    prediction: Prediction
    explanation: Explanation
    background: str
    by: str

    def frame(self) -> pl.DataFrame:
        """Return a line a row and column: row (from 0), answer, base, column, value (as text), moved (by how much)."""
        import polars as pl

        height, columns = self.rows.height, list(self.explanation.columns)
        texts = self.rows.select(pl.col(columns).cast(pl.String))
        per_row = {"answer": self.prediction.frame()["prediction"], "base": pl.Series(self.explanation.base)}
        each = pl.DataFrame({"row": pl.int_range(height, eager=True), **per_row})
        lines = [
            each.with_columns(
                column=pl.lit(name),
                value=texts[name],
                moved=pl.Series(self.explanation.values[:, place], dtype=pl.Float64),
            )
            for place, name in enumerate(columns)
        ]
        moved = pl.col("moved").abs()
        return pl.concat(lines).sort("row", moved, descending=[False, True], maintain_order=True)

    def concordance(self, other: Explained, row: int) -> Concordance | None:
        """Return how far another explanation of the same rows ranks the columns of one row alike, by how far they moved it."""
        said = [
            dict(zip(one.explanation.columns, abs(one.explanation.values[row]).tolist(), strict=True))
            for one in (self, other)
        ]
        return concordance_of(self.by, other.by, *said)

    def plain(self) -> dict[str, Any]:
        """Return what `/explain` of a server answers, with each row's answer beside it."""
        answers = self.prediction.frame()["prediction"].to_list()
        said: dict[str, Any] = {"model": self.model, "version": self.version, "method": self.explanation.method}
        explanations = [
            {"prediction": answer, "base": base, "values": dict(zip(self.explanation.columns, values, strict=True))}
            for answer, base, values in zip(
                answers, self.explanation.base.tolist(), self.explanation.values.tolist(), strict=True
            )
        ]
        said |= {"unit": self.explanation.unit, "background": self.background, "explanations": explanations}
        return said

    def _repr_html_(self) -> str:
        return self.frame()._repr_html_()


def explain(
    model: str | Path,
    rows: Any,
    *,
    by: str | Explains | None = None,
    background: Any = None,
    most: int | None = None,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Explained:
    """Tell how much each raw column moved each row's answer; of a model, that of the version in charge.

    model: as for `load`; rows: a mapping, a list of them, a polars or pandas data frame, or a path
    by: an evaluator that explains, such as `shap`, or one that was made; by default the first that the model's run named and
        that is installed, with its fields; where it named none, who needs no further library (`permutation_importance`)
    background: rows of what is ordinary; by default those that travel with the package, else rows as its profile has them
    most: explain the first so many rows; by default all
    source: fields of the source, to read a path otherwise than the training rows
    Raises UsageError, UnknownName, MissingBackend, DataError, StoreError or UntrustedPackage.
    """
    question = ask(model, rows, background, most, trust, contract, source, home)
    return question.explained(by)


def ask(
    model: str | Path,
    rows: Any,
    background: Any = None,
    most: int | None = None,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Question:
    """Load who answers, and ask it about rows; takes and raises what `explain` does."""
    registry = load_registry()
    panel = who_answers(model, trust, None if contract is None else Path(contract), home).load(registry)
    package = panel.live
    found = _rows(registry, package, rows, source or {})
    asked = conform(found if most is None else found.head(most), package.schema)
    usual = (
        background_of(package)
        if background is None
        else Background("rows that were given", conform(_rows(registry, package, background, {}), package.schema))
    )
    version = panel.version if panel.policy is None else panel.policy.version
    return Question(package, version, asked, package.predict(asked), usual)


@dataclass(frozen=True)
class Question:
    """Rows that a package answered, of the columns that it takes, and what these answers are held against."""

    package: LoadedPackage
    version: int | None
    rows: pl.DataFrame
    prediction: Prediction
    background: Background

    def explained(self, by: str | Explains | None = None) -> Explained:
        """Return what moved the answers, as somebody says it; by default as `explain` chooses. Raises as `explain` does."""
        explainer = explainer_for(self.package, by)
        made = explainer.explain(self.package.predictor, self.rows, self.background.rows)
        name = str(self.package.manifest["name"])
        who = str(getattr(explainer, "name", type(explainer).__name__))
        return Explained(name, self.version, self.rows, self.prediction, made, self.background.told, who)


def _rows(registry: Registry, package: LoadedPackage, rows: Any, source: Mapping[str, Any]) -> pl.DataFrame:
    """Return rows however they are given, with what is missing marked; raises DataError for none."""
    if isinstance(rows, (str, Path)):
        reading = reading_in(package.manifest).but(source)
        found = read_table(registry, str(rows), package.schema, reading).frame.collect()
    else:
        given = [rows] if isinstance(rows, Mapping) else rows
        found = mark_missing(to_polars(given).lazy()).collect()
    if not found.height:
        raise DataError("there are no rows to explain")
    return found
