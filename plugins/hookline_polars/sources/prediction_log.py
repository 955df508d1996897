"""Rows that a served model answered, with what turned out to be true of them: what it is trained on again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval, Len

from hookline import Dataset, Roles, Source
from hookline.errors import DataError

if TYPE_CHECKING:
    from hookline.live.log.predictions import Predictions
    from hookline.workspace.workspace import Workspace


class PredictionLogSource(Source):
    """The rows on record of a model whose truth labels tell, with the truth in the target's column.

    They are those that a server answered, as a monitor reads them: `answers` or `arm` says otherwise. Roles are those of the
    model. Rows are told apart by their labels: a row is new when its first label comes, and a label that is corrected later
    changes the row where it is read anew.
    """

    name = "prediction_log"
    model: Annotated[str, Len(1)] = dataclasses.field(kw_only=False)
    """A model with a prediction log, such as `churn`; or one version of it, `churn:3`, `churn@staging`."""
    since: str | None = None
    """From when on it answered: a time, UTC where it names no zone, or how long before this hour, such as `30d`."""
    until: str | None = None
    """Before when, said alike."""
    version: Annotated[int, Gt(0)] | None = None
    """Answered by this version."""
    arm: str | None = None
    """Answered for this arm of the policy, such as `live` or `canary`, and whatever is on record for it, as of `batch`."""
    upto: Annotated[int, Ge(0)] | None = None
    """Whose first label is numbered so or before: what came later is left out, so that the rows stay the same."""
    leave_out: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """The share that is kept aside for testing, as `hookline retrain` does: drawn by the id of the prediction, or the group."""
    answers: Literal["served", "all"] = "served"
    """`served`: those that servers gave to whoever asked; `all`: those to the rows of a table (`predict --log`), too."""

    def load(self) -> Dataset:
        """Return the rows by time; raises DataError where nothing is on record, or the truth of none is known."""
        return self.load_between(None, self.position())

    def fingerprint(self) -> str:
        """Return a digest of the newest label, the oldest file of the log, and what is asked for; reads no records."""
        log = self._log(self._workspace())
        oldest = next((path.name for path in log.files()), "")
        asked: Sequence[Any] = (self.model, log.since, log.until, log.version, self.arm, self.answers, self.leave_out)
        return hashlib.sha256(repr((*asked, self.position(), oldest)).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the model's roles, as far as its contract has their columns."""
        from hookline.live.log.answered import package_of

        package = package_of(self.model)
        held, roles = set(package.schema.names), package.roles
        kept = {name: getattr(roles, name) for name in ("time", "weight", "group") if getattr(roles, name) in held}
        ignored = tuple(name for name in roles.ignore if name in held)
        return Roles(target=package.target.name, id=roles.id, ignore=ignored, **kept)

    def position(self) -> str:
        """Return the number of the newest label."""
        workspace = self._workspace()
        newest = workspace.catalog.labels.last(self._log(workspace).model)
        return str(newest if self.upto is None else min(newest, self.upto))

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the rows whose first label came between two positions, each exactly once."""
        from hookline.live.log.answered import labeled_rows, package_of

        workspace = self._workspace()
        first, last = _number(after or "0"), _number(upto)
        return labeled_rows(self._log(workspace), workspace, package_of(self.model), first, last, self.leave_out)

    def _workspace(self) -> Workspace:
        from hookline.workspace.workspace import open_workspace

        return open_workspace()

    def _log(self, workspace: Workspace) -> Predictions:
        from hookline.live.log.predictions import predictions_in
        from hookline.live.log.times import moment_of

        # Counted from the hour, so that what is planned and what is read soon after is the same.
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        begin, end = moment_of(self.since, "source.since", now), moment_of(self.until, "source.until", now)
        found = predictions_in(workspace, self.model, begin, end, self.version, self.arm)
        served = self.arm is None and self.answers == "served"
        return dataclasses.replace(found, given=served, served=served)


def _number(position: str) -> int:
    if not position.isdecimal():
        raise DataError(
            f"{position[:40]!r} is no position of source 'prediction_log'",
            hint="give what position() of the same source returned",
        )
    return int(position)
