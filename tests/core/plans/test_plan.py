"""What a plan checks before anything runs, and how it says what must run."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, DataError, PlanError
from hookline.kinds.component import check_backends
from hookline.plans.explain import explain
from hookline.registry.registry import load_registry


def test_a_packager_that_cannot_take_the_model_is_an_error_before_compute() -> None:
    with pytest.raises(
        PlanError, match=r"packager 'skops' takes SklearnModel, but trainer 'mlp' makes TorchModel"
    ) as e:
        hl.plan("trainer=mlp", "packager=[skops]")
    assert "onnx" in str(e.value.hint)


def test_a_task_that_the_trainer_cannot_do_is_an_error_before_compute() -> None:
    with pytest.raises(PlanError, match=r"trainer 'ridge' does regression, but task=binary"):
        hl.plan("trainer=ridge", "task=binary")


def test_a_source_without_a_target_needs_one(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"roles.target: required"):
        hl.plan("source=file", f"source.path={tmp_path / 'x.csv'}")


def test_a_fingerprint_tells_what_changes_downstream_only() -> None:
    first, second = (
        hl.plan("trainer=logistic_regression", "trainer.C=1"),
        hl.plan("trainer=logistic_regression", "trainer.C=2"),
    )
    changed = {a.key for a, b in zip(first.stages, second.stages, strict=True) if a.fingerprint != b.fingerprint}
    assert changed == {"trainer", "evaluator.standard", "packager.onnx", "deployer"}


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    before = hl.plan(source=path, trainer="ridge", target="b")["source"].fingerprint
    path.write_text("a,b\n1,3\n")
    assert hl.plan(source=path, trainer="ridge", target="b")["source"].fingerprint != before


def test_why_names_the_field_and_both_values() -> None:
    before, now = (
        hl.plan("trainer=logistic_regression", "trainer.C=1")["trainer"],
        hl.plan("trainer=logistic_regression", "trainer.C=5")["trainer"],
    )
    assert explain(now, before.parts) == "trainer.C changed 1.0 -> 5.0"


def test_why_names_another_component() -> None:
    before, now = hl.plan()["trainer"], hl.plan("trainer=decision_tree")["trainer"]
    assert explain(now, before.parts) == "trainer changed auto -> decision_tree"


def test_changed_code_of_a_plugin_is_seen(project_module: Callable[[str, str], str], tmp_path: Path) -> None:
    code = """
    from hookline import Features, SklearnModel, Trainer, hookimpl

    class Nearest(Trainer):
        "Closest rows."
        name = "nearest"

        def fit(self, train: Features, valid: Features | None) -> SklearnModel:
            from sklearn.neighbors import KNeighborsClassifier
            return SklearnModel.of(KNeighborsClassifier({k}).fit(train.X, train.y), train)

    @hookimpl
    def register_trainers():
        return [Nearest]
    """
    project_module("near", code.replace("{k}", "3"))
    before = hl.plan("trainer=nearest")["trainer"].fingerprint
    project_module("near", code.replace("{k}", "4"))
    assert hl.plan("trainer=nearest")["trainer"].fingerprint != before


def test_a_missing_backend_says_how_to_install_it(project_module: Callable[[str, str], str]) -> None:
    project_module(
        "backend",
        """
        from hookline import Features, Model, Trainer, hookimpl

        class Absent(Trainer):
            "Needs what is not there."
            name = "absent"
            extra = "absent"

            @classmethod
            def requires(cls):
                return ("no_such_library",)

            def fit(self, train: Features, valid: Features | None) -> Model:
                raise NotImplementedError

        @hookimpl
        def register_trainers():
            return [Absent]
        """,
    )
    with pytest.raises(hl.errors.MissingBackend, match=r"no_such_library.*\n.*pip install .*\[absent\]'"):
        hl.plan("trainer=absent")


def test_all_that_is_missing_is_told_at_once_with_an_extra_of_another_distribution_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "hookline_shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hookline-shop\nVersion: 1.0\nProvides-Extra: till\n", "utf-8"
    )
    (info / "entry_points.txt").write_text("[hookline]\nshop = lacking_shop\n", "utf-8")
    classes = "\n".join(
        f"""
class {name}(Trainer):
    "Needs what is not there."
    name = "shop.{name.lower()}"
    extra = "{extra}"

    @classmethod
    def requires(cls):
        return {modules}

    def fit(self, train: Features, valid: Features | None) -> Model:
        raise NotImplementedError
"""
        for name, extra, modules in [
            ("Till", "till", ("no_such_till", "no_such_drawer")),
            ("Lamp", "onnx", ("no_such_lamp",)),
        ]
    )
    (tmp_path / "lacking_shop.py").write_text(f"from hookline import Features, Model, Trainer\n{classes}", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shop = importlib.import_module("lacking_shop")
    with pytest.raises(hl.errors.MissingBackend) as caught:
        check_backends([shop.Till, shop.Lamp])
    assert [line.split("'")[3] for line in caught.value.message.splitlines()] == [
        "no_such_till",
        "no_such_drawer",
        "no_such_lamp",
    ]
    assert str(caught.value.hint).startswith("pip install 'hookline-shop[till]' ")
    assert str(caught.value.hint).endswith("[onnx]'")


def test_demand_runs_backwards_from_what_is_wanted() -> None:
    plan = hl.plan()
    everything = {stage.key for stage in plan.stages if stage.persisted}
    decided = plan.needed(everything)
    assert decided["deployer"] == "run"
    assert set(decided.values()) == {"run", "cached", "unneeded"}
    assert [key for key, status in decided.items() if status == "run"] == ["deployer"]


def test_planning_is_quick_enough_for_every_job_of_a_sweep() -> None:
    registry = load_registry()
    assert registry.names("trainer")
    assert len(hl.plan().stages) == 12


TABLE = pl.DataFrame({"x": [1.0, 2.0, 3.0] * 9, "y": ["a", "b", "a"] * 9})


@pytest.mark.parametrize("form", ["frame", "csv", "parquet", "ipc"])
def test_a_role_of_a_column_that_is_not_there_is_an_error_before_any_row_is_read(tmp_path: Path, form: str) -> None:
    source = TABLE if form == "frame" else str(tmp_path / f"a.{form}")
    if form != "frame":
        getattr(TABLE, f"write_{form}")(source)
    with pytest.raises(DataError, match="nosuch: not a column; there is x, y"):
        hl.plan(source=source, target="nosuch")
    with pytest.raises(DataError, match="z: not a column"):
        hl.plan(source=source, roles={"target": "y", "id": "z"})
    assert hl.plan(source=source, target="y")


def test_a_target_of_texts_is_held_against_trainer_evaluators_and_gates_before_any_row_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    TABLE.write_parquet(path)
    with pytest.raises(PlanError, match="trainer 'ridge' is for regression, but the target 'y'") as caught:
        hl.plan(source=path, target="y", trainer="ridge")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("trainer=auto, or another that is for binary: ")
    with pytest.raises(PlanError, match="evaluator 'regression' is for regression") as caught:
        hl.plan(source=path, target="y", evaluator=["regression"])
    assert str(caught.value.hint).startswith("evaluator=[standard], or another")
    with pytest.raises(ConfigError, match=r"gates\.r2: no evaluator measures this"):
        hl.plan(source=path, target="y", gates={"r2": 0.5})
    # What a transform makes of it, or a type that was said, is not known ahead.
    assert hl.plan(source=path, target="y", trainer="ridge", transform=["parse_numbers"])
    assert hl.plan(source={"component": "file", "path": path, "dtypes": {"y": "number"}}, target="y", trainer="ridge")


def test_a_trainer_that_is_not_for_the_target_is_told_with_one_that_is() -> None:
    with pytest.raises(DataError, match="'logistic_regression' is for binary or multiclass") as caught:
        hl.run(source=TABLE, target="x", trainer="logistic_regression", evaluator=[], packager=[])
    assert str(caught.value.hint).startswith("trainer=auto, or another that is for regression: ")
