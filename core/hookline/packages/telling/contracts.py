"""The input contract of a package, as a value that can be read, written to a file and edited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hookline.data.contract.text import contract_text
from hookline.kinds.artifacts import Column, Schema
from hookline.registry.registry import Registry

from ..manifest import verify
from ..state import StoredPackage


@dataclass(frozen=True)
class InputContract:
    """What a model's rows may hold. str() of it is the YAML that `contract=` of a run, and of `load`, reads."""

    model: str
    version: int | None
    """Its number in the catalog; None for a package that has none."""
    schema: Schema

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return self.schema.names

    def __getitem__(self, name: str) -> Column:
        return self.schema[name]

    @property
    def text(self) -> str:
        """The contract as YAML, with comments that say what may be changed."""
        version = f" version {self.version}" if self.version else ""
        return contract_text(self.schema, f"The input contract of {self.model}{version}.")

    def __str__(self) -> str:
        return self.text


def contract_in(folder: Path, registry: Registry, version: int | None) -> InputContract:
    """Return the contract of a package, whose files are checked; raises DataError or StoreError."""
    manifest = verify(folder)
    return InputContract(str(manifest["name"]), version, StoredPackage(folder, registry).schema)
