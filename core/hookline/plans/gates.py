"""Gates as they are typed, such as `roc_auc: ">= champion - 0.002"`: what a metric must reach, read before anything runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, cast

CHAMPION = "champion"
NO_WORSE = "no worse"
Sign: TypeAlias = Literal[">=", ">", "<=", "<", "==", ""]
WORDS: Mapping[str, str] = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than", "==": ""}
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
GATE = rf"^\s*(?:no worse|(>=|<=|==|>|<)\s*(?:(champion)\s*(?:([+-])\s*({NUMBER}))?|({NUMBER})))\s*$"
"""The grammar of a gate that is a text."""
TELLS = "a number, or a text such as '>= 0.8', '>= champion - 0.002' or 'no worse'"
SLICE = "slice."
"""What metrics of some rows begin with: `slice.sex=female.f1`."""
FOLDS = "folds."
"""What metrics over folds begin with: `folds.accuracy`."""
REPEATS = "repeats."
"""What metrics over repeats begin with: `repeats.accuracy`."""
LATENCY = ("latency_p50_ms", "latency_p99_ms")
"""What is measured of a run's first package where a gate asks for it."""


@dataclass(frozen=True)
class Gate:
    """What one metric must reach.

    sign: how the value must stand to the bound; empty: by the metric's own direction, at least or at most
    champion: whether the bound is what the version in charge has, plus `number`; else it is `number`
    """

    metric: str
    said: float | str
    sign: Sign
    number: float
    champion: bool = False

    @property
    def margin(self) -> float:
        """By how much the metric may be worse than the champion's."""
        if not self.champion:
            return 0.0
        return max(0.0, self.number if self.sign in ("<=", "<") else -self.number)

    def names(self, metric: str) -> bool:
        """Tell whether the gate is for a metric: by its name, or for a slice's metric by its column alone."""
        if metric == self.metric:
            return True
        column, name = self.of_slices
        return bool(column) and metric.startswith(f"{SLICE}{column}=") and metric.endswith(f".{name}")

    @property
    def of_slices(self) -> tuple[str, str]:
        """Return the column and the metric of a gate for every value of a column; empty for others."""
        if not self.metric.startswith(SLICE) or "=" in self.metric:
            return "", ""
        column, _, name = self.metric.removeprefix(SLICE).rpartition(".")
        return column, name


def read_gate(metric: str, said: Any) -> Gate:
    """Return what a number or a text says of a metric; raises ValueError where it says nothing."""
    if isinstance(said, str):
        try:
            said = float(said)
        except ValueError:
            return _of_text(metric, said)
    if not math.isfinite(said):
        raise ValueError(f"must be a finite number, got {said}")
    return Gate(metric, said, "", float(said))


def read_gates(gates: Mapping[str, Any]) -> tuple[Gate, ...]:
    """Return what a checked config says of its metrics."""
    return tuple(read_gate(metric, said) for metric, said in gates.items())


def margins_of(gates: Mapping[str, Any]) -> dict[str, float]:
    """Return by how much each gated metric may be worse than the champion's."""
    return {gate.metric: gate.margin for gate in read_gates(gates)}


def flat(gates: Any, above: str = "") -> Any:
    """Return gates by the whole names of their metrics: on a command line `gates.slice.sex.f1` nests."""
    if not isinstance(gates, Mapping):
        return gates
    return dict(_flat(gates, above))


def is_among(metric: str, measured: Iterable[str]) -> bool:
    """Tell whether a gated metric is one of those that are measured; a `*` in a name stands for anything."""
    gate = Gate(metric, 0.0, "", 0.0)
    return any(gate.names(name) or fnmatchcase(metric, name) for name in measured)


class Said:
    """Has pydantic check a gate as it is typed; an annotation's bound."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Check what a number or a text says."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Say the grammar to editors; a slice's metric may be nested."""
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": GATE}, {"type": "object"}]}


def _checked(said: float | str) -> float | str:
    return read_gate("", said).said


def _of_text(metric: str, said: str) -> Gate:
    found = re.match(GATE, said)
    if found is None:
        raise ValueError(f"must be {TELLS}, got {said!r}")
    sign, champion, plus, more, number = found.groups()
    if sign is None:
        return Gate(metric, said.strip(), "", 0.0, champion=True)
    bound = float(more or 0.0) * (-1 if plus == "-" else 1) if champion else float(number)
    return Gate(metric, said.strip(), cast("Sign", sign), bound, champion=bool(champion))


def _flat(gates: Mapping[Any, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, said in gates.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(said, Mapping) and said:
            yield from _flat(said, path)
        else:
            yield path, said
