"""Who answers for a table's rows: one package, or the versions that a model's policy lets answer, each its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import ROW_ID, Schema
from hookline.kinds.capabilities import Decides, Explains, TellsSets
from hookline.kinds.deployments import Deployment, Route, Trust
from hookline.kinds.fitted import BOUNDS, IN_SET, label_text
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.pipeline import id_column
from hookline.packages.scoring import Answers, Told, ask, warnings_column
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.workspace.workspace import open_workspace

from ..explaining.moving import Mover
from ..fleet import ALONE
from ..routing import Router

if TYPE_CHECKING:
    import polars as pl

ARM, VERSION = "arm", "version"


@dataclass(frozen=True)
class Who:
    """Who answers, as plain data from which any process can load them."""

    folders: Mapping[int, Path]
    """Version -> its package; a package that no catalog numbers is ALONE."""
    policy: Deployment | None
    """Which row is whose; None where one answers all."""
    model: str | None = None
    """The model in the catalog; None for a package of none."""
    trust: Trust | None = None
    contract: Path | None = None

    def load(self, registry: Registry) -> Panel:
        """Load them; raises what loading a package raises, and UsageError where they do not predict the same."""
        packages = {
            version: load_package(folder, registry, self.trust, self.contract)
            for version, folder in self.folders.items()
        }
        panel = Panel(packages, self.policy, self.model)
        panel.require_one_target()
        return panel


def who_answers(what: str | Path, trust: Trust | None, contract: Path | None, home: str | Path | None = None) -> Who:
    """Return who answers for what a name means; a model without a version goes by its policy."""
    found = find(what, home)
    if found.model is None or not found.whole:
        version = ALONE if found.version is None else found.version
        return Who({version: found.package().absolute()}, None, found.model, trust, contract)
    policy = open_workspace(home).catalog.deployments.current(found.model)
    versions = {found.version} if policy is None else {route.version for route in Router.of(policy).routes}
    folders = {int(one or ALONE): find(f"{found.model}:{one}", home).folder.absolute() for one in versions}
    return Who(folders, policy if len(versions) > 1 else None, found.model, trust, contract)


def asker(who: Who, explain: bool = False, by: str | Explains | None = None) -> Callable[[pl.DataFrame], Told]:
    """Return what answers chunks of rows, in whatever process this is called; explain: as `Panel.explaining`."""
    loaded = who.load(load_registry())
    panel = loaded.explaining(by) if explain else loaded

    def answer(rows: pl.DataFrame) -> Told:
        told = panel.ask(rows)
        return Framed(told.frame(), told.warnings)

    return answer


@dataclass(frozen=True)
class Framed:
    """What is told of some rows, as a table."""

    table: pl.DataFrame
    warnings: Mapping[int, tuple[str, ...]]

    def frame(self) -> pl.DataFrame:
        """Return one row a row, in order."""
        return self.table


@dataclass(frozen=True)
class Panel:
    """Loaded packages, and which row is whose."""

    packages: Mapping[int, LoadedPackage]
    policy: Deployment | None
    model: str | None
    movers: Mapping[int, Mover] = field(default_factory=dict)
    """Version -> who says what moved its answers; empty where nobody is to."""

    def explaining(self, by: str | Explains | None = None) -> Panel:
        """Return the same, which tells beside each answer what moved it; raises where somebody cannot say it."""
        return replace(self, movers={version: Mover.of(package, by) for version, package in self.packages.items()})

    @cached_property
    def live(self) -> LoadedPackage:
        """The package in charge."""
        first = next(iter(self.packages.values()))
        return first if self.policy is None else self.packages.get(self.policy.version, first)

    @property
    def version(self) -> int | None:
        """The number of the one that answers all; None where it has none, or several answer."""
        return None if self.policy is not None else next(iter(self.packages)) or None

    @cached_property
    def router(self) -> Router | None:
        """Who answers which row; None where one answers all."""
        return None if self.policy is None else Router.of(self.policy)

    @cached_property
    def tells_intervals(self) -> bool:
        """Whether every version tells an interval around its numbers; a table cannot have them of some rows alone."""
        predictors = [package.predictor for package in self.packages.values()]
        return all(isinstance(one, Decides) and one.intervals is not None for one in predictors)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The columns that no table of several versions has, as not every version tells them."""
        told = [package.predictor for package in self.packages.values()]
        sets = all(isinstance(one, TellsSets) and one.sets is not None for one in told)
        in_set = () if sets else (f"{IN_SET}{label_text(label)}" for label in self.live.target.classes)
        return (*(() if self.tells_intervals else BOUNDS), *in_set)

    def require_one_target(self) -> None:
        """Raise UsageError where versions do not predict the same."""
        for version, package in self.packages.items():
            if package.target != self.live.target:
                raise UsageError(
                    f"the policy of '{self.model}' lets version {version} answer, "
                    "which does not predict what the version in charge does",
                    hint=f"name one: {self.model}:{version}",
                )

    def ask(self, rows: pl.DataFrame) -> Told:
        """Return what is told of raw rows, which have their positions as ROW_ID: each by who is to answer it."""
        if self.router is None:
            told = ask(self.live, rows)
            if not self.movers:
                return told
            (mover,) = self.movers.values()
            return Framed(_beside_warnings(told.frame(), mover.frame(rows)), told.warnings)
        routes = self._routes(rows, self.router)
        parts = [self._part(route, places, rows) for route, places in routes.items()]
        return _merged([part for part, _ in parts], [warned for _, warned in parts])

    @cached_property
    def schema(self) -> Schema:
        """The columns that any of the packages takes."""
        columns = tuple(column for package in self.packages.values() for column in package.schema.columns)
        return Schema(columns, self.live.schema.texts)

    def keys(self, rows: pl.DataFrame) -> list[Any] | None:
        """Return the value of each row that decides its arm, as a server reads it; None where chance decides."""
        key = None if self.policy is None else self.policy.key
        if key is None:
            return None
        if key not in rows.columns:
            raise DataError(
                f"the policy of '{self.model}' goes by the column '{key}', and the data have none",
                hint=f"add it, or name a version: {self.model}:{self.policy.version}" if self.policy else None,
            )
        taken = [column for column in self.live.schema.columns if column.name == key]
        values = conform(rows.select(key), replace(self.live.schema, columns=(*taken,)))[key] if taken else rows[key]
        # A server takes every number of the input contract as float64, of which the text is another than a whole number's.
        return (values.cast(float) if taken and taken[0].kind == "number" else values).to_list()

    def _routes(self, rows: pl.DataFrame, router: Router) -> Mapping[Route, list[int]]:
        keys = self.keys(rows)
        places: list[Any] = rows[ROW_ID].to_list()
        # What would be chance for a server is the row's place here, so that the same command gives the same answers.
        values = places if keys is None else [place if key is None else key for key, place in zip(keys, places)]  # noqa: B905  of one length
        found: dict[Route, list[int]] = {}
        for index, value in enumerate(values):
            found.setdefault(router.route(value), []).append(index)
        return found

    def _part(self, route: Route, places: list[int], rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, Any]]:
        import polars as pl

        some = rows[places]
        prediction = self.packages[route.version].predict(some)
        # Those of the version in charge name every row.
        ids = id_column(some, self.live.roles)
        assert ids is not None
        frame = Answers(ids.alias("row_id"), prediction).frame().drop("warnings")
        frame = frame.drop(self.left_out, strict=False)
        if mover := self.movers.get(route.version):
            frame = frame.hstack(mover.frame(some))
        told = frame.with_columns(
            pl.lit(route.version, pl.Int64).alias(VERSION),
            pl.lit(route.arm).alias(ARM),
            pl.Series(ROW_ID, places, pl.UInt32),
        )
        return told, {places[place]: texts for place, texts in prediction.warnings.items()}


def _beside_warnings(frame: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Return answers with more columns before the last, which is their warnings."""
    return frame.drop("warnings").hstack(moved).with_columns(frame["warnings"])


def _merged(parts: list[pl.DataFrame], warned: list[dict[int, Any]]) -> Framed:
    import polars as pl

    # Versions may take different columns, which moved no answer of the others.
    frame = pl.concat(parts, how="diagonal").sort(ROW_ID).drop(ROW_ID)
    frame = frame.select(*(name for name in frame.columns if name not in (VERSION, ARM)), VERSION, ARM)
    warnings = {place: texts for some in warned for place, texts in some.items()}
    column = warnings_column(dict(sorted(warnings.items())), frame.height)
    # The columns that only a policy brings stand last.
    return Framed(frame.insert_column(frame.width - 2, column), warnings)
