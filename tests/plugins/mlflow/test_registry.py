"""Runs and versions kept in step with a real MLflow server: down at first, stalling, killed in between, and moved by hand."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.errors import StoreError, UsageError
from hookline.workspace.workspace import open_workspace
from kit.processes import free_port, listening_at, run_hookline
from kit.tables import table

pytest.importorskip("mlflow.server", reason="MLflow's server is not installed")

ROWS = table(120).drop("c")
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
REGISTERED = {"component": "mlflow", "holds": "onnx", "register": True}


class Elsewhere:
    """A home with runs, and an MLflow server that is not up yet."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.port = folder, folder / "home", free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.settings = {"enabled": True, "tracking_uri": self.uri, "experiment": "churn", "timeout": 60}
        self._up = ExitStack()
        self.home.mkdir()
        ROWS.write_csv(folder / "rows.csv")

    def run(self, depth: int, **more: Any) -> hl.Run:
        """Make a version of the model `churn`, logged and registered."""
        given: dict[str, Any] = {
            "source": self.folder / "rows.csv",
            "target": "label",
            "trainer": {"component": "decision_tree", "max_depth": depth},
            "name": "churn",
            "packager": [REGISTERED],
            "deployer": {"component": "local", "promote": "always"},
            "monitor": [],
            "settings": {"mlflow": self.settings},
            "home": self.home,
        }
        return hl.run(**given | more)

    def remember(self) -> None:
        """Say in the home which server it is, as a person does."""
        (self.home / "settings.yaml").write_text(json.dumps({"mlflow": self.settings}), "utf-8")

    def start(self) -> None:
        """Start the server."""
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--workers",
            "1",
        ]
        places = [
            "--backend-store-uri",
            f"sqlite:///{self.folder}/mlflow.db",
            "--artifacts-destination",
            str(self.folder / "a"),
        ]
        self._up.enter_context(listening_at([*command, *places], f"{self.uri}/health", env={**os.environ, **QUIET}))

    def stop(self) -> None:
        self._up.close()

    @property
    def client(self) -> Any:
        with warnings.catch_warnings():
            # MLflow's own house.
            warnings.simplefilter("ignore")
            from mlflow.tracking import MlflowClient

            return MlflowClient(tracking_uri=self.uri)

    def runs(self) -> dict[str, Any]:
        """Return MLflow's runs by the id of ours, of which each must be there once."""
        found = self.client.get_experiment_by_name("churn")
        runs = self.client.search_runs([found.experiment_id])
        ids = [run.data.tags["hookline.run"] for run in runs]
        assert len(ids) == len(set(ids))
        return dict(zip(ids, runs, strict=True))

    def aliases(self) -> dict[str, str]:
        """Return alias -> the version of ours that it points to in MLflow."""
        held = self.client.get_registered_model("churn").aliases
        return {
            alias: self.client.get_model_version("churn", number).tags["hookline.version"]
            for alias, number in held.items()
        }

    def waiting(self) -> list[Path]:
        return sorted((self.home / "outbox/mlflow").glob("*.json"))

    def number(self, version: int) -> str:
        """Return MLflow's number of a version of ours."""
        (found,) = [
            one.version
            for one in self.client.search_model_versions("name = 'churn'")
            if one.tags["hookline.version"] == str(version)
        ]
        return str(found)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """Two runs made while the server was down, and one that was killed; then the server came up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        made = Elsewhere(tmp_path_factory.mktemp("elsewhere"))
        made.first = made.run(2)  # type: ignore[attr-defined]  what the tests below look for
        made.second = made.run(3)  # type: ignore[attr-defined]
        made.killed = killed_run(made)  # type: ignore[attr-defined]
        made.waited = len(made.waiting())  # type: ignore[attr-defined]
        made.remember()
        made.start()
        try:
            yield made
        finally:
            made.stop()


SLOW = """
from pathlib import Path
import sys, time
import hookline as hl
from hookline import Evaluator, Report, Scored, hookimpl

class SlowEvaluator(Evaluator):
    "Takes its time."
    name = "slow"
    def evaluate(self, scored: Scored) -> Report:
        Path(sys.argv[1]).touch()
        time.sleep(600)
        raise AssertionError

@hookimpl
def register_evaluators():
    return [SlowEvaluator]
"""


def killed_run(made: Elsewhere) -> str:
    """Kill a run in the middle, and return its id."""
    (made.folder / "slow_parts.py").write_text(SLOW, "utf-8")
    begun = made.folder / "begun"
    program = f"""
import hookline as hl
hl.run(source={str(made.folder / "rows.csv")!r}, target="label", trainer="decision_tree", name="churn", evaluator=["slow"],
    settings={{"mlflow": {made.settings!r}}}, home={str(made.home)!r})
"""
    environment = {**os.environ, "HOOKLINE_PLUGINS": "slow_parts", "PYTHONPATH": str(made.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(begun)], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 60
        while not begun.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    return str(open_workspace(made.home).catalog.runs.newest(1)[0].id)


def test_what_was_not_sent_waits_and_is_sent_once_in_order_by_the_next_command(elsewhere: Any) -> None:
    assert elsewhere.waited == 3
    # Whoever was killed while sending has sent a part: the run is found again by its tag.
    client = elsewhere.client
    client.create_run(client.create_experiment("churn"), run_name="half", tags={"hookline.run": elsewhere.first.id})
    done = run_hookline("runs", "send", "--json", env={**os.environ, "HOOKLINE_HOME": str(elsewhere.home)}, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = [elsewhere.first.id, elsewhere.second.id, elsewhere.killed]
    assert json.loads(done.stdout)["mlflow"] == {"taken": expected, "waiting": [], "problem": ""}
    found = elsewhere.runs()
    assert {name: run.info.status for name, run in found.items()} == dict(
        zip(expected, ["FINISHED", "FINISHED", "KILLED"], strict=True)
    )
    assert found[elsewhere.first.id].data.metrics["accuracy"] == pytest.approx(elsewhere.first.metrics["accuracy"])
    assert elsewhere.waiting() == []


def test_rows_and_model_are_linked_with_the_run(elsewhere: Any) -> None:
    hl.send_runs(home=elsewhere.home)
    run = elsewhere.runs()[elsewhere.first.id]
    (rows,) = [one.dataset for one in run.inputs.dataset_inputs]
    data = elsewhere.first.evidence["data"]
    assert (rows.name, rows.digest) == (data["name"], data["version"])
    source = json.loads(rows.source)["tags"]
    assert (source["hookline.fingerprint"], source["component"]) == (data["fingerprint"], "file")
    assert source["path"].endswith("rows.csv")
    assert {one["name"] for one in json.loads(rows.schema)["mlflow_colspec"]} == {"a", "b", "label"}
    (model,) = [one.model_id for one in run.outputs.model_outputs]
    assert elsewhere.client.get_logged_model(model).source_run_id == run.info.run_id


def test_aliases_go_both_ways_and_each_way_is_on_record(elsewhere: Any) -> None:
    looked = hl.sync_model("churn", look=True, home=elsewhere.home)
    assert (looked.registered, looked.done, looked.is_in_step) == ((1, 2), False, False)
    assert hl.sync_model("churn", home=elsewhere.home).is_in_step
    assert elsewhere.aliases() == {"champion": "2"}
    # Here: at once.
    hl.promote("churn:1", home=elsewhere.home)
    hl.promote("churn:2", alias="challenger", home=elsewhere.home)
    hl.tag_version("churn:2", {"stage": "trial"}, home=elsewhere.home)
    assert elsewhere.aliases() == {"champion": "1", "challenger": "2"}
    assert elsewhere.client.get_model_version("churn", elsewhere.number(2)).tags["stage"] == "trial"
    # There: by `sync`, which says so.
    elsewhere.client.set_registered_model_alias("churn", "champion", elsewhere.number(2))
    synced = hl.sync_model("churn", reason="Ann said so", who="bob", home=elsewhere.home)
    assert [(one.alias, one.here, one.there, one.way) for one in synced.found] == [("champion", 1, 2, "in")]
    policy = hl.promotions("churn", home=elsewhere.home)[0].policy
    assert (policy.version, policy.who) == (2, "bob")
    assert "it was moved there, v1 -> v2" in policy.reason
    assert policy.reason.endswith("Ann said so")
    assert hl.sync_model("churn", home=elsewhere.home).found == ()


def test_an_alias_that_both_have_moved_stays_until_a_person_says_whose_word_counts(elsewhere: Any) -> None:
    third = elsewhere.run(4)
    assert elsewhere.aliases()["champion"] == "3"
    assert third.id in elsewhere.runs()
    elsewhere.client.set_registered_model_alias("churn", "champion", elsewhere.number(1))
    elsewhere.client.set_registered_model_alias("churn", "stable", elsewhere.number(1))
    # Of what was moved there nothing is taken in by the way; what was moved here is stuck.
    hl.promote("churn:2", home=elsewhere.home)
    assert elsewhere.aliases()["champion"] == "1"
    stuck = hl.sync_model("churn", home=elsewhere.home)
    assert {one.alias: one.way for one in stuck.found} == {"champion": "stuck", "stable": "in"}
    assert open_workspace(elsewhere.home).catalog.models.aliases("churn")["stable"] == 1
    assert hl.sync_model("churn", prefer="here", home=elsewhere.home).is_in_step
    assert elsewhere.aliases()["champion"] == "2"


def test_a_rollback_moves_the_alias_back_there_too(elsewhere: Any) -> None:
    hl.sync_model("churn", prefer="here", home=elsewhere.home)
    before = elsewhere.aliases()["champion"]
    other = "2" if before == "1" else "1"
    hl.promote(f"churn:{other}", home=elsewhere.home)
    assert elsewhere.aliases()["champion"] == other
    hl.rollback("churn", home=elsewhere.home)
    assert elsewhere.aliases()["champion"] == before


def test_a_version_that_is_deleted_here_is_deleted_there_unless_an_alias_there_points_to_it(
    elsewhere: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made, other = (elsewhere.run(depth).evidence["deployment"]["version"] for depth in (8, 9))
    hl.promote("churn:1", home=elsewhere.home)
    elsewhere.client.set_registered_model_alias("churn", "audited", elsewhere.number(other))
    hl.delete_version(f"churn:{made}", home=elsewhere.home)
    with pytest.raises(ValueError, match="not enough values"):
        elsewhere.number(made)
    hl.delete_version(f"churn:{other}", home=elsewhere.home)
    assert f"v{other} of churn stays in MLflow" in caplog.text
    assert elsewhere.number(other)
    elsewhere.client.delete_registered_model_alias("churn", "audited")
    assert hl.sync_model("churn", look=True, home=elsewhere.home).deleted == (other,)
    assert elsewhere.number(other)
    assert hl.sync_model("churn", home=elsewhere.home).deleted == (other,)
    assert hl.sync_model("churn", look=True, home=elsewhere.home).deleted == ()


def test_the_last_version_of_a_model_that_is_deleted_here_is_deleted_there(elsewhere: Any, tmp_path: Path) -> None:
    hl.import_version(hl.export_version("churn:1", tmp_path, home=elsewhere.home), "tried", home=elsewhere.home)
    hl.sync_model("tried", home=elsewhere.home)
    assert len(elsewhere.client.search_model_versions("name = 'tried'")) == 1
    hl.delete_version("tried:1", home=elsewhere.home)
    assert not elsewhere.client.search_model_versions("name = 'tried'")
    with pytest.raises(UsageError, match="no version of 'tried' is to be registered"):
        hl.sync_model("tried", look=True, home=elsewhere.home)


def test_a_server_is_not_asked_about_a_model_that_was_never_to_be_there(
    elsewhere: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    for depth in (2, 3):
        elsewhere.run(depth, packager=["onnx"], name="bare", home=home, settings={})
    away = {**elsewhere.settings, "tracking_uri": f"http://127.0.0.1:{free_port()}", "timeout": 5}
    (home / "settings.yaml").write_text(json.dumps({"mlflow": away}), "utf-8")
    hl.delete_version("bare:1", home=home)
    assert "is not in step elsewhere" not in caplog.text


def test_an_alias_of_a_version_that_is_none_of_ours_is_told_and_left(elsewhere: Any) -> None:
    run_id = elsewhere.runs()[elsewhere.first.id].info.run_id
    theirs = elsewhere.client.create_model_version("churn", f"runs:/{run_id}/packages", run_id).version
    elsewhere.client.set_registered_model_alias("churn", "foreign", theirs)
    found = {one.alias: one for one in hl.sync_model("churn", look=True, home=elsewhere.home).found}
    assert (found["foreign"].way, found["foreign"].there) == ("stuck", None)
    assert "none of ours" in found["foreign"].why
    elsewhere.client.delete_registered_model_alias("churn", "foreign")


@pytest.mark.long
def test_a_version_in_another_format_is_registered_once_it_is_packaged_so(elsewhere: Any) -> None:
    elsewhere.run(5, packager=["onnx"], name="plain")
    with pytest.raises(UsageError, match="no version of 'plain' is to be registered"):
        hl.sync_model("plain", home=elsewhere.home)
    made = hl.package("plain:1", "mlflow", {"holds": {"component": "onnx"}, "register": True}, home=elsewhere.home)
    (there,) = elsewhere.client.search_model_versions("name = 'plain'")
    assert there.tags["hookline.version"] == str(made.version) == "2"


def test_a_server_that_stalls_costs_the_timeout_and_nothing_is_lost_or_sent_twice(
    elsewhere: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(elsewhere.runs())
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        stalled = {**elsewhere.settings, "tracking_uri": f"http://127.0.0.1:{hanging.getsockname()[1]}", "timeout": 2}
        started = time.monotonic()
        done = elsewhere.run(6, settings={"mlflow": stalled})
        assert time.monotonic() - started < 20
        (entry,) = elsewhere.waiting()
        assert "settings.mlflow.timeout=2 s" in caplog.text
        (elsewhere.home / "settings.yaml").write_text(json.dumps({"mlflow": stalled}), "utf-8")
        hl.promote("churn:1", home=elsewhere.home)
        assert "is not in step elsewhere" in caplog.text
        with pytest.raises(StoreError, match="took longer than"):
            hl.sync_model("churn", home=elsewhere.home)
    elsewhere.remember()
    # The server moved to where the run was to be sent.
    order = json.loads(entry.read_text("utf-8")) | {"tracking_uri": elsewhere.uri}
    entry.write_text(json.dumps(order), "utf-8")
    next_one = elsewhere.run(7, trainer={"component": "decision_tree", "max_depth": 7, "min_samples_leaf": 3})
    assert set(elsewhere.runs()) - before == {done.id, next_one.id}
    assert elsewhere.waiting() == []


@pytest.mark.long
def test_who_is_killed_while_sending_has_sent_nothing_twice(elsewhere: Any) -> None:
    folder = elsewhere.folder / "killed"
    program = "import sys, hookline as hl; hl.send_runs(home=sys.argv[1])"
    offline = {**elsewhere.settings, "tracking_uri": f"http://127.0.0.1:{free_port()}", "timeout": 5}
    sent = [elsewhere.run(depth, settings={"mlflow": offline}, home=folder).id for depth in (2, 3)]
    (folder / "settings.yaml").write_text(json.dumps({"mlflow": elsewhere.settings}), "utf-8")
    for entry in (folder / "outbox/mlflow").glob("*.json"):
        entry.write_text(json.dumps(json.loads(entry.read_text("utf-8")) | {"tracking_uri": elsewhere.uri}), "utf-8")
    for seconds in (2.5, 3.0, 3.5, 4.0):
        with subprocess.Popen([sys.executable, "-c", program, str(folder)], stderr=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.kill()
    assert not hl.send_runs(home=folder)["mlflow"].waiting
    assert set(sent) <= set(elsewhere.runs())
