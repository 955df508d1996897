"""What is searched: parameters read from Hydra's own grammar, and which of them count in a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline.errors import UsageError
from hookline.kinds.kinds import KINDS

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    step: float | None = None
    """Distance between neighbors; None where every number between counts."""
    log: bool = False
    """Whether orders of magnitude are drawn evenly rather than numbers."""
    whole: bool = False

    def __str__(self) -> str:
        step = f" by {self.step:g}" if self.step not in (None, 1) else ""
        return f"{self.low!r}..{self.high!r}{step}{' (log)' if self.log else ''}"

    def ends(self) -> list[Scalar]:
        """Return the values at which a component would first refuse."""
        return [self.low, self.high]

    def every(self) -> list[Scalar]:
        """Return every value; raises UsageError where there is no end of them."""
        if self.step is None:
            some = ",".join(f"{self.low + part * (self.high - self.low) / 4:.4g}" for part in range(5))
            raise UsageError(
                f"{self} has no grid", hint=f"give values, such as {some}, or take hydra.sweeper.sampler=random"
            )
        count = int((Decimal(str(self.high)) - Decimal(str(self.low))) / Decimal(str(self.step))) + 1
        kind = int if self.whole else float
        return [kind(Decimal(str(self.low)) + i * Decimal(str(self.step))) for i in range(count)]

    def text(self, value: Any) -> str:
        """Return a value as an override has it."""
        return repr(int(value) if self.whole else float(value))


@dataclass(frozen=True)
class Choices:
    """One of several values; `texts` are the same as overrides have them."""

    values: tuple[Scalar, ...]
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return " | ".join(self.texts)

    def ends(self) -> list[Scalar]:
        """Return every value: each may be the one that a component refuses."""
        return list(self.values)

    def every(self) -> list[Scalar]:
        """Return every value."""
        return list(self.values)

    def text(self, value: Any) -> str:
        """Return a value as an override has it."""
        # 1, 1.0 and True are equal, and mean different things in config.
        same = (i for i, known in enumerate(self.values) if known == value and type(known) is type(value))
        return self.texts[next(same)]


@dataclass(frozen=True)
class Condition:
    """Holds in a trial in which one of `components` is chosen for a kind that is itself searched."""

    kind: str
    components: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}={'|'.join(sorted(self.components))}"


@dataclass(frozen=True)
class Parameter:
    """One thing that is searched."""

    name: str
    """What the study calls it: the key, unless components have different bounds for it."""
    key: str
    """The key of its override."""
    domain: Numbers | Choices
    condition: Condition | None = None

    def __str__(self) -> str:
        return f"{self.domain}, with {self.condition}" if self.condition else str(self.domain)

    def override(self, value: Scalar) -> str:
        """Return the override that sets it."""
        text = self.domain.text(value)
        return f"~{self.key}" if self.key in KINDS and text == "null" else f"{self.key}={text}"


@dataclass(frozen=True)
class Fixed:
    """An override that is the same in every trial in which it counts."""

    text: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Space:
    """Everything that a study varies, and what it holds fixed, in the order in which it was typed."""

    parts: tuple[Parameter | Fixed, ...]

    @property
    def parameters(self) -> list[Parameter]:
        """What is searched; choices of components first, since the others may hang on them."""
        found = [part for part in self.parts if isinstance(part, Parameter)]
        return sorted(found, key=lambda parameter: parameter.key not in KINDS)

    def draw(self, suggest: Callable[[Parameter], Scalar]) -> dict[str, Scalar]:
        """Return parameter name -> value for those that count in a trial, asking for each in turn."""
        values: dict[str, Scalar] = {}
        for parameter in self.parameters:
            if self._counts(parameter, values):
                values[parameter.name] = suggest(parameter)
        return values

    def overrides(self, values: Mapping[str, Scalar]) -> list[str]:
        """Return the overrides of one trial."""
        parts = [part for part in self.parts if self._counts(part, values)]
        return [part.text if isinstance(part, Fixed) else part.override(values[part.name]) for part in parts]

    def grid(self) -> Iterator[dict[str, Scalar]]:
        """Yield every point once, a parameter that does not count in it being left out."""
        yield from self._extend({}, self.parameters)

    def probes(self) -> list[list[str]]:
        """Return trials that between them meet each end of each parameter, in each of the components that have it."""
        found = {}
        for parameter in self.parameters:
            for start in self._starts(parameter):
                for value in parameter.domain.ends():
                    pinned = {**start, parameter.name: value}
                    point = self.draw(lambda p, pinned=pinned: pinned.get(p.name, p.domain.ends()[0]))  # type: ignore[misc]  # mypy cannot infer a default
                    overrides = self.overrides(point)
                    found[tuple(overrides)] = overrides
        return list(found.values())

    def definition(self) -> dict[str, str]:
        """Return parameter name -> what it may be, in words that tell any two apart."""
        return {parameter.name: str(parameter) for parameter in self.parameters}

    def conditional(self) -> list[str]:
        """Return the fixed overrides that count in some trials only."""
        return [part.text for part in self.parts if isinstance(part, Fixed) and part.condition]

    def searched(self) -> frozenset[str]:
        """Return the keys that not every trial says, or not all of them with the same value."""
        fixed = [part.text for part in self.parts if isinstance(part, Fixed) and part.condition]
        return frozenset([p.key for p in self.parameters] + [text.partition("=")[0] for text in fixed])

    def _counts(self, part: Parameter | Fixed, values: Mapping[str, Scalar]) -> bool:
        if part.condition is None:
            return True
        return bool(components_in(str(values.get(part.condition.kind))) & part.condition.components)

    def _starts(self, parameter: Parameter) -> list[dict[str, Scalar]]:
        condition = parameter.condition
        if condition is None:
            return [{}]
        owner = next(p for p in self.parameters if p.key == condition.kind)
        fit = [value for value in owner.domain.every() if components_in(str(value)) & condition.components]
        return [{owner.name: value} for value in fit]

    def _extend(self, values: dict[str, Scalar], rest: Sequence[Parameter]) -> Iterator[dict[str, Scalar]]:
        if not rest:
            yield values
        elif not self._counts(rest[0], values):
            yield from self._extend(values, rest[1:])
        else:
            for value in rest[0].domain.every():
                yield from self._extend({**values, rest[0].name: value}, rest[1:])


def components_in(choice: str) -> frozenset[str]:
    """Return the names in a choice of components: `ridge`, or `[dedupe,impute]`."""
    names = (name.strip().strip("'\"") for name in choice.strip("[]").split(","))
    return frozenset(name for name in names if name and name != "null")


def domain_of(override: Override, *, whole: bool = False) -> Numbers | Choices:
    """Return what a sweep override may be; `whole` says that its field takes whole numbers only. Raises UsageError."""
    from hydra.core.override_parser.types import IntervalSweep, RangeSweep

    value: Any = override.value()
    tags = set(getattr(value, "tags", ()))
    if unknown := tags - {"log"}:
        raise UsageError(
            f"{override.input_line}: no tag '{min(unknown)}'",
            hint=_on_log(override),
        )
    log = "log" in tags
    if isinstance(value, IntervalSweep):
        return _interval(override, value, log=log, whole=whole)
    if isinstance(value, RangeSweep):
        return _range(override, value, log=log)
    if log:
        raise UsageError(f"{override.input_line}: a choice has no scale", hint=_on_log(override))
    return choices_of(list(override.sweep_iterator()))


def choices_of(elements: Sequence[Any]) -> Choices:
    """Return a choice between values as Hydra's parser has them; what a database cannot hold is kept as its text."""
    from hydra.core.override_parser.types import Transformer

    found: dict[tuple[type, Scalar], str] = {}
    for element in elements:
        text = Transformer.str(element)
        plain = element if element is None or isinstance(element, (str, int, float, bool)) else text
        found.setdefault((type(plain), plain), text)
    return Choices(tuple(value for _, value in found), tuple(found.values()))


def _on_log(override: Override, low: object = 1, high: object = 100) -> str:
    """Return what to type for orders of magnitude, in the quotes that a shell wants."""
    return f"'{override.key_or_group}=tag(log,interval({low},{high}))'"


def _interval(override: Override, value: Any, *, log: bool, whole: bool) -> Numbers:
    low, high = value.start, value.end
    if (isinstance(low, int) and isinstance(high, int)) or (
        whole and float(low).is_integer() and float(high).is_integer()
    ):
        found = Numbers(int(low), int(high), 1, log, whole=True)
    else:
        found = Numbers(float(low), float(high), None, log)
    return _sound(override, found)


def _range(override: Override, value: Any, *, log: bool) -> Numbers:
    start, stop, step = (Decimal(str(number)) for number in (value.start, value.stop, value.step))
    count = ceil((stop - start) / step) if step else 0
    if count <= 0:
        raise UsageError(f"{override.input_line}: the range is empty")
    ends = sorted((start, start + (count - 1) * step))
    whole = all(isinstance(number, int) for number in (value.start, value.stop, value.step))
    kind = int if whole else float
    if log and (not whole or abs(step) != 1):
        raise UsageError(
            f"{override.input_line}: a step has no place on a log scale",
            hint=_on_log(override, *ends),
        )
    return _sound(override, Numbers(kind(ends[0]), kind(ends[1]), kind(abs(step)), log, whole))


def _sound(override: Override, found: Numbers) -> Numbers:
    if not found.low <= found.high:
        raise UsageError(f"{override.input_line}: the low end is above the high end")
    if found.log and found.low <= 0:
        raise UsageError(f"{override.input_line}: a log scale begins above 0")
    return found
