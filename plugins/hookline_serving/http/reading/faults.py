"""What can be wrong with a request, as errors that know how they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_SHOWN = 100
"""A client that got every row wrong need not be told of each."""
MOST_COUNTED = 1_000
"""Problems after which no further ones are looked for."""


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one value of a request."""

    row: int
    column: str
    message: str


class BadRows(ValueError):
    """Rows that do not fit the input contract. problems: in the order of the rows, as many as are counted."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__(problems)  # As it is made again where it comes from another process.
        self.problems = problems

    def __str__(self) -> str:
        return self.told()

    def told(self) -> str:
        """Return how many values do not fit."""
        count = f"over {MOST_COUNTED:,}" if len(self.problems) > MOST_COUNTED else str(len(self.problems))
        return f"{count} {'value does' if count == '1' else 'values do'} not fit the input contract"


class BadRequest(ValueError):
    """A body that does not hold rows at all."""


class TooLarge(ValueError):
    """A body of more than is taken at a time."""


class Overdue(Exception):
    """A version that is not in charge has too many requests waiting, or has answered none for too long."""
