"""Run W as nodes: clean, split, train, judge; the catalog keeps what they make."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline
from w_parts import clean, judge, split, train


def create_pipeline(**_: Any) -> Pipeline:
    parts = ["X_train", "X_test", "y_train", "y_test"]
    return Pipeline(
        [
            Node(clean, inputs="rows", outputs="clean_rows", name="clean"),
            Node(split, inputs="clean_rows", outputs=parts, name="split"),
            Node(train, inputs=["X_train", "y_train"], outputs="model", name="train"),
            Node(judge, inputs=["model", "X_test", "y_test"], outputs="metrics", name="judge"),
        ]
    )
