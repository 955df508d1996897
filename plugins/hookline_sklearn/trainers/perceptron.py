"""A network of scikit-learn's own, for those who have no PyTorch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from .estimator import EstimatorTrainer, fields_of


class SklearnMlpTrainer(EstimatorTrainer):
    """A small multilayer perceptron in NumPy, trained by Adam; `mlp` of the torch plugin does more."""

    name = "sklearn_mlp"
    hidden_layer_sizes: tuple[Annotated[int, Gt(0)], ...] = (100,)
    """Units of each hidden layer."""
    activation: Literal["relu", "tanh", "logistic"] = "relu"
    """What a unit makes of its sum."""
    alpha: Annotated[float, Ge(0)] = 1e-4
    """Strength of the L2 penalty."""
    learning_rate_init: Annotated[float, Gt(0)] = 1e-3
    """Step size of Adam."""
    batch_size: Annotated[int, Gt(0)] | Literal["auto"] = "auto"
    """Rows a step; `auto` is 200, or all where there are fewer."""
    max_iter: Annotated[int, Gt(0)] = 200
    """Most passes over the rows."""
    tol: Annotated[float, Gt(0)] = 1e-4
    """Gain that counts as one."""
    early_stopping: bool = False
    """Whether to stop once a tenth of the training rows, kept apart, no longer gains."""
    n_iter_no_change: Annotated[int, Gt(0)] = 10
    """Passes without gain before stopping."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the first weights, of the shuffling and of the rows kept apart."""

    def estimator(self, task: str) -> Any:
        """Return an MLPClassifier or MLPRegressor."""
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        return (MLPRegressor if task == "regression" else MLPClassifier)(**fields_of(self))
