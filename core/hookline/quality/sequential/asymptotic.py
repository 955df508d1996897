"""Means compared with intervals that hold at every time at once, once there are enough rows for a normal law."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A mean over rows that come in units, such as all rows of one key; rows without a key are units of their own."""

    rows: int
    units: int
    mean: float
    variance: float
    """Of a unit: that of the mean, times the number of units."""


@dataclass(frozen=True)
class Interval:
    """A difference of means, with the bounds between which it is at every time at once, but for a risk."""

    difference: float
    low: float
    high: float


def difference(one: Estimate, other: Estimate, risk: float, planned: int, factor: float = 1.0) -> Interval:
    """Return by how much one mean exceeds another, times a factor; both of at least two units.

    An asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory
    and asymptotic confidence sequences", Annals of Statistics 52:2613, theorem 2.2), tightest near `planned` units of both
    together (their equation for rho). The variance of a mean is robust to rows of one unit being alike (Liang and Zeger 1986),
    and a unit's at least what both have on average, as one that saw no mistake so far would be held for sure.
    """
    units = one.units + other.units
    pooled = (one.variance * one.units + other.variance * other.units) / units
    spread = [max(each.variance, pooled) / each.units for each in (one, other)]
    half = half_width(units, units * (spread[0] + factor**2 * spread[1]), risk, planned)
    centre = one.mean - factor * other.mean
    return Interval(centre, centre - half, centre + half)


def around(one: Estimate, risk: float, planned: int) -> Interval:
    """Return a mean, such as that of paired differences, with such bounds, tightest near `planned` units."""
    half = half_width(one.units, one.variance, risk, planned)
    return Interval(one.mean, one.mean - half, one.mean + half)


def half_width(units: int, variance: float, risk: float, planned: int) -> float:
    """Return half the interval of a mean of so many units, each of this variance."""
    rho2 = (-2 * math.log(risk) + math.log(-2 * math.log(risk)) + 1) / planned
    scaled = units * rho2 + 1
    return math.sqrt(variance * 2 * scaled / (units**2 * rho2) * math.log(math.sqrt(scaled) / risk))
