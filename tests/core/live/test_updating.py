"""A registered model that learns more rows, as a version of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, RejectedRows, UntrustedPackage, UsageError
from hookline.live.watching.watcher import trained_with
from hookline.packages.manifest import verify
from hookline.workspace.workspace import open_workspace

TRAINERS = '''
"""Trainers that learn on, and one that blocks while it does."""

import copy
import os
import time
from pathlib import Path

import hookline as hl


class StepsTrainer(hl.Trainer):
    """Stochastic gradient descent, which goes on from where it was."""

    name = "steps"
    alpha: float = 0.001
    wait_for: str = ""
    """A file; an update says that it has begun beside it, and then waits for it."""

    def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
        from sklearn.linear_model import SGDClassifier

        fresh = SGDClassifier(loss="log_loss", alpha=self.alpha, random_state=0)
        return hl.SklearnModel.of(fresh.partial_fit(train.X, train.y, range(len(train.target.classes))), train)

    def update(self, model: hl.SklearnModel, batch: hl.Features) -> hl.SklearnModel:
        if self.wait_for:
            Path(self.wait_for + ".begun").touch()
            while not Path(self.wait_for).exists():
                time.sleep(0.01)
        if batch.X.shape[0] == 13:
            raise ZeroDivisionError("thirteen rows")
        more = copy.deepcopy(model.estimator)
        more.partial_fit(batch.X, batch.y, sample_weight=batch.sample_weight)
        return hl.SklearnModel(more, model.feature_names)


@hl.hookimpl
def register_trainers():
    return [StepsTrainer]
'''


def rows(count: int, seed: int, *, tilt: float = 1.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(size=count), rng.uniform(0.5, 2.0, count)
    color = rng.choice(["red", "green", "blue"], count)
    bought = np.where(tilt * size + (color == "red") + rng.normal(0, 0.3, count) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size, "color": color, "weight": weight, "bought": bought})


@pytest.fixture
def registered(project_module: Callable[[str, str], str]) -> hl.Run:
    """A model `shop`, version 1, by a trainer that learns on."""
    project_module("steps", TRAINERS)
    return made()


def made(**over: object) -> hl.Run:
    config: dict[str, object] = {
        "source": rows(300, 0),
        "target": "bought",
        "roles": {"weight": "weight"},
        "name": "shop",
        "trainer": "steps",
        "packager": ["skops"],
        "deployer": "local",
    }
    return hl.run(**(config | over))


def test_the_new_version_is_what_learning_by_hand_gives(registered: hl.Run) -> None:
    more = rows(120, 1, tilt=-1.0)
    old = hl.load("shop")
    update = hl.update("shop", more)
    assert (update.model, update.version, update.rows) == ("shop", 2, 120)
    batch = old.predictor.examples(hl.Dataset(more.lazy(), hl.Roles(weight="weight"), target=old.target))
    by_hand = SGDClassifier(loss="log_loss", alpha=0.001, random_state=0)
    vars(by_hand).update(vars(old.predictor.model.estimator))
    by_hand.partial_fit(batch.X, batch.y, sample_weight=more["weight"].to_numpy())
    learned = hl.load("shop:2").predictor.model.estimator
    assert learned.coef_.tolist() == by_hand.coef_.tolist()
    assert learned.coef_.tolist() != hl.load("shop:1").predictor.model.estimator.coef_.tolist()


def test_the_old_version_is_judged_on_the_rows_before_they_are_learned(registered: hl.Run) -> None:
    more = rows(120, 1, tilt=-1.0)
    answers = hl.load("shop:1").predict(more).values
    weights = more["weight"].to_numpy()
    update = hl.update("shop", more)
    golden = accuracy_score(more["bought"].to_numpy(), answers, sample_weight=weights)
    assert update.before["accuracy"].value == pytest.approx(golden)
    manifest = verify(update.path)
    kept = {metric["name"]: metric["value"] for metric in manifest["before"]}
    assert kept["accuracy"] == update.before["accuracy"].value
    assert manifest["metrics"] == []


def test_the_package_tells_what_it_came_of_and_keeps_the_reference(registered: hl.Run) -> None:
    old = verify(hl.load("shop:1").path)
    update = hl.update("shop:1", rows(120, 1))
    manifest = verify(update.path)
    assert manifest["updated_from"]["version"] == 1
    assert manifest["updated_from"]["rows"] == 120
    assert manifest["parity"]["ok"] is True
    assert manifest["parity"]["rows"] == 120
    assert (manifest["trainer"], manifest["data"]) == (old["trainer"], old["data"])
    for name in ("profile.json", "answers.json"):
        assert manifest["files"][name] == old["files"][name]
    assert {one["sort"] for one in json.loads((update.path / "certificate.json").read_text())["agreements"]} >= {
        "held_out",
        "extreme",
    }
    assert hl.monitor("shop:2", rows(400, 2)).keys() == {"data_drift"}


def test_what_a_model_is_watched_by_stays(project_module: Callable[[str, str], str]) -> None:
    project_module("steps", TRAINERS)
    made(monitor={"data_drift": {"component": "data_drift", "min_rows": 77}})
    found = dict(trained_with(hl.update("shop", rows(120, 1)).path))
    assert found == dict(trained_with(Path(hl.load("shop:1").path)))
    assert found["data_drift"]["min_rows"] == 77


def test_no_alias_moves_and_a_promotion_puts_the_version_in_charge(registered: hl.Run) -> None:
    update = hl.update("shop", rows(120, 1))
    catalog = open_workspace().catalog
    assert catalog.models.aliases("shop") == {"champion": 1}
    policy = hl.promote(f"shop:{update.version}", reason="it learned")
    assert policy is not None
    assert policy.version == 2
    assert catalog.models.aliases("shop") == {"champion": 2}
    assert hl.promote("shop:1", alias="before") is None
    assert catalog.models.aliases("shop") == {"before": 1, "champion": 2}


def test_the_same_rows_give_the_same_version_from_a_frame_and_from_a_file(registered: hl.Run, tmp_path: Path) -> None:
    more = rows(120, 1)
    more.write_parquet(tmp_path / "more.parquet")
    first = hl.update("shop:1", more)
    assert hl.update("shop:1", more.clone()) == first
    assert hl.update("shop:1", tmp_path / "more.parquet") == first
    assert [record.version for record in open_workspace().catalog.models.versions("shop")] == [2, 1]
    assert hl.update("shop:1", more.reverse()).version == 3
    assert hl.update("shop:2", more).version == 4


def test_the_rows_are_a_version_of_data_that_the_model_saw(registered: hl.Run) -> None:

    update = hl.update("shop", rows(120, 1))
    digest = verify(update.path)["updated_from"]["digest"]
    (record,) = [one for one in open_workspace().catalog.datasets.versions() if one.version.fingerprint == digest]
    assert record.models == ("shop:2",)
    assert record.version.rows == 120


def test_a_damaged_copy_is_made_again(registered: hl.Run) -> None:
    first = hl.update("shop:1", rows(120, 1))
    (first.path / "model.skops").write_bytes(b"no model")
    assert hl.update("shop:1", rows(120, 1)) == first
    assert hl.load("shop:2").predict(rows(5, 9)).values.shape == (5,)


def test_rows_of_one_class_alone_are_learned(registered: hl.Run) -> None:
    update = hl.update("shop", rows(200, 1).filter(pl.col("bought") == "yes"))
    assert 0 <= update.before["accuracy"].value <= 1


def test_a_class_that_looks_like_a_number_is_read_as_the_text_that_it_is(
    project_module: Callable[[str, str], str], tmp_path: Path
) -> None:
    project_module("steps", TRAINERS)
    coded = pl.col("bought").replace({"yes": "007", "no": "010"})
    made(source=rows(300, 0).with_columns(coded))
    rows(50, 1).with_columns(coded).write_csv(tmp_path / "more.csv")
    assert hl.update("shop", tmp_path / "more.csv").rows == 50
    assert hl.load("shop:2").target.classes == ("007", "010")


UNFIT: tuple[tuple[str, Callable[[pl.DataFrame], pl.DataFrame]], ...] = (
    ("no rows to learn", lambda t: t.head(0)),
    ("do not tell the target 'bought'", lambda t: t.drop("bought")),
    ("missing in 5 of 120 rows", lambda t: t.with_columns(bought=pl.when(pl.int_range(pl.len()) > 4).then("bought"))),
    ("labels that training never saw: maybe", lambda t: t.with_columns(bought=pl.lit("maybe"))),
    ("size: ", lambda t: t.drop("size")),
    ("weights", lambda t: t.with_columns(weight=-pl.col("weight"))),
)
"""What the error says, and what is done to good rows."""


def test_rows_that_cannot_be_learned_are_one_clear_error_and_change_nothing(registered: hl.Run) -> None:
    before = kept()
    for told, change in UNFIT:
        with pytest.raises(DataError, match=told):
            hl.update("shop", change(rows(120, 1)))
    assert kept() == before


def test_rows_that_the_contract_rejects_are_not_learned(registered: hl.Run, tmp_path: Path) -> None:
    strict = tmp_path / "contract.yaml"
    strict.write_text("format: 1\ncolumns:\n  color:\n    on_violation: reject\n", "utf-8")
    made(name="strict", contract=strict)
    with pytest.raises(RejectedRows, match="pink"):
        hl.update("strict", rows(120, 1).with_columns(color=pl.lit("pink")))


def test_a_failure_of_the_trainer_goes_on_as_it_is_with_a_note_and_leaves_nothing(registered: hl.Run) -> None:
    before = kept()
    with pytest.raises(ZeroDivisionError, match="thirteen") as caught:
        hl.update("shop", rows(13, 1))
    assert caught.value.__notes__ == ["while trainer 'steps' learned 13 rows"]
    assert kept() == before


def test_a_package_without_the_model_itself_names_packagers_that_hold_it(
    project_module: Callable[[str, str], str],
) -> None:
    project_module("steps", TRAINERS)
    made(packager=["onnx"])
    with pytest.raises(UsageError, match=r"(?s)of packager 'onnx'.*packager=\[pickle\] or packager=\[skops\]"):
        hl.update("shop", rows(120, 1))


def test_a_trainer_that_does_not_learn_on_names_those_that_do(project_module: Callable[[str, str], str]) -> None:
    project_module("steps", TRAINERS)
    made(trainer="decision_tree")
    with pytest.raises(UsageError, match=r"(?s)trainer 'decision_tree', which made shop:1, cannot.*steps"):
        hl.update("shop", rows(120, 1))


def test_what_is_no_registered_model_gets_no_version(registered: hl.Run) -> None:
    for what in (registered.id, str(registered.package())):
        with pytest.raises(UsageError, match="no registered model"):
            hl.update(what, rows(120, 1))
    with pytest.raises(UsageError, match="no version of shop named '7'"):
        hl.update("shop:7", rows(120, 1))


def test_a_pickle_is_learned_from_only_where_it_is_trusted(project_module: Callable[[str, str], str]) -> None:
    project_module("steps", TRAINERS)
    made(packager=["pickle"])
    before = kept()
    with pytest.raises(UntrustedPackage):
        hl.update("shop", rows(120, 1))
    assert kept() == before
    assert hl.update("shop", rows(120, 1), trust=hl.Trust(pickle=True)).version == 2


def test_an_update_that_is_killed_leaves_nothing_and_can_be_made_again(
    project_module: Callable[[str, str], str], tmp_path: Path
) -> None:
    module = project_module("steps", TRAINERS)
    go = tmp_path / "go"
    made(trainer={"component": "steps", "wait_for": str(go)})
    rows(120, 1).write_parquet(tmp_path / "more.parquet")
    before = kept()
    code = f"import hookline as hl; hl.update('shop', {str(tmp_path / 'more.parquet')!r})"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "project"), "HOOKLINE_PLUGINS": module}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)
    for _ in range(6000):
        if Path(f"{go}.begun").exists():
            break
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert kept() == before
    go.touch()
    assert hl.update("shop", tmp_path / "more.parquet").version == 2
    assert not [path for path in (Path(os.environ["HOOKLINE_HOME"]) / "store" / "tmp").iterdir() if path.is_dir()]


def test_two_processes_that_learn_the_same_rows_make_one_version(
    project_module: Callable[[str, str], str], tmp_path: Path
) -> None:
    module = project_module("steps", TRAINERS)
    go = tmp_path / "go"
    made(trainer={"component": "steps", "wait_for": str(go)})
    rows(120, 1).write_parquet(tmp_path / "more.parquet")
    code = f"import hookline as hl; print(hl.update('shop', {str(tmp_path / 'more.parquet')!r}).version)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "project"), "HOOKLINE_PLUGINS": module}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) for _ in "ab"
    ]
    go.touch()
    assert [child.communicate(timeout=120)[0].strip() for child in both] == ["2", "2"]
    assert len(open_workspace().catalog.models.versions("shop")) == 2


def test_the_command_line_updates_and_says_how_to_promote(
    registered: hl.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(120, 1).write_parquet(tmp_path / "more.parquet")
    assert main(["models", "update", "shop", str(tmp_path / "more.parquet")]) == 0
    out, err = capsys.readouterr()
    assert "accuracy" in out
    assert "shop on these 120 rows, before it learned them" in err
    assert "hookline models promote shop:2" in err
    assert main(["models", "update", "shop:1", str(tmp_path / "more.parquet"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["rows"]) == (2, 120)
    assert main(["models", "list", "shop", "--json"]) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert newest["run_id"].startswith("update-of-1-")
    assert (newest["aliases"], oldest["aliases"]) == ([], ["champion"])


def kept() -> tuple[list[str], int]:
    """Return the files of all registered models, and how many versions the catalog has."""
    home = Path(os.environ["HOOKLINE_HOME"])
    files = sorted(str(path.relative_to(home)) for path in (home / "models").rglob("*"))
    return files, len(open_workspace().catalog.models.every_version())
