"""How good models are on known tables: hookline, scikit-learn alone, FLAML and AutoGluon, on the same rows.

python benchmarks/quality/models.py --data DIR [--table NAME] [--tool NAME] [--seconds 30] [--seeds 3]

DIR holds Adult as published (adult-train.csv, adult-test.csv) and diamonds.csv, titanic.csv, penguins.csv and taxis.csv as they
come with seaborn; digits comes with scikit-learn. Each table is divided once a seed, Adult as it was published. FLAML and
AutoGluon get an environment of their own from `benchmarks/peers/models/<tool>/requirements.txt`, and so many seconds: as many as
hookline took on the same rows, or up to `--seconds`. hookline has up to five candidates, which go by the sort of rows and not by
the table: boosted trees from 5,000 rows on, for numbers with other models beside them, a forest below, and for pictures a
convolutional network of a project's plugin (`pictures.py`). Which of them counts is chosen by the mean over folds of the training
rows, R2 or log loss, which tells close classifiers apart sooner than accuracy; held-out rows have no say, and are looked at once.
Intervals are of 95 %, from a bootstrap of the held-out rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PEERS = Path(__file__).resolve().parents[1] / "peers"
sys.path.append(str(PEERS))

from run import install  # noqa: E402

HERE = Path(__file__).resolve().parent
ORDINAL = {"featurizer.tabular.categorical": "ordinal"}
TREES = {"trainer": "hist_gradient_boosting", **ORDINAL}
SMALL = {
    **TREES,
    "trainer.max_iter": 400,
    "trainer.learning_rate": 0.05,
    "trainer.max_features": 0.3,
    "trainer.max_leaf_nodes": 15,
    "trainer.l2_regularization": 1.0,
}
CLASSES = (TREES, SMALL, {**SMALL, "featurizer.tabular.categorical": "one_hot"})
STEPS = {"max_iter": 300, "learning_rate": 0.05, "max_features": 0.5}
SLOW = {**TREES, **{f"trainer.{name}": value for name, value in STEPS.items()}}
BOOSTER = f"{{component:hist_gradient_boosting,{','.join(f'{name}:{value}' for name, value in STEPS.items())}}}"
LOGGED = {"trainer": "log_target", **ORDINAL, "trainer.trainer": BOOSTER}
SPREAD = "{component:extra_trees,n_estimators:300}"
FINE = "{component:hist_gradient_boosting,max_iter:1000,learning_rate:0.02,max_features:0.4,l2_regularization:1.0}"
LEAVES = "{component:extra_trees,n_estimators:200,min_samples_leaf:2}"
NUMBERS = (
    TREES,
    SLOW,
    LOGGED,
    {"trainer": "voting", **ORDINAL, "trainer.trainers": f"[{BOOSTER},{SPREAD}]"},
    {"trainer": "log_target", **ORDINAL, "trainer.trainer": f"{{component:voting,trainers:[{FINE},{LEAVES}]}}"},
)
FOREST = ({"trainer": "random_forest", "trainer.n_estimators": 300, "trainer.min_samples_leaf": 2},)
SCALED = {
    "featurizer.tabular.numeric": "min_max",
    "featurizer.tabular.missing": "zero",
    "featurizer.tabular.sparse": False,
}
PICTURES = ({"trainer": "mlp", "trainer.hidden": "[256,128]", **SCALED}, {"trainer": "convolutional", **SCALED})
FOLDS = 3
RESAMPLES = 1_000
TOOLS = ("hookline", "sklearn", "flaml", "autogluon")
ADULT = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
]  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One table: where its rows come from, what is predicted, judged by what, and hookline's candidates."""

    read: Callable[[Path], pl.DataFrame]
    target: str
    metric: str
    candidates: Sequence[Mapping[str, object]]

    @property
    def chosen_by(self) -> tuple[str, int]:
        """What candidates are chosen by, and 1 where more of it is better, else -1."""
        return ("r2", 1) if self.metric == "r2" else ("log_loss", -1)


def _csv(name: str, *without: str) -> Callable[[Path], pl.DataFrame]:
    return lambda data: (
        pl.read_csv(data / f"{name}.csv", infer_schema_length=None).unique(maintain_order=True).drop(without)
    )


def _adult(data: Path) -> pl.DataFrame:
    read = {"has_header": False, "new_columns": ADULT, "null_values": ["?", " ?"]}
    parts = [
        pl.read_csv(data / f"adult-{part}.csv", **read).with_columns(part=pl.lit(part)) for part in ("train", "test")
    ]
    # The files end with an empty line.
    return (
        pl.concat(parts)
        .drop_nulls("income")
        .with_columns(pl.col(pl.String).str.strip_chars(" ").str.strip_chars_end("."))
    )


def _diamonds(data: Path) -> pl.DataFrame:
    sizes = [pl.col(name).replace(0, None) for name in "xyz"]
    return _csv("diamonds")(data).with_columns(sizes)


def _digits(data: Path) -> pl.DataFrame:
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    pixels = {f"p{i}": bunch.data[:, i] for i in range(bunch.data.shape[1])}
    return pl.DataFrame({**pixels, "digit": [f"d{digit}" for digit in bunch.target]})


TABLES = {
    "adult": Table(_adult, "income", "accuracy", CLASSES),
    "diamonds": Table(_diamonds, "price", "r2", NUMBERS),
    "taxis": Table(_csv("taxis", "total", "tip", "tolls", "payment", "dropoff", "pickup"), "fare", "r2", NUMBERS),
    "titanic": Table(_csv("titanic", "alive"), "survived", "accuracy", FOREST),
    "penguins": Table(_csv("penguins"), "species", "accuracy", FOREST),
    "digits": Table(_digits, "digit", "accuracy", PICTURES),
}


def divided(table: Table, data: Path, seed: int) -> pl.DataFrame:
    """Return a table's rows with a column `part`: as it says itself, else 30 % of the rows held out by lot."""
    rows = table.read(data)
    if "part" in rows.columns:
        return rows
    held = np.random.default_rng(seed).random(len(rows)) < 0.3
    return rows.with_columns(part=pl.Series(np.where(held, "test", "train")))


def write(folder: Path, table: Table, rows: pl.DataFrame) -> None:
    """Write the rows for every tool: `rows.csv` with their part, both parts without it, and what is asked."""
    rows.write_csv(folder / "rows.csv")
    for part in ("train", "test"):
        rows.filter(pl.col("part") == part).drop("part").write_csv(folder / f"{part}.csv")
    (folder / "task.json").write_text(json.dumps({"target": table.target, "metric": table.metric}))


def by_hookline(folder: Path, table: Table, seed: int, chosen: int | None = None) -> dict[str, Any]:
    """Run the candidate with the best mean over folds of the training rows; returns its metric, and the seconds of it all.

    The file that is divided into folds has no held-out row in it. A table with one candidate needs no folds, nor does one whose
    candidate was `chosen` before.
    """
    began = time.perf_counter()
    folds, means = {"split.folds": FOLDS, "split.test": 0.05}, []
    by, sign = table.chosen_by
    if len(table.candidates) > 1 and chosen is None:
        tried = (_run(folder / "train.csv", {**words, **folds}, table, seed) for words in table.candidates)
        means = [metrics[f"folds.{by}"]["value"] for metrics in tried]
    best = means.index(max(means, key=lambda mean: sign * mean)) if means else chosen or 0
    as_divided = {"split.method": "column", "split.column": "part"}
    found = _run(folder / "rows.csv", {**table.candidates[best], **as_divided}, table, seed)[table.metric]
    took = time.perf_counter() - began
    ends = {"low": found["low"], "high": found["high"]}
    return {"value": found["value"], **ends, "seconds": took, "chosen": best, "folds": means}


def _run(rows: Path, pipeline: Mapping[str, object], table: Table, seed: int) -> dict[str, dict[str, Any]]:
    """Run hookline as a user would type it; returns its metrics."""
    words = {**pipeline, "target": table.target, "seed": seed}
    # What stands beside the model is left out, since the others make none of it.
    bare = ["packager=[]", "monitor=[]", "~deployer", "audit=off"]
    hookline = str(Path(sys.executable).with_name("hookline"))
    typed = [f"{key}={value}" for key, value in words.items()]
    plugin = {"HOOKLINE_PLUGINS": "pictures", "PYTHONPATH": str(HERE)}
    env = os.environ | {"HOOKLINE_HOME": str(rows.with_name("home"))} | plugin
    command = [hookline, "run", "--json", str(rows), *typed, *bare]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    told = json.loads(done.stdout)
    return {metric["name"]: metric for report in told["reports"] for metric in report["metrics"]}


def by_sklearn(folder: Path, table: Table, seed: int) -> dict[str, Any]:
    """Fit what scikit-learn's guide names for tables of mixed columns, with its defaults."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    train, test = (
        pl.read_csv(folder / f"{part}.csv", infer_schema_length=None).to_pandas() for part in ("train", "test")
    )
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    texts = make_column_selector(dtype_exclude="number")
    model = (HistGradientBoostingRegressor if table.metric == "r2" else HistGradientBoostingClassifier)(
        random_state=seed
    )
    pipeline = make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"), model)
    began = time.perf_counter()
    pipeline.fit(train.drop(columns=table.target), train[table.target])
    took = time.perf_counter() - began
    return judged(folder, table, list(pipeline.predict(test.drop(columns=table.target)).tolist())) | {"seconds": took}


def by_peer(tool: str, folder: Path, table: Table, seed: int, seconds: float) -> dict[str, Any]:
    """Let another tool search for so many seconds, in its own environment."""
    script = PEERS / "models" / tool / "fit.py"
    command = [str(install(script.parent)), "-W", "ignore", str(script), str(folder), str(seconds), str(seed)]
    env = os.environ | {"PYTHONPATH": "", "AG_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        return {"value": None, "failed": done.stderr.strip().splitlines()[-1]}
    told = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    return judged(folder, table, told["answers"]) | {"seconds": told["seconds"], "model": told["model"]}


def judged(folder: Path, table: Table, answers: Sequence[Any]) -> dict[str, Any]:
    """Return the metric of some answers to the held-out rows, with its interval."""
    from sklearn.metrics import accuracy_score, r2_score

    truth = pl.read_csv(folder / "test.csv", infer_schema_length=None)[table.target].to_numpy()
    told, measure = np.asarray(answers, dtype=truth.dtype), r2_score if table.metric == "r2" else accuracy_score
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(truth), size=len(truth)) for _ in range(RESAMPLES))
    low, high = np.quantile([measure(truth[rows], told[rows]) for rows in drawn], [0.025, 0.975])
    return {"value": measure(truth, told), "low": float(low), "high": float(high)}


def main() -> None:
    """Print one line of JSON a table, tool and seed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--table", action="append", choices=TABLES, help="only this one (repeat)")
    options.add_argument("--tool", action="append", choices=TOOLS, help="only this one (repeat)")
    options.add_argument("--candidate", type=int, help="hookline's candidate, from 0, that folds have chosen before")
    options.add_argument("--seconds", type=float, help="most seconds of a peer; by default as many as hookline took")
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    for name, seed in ((name, seed) for seed in range(given.seeds) for name in given.table or TABLES):
        table = TABLES[name]
        with tempfile.TemporaryDirectory() as folder:
            rows = divided(table, given.data, seed)
            write(Path(folder), table, rows)
            seconds = given.seconds or 30.0
            for tool in given.tool or TOOLS:
                if tool == "hookline":
                    found = by_hookline(Path(folder), table, seed, given.candidate)
                    seconds = min(found["seconds"], given.seconds or found["seconds"])
                elif tool == "sklearn":
                    found = by_sklearn(Path(folder), table, seed)
                else:
                    found = by_peer(tool, Path(folder), table, seed, seconds)
                print(
                    json.dumps({"table": name, "tool": tool, "seed": seed, "metric": table.metric, **found}), flush=True
                )


if __name__ == "__main__":
    main()
