"""The versions of a model that a server answers by, and what a deployer must be able to do to be one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..capabilities import Explains
from ..deployments import Beside, Deployment, ServeOptions
from ..fitted import Predictor

if TYPE_CHECKING:
    import subprocess

    import polars as pl


@runtime_checkable
class Fleet(Protocol):
    """What a server answers with: the policy of one model, and its versions."""

    def policy(self) -> Deployment:
        """Return the newest policy; cheap to ask."""
        ...

    def predictor(self, version: int) -> Predictor:
        """Return a version's predictor, verified, and loaded once; raises what loading a package raises."""
        ...

    def facts(self, version: int) -> Mapping[str, Any]:
        """Return what answers say of a version: model, version (None where no catalog numbers it) and format."""
        ...

    def log(self) -> Path | None:
        """Return the folder where each answer is recorded before it is given; None where none is."""
        ...

    def counts(self, version: int) -> Any:
        """Return counts of nothing yet for what a process sees of a version (`hookline.live.seen.ArmCounts`)."""
        ...

    def explainer(self, version: int) -> Explains:
        """Return who explains a version's answers; raises UsageError where nobody does."""
        ...

    def ordinary(self, version: int) -> tuple[str, pl.DataFrame]:
        """Return what a version's answers are held against, in words and as rows; raises DataError where nobody knows."""
        ...

    def tell(self, sightings: Sequence[Any]) -> None:
        """Tell whoever carries rollouts on what this process saw (`Sighting`); raises StoreError where nobody hears it."""
        ...

    def keep(self, versions: Collection[int]) -> None:
        """Let go of every version but these."""
        ...

    def begin(self, beside: Beside) -> subprocess.Popen[bytes]:
        """Begin a process whose server is given the same fleet and `ServeOptions.beside`; raises OSError.

        It gets the descriptors, and is to end once its input is closed, which the end of this process does, too.
        """
        ...

    def label(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
        """Tell what turned out to be true of answers, all of it or none; returns how many rows became what.

        rows: `prediction_id`, `value` and maybe `time`, as JSON has them. Raises UnknownName where no labels are kept, DataError
        naming the rows that are wrong, and StoreError.
        """
        ...


class FillsIn(Protocol):
    """Puts what is known of rows into the columns that they lack; may be called in any thread."""

    @property
    def waits(self) -> bool:
        """Whether it asks over a network, so that nobody else is to be kept waiting meanwhile."""
        ...

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> tuple[Sequence[Any], dict[int, tuple[str, ...]]]:
        """Return rows, as JSON has them, in order, with row position -> what is to be warned of.

        columns: those that the model takes. Raises FeaturesAway where what a row lacks may be known, and cannot be asked now.
        """
        ...


@runtime_checkable
class FillsRows(Protocol):
    """A fleet that knows of a version's rows what need not be sent with them."""

    def filler(self, version: int) -> FillsIn | None:
        """Return what puts values into rows where they lack them; None where there is nothing to be put."""
        ...


@runtime_checkable
class Serves(Protocol):
    """A deployer that can answer requests itself."""

    def serve(self, fleet: Fleet, options: ServeOptions) -> None:
        """Answer until interrupted or terminated, as the fleet's policy says; what is under way is answered all the same.

        In each of several processes, which the core starts, `options.share` names the socket, and where to say that it answers.
        """
        ...


@runtime_checkable
class AnswersAsServed(Protocol):
    """A deployer that can answer as its server would, without opening a port."""

    def answer(self, predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows of JSON values as a client gets it: per row `prediction`, and `probabilities` by label for classes.

        The rows go through JSON and the server's own checks, and the answers back through JSON. Raises DataError where
        the server would refuse the request.
        """
        ...
