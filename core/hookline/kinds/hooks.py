"""Everything a plugin may say: which components it adds, and what it does around a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy

from .component import Settings
from .features.online import OpenFeatures
from .features.sets import FeatureSet
from .kinds import Deployer, Evaluator, Featurizer, Monitor, Packager, Source, Trainer, Transform
from .reports import Finding, Severity
from .tracking.tracker import OpenTracker

PROJECT = "hookline"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Scorer = Callable[[Callable[[], Callable[[Any], Any]], Iterable[Any]], Iterator[Any]]
"""Takes what makes an answerer, and what it is to answer; gives the answers in order."""


@dataclass(frozen=True)
class StageInfo:
    """A stage as lifecycle hooks see it."""

    key: str
    """Where it stands in config, such as `trainer` or `transform.impute`; of one fold of a run `fold 2/5`."""
    component: str
    index: int
    count: int
    status: str = "running"
    """running, ran, cached, unneeded, pruned or failed."""
    seconds: float = 0.0
    why: str = ""
    """Why it ran ("trainer.depth changed 3 -> 5"), or that it was cached."""
    summary: str = ""
    """What came out, in a few words ("398 train, 171 test rows")."""


@dataclass(frozen=True)
class RunInfo:
    """A run as lifecycle hooks see it; `before_run` sees no results yet."""

    id: str
    name: str
    path: Path
    """The run's folder: config.json, plan.json, and results once there are any."""
    config: Mapping[str, Any]
    settings: Mapping[str, Settings]
    """Plugin settings by name."""
    status: str = "running"
    """running, finished, failed, interrupted, gated or pruned."""
    stages: tuple[StageInfo, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Everything report.html shows, as plain data; the keys are told in `hookline.runs.evidence`."""
    error: str | None = None
    home: Path | None = None
    """The home that the run belongs to; None: wherever this process keeps things."""


@dataclass(frozen=True)
class ModelInfo:
    """A model as lifecycle hooks see it."""

    name: str
    version: int | None
    """Its number in the catalog; None for a package folder that has none."""
    path: Path
    """The package's folder."""


@dataclass(frozen=True)
class Alert:
    """What a person is to be told of a model that is watched."""

    id: str
    """The same each time that it is sent, over whatever channel: who was sent it twice can drop one."""
    model: str
    severity: Severity
    """The worst of what it tells; `info` where alarms are over."""
    title: str
    """One line."""
    body: str
    """Plain text, which ends with the id."""
    kind: str = ""
    """What it is of: `drift`, `quality`, `service`, `slices` or whatever the last word of the monitor's name is; `retraining`;
    `several` where one message tells of more. Empty of what was kept by a hookline that did not say it."""


Channel = Callable[[Alert], None]
"""Delivers an alert, or raises why it could not."""


@dataclass(frozen=True)
class PageOptions:
    """Where pages of a home are served, and to whom."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8008
    """0 picks a free one."""
    token_file: Path | None = None
    """A token a line; None: a token is made at the start, and pages on this machine are read without it."""


PageServer = Callable[[PageOptions], None]
"""Serves pages until it is interrupted or terminated."""


@hookspec
def register_sources() -> Sequence[type[Source]]:
    """Return the sources that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_transforms() -> Sequence[type[Transform]]:
    """Return the transforms that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_featurizers() -> Sequence[type[Featurizer]]:
    """Return the featurizers that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_trainers() -> Sequence[type[Trainer]]:
    """Return the trainers that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_evaluators() -> Sequence[type[Evaluator]]:
    """Return the evaluators that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_packagers() -> Sequence[type[Packager]]:
    """Return the packagers that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_deployers() -> Sequence[type[Deployer]]:
    """Return the deployers that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_monitors() -> Sequence[type[Monitor]]:
    """Return the monitors that this plugin adds."""
    raise NotImplementedError


@hookspec
def register_settings() -> Sequence[type[Settings]]:
    """Return the settings of this plugin's lifecycle hooks; set under `settings.<name>`."""
    raise NotImplementedError


@hookspec
def register_configs() -> Sequence[str]:
    """Return importable config packages (such as "acme.conf") to add to Hydra's search path."""
    raise NotImplementedError


@hookspec
def register_feature_sets() -> Sequence[FeatureSet]:
    """Return the feature sets that this plugin defines; `features=[NAME]` puts one into a run."""
    raise NotImplementedError


@hookspec
def register_pages() -> Mapping[str, Callable[[Mapping[str, Any], Path], None]]:
    """Return the pages that this plugin writes: name -> a function that writes the page, from plain data, to a file.

    `report` is written from a run's evidence, after it and by `hookline report`; `leaderboard` from what a sweep came to
    (sweep, metric, varied, rows); `profile` from a table's, as `hookline data profile --json` tells it; `monitors` from
    what monitors found (model, reports); `benchmark` from what `hookline bench show --json` tells; `feature_history` from a
    feature in the versions of models (feature, versions). `report_cell`, `leaderboard_cell`, `profile_cell`, `monitors_cell` and
    `comparison_cell` are what a notebook shows of the same. Pages of other names are the plugin's own:
    `registry.render(name, data, path)` writes them.
    """
    raise NotImplementedError


@hookspec
def register_page_servers() -> Mapping[str, PageServer]:
    """Return what serves the pages of a home over HTTP, by the name: `ui` is what `hookline ui` starts.

    It binds before it says where it answers, and returns once it is interrupted or terminated. What its pages tell is told by
    `hookline.live.overview` and its neighbors as plain data.
    """
    raise NotImplementedError


@hookspec
def register_scorers() -> Mapping[str, Scorer]:
    """Return where `hookline predict --on NAME` has a table's chunks answered, by the name: the machines of a cluster, say.

    A scorer is given a function that makes, in whatever process it is called, what answers a chunk; and the chunks. It
    yields the answers in the order of the chunks, holding few of either at a time. Both can be pickled.
    """
    raise NotImplementedError


@hookspec
def alert_channels(settings: Mapping[str, Settings]) -> Mapping[str, Channel]:
    """Return where alerts of models that are watched go, as settings say: the name of a channel -> what delivers one.

    settings: of all plugins by name, as `settings.yaml` in the home says. A name stays the same as long as the channel does:
    by it the catalog keeps what is still to be delivered. A channel is called in a thread, with one alert at a time and in
    order; where it raises, the same alert is tried again later.
    """
    raise NotImplementedError


@hookspec
def register_trackers() -> Mapping[str, OpenTracker]:
    """Return what opens a tracker, by its name: where runs are sent and models are kept in step with.

    `hookline runs send` sends what waits, and `hookline models sync` brings versions and aliases in step.
    """
    raise NotImplementedError


@hookspec
def register_online_stores() -> Mapping[str, OpenFeatures]:
    """Return what opens a store of features' values, by the scheme of its URL, such as `redis`.

    HOOKLINE_ONLINE_STORE names one for `hookline features materialize` and for whoever answers; without it, they lie in a
    file of the home.
    """
    raise NotImplementedError


@hookspec
def before_run(run: RunInfo) -> None:
    """Act before the first stage of a run."""


@hookspec
def after_run(run: RunInfo) -> None:
    """Act once a run has ended, whatever its status."""


@hookspec
def before_stage(run: RunInfo, stage: StageInfo) -> None:
    """Act before a stage runs; a cached one only sees `after_stage`."""


@hookspec
def after_stage(run: RunInfo, stage: StageInfo) -> None:
    """Act after a stage has run, was found in the store, was not needed, or was pruned by its sweep."""


@hookspec
def on_stage_error(run: RunInfo, stage: StageInfo, error: BaseException) -> None:
    """Act on a failed stage; the error goes on afterwards."""


@hookspec
def on_finding(finding: Finding, run: RunInfo | None, model: ModelInfo | None) -> None:
    """Act on something that was found: in a run, or by a monitor that looks at what a model is asked.

    run: the run, where one found it; model: the model that is watched, where no run is. Both are None where a source tells it.
    """
