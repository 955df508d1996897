"""Where a featurizer stands: first, on rows; or after the kit's own, on the matrix that it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import infer_schema
from hookline.kinds.artifacts import Dataset, Features
from hookline.packages.pipeline import FittedStage, Pipeline
from hookline.registry.ports import assignable, ports, type_text

from .subject import Subject
from .tables.parts import FittedSampleFeaturizer, SampleFeaturizer
from .tables.pipelines import with_truth
from .tables.samples import Sample

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Place:
    """One place in the list of featurizers, with what is given there."""

    sample: Sample
    before: FittedSampleFeaturizer | None = None
    """The fitted featurizer before; None in the first place."""
    sparse: bool = False
    """Whether the one before makes CSR matrices."""

    def train(self) -> Dataset | Features:
        """Return the training rows, or the matrix of them with y and ids."""
        rows = self.sample.train
        if self.before is None:
            return rows
        return with_truth(self._matrix(rows.frame), rows, self.sample.target)

    def given(self, frame: pl.LazyFrame) -> pl.LazyFrame | Features:
        """Return what is given of rows to be transformed there."""
        return frame if self.before is None else self._matrix(frame)

    def with_gaps(self) -> Place:
        """Return the place after a featurizer that leaves missing values missing."""
        return self if self.before is None else replace(self, before=replace(self.before, fill=False))

    def pipeline(self, subject: Subject, fitted: Any, model: Any) -> Pipeline[Any]:
        """Return the featurizers up to and with the fitted one, with a model."""
        rows = self.sample.train
        schema = infer_schema(rows.frame, rows.feature_columns())
        earlier = () if self.before is None else (FittedStage("featurizer.sample", "sample", self.before),)
        stage = FittedStage("featurizer.checked", subject.component.name, fitted)
        return Pipeline(schema, rows.roles, self.sample.target, (), (*earlier, stage), model)

    def _matrix(self, frame: pl.LazyFrame) -> Features:
        assert self.before is not None
        made = self.before.transform(frame)
        if not self.sparse:
            return made
        from scipy.sparse import csr_matrix

        return replace(made, X=csr_matrix(made.X))


def places(subject: Subject, sample: Sample) -> tuple[Place, ...]:
    """Return where a featurizer may stand, as the annotation of its port says."""
    wanted = next(iter(ports(type(subject.component)).takes.values()), Any)
    first = (Place(sample),) if assignable(Dataset, wanted) else ()
    # One that takes anything is taken at its word where it stands first, since the list begins there.
    after = wanted is not Any and assignable(Features, wanted)
    found = (*first, Place(sample, SampleFeaturizer().fit(sample.train))) if after else first
    if not found:
        subject.fail(
            f"takes {type_text(wanted)}; annotate `train` as Dataset, to stand first, or as Features, to stand after another."
        )
    return found
