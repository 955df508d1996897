"""What a good engineer writes by hand for table W: pandas and scikit-learn."""

from __future__ import annotations

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

path, out, *more = sys.argv[1:]
rows = pd.read_parquet(path).drop(columns=["id", "timestamp"]).drop_duplicates()
y = rows.pop("target")
numbers = [name for name in rows if name.startswith("number")]
categories = [name for name in rows if name.startswith("category")]
X_train, X_test, y_train, y_test = train_test_split(rows, y, test_size=0.3, stratify=y, random_state=0)
columns = ColumnTransformer(
    [
        ("number", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (
            "category",
            make_pipeline(
                SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", max_categories=100)
            ),
            categories,
        ),
    ]
)
model = make_pipeline(columns, LogisticRegression(C=float(more[0]) if more else 1.0, max_iter=1000)).fit(
    X_train, y_train
)
chance = model.predict_proba(X_test)
label = model.classes_[chance.argmax(axis=1)]
print(
    {
        "accuracy": accuracy_score(y_test, label),
        "f1": f1_score(y_test, label, pos_label=model.classes_[1]),
        "roc_auc": roc_auc_score(y_test, chance[:, 1]),
        "log_loss": log_loss(y_test, chance),
        "confusion": confusion_matrix(y_test, label).tolist(),
    }
)
joblib.dump(model, out)
