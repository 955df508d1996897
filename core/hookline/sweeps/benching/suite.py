"""A suite, as its file says it: data sets, pipelines, and how often each is run on each; checked before the first run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Gt, Len

from hookline.errors import ConfigError, HooklineError, Problem, UnknownName
from hookline.plans.config import RunConfig, resolve
from hookline.plans.hydra.compose import compose
from hookline.plans.json_schema import benchmark_files
from hookline.registry.registry import Registry
from hookline.registry.values import validate
from hookline.runs.sequence import plan_run
from hookline.workspace.yaml_size import read_tree

SUCH = "repeats: 3"
MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Suite:
    """Data sets x pipelines x repeats, each said by the words that stand behind `hookline` on a command line."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    data: Annotated[Mapping[str, tuple[str, ...]], Len(1)]
    """Name -> what a run on it says, such as `[source=iris]`."""
    pipelines: Annotated[Mapping[str, tuple[str, ...]], Len(2)]
    """Name -> what a run with it says, such as `[trainer=ridge]`."""
    title: str = ""
    metric: str | None = None
    """What ranks the pipelines; by default the metric that heads a report."""
    repeats: Annotated[int, Gt(0)] = 1
    """How often a pipeline is run on a data set, with one seed more each time."""
    seed: int = 0
    common: tuple[str, ...] = ()
    """What every run says."""

    @property
    def digest(self) -> str:
        """What the suite is known by: benches of one digest go on with each other."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def cells(self) -> Iterator[Cell]:
        """Yield every run, data set by data set."""
        for data, rows in self.data.items():
            for repeat in range(self.repeats):
                for pipeline, made in self.pipelines.items():
                    words = (*self.common, *rows, *made, f"seed={self.seed + repeat}")
                    yield Cell(data, pipeline, repeat, words)


@dataclass(frozen=True)
class Cell:
    """One run of a suite."""

    data: str
    pipeline: str
    repeat: int
    overrides: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is known by."""
        return self.data, self.pipeline, self.repeat


def suites(registry: Registry, config_dir: Path | None = None) -> dict[str, str]:
    """Return name -> title of every suite in the config packages and in a folder of the user's own."""
    found = {name: str(_parsed(text, name).get("title", "")) for name, text in benchmark_files(registry).items()}
    own = sorted((config_dir / "benchmark").glob("*.yaml")) if config_dir else []
    return found | {path.stem: str(read_tree(path, SUCH).get("title", "")) for path in own}


def read_suite(registry: Registry, name: str, config_dir: Path | None = None) -> Suite:
    """Return the suite of a name or a file; raises UnknownName, or ConfigError with every problem of its values."""
    own = config_dir / "benchmark" / f"{name}.yaml" if config_dir else None
    path = own if own is not None and own.is_file() else Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return suite_of(read_tree(path, SUCH), str(path))
    packaged = benchmark_files(registry)
    if name not in packaged:
        raise UnknownName("suite", name, suites(registry, config_dir), hint=None)
    return suite_of(_parsed(packaged[name], name), name)


def suite_of(tree: Any, name: str = "suite") -> Suite:
    """Return the suite that plain values say; raises ConfigError with every problem of them."""
    found: Suite = validate(Suite, dict(tree), "", f"bad suite '{name}'")
    return found


def checked(registry: Registry, suite: Suite, config_dir: Path | None = None) -> dict[tuple[str, str, int], RunConfig]:
    """Return the config of every cell; raises ConfigError with what is wrong with each, before anything runs."""
    configs, problems = {}, []
    for cell in suite.cells():
        try:
            configs[cell.key] = _config(registry, cell, config_dir)
        except HooklineError as error:
            if cell.repeat:
                continue  # The first repeat has said it.
            where = f"{cell.data} x {cell.pipeline}"
            found = error.problems if isinstance(error, ConfigError) else [error.message.splitlines()[0]]
            problems += [Problem(where, str(one)) for one in found]
    if problems:
        shown, more = problems[:MOST_PROBLEMS], len(problems) - MOST_PROBLEMS
        raise ConfigError(
            "nothing was run: the suite is wrong", [*shown, *([Problem("...", f"and {more} more")] if more > 0 else [])]
        )
    return configs


def _config(registry: Registry, cell: Cell, config_dir: Path | None) -> RunConfig:
    # Of many models at once none is to be put in charge.
    config = resolve(registry, {**compose(registry, cell.overrides, config_dir), "deployer": None})
    plan_run(registry, config)
    return config


def _parsed(text: str, name: str) -> Mapping[str, Any]:
    """Return what a suite of a config package says; raises ConfigError where it is no YAML."""
    import yaml

    try:
        found: Mapping[str, Any] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"bad suite '{name}'", [Problem("the file", f"is no YAML: {str(error).splitlines()[0]}")]
        ) from None
    return found
