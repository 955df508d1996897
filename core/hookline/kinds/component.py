"""What every component and every plugin's settings are: a frozen dataclass whose fields are its config."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

from hookline.errors import MissingBackend
from hookline.telling.secrets import redacted

COMPONENT = "component"
"""The key of a config node that names its component."""
OF_KIND = "x-hookline-kind"
"""The word of a JSON schema for a field that holds a component."""
AILMENTS: Mapping[str, str] = {
    "missing_values": "features have gaps, and a model may take none",
    "missing_target": "the target is missing in some rows",
    "missing_words": "the texts {words} stand for missing values, and are read as values; none is missing by another word",
    "more_missing_words": "the texts {words} stand for missing values, beside those that are read so already",
    "sentinel": "the values {old} of {column} stand for missing ones; {new} are as many nulls",
    "infinite": "{column} has infinite values; the others are from {low} to {high}",
    "read_type": "{column} is read as another type than {type}, which it must have before the split",
    "wrong_type": "{column} has another type than {type}, which is meant",
    "mixed_type": "{column} has another type than {type}, which is meant and most of its values are",
    "disguised_numbers": "{column} is a text, and every value of it a number, written with {decimal} before fractions",
    "mixed_numbers": "{column} is a text, and most of its values are numbers as people write them",
    "asked_numbers": "{column} holds numbers such as 1,234, of which nobody can tell what the sign in them means",
    "dates_in_order": "{column} is a text that holds dates with the year last, in the order {order}",
    "asked_dates": "{column} holds dates such as 03/04/2026, of which nobody can tell whether the day stands first",
    "unread_values": "{column} holds values that are no {type}, as which it is to be read",
    "unreadable": "a value of some column cannot be read as its type",
    "spaced_values": "texts begin or end with spaces",
    "spaced_names": "column names begin or end with spaces",
    "spelling": "one thing is written in several ways, which differ in case, spaces or Unicode",
    "no_header": "the first row was taken for column names",
    "duplicates": "rows repeat an earlier one whole",
    "unwanted_rows": "rows hold what they may not",
    "many_texts": "a column has very many different texts",
    "wide_matrix": "the matrix of features has more columns than fit into memory",
}
"""What may be wrong with data: name -> what it is, with the facts that are known of it in braces."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
class Component(ABC):
    """A frozen dataclass whose fields are its config; subclassing one of the eight kinds is all it takes.

    Fields may be str, int, float, bool, Path, Literal, unions, tuples, mappings, nested dataclasses, and any of them
    `Annotated` with bounds from annotated_types or pydantic. A field annotated with a kind (`Trainer`, `tuple[Source, ...]`)
    holds components, written in config as mappings with `component`; one annotated with `Secret` a password or the like, which
    is nowhere written or shown. The string below a field is its documentation.
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
    mends: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}
    """Ailment, of AILMENTS -> the overrides to type against it; where there are several ways, each of them.

    They choose this component, as `transform=[impute]`, or set an option of it, which is advised where it is in place.
    In braces stand facts of the ailment and fields of this component as they are set; lists come without brackets:
    `source.missing=[{missing},{words}]`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Every method that is written anew for each of a hundred classes takes its part of each command.
        dataclasses.dataclass(frozen=True, kw_only=True, repr=False, eq=False)(cls)

    def __repr__(self) -> str:
        return _shown(self)

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(_compared(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let a field that is annotated with a kind hold a component of it, which is built before the one around it."""
        if not _is_a_kind(cls):
            return handler(source)
        from pydantic_core import core_schema

        written = core_schema.plain_serializer_function_ser_schema(plain_component)
        return core_schema.is_instance_schema(cls, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        """Say of such a field which kind it holds; the schema of config files says what that may be."""
        return {"type": "object", OF_KIND: cls.kind} if _is_a_kind(cls) else handler(schema)

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the importable modules that must be installed before this component can run."""
        return ()

    @classmethod
    def check_backend(cls) -> None:
        """Raise MissingBackend, of all required modules that are not installed; imports nothing."""
        check_backends([cls])


def _compared(component: Component) -> tuple[Any, ...]:
    return tuple(getattr(component, field.name) for field in dataclasses.fields(component) if field.compare)


def check_backends(
    classes: Iterable[type[Component]], more: Iterable[tuple[type[Component], Mapping[str, str]]] = ()
) -> None:
    """Raise one MissingBackend of all that components require and that is not installed; imports nothing.

    more: what some need beside, as they are configured: module -> extra that installs it
    """
    required = [(cls, module, cls.extra) for cls in classes for module in cls.requires()]
    required += [(cls, module, extra) for cls, needed in more for module, extra in needed.items()]
    missing = [one for one in required if not _is_installed(one[1])]
    if missing:
        first, *others = [
            MissingBackend(f"{cls.kind} '{cls.name}'", module, extra, distribution=_has_extra(cls, extra))
            for cls, module, extra in missing
        ]
        raise first.with_more(others) if others else first


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ImportError:  # A package around it is not there, or broken.
        return False


def _has_extra(cls: type[Component], extra: str) -> str:
    """Return the distribution that has the extra: that which brings the component where it has one so called, else ours."""
    from importlib.metadata import entry_points

    package = cls.__module__.partition(".")[0]
    brought_by = [one.dist for one in entry_points(group="hookline") if one.module.partition(".")[0] == package]
    extras = [(dist.name, dist.metadata.get_all("Provides-Extra") or ()) for dist in brought_by if dist is not None]
    return next((name for name, known in extras if extra in known), "hookline")


def _is_a_kind(cls: type[Component]) -> bool:
    """Tell a kind's own class from a component of it, which may well say its `kind` again."""
    return Component in cls.__bases__


def plain_component(component: Component) -> dict[str, Any]:
    """Return a component as config says it: its name, and its fields as plain JSON values."""
    from .plain import plain

    return {COMPONENT: component.name, **plain(component)}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
class Settings:
    """Options of a plugin that has lifecycle hooks, set under `settings.<name>` in config."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)

    def __repr__(self) -> str:
        return _shown(self)


def _shown(value: Any) -> str:
    """Return what a dataclass says of itself, without the secrets in it."""
    fields = (field.name for field in dataclasses.fields(value) if field.repr)
    return redacted(f"{type(value).__qualname__}({', '.join(f'{name}={getattr(value, name)!r}' for name in fields)})")
