"""Reference pages in Markdown, written from the classes themselves; the same classes always give the same text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hookline.errors import UnknownName
from hookline.kinds.component import Component
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.kinds.sklearn_model import SklearnModel
from hookline.plans.placing.components import key_of
from hookline.registry.fields import FieldInfo, field_infos
from hookline.registry.loading import Plugin
from hookline.registry.ports import ports
from hookline.registry.registry import Entry, Registry

from .reference_core import CORE_PAGES, CoreContent

APPLIES: Mapping[str, str] = {
    "dataset": "before the split; may drop rows",
    "training": "training rows only",
    "always": "training rows, and every row to be predicted",
}
PREDICTS = ("transform", "featurizer", "trainer")
"""Kinds whose fitted parts answer for rows, and so are part of an ONNX graph."""
Rows = Iterable[Sequence[str]]


def pages(registry: Registry, plugins: Sequence[str] = ()) -> dict[str, str]:
    """Return file name -> page of what plugins bring; without any, of hookline and all that comes with it.

    Raises UnknownName for a plugin that is not there.
    """
    for name in plugins:
        if name not in {plugin.name for plugin in registry.plugins.plugins}:
            raise UnknownName("plugin", name, [plugin.name for plugin in registry.plugins.plugins])
    wanted = {p.name for p in registry.plugins.plugins if (p.name in plugins if plugins else p.origin == "built-in")}
    entries = {kind: _entries(registry, kind, wanted) for kind in KINDS}
    made = {f"{kind}.md": _kind_page(kind, found) for kind, found in entries.items() if found}
    if not plugins:
        made |= {name: page(CoreContent(table, field_rows, registry)) for name, page in CORE_PAGES.items()}
    return {"index.md": _index(entries, made, plugins), **made}


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Return text as a cell of a table holds it."""
    return " ".join(text.split()).replace("|", "\\|")


def field_rows(fields: Sequence[FieldInfo]) -> str:
    """Return fields as a table: name, type, default, what they are for."""
    rows = [[f"`{f.name}`", f"`{f.type}`", _default(f), f.doc] for f in fields]
    return table(["field", "type", "default", ""], rows)


def _entries(registry: Registry, kind: str, plugins: set[str]) -> dict[str, Entry]:
    found = {name: registry.entry(kind, name) for name in registry.names(kind)}
    return {name: entry for name, entry in found.items() if entry.plugin.name in plugins}


def _index(entries: Mapping[str, Mapping[str, Entry]], made: Mapping[str, str], plugins: Sequence[str]) -> str:
    title = f"# Reference of {', '.join(plugins)}" if plugins else "# Reference"
    rows = [
        [f"[{kind}]({kind}.md)", f"[`{name}`]({kind}.md#{_anchor(name)})", _summary(entry.cls.__doc__)]
        for kind, found in entries.items()
        for name, entry in found.items()
    ]
    parts = [title, table(["kind", "component", ""], rows)]
    others = [f"- [{page.removeprefix('# ').partition(chr(10))[0]}]({name})" for name, page in made.items()]
    parts += ["\n".join(line for line in others if line.partition("](")[2].rstrip(")") in CORE_PAGES)]
    command = f"hookline components reference -o FOLDER{''.join(f' --plugin {name}' for name in plugins)}"
    parts.append(f"Written by `{command}`.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _kind_page(kind: str, entries: Mapping[str, Entry]) -> str:
    parts = [f"# {kind.capitalize()}s", *(_section(kind, name, entry) for name, entry in entries.items())]
    return "\n\n".join(parts) + "\n"


def _section(kind: str, name: str, entry: Entry) -> str:
    import inspect

    fields = field_infos(entry.cls)
    parts = [f"## {name}", inspect.cleandoc(entry.cls.__doc__ or ""), table(["", ""], _facts(kind, entry))]
    parts.append(field_rows(fields) if fields else "It has no fields.")
    parts.append(f"```\n$ hookline run {_example(kind, name, fields)}\n```")
    return "\n\n".join(parts)


def _facts(kind: str, entry: Entry) -> Rows:
    from hookline.registry.ports import type_text

    found = ports(entry.cls)
    takes = ", ".join(f"`{port}: {type_text(hint)}`" for port, hint in found.takes.items())
    yield from ([["takes", takes]] if takes else [])
    yield ["makes", f"`{type_text(found.makes)}`"]
    if tasks := getattr(entry.cls, "tasks", None):
        yield ["tasks", ", ".join(sorted(tasks))]
    applies = getattr(entry.cls, "applies", "")
    if applies:
        yield ["applies to", f"{APPLIES[applies]} (`{applies}`)"]
    if kind in PREDICTS and applies in ("", "always"):
        yield ["ONNX", _onnx(found.makes)]
    if needs := entry.cls.requires():
        yield ["needs", ", ".join(f"`{module}`" for module in needs)]
    yield ["plugin", f"`{entry.plugin.name}`"]
    if install := _install(entry.plugin, entry.cls):
        yield ["install", f"`{install}`"]


def _onnx(makes: Any) -> str:
    if hasattr(makes, "to_onnx"):
        return "yes"
    if isinstance(makes, type) and issubclass(makes, SklearnModel):
        return "where skl2onnx knows the estimator"
    return "no"


def _install(plugin: Plugin, cls: type[Component]) -> str:
    if plugin.origin == "project":
        return ""
    return f'pip install "{plugin.distribution}[{cls.extra}]"' if cls.extra else f"pip install {plugin.distribution}"


def _example(kind: str, name: str, fields: Sequence[FieldInfo]) -> str:
    """Return overrides that choose a component: required fields, and one that may be set."""
    path = kind if kind not in MULTIPLE else f"{kind}.{key_of(name)}"
    chosen = f"{kind}={name}" if kind not in MULTIPLE else f"'{kind}=[{name}]'"
    shown = [
        f for f in fields if (f.name != "seed" and f.type in ("bool", "str")) or f.type.startswith(("int", "float"))
    ]
    optional = [f for f in shown if not f.required and f.default not in (None, "")][:1]
    values = [f"{path}.{f.name}=..." for f in fields if f.required]
    return " ".join([chosen, *values, *(f"{path}.{f.name}={_typed(f.default)}" for f in optional)])


def _typed(value: Any) -> str:
    """Return a value as config has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _default(field: FieldInfo) -> str:
    if field.required:
        return "required"
    return "`''`" if field.default == "" else f"`{_typed(field.default)}`"


def _summary(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


def _anchor(name: str) -> str:
    return name.replace(".", "")
