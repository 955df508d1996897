"""Pages are written by the plugin that brings them, from plain data, and each belongs to one plugin."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import MissingBackend, PluginError
from hookline.registry.loading import load_plugins
from hookline.registry.registry import Registry, load_registry
from kit.command_line import Told

OURS = (
    *(
        "comparison_cell",
        "data_diff",
        "feature_history",
        "leaderboard",
        "leaderboard_cell",
        "model_card",
        "model_card_text",
        "monitors",
        "monitors_cell",
    ),
    *("profile", "profile_cell", "report", "report_cell"),
)
Write = Callable[[str, str], str]
PAGE = """
    from hookline import hookimpl

    def write(data, path):
        path.write_text("<p>" + data["verdict"]["headline"] + "</p>", "utf-8")

    @hookimpl
    def register_pages():
        return {PAGES}
"""


def pages(text: str) -> str:
    return PAGE.replace("PAGES", text)


def test_a_plugin_adds_a_page_of_its_own_and_it_is_written_from_a_run(project_module: Write, tmp_path: Path) -> None:
    name = project_module("cards", pages('"card": write'))
    registry = load_registry()
    assert sorted(registry.pages) == ["benchmark", "card", *OURS]
    assert registry.pages["card"].plugin.name == name
    assert registry.pages["report"].plugin.name == "report"
    run = hl.run("source=iris", "trainer=decision_tree")
    assert registry.render("card", run.evidence, tmp_path / "card.html")
    assert (tmp_path / "card.html").read_text("utf-8") == f"<p>{run.evidence['verdict']['headline']}</p>"


def test_a_page_takes_the_place_of_ours_where_ours_is_disabled(
    project_module: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "report")
    project_module("paper", pages('"report": write'))
    run = hl.run("source=iris", "trainer=decision_tree")
    assert run.report.read_text("utf-8") == f"<p>{run.evidence['verdict']['headline']}</p>"


def test_two_plugins_with_one_page_are_refused_and_both_are_named(project_module: Write) -> None:
    name = project_module("paper", pages('"report": write'))
    with pytest.raises(PluginError, match=rf"'{name}'.*page 'report'.*taken by plugin 'report'") as caught:
        Registry(load_plugins())
    assert caught.value.hint == "rename the page, or set HOOKLINE_DISABLE=report"


@pytest.mark.parametrize("registered", ['"Not a name": write', '"card": "write"', "7: write"])
def test_what_is_no_page_is_refused(project_module: Write, registered: str) -> None:
    name = project_module("odd", pages(registered))
    with pytest.raises(PluginError, match=rf"'{name}'.*register_pages returned"):
        Registry(load_plugins())


def test_a_hook_that_returns_no_mapping_leaves_its_plugin_out(
    project_module: Write, caplog: pytest.LogCaptureFixture
) -> None:
    name = project_module("odd", pages("").replace("{}", "[len]"))
    with caplog.at_level(logging.WARNING):
        registry = Registry(load_plugins())
    assert registry.plugins[name].skipped
    assert f"plugin '{name}'" in caplog.text


def test_a_page_that_nobody_brings_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "report")
    registry = load_registry()
    assert not registry.render("report", {}, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingBackend, match="jinja2"):
        hl.profile("iris", html=tmp_path / "profile.html")


SERVER = """
    import sys
    import hookline as hl

    def serve(options):
        sys.stderr.write(f"{options.host}:{options.port} {len(hl.overview(options.home).models)} models")

    @hl.hookimpl
    def register_page_servers():
        return {SERVERS}
"""


def test_a_page_server_takes_the_place_of_ours_where_ours_is_disabled(
    project_module: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hookline: Told
) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "report")
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    assert "pip install" in hookline("ui")[2]
    project_module("shows", SERVER.replace("SERVERS", '"ui": serve'))
    assert hookline("ui", "--port", "0") == (0, "", "127.0.0.1:0 0 models")


def test_two_page_servers_of_one_name_are_refused(project_module: Write) -> None:
    name = project_module("shows", SERVER.replace("SERVERS", '"ui": serve'))
    with pytest.raises(PluginError, match=rf"'{name}'.*page server 'ui'.*taken by plugin 'report'"):
        load_registry()
