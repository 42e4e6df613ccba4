"""How scenarios are told from each other in figures: colours, dashes, hatches, marks.

Knows the names of the page's CSS variables, which are the only colours (light, dark, print). Knows no drawing.

Colours after Okabe & Ito (2008), https://jfly.uni-koeln.de/color/. Styles differ in hatch, dashes and mark too, so a
grey print can be read.
"""

NAMES = ("ink", "soft", "grid", "raw", "paper", "stamp", "heat")
INK, SOFT, GRID, RAW, PAPER, STAMP, HEAT = (f"var(--{name})" for name in NAMES)  # fmt: skip
PALETTE = tuple(f"var(--c{index})" for index in range(6))
DASHES: tuple[tuple[float, ...], ...] = (
    (), (3.7, 1.6), (6.4, 1.6, 1, 1.6), (1, 1.65), (5, 1, 1, 1, 1, 1), (7, 2),
)  # fmt: skip
"""Of lines, in their widths."""
DASHED = DASHES[1]
MARKERS = "os^Dv<"
HATCHES = (
    "M-1 7L7-1M-1 1L1-1M5 7L7 5", "M-1-1L7 7M-1 5L1 7M5-1L7 1", "M3 0V6", "M-1 7L7-1M-1-1L7 7", "M0 3H6",
    "M3 0V6M0 3H6",
)  # fmt: skip
"""Lines in a square of 6 points, which is laid over a surface side by side."""
BASELINE = -1
"""Style index of the baseline: grey."""


def style_of(index: int) -> tuple[str, tuple[float, ...], int | None]:
    """Colour, dashes and hatch of a scenario; the baseline is grey and plain."""
    if index == BASELINE:
        return SOFT, (), None
    turn = index % len(PALETTE)
    return PALETTE[turn], DASHES[turn], turn


def marker_of(index: int) -> str:
    """Marker of a style: after six styles the colours come again with another marker."""
    return "o" if index == BASELINE else MARKERS[(index + index // len(MARKERS)) % len(MARKERS)]
