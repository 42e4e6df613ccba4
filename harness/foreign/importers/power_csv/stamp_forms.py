"""Stamps as loggers write them -> the formats that read them.

Knows in which orders and with which signs dates and times of day are written. Knows no column and no zone.

Decisions
- A number of four digits in front is the year, then comes the month. Day and month are open until a number above 12
  shows which is which; so is a year of two digits in front of - or /.
- A fraction of one to three digits is a decimal part, unless a blank stands before it, or times run backwards that as
  whole milliseconds do not.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from harness.foreign.importers.power_csv.formats import ISO, pattern_of, reads
from harness.foreign.importers.stamps import read_stamps

_SIGN = r"(\s*[-/.]\s*)"
_WORD = r"([A-Za-z]{3,9})"
_DATES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(rf"(\d{{4}}){_SIGN}(\d{{1,2}}){_SIGN}(\d{{1,2}})"), ("Ymd",)),
    (re.compile(rf"(\d{{1,2}}){_SIGN}(\d{{1,2}}){_SIGN}(\d{{4}})"), ("dmY", "mdY")),
    (re.compile(rf"(\d{{1,2}}){_SIGN}(\d{{1,2}}){_SIGN}(\d\d)"), ("dmy", "mdy", "ymd")),
    (re.compile(r"(\d{4})()(\d\d)()(\d\d)"), ("Ymd",)),
    (re.compile(rf"(\d{{1,2}})([-/. ]){_WORD}([-/. ])(\d{{4}})"), ("dbY", "dBY")),
    (re.compile(rf"(\d{{1,2}})([-/. ]){_WORD}([-/. ])(\d\d)"), ("dby", "dBy")),
    (re.compile(rf"{_WORD}( )(\d{{1,2}})(,? )(\d{{4}})"), ("bdY", "BdY")),
)
"""How dates are written: numbers or words and what stands between, and the directives that they can be."""
_CLOCK = re.compile(
    r"(\d{1,2})(\s*:\s*)(\d{1,2})(?:(\s*:\s*)(\d{1,2})(?:(\s*[.,:]\s*)(\d{1,9}))?)?(\s?)([AaPp][Mm])?(\s?)"
    r"(Z|[-+]\d\d:?\d\d)?"
)
_BETWEEN = re.compile(r",?\s+|T")


def is_date(text: str) -> bool:
    """Whether a text is a date alone."""
    return any(pattern.fullmatch(text) for pattern, _ in _DATES)


def is_time_of_day(text: str) -> bool:
    """Whether a text is a time of day alone."""
    return _CLOCK.fullmatch(text) is not None


def is_stamp(text: str) -> bool:
    """Whether a text is a date with a time of day, of a form that is known."""
    return ISO.fullmatch(text) is not None or (not is_date(text) and next(_possible(text), None) is not None)


def has_time_of_day(form: str) -> bool:
    """Whether a format reads more than a date."""
    return form == "iso" or "%H" in form or "%I" in form


def formats_of(texts: Sequence[str]) -> list[str]:
    """The formats that read every one of some stamps: one, several where the stamps leave it open, none of others."""
    if all(ISO.fullmatch(text) for text in texts):
        return [_with_fraction("iso", texts)]
    found = [form for form in _possible(texts[0]) if all(reads(form, text) for text in texts)]
    short = {form for form in found if "%B" not in form}  # May is a name and a short one
    found = [form for form in found if form in short or form.replace("%B", "%b") not in short]
    return [_with_fraction(form, texts) for form in found]


def _possible(text: str) -> Iterator[str]:
    """Formats that a text has the signs of, dates without a time of day among them."""
    for pattern, orders in _DATES:
        date = pattern.match(text)
        if date is None:
            continue
        rest = text[date.end() :]
        between = _BETWEEN.match(rest)
        behind = "" if not rest else None if between is None else _clock_of(rest[between.end() :])
        if behind is None or date[2].strip() != date[4].strip(" ,"):
            continue
        head = between[0] if between is not None else ""
        for order in orders:
            if order == "ymd" and date[2].strip() == ".":
                continue
            yield f"%{order[0]}{date[2]}%{order[1]}{date[4]}%{order[2]}{head}{behind}"


def _clock_of(text: str) -> str | None:
    """The format of a time of day; None of other texts."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    form = f"{'%I' if match[9] else '%H'}{match[2]}%M"
    form += f"{match[4]}%S" if match[5] else ""
    form += f"{match[6]}%f" if match[7] else ""
    form += f"{match[8]}%p" if match[9] else ""
    return form + (f"{match[8] if not match[9] else ''}{match[10]}%z" if match[11] else "")


def whole_milliseconds(form: str, texts: Sequence[str]) -> str | None:
    """The format with `%L` by which times never run backwards, where they do by this one and its decimal fractions."""
    decimal = next(_possible(texts[0]), "") if form == "iso" else form
    whole = decimal.replace("%f", "%L")
    parts, milli = pattern_of(decimal), pattern_of(whole)
    if whole == decimal or parts is None or milli is None or not all(map(milli.fullmatch, texts)):
        return None
    back, none = ((np.diff(read_stamps(texts, one).times_ns) < 0).any() for one in (parts, milli))
    return whole if back and not none else None


def _with_fraction(form: str, texts: Sequence[str]) -> str:
    """The format, with `%L` where the fraction is a whole number of milliseconds."""
    whole = re.sub(r"(\s)%f", r"\1%L", form)
    return (
        whole
        if whole != form and all(reads(whole, text) for text in texts)
        else whole_milliseconds(form, texts) or form
    )
