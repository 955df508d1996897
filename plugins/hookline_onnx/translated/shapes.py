"""Operators that put values in another order or shape, or take some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx.numpy_helper
import torch

from .nodes import Node, Operator, Sizes, Text


def arg(function: Operator) -> Callable[[Node], Operator]:
    """Return what makes the place of an extreme value: the first of several."""

    def make(node: Node) -> Operator:
        axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
        return lambda X: function(X, axis, keepdim=keep)

    return make


def reduced(function: Operator) -> Callable[[Node], Operator]:
    """Return what makes one value of an axis."""

    def make(node: Node) -> Operator:
        axes, keep = node.integers(1, "axes"), bool(node.get("keepdims", 1))
        return lambda X, *_: function(X, axes or list(range(X.dim())), keep)

    return make


def concat(node: Node) -> Operator:
    """Join tensors, texts, or shapes."""
    axis = node.get("axis")

    def join(*given: Any) -> Any:
        if any(isinstance(one, Sizes) for one in given):
            parts = [one if isinstance(one, Sizes) else node.held(place) for place, one in enumerate(given)]
            return Sizes(size for part in parts for size in part)
        if isinstance(given[0], Text):
            if axis < 0:
                raise node.unsaid("from the end")
            return Text(torch.cat([one.bytes for one in given], axis))
        return torch.cat(given, axis)

    return join


def shape(node: Node) -> Operator:
    """Return the shape of a tensor."""
    start, end = node.get("start", 0), node.get("end")
    return lambda X: Sizes(X.shape[start:end])


def gather(node: Node) -> Operator:
    """Take some values along an axis."""
    axis, places = node.get("axis", 0), node.fixed[1]

    def take(X: Any, index: torch.Tensor) -> Any:
        if isinstance(X, Sizes):
            return Sizes(X[place] for place in node.held(1))
        if isinstance(X, Text):
            raise node.unsaid("of texts")
        if places is not None and places.ndim == 0:
            return X.select(axis, int(places))
        along = axis % X.dim()
        found = X.index_select(along, index.reshape(-1))
        return found if index.dim() == 1 else found.reshape(*X.shape[:along], *index.shape, *X.shape[along + 1 :])

    return take


def expand(node: Node) -> Operator:
    """Repeat values up to a shape."""

    def repeat(X: torch.Tensor, sizes: Any) -> torch.Tensor:
        wanted = sizes if isinstance(sizes, Sizes) else node.held(1)
        # A size of 1 leaves the tensor's own.
        own = (1,) * (len(wanted) - X.dim()) + tuple(X.shape)
        fixed = [isinstance(one, int) and one == 1 for one in wanted]
        return X.expand(*(mine if one else size for mine, size, one in zip(own, wanted, fixed, strict=True)))

    return repeat


def constant_of_shape(node: Node) -> Operator:
    """Return one value as often as a shape wants it."""
    held = node.get("value")
    value = torch.zeros(1) if held is None else torch.from_numpy(onnx.numpy_helper.to_array(held).copy())

    def fill(sizes: Any) -> torch.Tensor:
        return value.expand(*(sizes if isinstance(sizes, Sizes) else node.held(0)))

    return fill


def reshape(node: Node) -> Operator:
    """Give a tensor another shape; 0 leaves a size as it is."""

    def change(X: torch.Tensor, sizes: Any) -> torch.Tensor:
        wanted = sizes if isinstance(sizes, Sizes) else node.held(1)
        kept = [isinstance(size, int) and size == 0 for size in wanted]
        return X.reshape([X.shape[place] if kept[place] else size for place, size in enumerate(wanted)])

    return change


def flatten(node: Node) -> Operator:
    """Make two axes of all."""
    axis = node.get("axis", 1)
    if axis != 1:
        raise node.unsaid("before another axis than the second")
    return lambda X: X.reshape(X.shape[0], -1)


def squeeze(node: Node) -> Operator:
    """Leave out axes of one value."""
    axes = node.integers(1, "axes")

    def leave(X: Any, *_: Any) -> Any:
        if isinstance(X, Sizes):
            return X
        return X.squeeze() if axes is None else X.squeeze(tuple(axes))

    return leave


def unsqueeze(node: Node) -> Operator:
    """Put in axes of one value."""
    axes = node.held(1, "axes")

    def put(X: Any, *_: Any) -> Any:
        if isinstance(X, (Sizes, Text)):
            return X if isinstance(X, Sizes) else Text(_axes_in(X.bytes, axes, X.bytes.dim() - 1))
        return _axes_in(X, axes, X.dim())

    return put


def _axes_in(X: torch.Tensor, axes: list[int], rank: int) -> torch.Tensor:
    for axis in sorted(one % (rank + len(axes)) for one in axes):
        X = X.unsqueeze(axis)
    return X


def sliced(node: Node) -> Operator:
    """Take ranges along axes."""
    starts, ends = node.held(1, "starts"), node.held(2, "ends")
    axes, steps = node.integers(3, "axes"), node.integers(4, "steps")
    if steps and min(steps) < 1:
        raise node.unsaid("backwards")
    ranges = list(zip(axes or range(len(starts)), starts, ends, steps or [1] * len(starts), strict=True))

    def cut(X: Any, *_: Any) -> Any:
        if isinstance(X, Sizes):
            axis, start, end, step = ranges[0]
            return Sizes(X[start:end:step])
        for axis, start, end, step in ranges:
            where: list[Any] = [slice(None)] * X.dim()
            where[axis] = slice(start, None if end > 2**31 else end, step)
            X = X[tuple(where)]
        return X

    return cut


def split(node: Node) -> Operator:
    """Divide a tensor along an axis."""
    axis, sizes, parts = node.get("axis", 0), node.integers(1, "split"), node.outputs

    def divide(X: Any, *_: Any) -> tuple[Any, ...]:
        tensor = X.bytes if isinstance(X, Text) else X
        found = torch.split(tensor, sizes, axis) if sizes else torch.chunk(tensor, parts, axis)
        return tuple(Text(one) for one in found) if isinstance(X, Text) else tuple(found)

    return divide


def transpose(node: Node) -> Operator:
    """Put axes in another order."""
    order = node.get("perm")
    return lambda X: X.permute(list(order) if order else list(range(X.dim()))[::-1])


def top_k(node: Node) -> Operator:
    """Return the largest or smallest values, and their places."""
    axis, largest = node.get("axis", -1), bool(node.get("largest", 1))
    count = node.held(1)[0]

    def take(X: torch.Tensor, *_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        found = torch.topk(X, count, axis, largest)
        return found.values, found.indices

    return take
