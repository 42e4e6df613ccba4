"""Formats of stamps, as strptime has them -> patterns, and whether a text is of a format.

Knows directives. Knows no column, no file and no zone.

Decisions
- What strptime reads is read: numbers without leading zeros, any run of blanks where the format has one. Numbers that
  stand beside each other without a sign between (`%Y%m%d`) have all their digits: of 2024111 nothing tells the month.
- One directive is no one's but ours: `%L`, milliseconds as a whole number (7 is .007 s), which some loggers write.
"""

import re
from datetime import datetime
from functools import cache

from harness.foreign.importers.stamps import time_of

ISO = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d\d)[-/.](?P<day>\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?:[.,](?P<part>\d{1,9}))?\s?(?P<offset>Z|UTC|[-+]\d\d:?\d\d)?"
)
DIRECTIVES = {
    "Y": r"(?P<year>\d{4})", "y": r"(?P<year>\d\d)", "m": r"(?P<month>\d{1,2})", "d": r"(?P<day>\d{1,2}| \d)",
    "H": r"(?P<hour>\d{1,2})", "M": r"(?P<minute>\d{1,2})", "S": r"(?P<second>\d{1,2})",
    "f": r"(?P<part>\d{1,9})", "L": r"(?P<milli>\d{1,3})", "z": r"(?P<offset>(?-i:Z)|[-+]\d\d:?\d\d)", "%": "%",
}  # fmt: skip
"""Directives that are read by column; a format with others is read row by row, by strptime."""
WHOLE = {
    name: re.sub(r"\\d\{1,2\}(\| \\d)?", r"\\d\\d", pattern) for name, pattern in DIRECTIVES.items()
} | {"L": r"(?P<milli>\d{3})"}  # fmt: skip
"""The same with all digits."""


@cache
def pattern_of(form: str) -> re.Pattern[str] | None:
    """A format as a pattern; None of one that is read row by row."""
    form = form.strip()
    found = list(re.finditer(r"%(.)", form))
    used = [match[1] for match in found]
    dates = ["Y" in used or "y" in used, *(letter in used for letter in "mdHMS")]
    if not all(dates) or len(set(used)) != len(used) or not DIRECTIVES.keys() >= set(used):
        return None
    if {"Y", "y"} <= set(used) or {"f", "L"} <= set(used):
        return None
    edges = [0, *(match.end() for match in found)], [*(match.start() for match in found), len(form)]
    between = [form[begin:end] for begin, end in zip(*edges, strict=True)]
    pieces = [_literal(between[0])]
    for at, letter in enumerate(used):
        before, behind = between[at], between[at + 1]
        is_beside = (at > 0 and (not before or before[-1].isdigit())) or (
            at + 1 < len(used) and (not behind or behind[0].isdigit())
        )
        pieces += [(WHOLE if is_beside and letter != "f" else DIRECTIVES)[letter], _literal(behind)]
    return re.compile("".join(pieces), re.ASCII | re.IGNORECASE)


def _literal(text: str) -> str:
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))


def reads(form: str, text: str) -> bool:
    """Whether a text is a stamp of a format, or of `iso`."""
    pattern = ISO if form == "iso" else pattern_of(form)
    if pattern is not None:
        match = pattern.fullmatch(text)
        return match is not None and time_of(match) is not None
    try:
        datetime.strptime(text, form.strip())
    except (ValueError, re.error):
        return False
    return True


def fault_of(form: str) -> str | None:
    """What is wrong with a format; None of one that strptime takes."""
    if "%" not in form:
        return "it names no part of a stamp"
    if "%L" in form:
        return "%L stands beside numbers alone: %Y or %y, %m, %d, %H, %M, %S, each once"
    try:
        datetime.strptime("", form)
    except ValueError as error:
        return str(error) if "directive" in str(error) or "stray" in str(error) else None
    except re.error:
        return "it names a part of the stamp twice"
    return None
