"""A working component of each kind, as a new plugin begins with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .learning import FEATURIZER, SOURCE, TRAINER, TRANSFORM
from .production import DEPLOYER, EVALUATOR, MONITOR, PACKAGER


@dataclass(frozen=True)
class Template:
    """A working component of one kind."""

    name: str
    cls: str
    code: str
    use: str
    """A command line that runs it."""
    needs: tuple[str, ...] = ()
    """Requirements beyond hookline."""


COMPONENTS: Mapping[str, Template] = {
    "source": Template("squares", "SquaresSource", SOURCE, "hookline source=@COMPONENT@ trainer=ridge"),
    "transform": Template(
        "center", "CenterTransform", TRANSFORM, "hookline source=iris 'transform=[@COMPONENT@]' 'packager=[skops]'"
    ),
    "featurizer": Template(
        "plain", "PlainFeaturizer", FEATURIZER, "hookline source=iris 'featurizer=[@COMPONENT@]' 'packager=[skops]'"
    ),
    "trainer": Template(
        "nearest", "NearestTrainer", TRAINER, "hookline source=iris trainer=@COMPONENT@", ("scikit-learn>=1.6",)
    ),
    "evaluator": Template(
        "errors", "ErrorsEvaluator", EVALUATOR, "hookline source=iris 'evaluator=[standard,@COMPONENT@]'"
    ),
    "packager": Template("compressed", "CompressedPackager", PACKAGER, "hookline source=iris 'packager=[@COMPONENT@]'"),
    "deployer": Template("share", "ShareDeployer", DEPLOYER, "hookline source=iris deployer=@COMPONENT@"),
    "monitor": Template("few_rows", "FewRowsMonitor", MONITOR, "hookline source=iris 'monitor=[@COMPONENT@]'"),
}
"""Kind -> what a new plugin of that kind brings."""
