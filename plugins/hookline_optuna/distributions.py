"""Parameters of a space as optuna draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .space import Choices, Parameter, Scalar

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution


def suggest(trial: Trial, parameter: Parameter) -> Scalar:
    """Draw the value of a parameter in a trial."""
    return trial._suggest(parameter.name, distribution_of(parameter))  # type: ignore[no-any-return]  # noqa: SLF001  the public ways are one a type


def distribution_of(parameter: Parameter) -> BaseDistribution:
    """Return what a parameter is drawn from."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    domain = parameter.domain
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if domain.whole:
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
