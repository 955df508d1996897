"""Makes a transform of a function that a project wrote."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ParamSpec, Protocol, TypeVar, cast, overload

import annotated_types

from hookline.kinds.artifacts import Dataset
from hookline.kinds.kinds import Transform

from .signature import Signature, signature_of
from .transforming import FittedFunction, FunctionTransform

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class TransformFunction(Protocol[P, R]):
    """A function that is a transform, too."""

    component: type[Transform]
    """The transform, whose fields are the function's parameters: `debt_ratio.component(floor=2.0)`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        ...


@overload
def as_transform(function: Callable[P, R], /) -> TransformFunction[P, R]: ...
@overload
def as_transform(*, name: str) -> Callable[[Callable[P, R]], TransformFunction[P, R]]: ...


def as_transform(function: Any = None, /, *, name: str | None = None) -> Any:
    """Make a transform of a function, by the function's name: one line above it, in a module that the project names as a plugin.

    The function is given rows as one pl.DataFrame of features, or columns as pl.Series or pl.Expr, one a parameter; and returns
    columns of as many rows, as a pl.DataFrame, pl.Series, pl.Expr or numpy array. Its other parameters are fields of the
    transform, with their types and defaults; so is `into`, what the new column is called if not as the function is. When it is
    fitted, it is held to what every transform promises: that what it makes of a row hangs on that row alone.

    Example:
        >>> import polars as pl
        >>> @as_transform
        ... def debt_ratio(debt: pl.Series, income: pl.Series, floor: float = 1.0) -> pl.Series:
        ...     return debt / income.clip(floor)
        >>> rows = pl.LazyFrame({"debt": [4.0, 9.0], "income": [8.0, 0.0], "__row_id__": [0, 1]})
        >>> debt_ratio.component(floor=2.0).fit(Dataset(rows)).transform(rows).collect()["debt_ratio"].to_list()
        [0.5, 4.5]

    name: what the transform is called, where that is not the function's name; an installed plugin's needs `<plugin>.<name>`
    Raises TypeError where annotations do not say what the function is given and makes.
    """
    if function is None:
        return partial(_marked, name=name)
    return _marked(function, name=None)


def _marked(function: Callable[..., Any], *, name: str | None) -> Any:
    if not inspect.isfunction(function):
        raise TypeError(f"as_transform takes a function, got {function!r}")
    called = name or function.__name__
    made = _component(function, signature_of(function), called)
    function.component = made  # type: ignore[attr-defined]  # as `TransformFunction` says
    return function


def _component(function: Callable[..., Any], signature: Signature, name: str) -> type[Transform]:
    """Return the transform's class, which is found in the function's module by the function's name."""
    place = f"{function.__qualname__}.component"
    parameters = _parameters(function, signature, f"{place}.Parameters")
    fitted: type[FittedFunction] = dataclass(frozen=True)(
        type(
            "Fitted",
            (FittedFunction,),
            {
                "__module__": function.__module__,
                "__qualname__": f"{place}.Fitted",
                "__annotations__": {"parameters": parameters},
                "__doc__": f"What {name} was fitted to.",
                "function": function,
                "signature": signature,
            },
        )
    )
    body: dict[str, Any] = {
        "__module__": function.__module__,
        "__qualname__": place,
        "__doc__": inspect.getdoc(function) or f"The function {function.__name__} of {function.__module__}.",
        "__annotations__": {},
        "name": name,
        "function": function,
        "signature": signature,
        "Parameters": parameters,
        "Fitted": fitted,
        "fit": _fit(fitted),
    }
    held = {*body, *dir(FunctionTransform)}
    for key, (hint, default) in _fields(function.__name__, signature).items():
        if key in held or key.startswith("_"):
            raise TypeError(
                f"{name}: no parameter can be called '{key}', which a transform has a meaning of its own for"
            )
        body["__annotations__"][key] = hint
        if default is not inspect.Parameter.empty:
            body[key] = _default(default)
    return cast("type[Transform]", type(f"{name}_transform", (FunctionTransform,), body))


def _fields(name: str, signature: Signature) -> dict[str, tuple[Any, Any]]:
    """Return the transform's fields: which columns it is given, its parameters, and what its column is called."""
    doc = annotated_types.doc
    found: dict[str, tuple[Any, Any]] = {}
    if signature.rows:
        told = "Columns that the function is given; by default every feature."
        found["columns"] = (Annotated[tuple[str, ...], doc(told)], ())
    for column in signature.columns:
        found[column] = (Annotated[str, doc(f"The column that the function is given as `{column}`.")], column)
    for key, (hint, default) in signature.parameters.items():
        said = any(hasattr(extra, "documentation") for extra in getattr(hint, "__metadata__", ()))
        found[key] = (hint if said else Annotated[hint, doc(f"What the function is given as `{key}`.")], default)
    if signature.makes != "frame":
        told = "What the new column is called; of vectors there are several, with a number behind it."
        found["into"] = (Annotated[str, annotated_types.MinLen(1), doc(told)], name)
    return found


def _parameters(function: Callable[..., Any], signature: Signature, place: str) -> type[Any]:
    """Return a dataclass of the function's own parameters, as a fitted transform keeps them."""
    body: dict[str, Any] = {"__module__": function.__module__, "__qualname__": place, "__annotations__": {}}
    for key, (hint, _) in signature.parameters.items():
        body["__annotations__"][key] = hint
    return dataclass(frozen=True)(type("Parameters", (), body))


def _fit(fitted: type[FittedFunction]) -> Any:
    def fit(self: FunctionTransform, train: Dataset) -> FittedFunction:
        return self.fitted(train)

    # The port says this very class, by which a package is read back.
    fit.__annotations__ = {"train": Dataset, "return": fitted}
    fit.__doc__ = FunctionTransform.fitted.__doc__
    return fit


def _default(value: Any) -> Any:
    return field(default_factory=partial(copy.copy, value)) if isinstance(value, (list, dict, set)) else value
