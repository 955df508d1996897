"""Linear models, scaling and normalizing: the operators of ONNX that are models themselves, but for trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from hookline.errors import ExportError

from .nodes import Node, Operator


def transformed(scores: torch.Tensor, post: str) -> torch.Tensor:
    """Return scores after what a model does with them last; raises ExportError where there is no word for that."""
    if post == "NONE":
        return scores
    if post == "LOGISTIC":
        return torch.sigmoid(scores)
    if post == "SOFTMAX":
        return torch.softmax(scores, 1)
    raise ExportError(
        f"the pipeline cannot be said in PyTorch: its graph ends with {post}",
        hint="choose packager=[onnx] or [pickle]; [skops] where the model is scikit-learn's",
    )


def probabilities(scores: torch.Tensor, post: str, *, one: bool, shares: bool = False) -> torch.Tensor:
    """Return the probabilities of all classes.

    scores: float32 (n, n_classes); one: (n, 1), of the second of two classes alone; shares: whether that is a share of votes
    """
    if not one:
        return transformed(scores, post)
    if post == "NONE":
        return torch.cat([1 - scores if shares else -scores, scores], 1)
    return torch.sigmoid(torch.cat([-scores, scores], 1))


class Linear(nn.Module):
    """Products and sums in float32, as the graph has them: (n, n_features) -> (n, n_outputs)."""

    def __init__(self, node: Node, outputs: int) -> None:
        super().__init__()
        steep = np.asarray(node.get("coefficients"), dtype=np.float32).reshape(outputs, -1)
        shift = np.asarray(node.get("intercepts") or np.zeros(outputs), dtype=np.float32)
        self.register_buffer("steep", torch.from_numpy(steep.T.copy()))
        self.register_buffer("shift", torch.from_numpy(shift))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        held: Any = self
        found: torch.Tensor = X.to(torch.float32) @ held.steep + held.shift
        return found


class LinearClassifier(nn.Module):
    """Label, int64 (n,), and probabilities, float32 (n, n_classes), of a linear model."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        if "classlabels_ints" not in node.attributes:
            raise node.unsaid("with texts for classes")
        self.post = node.get("post_transform", b"NONE").decode()
        self.register_buffer("labels", torch.tensor(list(node.get("classlabels_ints"))))
        scores = len(node.get("intercepts") or node.get("classlabels_ints"))
        self.one = scores == 1
        self.linear = Linear(node, scores)

    def forward(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both."""
        held: Any = self
        found = probabilities(self.linear(X), self.post, one=self.one)
        return held.labels[found.argmax(1)], found


class LinearRegressor(nn.Module):
    """Numbers of a linear model, float32 (n, n_targets)."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.post = node.get("post_transform", b"NONE").decode()
        self.linear = Linear(node, node.get("targets", 1))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return them."""
        return transformed(self.linear(X), self.post)


class Scaler(nn.Module):
    """(X - offset) * scale, in float32."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        for name in ("offset", "scale"):
            self.register_buffer(name, torch.tensor(list(node.get(name)), dtype=torch.float32))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the scaled numbers."""
        held: Any = self
        found: torch.Tensor = (X.to(torch.float32) - held.offset) * held.scale
        return found


def normalizer(node: Node) -> Operator:
    """Divide each row by a norm; one of zeros stays."""
    norm = node.get("norm", b"MAX").decode()

    def normalize(X: torch.Tensor) -> torch.Tensor:
        X = X.to(torch.float32)
        size = {
            "L1": lambda: X.abs().sum(1, keepdim=True),
            "L2": lambda: X.square().sum(1, keepdim=True).sqrt(),
            "MAX": lambda: X.amax(1, keepdim=True),
        }[norm]()
        return torch.where(size == 0, X, X / torch.where(size == 0, 1, size))

    return normalize


def array_feature_extractor(node: Node) -> Operator:
    """Take columns."""
    return lambda X, places: X[..., places.reshape(-1)]
