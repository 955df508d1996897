"""How the rows of a training lay in their file, kept with the package, so that rows of other files are read alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hookline.data.frames import mark_missing
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset, Schema
from hookline.kinds.capabilities import ReadsAlike
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.registry.registry import Registry
from hookline.telling.secrets import HIDDEN, REFERENCE
from hookline.workspace.piped import settled


@dataclass(frozen=True)
class Reading:
    """A source and its fields, but for the place of the rows."""

    component: str = "file"
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain(self) -> dict[str, Any]:
        """The same as a manifest keeps it."""
        return {"component": self.component, "fields": dict(self.fields)}

    def but(self, fields: Mapping[str, Any]) -> Reading:
        """Return the same with other fields; of a mapping, key by key."""
        return replace(self, fields={**self.fields, **{name: self._laid(name, said) for name, said in fields.items()}})

    def _laid(self, name: str, said: Any) -> Any:
        held = self.fields.get(name)
        return {**held, **said} if isinstance(held, Mapping) and isinstance(said, Mapping) else said


def reading_of(source: Any) -> Reading:
    """Return how a source reads; of one that reads no places, how files are read where nothing is said."""
    if not isinstance(source, ReadsAlike):
        return Reading()
    placeless = source.at("")
    return Reading(placeless.name, plain(placeless))


def reading_in(manifest: Mapping[str, Any]) -> Reading:
    """Return how the training rows of a package were read; an earlier hookline's does not say, and files are read as ever."""
    said = manifest.get("reading")
    if not said:
        return Reading()
    # Whoever made the package does not say which variables of ours a source gets; whoever reads it can, by source.FIELD=...
    told = {name: value for name, value in said["fields"].items() if not _is_ours(value)}
    return Reading(said["component"], told)


def _is_ours(value: Any) -> bool:
    """Tell whether a value is a reference to the environment, or a secret that was not kept."""
    if isinstance(value, Mapping):
        return any(map(_is_ours, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_ours, value))
    return isinstance(value, str) and (value == HIDDEN or REFERENCE.search(value) is not None)


def read_table(registry: Registry, path: str, schema: Schema, reading: Reading) -> Dataset:
    """Read rows as others were, what the model takes as text as text; raises DataError where they cannot be read.

    path: a file, a glob or a folder; a pipe; or `-` for standard input
    """
    return rows_of(source_at(registry, path, schema, reading))


def rows_of(source: Source) -> Dataset:
    """Return the rows of a source with what is missing marked; raises DataError where they cannot be read."""
    dataset = source.load()
    return dataset.with_frame(mark_missing(dataset.frame))


def source_at(registry: Registry, path: str, schema: Schema, reading: Reading) -> Source:
    """Return the source that reads a place as others were read, what the model takes as text as text."""
    # A code such as 007 is a text to the model, whatever it looks like in this file.
    texts = [column.name for column in schema.columns if column.kind == "string"]
    source: Any = registry.build("source", reading.component, {"path": "", **reading.fields}, "source")
    if not isinstance(source, ReadsAlike):
        raise DataError(
            f"source '{reading.component}', by which the model's rows were read, no longer reads others alike",
            hint="install the version of its plugin that the package was made with",
        )
    return source.at(settled(path), texts, schema.texts.dates)
