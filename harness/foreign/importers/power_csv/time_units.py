"""Headings of columns of times: which say that they are one, and in which unit they count.

Knows words and how they are written together. Knows no file.
"""

import re
import unicodedata

UNITS = {
    "ns": ("ns", "nsec", "nsecs", "nanos", "nanosecond", "nanoseconds"),
    "us": ("us", "μs", "usec", "usecs", "micros", "microsecond", "microseconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisec", "millisecond", "milliseconds", "millisekunden"),
    "s": ("s", "sec", "secs", "second", "seconds", "sek", "sekunde", "sekunden"),
    "min": ("min", "mins", "minute", "minutes", "minuten"),
    "h": ("h", "hr", "hrs", "hour", "hours", "stunden"),
}
UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words}
AMBIGUOUS = frozenset({"s", "us", "ns", "min", "h"})
"""Words that say a unit only at the end of a heading, or in brackets: `min_time` is a minimum."""
TIME_WORDS = re.compile(
    r"time|date|zeit|datum|stamp|last_changed|clock|uhr|^ts$|^t$|^ts[\W_]|epoch|unix|elapsed", re.IGNORECASE
)
WORD = re.compile(r"[^\W\d_]+")
TAIL = re.compile(rf".*[a-z]({'|'.join(word.capitalize() for word in UNIT_OF)})")
WRITTEN_ON = re.compile(r"(?:time|elapsed|stamp)(ms|us|ns|sec|secs|seconds|msec|usec)", re.IGNORECASE)


def says_time(name: str) -> bool:
    """Whether a heading is that of a column of times: `time`, `elapsed_ms`, `t (s)`, `seconds`."""
    words = WORD.findall(name)
    is_t = len(words) == 2 and words[0].lower() == "t" and bool(unit_of_time(name))
    is_unit = len(words) == 1 and len(name) > 1 and name.lower() in UNIT_OF and name.lower() not in AMBIGUOUS
    return bool(TIME_WORDS.search(name)) or is_t or is_unit


def unit_of_time(name: str) -> str:
    """The unit that a heading says, in any case and form (`Time (mS)`, `elapsed_ms`, `t_us`, `TimeStampUs`); empty
    where it says none, or two, or a multiple (`100ns`)."""
    name = unicodedata.normalize("NFKC", name)
    words = WORD.findall(name)
    found = set[str]()
    for at, word in enumerate(words):
        unit, is_last = word.lower(), at == len(words) - 1
        if unit not in UNIT_OF and (tail := TAIL.fullmatch(word) or WRITTEN_ON.search(word)):
            unit = tail[1].lower()
        is_clear = unit not in AMBIGUOUS or is_last or re.search(rf"[(\[]\s*{word}\s*[)\]]", name)
        if unit in UNIT_OF and is_clear:
            found.add("" if re.search(rf"\d\s?{word}", name) else UNIT_OF[unit])
    return found.pop() if len(found) == 1 else ""
