"""Configs that Hydra composes under guard: nothing in them runs code, whoever wrote them, and none is too much to read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hydra._internal import hydra as hydra_module
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import OmegaConf

from hookline.workspace.yaml_size import read_bounded

from .allowed import check_composed, check_search_path, check_secrets
from .extent import check_extent

_typed: ContextVar[tuple[str, ...]] = ContextVar("hookline_typed", default=())


class GuardedLoader(ConfigLoaderImpl):
    """Hydra's loader, which hands out no config that would run code; the one door of every composition on 1.3 and 1.4."""

    def __init__(self, config_search_path: Any) -> None:
        super().__init__(config_search_path)
        self.typed = _typed.get()

    def _process_config_searchpath(self, config_name: str | None, parsed_overrides: Any, repo: Any) -> None:
        primary = repo.load_config(config_path=config_name) if config_name else None
        # Hydra imports the packages that it names before anything is composed.
        check_search_path(None if primary is None else primary.config, parsed_overrides)
        super()._process_config_searchpath(config_name, parsed_overrides, repo)

    def _load_configuration_impl(self, **given: Any) -> Any:  # type: ignore[override]  # 1.4 gives more, all by name
        config = super()._load_configuration_impl(**given)
        check_extent(OmegaConf.to_container(config, resolve=False))
        check_composed(config, self.typed)
        ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        # Before anything writes the master config of a sweep down.
        check_secrets(OmegaConf.to_container(ours, resolve=False), sweeps=given.get("run_mode") == RunMode.MULTIRUN)
        return config


class GuardedFiles(FileConfigSource):
    """Hydra's reader of config files, which looks at how large one is before it reads it."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the config of a file; raises ConfigError where it is too much to read."""
        path = Path(os.path.realpath(Path(self.path) / self._normalize_file_name(config_path)))
        if path.is_file():
            read_bounded(path)
        return super().load_config(config_path)


# Launchers hand the readers of one process to others, where Hydra tells by this name whether one is already known.
GuardedFiles.__name__ = FileConfigSource.__name__


@contextmanager
def guarded(typed: Sequence[str] = ()) -> Iterator[None]:
    """Have Hydra compose under guard within this block; typed: the overrides that are somebody's own words."""
    files, token = SourcesRegistry.instance().types, _typed.set(tuple(typed))
    before = (getattr(hydra_module, "ConfigLoaderImpl"), files["file"])  # noqa: B009  mypy knows no such export
    setattr(hydra_module, "ConfigLoaderImpl", GuardedLoader)  # noqa: B010  as above
    files["file"] = GuardedFiles
    try:
        yield
    finally:
        setattr(hydra_module, "ConfigLoaderImpl", before[0])  # noqa: B010  as above
        files["file"] = before[1]
        _typed.reset(token)
