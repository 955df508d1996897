"""What trainers of ready networks have in common: from rows to a model, and on from there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from hookline import Feature, Features
from hookline.data.learnable import require_finite, require_like, standard_of, truth_of
from hookline.errors import DataError

from ..model import TorchModel
from ..network import Network
from ..transformer import Transformer
from .fields import StepwiseFit


class ReadyTrainer(StepwiseFit):
    """Fits a network whose shape is plain data, so that its model is saved and exported without the code of its class."""

    embeds_categories = True

    @abstractmethod
    def network(self, features: Sequence[Feature], outputs: int) -> Network | Transformer:
        """Return the shape of the network for these features; outputs: classes, or 1 for a number."""

    def fit(self, train: Features, valid: Features | None) -> TorchModel:
        """Fit by gradient descent.

        Raises DataError where features are missing or not finite, or too few rows are at hand, and ConfigError for a device
        that is not there.
        """
        from ..training.fitting import train_module
        from ..training.loop import Loop, squared_or_cross_entropy
        from ..training.quiet import own_random_state

        train, valid = train.weighing(), valid.weighing() if valid else None
        assert train.target is not None
        center, scale = standard_of(train)
        network = self.network(train.features, len(train.target.classes) or 1)
        given = self._given(train, valid, center, scale)
        self._require_schedule(given)
        self.require_batches(len(given.train))
        with own_random_state(self.seed):
            module = network.build()
            loop = Loop(module, squared_or_cross_entropy, self._steps(), None)
            learned = train_module(loop, given, self._training())
        return TorchModel(module, network, train.names, center, scale, learned)

    def update(self, model: TorchModel, batch: Features) -> TorchModel:
        """Return another model after one epoch over `batch` from the weights of the given one, which stays as it was.

        batch: labeled, of the model's own features; weights count relative to each other
        Raises DataError for other features, classes that the model never saw, gaps, and a network of another shape.
        """
        from ..rows import Rows
        from ..training.fitting import train_module
        from ..training.lightning import Given
        from ..training.loop import Loop, squared_or_cross_entropy
        from ..training.quiet import own_random_state

        self._require_own(model, batch)
        batch = batch.weighing()
        require_finite(self.name, batch)
        rows = Rows.of(self.name, batch, model.center, model.scale)
        self.require_batches(len(rows))
        steps = self._steps(schedule="constant", warmup=0.0)
        with own_random_state(self.seed):
            module = model.network.build()
            module.load_state_dict(model.module.state_dict())
            loop = Loop(module, squared_or_cross_entropy, steps, model.steps)
            learned = train_module(loop, Given(rows, None, None), self._training(max_epochs=1, patience=None))
        return replace(model, module=module, steps=learned)

    def require_batches(self, rows: int) -> None:
        """Raise DataError where batches are too small for the network; of most they may be of one row."""
        return

    def _require_own(self, model: TorchModel, batch: Features) -> None:
        truth_of(self.name, batch)
        if not isinstance(model, TorchModel):
            raise self._not_own(type(model).__name__, "")
        own = self.network(batch.features, model.network.outputs)
        if str(own) != str(model.network):
            raise self._not_own(str(model.network), f" of a {own}")
        classifies = batch.target is not None and batch.target.task != "regression"
        require_like(batch, model.feature_names, range(model.network.outputs if classifies else 0))

    def _not_own(self, found: str, shape: str) -> DataError:
        return DataError(
            f"trainer '{self.name}'{shape} goes on from its own models, and this is a {found}",
            hint="update with the trainer that made the model",
        )
