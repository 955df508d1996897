"""A packager around another: it writes what else a platform wants, and answers as the one inside does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.kinds.capabilities import Approximates, RefusesParts
from hookline.kinds.component import Component
from hookline.kinds.deployments import Package, Trust
from hookline.kinds.fitted import Limit, Model, Predictor
from hookline.kinds.formats.words import Speaks
from hookline.kinds.kinds import Packager

from .certificate.parity import check_takes
from .pipeline import Pipeline
from .state import StoredPackage, write_pipeline


class AroundPackager(Packager):
    """What packagers have in common that hold a package of another format, in the folder `inner` of theirs.

    A subclass says its name, and writes what is its own in `surround`.
    """

    holds: Packager
    """The format of the model inside, such as `onnx`."""

    def __post_init__(self) -> None:
        if isinstance(self.holds, AroundPackager):
            raise ValueError(f"packager '{self.name}' holds a model of another format, such as onnx")
        # How far it may be from the pipeline is a matter of the format inside.
        object.__setattr__(self, "tolerance", self.holds.tolerance)
        if isinstance(self.holds, Approximates):
            object.__setattr__(self, "changes_at_most", self.holds.changes_at_most)

    def inner(self, path: Path) -> Path:
        """Return the folder of the format inside, below the package's own; that itself where nothing else is said."""
        return path

    def surround(self, pipeline: Pipeline[Any], path: Path) -> None:
        """Write what is this packager's own around the format inside, which is written already."""
        raise NotImplementedError

    def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        """Write the format inside, and what is around it; raises ExportError where it cannot say the model."""
        check_takes(self.holds, pipeline.model)
        type(self.holds).check_backend()
        inner = self.inner(path)
        if inner != path:
            # It is read as a package of its own.
            inner.mkdir(parents=True)
            write_pipeline(pipeline, inner)
        self.holds.save(pipeline, inner)
        self.surround(pipeline, path)
        return Package(path, self.name)

    def limit(self, pipeline: Any) -> Limit | None:
        """Return the limit of the format inside."""
        return self.holds.limit(pipeline)

    def refuses(self, parts: Sequence[Component]) -> str | None:
        """Say what the format inside refuses."""
        return self.holds.refuses(parts) if isinstance(self.holds, RefusesParts) else None

    def languages(self) -> tuple[str, ...]:
        """Return those of the format inside."""
        return self.holds.languages() if isinstance(self.holds, Speaks) else ()

    def load(self, stored: Any, trust: Trust) -> Predictor:
        """Read the model inside, as its own packager does."""
        assert isinstance(stored, StoredPackage)
        return self.holds.load(StoredPackage(self.inner(stored.path), stored.registry, stored.using), trust)
