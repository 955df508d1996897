"""What an import brings in, and what the public names are."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from importlib.metadata import entry_points, version

import pytest

import hookline
from hookline.kinds import hooks as hookspecs
from kit.places import ROOT
from kit.processes import run_command, run_python

HEAVY = (
    *("hydra", "numpy", "omegaconf", "polars", "pydantic", "rich", "scipy", "sqlalchemy"),
    *(
        "apprise",
        "jinja2",
        "mlflow",
        "msgspec",
        "onnx",
        "onnxruntime",
        "optuna",
        "pytorch_lightning",
        "ray",
        "river",
        "shap",
        "sklearn",
        "skops",
    ),
    "starlette",
    *("keras", "tensorflow", "tf2onnx"),
    *("torch", "uvicorn", "vl_convert", "whylogs"),
)
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file())


def loaded_by(code: str) -> set[str]:
    """Return the heavy modules that a fresh process holds after some code."""
    told = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = run_python(told)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_hookline_is_light() -> None:
    assert loaded_by("import hookline") == set()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_importing_a_plugin_is_light(plugin: str) -> None:
    assert loaded_by(f"import {plugin}") == set()


def test_help_imports_neither_hydra_nor_a_backend() -> None:
    assert loaded_by("from hookline.cli import main\nmain(['--help'])\nprint()") == set()


def test_loading_plugins_imports_no_backend() -> None:
    assert loaded_by("from hookline.registry.loading import load_plugins\nload_plugins()") == set()


def test_public_names_are_sorted_and_exist() -> None:
    assert hookline.__all__ == sorted(hookline.__all__)
    assert all(hasattr(hookline, name) for name in hookline.__all__)


def test_no_public_name_is_hidden_by_a_module_of_that_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(hookline.__path__)}
    for name in modules & set(hookline.__all__):  # Then the folder is called as the function is.
        function = getattr(importlib.import_module("hookline.api"), name)
        assert inspect.unwrap(getattr(hookline, name)) is function
        assert inspect.signature(importlib.import_module(f"hookline.{name}")) == inspect.signature(function)


def test_the_version_is_that_of_the_distribution() -> None:
    assert hookline.__version__ == version("hookline")


def test_entry_points_match_the_plugins_in_the_tree() -> None:
    installed = {
        entry.value for entry in entry_points(group="hookline") if entry.dist and entry.dist.name == "hookline"
    }
    # The sweeper for Optuna is found by Hydra, in `hydra_plugins`.
    assert installed == set(PLUGINS) - {"hookline_optuna"}


def test_every_hook_is_documented_and_in_the_guide() -> None:
    guide = (ROOT / "docs" / "writing-plugins.md").read_text("utf-8")
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, "hookline_spec")]
    assert len(hooks) >= 16
    for name in hooks:
        assert getattr(hookspecs, name).__doc__, name
    for kind_hook in (name for name in hooks if not name.startswith("register_")):
        assert kind_hook in guide, kind_hook


def test_no_file_of_ours_names_a_path_of_a_machine() -> None:
    tracked = run_command(["git", "ls-files"], cwd=ROOT).stdout.split()
    pattern = re.compile(r"/(?:work|root)/|/home/(?!you\b)\w+/")
    wrong = [
        name
        for name in tracked
        if (ROOT / name).suffix in (".py", ".md", ".toml", ".yaml", ".txt", ".jinja")
        and name != "tests/core/test_imports.py"
        and pattern.search((ROOT / name).read_text("utf-8"))
    ]
    assert wrong == []
