"""What may stand next on a command line: answered from a cached description, with the standard library alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .choices import (
    Item,
    alias_items,
    dataset_items,
    model_items,
    paths,
    run_items,
    sweep_items,
    version_items,
)
from .known import SIGNS, Answer, Known
from .nodes import set_items
from .overrides import complete_override, keys_of


def answer(known: Known, before: Sequence[str], current: str) -> Answer:
    """Return what may replace `current`, given the words before it (the program's own name left out)."""
    found = _answer(known, before, current)
    fitting = {item.text: item for item in found.items if item.text.startswith(current)}
    return Answer(tuple(fitting.values()), found.mode)


def _answer(known: Known, before: Sequence[str], current: str) -> Answer:
    if not before and not current.startswith(("-", *SIGNS)) and "=" not in current and "." not in current:
        verbs = tuple(Item(verb, spec["help"]) for verb, spec in known.verbs.items())
        return Answer(verbs + (keys_of(known, (), current) if current else ()))
    if not before or before[0] not in known.verbs:
        top = (Item("--help"), Item("--version")) if not before and current.startswith("-") else ()
        found = _in_verb(known, "run", before, current)
        return Answer(top + found.items, found.mode)
    return _in_verb(known, before[0], before[1:], current)


@dataclass(frozen=True)
class _Place:
    """Where in a verb's grammar a command line stands."""

    spec: Mapping[str, Any]
    line: tuple[str, ...]
    """Every word so far."""
    words: tuple[str, ...]
    """The positional ones of them, the action left out."""
    waiting: Mapping[str, Any] | None
    """The option whose value comes next."""
    used: frozenset[str]


def _in_verb(known: Known, verb: str, before: Sequence[str], current: str) -> Answer:
    place = _place(known.verbs.get(verb, {}), before)
    options: Mapping[str, Any] = place.spec.get("options", {})
    if place.waiting is not None:
        return _valued(known, verb, place, place.waiting, current)
    name, equals, value = current.partition("=")
    if equals and name in options and options[name]["takes"]:
        found = _valued(known, verb, place, options[name], value)
        return Answer(tuple(Item(f"{name}={item.text}", item.help) for item in found.items), found.mode)
    if current.startswith("-"):
        again = {name for name in options if options[name].get("repeats")}
        return Answer(
            tuple(Item(name, spec["help"]) for name, spec in options.items() if name not in place.used - again)
        )
    if actions := place.spec.get("actions"):
        named = [Item(name, spec["help"]) for name, spec in actions.items()]
        more = _first_of_usual(known, verb, place, current) if "usual" in place.spec else ()
        return Answer((*named, *more))
    places = place.spec.get("places", [])
    if not places:
        return Answer()
    last = places[-1]
    if len(place.words) >= len(places) and not last.get("many"):
        return Answer()
    return _valued(known, verb, place, places[min(len(place.words), len(places) - 1)], current)


def _first_of_usual(known: Known, verb: str, place: _Place, current: str) -> tuple[Item, ...]:
    """Return what may stand first of the action that is meant where none is said."""
    places = place.spec["actions"][place.spec["usual"]]["places"]
    return _valued(known, verb, place, places[0], current).items if places else ()


def _place(spec: Mapping[str, Any], before: Sequence[str]) -> _Place:
    words: list[str] = []
    waiting: Mapping[str, Any] | None = None
    used: set[str] = set()
    for word in before:
        options = spec.get("options", {})
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            name, equals, _ = word.partition("=")
            used.add(name)
            waiting = options[name] if name in options and options[name]["takes"] and not equals else None
        elif word in spec.get("actions", {}):
            spec = spec["actions"][word]
        else:
            spec = spec["actions"][spec["usual"]] if "usual" in spec else spec
            words.append(word)
    return _Place(spec, tuple(before), tuple(words), waiting, frozenset(used))


def _valued(known: Known, verb: str, place: _Place, what: Mapping[str, Any], current: str) -> Answer:
    """Return the values of an argument, by its choices, else by its name."""
    if what.get("choices"):
        return Answer(tuple(map(Item, what["choices"])))
    if what["name"] == "overrides":
        multirun = bool({"-m", "--multirun"} & place.used)
        found = complete_override(known, place.line, current, multirun=multirun)
        # A version is deployed as it is, and of a config only the deployer is said.
        kept = [
            one for one in found.items if verb != "deploy" or one.text.lstrip("".join(SIGNS)).startswith("deployer")
        ]
        return Answer(tuple(kept), found.mode)
    if what.get("path") or what["name"] in ("data", "path", "file", "folder"):
        return Answer(tuple(paths(current, ())), "files")
    named: Mapping[str, Callable[[], Iterable[Item]]] = {
        **dict.fromkeys(("run", "first", "second", "others", "run_id"), lambda: run_items(known.home)),
        "sweep": lambda: sweep_items(known.home),
        "set": lambda: set_items(known, place.line),
        "model": lambda: model_items(known.home),
        "alias": lambda: alias_items(known.home),
        **dict.fromkeys(("version", "before", "now"), lambda: version_items(known.home)),
        "dataset": lambda: dataset_items(known.home),
        "kind": lambda: map(Item, known.kinds),
        **{kind: partial(known.names, kind) for kind in known.kinds},
    }
    if what["name"] in named:
        offered = tuple(named[what["name"]]())
        if verb == "features" and what["name"] in ("first", "second"):
            offered = (*model_items(known.home), *set_items(known, place.line), *offered)
        if what["name"] == "model" and verb not in ("models", "deploy"):
            offered += (*run_items(known.home), *paths(current, None))
        return Answer(offered)
    if what["name"] == "feature":
        return Answer(tuple(set_items(known, place.line)))
    if what["name"] == "name" and verb == "plugins":
        return Answer(tuple(map(Item, known.plugins)))
    if what["name"] == "name" and place.words and place.words[0] in known.kinds:
        return Answer(tuple(known.names(place.words[0])))
    return Answer()
