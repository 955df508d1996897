"""What the registry tells of components, and how it checks values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hookline.errors import ConfigError, UnknownName
from hookline.kinds.kinds import KINDS
from hookline.registry.contract import check_class
from hookline.registry.loading import load_plugins
from hookline.registry.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(load_plugins())


def test_every_kind_has_a_component(registry: Registry) -> None:
    assert all(registry.names(kind) for kind in KINDS)


def test_unknown_name_suggests_the_closest(registry: Registry) -> None:
    with pytest.raises(UnknownName, match="did you mean 'random_forest'"):
        registry.entry("trainer", "random_forrest")


def test_all_problems_of_a_component_are_told_at_once(registry: Registry) -> None:
    values = {"n_estimators": 0, "max_dept": 3, "max_features": "squirt"}
    with pytest.raises(ConfigError) as caught:
        registry.build("trainer", "random_forest", values, "trainer")
    told = str(caught.value)
    assert "trainer.n_estimators: must be greater than 0, got 0" in told
    assert "trainer.max_dept: unknown field; did you mean 'max_depth'?" in told
    assert "trainer.max_features" in told


def test_a_required_field_is_named(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"source.path: required"):
        registry.build("source", "file", {}, "source")


def test_a_description_holds_fields_docs_ports_and_schema(registry: Registry) -> None:
    told = registry.describe("trainer", "mlp")
    fields = {field.name: field for field in told.fields}
    assert fields["batch_size"].doc == "Rows in a step, those of all devices together."
    assert fields["batch_size"].default == 128
    assert dict(told.takes) == {"train": "Features", "valid": "Features | None"}
    assert told.makes == "TorchModel"
    assert told.json_schema["properties"]["max_epochs"]["exclusiveMinimum"] == 0
    assert told.distribution == "hookline"


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_documents_itself_and_its_fields(registry: Registry, kind: str) -> None:
    for name in registry.names(kind):
        told = registry.describe(kind, name)
        assert told.doc, f"{kind} {name} has no docstring"
        assert all(field.doc for field in told.fields), f"{kind} {name} has a field without a docstring"


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_keeps_the_contract_to_which_others_are_held_when_they_are_loaded(
    registry: Registry, kind: str
) -> None:
    for name in registry.names(kind):
        entry = registry.entry(kind, name)
        if entry.plugin.origin == "built-in":
            check_class(kind, replace(entry.plugin, origin="project"), entry.cls)
