"""What a component takes and makes is read off its method, parameter by parameter."""

from __future__ import annotations

from typing import Any

from hookline import Evaluator, Features, Monitor, Reference, Report, SklearnModel, Trainer
from hookline.kinds.fitted import Model
from hookline.registry.ports import ports, type_text


class Half(Trainer):
    """Says of the second parameter what it is."""

    name = "half"

    def fit(self, train, valid: Features | None) -> SklearnModel:  # type: ignore[no-untyped-def]
        raise NotImplementedError


class Bare(Monitor):
    """Says of the reference what it is."""

    name = "bare"

    def check(self, current, reference: Reference) -> Report:  # type: ignore[no-untyped-def]
        raise NotImplementedError


def test_a_parameter_without_annotation_takes_anything_in_its_place() -> None:
    found = ports(Half)
    assert list(found.takes.items()) == [("train", Any), ("valid", Features | None)]
    assert found.makes is SklearnModel
    assert dict(ports(Bare).takes) == {"current": Any, "reference": Reference}


def test_what_takes_the_rest_is_no_port() -> None:
    assert list(ports(Evaluator).takes) == ["scored"]


def test_unions_are_read_alike_however_they_are_written() -> None:
    from typing import Optional

    assert type_text(Optional[Model]) == type_text(Model | None) == "Model | None"  # noqa: UP045
