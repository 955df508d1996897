"""Fitted PyTorch modules as models of hookline: ready networks, and those of a project."""

from __future__ import annotations

import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from hookline import Features, Model, Prediction
from hookline.errors import DataError, ExportError
from hookline.kinds.fitted import PickledModel

from .network import Network
from .transformer import Transformer

if TYPE_CHECKING:
    import numpy as np
    import torch

BATCH = 65_536
"""Rows given to a module at a time, so that memory stays flat."""
VALUES = 2**25
"""Numbers that a transformer may make of the rows given to it at a time."""
CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""Variable that says where PyTorch keeps what it compiles."""
OPSET = 21
"""ai.onnx operator set of an exported module."""

Learned: TypeAlias = "dict[int, dict[str, torch.Tensor]]"
"""Position of a parameter -> what AdamW has learned of its steps: how many, and the moments of its gradient."""
SHAPES: Mapping[str, type[Network] | type[Transformer]] = {"network": Network, "transformer": Transformer}
"""What a ready network may be, by the word that stands for it in a file."""


@dataclass(frozen=True)
class TorchModel(Model):
    """A network with what surrounds it; `module` stays an ordinary torch.nn.Module.

    center, scale: a number is predicted as output * scale + center
    steps: what the optimizer goes on from; as large as two networks
    """

    module: torch.nn.Module
    network: Network | Transformer
    feature_names: tuple[str, ...]
    center: float = 0.0
    scale: float = 1.0
    steps: Learned = field(default_factory=dict)

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest softmax probability, or numbers."""
        rows = BATCH if isinstance(self.network, Network) else _rows_of(self.network)
        outputs = _outputs(self.module, features.X, self.network.outputs, rows)
        return _answers(outputs, self.network.outputs, self.center, self.scale)

    def save(self, folder: Path) -> None:
        """Write weights.pt (a state dict), steps.pt and network.json."""
        import torch

        torch.save(self.module.state_dict(), folder / "weights.pt")
        torch.save(self.steps, folder / "steps.pt")
        shape = next(name for name, cls in SHAPES.items() if isinstance(self.network, cls))
        facts = {
            shape: self.network.plain(),
            "feature_names": self.feature_names,
            "center": self.center,
            "scale": self.scale,
        }
        (folder / "network.json").write_text(json.dumps(facts), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; weights are tensors only, so no code runs."""
        import torch

        facts = json.loads((folder / "network.json").read_text("utf-8"))
        network = next(shape.of(facts[name]) for name, shape in SHAPES.items() if name in facts)
        with torch.random.fork_rng():
            module = network.build()
        module.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
        steps = torch.load(folder / "steps.pt", weights_only=True, map_location="cpu")
        return cls(module.eval(), network, tuple(facts["feature_names"]), facts["center"], facts["scale"], steps)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`."""
        module: Any = self.module
        return _said(self.network.to_onnx(module, inputs["X"]), self.network.outputs, self.center, self.scale)

    def importances(self) -> Mapping[str, float]:
        """Return what each feature adds to the first layer, on average; features should be on one scale."""
        return dict(zip(self.feature_names, self.network.importances(self.module), strict=False))


@dataclass(frozen=True)
class OwnModel(PickledModel):
    """A module whose class a project wrote, kept by its pickle; `module` stays as it was trained.

    outputs: classes, or 1 for a number, which is predicted as output * scale + center. A module may tell two classes by one
    output, the log-odds of the second.
    """

    module: torch.nn.Module
    outputs: int
    feature_names: tuple[str, ...]
    center: float = 0.0
    scale: float = 1.0

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest probability, or numbers; raises DataError where outputs are not as many."""
        found = _outputs(self.module, features.X, self.outputs, BATCH)
        if self.outputs == 2 and found.shape[1] == 1:
            import numpy as np

            found = np.concatenate([np.zeros_like(found), found], axis=1)
        if found.shape[1] != self.outputs:
            wanted = "1, a number" if self.outputs == 1 else f"{self.outputs}, one a class"
            made = f"{type(self.module).__name__} makes {found.shape[1]} outputs of a row"
            raise DataError(
                f"{made}, and {wanted}, is wanted", hint="the last layer gives as many as there are classes"
            )
        return _answers(found, self.outputs, self.center, self.scale)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value; raises ExportError where PyTorch cannot say the module in ONNX."""
        import spox.opset.ai.onnx.v21 as op

        output = _exported(self.module, len(self.feature_names), inputs["X"])
        rank = len(output.unwrap_tensor().shape or (None, None))
        if rank == 1:
            output = op.unsqueeze(output, _axis(1))
        width = 1 if self.outputs == 1 or rank == 1 else _width(self.module, len(self.feature_names))
        if self.outputs == 2 and width == 1:
            output = op.concat([op.mul(output, _axis(0.0)), output], axis=1)
        return _said(output, self.outputs, self.center, self.scale)


def _axis(value: float) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.array([value], dtype=np.int64 if isinstance(value, int) else np.float32))


def _width(module: torch.nn.Module, features: int) -> int:
    import numpy as np

    return int(_outputs(module, np.zeros((2, features), dtype=np.float32), 1, BATCH).shape[1])


def _exported(module: torch.nn.Module, features: int, X: Any) -> Any:
    """Return the module's output for X (spox.Var), by PyTorch's own exporter; raises ExportError with what that says."""
    import onnx
    import spox
    import torch

    rows, example = torch.export.Dim("rows", min=2), torch.zeros(3, features)
    names: Any = {"input_names": ["X"], "output_names": ["output"], "dynamic_shapes": ({0: rows},), "dynamo": True}
    with tempfile.TemporaryDirectory() as name, _quiet_exporter(name):
        file = Path(name) / "module.onnx"
        try:
            torch.onnx.export(_plain(module), (example,), file, opset_version=OPSET, external_data=False, **names)
        except Exception as error:  # PyTorch's exporter raises whatever a module's code does while it is looked through
            told = " ".join(f"{error}".split())[:300]
            raise ExportError(
                f"{type(module).__name__} cannot be said in ONNX: {told}", hint="choose packager=[pickle]"
            ) from error
        return spox.inline(onnx.load(file))(X)["output"]


@contextmanager
def _quiet_exporter(folder: str) -> Iterator[None]:
    """Keep away what the exporter prints, its advice on libraries that are not here, and the cache that it makes."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level, cache = logger.level, os.environ.get(CACHE)
    logger.setLevel(logging.ERROR)
    os.environ[CACHE] = folder
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        del os.environ[CACHE]
        if cache is not None:
            os.environ[CACHE] = cache


def _plain(module: torch.nn.Module) -> torch.nn.Module:
    """Return a module that only calls another's `forward`, without what Lightning put around it."""
    from torch import nn

    class Forward(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, X: torch.Tensor) -> Any:
            return self.inner.forward(X)

    return Forward().eval()


def _rows_of(network: Transformer) -> int:
    tokens = network.columns.count + 1
    return max(256, VALUES // (tokens * max(network.width + 2 * network.hidden, network.heads * tokens)))


def _outputs(module: torch.nn.Module, X: Any, outputs: int, rows: int) -> np.ndarray:
    """Return what a module says of each row, float32 (n_rows, n_outputs)."""
    import numpy as np
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, X.shape[0], rows):
            some = X[start : start + rows]
            dense = some if isinstance(some, np.ndarray) else some.toarray()
            found = module(torch.from_numpy(np.array(dense, dtype=np.float32)))
            parts.append(found.float().numpy().reshape(len(dense), -1))
    return np.concatenate(parts) if parts else np.empty((0, outputs), dtype=np.float32)


def _answers(outputs: np.ndarray, classes: int, center: float, scale: float) -> Prediction:
    import numpy as np

    if classes == 1:
        return Prediction(outputs[:, 0].astype(np.float64) * scale + center)
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True)).astype(np.float64)
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    return Prediction(probabilities.argmax(axis=1), probabilities, tuple(range(classes)))


def _said(outputs: Any, classes: int, center: float, scale: float) -> dict[str, Any]:
    """Return as ONNX what `_answers` says."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if classes == 1:
        scaled = op.mul(outputs, op.const(np.float32(scale)))
        return {"value": op.add(scaled, op.const(np.float32(center)))}
    probabilities = op.softmax(outputs, axis=1)
    return {"label": op.arg_max(probabilities, axis=1, keepdims=0), "probabilities": probabilities}
