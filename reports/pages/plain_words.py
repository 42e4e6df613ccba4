"""Values of documents on one line of plain words.

Knows decoded JSON and the names of units in keys. Knows no document and no page.
"""

from reports.pages.lookup import words, words_and_unit
from reports.pages.numbers import claim, is_finite, significant
from reports.results.uncertainty import Number


def as_text(value: object, digits: int | None = None) -> str:
    """A decoded JSON value on one line, empty for null; `digits`: numbers that are no integers as readers want them, to
    so many digits, else as they are, to six."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_finite(value):
        assert isinstance(value, int | float)
        if not isinstance(value, float):
            return str(value)
        return f"{value:.6g}" if digits is None else significant(value, digits)
    if isinstance(value, dict):
        return ", ".join(_named(str(key), part, digits) for key, part in value.items() if part not in (None, ""))
    if isinstance(value, list):
        return ", ".join(as_text(part, digits) for part in value)
    return str(value)


def _named(key: str, part: object, digits: int | None) -> str:
    """One entry of an object: its name, its value, and its unit where the name holds one and the value is a number."""
    name, unit = words_and_unit(key)
    numeric = is_finite(part) or (isinstance(part, list) and part and all(is_finite(one) for one in part))
    text = as_text(part, digits)
    return f"{name}: {text} {unit}" if unit and numeric else f"{words(key)}: {text}"


def claim_of(number: Number | None, what: str) -> str:
    """'induced energy per run, 95 %, n = 30'."""
    words_of_claim = claim(number)
    return f"{what}, {words_of_claim}" if words_of_claim else what
