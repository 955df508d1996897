"""Code of people's own put into a package, once it is proven to answer there as it does where it comes from."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.component import Component
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Predictor
from hookline.kinds.kinds import Packager
from hookline.registry.nested import nested_components
from hookline.registry.own import PRIVATE
from hookline.registry.registry import Registry
from hookline.telling.secrets import logger

from ..door.names import shown
from ..owncode.carried import FOLDER, Carried, write_carried
from ..owncode.finding import carry
from ..owncode.importing import forget, import_carried, is_imported
from ..owncode.using import Using
from ..pipeline import Pipeline
from ..state import StoredPackage
from .parity import measure_parity

if TYPE_CHECKING:
    import polars as pl

PROOF_ROWS = 200
log = logger("hookline.packages.owncode")


def put_code(registry: Registry, packager: Packager, pipeline: Pipeline[Any], folder: Path) -> Carried | None:
    """Write the code of people's own that a package goes by into its folder; None where it goes by none.

    folder: that of the format itself, inside a packager that holds another
    """
    every: tuple[Component, ...] = (packager, *nested_components(packager))
    if not any(isinstance(one, Packager) and one.native for one in every):
        return None
    carried = carry(registry, pipeline)
    if carried is not None:
        write_carried(folder, carried)
    return carried


def keep_if_proven(
    registry: Registry,
    packager: Packager,
    packaged: Predictor,
    carried: Carried,
    folders: tuple[Path, Path],
    rows: pl.DataFrame,
) -> None:
    """Take the code out of a package again where it answers rows otherwise once it is imported from there, and say why.

    packaged: the package as it answers by the code that is here; folders: the package's, and that the code is in
    """
    folder, inner = folders
    reason = carried.left_out
    if carried.files and not is_imported(carried):
        reason = _fault(registry, packager, packaged, carried, folders, rows)
    if reason:
        write_carried(inner, replace(carried, files={}, left_out=shown(reason)))
        log.warning("package %s holds no code of %s: %s", folder.name, " and ".join(carried.needed), reason)


def _fault(
    registry: Registry,
    packager: Packager,
    packaged: Predictor,
    carried: Carried,
    folders: tuple[Path, Path],
    rows: pl.DataFrame,
) -> str:
    """Say what is wrong with a package that is read with the code in it; empty where nothing is."""
    folder, inner = folders
    digits = secrets.token_hex(16)
    try:
        under = import_carried(carried, inner / FOLDER, digits)
        using = Using(frozenset(carried.modules), under)
        again = packager.load(StoredPackage(folder, using.known(registry), using), Trust(everything=True))
        found = measure_parity(packaged, again, rows.head(PROOF_ROWS), packager.tolerance)
    except Exception as error:  # noqa: BLE001  code of people's own may raise anything, and the package is whole without it
        first = error.__cause__ or error
        told = f"{type(first).__name__}: {first}".partition("\n")[0].replace(f"{inner / FOLDER}/", "")
        return f"imported from there it fails: {told}"
    finally:
        # A package is moved once it is written, and whoever loads it is to be told where it lies then. Nobody else has this name.
        forget(f"{PRIVATE}{digits}")
    return "" if found.ok else "imported from there it answers otherwise"
