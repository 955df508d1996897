"""Checks on featurizers, each in every place where its port says that it may stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hookline.errors import DataError
from hookline.kinds.artifacts import Features
from hookline.kinds.capabilities import ExportsOnnx

from ..onnx import require_onnx_parity
from ..place import Place, places
from ..subject import CheckFunction, Subject
from ..tables.parts import LinearModel
from ..tables.pipelines import with_truth
from ..tables.samples import strange_rows
from .common import data_error_or_fail
from .transform import through_json

CLOSE = 1e-4
"""Largest difference of a feature made of sparse rows from that of dense ones, relative to the feature's size or to 1."""


def exercise(subject: Subject) -> None:
    """Fit, and make the matrices of training and test rows."""
    for place, fitted in _fitted(subject):
        subject.component.transform_train(fitted, place.train())
        fitted.transform(place.given(place.sample.unlabeled()))


def check_matrix_is_described(subject: Subject) -> None:
    """The matrix is float32, with a row for each row and a described feature for each column; that of training rows too."""
    for place, fitted in _fitted(subject):
        sample = place.sample
        asked = fitted.transform(place.given(sample.unlabeled()))
        _require_described(subject, fitted, asked, sample.unlabeled().collect().height)
        trained = subject.component.transform_train(fitted, place.train())
        _require_described(subject, fitted, trained, sample.train.frame.collect().height)
        held = set(sample.train.feature_columns())
        wrong = [f.name for f in fitted.features if not f.definition or not set(f.inputs) <= held]
        if wrong:
            subject.fail(
                f"features {', '.join(wrong[:3])} have no definition, or inputs that are no raw feature columns."
            )


def _require_described(subject: Subject, fitted: Any, made: Features, rows: int) -> None:
    import numpy as np

    X: Any = made.X
    if X.dtype != np.float32:
        subject.fail(f"makes a {X.dtype} matrix; make it float32.")
    if made.shape != (rows, len(fitted.features)):
        subject.fail(f"makes a matrix of shape {made.shape} of {rows} rows and {len(fitted.features)} features.")
    if len(set(made.names)) != len(made.names) or made.features != fitted.features:
        subject.fail("features of the matrix are not those of `features`, or two have one name.")


def check_deterministic(subject: Subject) -> None:
    """Two fits on the same rows make the same matrix."""
    for place in places(subject, subject.rows("binary")):
        first, second = (_dense(_train_matrix(subject, place)) for _ in range(2))
        if not _equal(first, second):
            subject.fail(
                "two fits on the same rows differ; take random numbers from a generator made with a `seed` field."
            )


def check_rows_do_not_depend_on_others(subject: Subject) -> None:
    """The features of a row do not depend on the rows beside it, so nothing leaks from the test rows."""
    for place, fitted in _fitted(subject):
        alone = _dense(fitted.transform(place.given(place.sample.train.frame)))
        beside = _dense(fitted.transform(place.given(place.sample.whole.frame)))[: len(alone)]
        if not _equal(alone, beside):
            subject.fail("a row's features change with the rows beside it; learn every statistic in fit().")


def check_state_survives_json(subject: Subject) -> None:
    """What was learned can be written as JSON, and makes the same matrix when it is built again."""
    for place, fitted in _fitted(subject):
        restored = through_json(subject, fitted)
        given = place.given(place.sample.train.frame)
        if not _equal(_dense(restored.transform(given)), _dense(fitted.transform(given))):
            subject.fail("makes another matrix once its fitted state has been through JSON; hold plain data only.")


def check_takes_strange_rows(subject: Subject) -> None:
    """Unknown texts and missing values at inference are handled, or are a DataError that names the column."""
    for place, fitted in _fitted(subject):
        rows = strange_rows(place.sample.unlabeled())
        try:
            made = fitted.transform(place.with_gaps().given(rows.lazy()))
        except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
            data_error_or_fail(subject, error, "a row unlike any in training")
            continue
        if made.shape[0] != rows.height:
            subject.fail("loses a row unlike any in training; give it features, zero or NaN where need be.")


def check_onnx_is_equal(subject: Subject) -> None:
    """Where the fitted featurizer says itself in ONNX, the graph makes the same matrix."""
    import numpy as np

    for place, fitted in _fitted(subject):
        if not isinstance(fitted, ExportsOnnx):
            return
        sample = place.sample
        made = fitted.transform(place.given(sample.train.frame))  # type: ignore[attr-defined]
        dense = Features(np.nan_to_num(_dense(made)), made.features)
        model = LinearModel.fitted(with_truth(dense, sample.train, sample.target))
        require_onnx_parity(subject, place.pipeline(subject, fitted, model), sample)


def check_sparse_is_dense(subject: Subject) -> None:
    """After another featurizer, a sparse matrix makes what the same numbers in a dense one do, or is a DataError."""
    import numpy as np

    for place, fitted in _fitted(subject):
        if place.before is None:
            continue
        sparse = replace(place, sparse=True)
        frame = place.sample.whole.frame
        made: Any = None
        try:
            made = _dense(subject.component.fit(sparse.train()).transform(sparse.given(frame)))
        except DataError:
            continue
        except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
            data_error_or_fail(subject, error, "a sparse matrix")
        wanted = _dense(fitted.transform(place.given(frame)))
        if made.shape != wanted.shape or not np.allclose(made, wanted, rtol=CLOSE, atol=CLOSE, equal_nan=True):
            subject.fail("makes something else of a sparse matrix than of the same numbers in a dense one.")


def _fitted(subject: Subject) -> Iterator[tuple[Place, Any]]:
    """Fit the featurizer in each place."""
    for place in places(subject, subject.rows("binary")):
        yield place, subject.component.fit(place.train())


def _train_matrix(subject: Subject, place: Place) -> Features:
    train = place.train()
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
    check_sparse_is_dense,
)
