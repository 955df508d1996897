"""What a translated operator is given: the node, and the values between nodes that are no tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import onnx
import torch

from hookline.errors import ExportError

if TYPE_CHECKING:
    import numpy as np

Operator: TypeAlias = Callable[..., Any]
"""Makes a node's output, or a tuple of several, of its inputs."""


@dataclass(frozen=True)
class Text:
    """Texts as UTF-8: uint8 (*shape, width), `answers.PAD` behind each; a missing one is empty."""

    bytes: torch.Tensor


class Sizes(tuple[Any, ...]):
    """The shape of a tensor, of which the number of rows is not known beforehand."""


@dataclass(frozen=True)
class Node:
    """One operator of a graph.

    fixed: each input's value where the graph holds it, None where it comes with the rows
    width: bytes of a text
    """

    kind: str
    attributes: Mapping[str, Any]
    fixed: Sequence[np.ndarray | None]
    outputs: int
    width: int

    @classmethod
    def of(cls, node: onnx.NodeProto, constants: Mapping[str, np.ndarray], width: int) -> Node:
        """Read a node of a graph."""
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        fixed = [constants.get(name) if name else None for name in node.input]
        return cls(node.op_type, attributes, fixed, len(node.output), width)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def integers(self, place: int, attribute: str = "") -> list[int] | None:
        """Return whole numbers that the graph holds as an input, or as an attribute; None where it says none of them."""
        if attribute in self.attributes:
            return [int(one) for one in self.attributes[attribute]]
        if place >= len(self.fixed):
            return None
        value = self.fixed[place]
        return None if value is None else [int(one) for one in value.ravel()]

    def held(self, place: int, attribute: str = "") -> list[int]:
        """Return whole numbers that the graph must hold; raises ExportError where they come with the rows."""
        found = self.integers(place, attribute)
        if found is None:
            raise self.unsaid("with a shape that hangs on the rows")
        return found

    def unsaid(self, how: str = "") -> ExportError:
        """Return the error that PyTorch has no words for the node."""
        told = f"the operator {self.kind} of its graph {how}".rstrip()
        return ExportError(
            f"the pipeline cannot be said in PyTorch: {told}",
            hint="choose packager=[onnx] or [pickle]; [skops] where the model is scikit-learn's",
        )
