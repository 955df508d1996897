"""The words of PyTorch for operators of ONNX (ai.onnx 21, ai.onnx.ml 5), as far as pipelines use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import torch
from torch.nn import functional

from . import shapes
from .learned import LinearClassifier, LinearRegressor, Scaler, array_feature_extractor, normalizer
from .nodes import Node, Operator, Text
from .texts import LabelEncoder, equal, where
from .trees import TreeClassifier, TreeRegressor

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    11: torch.float64,
}
"""Number of a type in ONNX -> the type."""


def plain(function: Operator) -> Callable[[Node], Operator]:
    """Return what makes an operator that no attribute changes."""
    return lambda node: function


def folded(function: Operator) -> Callable[[Node], Operator]:
    """Return what makes an operator of any number of inputs."""
    return lambda node: lambda *given: reduce(function, given)


def _cast(node: Node) -> Operator:
    dtype = DTYPES.get(node.get("to"))
    if dtype is None:
        raise node.unsaid("to a text, or to a type that it has not")

    def cast(given: Any) -> torch.Tensor:
        if isinstance(given, Text):
            raise node.unsaid("from a text")
        found: torch.Tensor = given.to(dtype)
        return found

    return cast


def _div(node: Node) -> Operator:
    def divide(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.div(one, other, rounding_mode=None if one.is_floating_point() else "trunc")

    return divide


def _clip(node: Node) -> Operator:
    def clip(X: torch.Tensor, low: torch.Tensor | None = None, high: torch.Tensor | None = None) -> torch.Tensor:
        X = X if low is None else torch.maximum(X, low)
        return X if high is None else torch.minimum(X, high)

    return clip


def _softmax(function: Operator) -> Callable[[Node], Operator]:
    return lambda node: lambda X: function(X, node.get("axis", -1))


def _gemm(node: Node) -> Operator:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    turned = [node.get(name, 0) for name in ("transA", "transB")]

    def multiply(A: torch.Tensor, B: torch.Tensor, C: torch.Tensor | None = None) -> torch.Tensor:
        found: torch.Tensor = alpha * ((A.T if turned[0] else A) @ (B.T if turned[1] else B))
        return found if C is None else found + beta * C

    return multiply


def _layer_normalization(node: Node) -> Operator:
    axis, epsilon = node.get("axis", -1), node.get("epsilon", 1e-5)

    def normalize(X: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor | None = None) -> torch.Tensor:
        return functional.layer_norm(X, list(X.shape[axis:]), scale, shift, epsilon)

    return normalize


def _batch_normalization(node: Node) -> Operator:
    epsilon = node.get("epsilon", 1e-5)
    return lambda X, scale, shift, mean, variance: functional.batch_norm(X, mean, variance, scale, shift, eps=epsilon)


def _leaky_relu(node: Node) -> Operator:
    return lambda X: functional.leaky_relu(X, node.get("alpha", 0.01))


def _elu(node: Node) -> Operator:
    return lambda X: functional.elu(X, node.get("alpha", 1.0))


def _gelu(node: Node) -> Operator:
    return lambda X: functional.gelu(X, approximate=node.get("approximate", b"none").decode())


MAKERS: Mapping[str, Callable[[Node], Operator]] = {
    "Abs": plain(torch.abs),
    "Add": plain(torch.add),
    "And": plain(torch.logical_and),
    "ArgMax": shapes.arg(torch.argmax),
    "ArgMin": shapes.arg(torch.argmin),
    "ArrayFeatureExtractor": array_feature_extractor,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Ceil": plain(torch.ceil),
    "Clip": _clip,
    "Concat": shapes.concat,
    "ConstantOfShape": shapes.constant_of_shape,
    "Cos": plain(torch.cos),
    "Div": _div,
    "Dropout": plain(lambda X, *_: X),
    "Elu": _elu,
    "Equal": equal,
    "Erf": plain(torch.erf),
    "Exp": plain(torch.exp),
    "Expand": shapes.expand,
    "Flatten": shapes.flatten,
    "Floor": plain(torch.floor),
    "Gather": shapes.gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "Greater": plain(torch.gt),
    "GreaterOrEqual": plain(torch.ge),
    "Identity": plain(lambda X: X),
    "IsInf": plain(torch.isinf),
    "IsNaN": plain(torch.isnan),
    "LabelEncoder": LabelEncoder,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": _leaky_relu,
    "Less": plain(torch.lt),
    "LessOrEqual": plain(torch.le),
    "LinearClassifier": LinearClassifier,
    "LinearRegressor": LinearRegressor,
    "Log": plain(torch.log),
    "LogSoftmax": _softmax(torch.log_softmax),
    "MatMul": plain(torch.matmul),
    "Max": folded(torch.maximum),
    "Min": folded(torch.minimum),
    "Mod": lambda node: torch.fmod if node.get("fmod", 0) else torch.remainder,
    "Mul": plain(torch.mul),
    "Neg": plain(torch.neg),
    "Normalizer": normalizer,
    "Not": plain(torch.logical_not),
    "Or": plain(torch.logical_or),
    "Pow": plain(torch.pow),
    "Reciprocal": plain(torch.reciprocal),
    "ReduceLogSumExp": shapes.reduced(lambda X, axes, keep: torch.logsumexp(X, axes, keepdim=keep)),
    "ReduceMax": shapes.reduced(lambda X, axes, keep: torch.amax(X, axes, keepdim=keep)),
    "ReduceMean": shapes.reduced(lambda X, axes, keep: torch.mean(X, axes, keepdim=keep)),
    "ReduceMin": shapes.reduced(lambda X, axes, keep: torch.amin(X, axes, keepdim=keep)),
    "ReduceSum": shapes.reduced(lambda X, axes, keep: torch.sum(X, axes, keepdim=keep)),
    "ReduceSumSquare": shapes.reduced(lambda X, axes, keep: torch.sum(X * X, axes, keepdim=keep)),
    "Relu": plain(torch.relu),
    "Reshape": shapes.reshape,
    "Round": plain(torch.round),
    "Scaler": Scaler,
    "Shape": shapes.shape,
    "Sigmoid": plain(torch.sigmoid),
    "Sign": plain(torch.sign),
    "Sin": plain(torch.sin),
    "Slice": shapes.sliced,
    "Softmax": _softmax(torch.softmax),
    "Softplus": plain(functional.softplus),
    "Split": shapes.split,
    "Sqrt": plain(torch.sqrt),
    "Squeeze": shapes.squeeze,
    "Sub": plain(torch.sub),
    "Sum": folded(torch.add),
    "Tanh": plain(torch.tanh),
    "TopK": shapes.top_k,
    "Transpose": shapes.transpose,
    "TreeEnsembleClassifier": TreeClassifier,
    "TreeEnsembleRegressor": TreeRegressor,
    "Unsqueeze": shapes.unsqueeze,
    "Where": where,
    "Xor": plain(torch.logical_xor),
}
"""Operator of ONNX -> what makes its word in PyTorch of a node."""
