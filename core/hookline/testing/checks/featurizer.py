"""Checks on featurizers."""

from __future__ import annotations

from typing import Any

from hookline.data.columns import infer_schema
from hookline.kinds.artifacts import Features
from hookline.kinds.capabilities import ExportsOnnx
from hookline.packages.pipeline import FittedStage, Pipeline

from ..onnx import require_onnx_parity
from ..parts import LinearModel, with_truth
from ..samples import strange_rows
from ..subject import CheckFunction, Subject
from .common import data_error_or_fail
from .transform import through_json


def check_matrix_is_described(subject: Subject) -> None:
    """The matrix is float32, with a row for each row and a described feature for each column."""
    import numpy as np

    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    made = fitted.transform(sample.unlabeled())
    X: Any = made.X
    rows = sample.unlabeled().collect().height
    if X.dtype != np.float32:
        subject.fail(f"makes a {X.dtype} matrix; make it float32.")
    if made.shape != (rows, len(fitted.features)):
        subject.fail(f"makes a matrix of shape {made.shape} of {rows} rows and {len(fitted.features)} features.")
    if len(set(made.names)) != len(made.names) or made.features != fitted.features:
        subject.fail("features of the matrix are not those of `features`, or two have one name.")
    held = set(sample.train.feature_columns())
    wrong = [f.name for f in fitted.features if not f.definition or not set(f.inputs) <= held]
    if wrong:
        subject.fail(f"features {', '.join(wrong[:3])} have no definition, or inputs that are no raw feature columns.")


def check_deterministic(subject: Subject) -> None:
    """Two fits on the same rows make the same matrix."""
    sample = subject.rows("binary")
    first, second = (_dense(_train_matrix(subject, sample.train)) for _ in range(2))
    if not _equal(first, second):
        subject.fail("two fits on the same rows differ; take random numbers from a generator made with a `seed` field.")


def check_rows_do_not_depend_on_others(subject: Subject) -> None:
    """The features of a row do not depend on the rows beside it, so nothing leaks from the test rows."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    alone = _dense(fitted.transform(sample.train.frame))
    beside = _dense(fitted.transform(sample.whole.frame))[: len(alone)]
    if not _equal(alone, beside):
        subject.fail("a row's features change with the rows beside it; learn every statistic in fit().")


def check_state_survives_json(subject: Subject) -> None:
    """What was learned can be written as JSON, and makes the same matrix when it is built again."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    restored = through_json(subject, fitted)
    if not _equal(_dense(restored.transform(sample.train.frame)), _dense(fitted.transform(sample.train.frame))):
        subject.fail("makes another matrix once its fitted state has been through JSON; hold plain data only.")


def check_takes_strange_rows(subject: Subject) -> None:
    """Unknown texts and missing values at inference are handled, or are a DataError that names the column."""
    sample = subject.rows("binary")
    fitted = subject.component.fit(sample.train)
    rows = strange_rows(sample.unlabeled())
    try:
        made = fitted.transform(rows.lazy())
    except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
        data_error_or_fail(subject, error, "a row unlike any in training")
        return
    if made.shape[0] != rows.height:
        subject.fail("loses a row unlike any in training; give it features, zero or NaN where need be.")


def check_onnx_is_equal(subject: Subject) -> None:
    """Where the fitted featurizer says itself in ONNX, the graph makes the same matrix."""
    import numpy as np

    sample = subject.rows("binary")
    fitted: Any = subject.component.fit(sample.train)
    if not isinstance(fitted, ExportsOnnx):
        return
    train = subject.component.fit(sample.train).transform(sample.train.frame)
    dense = Features(np.nan_to_num(_dense(train)), train.features)
    model = LinearModel.fitted(with_truth(dense, sample.train, sample.target))
    schema = infer_schema(sample.train.frame, sample.train.feature_columns())
    stage = FittedStage("featurizer", subject.component.name, fitted)
    require_onnx_parity(subject, Pipeline(schema, sample.train.roles, sample.target, (), (stage,), model), sample)


def _train_matrix(subject: Subject, train: Any) -> Features:
    made: Features = subject.component.transform_train(subject.component.fit(train), train)
    return made


def _dense(features: Features) -> Any:
    X: Any = features.X
    return X if hasattr(X, "flags") else X.toarray()


def _equal(first: Any, second: Any) -> bool:
    import numpy as np

    return bool(np.array_equal(first, second, equal_nan=True))


CHECKS: tuple[CheckFunction, ...] = (
    check_matrix_is_described,
    check_deterministic,
    check_rows_do_not_depend_on_others,
    check_state_survives_json,
    check_takes_strange_rows,
    check_onnx_is_equal,
)
