"""What a command line searches and what it holds fixed, told apart by Hydra's own grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError
from hookline.kinds.kinds import KINDS
from hookline.sweeps.hydra.nulls import without_choice_of_null

from ..fields import Chosen, chosen_in
from ..space import Fixed, Parameter, Space, domain_of

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from hookline.registry.registry import Registry
    from hookline.sweeps.definitions import Compose


def parse(loader: Any, params: Mapping[str, str], arguments: Sequence[str]) -> list[Override]:
    """Return the overrides of the config file and the command line, by Hydra's config loader."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    texts = [*(f"{key}={value}" for key, value in params.items()), *arguments]
    typed = [without_choice_of_null(text) for text in texts]
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(typed)
    # Of a key given twice the last counts, as Hydra has it.
    return list({override.get_key_element(): override for override in parsed}.values())


def choose(registry: Registry, parsed: Sequence[Override], compose: Compose) -> tuple[Chosen, Mapping[str, Any]]:
    """Return the components that may be chosen, and the config of what is not searched."""
    swept = [override for override in parsed if override.is_sweep_override()]
    searched = {o.key_or_group: list(o.sweep_string_iterator()) for o in swept if o.key_or_group in KINDS}
    held = [o for o in parsed if o not in swept and o.key_or_group.partition(".")[0] not in searched]
    config = compose([str(override.input_line) for override in held])
    return chosen_in(registry, searched, config), config


def space_in(parsed: Sequence[Override], chosen: Chosen | None = None, spaces: Sequence[str] = ()) -> Space:
    """Return what is searched and what is held fixed; raises UsageError where that is nothing, or makes no sense.

    spaces: kinds whose fields are searched between their own bounds, of the components that may be chosen
    """
    parts: list[Parameter | Fixed] = [_part(override, chosen) for override in parsed]
    given = [override.key_or_group for override in parsed]
    if chosen:
        parts += [parameter for path in spaces for parameter in chosen.parameters(path, given)]
    space = Space(tuple(parts))
    if not space.parameters:
        raise UsageError(
            "nothing to search",
            hint="say what to try, such as trainer=random_forest,decision_tree or 'trainer.max_depth=range(2,9)'",
        )
    return space


def _part(override: Override, chosen: Chosen | None) -> Parameter | Fixed:
    key = override.key_or_group
    condition = chosen.condition(key) if chosen else None
    if not override.is_sweep_override():
        return Fixed(str(override.input_line), condition)
    domain = domain_of(override, whole=chosen is not None and chosen.is_whole(key))
    return Parameter(key, override.get_key_element(), domain, condition)
