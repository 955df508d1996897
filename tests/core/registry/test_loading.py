"""How plugins are found and loaded, and what is said of those that cannot be."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.errors import PluginError, UnknownName
from hookline.plans.hydra.compose import compose
from hookline.registry.loading import load_plugins
from hookline.registry.registry import Registry

TRAINER = """
    from hookline import Features, SklearnModel, Trainer, hookimpl

    class Nearest(Trainer):
        "Closest rows."
        name = "{name}"
        neighbors: int = 5

        def fit(self, train: Features, valid: Features | None) -> SklearnModel:
            from sklearn.neighbors import KNeighborsClassifier
            return SklearnModel.of(KNeighborsClassifier(self.neighbors).fit(train.X, train.y), train)

    @hookimpl
    def register_trainers():
        return [Nearest]
"""
Install = Callable[..., None]


def test_an_installed_plugin_joins_the_built_in_ones(install_plugin: Install) -> None:
    install_plugin("hookline-acme", "acme", "acme_one", TRAINER.format(name="acme.nearest"))
    registry = Registry(load_plugins())
    described = registry.describe("trainer", "acme.nearest")
    assert (described.distribution, described.version) == ("hookline-acme", "0.1")
    assert "random_forest" in registry.names("trainer")


def test_a_broken_plugin_is_reported_and_the_rest_goes_on(
    install_plugin: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install_plugin("hookline-broken", "broken", "broken_one", "import nothing_of_this_name\n")
    with caplog.at_level(logging.WARNING, "hookline.registry.loading"):
        plugins = load_plugins()
    assert "nothing_of_this_name" in plugins["broken"].skipped
    assert "broken" in caplog.text
    assert plugins["sklearn"].skipped == ""


def test_asking_for_what_a_broken_plugin_would_bring_says_so(install_plugin: Install) -> None:
    install_plugin("hookline-broken", "broken", "broken_two", "1 / 0\n")
    with pytest.raises(UnknownName, match=r"broken.*ZeroDivisionError"):
        Registry(load_plugins()).entry("trainer", "broken.nearest")


def test_strict_makes_a_broken_plugin_an_error(install_plugin: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin("hookline-broken", "broken", "broken_three", "1 / 0\n")
    monkeypatch.setenv("HOOKLINE_STRICT", "1")
    with pytest.raises(PluginError, match="hookline-broken 0.1"):
        load_plugins()


def test_a_misspelt_hook_names_the_distribution_and_the_closest(install_plugin: Install) -> None:
    install_plugin(
        "hookline-typo",
        "typo",
        "typo_one",
        """
        from hookline import hookimpl
        @hookimpl
        def register_trainer():
            return []
        """,
    )
    with pytest.raises(PluginError, match=r"hookline-typo 0.1.*register_trainer'; did you mean 'register_trainers'"):
        load_plugins()


def test_two_plugins_of_one_name_are_refused(install_plugin: Install) -> None:
    install_plugin("hookline-one", "twin", "twin_one", TRAINER.format(name="twin.a"))
    install_plugin("hookline-two", "twin", "twin_two", TRAINER.format(name="twin.b"))
    with pytest.raises(PluginError, match=r"two plugins have this name.*hookline-one 0.1.*hookline-two 0.1"):
        load_plugins()


def test_a_third_party_cannot_shadow_a_built_in_component(install_plugin: Install) -> None:
    install_plugin("hookline-acme", "acme", "acme_shadow", TRAINER.format(name="random_forest"))
    with pytest.raises(PluginError, match=r"must be named 'acme.random_forest'"):
        Registry(load_plugins())


def test_disable_takes_a_plugin_out(install_plugin: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin("hookline-acme", "acme", "acme_two", TRAINER.format(name="acme.nearest"))
    monkeypatch.setenv("HOOKLINE_DISABLE", "acme, torch")
    registry = Registry(load_plugins())
    assert "acme.nearest" not in registry.names("trainer")
    assert "mlp" not in registry.names("trainer")


def test_a_module_named_in_the_environment_needs_no_package(project_module: Callable[[str, str], str]) -> None:
    project_module("mine", TRAINER.format(name="nearest"))
    registry = Registry(load_plugins())
    assert registry.describe("trainer", "nearest").distribution == ""


def test_a_module_named_in_pyproject_is_found_from_a_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hookline]\nplugins = ["components_of_pyproject"]\n')
    (tmp_path / "components_of_pyproject.py").write_text(
        "from hookline import Trainer, hookimpl\n" + TRAINER.format(name="nearest").replace("\n    ", "\n")
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    below = tmp_path / "below"
    below.mkdir()
    assert "nearest" in Registry(load_plugins(below)).names("trainer")


def test_a_worker_with_other_plugins_refuses_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = load_plugins()
    monkeypatch.setenv("HOOKLINE_DISABLE", "torch")
    with pytest.raises(PluginError, match="torch"):
        load_plugins().require(mine.signature())
    mine.require(mine.signature())


def test_a_class_of_the_wrong_kind_is_refused(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project_module("wrong", TRAINER.format(name="nearest").replace("register_trainers", "register_sources"))
    monkeypatch.setenv("HOOKLINE_STRICT", "1")
    with pytest.raises(PluginError, match=r"Nearest.*source|source.*Nearest"):
        Registry(load_plugins())


def test_a_port_that_does_not_resolve_is_refused(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = TRAINER.format(name="nearest").replace("train: Features,", "train: 'Featurs',")
    project_module("ports", code)
    monkeypatch.setenv("HOOKLINE_STRICT", "1")
    with pytest.raises(PluginError, match="Featurs"):
        Registry(load_plugins())


def test_a_field_that_cannot_be_configured_is_refused(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = TRAINER.format(name="nearest").replace(
        "neighbors: int = 5", "neighbors: object = object()\n        made: 'Opaque' = None"
    )
    project_module("fields", "class Opaque: pass\n" + code.replace("\n    ", "\n"))
    monkeypatch.setenv("HOOKLINE_STRICT", "1")
    with pytest.raises(PluginError, match="Nearest"):
        Registry(load_plugins())


def test_a_default_that_json_cannot_say_is_refused(
    project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = TRAINER.format(name="nearest").replace("neighbors: int = 5", "measure: Callable[..., int] = len")
    project_module("defaults", "    from collections.abc import Callable\n" + code)
    with pytest.raises(PluginError, match="the default of 'measure' is no plain value"):
        Registry(load_plugins())


@pytest.mark.parametrize("returned", ["1 / 0", "'acme.conf'", "[5]", "None"])
def test_config_packages_that_cannot_be_are_told_of_and_the_rest_goes_on(
    project_module: Callable[[str, str], str], returned: str
) -> None:
    module = project_module(
        "configs", f"from hookline import hookimpl\n@hookimpl\ndef register_configs():\n    return {returned}\n"
    )
    registry = Registry(load_plugins())
    assert "register_configs" in registry.plugins[module].skipped
    assert registry.configs == ()
    assert compose(registry, ["trainer=ridge"])["trainer"]["component"] == "ridge"


def test_nothing_stays_of_a_plugin_whose_second_hook_raises(
    project_module: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
        import sys
        from hookline import Settings, hookimpl

        class Own(Settings):
            "Its options."
            name = "own_settings"

        @hookimpl
        def register_settings():
            return [Own]

        @hookimpl
        def register_pages():
            return {1: 2} / 0

        @hookimpl
        def after_run(run):
            sys.stderr.write("called all the same")
    """
    trainer = textwrap.dedent(TRAINER.format(name="nearest"))
    module = project_module("second", trainer + textwrap.dedent(code))
    registry = Registry(load_plugins())
    assert "register_pages" in registry.plugins[module].skipped
    assert "nearest" not in registry.names("trainer")
    assert "own_settings" not in registry.settings()
    registry.tell("after_run", run=None)
    assert "called" not in capsys.readouterr().err


def test_what_a_lifecycle_hook_prints_is_no_data(
    project_module: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    project_module(
        "loud", "from hookline import hookimpl\n@hookimpl\ndef after_run(run):\n    print('a run has ended')\n"
    )
    Registry(load_plugins()).tell("after_run", run=None)
    out, err = capsys.readouterr()
    assert (out, "a run has ended" in err) == ("", True)


@pytest.mark.parametrize("how", ["wrapper", "hookwrapper"])
def test_a_hook_that_would_never_be_called_is_refused(project_module: Callable[[str, str], str], how: str) -> None:
    project_module("around", f"from hookline import hookimpl\n@hookimpl({how}=True)\ndef after_run(run):\n    yield\n")
    with pytest.raises(PluginError, match="after_run is a wrapper"):
        load_plugins()


def test_a_hook_that_raises_is_an_error_where_the_environment_that_was_given_is_strict(
    project_module: Callable[[str, str], str],
) -> None:
    module = project_module("raising", "from hookline import hookimpl\n@hookimpl\ndef register_pages():\n    1 / 0\n")
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        Registry(load_plugins(environ={"HOOKLINE_PLUGINS": module, "HOOKLINE_STRICT": "1"}))
