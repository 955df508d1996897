"""Run W as a script that tracks with MLflow on SQLite: parameters, metrics, and the model with signature and requirements."""

from __future__ import annotations

import mlflow
import sklearn
from mlflow.models import infer_signature
from w_parts import clean, judge, read, split, train

mlflow.set_experiment("w")
with mlflow.start_run():
    X_train, X_test, y_train, y_test = split(clean(read("w.parquet")))
    mlflow.log_params({"test_size": 0.3, "max_categories": 100, "max_iter": 1000})
    model = train(X_train, y_train)
    mlflow.log_metrics(judge(model, X_test, y_test))
    some = X_train.head(100)
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(some, model.predict(some)),
        # What its error names where the default format, skops, meets this model.
        skops_trusted_types=["numpy.dtype"],
        pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
    )
