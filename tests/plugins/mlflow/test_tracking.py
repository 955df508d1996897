"""Runs as MLflow sees them, in a real SQLite store; and servers that are down or hang."""

from __future__ import annotations

import json
import logging
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError
from hookline.kinds.hooks import RunInfo
from hookline_mlflow import MlflowSettings, after_run
from kit.processes import free_port, run_python
from kit.tables import table

pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'hookline[mlflow]'")

ERROR = "x" * 9_000
ROWS = table(80).drop("c")
"""Longer than a tag may be."""


def run(settings: dict[str, Any], **more: Any) -> hl.Run:
    given = {"source": ROWS, "target": "label", "trainer": "logistic_regression", "name": "churn"} | more
    return hl.run(**given, settings={"mlflow": {"enabled": True, **settings}})


def logged(uri: str, experiment: str = "churn") -> Any:
    """Return the one run of an experiment."""
    client = tracking(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (only,) = client.search_runs([found.experiment_id])
    return only


def tracking(uri: str) -> Any:
    with warnings.catch_warnings():
        # MLflow's own house.
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store: MLflow takes seconds to make its tables."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    tracking(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def uri(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # Artifacts of a SQLite store go below the working directory.
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mlflow.db"
    path.write_bytes(template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(autouse=True)
def _mlflow_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def ended(path: Path, **facts: Any) -> RunInfo:
    """A run that has ended, as the hook is told of it."""
    path.mkdir(exist_ok=True)
    return RunInfo(**({"id": "r1", "name": "churn", "path": path, "config": {}, "settings": {}} | facts))


def test_a_run_is_logged_with_its_params_metrics_and_files(uri: str) -> None:
    done = run({"tracking_uri": uri}, packager=["pickle"])
    found = logged(uri)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == done.id
    assert found.data.tags["hookline.run"] == done.id
    assert found.data.params["trainer.component"] == "logistic_regression"
    assert found.data.params["roles.target"] == "label"
    for name, value in done.metrics.items():
        assert found.data.metrics[name] == pytest.approx(value)
    assert found.data.metrics["seconds.trainer"] > 0
    client = tracking(uri)
    files = {item.path for item in client.list_artifacts(found.info.run_id)}
    assert {"evidence.json", "config.json", "plan.json", "packages"} <= files
    packages = {item.path for item in client.list_artifacts(found.info.run_id, "packages/pickle")}
    assert "packages/pickle/manifest.json" in packages


def test_packages_stay_at_home_where_that_is_asked_for(uri: str) -> None:
    run({"tracking_uri": uri, "log_package": False, "experiment": "elsewhere"}, packager=["pickle"])
    found = logged(uri, "elsewhere")
    assert "packages" not in {item.path for item in tracking(uri).list_artifacts(found.info.run_id)}


def test_a_failed_run_is_logged_as_failed_with_its_error(uri: str) -> None:
    with pytest.raises(DataError, match="takes no missing values"):
        run(
            {"tracking_uri": uri},
            source=ROWS.with_columns(a=pl.when(pl.col("a") > 1).then(None).otherwise("a")),
            featurizer={"component": "tabular", "missing": "nan"},
        )
    found = logged(uri)
    assert found.info.status == "FAILED"
    assert found.data.tags["hookline.status"] == "failed"
    assert found.data.tags["hookline.error"]


@pytest.mark.parametrize(
    ("status", "theirs"), [("finished", "FINISHED"), ("gated", "FAILED"), ("interrupted", "KILLED")]
)
def test_each_way_to_end_has_its_status(status: str, theirs: str, uri: str, tmp_path: Path) -> None:
    settings = {"mlflow": MlflowSettings(enabled=True, tracking_uri=uri)}
    after_run(ended(tmp_path / "run", status=status, settings=settings))
    assert logged(uri).info.status == theirs


def test_what_mlflow_would_refuse_does_not_keep_the_rest_from_it(uri: str, tmp_path: Path) -> None:
    config = {"transform": {"cast": {"Age (years)": "int"}}, "note": "n" * 9_000, "k" * 400: 1}
    metrics = {"f1@0.5": 0.25, "undefined": float("nan"), "accuracy": 0.5}
    settings = {"mlflow": MlflowSettings(enabled=True, tracking_uri=uri)}
    after_run(ended(tmp_path / "run", status="failed", config=config, metrics=metrics, error=ERROR, settings=settings))
    found = logged(uri)
    assert found.info.status == "FAILED"
    assert found.data.metrics == {"f1_0.5": 0.25, "accuracy": 0.5}
    assert found.data.params["transform.cast.Age _years_"] == "int"
    assert len(found.data.params["note"]) == 6_000
    assert ERROR.startswith(found.data.tags["hookline.error"])


def test_more_params_than_fit_one_request_are_all_logged(uri: str, tmp_path: Path) -> None:
    settings = {"mlflow": MlflowSettings(enabled=True, tracking_uri=uri)}
    after_run(ended(tmp_path / "run", config={f"p{i}": i for i in range(250)}, settings=settings))
    assert len(logged(uri).data.params) == 250


def test_a_server_that_is_down_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = run({"tracking_uri": f"http://127.0.0.1:{port}", "timeout": 30})
    assert done.status == "finished"
    (warning,) = _warnings(caplog)
    assert "could not be logged to MLflow" in warning
    assert str(done.path) in warning


def test_a_server_that_is_down_keeps_no_run_from_another_one(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    run({"tracking_uri": f"http://127.0.0.1:{free_port()}", "timeout": 30})
    caplog.clear()
    later = run({"tracking_uri": uri}, seed=1)
    assert logged(uri).data.tags["hookline.run"] == later.id
    assert [text.partition(":")[0] for text in _warnings(caplog)] == ["earlier runs still wait to be logged to MLflow"]


def test_a_server_that_hangs_is_given_up_at_the_timeout(hanging: str, caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    done = run({"tracking_uri": hanging, "timeout": 2})
    assert time.monotonic() - started < 10
    assert done.status == "finished"
    (warning,) = _warnings(caplog)
    assert "settings.mlflow.timeout=2 s" in warning


def test_it_is_off_unless_switched_on_and_then_imports_nothing(tmp_path: Path) -> None:
    ROWS.write_csv(tmp_path / "rows.csv")
    program = f"""
import sys, hookline as hl
run = hl.run(source={str(tmp_path / "rows.csv")!r}, target="label", trainer="logistic_regression")
print(run.status, sorted(name for name in sys.modules if name.startswith(("mlflow", "hookline_mlflow."))))
"""
    done = run_python(program, timeout=60, check=False)
    # Its settings are fields of every config, and as light as the plugin itself.
    assert done.stdout == "finished ['hookline_mlflow.packagers', 'hookline_mlflow.settings']\n", done.stderr


def test_the_run_itself_never_imports_mlflow(uri: str, tmp_path: Path) -> None:
    ROWS.write_csv(tmp_path / "rows.csv")
    program = f"""
import json, sys, hookline as hl
settings = {{"mlflow": {{"enabled": True, "tracking_uri": {uri!r}, "experiment": "far"}}}}
run = hl.run(source={str(tmp_path / "rows.csv")!r}, target="label", trainer="logistic_regression", settings=settings)
print(json.dumps("mlflow" in sys.modules))
"""
    done = run_python(program, timeout=60, check=False)
    assert json.loads(done.stdout) is False, done.stderr
    assert logged(uri, "far").info.status == "FINISHED"


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("hookline") and record.levelno >= logging.WARNING
    ]
