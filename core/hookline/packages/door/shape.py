"""What stands where in a manifest, checked when it is read: nothing behind this door asks again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from hookline.errors import StoreError
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import Feature, Target
from hookline.kinds.given.names import LONGEST
from hookline.kinds.plain import adapter
from hookline.kinds.reports import Metric

from .faults import first_of
from .names import is_component_name, is_file_name, is_model_name, is_module_name, is_part, shown

if TYPE_CHECKING:
    Text = str
    Whole = int
    Number = float
else:
    from annotated_types import Ge
    from pydantic import Strict

    Text = Annotated[str, Strict()]
    Whole = Annotated[int, Strict(), Ge(0)]
    Number = Annotated[float, Strict()]


@dataclass(frozen=True)
class FileFacts:
    """Size and digest of a file."""

    bytes: Whole
    blake2b: Text


@dataclass(frozen=True)
class PlacedFields:
    """A component with its fields."""

    component: Text
    fields: Mapping[Text, Any]


@dataclass(frozen=True)
class ParityFacts:
    """How far the package is from its pipeline."""

    rows: Whole
    max_difference: float
    changed_decisions: Whole
    tolerance: float
    ok: bool


@dataclass(frozen=True)
class DataFacts:
    """Which version of the data the model has seen."""

    version: Text = ""
    name: Text = ""
    rows: Whole = 0
    upto: Text = ""
    """Of a source whose rows keep coming: the position up to which they were read."""
    place: Mapping[Text, Any] = field(default_factory=dict)
    """Which source the position is of."""


@dataclass(frozen=True)
class UpdateFacts:
    """Which version an updated model came of, and what it learned."""

    version: Whole
    fingerprint: Text
    rows: Whole
    digest: Text
    data: Text
    upto: Text = ""
    """As of the data."""
    place: Mapping[Text, Any] = field(default_factory=dict)
    """As of the data."""


@dataclass(frozen=True)
class RefitFacts:
    """Which run's pipeline was fitted to all rows; its metrics are that run's, on rows that it held out."""

    run: Text
    rows: Whole
    held_out: Whole


@dataclass(frozen=True)
class CodeFacts:
    """Code of people's own that travels in the package.

    folder: of its files; digest: of all of them; modules: module -> its file in that folder; needed: those whose classes the
        pipeline is of; left_out: why none travels
    """

    folder: Text
    digest: Text
    modules: Mapping[Text, Text]
    needed: tuple[Text, ...]
    left_out: Text = ""


@dataclass(frozen=True)
class EnvironmentFacts:
    """What was installed where the package was made."""

    python: Text = ""
    platform: Text = ""
    hookline: Text = ""
    packages: Mapping[Text, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A manifest; what it says beyond this is kept and never used."""

    format: Whole
    packager: Text
    name: Text
    target: Target
    features: tuple[Feature, ...]
    metrics: tuple[Metric, ...]
    parity: ParityFacts
    files: Mapping[Text, FileFacts]
    hookline: Text = ""
    packager_config: Mapping[Text, Any] | None = None
    created: Text = ""
    model: Text = ""
    monitors: Mapping[Text, Text] = field(default_factory=dict)
    explainers: tuple[PlacedFields, ...] = ()
    trainer: PlacedFields | None = None
    decision: DecisionRule | None = None
    intervals: Intervals | None = None
    sets: PredictionSets | None = None
    importances: Mapping[Text, Number] | None = None
    before: tuple[Metric, ...] = ()
    updated_from: UpdateFacts | None = None
    refitted_from: RefitFacts | None = None
    data: DataFacts = DataFacts()
    reading: PlacedFields | None = None
    environment: EnvironmentFacts | None = None
    code: CodeFacts | None = None


def check_shape(manifest: Mapping[str, Any], where: str) -> None:
    """Raise StoreError where a manifest holds something of another type, or a name that is none. where: its path."""
    from pydantic import ValidationError

    try:
        shape: Shape = adapter(Shape).validate_python(dict(manifest))
    except (ValidationError, RecursionError) as error:
        raise StoreError(f"{where} is not the manifest of a package: {first_of(error)}") from None
    wrong = next(_wrong_names(shape), None)
    if wrong is not None:
        raise StoreError(f"{where} is not the manifest of a package: {wrong}", hint="build the package again")


def check_names(manifest: Mapping[str, Any], where: str) -> None:
    """Raise StoreError where a manifest's own name, or one of its files, is not one that a path may be made of."""
    name = manifest.get("name", "model")
    if not is_model_name(name):
        raise StoreError(f"{where}: '{shown(name)}' is not the name of a model", hint="run it again under another")
    files = manifest.get("files")
    for file in files if isinstance(files, dict) else ():
        if not is_file_name(file):
            raise StoreError(f"{where} names '{shown(file)}', which is outside the package, or no name of a file")


def _wrong_names(shape: Shape) -> Iterator[str]:
    """Yield what is wrong with the names in a manifest that become a path, a component, or a line to type."""
    placed = {"trainer": shape.trainer, "reading": shape.reading}
    components = {"packager": shape.packager} | {key: one.component for key, one in placed.items() if one}
    components |= {f"explainers.{at}": one.component for at, one in enumerate(shape.explainers)}
    components |= {f"monitors.{shown(key)}": name for key, name in shape.monitors.items()}
    for key, name in components.items():
        if not is_component_name(name):
            yield f"{key}: '{shown(name)}' is not the name of a component"
    if shape.code is not None:
        yield from _wrong_code(shape.code)
    for key in shape.monitors:
        if not is_part(key):
            yield f"monitors: '{shown(key)}' is not the key of a monitor"
    lines = {"model": shape.model, "hookline": shape.hookline, "created": shape.created}
    for key, text in lines.items():
        if not text.isprintable() or len(text) > LONGEST:
            yield f"{key}: '{shown(text)}' is no such word"


def _wrong_code(code: CodeFacts) -> Iterator[str]:
    if not is_file_name(code.folder):
        yield f"code.folder: '{shown(code.folder)}' is no name of a folder in the package"
    for name in (*code.modules, *code.needed):
        if not is_module_name(name):
            yield f"code: '{shown(name)}' is not the name of a module"
    for text in (code.digest, code.left_out):
        if not text.isprintable() or len(text) > LONGEST:
            yield f"code: '{shown(text)}' is no such word"
