"""A component is told from the kind that it is of, however it is written."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import TypeAdapter

from hookline import Dataset, Trainer
from hookline.registry.registry import load_registry

AGAIN = """
import polars as pl
from hookline import Dataset, Source, hookimpl

class Again(Source):
    "Says its kind again."
    kind = "source"
    name = "again"
    rows: int = 3

    def load(self) -> Dataset:
        return Dataset(pl.LazyFrame({"x": list(range(self.rows))}))

    def fingerprint(self) -> str:
        return str(self.rows)

@hookimpl
def register_sources():
    return [Again]
"""


def test_a_component_that_says_its_kind_again_is_built(project_module: Callable[[str, str], str]) -> None:
    project_module("again", AGAIN)
    source = load_registry().build("source", "again", {"rows": 5}, "source")
    loaded = source.load()  # type: ignore[attr-defined]
    assert isinstance(loaded, Dataset)
    assert loaded.frame.collect().height == 5


def test_a_field_of_a_kind_is_said_to_hold_one() -> None:
    assert TypeAdapter(Trainer).json_schema() == {"type": "object", "x-hookline-kind": "trainer"}


def test_components_are_equal_where_class_and_fields_are() -> None:
    registry = load_registry()

    def drift(**fields: object) -> object:
        return registry.build("monitor", "data_drift", fields, "monitor")

    assert drift(min_rows=30) == drift(min_rows=30) != drift(min_rows=31)
    assert len({drift(min_rows=30), drift(min_rows=30), drift(min_rows=31)}) == 2
    assert drift() != registry.build("transform", "dedupe", {}, "transform")
    assert drift() != ()
