"""Modules of PyTorch that our networks are made of; torch is imported here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

SMALL = 0.05
"""Standard deviation of fresh embeddings, small beside numbers of variance 1."""


class Embeddings(nn.Module):
    """Tables of vectors, one a column of codes: position of the category + 1, and 0 where it is unseen or missing.

    The vector of what is unseen begins at 0, and stays there where no training row misses the value.
    weights: of columns; what the tables hold is multiplied by them
    """

    def __init__(
        self, places: Sequence[int], sizes: Sequence[int], widths: Sequence[int], weights: Sequence[float]
    ) -> None:
        super().__init__()
        self.places, self.weights = tuple(places), tuple(weights)
        tables = [nn.Embedding(size + 1, width) for size, width in zip(sizes, widths, strict=True)]
        for table in tables:
            nn.init.normal_(table.weight, std=SMALL)
            nn.init.zeros_(table.weight[0])
        self.tables = nn.ModuleList(tables)

    def forward(self, X: torch.Tensor) -> list[torch.Tensor]:
        """Return the vectors of each column: (n, width) each."""
        codes = X[:, list(self.places)].long() + 1
        return [table(codes[:, place]) * self.weights[place] for place, table in enumerate(self.tables)]


class Embedded(nn.Module):
    """Numbers as they are, and behind them the vector of each category: (n, n_features) -> (n, n_numbers + all widths)."""

    def __init__(self, numbers: Sequence[int], embeddings: Embeddings) -> None:
        super().__init__()
        self.numbers, self.embeddings = list(numbers), embeddings

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the row that the first layer sees."""
        return torch.cat([X[:, self.numbers], *self.embeddings(X)], dim=1)


class Tokens(nn.Module):
    """Each feature as a vector, behind one that stands for the answer: (n, n_features) -> (n, 1 + n_features, width).

    Numbers come first, then categories, each in its order. Gorishniy et al. 2021, section 3.3, "Feature Tokenizer".
    """

    def __init__(self, numbers: Sequence[int], embeddings: Embeddings, width: int) -> None:
        super().__init__()
        self.numbers, self.embeddings = list(numbers), embeddings
        bound = width**-0.5
        self.answer = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.factors = nn.Parameter(torch.empty(len(numbers), width).uniform_(-bound, bound))
        features = len(numbers) + len(embeddings.places)
        self.offsets = nn.Parameter(torch.empty(features, width).uniform_(-bound, bound))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the vectors."""
        scaled = X[:, self.numbers, None] * self.factors
        codes = [vector[:, None] for vector in self.embeddings(X)]
        features = torch.cat([scaled, *codes], dim=1) + self.offsets
        return torch.cat([self.answer.expand(len(X), 1, -1), features], dim=1)


class Block(nn.Module):
    """Attention, then two layers with ReGLU between them, each normalized before and added to what comes in.

    Of the first block the first normalization is left out, and of the last one only the answer's vector is worked out.
    """

    def __init__(
        self, width: int, heads: int, hidden: int, dropouts: tuple[float, float, float], *, first: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.attention_dropout, hidden_dropout, residual_dropout = dropouts
        self.before_attention = nn.Identity() if first else nn.LayerNorm(width)
        self.queries, self.keys, self.values = (nn.Linear(width, width) for _ in range(3))
        self.together = nn.Linear(width, width)
        self.before_hidden = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)
        self.hidden_dropout, self.residual_dropout = nn.Dropout(hidden_dropout), nn.Dropout(residual_dropout)

    def forward(self, tokens: torch.Tensor, asked: int) -> torch.Tensor:
        """Return the first `asked` vectors of each row: (n, n_tokens, width) -> (n, asked, width)."""
        seen = self.before_attention(tokens)
        attended = self.together(self._attend(seen, asked))
        tokens = tokens[:, :asked] + self.residual_dropout(attended)
        value, gate = self.wide(self.before_hidden(tokens)).chunk(2, dim=2)
        hidden = self.hidden_dropout(value * functional.relu(gate))
        added: torch.Tensor = tokens + self.residual_dropout(self.narrow(hidden))
        return added

    def _attend(self, seen: torch.Tensor, asked: int) -> torch.Tensor:
        def heads(part: torch.Tensor) -> torch.Tensor:
            return part.view(len(part), -1, self.heads, part.shape[2] // self.heads).transpose(1, 2)

        queries, keys, values = heads(self.queries(seen[:, :asked])), heads(self.keys(seen)), heads(self.values(seen))
        dropout = self.attention_dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout)
        return found.transpose(1, 2).flatten(2)


class TransformerModule(nn.Module):
    """Tokens, blocks, and a linear layer on the answer's vector: float32 (n, n_features) -> (n, n_outputs)."""

    def __init__(self, tokens: Tokens, blocks: Sequence[Block], width: int, outputs: int) -> None:
        super().__init__()
        self.tokens, self.blocks = tokens, nn.ModuleList(blocks)
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, outputs)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return one output a class, or a number."""
        tokens = self.tokens(X)
        for place, block in enumerate(self.blocks):
            tokens = block(tokens, 1 if place == len(self.blocks) - 1 else tokens.shape[1])
        answer: torch.Tensor = self.last(functional.relu(self.norm(tokens[:, 0])))
        return answer

    def undecayed(self) -> list[str]:
        """Return the parameters that do not decay: those of tokens and normalizations, and what is only added."""
        return [
            name
            for name, value in self.named_parameters()
            if name.startswith("tokens.") or "norm" in name or "before_" in name or name.endswith("bias")
        ]
