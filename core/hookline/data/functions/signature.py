"""What a function of a project takes and makes, as its annotations say."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hookline.kinds.given.secrets import Secret

Shape = Literal["frame", "lazy", "series", "expr"]
"""What a function is given: all rows as a frame, or columns as series or expressions."""
Made = Literal["frame", "series", "expr", "array"]
"""What it returns."""
SHAPES: Mapping[tuple[str, str], Shape] = {
    ("polars", "DataFrame"): "frame",
    ("polars", "LazyFrame"): "lazy",
    ("polars", "Series"): "series",
    ("polars", "Expr"): "expr",
}
PAIRS: Mapping[Shape, tuple[Made, ...]] = {
    "frame": ("frame", "series", "array"),
    "lazy": ("frame",),
    "series": ("series", "frame", "array"),
    "expr": ("expr",),
}
"""What a function may return of what it is given."""
RESERVED = ("columns", "into", "component", "name", "kind")
"""Words that config has a meaning of its own for."""
ONE_OF = "a polars DataFrame, Series or Expr, or a numpy array"


@dataclass(frozen=True)
class Signature:
    """A function of a project, read.

    rows: the parameter that is given all columns; columns: parameters that are given a column each; one of both is empty
    parameters: all others with their types and defaults (`inspect.Parameter.empty` where there is none)
    """

    shape: Shape
    makes: Made
    rows: str
    columns: tuple[str, ...]
    parameters: Mapping[str, tuple[Any, Any]]


def signature_of(function: Callable[..., Any]) -> Signature:
    """Read a function; raises TypeError where its annotations do not say what it is given, or what it makes."""
    name = getattr(function, "__name__", repr(function))
    hints = _hints(name, function)
    shapes: dict[str, Shape] = {}
    others: dict[str, tuple[Any, Any]] = {}
    for parameter in _parameters(name, function):
        if parameter.name not in hints:
            raise TypeError(f"{name}: parameter '{parameter.name}' needs a type, such as `{parameter.name}: float`")
        if _holds_secret(hints[parameter.name]):
            told = f"{name}: '{parameter.name}' would travel with the model; read a secret where it is used, from the environment"
            raise TypeError(told)
        shape = SHAPES.get(_named(hints[parameter.name]))
        if shape is not None:
            shapes[parameter.name] = shape
        else:
            others[parameter.name] = (hints[parameter.name], parameter.default)
    shape = _one_shape(name, shapes)
    makes = _made(name, shape, hints.get("return"))
    whole = shape in ("frame", "lazy")
    taken = [word for word in (*others, *(() if whole else shapes)) if word in RESERVED]
    if taken:
        raise TypeError(f"{name}: no parameter can be called '{taken[0]}', which config has a meaning of its own for")
    return Signature(shape, makes, next(iter(shapes)) if whole else "", () if whole else tuple(shapes), others)


def _hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        told = "import what annotations name where the module begins, and not below `if TYPE_CHECKING`"
        raise TypeError(f"{name}: {error}; {told}") from None


def _parameters(name: str, function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: parameter '{parameter.name}' cannot be given by its name")
        yield parameter


def _one_shape(name: str, shapes: Mapping[str, Shape]) -> Shape:
    """Return what is given; raises TypeError for nothing, for both rows and columns, and for rows twice."""
    found = set(shapes.values())
    if len(found) != 1:
        told = "nothing" if not found else " and ".join(sorted(found))
        raise TypeError(
            f"{name} is given {told}; annotate what it is given: one pl.DataFrame, or columns as pl.Series or pl.Expr"
        )
    (shape,) = found
    if shape in ("frame", "lazy") and len(shapes) > 1:
        raise TypeError(f"{name} is given rows twice: {', '.join(shapes)}")
    return shape


def _made(name: str, shape: Shape, hint: Any) -> Made:
    words: Mapping[Any, Made] = {
        ("polars", "DataFrame"): "frame",
        ("polars", "LazyFrame"): "frame",
        ("polars", "Series"): "series",
        ("polars", "Expr"): "expr",
        ("numpy", "ndarray"): "array",
    }
    made = words.get(_named(hint))
    if made not in PAIRS[shape]:
        raise TypeError(
            f"{name} returns {getattr(hint, '__name__', hint)}; annotate what it makes of what it is given: {ONE_OF}"
        )
    return made


def _holds_secret(hint: Any) -> bool:
    return hint is Secret or any(map(_holds_secret, typing.get_args(hint)))


def _named(hint: Any) -> tuple[str, str]:
    """Return the library and the name of a type."""
    cls = typing.get_origin(hint) or hint
    if cls is typing.Annotated:
        cls = typing.get_args(hint)[0]
    return getattr(cls, "__module__", "").partition(".")[0], getattr(cls, "__name__", "")
