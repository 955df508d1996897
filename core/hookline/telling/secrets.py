"""Secrets taken out of what is written, shown, logged or raised: known values, passwords in URLs, and what is called one."""

from __future__ import annotations

import logging
import os
import re
import string
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

HIDDEN = "***"
REFERENCE = re.compile(r"\$\{oc\.env:\s*([^${},\s]+)\s*(?:,([^${}]*))?\}")
"""How a config refers to the environment: `${oc.env:NAME}`, or with what stands where there is no such variable."""
SHORTEST = 6
"""Of a value that is looked for in texts; a shorter one is in too many words."""
LONGEST_KEY = 64
"""Letters before the name of a secret that are looked at, such as those of `my_db_` in `my_db_password`."""
LONG = 12
"""Letters of a word that is looked for all the same."""
_CALLED = (
    r"pass(?:wd|word|phrase)|pwd|secret|token|api[-_]?key|access[-_]?key(?:[-_]?id)?|secret[-_]?key|private[-_]?key"
    r"|(?:account|app(?:lication)?|licen[cs]e|subscription|consumer|client|shared|master|signing|encryption)[-_]?key|auth(?:orization)?|credentials?|sig(?:nature)?|sas|x-amz-(?:signature|security-token|credential)"
)
_ASKED = r"key|code|app[-_]?id|jwt|sid|session(?:[-_]?id)?|ticket|hmac|awsaccesskeyid"
"""What a secret is called in the query of a URL, where such a name elsewhere is a column's or a country's."""
QUERIES = ("parameters", "params", "query")
"""Keys of config below which what stands in a URL's query is said."""
BOUND = "bound"
"""What stands for those keys where a query of SQL is beside them."""
LONG_CODE = 16
"""Letters from which on a `code` is no country's."""
_NAME = "".join((string.ascii_letters, string.digits, "_-"))
_URL = re.compile(r"(?<![\w+.-])([a-z][a-z0-9+.-]*://)([^\s/?#'\"<>\\]*)@", re.IGNORECASE)
_PAIR = re.compile(
    # What may stand before the word itself, as in db_password, is not matched: that takes time by the square of its length.
    rf"(?:(?<![a-z0-9])|(?<=%[0-9a-f]{{2}})|(?<=\\[nrt]))({_CALLED}|(?<=[?&])(?:{_ASKED}))"
    rf"(\s?=\s?|%3D)('[^']*'|[^\s&;,'\"<>)}}\]\\]+)",
    re.IGNORECASE,
)
_KEY = re.compile(rf"(?:.*[-_.])?(?:{_CALLED})", re.IGNORECASE)
_KEY_ASKED = re.compile(rf"(?:.*[-_.])?(?:{_CALLED}|{_ASKED})", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d]+( [^\W\d]+)*")
_INNOCENT = re.compile(r"[\d.+-]*|true|false|none|null", re.IGNORECASE)

_PLAIN = logging.Formatter()

# One for the process: whoever writes an error of a library does not know which config it came of.
_known: dict[str, str] = {}


def remember(value: str, shown: str = HIDDEN) -> None:
    """Take a value out of every text from now on, for what stands in its place; what is in too many words is left."""
    if len(value) >= SHORTEST and not _INNOCENT.fullmatch(value):
        _known[value] = shown


def is_telling(value: str) -> bool:
    """Tell whether a value of the environment might be a secret: not a number, a short word, or a path that is there."""
    if len(value) < SHORTEST or _INNOCENT.fullmatch(value):
        return False
    try:
        return not Path(value).exists()
    except (OSError, ValueError):
        return True


def redacted(text: str) -> str:
    """Return a text without known secrets, passwords of URLs, and what stands behind `password=` and the like."""
    known = tuple(_known)
    if any(value in text for value in known):
        text = _pattern(known).sub(lambda found: _known.get(found.group(), HIDDEN), text)
    if "://" in text:
        text = _URL.sub(_without_password, text)
    return _PAIR.sub(_without_value, text) if "=" in text or "%3D" in text else text


def redacted_tree(value: Any, depth: int = 0, within: str = "") -> Any:
    """Return plain values without the secrets in them; also gone are texts below a key such as `password`.

    A word of letters alone stays where that key is not a component's own field: it may be a column's name, or a value of data.
    within: the key that the values stand below
    """
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if _is_secret(str(key), item, depth, within)
            else redacted_tree(item, depth + 1, _within(str(key), value))
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redacted_tree(item, depth + 1, within) for item in value]
    return value


def hidden_in(value: Any, path: str = "", depth: int = 0, within: str | None = None) -> list[str]:
    """Return the paths of what `redacted_tree` hides; within: as there, None for the last key of the path."""
    below = path.rpartition(".")[2] if within is None else within
    if isinstance(value, Mapping):
        found = []
        for key, item in value.items():
            where = f"{path}.{key}" if path else str(key)
            hides = _is_secret(str(key), item, depth, below)
            found += [where] if hides else hidden_in(item, where, depth + 1, _within(str(key), value))
        return found
    if isinstance(value, (list, tuple)):
        items = enumerate(value)
        return [where for place, item in items for where in hidden_in(item, f"{path}.{place}", depth + 1, below)]
    return [path] if isinstance(value, str) and redacted(value) != value else []


def learn(value: Any, depth: int = 0, within: str = "") -> None:
    """Remember what is hidden of plain values, so that it is also found in what others say, such as a driver's error."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            hides = _is_secret(str(name), item, depth, within)
            remember(item) if hides else learn(item, depth + 1, _within(str(name), value))
    elif isinstance(value, (list, tuple)):
        for item in value:
            learn(item, depth + 1, within)
    elif isinstance(value, str):
        if REFERENCE.search(value):
            with suppress(KeyError):
                revealed(value)
        passwords = [_password_in(found) for found in _URL.finditer(value)]
        pairs = [found.group(3).strip("'") for found in _PAIR.finditer(value) if not _is_plain(found)]
        for one in (*passwords, *pairs):
            if one and not _is_common(one) and not REFERENCE.search(one):
                remember(one)


def resolved(text: str) -> str:
    """Return a text with its references to the environment resolved; raises KeyError with the name that is not there."""
    return REFERENCE.sub(_of_environment, text)


def revealed(text: str) -> str:
    """Return the same, and remember what the references stand for: of a component's or a plugin's text, never of a name."""
    whole = resolved(text)
    for found in REFERENCE.finditer(text):
        value = _of_environment(found)
        if is_telling(value) and not _is_common(value):
            remember(value, found.group())
    return whole


def logger(name: str) -> logging.Logger:
    """Return a logger whose records hold no secrets."""
    found = logging.getLogger(name)
    if not any(isinstance(one, _Redacting) for one in found.filters):
        found.addFilter(_Redacting())
    return found


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redacted(_PLAIN.formatException(record.exc_info))
            # Whoever writes the record would spell the exception itself.
            record.exc_info = None
        return True


@lru_cache(maxsize=1)
def _pattern(known: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds known values, the longest first: each as a word of its own, and not within another name or number."""
    return re.compile("|".join(map(_word_of_its_own, sorted(known, key=len, reverse=True))))


def _word_of_its_own(value: str) -> str:
    # A letter of an escape is none of the text: a line break in a repr, a percent sign in a URL.
    before = r"(?:(?<![^\W_])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))" if value[0].isalnum() else ""
    after = r"(?![^\W_])" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def _is_common(value: str) -> bool:
    """Tell whether a value is a word such as postgres or production, which is in too many texts to be looked for."""
    return len(value) < LONG and _WORD.fullmatch(value) is not None


def _of_environment(found: re.Match[str]) -> str:
    name, default = found.groups()
    if name in os.environ:
        return os.environ[name]
    if default is None:
        raise KeyError(name)
    return default.strip().strip("'\"")


def _within(key: str, beside: Mapping[Any, Any]) -> str:
    """Return what the values below a key are within: those that are bound to a query of SQL are no part of a URL's."""
    return BOUND if key in QUERIES and isinstance(beside.get("query"), str) else key


def _is_secret(key: str, value: Any, depth: int, within: str) -> bool:
    names = _KEY_ASKED if within in QUERIES else _KEY
    if not (isinstance(value, str) and value and names.fullmatch(key)) or REFERENCE.fullmatch(value):
        return False
    if within in QUERIES and _is_short_code(key, value):
        return False
    return depth == 0 or not _WORD.fullmatch(value)


def _is_short_code(key: str, value: str) -> bool:
    return key.lower() == "code" and len(value) < LONG_CODE


def _password_in(found: re.Match[str]) -> str:
    """Return the password before a URL's host, or nothing."""
    scheme, who = found.groups()
    user, colon, password = who.partition(":")
    # Of a lone name before an http host most are tokens; before another it is a user.
    return password if colon else user if scheme.lower().startswith("http") else ""


def _without_password(found: re.Match[str]) -> str:
    scheme, who = found.groups()
    if REFERENCE.search(who) or not _password_in(found):
        return found.group()
    user, colon, _ = who.partition(":")
    return f"{scheme}{f'{user}:' if colon else ''}{HIDDEN}@"


def _without_value(found: re.Match[str]) -> str:
    key, equals, _ = found.groups()
    return found.group() if _is_plain(found) else f"{key}{equals}{HIDDEN}"


def _is_plain(found: re.Match[str]) -> bool:
    """Tell whether what stands behind the name of a secret is none: a reference, a folder of a path, a column that is joined."""
    key, _, value = found.groups()
    before = found.string[max(0, found.start() - LONGEST_KEY) : found.start()].rstrip(_NAME)
    folder = before.endswith("/") and not before.endswith("://")
    joined = before.endswith(".") and "." in value and value.lower().endswith(key.lower())
    kept = value.startswith(("${", "Secret(")) or value.lower() in ("none", "null", "...", HIDDEN)
    return kept or joined or folder or _is_short_code(key, value)
