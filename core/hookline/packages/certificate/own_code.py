"""Whether a package that goes by people's own code still answers as when it was made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError, StoreError, UntrustedPackage
from hookline.kinds.fitted import Predictor
from hookline.registry.own import is_own, public_name
from hookline.registry.registry import Registry

from ..owncode.using import ALLOWS, unproven
from ..pipeline import Pipeline

if TYPE_CHECKING:
    from ..state import StoredPackage
    from .golden import Rescored

MOST_PARTS = 300
"""So many parts of a model are looked at; a forest has thousands, which are all alike."""


def require_own_code(predictor: Predictor, stored: StoredPackage, manifest: Mapping[str, Any]) -> None:
    """Raise StoreError where a pipeline of people's own classes answers its golden rows otherwise than when it was made.

    Where the code did not travel, one process has one body of it, so that of two versions which were made with two bodies one is
    refused here. Raises UntrustedPackage where code travels that may not run, and what is here instead cannot be
    shown to be alike. Where neither code nor golden rows travel, nothing can be told.
    """
    modules = _own_modules(predictor, stored.registry) if isinstance(predictor, Pipeline) else []
    if stored.using.other:
        # Whatever of it the pipeline goes by, and in whichever way.
        modules = modules or sorted(stored.using.modules)
    if not modules:
        return
    found = _rescored(predictor, stored, manifest)
    if found is None and stored.using.other:
        raise unproven(stored.path, modules)
    if found is not None and found.moved:
        raise _moved(found, modules, stored)


def _rescored(predictor: Predictor, stored: StoredPackage, manifest: Mapping[str, Any]) -> Rescored | None:
    # Most packages need neither.
    from ..manifest import read_as
    from .certificate import CERTIFICATE, Certificate
    from .golden import rescore

    tolerance = float(manifest["parity"]["tolerance"])
    if CERTIFICATE in manifest["files"]:
        tolerance = read_as(Certificate, stored.path / CERTIFICATE).tolerance
    return rescore(stored.path, predictor, tolerance)


def _moved(found: Rescored, modules: Sequence[str], stored: StoredPackage) -> HooklineError:
    first, names, using = found.moved[0], " and ".join(modules), stored.using
    rows = (
        f"{len(found.moved)} of {found.rows} golden rows are answered otherwise here, the first {first.before!r} before and "
        f"{first.now!r} now"
    )
    if using.other:
        told = f"package {stored.path} was made with other code of {names}, which travels in it and is run only where trusted"
        return UntrustedPackage(f"{told}: {rows}", hint=ALLOWS)
    if using.modules:
        told = f"package {stored.path} answers otherwise than when it was made, by the same code of {names}: {rows}"
        return StoreError(
            told, hint="see which libraries and files that code goes by, and `environment` in the manifest"
        )
    return StoreError(
        f"package {stored.path} was made with other code of {names}: {rows}",
        hint="put that code back as it was, or make the version again, in a format that goes by no code but its runtime's",
    )


def _own_modules(pipeline: Pipeline[Any], registry: Registry) -> list[str]:
    """Return the modules of people's own that a pipeline's parts are of, sorted."""
    ours = {plugin.module.partition(".")[0] for plugin in registry.plugins.plugins if plugin.origin == "built-in"}
    fitted = [stage.fitted for stage in (*pipeline.transforms, *pipeline.featurizers)]
    modules = {_module_of(part) for part in _parts([*fitted, pipeline.model])}
    return sorted({public_name(module) for module in modules if is_own(module, ours)})


def _module_of(part: Any) -> str:
    """Return the module that a function or a class is of, or else an object's class."""
    named = part if hasattr(part, "__qualname__") else type(part)
    return str(getattr(named, "__module__", None) or "")


def _parts(values: Sequence[Any]) -> Iterator[Any]:
    """Yield objects, and what they hold, the nearest first."""
    # A vocabulary has hundreds of thousands of texts, each of which is passed over in no time.
    waiting, seen = deque(values), set[int]()
    while waiting and len(seen) < MOST_PARTS:
        value = waiting.popleft()
        if id(value) in seen or isinstance(value, (str, bytes, int, float, type(None))):
            continue
        seen.add(id(value))
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        else:
            yield value
            waiting.extend(getattr(value, "__dict__", {}).values())
