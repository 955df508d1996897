"""The component under check, with the rows to check it on, and how a check says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from hookline.kinds.artifacts import Dataset, Task

if TYPE_CHECKING:
    from .tables.samples import Sample

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


class CheckFailed(AssertionError):
    """A promise that a component does not keep; the message says what to mend."""


@dataclass(frozen=True)
class Subject:
    """A component and, where the author gave some, the rows to check it on."""

    component: Any
    sample: Dataset | None = None
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What one check found out and the next need not find out again."""

    @property
    def label(self) -> str:
        """How messages name it, such as `trainer 'nearest'`."""
        return f"{self.component.kind} '{getattr(self.component, 'name', type(self.component).__name__)}'"

    def fail(self, message: str) -> NoReturn:
        """Raise CheckFailed."""
        raise CheckFailed(f"{self.label}: {message}")

    def tasks(self) -> tuple[Task, ...]:
        """Return what there is to check it on: every task that it claims, or the task of the author's own rows."""
        claimed = getattr(self.component, "tasks", None)
        if self.sample is not None:
            return (self.rows("binary").target.task,)
        return tuple(task for task in TASKS if claimed is None or task in claimed)

    def rows(self, task: Task) -> Sample:
        """Return the author's own rows, or the kit's table for a task."""
        from .tables.samples import Sample, table

        return Sample.of(self.sample) if self.sample is not None else table(task)


CheckFunction: TypeAlias = Callable[[Subject], None]
