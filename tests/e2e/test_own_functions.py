"""Packages whose models hold a function of a project's own, and no class of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.errors import UntrustedPackage
from kit.own_code import NOW, THEN, project_at

BENDING = """
import hookline as hl
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def bend(X):
    return X * {factor}


class BentTrainer(hl.Trainer):
    '''A line through numbers that a function bends.'''

    name = "bent"

    def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
        return hl.SklearnModel.fitted(make_pipeline(FunctionTransformer(bend), LinearRegression()), train)


@hl.hookimpl
def register_trainers():
    return [BentTrainer]
"""
TYPES = hl.Trust(types=frozenset({"bending_shop.bend"}))


def test_a_strangers_other_body_of_a_function_that_is_here_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, home = project_at(tmp_path, "bending_shop", {"__init__.py": BENDING}), tmp_path / "home"
    (tmp_path / "rows.csv").write_text("".join(["x,kind\n", *(f"{n}.5,{n * 3}.25\n" for n in range(60))]))
    project.make(THEN, home, bent={"trainer": "bent", "packager": ["skops"], "transform": []})
    project.says(NOW)
    with project.here(home):
        loaded: Any = hl.load("bent:1", trust=TYPES)
        ours = loaded.predict([{"x": 10.5}])
        monkeypatch.setenv("HOOKLINE_STORE_KEY", "another")
        with pytest.raises(UntrustedPackage, match="was made with other code of bending_shop"):
            hl.load("bent:1", trust=TYPES)
    assert ours.values[0] == pytest.approx(30.25)
