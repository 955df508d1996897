"""Packages as a packager writes them and a deployer is given them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hookline.kinds.deployments import Package
from hookline.packages.pipeline import Pipeline
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.registry.registry import Registry, load_registry

from .subject import Subject
from .tables.parts import SampleFeaturizer


@contextmanager
def saved(subject: Subject, pipeline: Pipeline[Any]) -> Iterator[StoredPackage]:
    """Save a pipeline with the packager into a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        write_pipeline(pipeline, Path(name))
        subject.component.save(pipeline, Path(name))
        yield StoredPackage(Path(name), known_to(subject))


def known_to(subject: Subject) -> Registry:
    """Return a registry of the kit's featurizer and the component itself, which no plugin need register."""
    return load_registry().knowing([SampleFeaturizer, type(subject.component)])


def sample_package(version: int = 7) -> Package:
    """Return a registered package, as a deployer is given it."""
    return Package(Path("model"), "pickle", "churn", version)
