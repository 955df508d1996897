"""How Hydra composes components into a config, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

import hookline as hl
from hookline.errors import ConfigError, HooklineError, UnknownName, UsageError
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.plans.keywords import config_of
from hookline.registry.registry import Registry, load_registry
from kit.places import ROOT


def test_every_component_is_an_option_without_yaml(registry: Registry) -> None:
    tree = compose(registry, ["trainer=random_forest", "trainer.n_estimators=7", "transform=[dedupe,impute]"])
    assert tree["trainer"]["component"] == "random_forest"
    assert tree["trainer"]["n_estimators"] == 7
    assert list(tree["transform"]) == ["dedupe", "impute"]


def test_the_same_component_twice_stands_under_two_keys(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / "twice.yaml").write_text(
        "# @package _global_\n"
        "transform:\n"
        "  low: {component: clip, columns: [mean_radius], lower: 8}\n"
        "  high: {component: clip, columns: [mean_area], upper: 900}\n"
    )
    config = resolve(registry, compose(registry, ["experiment=twice"], tmp_path))
    assert [placed.key for placed in config.components["transform"]] == ["transform.low", "transform.high"]


def test_an_unknown_option_suggests_the_closest(registry: Registry) -> None:
    with pytest.raises(UnknownName, match="did you mean 'random_forest'"):
        compose(registry, ["trainer=random_forst"])


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("trianer=ridge", "did you mean 'trainer'"),
        ("sed=1", "did you mean 'seed'"),
        ("+sed=1", "sed"),
        ("split.tets=0.2", "did you mean 'test'"),
        ("seed=-1", "seed: must be greater than or equal to 0"),
        ("split.test=2", "split.test"),
        ("trainer.C=zero", r"trainer.C"),
        ("transform.impute.text=most", "add transform="),
    ],
)
def test_a_wrong_override_is_named_as_it_was_typed(registry: Registry, override: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve(registry, compose(registry, [override]))


def test_problems_of_all_components_come_in_one_error(registry: Registry) -> None:
    overrides = [
        "trainer=logistic_regression",
        "trainer.C=-1",
        "+trainer.penalti=l2",
        "seed=-3",
        "featurizer.tabular.numeric=strange",
    ]
    with pytest.raises(ConfigError) as caught:
        resolve(registry, compose(registry, overrides))
    assert {problem.path for problem in caught.value.problems} >= {
        "trainer.C",
        "trainer.penalti",
        "seed",
        "featurizer.tabular.numeric",
    }


@pytest.mark.parametrize("where", ["trainer", "transform", "roles", ""])
def test_a_target_to_call_is_refused_anywhere(registry: Registry, where: str) -> None:
    key = f"{where}._target_" if where else "_target_"
    with pytest.raises(HooklineError, match="_target_"):
        resolve(registry, compose(registry, [f"+{key}=os.system"]))


def test_mappings_and_objects_mean_what_overrides_mean(registry: Registry) -> None:
    from hookline_sklearn import RandomForestTrainer

    by_override = config_of(registry, ["trainer=random_forest", "trainer.n_estimators=9", "seed=3"], {})
    by_mapping = config_of(
        registry,
        [{"source": "breast_cancer", "trainer": {"component": "random_forest", "n_estimators": 9}, "seed": 3}],
        {},
    )
    by_object = config_of(
        registry, [], {"source": "breast_cancer", "trainer": RandomForestTrainer(n_estimators=9, seed=3), "seed": 3}
    )
    trainers = {config.components["trainer"][0].component for config in (by_override, by_mapping, by_object)}
    assert len(trainers) == 1


@pytest.mark.parametrize("override", ["deployer=null", "packager=null", "experiment=null"])
def test_a_choice_can_be_left_out(registry: Registry, override: str) -> None:
    kind = override.partition("=")[0]
    config = resolve(registry, compose(registry, [override]))
    assert config.components.get(kind, ()) == ()


def test_a_mapping_may_take_the_place_of_a_list(registry: Registry) -> None:
    for override in ("transform.impute.columns.kind=number", "transform.impute.columns={kind: number}"):
        config = resolve(registry, compose(registry, ["transform=[impute]", override]))
        assert config.plain()["transform"]["impute"]["columns"]["kind"] == "number"


def test_a_fault_of_the_seed_is_told_once(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(registry, compose(registry, ["seed=-1"]))
    assert [problem.path for problem in caught.value.problems] == ["seed"]


def test_what_is_no_override_is_told_in_one_line(registry: Registry) -> None:
    with pytest.raises(UsageError, match="'frobnicate' is no override"):
        compose(registry, ["frobnicate"])


def test_two_configs_in_one_process_do_not_clash() -> None:
    first = hl.plan("trainer=ridge", "source=diabetes")
    second = hl.plan("trainer=random_forest", "source=iris")
    assert hl.plan("trainer=ridge", "source=diabetes").stages == first.stages
    assert first["trainer"].name != second["trainer"].name


def test_experiments_of_ours_compose(registry: Registry) -> None:
    folder = ROOT / "conf" / "hookline_conf" / "experiment"
    found = list(folder.glob("*.yaml"))
    assert found
    for file in found:
        # A table is the user's own, and named by its path.
        path = ["source.path=rows.csv"] if "path: ???" in file.read_text("utf-8") else []
        resolve(registry, compose(registry, [f"experiment={file.stem}", *path]))


def test_a_field_said_of_a_kind_names_the_component_that_has_it(registry: Registry) -> None:
    with pytest.raises(
        ConfigError, match=r"featurizer\.numeric: unknown key; did you mean 'featurizer\.tabular\.numeric'"
    ):
        compose(registry, ["featurizer.numeric=none"])


def test_the_config_packages_of_one_registry_do_not_linger_in_the_next(
    project_module: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    (tmp_path / "project" / "own_conf" / "experiment").mkdir(parents=True)
    (tmp_path / "project" / "own_conf" / "__init__.py").touch()
    (tmp_path / "project" / "own_conf" / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 8\n")
    project_module(
        "configs", "from hookline import hookimpl\n@hookimpl\ndef register_configs():\n    return ['own_conf']\n"
    )
    assert compose(load_registry(), ["experiment=mine"])["seed"] == 8
    for _ in range(2):
        with pytest.raises(UnknownName, match="mine"):
            compose(registry, ["experiment=mine"])
    own = [cls for cls in Plugins.instance().discover(SearchPathPlugin) if cls.__module__.startswith("hookline.")]
    assert len(own) == 1
