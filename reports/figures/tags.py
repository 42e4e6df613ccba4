"""Text beside points, where it meets neither a point nor another text.

Knows rectangles in parts of a panel. Knows no axes and no document.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in parts of the panel."""

    left: float
    bottom: float
    width: float
    height: float

    def meets(self, other: "Area") -> bool:
        """Whether both have a part in common."""
        apart_x = self.left >= other.left + other.width or other.left >= self.left + self.width
        return not (apart_x or self.bottom >= other.bottom + other.height or other.bottom >= self.bottom + self.height)

    def is_inside(self) -> bool:
        """Whether it lies within the panel."""
        return self.left >= 0 and self.bottom >= 0 and self.left + self.width <= 1.02 and self.bottom + self.height <= 1


def places(dot: tuple[float, float], size: tuple[float, float], away: tuple[float, float]) -> Iterable[Area]:
    """Where a text of that size may stand beside a dot, the best place first."""
    (x, y), (width, height), (dx, dy) = dot, size, away
    for left, bottom in (
        (x + dx, y - height / 2), (x - dx - width, y - height / 2), (x - width / 2, y + dy),
        (x - width / 2, y - dy - height), (x + dx / 2, y + dy), (x + dx / 2, y - dy - height),
        (x - dx / 2 - width, y + dy), (x - dx / 2 - width, y - dy - height),
    ):  # fmt: skip
        yield Area(left, bottom, width, height)
