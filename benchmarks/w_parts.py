"""The steps of run W by hand, in pandas and scikit-learn: the script and every peer run these, so that only the frame differs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

Parts = tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]


def read(path: str | Path) -> pd.DataFrame:
    return pd.read_parquet(path)


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["id", "timestamp"]).drop_duplicates()


def split(rows: pd.DataFrame) -> Parts:
    """Return X_train, X_test, y_train, y_test."""
    X, y = rows.drop(columns="target"), rows["target"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    return X_train, X_test, y_train, y_test


def featurizer(rows: pd.DataFrame) -> ColumnTransformer:
    numbers = [name for name in rows if name.startswith("number")]
    categories = [name for name in rows if name.startswith("category")]
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=100)
    return ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("category", make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), categories),
        ]
    )


def train(X_train: pd.DataFrame, y_train: pd.Series, C: float = 1.0) -> Pipeline:
    return make_pipeline(featurizer(X_train), LogisticRegression(C=C, max_iter=1000)).fit(X_train, y_train)


def judge(model: Pipeline, X_test: pd.DataFrame, y_test: pd.Series) -> dict[str, float]:
    chance = model.predict_proba(X_test)
    label = model.classes_[chance.argmax(axis=1)]
    (right_no, wrong_yes), (wrong_no, right_yes) = confusion_matrix(y_test, label).tolist()
    return {
        "accuracy": float(accuracy_score(y_test, label)),
        "f1": float(f1_score(y_test, label, pos_label=model.classes_[1])),
        "roc_auc": float(roc_auc_score(y_test, chance[:, 1])),
        "log_loss": float(log_loss(y_test, chance)),
        "true_negatives": float(right_no),
        "false_positives": float(wrong_yes),
        "false_negatives": float(wrong_no),
        "true_positives": float(right_yes),
    }
