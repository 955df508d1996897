"""Labels of a picture that do not lie on each other: the first ones are told, and others where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LETTER, LINE = 6.5, 14.0
"""Pixels that a letter is wide, and a line high, at the size of labels."""
DOT = 5.0
"""Pixels around the middle of a dot that no label covers."""
Box = tuple[float, float, float, float]
Point = tuple[float, float]


def told_apart(
    points: Sequence[Point], texts: Sequence[Sequence[str]], size: tuple[float, float], lean: Sequence[int]
) -> list[str]:
    """Return of each dot the first of its texts that fits, or nothing where those before it, or dots, take its place.

    points: x and y of each dot, in any units; size: of the picture, in pixels
    lean: of each, 1 where the text stands to the right of its dot, -1 to the left, and 0 above it
    """
    placed = [*_scaled(points, size)]
    taken: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in placed]
    told: list[str] = []
    for own, ((x, y), some, side) in enumerate(zip(placed, texts, lean, strict=True)):
        others = [other for place, other in enumerate(taken) if place != own]
        boxes = {text: _box(x, y, text, side) for text in some if text}
        fits = next((text for text, box in boxes.items() if not any(_meet(box, other) for other in others)), "")
        told.append(fits)
        taken += [boxes[fits]] if fits else []
    return told


def _scaled(points: Sequence[Point], size: tuple[float, float]) -> Iterator[Point]:
    lows = [min(one[axis] for one in points) for axis in (0, 1)] if points else [0.0, 0.0]
    spans = [max(one[axis] for one in points) - lows[axis] or 1.0 for axis in (0, 1)] if points else [1.0, 1.0]
    for x, y in points:
        yield (x - lows[0]) / spans[0] * size[0], (1 - (y - lows[1]) / spans[1]) * size[1]


def _box(x: float, y: float, text: str, side: int) -> Box:
    wide = len(text) * LETTER
    left = x + 6 if side > 0 else x - 6 - wide if side < 0 else x - wide / 2
    low = y - 8 + LINE / 2 if side else y - 10 + LINE / 2
    return left, low - LINE, left + wide, low


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
