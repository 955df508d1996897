"""What is odd about one column: its type, gaps and values, and how it goes together with the target."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.kinds.reports import Severity
from hookline.registry.remedies import option, typed

from ..disguises import Disguise
from .column import ColumnFacts
from .oddity import Advisor, Oddity, ignored, quoted, share_of
from .table import TableFacts
from .texts import TextFacts

STRONG = {"AUC": (0.98, 0.995), "Cramer's V": (0.95, 0.99), "epsilon^2": (0.95, 0.99), "Spearman": (0.99, 0.999)}
"""Statistic -> from where on a column may be the target under another name, and from where on it is."""
ID_LIKE, ID_ROWS = 0.99, 50
"""A text or whole number with a value of its own in this share of so many rows names them."""
FREE_TEXT = 0.5
"""Share of rows with a text of their own from which on sentences are no categories."""
EVEN = 0.2
"""How far the quantiles of numbers of rows lie from those of evenly spread ones, at most, as a share of their range."""
HARDLY, MOSTLY = 0.2, 0.5
"""Shares of missing values that are worth a word, and a warning."""
MIXED = 0.8
"""Where this share of a column's texts are numbers or dates, the others are the odd ones."""
NEARLY_CONSTANT = 0.995
MANY = 1_000
"""Distinct texts beyond which a column is hard to learn from."""


def oddities_of_column(table: TableFacts, column: ColumnFacts, advisor: Advisor) -> Iterator[Oddity]:
    """Yield what is odd about one column."""
    yield from _leak(table, column)
    if column.name in (table.roles.id, table.roles.group):
        return
    if column.kind == "other":
        text = f"'{column.name}' is of type {column.dtype}, which no pipeline takes."
        yield Oddity(column.name, "type", 1.0, 0.0, "warning", text, action=ignored([column.name]))
    if column.name != table.roles.target:
        yield from _missing(column, advisor)
        yield from _id_like(column)
        yield from _cardinality(column, advisor)
    yield from _infinite(column, advisor)
    if column.text is not None and column.text.disguise is not None:
        yield _disguised(column.text.disguise, advisor)
    elif column.text is not None:
        yield from _types(column, column.text, advisor)
    if column.text is not None:
        yield from _spellings(column, column.text, advisor)


def _leak(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    found = column.association
    suspect, leak = STRONG[found.statistic] if found else (1.0, 1.0)
    if found is None or found.value < suspect or _tells_too_little(table, column):
        return
    severity: Severity = "critical" if found.value >= leak else "warning"
    text = (
        f"'{column.name}' goes together with the target '{table.roles.target}' almost wholly ({found.statistic} "
        f"{found.value:.3f}): is it known when a prediction is wanted?"
    )
    action = f"if not, {ignored([column.name])}"
    yield Oddity(column.name, found.statistic, found.value, suspect, severity, text, action=action)


def _tells_too_little(table: TableFacts, column: ColumnFacts) -> bool:
    """Tell whether a column has fewer values than the target has classes: those may determine it, and not the other way."""
    target = table.roles.target
    return bool(table.classes) and target is not None and column.distinct < table[target].distinct


def _missing(column: ColumnFacts, advisor: Advisor) -> Iterator[Oddity]:
    share = column.missing / max(1, column.count)
    if HARDLY <= share < 1:
        severity: Severity = "warning" if share >= MOSTLY else "info"
        text = f"'{column.name}' is missing in {share_of(column.missing, column.count)}."
        action = advisor.action("missing_values", *([] if share < MOSTLY else [ignored([column.name])]))
        yield Oddity(column.name, "missing_share", share, HARDLY, severity, text, action=action)


def _id_like(column: ColumnFacts) -> Iterator[Oddity]:
    whole = column.kind == "string" or (column.dtype.lstrip("U").startswith("Int") and _is_even(column))
    share = column.distinct / max(1, column.present)
    if column.text is not None and column.text.disguise is not None:
        return
    if column.text is not None and 2 * column.text.sentences > column.present >= ID_ROWS and share >= FREE_TEXT:
        text = f"'{column.name}' is free text: {share:.0%} of its rows have one of their own, so that no category says anything."
        yield Oddity(column.name, "free_text", share, FREE_TEXT, "info", text, action=ignored([column.name]))
    elif whole and column.present >= ID_ROWS and share >= ID_LIKE:
        text = f"'{column.name}' has a value of its own in nearly every row, so it names rows."
        action = f"{option('roles.id', typed(column.name))}, or {ignored([column.name])}"
        yield Oddity(column.name, "distinct_share", share, ID_LIKE, "warning", text, action=action)


def _is_even(column: ColumnFacts) -> bool:
    """Tell whether whole numbers are spread evenly, as numbers of rows are, and amounts and counts are not."""
    low, high = column.quantile(0.0), column.quantile(1.0)
    if low is None or high is None or low == high:
        return False
    return all(abs((value - low) / (high - low) - share) <= EVEN for share, value in column.quantiles)


def _cardinality(column: ColumnFacts, advisor: Advisor) -> Iterator[Oddity]:
    share = column.distinct / max(1, column.present)
    if column.text and 2 * column.text.numbers < column.present and column.distinct > MANY and share < ID_LIKE:
        text = f"'{column.name}' has {column.distinct:,} different texts."
        yield Oddity(column.name, "distinct", share, 0.0, "info", text, action=advisor.action("many_texts"))
    if column.distinct > 1 and column.top and column.top[0][1] >= NEARLY_CONSTANT * column.count:
        value, rows = column.top[0]
        share = rows / column.count
        text = f"'{column.name}' is '{value}' in {share:.2%} of the rows."
        action = f"it can say little; {ignored([column.name])}"
        yield Oddity(column.name, "top_share", share, NEARLY_CONSTANT, "info", text, action=action)


def _infinite(column: ColumnFacts, advisor: Advisor) -> Iterator[Oddity]:
    if column.infinite:
        text = f"'{column.name}' is infinite in {share_of(column.infinite, column.count)}."
        low, high = column.quantile(0.0), column.quantile(1.0)
        action = advisor.action("infinite", column=column.name, low=low, high=high)
        share = column.infinite / column.count
        yield Oddity(column.name, "infinite_share", share, 0.0, "warning", text, action=action)


def _disguised(found: Disguise, advisor: Advisor) -> Oddity:
    action = advisor.action(found.ailment, **found.facts)
    name = str(found.facts["column"])
    return Oddity(name, found.statistic, found.share, MIXED, "warning", found.text, action=action)


def _types(column: ColumnFacts, facts: TextFacts, advisor: Advisor) -> Iterator[Oddity]:
    """Find texts that are numbers or dates, all of them or most."""
    kind, rows = ("number", facts.numbers) if facts.numbers >= facts.dates else ("date", facts.dates)
    share = rows / max(1, column.present)
    sentinels = {value for value, _ in column.sentinels}
    told = {"column": column.name, "type": "number" if kind == "number" else "datetime"}
    if MIXED <= share < 1 and not set(facts.others) <= sentinels:
        others = quoted(facts.others)
        text = f"'{column.name}' is a text, but {share:.1%} of its values are {kind}s; among the others are {others}."
        action = ", or ".join([f"write them as {kind}s", *advisor.ways("mixed_type", **told)])
        yield Oddity(column.name, "mixed", 1 - share, 1 - MIXED, "warning", text, action=action)
    elif share == 1 and not facts.coded and not facts.spaced:
        text = f"'{column.name}' is a text, and every value of it is a {kind}."
        yield Oddity(column.name, f"{kind}s", 0.0, 0.0, "info", text, action=advisor.action("wrong_type", **told))


def _spellings(column: ColumnFacts, facts: TextFacts, advisor: Advisor) -> Iterator[Oddity]:
    if facts.variants:
        text = f"'{column.name}' writes one thing in several ways, such as {quoted(facts.variant)}."
        share = facts.variants / max(1, column.present)
        action = advisor.action("spelling")
        yield Oddity(column.name, "variants", share, 0.0, "warning", text, action=action)
