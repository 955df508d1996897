"""Whether the trees of an estimator that was read lead anywhere: scikit-learn follows them without looking where to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError

if TYPE_CHECKING:
    import numpy as np

DEEPEST = 12
"""Estimators inside each other."""


def require_sound_trees(estimator: Any, features: int, file: Path) -> None:
    """Raise StoreError where a tree leads back, out of its nodes, or to a feature beyond those that there are.

    features: how many a row has; file: what held the estimator
    """
    for tree, known in _trees(estimator, DEEPEST):
        if not (
            _is_sound(tree, features) if hasattr(tree, "children_left") else _is_sound_table(tree, known, features)
        ):
            raise StoreError(f"{file} is damaged: it holds a tree that leads out of its own nodes")


def _trees(value: Any, deep: int, known: Any = None) -> Iterator[tuple[Any, Any]]:
    """Yield every tree in an estimator: of scikit-learn's own trees and forests, and of histogram gradient boosting.

    Beside each stands which features are categories to its bin mapper: bool, (n_features,); None where it has none.
    """
    if hasattr(value, "children_left") or type(value).__name__ == "TreePredictor":
        yield value, known
    elif deep and isinstance(value, (list, tuple)):
        for item in value:
            yield from _trees(item, deep - 1, known)
    elif deep and isinstance(value, Mapping):
        yield from _trees(list(value.values()), deep - 1, known)
    elif deep and getattr(getattr(value, "dtype", None), "kind", "") == "O":
        yield from _trees(list(value.ravel()), deep - 1, known)
    elif deep and type(value).__module__.partition(".")[0] in ("sklearn", "hookline", "hookline_sklearn"):
        known = getattr(getattr(value, "_bin_mapper", None), "is_categorical_", known)
        yield from _trees(list(getattr(value, "__dict__", {}).values()), deep - 1, known)


def _is_sound(tree: Any, features: int) -> bool:
    import numpy as np

    left, right = tree.children_left, tree.children_right
    places = np.arange(tree.node_count)
    inner = left != -1
    return _leads_on(left[inner], right[inner], places[inner], tree.node_count, tree.feature[inner], features)


def _is_sound_table(tree: Any, known: Any, features: int) -> bool:
    import numpy as np

    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    left, right = (nodes[side][inner].astype(np.int64) for side in ("left", "right"))
    places = np.arange(len(nodes))[inner]
    leads = len(nodes) > 0 and _leads_on(left, right, places, len(nodes), nodes["feature_idx"][inner], features)
    return leads and _has_categories(nodes[inner & (nodes["is_categorical"] != 0)], tree.raw_left_cat_bitsets, known)


def _has_categories(nodes: np.ndarray, bitsets: np.ndarray, known: Any) -> bool:
    """Tell whether each node that asks for categories has its own, and its feature is one of those that have any."""
    import numpy as np

    if not len(nodes):
        return True
    asked = nodes["feature_idx"]
    # A set holds the 256 values of a byte, in eight words.
    if known is None or np.ndim(bitsets) != 2 or bitsets.shape[1] != 8 or int(asked.max()) >= len(known):
        return False
    return bool((nodes["bitset_idx"] < len(bitsets)).all() and np.asarray(known, dtype=np.bool_)[asked].all())


def _leads_on(left: Any, right: Any, places: Any, count: int, feature: Any, features: int) -> bool:
    """Tell whether each node's two children stand behind it, so that every way ends, and its feature is one of a row's."""
    ways = [bool(((side > places) & (side < count)).all()) for side in (left, right)]
    return all(ways) and bool(((feature >= 0) & (feature < features)).all())
