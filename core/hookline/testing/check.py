"""The list of checks that fit a component, and how one of them is run and reported."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.component import Component
from hookline.kinds.kinds import KINDS

from .checks.common import CHECKS as COMMON
from .subject import CheckFailed, CheckFunction, Subject

CHECKS: Mapping[str, tuple[CheckFunction, ...]] = {
    kind: import_module(f"{__package__}.checks.{kind}").CHECKS for kind in KINDS
}
"""Kind -> its own checks; those of every kind, COMMON, come before them."""


@dataclass(frozen=True)
class Check:
    """One promise that a component must keep; calling it runs it."""

    function: CheckFunction
    subject: Subject
    expected_failure: str = ""
    """Why this component may break the promise; empty where it may not."""

    @property
    def name(self) -> str:
        """The check's name, such as `pickles`."""
        return name_of(self.function)

    @property
    def doc(self) -> str:
        """The promise in one sentence."""
        return inspect.cleandoc(self.function.__doc__ or "").partition("\n")[0]

    def run(self) -> None:
        """Raise CheckFailed where the promise is broken, or where it is kept though a failure was expected."""
        try:
            self.function(self.subject)
        except Exception as error:
            # The component may raise anything, and the author is best served by the original traceback.
            if self.expected_failure:
                return
            if not isinstance(error, CheckFailed):
                error.add_note(f"in check '{self.name}' of {self.subject.label}: {self.doc}")
            raise
        if self.expected_failure:
            raise CheckFailed(
                f"check '{self.name}' of {self.subject.label} was expected to fail ({self.expected_failure}), "
                "but it passes: take it off expected_failures."
            )

    __call__ = run

    def __str__(self) -> str:
        return self.name


def checks_for(
    component: Component, *, sample: Dataset | None = None, expected_failures: Mapping[str, str] | None = None
) -> list[Check]:
    """Return every check of a component's kind, in the order in which they teach the most.

    sample: rows with a target role to check with, where the kit's own table does not suit the component
    expected_failures: check name -> why this component may fail it; one that passes nevertheless is an error
    """
    _require_component(component)
    expected = dict(expected_failures or {})
    functions: Sequence[CheckFunction] = (*COMMON, *CHECKS[component.kind])
    names = [name_of(function) for function in functions]
    for name, reason in expected.items():
        if name not in names:
            raise UnknownName("check", name, names)
        if not reason.strip():
            raise UsageError(f"expected_failures['{name}'] needs a reason")
    subject = Subject(component, sample)
    return [Check(function, subject, expected.get(name_of(function), "")) for function in functions]


def name_of(function: CheckFunction) -> str:
    """Return a check function's name without `check_`."""
    return function.__name__.removeprefix("check_")


def _require_component(given: object) -> None:
    if not isinstance(given, Component):
        what = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        raise UsageError(f"checks_for takes a component, not {what}", hint="checks_for(MyTrainer())")
