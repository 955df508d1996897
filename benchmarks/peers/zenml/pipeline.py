"""Run W as a ZenML pipeline on the default stack: local orchestrator, local artifact store, caching as it comes."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import w_parts
from sklearn.pipeline import Pipeline
from zenml import log_metadata, pipeline, step


@step
def load(path: str) -> Annotated[pd.DataFrame, "clean_rows"]:
    return w_parts.clean(w_parts.read(path))


@step
def split(
    rows: pd.DataFrame,
) -> tuple[
    Annotated[pd.DataFrame, "X_train"],
    Annotated[pd.DataFrame, "X_test"],
    Annotated[pd.Series, "y_train"],
    Annotated[pd.Series, "y_test"],
]:
    X_train, X_test, y_train, y_test = w_parts.split(rows)
    # ZenML tells several outputs by the tuple in the return statement.
    return X_train, X_test, y_train, y_test


@step
def train(X_train: pd.DataFrame, y_train: pd.Series) -> Annotated[Pipeline, "model"]:
    return w_parts.train(X_train, y_train)


@step
def judge(model: Pipeline, X_test: pd.DataFrame, y_test: pd.Series) -> Annotated[dict[str, float], "metrics"]:
    metrics = w_parts.judge(model, X_test, y_test)
    log_metadata(metadata=metrics)
    return metrics


@pipeline
def run_w(path: str) -> None:
    X_train, X_test, y_train, y_test = split(load(path))
    judge(train(X_train, y_train), X_test, y_test)


if __name__ == "__main__":
    run_w(path="w.parquet")
