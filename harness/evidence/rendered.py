"""A page as it is written against the same page rendered now.

Knows what a page says of who made it, and that another version, or another way of drawing, made some of them. Knows no
file and no word of a page.
"""

import re
from collections.abc import Callable
from itertools import zip_longest

from harness.record.documents import VERSION
from reports.render import GENERATOR

NOT_COMPARED = "not compared; nothing but its digest, where that was signed, speaks for what it says"
_MAKER = re.compile(r'<meta name="generator" content="([^"]*)">')
_FIGURE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)


def compared(page: str, writer: str, document: str, rendered: Callable[[], str]) -> tuple[bool, str]:
    """Whether a page is the one that is rendered now of `document`, which `writer` wrote; and what there is to say of
    it. One of another version is not compared, and not rendered."""
    other = _other_version(page, writer, document)
    return _same_page(page, rendered()) if other is None else other


def _other_version(page: str, writer: str, document: str) -> tuple[bool, str] | None:
    """What is said of a page that another version wrote; None where it is this one's."""
    maker = maker_of(page)
    version = maker.split(";")[0].removeprefix("wattlab ")
    if version != writer:
        return False, f"it says that {maker or 'nobody'} wrote it, {document} that wattlab {writer} did"
    if version == VERSION:
        return None
    return True, f"written by wattlab {version}, this is {VERSION}: {NOT_COMPARED}"


def maker_of(page: str) -> str:
    """What a page says of who wrote it."""
    found = _MAKER.search(page)
    return "" if found is None else found[1]


def _same_page(written: str, fresh: str) -> tuple[bool, str]:
    """The bytes; where the figures were drawn in another way, all but the figures."""
    if written == fresh:
        return True, "as rendered now"
    maker = maker_of(written)
    if maker != GENERATOR:
        rest, fresh_rest = (_MAKER.sub("", _FIGURE.sub("<svg/>", page)) for page in (written, fresh))
        if rest == fresh_rest:
            return True, f"text as rendered now; figures drawn by {maker}, this is {GENERATOR}: {NOT_COMPARED}"
    # Not by splitlines: it takes CRLF for LF, and a line end more for none.
    lines = zip_longest(written.split("\n"), fresh.split("\n"), fillvalue="(no line)")
    number, (old, new) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    return False, f"line {number} is {_around(old, new)}, rendered now {_around(new, old)}"


def _around(line: str, other: str) -> str:
    """The part of a line where it begins to differ from another."""
    first = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    return repr(line[max(0, first - 20) : first + 40])
