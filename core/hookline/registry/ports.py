"""What a component takes and makes, as its annotations say, and whether one type goes where another is wanted."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hookline.kinds.component import Component
from hookline.kinds.deployments import Traffic
from hookline.kinds.kinds import KIND_TABLE, Transform
from hookline.kinds.scored import Scored

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def assignable(made: Any, wanted: Any) -> bool:
    """Tell whether a port that takes `wanted` can be given what a stage says it makes."""
    made, wanted = _bare(made), _bare(wanted)
    if wanted is Any or made is Any or wanted is made:
        return True
    if isinstance(wanted, typing.TypeVar):
        return assignable(made, wanted.__bound__ or Any)
    if _union(made):
        return all(assignable(one, wanted) for one in typing.get_args(made))
    if _union(wanted):
        return any(assignable(made, one) for one in typing.get_args(wanted))
    made_class, wanted_class = typing.get_origin(made) or made, typing.get_origin(wanted) or wanted
    if not _subclass(made_class, wanted_class):
        return False
    pairs = zip(typing.get_args(made), typing.get_args(wanted), strict=False)
    return all(assignable(one, other) for one, other in pairs)


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _subclass(made: Any, wanted: Any) -> bool:
    if not isinstance(made, type) or not isinstance(wanted, type):
        return made is wanted
    try:
        return issubclass(made, wanted)
    except TypeError:
        # A protocol with properties cannot be asked of a class; look for its members instead.
        members = getattr(wanted, "__protocol_attrs__", None) or set(vars(wanted)) - set(vars(typing.Protocol))
        annotated = getattr(made, "__dataclass_fields__", {})
        return all(hasattr(made, name) or name in annotated for name in members if not name.startswith("_"))


@dataclass(frozen=True)
class Ports:
    """What a stage takes and makes, as its method's annotations say."""

    takes: Mapping[str, Any]
    makes: Any


def ports(cls: type[Component]) -> Ports:
    """Read a component's ports from its method's annotations; raises NameError or TypeError where one does not resolve."""
    method = KIND_TABLE[cls.kind].method
    if issubclass(cls, Transform) and cls.fit is Transform.fit:
        return Ports({"train": Any}, cls)
    function = getattr(cls, method)
    hints = typing.get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{method} has no return annotation")
    # A parameter without an annotation takes anything, and keeps its place among the others.
    named = [one for one in inspect.signature(function).parameters.values() if one.kind not in VARIADIC]
    return Ports({one.name: hints.get(one.name, Any) for one in named if one.name != "self"}, hints["return"])


def takers(classes: Iterable[type[Component]], made: Any) -> list[str]:
    """Return the names of the components whose first port takes what a stage makes, and that are chosen by name alone."""
    able = [
        cls
        for cls in classes
        if all(one.default is not one.empty for one in inspect.signature(cls).parameters.values())
    ]
    return [cls.name for cls in able if assignable(made, next(iter(ports(cls).takes.values()), Any))]


def takes_pipeline(cls: type[Component]) -> bool:
    """Tell whether an evaluator asks for the model's own pipeline, by the name `pipeline`."""
    return "pipeline" in ports(cls).takes


def takes_scored(cls: type[Component]) -> bool:
    """Tell whether a monitor looks at rows with their answers (Scored), rather than at raw rows."""
    return _bare(next(iter(ports(cls).takes.values()), Any)) is Scored


def takes_traffic(cls: type[Component]) -> bool:
    """Tell whether a monitor looks at what became of requests (Traffic), rather than at rows."""
    return _bare(next(iter(ports(cls).takes.values()), Any)) is Traffic


def type_text(annotation: Any) -> str:
    """Return a type as a person reads it: `int (> 0)`, `Pipeline[SklearnModel]`, `'a' | 'b'`."""
    if annotation is None or annotation is type(None):
        return "None"
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        bounds = ", ".join(filter(None, map(_bound_text, args[1:])))
        return f"{type_text(args[0])} ({bounds})" if bounds else type_text(args[0])
    if origin is typing.Literal:
        return " | ".join(map(repr, args))
    if _union(annotation):
        # Python takes unions of the same types for one, and keeps the order of whichever it has met first.
        return " | ".join(sorted(map(type_text, args), key=lambda text: (text == "None", text)))
    if origin is not None:
        inner = ", ".join("..." if arg is Ellipsis else type_text(arg) for arg in args)
        return f"{getattr(origin, '__name__', origin)}[{inner}]"
    return getattr(annotation, "__name__", str(annotation))


def _bound_text(bound: Any) -> str:
    symbols = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="), ("multiple_of", "multiple of"))
    return ", ".join(f"{sign} {getattr(bound, a)}" for a, sign in symbols if getattr(bound, a, None) is not None)
