"""Where studies are kept: in the catalog's own database, each with what it began with."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from hookline.errors import UnknownName

from .definition import Definition

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

DEFINITION = "hookline"
"""The name under which it stands in a study."""


def catalog_storage(url: str, wait_seconds: int) -> BaseStorage:
    """Return optuna's storage in the catalog's own database; its tables begin with none of our names."""
    import optuna

    # Optuna fills a template in the URL, and a folder may have braces in its name.
    plain = url.replace("{", "{{").replace("}", "}}")
    arguments = {"connect_args": {"timeout": wait_seconds}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    return optuna.storages.RDBStorage(plain, engine_kwargs=arguments)


def define(study: Study, definition: Definition) -> None:
    """Write down what a study is made of."""
    study.set_user_attr(DEFINITION, json.dumps(asdict(definition)))


def read_definition(storage: BaseStorage, name: str) -> Definition:
    """Return what a study began with; raises UnknownName where there is none."""
    import optuna

    names = optuna.get_all_study_names(storage)
    if name not in names:
        raise UnknownName("study", name, names, hint="a sweep by hydra/sweeper=optuna makes one, of its own name")
    stored = optuna.load_study(study_name=name, storage=storage).user_attrs
    return Definition(**json.loads(stored[DEFINITION]))
