"""What to type against an ailment, as the components say that mend it, with facts filled in and quoted for a shell."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any, TypeAlias

from hookline.errors import HooklineError, suggestion
from hookline.kinds.component import AILMENTS, COMPONENT, Component
from hookline.kinds.kinds import MULTIPLE

from .fields import default_of

Remedies: TypeAlias = Callable[..., list[str]]
"""`Registry.remedies`: ailment, config and facts -> what to type."""
TRAIN = "train with "
"""What stands before advice that comes too late for the model at hand."""
GAP = re.compile(r"\s+(?=[\w.]+=)")
"""What stands between two overrides; a space inside of braces does not."""
WORDS = re.compile(r"(?i)null|true|false|nan|inf|[\d.+e_-]+")
"""Texts that Hydra reads as something else where they stand without quotes."""


def remedies_of(
    cls: type[Component], ailment: str, config: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what to type against an ailment, as one component says it.

    Left out is what needs a fact that is not known, what sets options of a component that is not in place, and what would
    take the place of a list that somebody has set.

    config: kind -> its node, of a multiple-choice kind key -> node, as a run's config has them; of a kind that is not told
        of, every component counts as in place
    """
    said = cls.mends.get(ailment, ())
    node = _node(cls, config)
    for text in (said,) if isinstance(said, str) else said:
        if (node is not None or _chooses(cls, text)) and not _loses(cls, text, node or {}):
            filled = _fill(text, {**(node or {}), **facts})
            yield from [] if filled is None else [filled]


def add_remedies(
    error: HooklineError, remedies: Remedies, config: Mapping[str, Any] | None = None, *, lead: str = ""
) -> None:
    """Put what mends an error's ailment before its hint, once; whoever has a registry and lets an error out calls this.

    config: as in `remedies_of`; where nothing fits it, what another one could do is told
    lead: words before it
    """
    ailment, error.ailment = error.ailment, None
    if ailment is None:
        return
    found = remedies(ailment, config, **error.facts) or remedies(ailment, **error.facts)
    if found:
        error.hint = lead + ", or ".join([*found, *([error.hint] if error.hint else [])])


def check_mends(cls: type[Component]) -> None:
    """Raise ValueError where a component mends what is no ailment, or its advice names what is no fact of it."""
    own = [field.name for field in dataclasses.fields(cls)]
    for ailment, said in cls.mends.items():
        if ailment not in AILMENTS:
            raise ValueError(f"there is no ailment '{ailment}'; {suggestion(ailment, AILMENTS, 'ailment')}")
        known = [*_names(AILMENTS[ailment]), *own]
        for text in (said,) if isinstance(said, str) else said:
            for name in _names(text):
                if name not in known:
                    raise ValueError(f"'{name}' is no fact of '{ailment}', and no field; {suggestion(name, known)}")


def option(key: str, value: str) -> str:
    """Return an override as it is typed into a shell; `value` as `typed` writes it."""
    said = f"{key}={value}"
    # An apostrophe ends the quotes, stands alone, and begins them again.
    return "'" + said.replace("'", "'\\''") + "'" if re.search(r"[\"'{} ()<>|#*&$;`\\]", said) else said


def list_option(key: str, texts: Sequence[str]) -> str:
    """Return an override that sets a list of texts."""
    return option(key, f"[{typed(texts)}]")


def typed(value: Any) -> str:
    """Return a value as Hydra reads it back; a list without brackets and without empty texts, which are missing values."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value).removesuffix(".0")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(typed(one) for one in value if one != "")
    return _typed_text(str(value))


def _typed_text(text: str) -> str:
    """Return a text, in quotes where it is a word or number of Hydra's, or holds other signs."""
    plain = re.fullmatch(r"[\w./?-]+", text, re.ASCII) and not WORDS.fullmatch(text)
    bare = plain or text in ("-", "--", ".", "...")
    return text if bare else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _typed_key(text: str) -> str:
    """Return the key of a mapping, where Hydra takes no quotes; empty where it has no way to write this one."""
    if WORDS.fullmatch(text) or not re.fullmatch(r"[\w /+.$%*@?|\\()\[\]{}:=,-]+", text, re.ASCII):
        return ""
    return re.sub(r"^ | $|[\\()\[\]{}:=,]", r"\\\g<0>", text)


def _node(cls: type[Component], config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a component's node; None where it is not in place, and an empty one where nobody says."""
    if cls.kind not in config:
        return {}
    node = config[cls.kind] or {}
    if cls.kind in MULTIPLE:
        node = node.get(cls.name.replace(".", "_")) or {}
    return node if node.get(COMPONENT) == cls.name else None


def _chooses(cls: type[Component], text: str) -> bool:
    return text.startswith(f"{cls.kind}=")


def _loses(cls: type[Component], text: str, node: Mapping[str, Any]) -> bool:
    """Tell whether a list that somebody has set would be gone."""
    keys = {word.partition("=")[0].rpartition(".")[2] for word in GAP.split(text)} - set(_names(text))
    fields = (field for field in dataclasses.fields(cls) if field.name in keys)
    return any(
        isinstance(node.get(field.name), list) and node[field.name] not in ([], default_of(cls, field))
        for field in fields
    )


def _fill(text: str, facts: Mapping[str, Any]) -> str | None:
    """Return advice with its facts; None where one is not known, or has nothing in it."""
    names = _names(text)
    if any(facts.get(name) is None for name in names):
        return None
    keys = re.findall(r"\{(\w+)\}:", text)
    said = {name: _typed_key(str(facts[name])) if name in keys else typed(facts[name]) for name in names}
    if not all(said.values()):
        return None
    pairs = (word.format(**said).partition("=") for word in GAP.split(text))
    # A list that is to be empty is so already: advice that would empty another is not given.
    return " ".join(option(key, value) for key, _, value in pairs if value != "[]")


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name]
