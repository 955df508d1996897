"""The sweeper that Hydra calls: it asks a study for trials, has the launcher run them in batches, and tells what they gave."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hookline.errors import ConfigError, MissingBackend, UnknownName, UsageError
from hookline.plans.hydra.compose import store_config
from hookline.sweeps.launcher import HooklineLauncher, sweep_of

from .pruners import Pruner, all_options, read_pruner

if TYPE_CHECKING:
    from hookline.sweeps.jobs import Sweep

    from .bench import Bench
    from .fields import Chosen
    from .space import Space
    from .study import Asked, Definition, Direction, Search

TRIALS = 20
SAID = {"failed": "FAIL", "pruned": "PRUNED"}
"""What is said of trials that did not end by themselves -> their state in the study."""


@dataclass
class SweeperConf:
    """What `hydra.sweeper.*` says."""

    _target_: str
    sampler: str | None = None
    """tpe, cmaes, gp, nsga2, random or grid; null is tpe, and nsga2 for several metrics."""
    n_trials: int | None = None
    """How many trials the study is to have; null is 20, and every point for grid."""
    n_jobs: int | None = None
    """Trials asked for at a time; null is one a worker of the launcher."""
    metric: Any = None
    """A metric, or several, for which the study then seeks the Pareto front; null is the one that heads the report."""
    direction: Any = None
    """minimize (the default) or maximize what another Hydra application returns; a metric of hookline knows its own."""
    spaces: list[str] = field(default_factory=list)
    """Kinds whose fields are searched between the bounds that components themselves give."""
    seed: int | None = None
    """Of the sampler; null is the run's."""
    study: str | None = None
    """A study to go on with: `last`, its id, or the id's first letters."""
    pruner: str | None = None
    """median, percentile, successive_halving, hyperband, patient or none; null is none, or what the study began with."""
    pruner_options: Any = field(default_factory=all_options)
    """Of the pruner, under optuna's own names; null leaves them as optuna has them."""
    params: dict[str, str] = field(default_factory=dict)
    """Overrides to search, as on the command line, for config files."""


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
    ) -> None:
        self.metrics, self.given_directions = _names(metric), _directions(direction)
        self.sampler, self.n_trials, self.n_jobs, self.seed = sampler, n_trials, n_jobs, seed
        self.spaces, self.study, self.params = list(spaces), study, dict(params or {})
        self.pruner, self.pruner_options = pruner, _given(pruner_options or {})
        self.sweep_of_ours: Sweep | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives every sweeper; raises UsageError for settings that do not go together."""
        from importlib.util import find_spec

        from hydra.core.plugins import Plugins

        if find_spec("optuna") is None:
            raise MissingBackend("hydra/sweeper=optuna", "optuna", "optuna")
        self.sweep_of_ours = sweep_of(task_function)
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
        """Search what another Hydra application returns; kept in memory only."""
        from .study import Search

        assert self.launcher is not None
        directions = self.given_directions or ("minimize",)
        space = self._space(arguments, None)
        search = Search(space, *self._settings(len(directions), self.seed or 0), directions=directions)
        returns: list[Sequence[JobReturn]] = []
        while asked := search.ask(self._batch()):
            first = sum(map(len, returns))
            returned = self.launcher.launch([trial.overrides for trial in asked], initial_job_idx=first)
            for trial, job in zip(asked, returned, strict=True):
                search.tell(trial.number, *_worth(job))
            returns.append(returned)
        return returns

    def _search_ours(self, sweep: Sweep, folder: Path, arguments: Sequence[str]) -> list[Sequence[JobReturn]]:
        from hookline.workspace.catalog.engine import WAIT_SECONDS
        from hookline.workspace.workspace import open_workspace

        from .bench import Bench
        from .study import Search, catalog_storage, define, read_definition

        assert isinstance(self.launcher, HooklineLauncher)
        catalog, name = open_workspace().catalog, folder.name
        storage = catalog_storage(catalog.database.url, WAIT_SECONDS)
        before = read_definition(storage, name) if self.study is not None else None
        arguments = arguments or (before.arguments if before else ())
        chosen, config = self._chosen(arguments, sweep)
        space = self._space(arguments, chosen)
        metrics = self.metrics or tuple(before.metrics if before else ())
        pruner = self._pruner(before, metrics)
        definition = _definition(space, chosen, config, metrics, arguments)
        bench = Bench(sweep, self.launcher, metrics)
        if before:
            bench.go_on(name, before, definition)
        sweep.check(space.probes(), self.launcher.compose)
        seed = self.seed if self.seed is not None else int(config.get("seed") or 0)
        directions: list[Direction] = ["maximize" for _ in metrics or "?"]
        settings = self._settings(len(directions), seed)
        search = Search(space, *settings, storage, name, directions, pruner)
        sweep.trials = search.trials
        if before is None:
            define(search.study, replace(definition, pruner=self.pruner, pruner_options=self.pruner_options))
            sweep.settings = {"sweeper": "optuna", **({"metrics": list(metrics)} if metrics else {})}
        sweep.keep = True
        try:
            returns = list(self._batches(search, bench))
        finally:
            sweep.close()
        _say(search, name)
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

    def _parsed(self, arguments: Sequence[str]) -> list[Any]:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        texts = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        # Of a key given twice the last counts, as Hydra has it.
        return list({override.get_key_element(): override for override in parser.parse_overrides(texts)}.values())

    def _chosen(self, arguments: Sequence[str], sweep: Sweep) -> tuple[Chosen, Mapping[str, Any]]:
        """Return the components that may be chosen, and the config of what is not searched."""
        from hookline.kinds.kinds import KINDS

        from .fields import chosen_in

        assert isinstance(self.launcher, HooklineLauncher)
        parsed = self._parsed(arguments)
        swept = [override for override in parsed if override.is_sweep_override()]
        searched = {o.key_or_group: list(o.sweep_string_iterator()) for o in swept if o.key_or_group in KINDS}
        held = [o for o in parsed if o not in swept and o.key_or_group.partition(".")[0] not in searched]
        config = self.launcher.compose([str(override.input_line) for override in held])
        return chosen_in(sweep.registry, searched, config), config

    def _space(self, arguments: Sequence[str], chosen: Chosen | None) -> Space:
        """Return what is searched and what is held fixed; raises UsageError where that is nothing, or makes no sense."""
        from .space import Fixed, Parameter, Space, domain_of

        parts: list[Parameter | Fixed] = []
        for override in (parsed := self._parsed(arguments)):
            key = override.key_or_group
            condition = chosen.condition(key) if chosen else None
            if override.is_sweep_override():
                domain = domain_of(override, whole=chosen is not None and chosen.is_whole(key))
                parts.append(Parameter(key, override.get_key_element(), domain, condition))
            else:
                parts.append(Fixed(str(override.input_line), condition))
        given = [override.key_or_group for override in parsed]
        for path in self.spaces if chosen else ():
            assert chosen is not None
            parts += chosen.parameters(path, given)
        space = Space(tuple(parts))
        if not space.parameters:
            raise UsageError(
                "nothing to search", hint="give choice(...), range(...) or interval(...), or hydra.sweeper.spaces"
            )
        return space


def store_options(package: str) -> None:
    """Make the sweeper an option of Hydra; `package` is where it finds it."""
    conf = SweeperConf(f"{package}.OptunaSweeper")
    store_config("optuna", conf, "hydra/sweeper")


def _names(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in options.items() if value is not None}


def _directions(given: Any) -> tuple[Direction, ...]:
    for name in (names := _names(given)):
        if name not in ("minimize", "maximize"):
            raise UnknownName("direction", name, ("minimize", "maximize"))
    return tuple("maximize" if name == "maximize" else "minimize" for name in names)


def _definition(
    space: Space, chosen: Chosen, config: Mapping[str, Any], metrics: Sequence[str], arguments: Sequence[str]
) -> Definition:
    from .study import Definition, flat

    held = {key: value for key, value in config.items() if key not in chosen.searched}
    # Through JSON and back, as it is read from the database.
    plain = json.loads(json.dumps(flat(held), default=str))
    return Definition(space.definition(), plain, space.conditional(), list(metrics), list(arguments))


def _go_on_in(config: DictConfig, study: str, sweep: Sweep | None) -> None:
    """Have a study that is gone on with write to the folder that it has."""
    from hookline.sweeps.ledger import Ledger
    from hookline.workspace.workspace import open_workspace

    if sweep is None:
        raise UsageError("hydra.sweeper.study: only studies of hookline are kept")
    # Hydra 1.4 gives a config that is not to be written to.
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = Ledger(open_workspace().catalog).sweep(study).path


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


def _worth(job: JobReturn) -> tuple[Sequence[float] | None, str]:
    """Return what another application's job returned as numbers, or None and why that cannot be."""
    if job.status != JobStatus.COMPLETED:
        try:
            job.return_value  # noqa: B018  raises what the job raised
        except Exception as error:  # noqa: BLE001  whatever a job raises is why its trial failed
            return None, f"{type(error).__name__}: {error}"
    returned = job.return_value
    values = returned if isinstance(returned, (list, tuple)) else (returned,)
    if not all(isinstance(value, (int, float)) for value in values):
        return None, f"it returned {returned!r}, which is no number"
    return [float(value) for value in values], ""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / "study.lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"another process is at study {folder.name}", hint="wait for it, or stop it") from None


def _say(search: Search, name: str) -> None:
    trials = search.study.get_trials(deepcopy=False)
    counts = {word: sum(trial.state.name == state for trial in trials) for word, state in SAID.items()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    of_them = f", of which {said}" if said else ""
    sys.stderr.write(f"study {name}: {len(trials)} trials by {search.sampler}{of_them}\n")
    if search.sampler != "grid":
        more = f"hydra.sweeper.study={name} hydra.sweeper.n_trials={2 * len(trials)}"
        sys.stderr.write(f"more: hookline -m hydra/sweeper=optuna {more}\n")
