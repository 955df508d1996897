"""Reference pages of the core itself: hooks, options of a run, errors, and the Python names."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from hookline.registry.fields import FieldInfo, attribute_docs, field_infos
from hookline.registry.ports import type_text
from hookline.registry.registry import Registry

EXAMPLE = re.compile(r"^Examples?:\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class CoreContent:
    """What the pages are made with."""

    table: Callable[[Sequence[str], Any], str]
    field_table: Callable[[Sequence[FieldInfo]], str]
    registry: Registry


def _hooks(content: CoreContent) -> str:
    from hookline.kinds import hooks as hookspecs

    specs = [value for value in vars(hookspecs).values() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    intro = "A plugin implements any of these with `@hookline.hookimpl`, and names only the arguments that it wants."
    parts = ["# Hooks", intro]
    parts += [f"## {spec.__name__}\n\n{_code(spec.__name__, spec)}\n\n{_doc(spec)}" for spec in specs]
    parts += [f"## {cls.__name__}\n\n{_doc(cls)}\n\n{_values(content, cls)}" for cls in _infos()]
    return _page(parts)


def _infos() -> Sequence[type]:
    from hookline.kinds.hooks import RunInfo, StageInfo

    return (RunInfo, StageInfo)


def _options(content: CoreContent) -> str:
    from hookline.data.parts import LearningCurveOptions, SplitOptions
    from hookline.kinds.artifacts import Roles
    from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions
    from hookline.plans.config import Options

    nested: Mapping[str, type] = {
        "roles": Roles,
        "split": SplitOptions,
        "decision": DecisionOptions,
        "intervals": IntervalOptions,
        "sets": SetOptions,
        "learning_curve": LearningCurveOptions,
    }
    plain = [field for field in field_infos(Options) if field.name not in nested]
    parts = [
        "# Options of a run",
        "Everything of a run's config but its components, which are config groups of their own.",
    ]
    parts.append(content.field_table(plain))
    for name, cls in nested.items():
        parts.append(f"## {name}\n\n{_doc(cls)}\n\n{content.field_table(_under(name, field_infos(cls)))}")
    built_in = {plugin.module for plugin in content.registry.plugins.plugins if plugin.origin == "built-in"}
    for name, settings in content.registry.settings().items():
        if settings.__module__.partition(".")[0] in built_in:
            rows = content.field_table(_under(f"settings.{name}", field_infos(settings)))
            parts.append(f"## settings.{name}\n\n{_doc(settings)}\n\n{rows}")
    return _page(parts)


def _under(path: str, fields: Sequence[FieldInfo]) -> list[FieldInfo]:
    return [dataclasses.replace(field, name=f"{path}.{field.name}") for field in fields]


def _errors(content: CoreContent) -> str:
    from hookline import errors

    from .. import INTERRUPTED

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    known = [cls for cls in classes if issubclass(cls, errors.HooklineError)]
    rows = [[f"`{cls.__name__}`", f"`{cls.__mro__[1].__name__}`", str(cls.exit_code), _doc(cls)] for cls in known]
    codes = [
        ["0", "it is done"],
        ["1", "a run, a job or a command failed"],
        ["2", "the command line or the config is wrong"],
    ]
    codes += [["3", "a gate, or a monitor's threshold, said no"], ["4", "a plugin failed to load"]]
    codes.append([str(INTERRUPTED), "it was interrupted"])
    parts = ["# Errors and exit codes", content.table(["exit code", ""], codes)]
    parts.append("Each error is a class in `hookline.errors`, whose `exit_code` says how the command line ends.")
    parts.append(content.table(["error", "is a", "exit code", ""], rows))
    return _page(parts)


def _python(content: CoreContent) -> str:
    import hookline

    names = [name for name in hookline.__all__ if not name.startswith("__")]
    parts = ["# Python names", "Everything that `import hookline` offers."]
    return _page([*parts, *(_name(content, name, getattr(hookline, name)) for name in names)])


def _name(content: CoreContent, name: str, value: Any) -> str:
    if isinstance(value, FunctionType):
        return f"## {name}\n\n{_code(name, value)}\n\n{_doc(value)}"
    if not isinstance(value, type):
        return f"## {name}\n\nMarks a function as an implementation of a hook; see [hooks](hooks.md)."
    parts = [f"## {name}", f"Class of `{value.__module__}`.", _doc(value)]
    if dataclasses.is_dataclass(value) and dataclasses.fields(value):
        parts.append(_values(content, value))
    if methods := _methods(value):
        parts.append(content.table(["", ""], methods))
    return "\n\n".join(parts)


def _values(content: CoreContent, cls: Any) -> str:
    """Return the attributes of a dataclass; annotations as they are written, since some name libraries that are not imported."""
    docs = attribute_docs(cls)
    shown = [field for field in dataclasses.fields(cls) if not field.name.startswith("_")]
    rows = [[f"`{f.name}`", f"`{_annotation(f.type)}`", _default(f), docs.get(f.name, "")] for f in shown]
    return content.table(["attribute", "type", "default", ""], rows)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"`{getattr(field.default_factory, '__name__', '...')}()`"
    return "" if field.default is dataclasses.MISSING else f"`{field.default!r}`"


def _methods(cls: type) -> list[list[str]]:
    found = []
    for name, member in vars(cls).items():
        inner = getattr(member, "__func__", member)
        if name.startswith("_"):
            continue
        if isinstance(inner, FunctionType):
            found.append([f"`{name}{_signature(inner)}`", _summary(inner)])
        elif isinstance(member, property) or type(member).__name__ == "cached_property":
            found.append([f"`{name}`", _summary(member)])
    return found


def _code(name: str, function: Any) -> str:
    text = f"{name}{_signature(function)}"
    if len(text) > 100:
        inner, _, returned = text.removeprefix(f"{name}(").rpartition(")")
        text = f"{name}(\n    " + ",\n    ".join(_split(inner)) + f",\n){returned}"
    return f"```python\n{text}\n```"


def _split(parameters: str) -> list[str]:
    """Return parameters one by one; a comma within brackets divides nothing."""
    return re.split(r", (?![^\[(]*[\])])", parameters)


def _signature(function: Any) -> str:
    found = inspect.signature(function)
    texts: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not any(text.startswith("*") for text in texts):
            texts.append("*")
        texts.append(_parameter(parameter))
    returned = found.return_annotation
    arrow = "" if returned is inspect.Signature.empty else f" -> {_annotation(returned)}"
    return f"({', '.join(texts)}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    # The standard library would write annotations that are texts in quotes, on some versions of Python.
    marks: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    hint = "" if parameter.annotation is parameter.empty else f": {_annotation(parameter.annotation)}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{marks.get(parameter.kind, '')}{parameter.name}{hint}{default}"


def _annotation(hint: Any) -> str:
    return hint if isinstance(hint, str) else type_text(hint)


def _doc(value: Any) -> str:
    """Return a docstring as Markdown: its example fenced, one thing a line."""
    text = inspect.cleandoc(value.__doc__ or "").replace("  # doctest: +SKIP", "")
    return EXAMPLE.sub(lambda found: f"```python\n{inspect.cleandoc(found.group(1))}\n```\n", text + "\n").strip()


def _summary(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "").partition("\n")[0]


def _page(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


CORE_PAGES: Mapping[str, Callable[[CoreContent], str]] = {
    "options.md": _options,
    "hooks.md": _hooks,
    "errors.md": _errors,
    "python.md": _python,
}
"""File name -> how the page is made."""
