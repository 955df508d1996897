"""The catalog: the database, and what it knows by subject."""

from __future__ import annotations

from pathlib import Path

from .acts import Acts
from .datasets import Datasets
from .deployments import Deployments
from .labels import Labels
from .leases import Controllers, Leases
from .models import Models
from .retrainings import Retrainings
from .runs import Runs
from .sightings import Sightings
from .sql.database import Database
from .watching.alarms import Alarms
from .watching.old import Old
from .watching.outbox import Outbox
from .watching.windows import Windows


class Catalog:
    """What is known of runs, data, models, deployments, labels, windows, alarms and retrainings, in one database.

    home: the folder that paths are relative to; without one they stand as they are given
    """

    def __init__(self, url: str, home: Path | None = None) -> None:
        self.database = Database(url, home)
        self.leases = Leases(self.database)
        self.runs = Runs(self.database, self.leases)
        self.models = Models(self.database)
        self.acts = Acts(self.database)
        self.deployments = Deployments(self.database)
        self.datasets = Datasets(self.database)
        self.labels = Labels(self.database)
        self.sightings = Sightings(self.database)
        self.controllers = Controllers(self.database)
        self.alarms = Alarms(self.database)
        self.outbox = Outbox(self.database)
        self.windows = Windows(self.database, self.alarms, self.outbox)
        self.old = Old(self.database)
        self.watchers = Controllers(self.database, "watchers")
        self.retrainings = Retrainings(self.database, self.outbox)
        self.retrainers = Controllers(self.database, "retrainers")

    def models_in(self, table: str) -> frozenset[str]:
        """Return the models that a table, by its short name, tells of."""
        column = self.database.tables[table].c.model
        return frozenset(
            row["model"] for row in self.database.rows(column.table.select().with_only_columns(column).distinct())
        )
