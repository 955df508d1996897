"""Ensembles of trees: every row goes down every tree at once, one branch a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx.numpy_helper
import torch
from torch import nn

from .learned import probabilities, transformed
from .nodes import Node

TESTS = {
    "BRANCH_LEQ": torch.le,
    "BRANCH_LT": torch.lt,
    "BRANCH_GTE": torch.ge,
    "BRANCH_GT": torch.gt,
    "BRANCH_EQ": torch.eq,
    "BRANCH_NEQ": torch.ne,
}
"""What a branch asks of a value and its threshold."""
LEAF = "LEAF"


class Trees(nn.Module):
    """Sums what the leaves say that a row comes to: X, (n, n_features) -> float64 (n, n_outputs).

    Thresholds are compared in the type of X, so that a value on one goes the way that it goes in the graph.
    """

    def __init__(self, node: Node, outputs: int, leaves: str) -> None:
        super().__init__()
        if node.get("aggregate_function", b"SUM") != b"SUM":
            raise node.unsaid("with another aggregate than the sum")
        modes = [mode.decode() for mode in node.get("nodes_modes")]
        owner = np.asarray(node.get("nodes_treeids"), dtype=np.int64)
        name = np.asarray(node.get("nodes_nodeids"), dtype=np.int64)
        places = {key: place for place, key in enumerate(zip(owner.tolist(), name.tolist(), strict=True))}
        leaf = np.array([mode == LEAF for mode in modes])
        ways = [_ways(node.get(f"nodes_{way}nodeids"), owner, places, leaf) for way in ("true", "false")]
        self.kinds = sorted({mode for mode in modes if mode != LEAF})
        self.steps = _depth(ways, leaf)
        missing = node.get("nodes_missing_value_tracks_true") or [0] * len(modes)
        held = {
            "feature": np.where(leaf, 0, np.asarray(node.get("nodes_featureids"), dtype=np.int64)),
            "threshold": _numbers(node, "nodes_values"),
            "asks": np.array([self.kinds.index(mode) if mode != LEAF else 0 for mode in modes]),
            "yes": ways[0],
            "no": ways[1],
            "missing": np.asarray(missing, dtype=bool),
            "roots": _roots(owner, ways, leaf),
            "says": _said(node, leaves, places, len(modes), outputs),
        }
        for key, array in held.items():
            self.register_buffer(key, torch.from_numpy(np.array(array)))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the sums."""
        tree: Any = self
        at = tree.roots[None, :].expand(X.shape[0], -1)
        for _ in range(self.steps):
            value = X.gather(1, tree.feature[at])
            goes = self._asked(value, tree.threshold[at].to(X.dtype), at) | (value.isnan() & tree.missing[at])
            at = torch.where(goes, tree.yes[at], tree.no[at])
        found: torch.Tensor = tree.says[at].sum(1)
        return found

    def _asked(self, value: torch.Tensor, threshold: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        tree: Any = self
        answers = [TESTS[kind](value, threshold) for kind in self.kinds]
        found = answers[0]
        for place, answer in enumerate(answers[1:], 1):
            found = torch.where(tree.asks[at] == place, answer, found)
        return found


def _numbers(node: Node, name: str) -> np.ndarray:
    """Return float numbers of an attribute, which may be a tensor of float64."""
    if f"{name}_as_tensor" in node.attributes:
        array: np.ndarray = onnx.numpy_helper.to_array(node.get(f"{name}_as_tensor"))
        return array
    return np.asarray(node.get(name, []), dtype=np.float32)


def _base(node: Node) -> np.ndarray:
    """Return what is added to the trees' sums, float64; none is a 0, since torch.export.save takes no empty tensors."""
    base = _numbers(node, "base_values").astype(np.float64)
    return base if len(base) else np.zeros(1)


def _ways(names: Sequence[int], owner: np.ndarray, places: Any, leaf: np.ndarray) -> np.ndarray:
    """Return where a branch leads; a leaf to itself."""
    keys = zip(owner.tolist(), names, leaf.tolist(), strict=True)
    return np.array([place if ends else places[tree, name] for place, (tree, name, ends) in enumerate(keys)])


def _roots(owner: np.ndarray, ways: Sequence[np.ndarray], leaf: np.ndarray) -> np.ndarray:
    """Return the node of each tree that no branch leads to."""
    reached = np.zeros(len(owner), dtype=bool)
    for way in ways:
        reached[way[~leaf]] = True
    return np.flatnonzero(~reached)


def _depth(ways: Sequence[np.ndarray], leaf: np.ndarray) -> int:
    """Return how many branches the longest way has."""
    level = np.flatnonzero(~leaf)
    # From the roots on: what a level's branches lead to, and is a branch itself, is the next level.
    reached = np.zeros(len(leaf), dtype=bool)
    for way in ways:
        reached[way[~leaf]] = True
    level = level[~reached[level]]
    steps = 0
    while len(level):
        steps += 1
        below = np.concatenate([way[level] for way in ways])
        level = below[~leaf[below]]
    return steps


def _said(node: Node, leaves: str, places: Any, nodes: int, outputs: int) -> np.ndarray:
    """Return what each node adds to each output, float64 (n_nodes, n_outputs)."""
    found = np.zeros((nodes, outputs))
    trees, names, ids = (node.get(f"{leaves}_{what}", []) for what in ("treeids", "nodeids", "ids"))
    rows = [places[key] for key in zip(trees, names, strict=True)]
    np.add.at(found, (rows, list(ids)), _numbers(node, f"{leaves}_weights").astype(np.float64))
    return found


class TreeClassifier(nn.Module):
    """Label, int64 (n,), and probabilities, float32 (n, n_classes), of trees."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.post = node.get("post_transform", b"NONE").decode()
        self.register_buffer("labels", torch.tensor(_classes(node)))
        classes = len(_classes(node))
        told = set(node.get("class_ids"))
        # Of two classes one may be told alone.
        self.told = told.pop() if classes == 2 and len(told) == 1 else None
        weights = _numbers(node, "class_weights")
        self.shares = bool((weights >= 0).all())
        self.trees = Trees(node, classes, "class")
        base = _base(node)
        self.register_buffer("base", torch.from_numpy(base[-1:].copy() if self.told is not None else base))

    def forward(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both."""
        held: Any = self
        scores = self.trees(X)
        if self.told is not None:
            scores = scores[:, self.told : self.told + 1]
        one = self.told is not None
        found = probabilities((scores + held.base).to(torch.float32), self.post, one=one, shares=self.shares)
        return held.labels[found.argmax(1)], found


def _classes(node: Node) -> list[int]:
    if "classlabels_int64s" not in node.attributes:
        raise node.unsaid("with texts for classes")
    return list(node.get("classlabels_int64s"))


class TreeRegressor(nn.Module):
    """Numbers of trees, float32 (n, n_targets)."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.post = node.get("post_transform", b"NONE").decode()
        self.trees = Trees(node, node.get("n_targets", 1), "target")
        self.register_buffer("base", torch.from_numpy(_base(node)))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return them."""
        held: Any = self
        return transformed((self.trees(X) + held.base).to(torch.float32), self.post)
