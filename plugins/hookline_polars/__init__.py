"""Sources, transforms, the tabular featurizer and the drift monitor, on polars."""

from __future__ import annotations

from hookline import Featurizer, Monitor, Source, Transform, hookimpl


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the sources."""
    from .files import FileSource
    from .synthetic import SyntheticSource

    return [FileSource, SyntheticSource]


@hookimpl
def register_transforms() -> list[type[Transform]]:
    """Return the transforms."""
    from .rows import DedupeTransform, DropMissingTargetTransform, FilterRowsTransform
    from .values import (
        CastTransform,
        ClipTransform,
        ImputeTransform,
        MapValuesTransform,
        NormalizeTextTransform,
        RareCategoriesTransform,
    )

    return [
        CastTransform,
        ClipTransform,
        DedupeTransform,
        DropMissingTargetTransform,
        FilterRowsTransform,
        ImputeTransform,
        MapValuesTransform,
        NormalizeTextTransform,
        RareCategoriesTransform,
    ]


@hookimpl
def register_featurizers() -> list[type[Featurizer]]:
    """Return the featurizers."""
    from .tabular import TabularFeaturizer

    return [TabularFeaturizer]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitors."""
    from .drift import DataDriftMonitor

    return [DataDriftMonitor]
