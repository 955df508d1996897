"""What is installed: which distribution a module comes of, and which others that one needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

KNOWN = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml", "cv2": "opencv-python"}
"""Import name -> pip name, where they differ and asking the system which is which would be slow."""


@cache
def distribution_of(module: str) -> str | None:
    """Return the name of the distribution that a module comes of; None where it comes of none."""
    from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

    try:
        return str(distribution(KNOWN.get(module, module.replace("_", "-"))).metadata["Name"])
    except PackageNotFoundError:
        return next(iter(packages_distributions().get(module, [])), None)


def with_needs(distributions: Iterable[str]) -> dict[str, str]:
    """Return distributions and all that they need, without extras, with their versions; sorted by normal name (PEP 503)."""
    from importlib.metadata import PackageNotFoundError, distribution

    found: dict[str, str] = {}
    waiting = [*distributions]
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        try:
            held = distribution(name)
        except PackageNotFoundError:  # Said to be needed, and the package came to be without it.
            continue
        found[name] = held.version
        waiting += _needs(held.requires or ())
    return dict(sorted(found.items()))


def normal(name: str) -> str:
    """Return the name of a distribution in the one way that it is compared (PEP 503)."""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


def _needs(requirements: Iterable[str]) -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in requirements:
        one = Requirement(text)
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            yield one.name
