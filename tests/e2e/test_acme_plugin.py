"""A third party's plugin, from its wheel to its alert: installed by pip, used by nothing but the command line."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from kit.places import ROOT, at
from kit.processes import Done, run_command, run_hookline

ACME = ROOT / "tests" / "acme_plugin"
Told = Callable[..., Done]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the plugin's wheel."""
    folder = tmp_path_factory.mktemp("acme")
    # A copy, so that building leaves nothing behind in the tree.
    shutil.copytree(ACME, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    # Where the build backend is not installed, pip's isolated build fetches it.
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    run("build", "--wheel", *isolation, "--outdir", str(folder / "dist"), str(folder / "source"))
    (wheel,) = (folder / "dist").glob("acme_shop-2.3.0-*.whl")
    run("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


@pytest.fixture
def hookline(site: Path, tmp_path: Path) -> Told:
    def tell(*argv: str) -> Done:
        environ = at(tmp_path / "home") | {"PYTHONPATH": str(site)}
        return run_hookline(*argv, env=environ, cwd=tmp_path, timeout=120)

    return tell


def run(module: str, *argv: str) -> None:
    done = run_command([sys.executable, "-m", module, *argv])
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_listed_with_its_distribution(hookline: Told) -> None:
    plugins = {row["name"]: row for row in json.loads(hookline("plugins", "list", "--json").stdout)}
    acme = plugins["acme"]
    assert (acme["distribution"], acme["version"], acme["origin"]) == ("acme-shop", "2.3.0", "installed")
    assert (acme["components"], acme["status"]) == (2, "loaded")


def test_its_components_are_described_as_our_own_are(hookline: Told) -> None:
    described = json.loads(hookline("components", "show", "trainer", "acme.centroid", "--json").stdout)
    assert described["makes"] == "CentroidModel"
    assert [field["name"] for field in described["fields"]] == ["shrink"]
    listed = json.loads(hookline("components", "list", "transform", "--json").stdout)
    assert {"acme-shop 2.3.0"} == {row["from"] for row in listed if row["name"] == "acme.winsorize"}


def test_its_experiment_runs_and_its_model_predicts(hookline: Told, tmp_path: Path) -> None:
    done = hookline("experiment=acme_iris")
    assert done.returncode == 0, done.stderr
    evidence = json.loads(hookline("runs", "show", "last", "--json").stdout)
    trainer = next(stage for stage in evidence["plan"] if stage["key"] == "trainer")
    assert trainer["component"] == "acme.centroid"
    assert evidence["parity"][0]["ok"]
    metrics = {m["name"]: m["value"] for report in evidence["reports"] for m in report["metrics"]}
    assert metrics["accuracy"] > 0.8

    rows = tmp_path / "rows.csv"
    names = ("sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm")
    pl.DataFrame([(5.0, 3.4, 1.5, 0.2), (6.8, 3.0, 5.6, 2.2)], schema=names, orient="row").write_csv(rows)
    package = str(next((tmp_path / "home" / "runs").glob("*/packages/onnx")))
    scored = hookline("predict", package, str(rows), "--output", str(tmp_path / "out.csv"))
    assert scored.returncode == 0, scored.stderr
    assert pl.read_csv(tmp_path / "out.csv")["prediction"].to_list() == ["setosa", "virginica"]


def test_its_trainer_is_swept(hookline: Told) -> None:
    done = hookline("-m", "experiment=acme_iris", "trainer.shrink=0.0,0.5,0.9")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(hookline("runs", "list", "--json").stdout)) == 3


def test_a_bad_value_is_told_at_its_path(hookline: Told) -> None:
    done = hookline("experiment=acme_iris", "trainer.shrink=1.5")
    assert done.returncode == 2
    assert "trainer.shrink: must be less than 1, got 1.5" in done.stderr


def test_its_alert_channel_hears_of_a_finding(hookline: Told, tmp_path: Path) -> None:
    # The last fifth of the rows, which a time split judges by, has moved.
    rows = pl.DataFrame({"day": range(500), "x": [i % 10 + 100.0 * (i >= 400) for i in range(500)]}).with_columns(
        y=pl.when(pl.col("x") % 10 > 4).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    rows.write_csv(tmp_path / "moved.csv")
    alerts = tmp_path / "alerts.txt"
    done = hookline(
        "source=file",
        "source.path=moved.csv",
        "roles.target=y",
        "roles.time=day",
        "split.method=time",
        "trainer=acme.centroid",
        "packager=[]",
        "deployer=null",
        "monitor=[data_drift]",
        "name=moved",
        f"settings.acme_alerts.file={alerts}",
    )
    assert done.returncode == 0, done.stderr
    lines = alerts.read_text("utf-8").splitlines()
    assert any(line.startswith("moved critical x: 'x' has moved") for line in lines), lines


def test_it_passes_the_conformance_kit(hookline: Told) -> None:
    done = hookline("plugins", "check", "acme", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)
    assert [(row["name"], row["status"]) for row in rows] == [("acme.winsorize", "ok"), ("acme.centroid", "ok")]


def test_without_it_nothing_of_it_is_left(hookline: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "acme")
    done = hookline("trainer=acme.centroid")
    assert done.returncode == 2
    assert "no trainer named 'acme.centroid'" in done.stderr
