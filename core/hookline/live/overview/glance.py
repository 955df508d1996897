"""Which models the catalog holds anything of, asked once for all: of most there are no alarms, windows or messages to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hookline.kinds.deployments import Deployment
from hookline.workspace.catalog.catalog import Catalog

LOOKED_INTO = ("alarms", "windows", "outbox", "sightings", "watchers")
"""Tables that are read model by model."""


@dataclass(frozen=True)
class Glance:
    """Who is in charge of which model, and which tables hold anything of it."""

    policies: Mapping[str, Deployment]
    """The policy in force, of each model that has one."""
    held: Mapping[str, frozenset[str]]
    """Table -> the models that it tells of."""

    @classmethod
    def of(cls, catalog: Catalog) -> Glance:
        """Take it of every model."""
        policies = {policy.model: policy for policy in catalog.deployments.every_current()}
        return cls(policies, {table: catalog.models_in(table) for table in LOOKED_INTO})

    @classmethod
    def at(cls, catalog: Catalog, model: str) -> Glance:
        """Take it of one model, of which every table is read."""
        policy = catalog.deployments.current(model)
        return cls({} if policy is None else {model: policy}, dict.fromkeys(LOOKED_INTO, frozenset({model})))

    def has(self, table: str, model: str) -> bool:
        """Tell whether a table holds anything of a model."""
        return model in self.held[table]
