"""A fitted PyTorch network as a model of hookline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from hookline import Features, Model, Prediction

from .network import Network, to_onnx

if TYPE_CHECKING:
    import numpy as np
    import torch

BATCH = 65_536
"""Rows given to the network at a time, so that memory stays flat."""


Steps: TypeAlias = "dict[int, dict[str, torch.Tensor]]"
"""Position of a parameter -> what AdamW has learned of its steps: how many, and the moments of its gradient."""


@dataclass(frozen=True)
class TorchModel(Model):
    """A network with what surrounds it; `module` stays an ordinary torch.nn.Sequential.

    center, scale: a number is predicted as output * scale + center
    steps: what the optimizer goes on from; as large as two networks
    """

    module: torch.nn.Sequential
    network: Network
    feature_names: tuple[str, ...]
    center: float = 0.0
    scale: float = 1.0
    steps: Steps = field(default_factory=dict)

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest softmax probability, or numbers."""
        import numpy as np

        outputs = self._outputs(features.X)
        if self.network.outputs == 1:
            return Prediction(outputs[:, 0].astype(np.float64) * self.scale + self.center)
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True)).astype(np.float64)
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        return Prediction(probabilities.argmax(axis=1), probabilities, tuple(range(self.network.outputs)))

    def save(self, folder: Path) -> None:
        """Write weights.pt (a state dict), steps.pt and network.json."""
        import torch

        torch.save(self.module.state_dict(), folder / "weights.pt")
        torch.save(self.steps, folder / "steps.pt")
        facts = {
            "network": self.network.plain(),
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
        network = Network.of(facts["network"])
        with torch.random.fork_rng():
            module = network.build()
        module.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
        steps = torch.load(folder / "steps.pt", weights_only=True, map_location="cpu")
        return cls(module.eval(), network, tuple(facts["feature_names"]), facts["center"], facts["scale"], steps)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        outputs = to_onnx(self.module, inputs["X"])
        if self.network.outputs == 1:
            scaled = op.mul(outputs, op.const(np.float32(self.scale)))
            return {"value": op.add(scaled, op.const(np.float32(self.center)))}
        probabilities = op.softmax(outputs, axis=1)
        return {"label": op.arg_max(probabilities, axis=1, keepdims=0), "probabilities": probabilities}

    def importances(self) -> Mapping[str, float]:
        """Return the mean absolute weight from each feature into the first layer; features should be on one scale."""
        first: Any = self.module[0]
        weights = first.weight.detach().cpu().abs().mean(dim=0).tolist()
        return dict(zip(self.feature_names, weights, strict=True))

    def _outputs(self, X: Any) -> np.ndarray:
        import numpy as np
        import torch

        parts = []
        with torch.inference_mode():
            for start in range(0, X.shape[0], BATCH):
                rows = X[start : start + BATCH]
                dense = rows if isinstance(rows, np.ndarray) else rows.toarray()
                parts.append(self.module(torch.from_numpy(np.array(dense, dtype=np.float32))).numpy())
        return np.concatenate(parts) if parts else np.empty((0, self.network.outputs), dtype=np.float32)
