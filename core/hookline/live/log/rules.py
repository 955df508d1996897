"""How a model's log is written, as `log.yaml` beside it says: how durably, and what of a row is kept."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le

from hookline.errors import ConfigError, Problem, StoreError
from hookline.telling.secrets import remember
from hookline.workspace.signing import write_once
from hookline.workspace.yaml_size import read_tree

from ..records import KEY, SETTINGS
from .writing import Durability, OnFull, Segments

VARIABLE = "HOOKLINE_LOG_KEY"
"""The environment variable that holds the key to hash values with, where several machines are to hash alike."""
FEWEST_LETTERS = 16
"""Of a key in the environment."""


@dataclass(frozen=True)
class LogSettings:
    """How answers of a model are recorded."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    durability: Durability = "fast"
    """`fast`: a record is handed to the system before the answer; `strict`: the disk has it before the answer."""
    on_full: OnFull = "refuse"
    """What a full disk means: `refuse` to answer, or `drop` the record, which is counted and told."""
    columns: Mapping[str, Literal["drop", "hash"]] = field(default_factory=dict)
    """Raw column -> whether it is left out, or hashed with a key, so that equal values stay equal."""
    sample: Annotated[float, Ge(0), Le(1)] = 1.0
    """The share of answers whose row is kept; the answer itself is always on record."""

    def segments(self, folder: Path) -> Segments:
        """Return the writer of a log that is kept so."""
        return Segments(folder, self.durability, self.on_full)


def settings_of(folder: Path) -> LogSettings:
    """Return what `log.yaml` in a log's folder says; raises ConfigError with every problem."""
    path = folder / SETTINGS
    if not path.exists():
        return LogSettings()
    # Not for those who say nothing: it takes as long to import as a package to load.
    from hookline.registry.values import validate

    return validate(LogSettings, read_tree(path, "durability: strict"), "", f"bad {path}")


@dataclass(frozen=True)
class Rules:
    """What becomes of a row before it is recorded."""

    settings: LogSettings
    key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, folder: Path) -> Rules:
        """Return the rules of a log; raises ConfigError, and StoreError where the key cannot be read or made."""
        settings = settings_of(folder)
        return cls(settings, _key(folder) if "hash" in settings.columns.values() else None)

    @property
    def changes(self) -> bool:
        """Whether any row is kept otherwise than it came."""
        return bool(self.settings.columns) or self.settings.sample < 1

    def row(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what is kept of a row: all, some of its columns, or by chance none of it."""
        if not self.keeps_row():
            return {}
        if not self.settings.columns:
            return row
        rules = self.settings.columns
        return {name: self.value(name, value) for name, value in row.items() if rules.get(name) != "drop"}

    def keeps_row(self) -> bool:
        """Draw whether anything of a row is kept."""
        # Chance is no secret here; who samples wants it quick.
        return self.settings.sample >= 1 or random.random() < self.settings.sample

    def beside(self, value: Any, row: Mapping[str, Any]) -> Any:
        """Return what is kept of a value that stands beside a row as it came: what calls the row, or decided its arm.

        It goes by the rule of the column that holds it, or that the row lacks, since it may be of that one.
        """
        if value is None or not self.settings.columns:
            return value
        for column in self.settings.columns:
            if column not in row or as_key(row[column]) == as_key(value):
                return self.value(column, value)
        return value

    def value(self, column: str, value: Any) -> Any:
        """Return what is kept of a column's value; None of one that is dropped."""
        rule = self.settings.columns.get(column)
        if rule is None or value is None:
            return value
        return None if rule == "drop" else self.hashed(value)

    def hashed(self, value: Any) -> str:
        """Return the keyed BLAKE2b (RFC 7693) of a value as texts of it are compared: of 7, 7.0 and the text 7 the same."""
        assert self.key is not None
        return blake2b(as_key(value).encode("utf-8", "surrogatepass"), key=self.key, digest_size=16).hexdigest()


def known_hash(folder: Path) -> Rules | None:
    """Return rules that hash as a log's do, or did before; None where no value was ever hashed."""
    there = os.environ.get(VARIABLE) or (folder / KEY).exists()
    return Rules(LogSettings(), _key(folder)) if there else None


def as_key(value: Any) -> str:
    """Return a value as labels and records are compared by it: 7, 7.0 and the text 7 are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _key(folder: Path) -> bytes:
    """Return the key in the environment, else that of the log, made where there is none."""
    said = os.environ.get(VARIABLE)
    if said is not None:
        if len(said) < FEWEST_LETTERS:
            problem = Problem(VARIABLE, f"must have at least {FEWEST_LETTERS} letters, got {len(said)}")
            raise ConfigError("a key to hash with is too short", [problem])
        remember(said)
        return blake2b(said.encode(), digest_size=32).digest()
    path = folder / KEY
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_once(path, secrets.token_bytes(32), 0o600)
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"the key that hashes recorded values cannot be kept in {path}: {error.strerror}") from error
