"""Every error that hookline raises on purpose, and how it reads on a terminal.

HooklineError                exit code
├── UsageError               2   a command line, verb or name is wrong
│   ├── UnknownName              a component, run, model or option that does not exist
│   └── ConfigError              one or more problems of a config, all at once
├── PlanError                2   the stages of a plan do not fit together
├── MissingBackend           2   a plugin's library is not installed
├── PluginError              4   a plugin is broken, clashes, or breaks the contract
├── DataError                1   the data do not fit: missing columns, empty tables, wrong types
│   └── RejectedRows             values that the input contract rejects
├── ExportError              1   a pipeline cannot be written in a format, or predicts differently there
├── UntrustedPackage         1   loading a package would run code that nobody allowed
├── StoreError               1   the store or the catalog is damaged, read-only or from another version
│   └── FeaturesAway             stored values of features cannot be read or written now
├── JobFailed                1   a job of a sweep failed, and the sweep was to stop there
├── Pruned                   1   a sweep stopped a fit that was going badly
└── GateFailed               3   a model did not meet a gate
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hookline.telling.secrets import redacted

from .version import install_line

MOST_SHOWN = 20
"""Rejected values that a message lists."""


class HooklineError(Exception):
    """The base of hookline's own errors: what is wrong, and one thing to do about it.

    ailment: what components may mend, as `hookline.kinds.component.AILMENTS` names it, with the facts that their advice
        needs; whoever lets the error out puts their advice before the hint
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        ailment: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = redacted(message)
        super().__init__(self.message)
        self.hint = None if hint is None else redacted(hint)
        self.ailment = ailment
        self.facts = dict(facts or {})

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own calls the class with the message alone, which few of those below take.
        return _restored, (type(self), self.args), self.__dict__


def _restored(cls: type[HooklineError], args: tuple[Any, ...]) -> HooklineError:
    """Make an error again as it was pickled; what it carries is set by whoever unpickles it."""
    return cls.__new__(cls, *args)


class UsageError(HooklineError):
    """A command, verb or argument that makes no sense."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that nothing answers to; the message suggests the closest that exists."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, hint: str | None = None) -> None:
        self.what = what
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no {what} named '{name}'", hint=hint or suggestion(name, self.known, what))


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a config or a table, at the path as the user types it."""

    path: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", redacted(self.message))

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigError(UsageError):
    """A config with one or more problems, all of them listed."""

    def __init__(self, title: str, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        self.title = title
        self.problems = tuple(problems)
        super().__init__("\n".join([title, *(f"  {problem}" for problem in problems)]), hint=hint)

    def placed(self, name: str, key: str) -> ConfigError:
        """Return the same of a component that stands at another key than its own name, such as `evaluator.strict`."""
        problems = [
            replace(problem, path=key + problem.path.removeprefix(name))
            if problem.path.startswith(f"{name}.")
            else problem
            for problem in self.problems
        ]
        return ConfigError(self.title, problems, hint=self.hint)


class PlanError(HooklineError):
    """Stages that cannot follow each other."""

    exit_code = 2


class MissingBackend(HooklineError):
    """A component whose third-party library is not installed; `more` are others that lack theirs, told with it.

    extra: of `distribution`, and installs the library; empty where no extra does
    """

    exit_code = 2

    def __init__(
        self,
        component: str,
        module: str,
        extra: str,
        *,
        distribution: str = "hookline",
        more: Sequence[MissingBackend] = (),
    ) -> None:
        self.component = component
        self.module = module
        self.extra = extra
        self.distribution = distribution
        self.more = tuple(more)
        told = dict.fromkeys(
            f"{one.component} needs the library '{one.module}', which is not installed" for one in (self, *self.more)
        )
        libraries = [(one.distribution, one.extra, one.module) for one in (self, *self.more)]
        super().__init__("\n".join(told), hint=install_line(libraries))

    def with_more(self, others: Sequence[MissingBackend]) -> MissingBackend:
        """Return one error of this one and others, each with what it lacks beside."""
        more = [*self.more, *(one for other in others for one in (other, *other.more))]
        return MissingBackend(self.component, self.module, self.extra, distribution=self.distribution, more=more)


class PluginError(HooklineError):
    """A plugin that is broken, clashes with another, or breaks the contract."""

    exit_code = 4

    def __init__(self, plugin: str, message: str, *, hint: str | None = None) -> None:
        self.plugin = plugin
        super().__init__(f"plugin '{plugin}': {message}", hint=hint)


class DataError(HooklineError):
    """Data that do not fit what was asked; `problems` names each column."""

    def __init__(
        self,
        message: str,
        problems: Sequence[Problem] = (),
        *,
        hint: str | None = None,
        ailment: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.problems = tuple(problems)
        told = "\n".join([message, *(f"  {problem}" for problem in problems)])
        super().__init__(told, hint=hint, ailment=ailment, facts=facts)


@dataclass(frozen=True)
class Breach:
    """One value that a contract does not allow. row: its position in the table or request, from 0."""

    row: int
    column: str
    message: str
    id: Any = None
    """What the row is called, where a column says so."""

    @property
    def where(self) -> str:
        """Return which row it is, in words."""
        return f"row {self.row}" if self.id is None else f"row {self.row} ({self.id})"


class RejectedRows(DataError):
    """Rows with values that the input contract rejects; `breaches` holds the first of them."""

    def __init__(self, count: int, breaches: Sequence[Breach]) -> None:
        self.count = count
        self.breaches = tuple(breaches)
        shown = self.breaches[:MOST_SHOWN]
        rest = f"; the first {len(shown)}:" if count > len(shown) else ""
        does = "value breaks" if count == 1 else "values break"
        super().__init__(
            f"{count:,} {does} the input contract{rest}",
            [Problem(f"{breach.where}, {breach.column}", breach.message) for breach in shown],
            hint="mend the rows, or say on_violation: warn in a contract",
        )


class ExportError(HooklineError):
    """A pipeline that a format cannot express, or that predicts differently once exported."""


class UntrustedPackage(HooklineError):
    """A package whose loading could run code that the caller has not allowed."""


class StoreError(HooklineError):
    """A store or catalog that is damaged, read-only, or was written by another version."""


class FeaturesAway(StoreError):
    """An online store that is damaged, or does not answer: rows that bring the values themselves need none."""


class JobFailed(HooklineError):
    """A job of a sweep that failed."""


class Pruned(HooklineError):
    """A fit that a sweep stopped, since others went better; a trainer lets it through."""

    def __init__(self, step: int, name: str, value: float) -> None:
        self.step = step
        self.name = name
        self.value = value
        super().__init__(f"step {step}, {name} {value:.4g}")


class GateFailed(HooklineError):
    """A model that did not meet one or more gates."""

    exit_code = 3


def interruption(error: BaseException | None, outside: BaseException | None = None) -> KeyboardInterrupt | None:
    """Return the signal behind an error: a library whose tidying up fails after one hides it behind an error of its own.

    outside: what the caller was handling when the work began, which did not end it
    """
    while error is not None and error is not outside:
        if isinstance(error, KeyboardInterrupt):
            return error
        error = error.__context__
    return None


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None if none is close."""
    matches = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


FIRST = {
    "model": "hookline train.csv target=COLUMN",
    "model or run": "hookline train.csv target=COLUMN",
    "run": "hookline train.csv target=COLUMN",
    "sweep": "hookline -m train.csv target=COLUMN trainer=NAME,NAME",
}
"""What to type where there is none of something yet."""


def suggestion(name: str, known: Iterable[str], what: str = "name") -> str | None:
    """Return "did you mean 'x'?", or the names there are, or None if there are none."""
    # c2 stands before c10.
    names = sorted(known, key=lambda one: [(len(part) * part.isdigit(), part) for part in re.split(r"(\d+)", one)])
    match = closest(name, names)
    if match:
        return f"did you mean '{match}'?"
    if names:
        return f"there is {', '.join(names)}"
    return f"there is no {what} yet; {_first(what, name)} makes one" if what in FIRST else f"there is no {what} at all"


def _first(what: str, name: str) -> str:
    named = what.startswith("model") and re.fullmatch(r"\w[\w.-]*", name, re.ASCII)
    return f"{FIRST[what]} name={name}" if named else FIRST[what]
