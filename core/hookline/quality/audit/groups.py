"""Columns that seem to say which thing a row is of, whose rows a random split has put on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hookline.kinds.artifacts import ROW_ID, Split
from hookline.kinds.reports import Finding, Severity
from hookline.registry.remedies import option, typed

from .sides import EXAMPLES, examples

NAMES = re.compile(
    r"account|animal|author|batch|case|child|client|customer|device|donor|driver|employee|family|group|household|id|"
    r"machine|member|patient|participant|person|player|plot|school|session|site|speaker|store|student|subject|user|vehicle",
    re.IGNORECASE,
)
"""Words in the names of columns that say which thing, or whose, a row is."""
CODE = r"^\S*\d\S*$"
"""What such values look like where the name does not say it: a digit among them, and no space."""
FEWEST = {True: 4, False: 12}
"""Values from which on a column is suspected, where its name says so, and where only its values do."""
MOST_SHARE = 0.5
"""Most values a row: above that, rows seldom share one."""
MOSTLY = 0.5
"""Share of held-out rows that are of a thing which training rows are of too, from which on that is told."""


def find_groups(split: Split, rows: int) -> Iterator[Finding]:
    """Yield a finding for each such column of a random split; rows: of the training part.

    Rows of one thing are alike, so that a model knows the held-out ones of those it was fitted to, and is judged too kindly
    (Saeb et al. 2017, "The need to approximate the use-case in clinical machine learning").
    """
    import polars as pl

    roles = split.train.roles
    if split.method not in ("random", "stratified") or roles.group:
        return
    total = int(split.test.frame.select(pl.len()).collect().item())
    for name, distinct, severity in _suspects(split, rows):
        known = split.train.frame.select(pl.col(name).drop_nulls().unique())
        both = split.test.frame.join(known, on=name, how="semi").select(ROW_ID).sort(ROW_ID).collect()[ROW_ID]
        if len(both) < MOSTLY * total:
            continue
        role = option("roles.group", typed(name))
        text = (
            f"'{name}' seems to name what rows belong to, {distinct:,} of them: {len(both):,} held-out rows share one with "
            f"training rows, so that the model may know them by heart. {role} keeps such rows together, "
            "and draws the intervals by them."
        )
        found = examples(both.head(EXAMPLES).to_list())
        yield Finding(name, "related_rows", len(both) / total, MOSTLY, severity, text, found)


def _suspects(split: Split, rows: int) -> Iterator[tuple[str, int, Severity]]:
    """Yield the columns that seem to name things of several rows each, with how many there are.

    Codes alone may as well be of a category, and are no cause for a warning.
    """
    import polars as pl

    schema = split.train.frame.collect_schema()
    for name in split.train.feature_columns():
        named = says_which(name)
        if schema[name] != pl.String and not (named and schema[name].is_integer()):
            continue
        values = split.train.frame.select(pl.col(name).drop_nulls().cast(pl.String).unique()).collect()[name]
        seldom = FEWEST[named] <= len(values) <= MOST_SHARE * rows
        if seldom and (named or values.str.contains(CODE).all()):
            yield name, len(values), "warning" if named else "info"


def says_which(name: str) -> bool:
    """Tell whether a column's name says which thing, or whose, a row is."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return any(NAMES.fullmatch(word) or NAMES.fullmatch(word.removesuffix("s")) for word in words)
