"""Sources, transforms, the tabular featurizer and the drift monitor, on polars."""

from __future__ import annotations

from hookline import Featurizer, Monitor, Source, Transform, hookimpl

from .columns import Columns
from .definitions.bins import BinsTransform
from .definitions.crosses import CrossTransform
from .definitions.moments import CyclesTransform, HolidaysTransform
from .definitions.ratios import RatioTransform
from .definitions.words import TextCountsTransform, TfidfTransform
from .featurizers.tabular import TabularFeaturizer
from .featurizers.weights import WeightsFeaturizer
from .monitors.drift import DataDriftMonitor
from .monitors.predictions import PredictionDriftMonitor
from .monitors.quality import DataQualityMonitor
from .sources.file import FileSource
from .sources.join import JoinSource
from .sources.prediction_log import PredictionLogSource
from .sources.stack import StackSource
from .sources.synthetic import SyntheticSource
from .transforms.cast import CastTransform
from .transforms.chosen.order import SampleTransform, SortTransform
from .transforms.chosen.similar import DedupeSimilarTransform
from .transforms.clip import ClipTransform
from .transforms.forward import FillForwardTransform
from .transforms.map_values import MapValuesTransform
from .transforms.missing import ImputeTransform, NullValuesTransform
from .transforms.outliers import DropOutliersTransform, OutliersTransform
from .transforms.parse_numbers import ParseNumbersTransform
from .transforms.rows import DedupeTransform, DropMissingTargetTransform, FilterRowsTransform
from .transforms.said.coherence import CoherenceTransform, MendTransform
from .transforms.said.expressions import ExpressionsTransform
from .transforms.texts import NormalizeTextTransform, RareCategoriesTransform
from .transforms.written.moments import ParseDatesTransform
from .transforms.written.parts import SplitTextTransform
from .transforms.written.units import UnitsTransform

__all__ = [
    "BinsTransform",
    "CastTransform",
    "ClipTransform",
    "CoherenceTransform",
    "Columns",
    "CrossTransform",
    "CyclesTransform",
    "DataDriftMonitor",
    "DataQualityMonitor",
    "DedupeSimilarTransform",
    "DedupeTransform",
    "DropMissingTargetTransform",
    "DropOutliersTransform",
    "ExpressionsTransform",
    "FileSource",
    "FillForwardTransform",
    "FilterRowsTransform",
    "HolidaysTransform",
    "ImputeTransform",
    "JoinSource",
    "MapValuesTransform",
    "MendTransform",
    "NormalizeTextTransform",
    "NullValuesTransform",
    "OutliersTransform",
    "ParseDatesTransform",
    "ParseNumbersTransform",
    "PredictionDriftMonitor",
    "PredictionLogSource",
    "RareCategoriesTransform",
    "RatioTransform",
    "SampleTransform",
    "SortTransform",
    "SplitTextTransform",
    "StackSource",
    "SyntheticSource",
    "TabularFeaturizer",
    "TextCountsTransform",
    "TfidfTransform",
    "UnitsTransform",
    "WeightsFeaturizer",
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
        CoherenceTransform,
        CrossTransform,
        CyclesTransform,
        DedupeSimilarTransform,
        DedupeTransform,
        DropMissingTargetTransform,
        DropOutliersTransform,
        ExpressionsTransform,
        FillForwardTransform,
        FilterRowsTransform,
        HolidaysTransform,
        ImputeTransform,
        MapValuesTransform,
        MendTransform,
        NormalizeTextTransform,
        NullValuesTransform,
        OutliersTransform,
        ParseDatesTransform,
        ParseNumbersTransform,
        RareCategoriesTransform,
        RatioTransform,
        SampleTransform,
        SortTransform,
        SplitTextTransform,
        TextCountsTransform,
        TfidfTransform,
        UnitsTransform,
    ]


@hookimpl
def register_featurizers() -> list[type[Featurizer]]:
    """Return the featurizers."""
    return [TabularFeaturizer, WeightsFeaturizer]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitors."""
    return [DataDriftMonitor, DataQualityMonitor, PredictionDriftMonitor]
