"""Who explains a package's answers: whom its run named, or the first of what is installed, in a stated order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import MissingBackend, UsageError
from hookline.kinds.capabilities import Explains
from hookline.kinds.component import Component
from hookline.registry.ports import assignable
from hookline.registry.registry import Registry

if TYPE_CHECKING:
    from hookline.packages.loading import LoadedPackage


def explainer_for(package: LoadedPackage, by: str | Explains | None = None) -> Explains:
    """Return who explains a package's answers, as `explainer_of` chooses among whom its run configured."""
    return explainer_of(package.registry, by, package.manifest.get("explainers") or ())


def explainer_of(
    registry: Registry, by: str | Explains | None = None, configured: Sequence[Mapping[str, Any]] = ()
) -> Explains:
    """Return who explains: as it was made, or by its name, with the fields that the run of a package gave it, if any.

    Where nobody is named: the first that was configured and whose backend is installed; else who needs no library beyond
    hookline's own before who does, and of these by name. configured: component and fields, in the order of the run
    Raises UsageError where nobody does, or the component that is named does not, and MissingBackend.
    """
    if by is not None and not isinstance(by, str):
        return by
    known = [cls for cls in registry.classes("evaluator") if assignable(cls, Explains)]
    name, fields = _chosen(known, configured) if by is None else (by, _fields_of(by, configured))
    made = registry.build("evaluator", name, fields, "evaluator")
    type(made).check_backend()
    if not isinstance(made, Explains):
        raise UsageError(f"evaluator '{by}' does not explain answers", hint=_hint(known))
    return made


def _chosen(known: Sequence[type[Component]], configured: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    ready = {cls.name: cls for cls in known if _is_ready(cls)}
    for one in configured:
        if one["component"] in ready:
            return one["component"], one["fields"]
    if not ready:
        raise UsageError("no component that is installed explains answers", hint=_hint(known))
    return min(ready, key=lambda name: (bool(ready[name].requires()), name)), {}


def _fields_of(name: str, configured: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((one["fields"] for one in configured if one["component"] == name), {})


def _is_ready(cls: type[Component]) -> bool:
    try:
        cls.check_backend()
    except MissingBackend:
        return False
    return True


def _hint(known: Sequence[type[Component]]) -> str:
    if not known:
        return "install a plugin with an evaluator that does (`Explains`)"
    return f"those that do: {', '.join(cls.name for cls in known)}"
