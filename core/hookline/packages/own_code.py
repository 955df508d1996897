"""Whether a package that goes by people's own code still answers as when it was made, since no package holds that code."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.kinds.fitted import Predictor
from hookline.registry.registry import Registry

from .manifest import read_as
from .pipeline import Pipeline

MOST_PARTS = 300
"""So many parts of a model are looked at; a forest has thousands, which are all alike."""


def require_own_code(predictor: Predictor, folder: Path, manifest: Mapping[str, Any], registry: Registry) -> None:
    """Raise StoreError where a pipeline of people's own classes answers its golden rows otherwise than when it was made.

    One process has one body of a class, so that of two versions which were made with two bodies one is refused here. Where
    no golden rows travel, nothing can be told.
    """
    modules = _own_modules(predictor, registry) if isinstance(predictor, Pipeline) else []
    if not modules:
        return
    # Most packages need neither.
    from .certificate.certificate import CERTIFICATE, Certificate
    from .certificate.golden import rescore

    tolerance = float(manifest["parity"]["tolerance"])
    if CERTIFICATE in manifest["files"]:
        tolerance = read_as(Certificate, folder / CERTIFICATE).tolerance
    found = rescore(folder, predictor, tolerance)
    if found is None or not found.moved:
        return
    first = found.moved[0]
    raise StoreError(
        f"package {folder} was made with other code of {' and '.join(modules)}: {len(found.moved)} of {found.rows} golden "
        f"rows are answered otherwise here, the first {first.before!r} before and {first.now!r} now",
        hint="put that code back as it was, or make the version again, in a format that goes by no code but its runtime's",
    )


def _own_modules(pipeline: Pipeline[Any], registry: Registry) -> list[str]:
    """Return the modules of people's own that a pipeline's parts are of, sorted."""
    ours = {plugin.module.partition(".")[0] for plugin in registry.plugins.plugins if plugin.origin == "built-in"}
    fitted = [stage.fitted for stage in (*pipeline.transforms, *pipeline.featurizers)]
    modules = {type(part).__module__ for part in _parts([*fitted, pipeline.model])}
    return sorted(module for module in modules if _is_own(module.partition(".")[0], ours))


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


def _is_own(top: str, ours: set[str]) -> bool:
    """Tell whether a module is none of the standard library, of hookline or of what was installed beside it."""
    module = sys.modules.get(top)
    if module is None or top in ours or top in ("hookline", "builtins") or top in sys.stdlib_module_names:
        return False
    places = [getattr(module, "__file__", None) or "", *map(str, getattr(module, "__path__", []))]
    return not any({"site-packages", "dist-packages"} & {*Path(place).parts} for place in places if place)
