"""The sweeper that Hydra calls: it asks a study for trials, has the launcher run them in batches, and tells what they gave."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hookline.errors import ConfigError, MissingBackend, UsageError
from hookline.sweeps.hydra.launcher import HooklineLauncher, sweep_of

from ..pruners import Pruner, read_pruner
from ..study import WARM
from .options import directions_in, names_in, options_in

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from hookline.sweeps.ledger import SweepRecord
    from hookline.sweeps.sweep import Sweep

    from ..bench import Bench
    from ..definition import Definition
    from ..study import Asked, Direction, Search

TRIALS = 20
HALVING = "successive_halving"
SAID = {"failed": "FAIL", "pruned": "PRUNED"}
"""What is said of trials that did not end by themselves -> their state in the study."""


class OptunaSweeper(Sweeper):
    """Searches with optuna what Hydra's grammar spans."""

    def __init__(
        self,
        sampler: str | None = None,
        n_trials: int | None = None,
        n_jobs: int | None = None,
        metric: Any = None,
        direction: Any = None,
        spaces: Sequence[str] = (),
        seed: int | None = None,
        study: str | None = None,
        pruner: str | None = None,
        pruner_options: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        warm_start: str | None = None,
    ) -> None:
        self.metrics, self.given_directions = names_in(metric), directions_in(direction)
        self.sampler, self.n_trials, self.n_jobs, self.seed = sampler, n_trials, n_jobs, seed
        self.spaces, self.study, self.params = list(spaces), study, dict(params or {})
        self.pruner, self.pruner_options = pruner, options_in(pruner_options or {})
        self.warm_start = warm_start
        self.sweep_of_ours: Sweep | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives every sweeper; raises UsageError for settings that do not go together."""
        from importlib.util import find_spec

        from hydra.core.plugins import Plugins

        if find_spec("optuna") is None:
            raise MissingBackend("hydra/sweeper=optuna", "optuna", "optuna")
        self.sweep_of_ours = sweep_of(task_function)
        if self.warm_start is not None and (self.study is not None or self.sweep_of_ours is None):
            why = "a study that is gone on with has its trials" if self.study else "only trials of hookline are kept"
            raise UsageError(f"hydra.sweeper.warm_start: {why}", hint="leave it out")
        if self.warm_start is not None:
            # Known before a study is begun in vain.
            self.warm_start = _record(self.warm_start).id
        if self.study is not None:
            _go_on_in(config, self.study, self.sweep_of_ours)
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        if self.sweep_of_ours and not isinstance(self.launcher, HooklineLauncher):
            raise UsageError(
                "hydra/sweeper=optuna needs hydra/launcher=hookline or ray", hint="leave the launcher as it is"
            )
        if self.sweep_of_ours and self.given_directions:
            raise UsageError("hydra.sweeper.direction: a metric knows which way it is better", hint="leave it out")
        if read_pruner(self.pruner, self.pruner_options) and self.sweep_of_ours is None:
            raise UsageError("hydra.sweeper.pruner: only trials of hookline report steps", hint="leave it out")

    def sweep(self, arguments: list[str]) -> Any:
        """Search until the study has its trials; returns what each batch returned."""
        assert self.config is not None  # It comes from `setup`, as do the context and the launcher.
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        with _alone(folder):
            if self.sweep_of_ours is None:
                return self._search_any(arguments)
            return self._search_ours(self.sweep_of_ours, folder, arguments)

    def _search_any(self, arguments: Sequence[str]) -> list[Sequence[JobReturn]]:
        from ..study import Search
        from .applications import search_any
        from .grammar import space_in

        assert self.launcher is not None
        directions = self.given_directions or ("minimize",)
        space = space_in(self._parsed(arguments))
        search = Search(space, *self._settings(len(directions), self.seed or 0), directions=directions)
        return search_any(search, self.launcher, self._batch())

    def _search_ours(self, sweep: Sweep, folder: Path, arguments: Sequence[str]) -> list[Sequence[JobReturn]]:
        from hookline.workspace.catalog.sql.engine import WAIT_SECONDS
        from hookline.workspace.workspace import open_workspace

        from ..bench import Bench
        from ..definition import definition_of
        from ..storage import catalog_storage, define, read_definition
        from ..study import Search
        from .grammar import choose, space_in

        assert isinstance(self.launcher, HooklineLauncher)
        catalog, name = open_workspace().catalog, folder.name
        storage = catalog_storage(catalog.database.url, WAIT_SECONDS)
        before = read_definition(storage, name) if self.study is not None else None
        arguments = arguments or (before.arguments if before else ())
        parsed = self._parsed(arguments)
        chosen, config = choose(sweep.registry, parsed, self.launcher.compose)
        space = space_in(parsed, chosen, self.spaces)
        metrics = self.metrics or tuple(before.metrics if before else ())
        pruner = self._pruner(before, metrics)
        if config.get("rungs") and pruner is None and before is None:
            raise UsageError(
                "rungs: without a pruner no trial is given up by them", hint=f"hydra.sweeper.pruner={HALVING}"
            )
        definition = definition_of(space, chosen, config, metrics, arguments)
        bench = Bench(sweep, self.launcher, metrics)
        if before:
            bench.go_on(name, before, definition)
        sweep.check(space.probes(), self.launcher.compose)
        seed = self.seed if self.seed is not None else int(config.get("seed") or 0)
        directions: list[Direction] = ["maximize" for _ in metrics or "?"]
        search = Search(space, *self._settings(len(directions), seed), storage, name, directions, pruner)
        sweep.trials, sweep.searched = search.trials, space.searched()
        if before is None:
            define(search.study, replace(definition, pruner=self.pruner, pruner_options=self.pruner_options))
            sweep.settings = {"sweeper": "optuna", **({"metrics": list(metrics)} if metrics else {})}
            if self.warm_start is not None:
                sys.stderr.write(f"{bench.warm_up(search, self.warm_start)}\n")
        return self._searched(search, bench)

    def _searched(self, search: Search, bench: Bench) -> list[Sequence[JobReturn]]:
        """Search to the end with workers that are kept from batch to batch, and say what came of it."""
        bench.sweep.keep = True
        try:
            returns = list(self._batches(search, bench))
        finally:
            bench.sweep.close()
        _say(search)
        return returns

    def _batches(self, search: Search, bench: Bench) -> Iterator[Sequence[JobReturn]]:
        begun = bench.finish(search)
        if begun:
            yield bench.run(search, begun)
        while asked := search.ask(self._batch()):
            if sound := [trial for trial in asked if _is_sound(search, bench, trial)]:
                yield bench.run(search, sound)

    def _pruner(self, before: Definition | None, metrics: Sequence[str]) -> Pruner | None:
        """Return the pruner that was asked for, or that a study began with; raises UsageError for several metrics."""
        if self.pruner is None and before is not None:
            pruner = read_pruner(before.pruner, self.pruner_options or before.pruner_options)
        else:
            pruner = read_pruner(self.pruner, self.pruner_options)
        if pruner is not None and not getattr(self.launcher, "answering", False):
            raise UsageError(
                "hydra.sweeper.pruner: workers of this launcher cannot be stopped by what they report",
                hint="leave the pruner out, or take hydra/launcher=hookline",
            )
        if pruner is not None and len(metrics) > 1:
            raise UsageError(
                "hydra.sweeper.pruner: a search for several metrics cannot be pruned",
                hint="search for one, or leave it out",
            )
        return pruner

    def _settings(self, metrics: int, seed: int) -> tuple[str, int, int | None]:
        sampler = self.sampler or ("tpe" if metrics == 1 else "nsga2")
        trials = self.n_trials if self.n_trials is not None or sampler == "grid" else TRIALS
        return sampler, seed, trials

    def _batch(self) -> int:
        return self.n_jobs or (self.launcher.workers if isinstance(self.launcher, HooklineLauncher) else 1)

    def _parsed(self, arguments: Sequence[str]) -> list[Override]:
        from .grammar import parse

        assert self.hydra_context is not None
        return parse(self.hydra_context.config_loader, self.params, arguments)


def _go_on_in(config: DictConfig, study: str, sweep: Sweep | None) -> None:
    """Have a study that is gone on with write to the folder that it has."""
    if sweep is None:
        raise UsageError("hydra.sweeper.study: only studies of hookline are kept")
    # Hydra 1.4 gives a config that is not to be written to.
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = _record(study).path


def _record(sweep: str) -> SweepRecord:
    """Return a sweep by `last`, its id, or the id's first letters; raises UnknownName."""
    from hookline.sweeps.ledger import Ledger
    from hookline.workspace.workspace import open_workspace

    return Ledger(open_workspace().catalog).sweep(sweep)


def _is_sound(search: Search, bench: Bench, trial: Asked) -> bool:
    """Tell whether a trial can be run; one that cannot has failed, and says why."""
    try:
        bench.check(trial)
    except ConfigError as error:
        why = "; ".join(problem.message for problem in error.problems)
        search.tell(trial.number, None, why)
        sys.stderr.write(f"✗ {' '.join(trial.overrides)}  cannot be run: {why}\n")
        return False
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / "study.lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"another process is at study {folder.name}", hint="wait for it, or stop it") from None


def _say(search: Search) -> None:
    trials = [trial for trial in search.study.get_trials(deepcopy=False) if WARM not in trial.user_attrs]
    counts = {word: sum(trial.state.name == state for trial in trials) for word, state in SAID.items()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    of_them = f", of which {said}" if said else ""
    sys.stderr.write(f"study {search.name}: {len(trials)} trials by {search.sampler}{of_them}\n")
    if search.sampler != "grid":
        more = f"hydra.sweeper.study={search.name} hydra.sweeper.n_trials={2 * len(trials)}"
        sys.stderr.write(f"more: hookline -m hydra/sweeper=optuna {more}\n")
