"""Names in a study file that nothing has, and printed numbers that are none: what every check of its parts asks.

Knows names and texts. Knows no part.
"""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal, InvalidOperation


def unknown(place: str, names: Collection[str], known: Collection[str], what: str) -> Iterator[tuple[str, str]]:
    """Names that are not among those that are known."""
    for name in names:
        if known and name not in known:  # where nothing is known, that is the mistake
            yield place, f"found {name!r}, no such {what}; there are {', '.join(known)}"


def factors_of(place: str, names: Sequence[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Factors that there are not, none, or one twice."""
    yield from unknown(place, names, known, "factor")
    if not names or len(set(names)) < len(names):
        yield place, "at least one factor is needed, each once"


def not_printed(place: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Printed texts that are no number."""
    for text in texts:
        try:
            finite = not text or Decimal(text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            yield place, f'found {text!r}, expected a number in quotes, with its digits as printed: "2.25e-38"'
