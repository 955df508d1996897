"""How a page writes numbers, names, durations, sizes, times and what is to be typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

LONG = 24
"""Letters above which a name may break."""
LEVELS = ("critical", "warning", "info", "ok")
"""How grave a point is, the gravest first."""
NAME = (
    r"~?(?:[a-z_]+(?:\.\w+)+|source|target|task|split|transform|featurizer|trainer|evaluator|packager|deployer|monitor)"
)
OPTION = rf"{NAME}=(?:'[^']*'|\[[^\]]*\]|[^\s,;:]*[^\s,;:.])"
TYPED = re.compile(rf"`([^`]+)`|(?<![\w.'\"-])({OPTION}(?: {OPTION})*)")
"""What is to be typed in a sentence: what stands in backticks, and an option with its value."""


def number(value: Any) -> str:
    """Return a number with four significant digits and thousands apart; other values as text."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def numeric(table: Mapping[str, Any], position: int) -> bool:
    """Tell whether a column of a table holds numbers and nothing else but gaps."""
    kinds = {type(row[position]) for row in table["rows"]} - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def words(name: str) -> str:
    """Return a snake_case name as words; those in capitals in the field stay so."""
    known = {
        "roc": "ROC",
        "auc": "AUC",
        "pr": "PR",
        "f1": "F1",
        "r2": "R²",
        "rmse": "RMSE",
        "mae": "MAE",
        "mape": "MAPE",
    }
    said = [known.get(word, word) for word in name.split("_")]
    return " ".join([said[0][:1].upper() + said[0][1:], *said[1:]])


def seconds(value: float) -> str:
    """Return a duration in the unit that suits it."""
    if value >= 60:
        return f"{int(value // 60)} min {value % 60:.0f} s"
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def size(value: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    return f"{value / 1024**2:.1f} MB" if value >= 1024**2 else f"{value / 1024:.0f} kB"


def moment(text: str) -> str:
    """Return an ISO time as a person writes it, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")


def typed(text: str) -> Any:
    """Return a sentence (markupsafe.Markup) in which what is to be typed stands out."""
    from markupsafe import Markup, escape

    shown, end = Markup(""), 0
    for found in TYPED.finditer(text):
        shown += escape(text[end : found.start()]) + Markup("<code>{}</code>").format(found[1] or found[2])
        end = found.end()
    return shown + escape(text[end:])


def breakable(text: str) -> Any:
    """Return a text (markupsafe.Markup) in which a long name may break where its words end."""
    from markupsafe import Markup, escape

    # An escaped text holds neither of the two letters but where the text did.
    return Markup(re.sub(r"(?<=\w)([_.])(?=\w)", r"\1<wbr>", str(escape(text)))) if len(text) > LONG else escape(text)  # noqa: S704


def ranked(points: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return points or findings as level, text, action and rows, the gravest first and of one level as they came."""
    plain = [
        {
            "level": point.get("level") or point.get("severity"),
            "text": point.get("text") or point.get("message"),
            "action": point.get("action") or "",
            "rows": point.get("rows") or (),
        }
        for point in points
    ]
    return sorted(plain, key=lambda point: LEVELS.index(point["level"]) if point["level"] in LEVELS else len(LEVELS))


def mark(value: Any) -> Any:
    """Return a text as Markdown shows it, letter by letter and in one line: nothing of it is a sign of Markdown or HTML."""
    from markupsafe import Markup

    line = " ".join(str("" if value is None else value).split())
    # What stands behind a backslash is no sign, also not of HTML (CommonMark 2.4).
    return Markup(re.sub(r"([\\`*_\[\]<>|#&~!])", r"\\\1", line))  # noqa: S704  each sign of HTML is behind one


FILTERS = {
    "number": number,
    "numeric": numeric,
    "words": words,
    "seconds": seconds,
    "size": size,
    "moment": moment,
    "typed": typed,
    "ranked": ranked,
    "breakable": breakable,
    "mark": mark,
}
"""What the templates know these functions by."""
