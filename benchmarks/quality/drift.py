"""How often monitors call unchanged rows moved, and how often they find what has moved: `python benchmarks/quality/drift.py`.

Every draw has another seed. `false` is of columns (or tables, or 10,000 labels) of which nothing changed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hookline import Dataset, Metrics, Monitor, Prediction, Reference, Roles, Scored, Target
from hookline.quality.distributions import profile
from hookline_polars import DataDriftMonitor
from hookline_sklearn import CovariateShiftMonitor, ModelDriftMonitor, StandardEvaluator

ROLES = Roles(target="y")
DRIFT = DataDriftMonitor()
CARDINALITIES = (5, 50, 1_000)
SIZES = {500: 100, 5_000: 60, 100_000: 20, 1_000_000: 3}
"""Rows of either sample -> draws."""
MOST_BEFORE = 1_000_000
SHAPES: Mapping[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float]] = {
    "normal": (lambda rng, rows: rng.normal(size=rows), 1.0),
    "flat": (lambda rng, rows: rng.random(rows), 12**-0.5),
    "exponential": (lambda rng, rows: rng.exponential(size=rows), 1.0),
    "two peaks": (lambda rng, rows: rng.normal(rng.choice([-2, 2], rows), 1), 5**0.5),
    "heavy tails": (lambda rng, rows: rng.standard_t(5, rows), (5 / 3) ** 0.5),
    "mostly zero": (lambda rng, rows: rng.exponential(size=rows) * (rng.random(rows) < 0.3), 0.51**0.5),
}
"""How columns are drawn, and their standard deviation."""
BINARY = Target("y", "binary", (0, 1))


def table(rows: int, seed: int, by: float = 0.0, shape: str = "normal") -> pl.DataFrame:
    """Return numbers, even and uneven, and texts of few and of many values, some of them rare; `moved` lies `by` sd off."""
    rng = np.random.default_rng(seed)
    draw, deviation = SHAPES[shape]
    columns: dict[str, Any] = {
        "moved": draw(rng, rows) + by * deviation,
        "normal": rng.normal(size=rows),
        "lognormal": rng.lognormal(0, 1.5, rows),
        "heavy": rng.standard_t(2, rows),
        "counts": rng.poisson(2, rows),
        "mostly zero": rng.lognormal(0, 1, rows) * (rng.random(rows) < 0.1),
    }
    for values in CARDINALITIES:
        names = pl.Series([f"v{place}" for place in range(values)])
        columns[f"flat {values}"] = names.gather(rng.integers(0, values, rows))
        falling = 1 / np.arange(1.0, values + 1)
        columns[f"falling {values}"] = names.gather(rng.choice(values, rows, p=falling / falling.sum()))
    return pl.DataFrame(columns | {"y": np.zeros(rows)})


def moved(before: pl.DataFrame, now: pl.DataFrame, monitor: Monitor = DRIFT) -> set[str]:
    """Return the columns that are told as moved, from what a package remembers of the training rows."""
    known = Reference(profile(before.lazy(), before.columns))
    return {f.subject for f in monitor.check(Dataset(now.lazy(), ROLES), known).findings if f.severity != "info"}


def false_alarms(sizes: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """Yield how often each sort of unchanged column is told, by rows of either sample; and with ten times as many before."""
    for rows, draws in sizes.items():
        for before in (rows, 10 * rows) if 10 * rows <= MOST_BEFORE else (rows,):
            told: dict[str, int] = {}
            for seed in range(draws):
                for name in moved(table(before, 2 * seed), table(rows, 2 * seed + 1)):
                    told[name] = told.get(name, 0) + 1
            columns = table(1, 0).width - 1
            share = sum(told.values()) / draws / columns
            worst = max(told.items(), key=lambda pair: pair[1], default=("none", 0))
            yield {
                "false": round(share, 5), "monitor": "data_drift", "before": before, "rows": rows, "draws": draws,
                "columns": columns, "worst": worst[0], "worst_share": round(worst[1] / draws, 4),
            }  # fmt: skip


def power(
    draws: int,
    shifts: tuple[float, ...] = (0.05, 0.1, 0.2),
    rows: int = 10_000,
    shapes: Collection[str] = tuple(SHAPES),
) -> Iterator[dict[str, Any]]:
    """Yield how often a shift of one column among thirteen is found, by the column's shape."""
    for shape in shapes:
        for by in shifts:
            tables = ((table(rows, 2 * n, 0, shape), table(rows, 2 * n + 1, by, shape)) for n in range(draws))
            share = sum("moved" in moved(before, now) for before, now in tables) / draws
            yield {
                "found": share, "monitor": "data_drift", "shape": shape, "shift_in_sd": by, "rows": rows, "draws": draws,
            }  # fmt: skip


def pairs(rows: int, seed: int, related: float) -> pl.DataFrame:
    """Return two numbers that are `related`, each by itself always the same, beside two that are not."""
    rng = np.random.default_rng(seed)
    first, noise = rng.normal(size=rows), rng.normal(size=rows)
    both = related * first + (1 - related**2) ** 0.5 * noise
    return pl.DataFrame({"a": first, "b": both, "c": rng.normal(size=rows), "d": rng.random(rows), "y": np.zeros(rows)})


def together(draws: int, sizes: tuple[int, ...] = (100, 500, 2_000)) -> Iterator[dict[str, Any]]:
    """Yield how often rows of which no column moved by itself are told, where they did not move together, and where they did."""
    for rows in sizes:
        for related in (0.0, 0.3, 0.6, 0.9):
            found = 0
            for seed in range(draws):
                before, now = pairs(rows, 2 * seed, 0.0), pairs(rows, 2 * seed + 1, related)
                known = Reference(profile(before.lazy(), before.columns), Dataset(before.lazy(), ROLES))
                report = CovariateShiftMonitor().check(Dataset(now.lazy(), ROLES), known)
                found += any(finding.severity != "info" for finding in report.findings)
            name = "found" if related else "false"
            yield {
                name: found / draws,
                "monitor": "covariate_shift",
                "rows": rows,
                "correlation": related,
                "draws": draws,
            }


def streams(draws: int, quiet: int = 10_000) -> Iterator[dict[str, Any]]:
    """Yield, by detector, false alarms in 10,000 labels, and how many labels after errors rose from .2 to .4 it is found."""
    from hookline_river.detectors import first_rise
    from hookline_river.streams import Usual

    for detector in ("page_hinkley", "adwin", "hddm_a", "hddm_w"):
        false, late, missed = 0, [], 0
        for seed in range(draws):
            rng = np.random.default_rng(seed)

            def errors(rows: int, share: float, rng: np.random.Generator = rng) -> np.ndarray:
                return (rng.random(rows) < share).astype(float)

            usual = Usual.of(errors(2_000, 0.2), 1.0)
            false += first_rise(errors(quiet, 0.2), usual, detector, 0.15, 200_000) is not None
            stream = np.concatenate([errors(300, 0.2), errors(700, 0.4)])
            rise = first_rise(stream, usual, detector, 0.15, 200_000)
            if rise is None:
                missed += 1
            else:
                late.append(rise.found - 299)
        yield {
            "false_in_10000": round(false / draws / quiet * 10_000, 3), "monitor": f"concept_drift, {detector}",
            "labels_until_found": float(np.mean(late)), "median": float(np.median(late)), "missed": missed, "draws": draws,
        }  # fmt: skip


def people(rows: int, seed: int, by: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return X, (rows, 3), moved `by` along the first column, and classes that depend on it otherwise than a line."""
    rng = np.random.default_rng(seed)
    X = rng.normal([by, 0, 0], 1, (rows, 3))
    logit = 1.5 * X[:, 0] - X[:, 1] ** 2 + X[:, 0] * X[:, 2]
    return X, (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)


def scored(model: Any, X: np.ndarray, y: np.ndarray) -> Scored:
    """Return a model's answers with the truth."""
    rows = Dataset(pl.DataFrame({f"x{place}": X[:, place] for place in range(X.shape[1])}).lazy(), ROLES)
    return Scored.of(rows, Prediction(model.predict(X), model.predict_proba(X), (0, 1)), BINARY, y)


def estimates(draws: int, rows: int = 3_000) -> Iterator[dict[str, Any]]:
    """Yield how far the estimate without labels is from the truth, by model and by how far the rows have moved."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    for kind in (LogisticRegression, HistGradientBoostingClassifier):
        for by in (0.0, 0.5, 1.0, 2.0, 4.0):
            off: dict[str, list[float]] = {"accuracy": [], "roc_auc": [], "log_loss": []}
            fell, told = [], 0
            for seed in range(draws):
                model = kind().fit(*people(3_000, 3 * seed))
                known = _packaged(scored(model, *people(3_000, 3 * seed + 1)))
                come = scored(model, *people(rows, 3 * seed + 2, by))
                late = replace(come, frame=come.frame.drop("truth"), held=None)
                report = ModelDriftMonitor().check(late, known)
                truth = StandardEvaluator(n_bootstrap=0).evaluate(come)
                guess = {metric.name: metric.value for metric in report.metrics}
                fell.append(known.metrics["accuracy"].value - truth["accuracy"] if known.metrics else 0.0)
                told += not guess
                for name in off:
                    if guess:
                        off[name].append(abs(guess[f"estimated_{name}"] - truth[name]))
            mean = {f"off_{name}": round(float(np.mean(found)), 4) if found else None for name, found in off.items()}
            yield {
                "monitor": "model_drift, estimated", "model": kind.__name__, "moved_sd": by, **mean,
                "accuracy_fell": round(float(np.mean(fell)), 4), "switched_off": told / draws, "draws": draws,
            }  # fmt: skip


def _packaged(held_out: Scored) -> Reference:
    """Return what a package remembers of held-out rows."""
    rows = held_out.rows()
    known = profile(rows.frame, rows.feature_columns())
    in_run = Reference(known, rows, target=BINARY, metrics=Metrics(StandardEvaluator().evaluate(held_out).metrics))
    folder = Path(tempfile.mkdtemp())
    files = {}
    for name, content in ModelDriftMonitor().check(held_out, in_run).files.items():
        files[name] = folder / name
        files[name].write_bytes(content)
    return replace(in_run, dataset=None, files=files)


def main() -> None:
    """Print one line of JSON a row of the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("false", "power", "together", "streams", "estimates"))
    options.add_argument("--draws", type=int, default=100)
    told = options.parse_args()
    parts = {
        "false": lambda: false_alarms(SIZES),
        "power": lambda: power(told.draws),
        "together": lambda: together(told.draws),
        "streams": lambda: streams(told.draws),
        "estimates": lambda: estimates(max(2, told.draws // 10)),
    }
    for name, rows in parts.items():
        if told.only in (None, name):
            for row in rows():
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
