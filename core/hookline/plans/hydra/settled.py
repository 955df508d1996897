"""References in what Hydra makes objects of, replaced by what they mean, so that nothing comes to mean another thing later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hookline.errors import Problem
from hookline.workspace.yaml_size import MOST_VALUES

Place = tuple[str, ...]
"""Where a value stands, one key a part; a key may hold a dot."""
FOLDER = "${hydra.runtime.output_dir}"
"""Known once a job begins, and always an absolute path."""
_ENVIRONMENT = re.compile(r"\$\{oc\.env:[A-Za-z_]\w*\}")
_DEEPEST = 32


def settle(config: Any, parts: Sequence[str]) -> Iterator[Problem]:
    """Write out the references in parts of `hydra`, each once; yields those that cannot be.

    Left as they are: a class by reference, a name of a job's log below its folder, and a launcher's or sweeper's variable of
    the environment, which may be a secret.
    """
    from omegaconf import OmegaConf, flag_override

    if OmegaConf.is_interpolation(config, "hydra"):
        yield Problem("hydra", "must be written out, not a reference")
    elif parts:
        raw = OmegaConf.to_container(config.hydra, resolve=False)
        with flag_override(config.hydra, ["struct", "readonly"], [False, False]):
            yield from _settle_below(config.hydra, raw, ("hydra",), [MOST_VALUES], parts)


def _settle_below(node: Any, raw: Any, place: Place, left: list[int], keys: Sequence[Any]) -> Iterator[Problem]:
    """Settle what is below some keys of a node; raw: the same as plain values, with its references as they are."""
    from omegaconf.errors import OmegaConfBaseException

    for key in keys:
        here, said = (*place, str(key)), raw[key]
        try:
            if isinstance(said, (dict, list)):
                yield from _settle_below(node[key], said, here, left, _keys(said))
            elif _is_reference(said) and not _is_kept(said, here):
                node[key] = _written_out(node[key], here, left)
        except _TooMuchError:
            yield Problem(".".join(here), "refers to itself, or stands for too much")
        # RecursionError: of a reference to itself.
        except (OmegaConfBaseException, ValueError, AssertionError, RecursionError):
            yield Problem(".".join(here), f"cannot be resolved here: {said}")


def _written_out(value: Any, place: Place, left: list[int]) -> Any:
    """Return what a reference means as plain values; raises what OmegaConf raises, and ValueError for what refers on."""
    from omegaconf import Container, OmegaConf

    left[0] -= 1
    if left[0] < 0 or len(place) > _DEEPEST:
        raise _TooMuchError
    if _is_reference(value):
        raise ValueError(value)
    if not isinstance(value, Container):
        return value
    raw: Any = OmegaConf.to_container(value, resolve=False)
    items = {}
    for key in _keys(raw):
        here = (*place, str(key))
        is_kept = raw[key] == "???" or (_is_reference(raw[key]) and _is_kept(raw[key], here))
        items[key] = raw[key] if is_kept else _written_out(value[key], here, left)
    return items if isinstance(raw, dict) else list(items.values())


def _is_reference(said: Any) -> bool:
    return isinstance(said, str) and "${" in said


def _is_kept(text: str, place: Place) -> bool:
    if place[1].endswith("logging"):
        return place[-1] == "filename" and text.startswith(f"{FOLDER}/") and text.endswith(".log")
    return place[-1] == "_target_" or _ENVIRONMENT.fullmatch(text) is not None


def _keys(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, dict) else list(range(len(raw)))


class _TooMuchError(Exception):
    """More than anybody writes out."""
