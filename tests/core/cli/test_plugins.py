"""`hookline plugins`: what it tells of a plugin, how it checks one, and what it writes."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hookline.cli import main
from hookline.cli.plugins.new import files
from hookline.kinds.kinds import KINDS
from kit.command_line import Told
from kit.distributions import describe_installed
from kit.processes import HOOKLINE, run_command

SHOP = """
    from hookline import Deployer, Deployment, Package, Source, Dataset, hookimpl

    class Newest(Deployer):
        '''Everything to the newest version.'''
        name = "{prefix}newest"
        def deploy(self, package: Package, current: Deployment | None) -> Deployment:
            return Deployment.single(package.name, package.version or 1, self.name)

    class Stuck(Newest):
        '''Never anything new.'''
        name = "{prefix}stuck"
        def deploy(self, package: Package, current: Deployment | None) -> Deployment:
            return Deployment.single(package.name, 1, self.name)

    class Numbers(Source):
        '''The first numbers.'''
        name = "{prefix}numbers"
        rows: int
        '''How many.'''
        def load(self) -> Dataset:
            import polars as pl
            return Dataset(pl.LazyFrame({{"x": range(self.rows)}}))
        def fingerprint(self) -> str:
            return f"numbers-{{self.rows}}"

    @hookimpl
    def register_deployers():
        return [{deployers}]

    @hookimpl
    def register_sources():
        return [Numbers]
"""


CHOICE = """
    from hookline import Deployer, Deployment, Package, hookimpl
    from hookline.errors import ConfigError, Problem

    class Chosen(Deployer):
        '''Needs one of two fields.'''
        name = "shop.chosen"
        model: str = ""
        '''One.'''
        share: float = 0.0
        '''The other.'''
        def deploy(self, package: Package, current: Deployment | None) -> Deployment:
            if not (self.model or self.share):
                raise ConfigError("bad config for deployer", [Problem("deployer", "give one of model and share")])
            return Deployment.single(package.name, package.version or 1, self.name)

    @hookimpl
    def register_deployers():
        return [Chosen]
"""


@pytest.fixture
def plugins(hookline: Told) -> Told:
    """Run `hookline plugins` in this process."""
    return partial(hookline, "plugins")


def shop(deployers: str = "Newest", prefix: str = "shop.") -> str:
    return SHOP.format(deployers=deployers, prefix=prefix)


def test_list_is_what_the_bare_verb_does(plugins: Told) -> None:
    assert [row["name"] for row in json.loads(plugins("list", "--json")[1])][:3] == ["apprise", "bentoml", "events"]
    assert plugins()[1].startswith("name")


def test_info_shows_origin_hooks_and_components(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_info", shop())
    code, out, _ = plugins("info", "shop", "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["distribution"], facts["version"], facts["status"]) == ("acme-shop", "0.1", "loaded")
    assert facts["hooks"] == ["register_deployers", "register_sources"]
    assert [item["name"] for item in facts["components"]] == ["shop.numbers", "shop.newest"]
    assert facts["milliseconds"] > 0


def test_info_reads_well(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_reads", shop())
    lines = plugins("info", "shop")[1].splitlines()
    assert "components    source shop.numbers, deployer shop.newest" in lines
    assert "status        loaded" in lines


def test_info_finds_a_plugin_by_its_distribution(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_dist", shop())
    assert json.loads(plugins("info", "acme-shop", "--json")[1])["name"] == "shop"


def test_info_says_why_a_plugin_is_skipped(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_broken", "raise RuntimeError('no licence')")
    facts = json.loads(plugins("info", "shop", "--json")[1])
    assert facts["status"] == "skipped: RuntimeError: no licence"
    assert facts["components"] == []


def test_an_unknown_plugin_suggests_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "info", "sklaern"]) == 2
    assert "no plugin named 'sklaern'\nhint: did you mean 'sklearn'?" in capsys.readouterr().err


def test_check_passes_a_good_plugin(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_good", shop())
    code, out, _ = plugins("check", "shop", "--set", "shop.numbers.rows=20")
    assert code == 0
    assert out.splitlines() == ["source shop.numbers: ok, 18 checks", "deployer shop.newest: ok, 15 checks"]


def test_check_tells_what_to_mend_and_exits_1(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_stuck", shop("Newest, Stuck"))
    code, out, _ = plugins("check", "shop")
    assert code == 1
    assert "deployer shop.stuck: 1 of 15 checks failed" in out
    assert "  routes_name_the_version: deployer 'shop.stuck': routes nothing to version 7" in out
    assert "deployer shop.newest: ok" in out


def test_check_as_json_names_each_failure(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_json", shop("Stuck"))
    code, out, _ = plugins("check", "shop", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 1
    assert rows["shop.stuck"]["status"] == "failed"
    assert [failure["check"] for failure in rows["shop.stuck"]["failed"]] == ["routes_name_the_version"]


def test_check_says_how_to_give_required_fields(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_required", shop())
    code, out, _ = plugins("check", "shop")
    assert code == 0
    assert "source shop.numbers: skipped: it has required fields: give --set shop.numbers.rows=..." in out


def test_check_of_a_bad_value_is_a_failure_at_its_path(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_value", shop())
    code, out, _ = plugins("check", "shop", "--set", "shop.numbers.rows=many")
    assert code == 1
    assert "source.shop.numbers.rows: must be a valid integer" in out


def test_check_refuses_a_field_of_no_component(
    install_plugin: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_nofield", shop())
    assert main(["plugins", "check", "shop", "--set", "rows=3"]) == 2
    assert "components: shop.numbers, shop.newest" in capsys.readouterr().err


def test_check_takes_a_module_that_is_no_plugin_yet(
    plugins: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_shop_module.py").write_text(
        "\n".join(line[4:] for line in shop(prefix="").splitlines()), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code, out, _ = plugins("check", "my_shop_module")
    assert code == 0, out
    assert "deployer newest: ok, 15 checks" in out


def test_check_says_that_fields_do_not_suffice(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_choice", CHOICE)
    code, out, _ = plugins("check", "shop")
    assert code == 0
    assert out == (
        "deployer shop.chosen: skipped: give one of model and share: "
        "give --set shop.chosen.FIELD=..., or check it in the plugin's own tests\n"
    )
    assert plugins("check", "shop", "--set", "shop.chosen.share=1.0")[1] == "deployer shop.chosen: ok, 15 checks\n"


def test_check_of_a_skipped_plugin_says_why(plugins: Told, install_plugin: Callable[..., None]) -> None:
    install_plugin("acme-shop", "shop", "acme_shop_skipped", "import no_such_library_anywhere")
    code, _, err = plugins("check", "shop")
    assert code == 1
    assert "cannot be checked: ModuleNotFoundError" in err


LONG = ("evaluator", "packager", "deployer", "monitor")
"""Kinds whose new plugin takes its own tests half a minute."""


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.long] * (kind in LONG)) for kind in KINDS])
def test_a_new_plugin_passes_its_own_tests_and_the_check(kind: str, plugins: Told, tmp_path: Path) -> None:
    code, out, _ = plugins("new", "my_own", "--kind", kind, "--folder", str(tmp_path))
    root = Path(out.strip())
    assert (code, root.name) == (0, "hookline-my-own")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["hookline"] == {"my_own": "hookline_my_own"}
    assert {"README.md", ".github", "src", "tests"} <= {path.name for path in root.iterdir()}

    # What an editable install does: metadata, and a path.
    entries = project["entry-points"]["hookline"]
    describe_installed(tmp_path / "site", project["name"], project["version"], entries=entries)
    paths = os.pathsep.join(map(str, (tmp_path / "site", root / "src")))
    environ = os.environ | {"PYTHONPATH": paths}
    for argv in ([sys.executable, "-m", "pytest", "-q", "-W", "error"], [HOOKLINE, "plugins", "check", "my_own"]):
        done = run_command(argv, cwd=root, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_has_no_mark_left_to_fill(kind: str) -> None:
    written = files("my_shop", kind)
    assert not re.findall(r"@[A-Z]+@", "".join(written.values()))
    assert "my_shop." in written["README.md"].partition("To work on it")[0].rpartition("hookline ")[2]


def test_new_says_where_its_folder_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, tmp_path / ("x" * 300)):
        assert main(["plugins", "new", "mine", "--folder", str(folder)]) == 2
        assert "cannot be written: " in capsys.readouterr().err


def test_new_overwrites_nothing(plugins: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugins("new", "mine", "--folder", str(tmp_path))
    readme = tmp_path / "hookline-mine" / "README.md"
    readme.write_text("my own words")
    assert main(["plugins", "new", "mine", "--folder", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert readme.read_text() == "my own words"


@pytest.mark.parametrize("name", ["My-Plugin", "1st", "two__parts", "class", "dot.ted", "../up", ""])
def test_new_refuses_a_bad_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "new", name, "--folder", str(tmp_path)]) == 2
    assert "cannot be a plugin's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_new_refuses_the_name_of_an_installed_plugin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "new", "sklearn", "--folder", str(tmp_path)]) == 2
    assert "a plugin named 'sklearn' is installed, from hookline" in capsys.readouterr().err
