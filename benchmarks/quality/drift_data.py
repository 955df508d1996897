"""How often monitors are wrong on known streams and real tables, and the same pairs of tables written for peers to judge.

python benchmarks/quality/drift_data.py concepts [--draws 20]
python benchmarks/quality/drift_data.py tables --data DIR [--draws 20]
python benchmarks/quality/drift_data.py estimate --data DIR [--draws 10]
python benchmarks/quality/drift_data.py write FOLDER --data DIR [--draws 20]

DIR holds `adult-train.csv` (UCI Adult) and `taxis.csv` (seaborn's); HOOKLINE_BENCHMARK_DATA may name it. `write` leaves pairs of
Parquet files, `0-before.parquet` and `0-now.parquet` and so on, with `pairs.json`, which says what of each was changed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from drift import BINARY, ROLES, _packaged, moved, scored, table

from hookline import Dataset, Prediction, Reference, Scored, Target
from hookline.quality.distributions import profile
from hookline_river import ConceptDriftMonitor
from hookline_sklearn import ModelDriftMonitor, StandardEvaluator

ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)
HELD, QUIET, CHANGED = 2_000, 20_000, 3_000
"""Rows that a model learns from and as many held out; then rows of the same concept, and of another."""


@dataclass(frozen=True)
class Pair:
    """Two tables, and the columns of the second that were changed."""

    name: str
    before: pl.DataFrame
    now: pl.DataFrame
    planted: tuple[str, ...] = ()


def concepts(draws: int) -> Iterator[dict[str, Any]]:
    """Yield, by generator of river, false alarms before its concept changes, and how many labels after it the change is told."""
    from river.datasets import synth

    generators: dict[str, tuple[Callable[[int, int], Any], str]] = {
        "SEA": (lambda seed, part: synth.SEA(variant=2 + part, noise=0.1, seed=seed + 1_000 * part), "binary"),
        "STAGGER": (lambda seed, part: synth.STAGGER(classification_function=part, seed=seed + 1_000 * part), "binary"),
        "Agrawal": (
            lambda seed, part: synth.Agrawal(
                classification_function=3 * part, perturbation=0.1, seed=seed + 1_000 * part
            ),
            "binary",
        ),
        "Friedman": (_friedman, "regression"),
    }
    for name, (make, task) in generators.items():
        false, late, missed = 0, list[float](), 0
        for seed in range(draws):
            known, quiet, changed = _stream(make, seed, task)
            false += bool(_found(quiet, known))
            rise = _found(changed, known)
            if rise is None:
                missed += 1
            else:
                late.append(rise)
        yield {
            "monitor": "concept_drift", "stream": name, "false_in_10000": round(false / draws / QUIET * 10_000, 3),
            "labels_until_found": round(float(np.median(late)), 1) if late else None, "missed": missed, "draws": draws,
        }  # fmt: skip


def _friedman(seed: int, part: int) -> Any:
    """Return Friedman's stream, the second part with its relevant columns changed (Ikonomovska, 2012: global, abrupt)."""
    from river.datasets import synth

    rows = synth.FriedmanDrift(drift_type="gra", position=(1, 10**9), transition_window=1, seed=seed + 1_000 * part)
    return islice(rows, 10, None) if part else synth.Friedman(seed=seed)


def _stream(make: Callable[[int, int], Any], seed: int, task: str) -> tuple[Reference, Scored, Scored]:
    """Return what a package remembers, then rows of the same concept, and rows in which another begins after 300."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    many = 2 * HELD + QUIET + 300
    both = _rows([*islice(make(seed, 0), many), *islice(make(seed, 1), CHANGED)])
    (X, y), other = (both[0][:many], both[1][:many]), (both[0][many:], both[1][many:])
    model: Any = (HistGradientBoostingClassifier if task == "binary" else HistGradientBoostingRegressor)(max_iter=50)
    model.fit(X[:HELD], y[:HELD])
    parts = {
        "held": (X[HELD : 2 * HELD], y[HELD : 2 * HELD]),
        "quiet": (X[2 * HELD : -300], y[2 * HELD : -300]),
        "changed": (np.concatenate([X[-300:], other[0]]), np.concatenate([y[-300:], other[1]])),
    }
    target = BINARY if task == "binary" else Target("y", "regression")
    held, quiet, changed = (_answered(model, *part, target) for part in parts.values())
    return _remembered(held), quiet, changed


def _remembered(held: Scored) -> Reference:
    """Return what a package remembers of held-out rows for the monitor."""
    rows = held.rows()
    known = Reference(profile(rows.frame, rows.feature_columns()), rows, target=held.target)
    folder, files = Path(tempfile.mkdtemp()), {}
    for name, content in ConceptDriftMonitor().check(held, known).files.items():
        files[name] = folder / name
        files[name].write_bytes(content)
    return replace(known, dataset=None, files=files)


def _rows(found: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return X, texts as codes, and y of rows of a stream."""
    frame = pl.DataFrame([{str(name): value for name, value in x.items()} for x, _ in found])
    frame = frame.with_columns(pl.col(pl.String).cast(pl.Categorical).to_physical())
    return frame.to_numpy().astype(float), np.array([float(y) for _, y in found])


def _answered(model: Any, X: np.ndarray, y: np.ndarray, target: Target) -> Scored:
    rows = Dataset(pl.DataFrame({f"x{place}": X[:, place] for place in range(X.shape[1])}).lazy(), ROLES)
    if target.task == "regression":
        return Scored.of(rows, Prediction(model.predict(X)), target, y)
    return Scored.of(
        rows, Prediction(model.predict(X).astype(int), model.predict_proba(X), (0, 1)), target, y.astype(int)
    )


def _found(now: Scored, known: Reference) -> int | None:
    """Return how many labels after the change a rise was told; None where none was. Rows count from the first."""
    report = ConceptDriftMonitor().check(now, known)
    if not any(one.severity != "info" for one in report.findings):
        return None
    row = dict(zip(report.tables[0].columns, report.tables[0].rows[0], strict=True))
    return int(row["found at row"]) - 300


def adult(folder: Path) -> pl.DataFrame:
    """Return UCI Adult's training rows."""
    frame = pl.read_csv(folder / "adult-train.csv", has_header=False, new_columns=ADULT)
    # The published file ends in an empty line.
    return frame.drop_nulls("income").with_columns(pl.col(pl.String).str.strip_chars().replace("?", None))


def taxis(folder: Path) -> pl.DataFrame:
    """Return taxi trips without their times, which move on by themselves."""
    return pl.read_csv(folder / "taxis.csv").drop("pickup", "dropoff")


def pairs(data: Path, draws: int) -> Iterator[Pair]:
    """Yield random halves of real tables, unchanged and changed, and drawn tables of several sizes."""
    changes: dict[str, tuple[pl.DataFrame, list[pl.Expr]]] = {
        "adult": (adult(data), [
            pl.col("age") + 2,
            pl.when(_some(0.1)).then(pl.lit("Self-emp-inc")).otherwise(pl.col("workclass")).alias("workclass"),
            pl.when(~_some(0.1)).then(pl.col("hours_per_week")).alias("hours_per_week"),
        ]),
        "taxis": (taxis(data), [
            pl.col("fare") * 1.2,
            pl.when(_some(0.2)).then(pl.lit("cash")).otherwise(pl.col("payment")).alias("payment"),
            pl.when(~_some(0.1)).then(pl.col("passengers")).alias("passengers"),
        ]),
    }  # fmt: skip
    for name, (frame, planted) in changes.items():
        for seed in range(draws):
            mixed = frame.sample(fraction=1, shuffle=True, seed=seed)
            before, now = mixed[: mixed.height // 2], mixed[mixed.height // 2 :]
            yield Pair(f"{name} unchanged", before, now)
            columns = tuple(str(one.meta.output_name()) for one in planted)
            yield Pair(f"{name} changed", before, now.with_columns(planted), columns)
    for rows, times in {500: draws, 5_000: draws, 50_000: max(1, draws // 4)}.items():
        for seed in range(times):
            before, now = (table(rows, 2 * seed + part).drop("y") for part in (0, 1))
            yield Pair(f"drawn {rows} unchanged", before, now)
    for seed in range(draws):
        before, now = table(10_000, 2 * seed).drop("y"), table(10_000, 2 * seed + 1, 0.1).drop("y")
        yield Pair("drawn 10000, 0.1 sd", before, now, ("moved",))


def _some(share: float) -> pl.Expr:
    """Return whether a row is among a share of all, the same ones each time."""
    return pl.int_range(pl.len()).hash(7) % 1_000 < int(share * 1_000)


def tables(data: Path, draws: int) -> Iterator[dict[str, Any]]:
    """Yield what `data_drift` says of the pairs, from what a package remembers."""
    told = [(pair, moved(pair.before, pair.now)) for pair in pairs(data, draws)]
    for name in dict.fromkeys(pair.name for pair, _ in told):
        some = [(pair, found) for pair, found in told if pair.name == name]
        unchanged = sum(pair.now.width - len(pair.planted) for pair, _ in some)
        planted = sum(len(pair.planted) for pair, _ in some)
        false = sum(len(found - {*pair.planted}) for pair, found in some)
        hit = sum(len(found & {*pair.planted}) for pair, found in some)
        yield {
            "by": "hookline", "pairs": name, "draws": len(some), "false_a_column": round(false / unchanged, 5),
            "found": round(hit / planted, 3) if planted else None,
        }  # fmt: skip


def write(folder: Path, data: Path, draws: int) -> None:
    """Write the pairs, so that others judge the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    known = []
    for place, pair in enumerate(pairs(data, draws)):
        for part in ("before", "now"):
            getattr(pair, part).write_parquet(folder / f"{place}-{part}.parquet")
        known.append({"name": pair.name, "planted": list(pair.planted), "columns": pair.now.columns})
    (folder / "pairs.json").write_text(json.dumps(known))


def estimate(data: Path, draws: int) -> Iterator[dict[str, Any]]:
    """Yield how far the estimate without labels is from the truth on Adult: as it is, and as older people come."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = adult(data)
    y = (frame["income"] == ">50K").cast(pl.Int64).to_numpy()
    X = (
        frame.drop("income", "fnlwgt")
        .with_columns(pl.col(pl.String).cast(pl.Categorical).to_physical())
        .to_numpy()
        .astype(float)
    )
    for name in ("as it is", "more of the older"):
        off: dict[str, list[float]] = {"accuracy": [], "roc_auc": [], "log_loss": []}
        silent = 0
        for seed in range(draws):
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(y))
            learn, held, rest = order[:10_000], order[10_000:15_000], order[15_000:]
            weight = np.ones(len(rest)) if name == "as it is" else np.exp(0.04 * (X[rest, 0] - 40))
            come = rng.choice(rest, 5_000, replace=False, p=weight / weight.sum())
            model = HistGradientBoostingClassifier(max_iter=60).fit(X[learn], y[learn])
            known, now = _packaged(scored(model, X[held], y[held])), scored(model, X[come], y[come])
            report = ModelDriftMonitor().check(replace(now, frame=now.frame.drop("truth"), held=None), known)
            truth, guess = (
                StandardEvaluator(n_bootstrap=0).evaluate(now),
                {one.name: one.value for one in report.metrics},
            )
            silent += not guess
            for metric, found in off.items():
                if guess:
                    found.append(abs(guess[f"estimated_{metric}"] - truth[metric]))
        yield {
            "monitor": "model_drift, estimated", "rows": f"adult, {name}", "draws": draws, "switched_off": silent / draws,
            **{f"off_{metric}": round(float(np.mean(found)), 4) if found else None for metric, found in off.items()},
        }  # fmt: skip


def main() -> None:
    """Print one line of JSON a row of the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("part", choices=("concepts", "tables", "estimate", "write"))
    options.add_argument("folder", type=Path, nargs="?", help="where `write` writes")
    options.add_argument("--data", type=Path, default=os.environ.get("HOOKLINE_BENCHMARK_DATA"))
    options.add_argument("--draws", type=int, default=20)
    told = options.parse_args()
    if told.part != "concepts" and told.data is None:
        options.error("--data: name the folder of adult-train.csv and taxis.csv")
    if told.part == "write":
        write(told.folder or Path("pairs"), Path(told.data), told.draws)
        return
    parts = {
        "concepts": lambda: concepts(told.draws),
        "tables": lambda: tables(Path(told.data), told.draws),
        "estimate": lambda: estimate(Path(told.data), told.draws),
    }
    for row in parts[told.part]():
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
