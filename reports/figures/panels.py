"""What figures of several panels have in common: there is a panel, and each has something to draw.

Knows no panel's parts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from reports.figures.sheet import Labelled


def refuse_empty(label: Labelled, panels: Sequence[Any], has_content: Callable[[Any], object]) -> None:
    """Refuse a figure with nothing in it.

    Raises:
        ValueError: there is no panel, or one has no content.
    """
    if not panels:
        raise ValueError(f"figure {label.name} has no panel: leave the figure out")
    for panel in panels:
        if not has_content(panel):
            raise ValueError(f"panel {panel.title!r} of figure {label.name} has nothing to draw: leave it out")
