"""What the catalog knows of deployments: every routing policy that a model ever had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import Deployment, Route

from ..processes.owners import person
from .models import Models
from .sql.database import Database
from .sql.values import data_of, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, Select


class Deployments:
    """Routing policies in a catalog; one is added, and none is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._deployments = database.tables["deployments"]
        self._models = Models(database)

    def record(self, deployment: Deployment, reason: str) -> None:
        """Append a routing policy, and set the aliases that come with it, in one transaction.

        Raises UnknownName where it names a version that there is not.
        """
        with self._database.writing() as connection:
            # While nobody else may write, so that none of them is deleted meanwhile.
            self._models.require(deployment.model, deployment.versions)
            self._add(connection, deployment, reason)

    def follow(self, deployment: Deployment, reason: str, after: Deployment) -> bool:
        """Append a policy only where the one that it follows is still in force, and tell whether it was.

        after: as `current` gave it. Raises UnknownName where it names a version that there is not.
        """
        newest = self._newest_first(deployment.model).with_only_columns(self._deployments.c.id).limit(1)
        with self._database.writing() as connection:
            if connection.execute(newest).scalar() != after.number:
                return False
            self._models.require(deployment.model, deployment.versions)
            self._add(connection, deployment, reason)
            return True

    def history(self, model: str) -> list[Deployment]:
        """Return every policy that a model ever had, newest first, with the time and the reason that it came in force."""
        return [_deployment(row) for row in self._database.rows(self._newest_first(model))]

    def current(self, model: str) -> Deployment | None:
        """Return the policy in force, or None."""
        row = self._database.first(self._newest_first(model))
        return None if row is None else _deployment(row)

    def every_current(self) -> list[Deployment]:
        """Return the policy in force of every model that has one."""
        from sqlalchemy import func, select

        table = self._deployments
        newest = select(func.max(table.c.id)).group_by(table.c.model)
        return [_deployment(row) for row in self._database.rows(table.select().where(table.c.id.in_(newest)))]

    def _add(self, connection: Connection, deployment: Deployment, reason: str) -> None:
        row = {"model": deployment.model, "deployer": deployment.deployer, "policy": text_of(_policy(deployment))}
        told = {"who": deployment.who or person(), "figures": text_of(dict(deployment.figures))}
        connection.execute(
            self._deployments.insert().values(**row, **told, reason=reason, created=self._database.now())
        )
        for alias, version in deployment.aliases.items():
            self._models.point_alias(connection, deployment.model, alias, version)

    def _newest_first(self, model: str) -> Select[Any]:
        table = self._deployments
        return table.select().where(table.c.model == model).order_by(table.c.id.desc())


def _policy(deployment: Deployment) -> dict[str, Any]:
    """Return what a row holds as JSON: all but who, when and why, which have columns of their own."""
    return {
        "version": deployment.version,
        "routes": [[route.version, route.weight, route.shadow, route.arm] for route in deployment.routes],
        "aliases": dict(deployment.aliases),
        "fields": dict(deployment.fields),
        "step": deployment.step,
        "key": deployment.key,
    }


def _deployment(row: RowMapping) -> Deployment:
    policy = data_of(row["policy"])
    return Deployment(
        row["model"],
        policy["version"],
        tuple(Route(*route) for route in policy["routes"]),
        row["deployer"],
        policy["aliases"],
        policy["fields"],
        policy["step"],
        utc(row["created"]),
        row["reason"],
        policy["key"],
        row["who"],
        data_of(row["figures"]),
        row["id"],
    )
