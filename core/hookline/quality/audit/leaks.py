"""Columns that give the target away: because they are the target under another name, alone, or together."""

from __future__ import annotations

from hookline.kinds.reports import Finding, Severity

from .guesses import EXACT, LEAK, SUSPECT, closest, explained, guesses, table_of
from .sides import Column, Sides, examples
from .together import find_together

LEAST_ROWS = 10
"""Held-out rows, and rows outside the commonest class, that it takes to say that a column gives the target away."""
LEAST_STEPS = 100
"""Neighboring rows of different values that it takes to say that a column is in the order of the target."""


def find_leaks(sides: Sides) -> tuple[list[tuple[str, float]], list[Finding]]:
    """Return each column with the share of the target that it alone explains, and what is found; the worst first."""
    scored = sorted(((column, explained(sides, column)) for column in sides.columns), key=lambda pair: -pair[1])
    alone = {column.name: _same(sides, column) or _explains(sides, column, score) for column, score in scored}
    findings = [finding for finding in alone.values() if finding]
    # A sum may need a column that explains a lot; of two that decide the class, one such would be no news.
    loud = {f.subject for f in findings if f.severity == "critical" or sides.target.task != "regression"}
    findings += find_together(sides, [column.name for column, _ in scored if column.name not in loud])
    return [(column.name, score) for column, score in scored], findings


def _explains(sides: Sides, column: Column, score: float) -> Finding | None:
    if score < SUSPECT or len(sides.y[1]) < LEAST_ROWS:
        return None
    guess = guesses(sides, column.codes, column.size)
    name, target = column.name, sides.target.name
    text = (
        f"'{name}' alone explains {score:.1%} of '{target}': is it known when a prediction is wanted? "
        f"If not, roles.ignore=[{name}]."
    )
    severity: Severity = "critical" if score >= LEAK else "warning"
    return Finding(name, "explained", score, SUSPECT, severity, text, closest(sides, guess))


def _same(sides: Sides, column: Column) -> Finding | None:
    """Find a column that is the target under other names, or on another scale."""
    if sides.target.task == "regression":
        return _same_order(sides, column)
    return _same_classes(sides, column)


def _same_classes(sides: Sides, column: Column) -> Finding | None:
    """Find values that go one to one with the classes, a missing value among them."""
    import numpy as np

    codes, y = np.concatenate(column.codes), np.concatenate(sides.y)
    classes = len(sides.target.classes)
    if not column.exact or column.size > 4 * classes + 4:
        return None
    table = table_of(codes, y, column.size, classes)
    of_code, of_class = table.argmax(axis=1), table.argmax(axis=0)
    mutual = of_class[of_code] == np.arange(column.size)
    total, base = table.sum(), table.sum(axis=0).max()
    matched = int(table.max(axis=1)[mutual].sum())
    # Fewer rows than that may go one to one by chance.
    share = float((matched - base) / (total - base)) if total - base >= LEAST_ROWS else 0.0
    if share < EXACT:
        return None
    name, target = column.name, sides.target.name
    text = (
        f"'{name}' is '{target}' under other names, in {matched:,} of {total:,} rows looked at. "
        f"A model must not see it: roles.ignore=[{name}]."
    )
    right = mutual[column.codes[1]] & (of_code[column.codes[1]] == sides.y[1])
    return Finding(name, "same", share, EXACT, "critical", text, sides.held_out(np.flatnonzero(right)))


def _same_order(sides: Sides, column: Column) -> Finding | None:
    """Find a number that puts rows in the order of the target, such as its logarithm, or itself in other units."""
    import numpy as np

    if column.kind != "number" or column.numbers is None:
        return None
    x, y = np.concatenate(column.numbers), np.concatenate(sides.y)
    known = np.isfinite(x) & np.isfinite(y)
    # A column with many gaps tells nothing of the rows that it leaves out.
    if known.mean() < EXACT:
        return None
    order = np.argsort(x[known], kind="stable")
    steps = np.sign(np.diff(y[known][order]))[np.diff(x[known][order]) > 0]
    ups, downs = int((steps > 0).sum()), int((steps < 0).sum())
    share = max(ups, downs) / max(1, ups + downs)
    if ups + downs < LEAST_STEPS or share < EXACT:
        return None
    name, target = column.name, sides.target.name
    text = (
        f"'{name}' puts {share:.2%} of neighboring rows in the order of '{target}': it is '{target}' on another scale. "
        f"A model must not see it: roles.ignore=[{name}]."
    )
    return Finding(name, "same", share, EXACT, "critical", text, examples(sides.row_ids[1]))
