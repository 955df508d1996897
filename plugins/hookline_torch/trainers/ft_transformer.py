"""The `ft_transformer` trainer: attention between the features of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Feature
from hookline.errors import ConfigError, Problem

from ..columns import Columns
from ..transformer import Transformer
from .ready import ReadyTrainer


class FtTransformerTrainer(ReadyTrainer):
    """A transformer for tables: each feature becomes a vector, and attention lets them tell each other what they are worth.

    FT-Transformer (Gorishniy, Rubachev, Khrulkov and Babenko 2021, "Revisiting deep learning models for tabular data",
    section 3.3), with the paper's default sizes and steps. Takes features as `mlp` does, and categories as codes
    (`featurizer.tabular.categorical=codes`): a one-hot column a category would be a vector each. Its cost grows with
    the square of the number of features; on a CPU begin with `blocks=1 width=32`.
    """

    name = "ft_transformer"
    blocks: Annotated[int, Gt(0)] = 3
    """Rounds of attention."""
    width: Annotated[int, Gt(0)] = 192
    """Numbers that each feature becomes; a multiple of `heads`."""
    heads: Annotated[int, Gt(0)] = 8
    """Parts of the vectors that attend apart."""
    hidden_factor: Annotated[float, Gt(0)] = 4 / 3
    """Units between the two layers of a block, as a multiple of `width`."""
    attention_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.2
    """Share of attention left out at random while training."""
    hidden_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """Share of a block's hidden units left out at random while training."""
    residual_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of what a block adds that is left out at random while training."""
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    """Step size of AdamW."""
    weight_decay: Annotated[float, Interval(ge=0)] = 1e-5
    """Decoupled weight decay, but of vectors, normalizations and offsets."""
    batch_size: Annotated[int, Gt(0)] = 256
    """Rows in a step, those of all devices together."""
    patience: Annotated[int, Gt(0)] | None = 16
    """Epochs without a better validation loss before training stops; null never stops early."""

    def network(self, features: Sequence[Feature], outputs: int) -> Transformer:
        """Return tokens and blocks; raises ConfigError where `width` cannot be shared out among `heads`."""
        if self.width % self.heads:
            told = f"must be a multiple of trainer.heads, {self.heads}, got {self.width}"
            raise ConfigError("bad config for trainer 'ft_transformer'", [Problem("trainer.width", told)])
        return Transformer(
            columns=Columns.of(features),
            outputs=outputs,
            blocks=self.blocks,
            width=self.width,
            heads=self.heads,
            hidden=max(1, int(self.width * self.hidden_factor)),
            dropouts=(self.attention_dropout, self.hidden_dropout, self.residual_dropout),
        )
