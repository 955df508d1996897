"""What may be typed of an override: its key, or its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .choices import (
    Item,
    column_items,
    metric_items,
    paths,
)
from .known import SIGNS, Answer, Known
from .nodes import (
    choices_of,
    chosen_names,
    doc_of,
    is_path,
    nested_node,
    node_at,
    only_nested,
    own_files,
    parts_of,
    set_items,
)


def complete_override(known: Known, words: Sequence[str], current: str, *, multirun: bool) -> Answer:
    """Return the keys, or the values of a key, of a Hydra override."""
    sign = next((sign for sign in SIGNS if current.startswith(sign)), "")
    bare = current.removeprefix(sign)
    key, equals, value = bare.partition("=")
    if not equals:
        keys = keys_of(known, words, bare)
        if sign == "~":
            keys = tuple(Item(item.text.rstrip("=["), item.help) for item in keys if not item.text.endswith("."))
        return Answer(tuple(Item(sign + item.text, item.help) for item in keys))
    found = _values(known, words, key, value, multirun=multirun)
    return Answer(tuple(Item(f"{sign}{key}={item.text}", item.help) for item in found.items), found.mode)


def keys_of(known: Known, words: Sequence[str], typed: str) -> tuple[Item, ...]:
    """Return the keys that may follow what is typed of one."""
    above, dot, _ = typed.rpartition(".")
    if not dot:
        return tuple(_roots(known))
    return tuple(Item(f"{above}.{item.text}", item.help) for item in _below(known, words, above))


def _roots(known: Known) -> Iterator[Item]:
    for kind in known.kinds:
        yield Item(f"{kind}=[" if kind in known.multiple else f"{kind}=", f"choose the {kind}")
        yield Item(f"{kind}.", f"fields of the {kind}")
    for name, node in known.schema.get("properties", {}).items():
        if name in ("defaults", "hydra", *known.kinds):
            continue
        nested = nested_node(known, node) or name in ("gates", "settings")
        yield Item(f"{name}." if nested else f"{name}=", doc_of(known, node))
    for group in known.groups:
        yield Item(f"{group}=", f"a file of {group}/")


def _below(known: Known, words: Sequence[str], above: str) -> Iterator[Item]:
    """Yield the keys below a path, each with `=` or, where there is more below it, a dot."""
    root, _, rest = above.partition(".")
    if root == "gates" and not rest:
        yield from (Item(f"{metric}=") for metric in metric_items(known.home))
    elif root in known.multiple and not rest:
        yield from (
            Item(f"{name.replace('.', '_')}.", f"fields of {name}") for name in chosen_names(known, words, root)
        )
    else:
        for name, node in node_at(known, words, above).items():
            yield Item(f"{name}." if only_nested(known, node) else f"{name}=", doc_of(known, node))


def _values(known: Known, words: Sequence[str], key: str, value: str, *, multirun: bool) -> Answer:
    if key in known.kinds:
        names = known.names(key)
        if key in known.multiple:
            return Answer(tuple(_listed(names, value)))
        return Answer(tuple(_several(names, value) if multirun else names))
    if key == "features":
        return Answer(tuple(_listed(set_items(known, words), value)))
    if key in known.groups:
        files = [Item(name) for name in [*known.groups[key], *own_files(known, words, key)]]
        return Answer(tuple(_several(files, value) if multirun else files))
    above, _, name = key.rpartition(".")
    if above == "roles" or key == "split.column":
        columns = [Item(column) for column in column_items(words)]
        return Answer(tuple(_listed(columns, value) if name == "ignore" else columns))
    node = node_at(known, words, above).get(name, {})
    choices = choices_of(known, node)
    if not choices and (name == "path" or is_path(known, node)):
        return Answer(tuple(paths(value, ())), "files")
    if inner := [item for part in parts_of(known, node) for item in choices_of(known, part.get("items", {}))]:
        return Answer(tuple(_listed(inner, value)))
    return Answer(tuple(_several(choices, value) if multirun else choices))


def _listed(items: Sequence[Item], value: str) -> Iterator[Item]:
    """Yield `[a,b` for each item; one that is whole is followed by `]` and by `,`."""
    begun, comma, partial = value.removeprefix("[").rpartition(",")
    taken = {text.strip() for text in begun.split(",")}
    left = [item for item in items if item.text not in taken and item.text.startswith(partial)]
    for item in left:
        text = f"[{begun}{comma}{item.text}"
        if len(left) == 1 or item.text == partial:
            yield from (Item(f"{text}]", item.help), Item(f"{text},", item.help))
        else:
            yield Item(text, item.help)


def _several(items: Sequence[Item], value: str) -> list[Item]:
    """Return `a,b` for each item that does not stand in the list yet: a sweep over values."""
    begun, comma, _ = value.rpartition(",")
    taken = begun.split(",")
    return [Item(f"{begun}{comma}{item.text}", item.help) for item in items if item.text not in taken]
