"""A workload parameter set as a picture: user types, their chains with relative frequencies, tasks with the preparation
time before each.

Knows names, shares and texts as they are printed. Knows no document. A user type is a title, each of its chains a row:
how often, as a bar and a number, then its tasks from left to right. What users do not wait for has a dashed rim.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures.palette import INK, PAPER, SOFT, style_of
from reports.figures.sheet import POINTS, TITLE_IN, WIDE_IN, Labelled, Sheet, title_lines
from reports.figures.strokes import Pen, number, plain, rectangle, text_element

ROW_PT, TITLE_PT, BOX_PT = 32.0, 8.0, 15.0
"""Height of a row and of a task's box, size of the text."""
SMALL_PT, LETTER = 6.5, 0.52
"""Size of the text above arrows; mean width of a letter, in its size."""
SHARE_PT, ARROW_PT, FREE_PT = 46.0, 30.0, 6.0
"""Width of what says how often, least length of an arrow, space at the edges."""
LONGEST = 22
"""Letters of a name; what is longer ends with a dot."""


@dataclass(frozen=True, slots=True)
class DrawnTask:
    """A task in a chain: its type, the preparation time before it as text, whether users wait for it."""

    name: str
    before: str
    waits: bool
    style: int


@dataclass(frozen=True, slots=True)
class DrawnChain:
    """A chain: its name, how often (0 to 1), its tasks."""

    name: str
    share: float
    tasks: Sequence[DrawnTask]


@dataclass(frozen=True, slots=True)
class DrawnUsers:
    """A user type, or a load shape: its title and chains."""

    title: str
    chains: Sequence[DrawnChain]


def population(label: Labelled, users: Sequence[DrawnUsers]) -> str:
    """The picture as one SVG element; a chain that is longer than the page goes on in a row of its own."""
    width_pt = POINTS * WIDE_IN
    rows = [[list(_lines(chain, width_pt)) for chain in own.chains] for own in users]
    height_pt = 8.0 + sum(
        POINTS * TITLE_IN * len(title_lines(own.title, WIDE_IN - 0.1)) + 6 + ROW_PT * sum(map(len, lines))
        for own, lines in zip(users, rows, strict=True)
    )
    sheet = Sheet(label, height_pt / POINTS, WIDE_IN)
    top = 4.0
    for own, lines in zip(users, rows, strict=True):
        title = title_lines(own.title, WIDE_IN - 0.1)
        sheet.title(title, FREE_PT / POINTS, top / POINTS)
        top += POINTS * TITLE_IN * len(title) + 4
        for chain, parts in zip(own.chains, lines, strict=True):
            for at, tasks in enumerate(parts):
                if not at:
                    _draw_share(sheet, chain, top)
                _draw_tasks(sheet, tasks, top)
                top += ROW_PT
        top += 2
    return sheet.svg()


def _lines(chain: DrawnChain, width_pt: float) -> Sequence[Sequence[DrawnTask]]:
    """The tasks of a chain in as many rows as they take."""
    rows: list[list[DrawnTask]] = [[]]
    left = SHARE_PT + FREE_PT
    for task in chain.tasks:
        step = _arrow_pt(task) + _box_pt(task)
        if rows[-1] and left + step > width_pt - FREE_PT:
            rows.append([])
            left = SHARE_PT + FREE_PT
        rows[-1].append(task)
        left += step
    return rows


def _arrow_pt(task: DrawnTask) -> float:
    return max(ARROW_PT, SMALL_PT * LETTER * len(task.before) + 8)


def _box_pt(task: DrawnTask) -> float:
    return TITLE_PT * LETTER * len(_short(task.name)) + 10


def _short(name: str) -> str:
    clean = plain(name)
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}\u2026"


def _draw_share(sheet: Sheet, chain: DrawnChain, top: float) -> None:
    """How often the chain is done: a bar as long as its share, its name and the number."""
    middle, full = top + ROW_PT / 2 + 2, SHARE_PT - 8
    sheet.add(f'{rectangle(FREE_PT, middle + 5, full, 3)} fill="{PAPER}" stroke="{SOFT}" stroke-width="0.4"/>')
    sheet.add(f'{rectangle(FREE_PT, middle + 5, full * chain.share, 3)} fill="{SOFT}"/>')
    text = f"{_short(chain.name)}\n{100 * chain.share:.3g} %" if chain.name else f"{100 * chain.share:.3g} %"
    sheet.add(text_element((FREE_PT, middle + 3), text, SMALL_PT, colour=INK, align="bottom"))


def _draw_tasks(sheet: Sheet, tasks: Sequence[DrawnTask], top: float) -> None:
    left, middle = SHARE_PT + FREE_PT, top + ROW_PT / 2 + 2
    for task in tasks:
        arrow, box = _arrow_pt(task), _box_pt(task)
        begin, end = left + 2, left + arrow - 2
        sheet.add(f'<path d="M{number(begin)} {number(middle)}H{number(end)}m-4-2.5l4 2.5-4 2.5" '
                  f"{Pen(SOFT, 0.8).attributes()}/>")  # fmt: skip
        if task.before:
            at = ((begin + end) / 2, middle - 3)
            sheet.add(text_element(at, task.before, SMALL_PT, colour=SOFT, anchor="middle", align="bottom"))
        left += arrow
        colour, _, _ = style_of(task.style)
        dashes = "" if task.waits else ' stroke-dasharray="3 2"'
        place = rectangle(left, middle - BOX_PT / 2, box, BOX_PT)
        sheet.add(f'{place} rx="3" fill="{PAPER}" stroke="{colour}" stroke-width="1.2"{dashes}/>')
        at = (left + box / 2, middle)
        sheet.add(text_element(at, _short(task.name), TITLE_PT, colour=INK, anchor="middle", align="middle"))
        left += box
