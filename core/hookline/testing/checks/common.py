"""Checks on a component of any kind: its class, its fields, its module, and what it does to the process around it."""

from __future__ import annotations

import dataclasses
import json
import pickle
import typing
from collections.abc import Mapping
from typing import Any

from hookline.data.functions.transforming import FunctionTransform
from hookline.errors import ConfigError, HooklineError
from hookline.kinds.fitted import FittedFeaturizer, FittedTransform
from hookline.kinds.kinds import KIND_TABLE
from hookline.kinds.plain import plain
from hookline.registry.fields import field_docs
from hookline.registry.nested import nested_components
from hookline.registry.ports import ports
from hookline.registry.values import validate

from ..exercise import exercise
from ..process import heavy_imports, state_changes, watched_network
from ..stored import known_to
from ..subject import CheckFunction, Subject

MAKES: Mapping[str, Any] = {
    name: typing.get_type_hints(getattr(kind.cls, kind.method))["return"] for name, kind in KIND_TABLE.items()
}
"""Kind -> what its method must say that it returns."""
ANNOTATED = ("numpy", "polars")
"""Libraries that the annotations of a function name which is a transform, so that its module imports them where it begins."""


def check_frozen_and_hashable(subject: Subject) -> None:
    """A component cannot be changed, and equal ones have equal hashes."""
    component = subject.component
    for field in dataclasses.fields(component):
        value = getattr(component, field.name)
        if isinstance(value, (list, set)):
            subject.fail(f"field '{field.name}' holds a {type(value).__name__}, which can change; make it a tuple.")
    twin = dataclasses.replace(component)
    if twin != component:
        subject.fail("an equal copy does not equal it; leave __eq__ to the dataclass.")
    held = (component, *nested_components(component))
    if any(isinstance(getattr(one, f.name), Mapping) for one in held for f in dataclasses.fields(one)):
        return
    try:
        same = hash(twin) == hash(component)
    except TypeError as error:
        subject.fail(f"cannot be hashed ({error}); make every field a plain value or a tuple.")
    if not same:
        subject.fail("two equal components have different hashes; leave __hash__ to the dataclass.")


def check_pickles(subject: Subject) -> None:
    """A component survives pickling, as a sweep's workers need."""
    try:
        copy = pickle.loads(pickle.dumps(subject.component))
    except (pickle.PicklingError, AttributeError, TypeError, ImportError) as error:
        subject.fail(f"cannot be pickled ({error}); define the class at the top of a module, and keep fields plain.")
    if copy != subject.component:
        subject.fail("is another after pickling; do not override __reduce__ or __getstate__.")


def check_documented(subject: Subject) -> None:
    """The class and each of its fields say what they are for."""
    cls: Any = type(subject.component)
    if not (cls.__doc__ or "").strip() or (cls.__doc__ or "").startswith(f"{cls.__name__}("):
        subject.fail("has no docstring; `hookline components list` shows its first line.")
    docs = field_docs(cls)
    missing = [field.name for field in dataclasses.fields(cls) if not docs.get(field.name)]
    if missing:
        subject.fail(f"fields {', '.join(missing)} have no text below them; say what each is for.")


def check_config_round_trip(subject: Subject) -> None:
    """Fields written as plain config build an equal component."""
    component = subject.component
    try:
        values = json.loads(json.dumps(plain(component)))
        built = known_to(subject).build(component.kind, component.name, values, component.kind)
    except (TypeError, ValueError, ConfigError) as error:
        subject.fail(f"its fields cannot be written as plain config and read back: {error}")
    if built != component:
        changed = [
            f.name for f in dataclasses.fields(component) if getattr(built, f.name) != getattr(component, f.name)
        ]
        subject.fail(f"field {', '.join(changed)} is another after a round trip through config; use plain types.")


def check_fields_refuse_wrong_types(subject: Subject) -> None:
    """A value of the wrong type is a ConfigError at the field's own path."""
    component, cls = subject.component, type(subject.component)
    held = {f.name: getattr(component, f.name) for f in dataclasses.fields(component)}
    for name in held:
        path = f"{component.kind}.{component.name}"
        try:
            validate(cls, {**held, name: object()}, path, "bad config")
        except ConfigError as error:
            if not any(problem.path.startswith(f"{path}.{name}") for problem in error.problems):
                subject.fail(
                    f"a wrong value of field '{name}' is reported at {error.problems[0].path}, not at the field."
                )
            continue
        subject.fail(f"field '{name}' takes anything; annotate it with the type that it needs.")


def check_ports_resolve(subject: Subject) -> None:
    """The annotations of the kind's method resolve, and it makes what the kind must make."""
    component = subject.component
    try:
        found = ports(type(component))
    except (NameError, TypeError) as error:
        subject.fail(
            f"its ports cannot be read ({error}); import artifact types plainly, and annotate what is returned."
        )
    wanted = MAKES[component.kind]
    made = typing.get_origin(found.makes) or found.makes
    if not _is_a(made, wanted):
        subject.fail(f"says that it makes {getattr(made, '__name__', made)}; it must be a {wanted.__name__}.")


def check_import_is_light(subject: Subject) -> None:
    """Importing the component's module loads no heavy library."""
    module = type(subject.component).__module__
    if module == "__main__":
        return
    try:
        found = heavy_imports(module)
    except ImportError as error:
        subject.fail(f"{module} cannot be imported by a fresh process ({error}); mend what it needs to be imported.")
    if isinstance(subject.component, FunctionTransform):
        found = tuple(library for library in found if library not in ANNOTATED)
    if found:
        subject.fail(
            f"importing {module} also imports {', '.join(found)}, which slows every command; "
            "import backends inside the methods that use them."
        )


def check_stays_off_the_network(subject: Subject) -> None:
    """Using the component opens no connection beyond this machine."""
    with watched_network() as asked:
        try:
            exercise(subject)
        except Exception:
            # An error that comes of the refused connection is told as what it is.
            if not asked:
                raise
    if asked:
        subject.fail(f"connects to {', '.join(dict.fromkeys(asked))}; a component works without a network.")


def check_leaves_process_as_it_was(subject: Subject) -> None:
    """Using the component changes no random state, environment variable, folder, warnings filter or log level."""
    changes = state_changes(lambda: exercise(subject))
    if changes:
        subject.fail(f"changes {', '.join(changes)} of the whole process; use local state, or put it back.")


CHECKS: tuple[CheckFunction, ...] = (
    check_frozen_and_hashable,
    check_pickles,
    check_documented,
    check_config_round_trip,
    check_fields_refuse_wrong_types,
    check_ports_resolve,
    check_import_is_light,
    check_stays_off_the_network,
    check_leaves_process_as_it_was,
)


def data_error_or_fail(subject: Subject, error: Exception, what: str) -> None:
    """Accept hookline's own errors about data; fail on anything else."""
    if isinstance(error, HooklineError):
        return
    told = str(error).strip().partition("\n")[0]
    subject.fail(f"{what} raises {type(error).__name__} ({told}); handle it, or raise DataError naming the column.")


def _is_a(made: Any, wanted: Any) -> bool:
    if wanted in (FittedTransform, FittedFeaturizer):
        names = ("transform", "features") if wanted is FittedFeaturizer else ("transform",)
        held = {*dir(made), *getattr(made, "__dataclass_fields__", ())}
        return isinstance(made, type) and made not in (FittedTransform, FittedFeaturizer) and set(names) <= held
    return isinstance(made, type) and issubclass(made, wanted)
