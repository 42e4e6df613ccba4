"""Headers, words and numbers as the manuals let them be spelled: short or long, in engineering notation.

Knows: spellings. Does not know: any setting.
"""

from __future__ import annotations

import math
import re


def choice_of(text: str, choices: str) -> str | None:
    """Return which of `choices` a text spells, as the manual writes it; a number where that is what is asked for."""
    if choices == "#":
        return str(int(text)) if re.fullmatch(r"[0-9]{1,5}", text) else None
    words = choices.split("|")
    return next((word for word in words if word == text or (text.isalpha() and spells_word(text, word))), None)


def hours(seconds: float) -> str:
    """Return a time as the WT210 gives it, `999,59,59` (IM 760401-01E 14-32)."""
    whole = int(seconds) if math.isfinite(seconds) else 0
    return f"{whole // 3600},{whole // 60 % 60},{whole % 60}"


def engineering(value: float, digits: int) -> str:
    """Return a number with so many digits and an exponent that is a multiple of 3: `500.0E-03`."""
    if value == 0:
        return f"{0:.{digits - 1}f}E+00"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    shift = int(exponent) % 3
    return f"{float(mantissa) * 10**shift:.{digits - 1 - shift}f}E{int(exponent) - shift:+03d}"


def spells(path: str, header: str) -> bool:
    """Whether `path` is a spelling of a manual's `header`, short or long, with or without what may be left out."""
    nodes = re.findall(r"(\[?):?([A-Za-z]+[0-9]*)", header)
    return _spells_nodes(path.upper().split(":"), [(name, bool(optional)) for optional, name in nodes])


def _spells_nodes(words: list[str], nodes: list[tuple[str, bool]]) -> bool:
    if not nodes:
        return not words
    (name, optional), rest = nodes[0], nodes[1:]
    if optional and _spells_nodes(words, rest):
        return True
    return bool(words) and spells_word(words[0], name) and _spells_nodes(words[1:], rest)


def spells_word(word: str, name: str) -> bool:
    """`CFAC`, `CFACT` and `CFACTOR` spell `CFACtor`; digits at the end belong to the name."""
    stem, number = re.fullmatch(r"([A-Za-z]+)([0-9]*)", name).groups()  # type: ignore[union-attr]
    match = re.fullmatch(r"([A-Z]+)([0-9]*)", word)
    if match is None or match.group(2) != number:
        return False
    short = re.sub(r"[a-z]", "", stem)
    return stem.upper().startswith(match.group(1)) and len(match.group(1)) >= len(short)
