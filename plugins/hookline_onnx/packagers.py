"""The `onnx` packagers: they write the graph, as it is or with coarser weights, and read it back into a predictor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

from hookline import (
    Component,
    ExportsOnnx,
    Limit,
    LimitedInOnnx,
    NeedsOpset,
    Package,
    Packager,
    Pipeline,
    Predictor,
    SklearnModel,
    SplitsAt,
    Stored,
    Trust,
)
from hookline.kinds.formats.words import ONNX

ALONE = "hookline_onnx_answers"
"""The module that answers without hookline."""
LARGEST_SUM = 1e7
"""Numbers beyond which the sums of a linear model or a network in float32 are no longer those in float64."""
LARGEST_SQUARE = 1e3
"""The same for squares: those of 1,000 and of 0.1 are as far apart as float32 can hold together."""


class GraphPackager(Packager):
    """What packagers have in common that write the whole pipeline as one graph, `model.onnx`."""

    extra = "onnx"
    target_opset: Annotated[int, Ge(16), Le(21)] | None = None
    """The ai.onnx operator set of the graph, and the IR version that goes with it, for older runtimes; None: 21."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("onnx", "onnxruntime", "skl2onnx", "spox")

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return what reads and runs a graph; what writes one is not needed there."""
        return ("onnx", "onnxruntime")

    @classmethod
    def imports_beside(cls) -> tuple[str, ...]:
        """Return what writes a graph, and what runs it."""
        return ("onnxruntime", "onnx", f"{__package__}.beside")

    def write_alone(self, pipeline: Any, code: Path, model: Path) -> tuple[str, tuple[str, ...]]:
        """Write a module that answers pandas frames with the graph, and what it must know of columns and classes."""
        shutil.copyfile(Path(__file__).with_name("alone.py"), code / f"{ALONE}.py")
        facts = {
            "columns": [{"name": column.name, "kind": column.kind} for column in pipeline.schema.columns],
            "classes": list(pipeline.target.classes),
        }
        (model / "answers.json").write_text(json.dumps(facts), "utf-8")
        return ALONE, ("numpy", "onnxruntime", "pandas")

    def languages(self) -> tuple[str, ...]:
        """Return that of a graph."""
        return (ONNX,)

    def refuses(self, parts: Sequence[Component]) -> str | None:
        """Name the components whose graph needs a later operator set."""
        least = {part.name: part.onnx_opset for part in parts if isinstance(part, NeedsOpset)}
        late = [f"{name} needs {opset}" for name, opset in least.items() if opset > (self.target_opset or opset)]
        return f"target_opset={self.target_opset} is too low: {', '.join(late)}" if late else None

    def limit(self, pipeline: Any) -> Limit | None:
        """Return the smallest limit that a part states; models that are no trees add up float32, which large numbers end in."""
        return limit_of(pipeline)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Return a predictor on onnxruntime; raises StoreError for a damaged file, or one that reaches outside the package."""
        from .predictor import OnnxPredictor

        return OnnxPredictor.of(stored)

    def _write(self, graph: Any, path: Path) -> Package:
        """Write a graph in the operator set that was asked for."""
        from .graph import OPSET
        from .variants.opset import lowered

        made = graph if self.target_opset in (None, OPSET) else lowered(graph, self.target_opset)
        (path / "model.onnx").write_bytes(made.SerializeToString())
        return Package(path, self.name)


class OnnxPackager(GraphPackager):
    """The whole pipeline as one ONNX graph, from raw columns (texts and missing values included) to prediction.

    Inputs are one raw column each, (N, 1): numbers and booleans float64 with NaN for missing, texts with "" for missing,
    datetimes int64 microseconds since 1970 UTC with the smallest int64 for missing. Outputs are `label` and
    `probabilities`, or `value`, each with `_out` behind it where a column is called so. Nothing but onnxruntime is
    needed to run it, and reading it runs no code.
    """

    name = "onnx"
    tolerance = 1e-5

    # type-var: what `ports` reads is that a model is one of the two; that each is a Model as well goes without saying.
    def save(self, pipeline: Pipeline[SklearnModel | ExportsOnnx], path: Path) -> Package:  # type: ignore[type-var]
        """Write model.onnx; raises ExportError naming the part that ONNX has no words for."""
        from .graph import build_graph

        return self._write(build_graph(pipeline), path)


class OnnxQuantizedPackager(GraphPackager):
    """The graph of `onnx` with the weights of its layers in 8 bits: a quarter of the size, for models that are networks.

    Each output of a layer has a scale of its own, and what flows between layers stays float32, so that a row is answered
    alike whichever rows it is asked with. Trees hold no such weights, and gain nothing. Its certificate says how far
    probabilities, or numbers, moved on held-out rows, which share of the decisions changed, and how well it does beside the
    model as it was; beyond `largest` or `changes_at_most` it is refused.
    """

    name = "onnx_quantized"
    largest: Annotated[float, Gt(0), Lt(1)] = 0.05
    """Largest difference of a probability on held-out rows; of a number relative to it, or to what numbers vary by."""
    changes_at_most: Annotated[float, Ge(0), Le(1)] = 0.01
    """Largest share of held-out rows whose decision may be another."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", self.largest)

    # type-var: as above.
    def save(self, pipeline: Pipeline[ExportsOnnx], path: Path) -> Package:  # type: ignore[type-var]
        """Write model.onnx; raises ExportError as `onnx` does, and where there is nothing to quantize."""
        from .graph import build_graph
        from .variants.quantized import quantize

        graph = build_graph(pipeline)
        quantize(graph.graph, type(pipeline.model).__name__)
        return self._write(graph, path)


def limit_of(pipeline: Any) -> Limit | None:
    """Return the smallest limit that a part of a pipeline states; models that are no trees add up float32."""
    parts = [
        *(stage.fitted for stage in pipeline.transforms),
        *(stage.fitted for stage in pipeline.featurizers),
        pipeline.model,
    ]
    limits = [part.onnx_limit() for part in parts if isinstance(part, LimitedInOnnx)]
    model = pipeline.model
    if not isinstance(model, LimitedInOnnx) and not (isinstance(model, SplitsAt) and model.thresholds()):
        limits.append(_limit_of(model))
    return min((limit for limit in limits if limit), key=lambda limit: limit.largest, default=None)


def _limit_of(model: Any) -> Limit:
    """Return from where on float32 may tell: sums lose what is small beside a large number, squares lose it sooner."""
    estimator = model.learner if isinstance(model, SklearnModel) else None
    name = type(model).__name__ if estimator is None else type(estimator).__name__
    if estimator is None or hasattr(estimator, "coef_"):
        return Limit(LARGEST_SUM, f"{name}: sums of large numbers in float32 depend on their order")
    return Limit(LARGEST_SQUARE, f"{name}: squares of large numbers, as in distances, hide small ones in float32")
