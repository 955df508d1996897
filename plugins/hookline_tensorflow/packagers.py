"""The `saved_model` packager: writes TensorFlow's own format, and reads it back into a predictor."""

from __future__ import annotations

from pathlib import Path

from hookline import Package, Packager, Pipeline, Predictor, Stored, Trust
from hookline.errors import ExportError, UntrustedPackage
from hookline.kinds.formats.words import ONNX

from .model import KerasModel


class SavedModelPackager(Packager):
    """The whole pipeline as a TensorFlow SavedModel, from raw columns (texts and missing values included) to the decision.

    In the folder `saved_model`, with the signature `serving_default`. Its inputs are one raw column each, (n,): numbers and
    booleans float64 with NaN for missing, texts with "" for missing, datetimes int64 microseconds since 1970 UTC with the least
    int64 for missing; inputs.json says which input is which column. Outputs are `label` and `probabilities`, or `value` with
    `lower` and `upper`; where there are sets of classes, `set`. Nothing but TensorFlow is needed to run it. Reading it runs no
    code: operators other than those that stages, Keras's layers and decisions are written with are refused, and so is a model
    that has some, before it is written. Takes Keras models, behind stages that have words in ONNX.
    """

    name = "saved_model"
    extra = "tensorflow"
    tolerance = 1e-5

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("tensorflow", "keras", "onnx", "spox")

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return what runs a SavedModel; what writes one is not needed there."""
        return ("tensorflow",)

    def save(self, pipeline: Pipeline[KerasModel], path: Path) -> Package:
        """Write the folder `saved_model`.

        Raises ExportError naming the part that TensorFlow has no words for, or the operators that nobody would load untrusted.
        """
        from .checked import require_harmless
        from .exporting.saving import FOLDER, write

        write(pipeline, path)
        try:
            require_harmless(path / FOLDER, Trust())
        except UntrustedPackage as error:
            told = (
                f"the model has operators that are not known to be harmless: {error.message.partition('harmless: ')[2]}"
            )
            raise ExportError(told, hint="choose packager=[pickle], or another layer") from error
        return Package(path, self.name)

    def languages(self) -> tuple[str, ...]:
        """Return that of the graph which TensorFlow's is made of."""
        return (ONNX,)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Return a predictor on TensorFlow.

        Raises StoreError for a damaged file, and UntrustedPackage for operators that are not known to only compute.
        """
        from .predictor import SavedModelPredictor

        return SavedModelPredictor.of(stored, trust)
