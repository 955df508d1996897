"""SHAP values of raw columns through hookline against shap alone on the same matrix of features."""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

SMALLER = {"random_forest": ["trainer.n_estimators=30"]}
"""Of which the library takes long, so that a run of this ends; a model is explained as often by both."""
ROWS, USUAL = 200, 100
"""As many as a report explains, and holds them against."""
MOST = 1.1
"""How many times as long as the library alone it may take."""


def pipeline_of(trainer: str, home: str) -> tuple[Any, Any]:
    """Fit a model to rows with texts and gaps; returns its pipeline and the rows."""
    import numpy as np
    import polars as pl

    import hookline as hl

    rng, n = np.random.default_rng(0), 5_000
    numbers = {f"x{i}": rng.normal(size=n) for i in range(10)}
    city = rng.integers(0, 30, n)
    score = numbers["x0"] + numbers["x1"] * numbers["x2"] + (city % 3 - 1) + rng.normal(size=n)
    frame = pl.DataFrame({**numbers, "city": [f"c{one}" for one in city], "y": np.where(score > 0, "yes", "no")})
    without: dict[str, Any] = {kind: [] for kind in ("evaluator", "packager", "monitor")}
    run = hl.run(
        f"trainer={trainer}", *SMALLER.get(trainer, ()), "deployer=null", source=frame, target="y", home=home, **without
    )
    return run.predictor, frame.drop("y")


def alone(pipeline: Any, rows: Any, usual: Any) -> Any:
    """Return a function that explains matrices that are ready, as a script of one's own does."""
    import shap

    X, against = (pipeline.features(part.lazy()).dense() for part in (rows, usual))
    estimator = pipeline.model.estimator
    if hasattr(estimator, "coef_"):
        return lambda: shap.LinearExplainer(estimator, against.astype(float)).shap_values(X.astype(float))
    return lambda: shap.TreeExplainer(estimator, against, model_output="probability").shap_values(X)


def seconds(act: Any, times: int) -> float:
    """Return the least processor time of some runs, after one that warms up: other work on the machine does not count."""
    act()
    found = []
    for _ in range(times):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return min(found)


def main() -> None:
    from hookline_explain import ShapEvaluator

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("trainers", nargs="*", default=["hist_gradient_boosting", "random_forest"])
    options.add_argument("--times", type=int, default=3)
    given = options.parse_args()
    print(f"{ROWS} rows against {USUAL}\n\n| trainer | shap alone | hookline | times |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        for trainer in given.trainers:
            pipeline, frame = pipeline_of(trainer, home)
            rows, usual = frame[:ROWS], frame[-USUAL:]
            library = seconds(alone(pipeline, rows, usual), given.times)
            ours = seconds(lambda: ShapEvaluator().explain(pipeline, rows, usual), given.times)  # noqa: B023
            told = "" if ours <= MOST * library else f" (more than {MOST:g})"
            print(f"| {trainer} | {library:.3f} s | {ours:.3f} s | {ours / library:.2f}{told} |", flush=True)


if __name__ == "__main__":
    main()
