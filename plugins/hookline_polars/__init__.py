"""Sources, transforms, the tabular featurizer and the drift monitor, on polars."""

from __future__ import annotations

from hookline import Featurizer, Monitor, Source, Transform, hookimpl

from .columns import Columns
from .definitions.bins import BinsTransform
from .definitions.crosses import CrossTransform
from .definitions.expressions import ExpressionsTransform
from .definitions.moments import CyclesTransform, HolidaysTransform
from .definitions.ratios import RatioTransform
from .definitions.words import TextCountsTransform, TfidfTransform
from .featurizers.tabular import TabularFeaturizer
from .monitors.drift import DataDriftMonitor
from .monitors.predictions import PredictionDriftMonitor
from .monitors.quality import DataQualityMonitor
from .sources.file import FileSource
from .sources.join import JoinSource
from .sources.prediction_log import PredictionLogSource
from .sources.stack import StackSource
from .sources.synthetic import SyntheticSource
from .transforms.cast import CastTransform
from .transforms.clip import ClipTransform
from .transforms.map_values import MapValuesTransform
from .transforms.missing import ImputeTransform, NullValuesTransform
from .transforms.outliers import DropOutliersTransform, OutliersTransform
from .transforms.parse_numbers import ParseNumbersTransform
from .transforms.rows import DedupeTransform, DropMissingTargetTransform, FilterRowsTransform
from .transforms.texts import NormalizeTextTransform, RareCategoriesTransform

__all__ = [
    "BinsTransform",
    "CastTransform",
    "ClipTransform",
    "Columns",
    "CrossTransform",
    "CyclesTransform",
    "DataDriftMonitor",
    "DataQualityMonitor",
    "DedupeTransform",
    "DropMissingTargetTransform",
    "DropOutliersTransform",
    "ExpressionsTransform",
    "FileSource",
    "FilterRowsTransform",
    "HolidaysTransform",
    "ImputeTransform",
    "JoinSource",
    "MapValuesTransform",
    "NormalizeTextTransform",
    "NullValuesTransform",
    "OutliersTransform",
    "ParseNumbersTransform",
    "PredictionDriftMonitor",
    "PredictionLogSource",
    "RareCategoriesTransform",
    "RatioTransform",
    "StackSource",
    "SyntheticSource",
    "TabularFeaturizer",
    "TextCountsTransform",
    "TfidfTransform",
]


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the sources."""
    return [FileSource, JoinSource, PredictionLogSource, StackSource, SyntheticSource]


@hookimpl
def register_transforms() -> list[type[Transform]]:
    """Return the transforms."""
    return [
        BinsTransform,
        CastTransform,
        ClipTransform,
        CrossTransform,
        CyclesTransform,
        DedupeTransform,
        DropMissingTargetTransform,
        DropOutliersTransform,
        ExpressionsTransform,
        FilterRowsTransform,
        HolidaysTransform,
        ImputeTransform,
        MapValuesTransform,
        NormalizeTextTransform,
        NullValuesTransform,
        OutliersTransform,
        ParseNumbersTransform,
        RareCategoriesTransform,
        RatioTransform,
        TextCountsTransform,
        TfidfTransform,
    ]


@hookimpl
def register_featurizers() -> list[type[Featurizer]]:
    """Return the featurizers."""
    return [TabularFeaturizer]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitors."""
    return [DataDriftMonitor, DataQualityMonitor, PredictionDriftMonitor]
