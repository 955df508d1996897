"""What every component and every plugin's settings are: a frozen dataclass whose fields are its config."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from hookline.errors import MissingBackend


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
class Component(ABC):
    """A frozen dataclass whose fields are its config; subclassing one of the eight kinds is all it takes.

    Fields may be str, int, float, bool, Path, Literal, unions, tuples, mappings, nested dataclasses, and any of them
    `Annotated` with bounds from annotated_types or pydantic. The string below a field is its documentation.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    if TYPE_CHECKING:
        # What `__init_subclass__` makes of every subclass, told to type checkers.
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    kind: ClassVar[str]
    name: ClassVar[str]
    """The name in config: snake_case; in a pip-installed plugin `<plugin>.<name>`."""
    extra: ClassVar[str] = ""
    """The extra of hookline that installs the backend; empty where there is none."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the importable modules that must be installed before this component can run."""
        return ()

    @classmethod
    def check_backend(cls) -> None:
        """Raise MissingBackend if a required module is not installed; imports nothing."""
        from importlib.util import find_spec

        for module in cls.requires():
            try:
                found = find_spec(module)
            except ImportError:  # A package around it is not there, or broken.
                found = None
            if found is None:
                raise MissingBackend(f"{cls.kind} '{cls.name}'", module, cls.extra)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
class Settings:
    """Options of a plugin that has lifecycle hooks, set under `settings.<name>` in config."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
