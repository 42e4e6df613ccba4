"""Rows of several devices in one column of values: which column names the devices.

Knows how loggers name devices, and how the rows of devices that are asked in turn lie in time. Knows no mapping and no
unit.

Decisions
- A column names devices where its heading says so and its few texts come again and again in order of time; texts that
  follow each other once (a log of one device, then one of another) are no such column.
- A heading that may be that of a quantity (`gpu` is often a utilization) has to hold whole numbers that count from 0 or
  1, about as often each.
- Where rows share stamps, any column of words that tells all of them apart names devices, whatever it is called. One of
  numbers may count seconds or samples.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.table import Rows
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.stamps import Stamps

MOST = 1000
"""A column of more texts than this names no devices."""
FEWEST_RETURNS = 3
"""So often, at least, a device comes again behind another one."""
SHARED = 1.5
"""So many rows have each stamp, in the mean, where no heading says what tells them apart."""
DEVICES = frozenset({
    "gpu", "gpus", "device", "dev", "host", "hostname", "node", "channel", "chan", "ch", "sensor", "outlet", "socket",
    "package", "pkg", "psu", "domain", "plug", "board", "card", "server", "machine", "accelerator", "rail", "port",
    "meter", "rank", "bus", "pci", "uuid", "serial",
})  # fmt: skip
NUMBERS = frozenset({"id", "idx", "index", "number", "num", "no", "nr", "name"})
"""Words of a heading that names devices: of the first at least one, or nothing but `id` or `index`."""
ALONE = frozenset({"id", "idx", "index", "uuid"})
QUANTITIES = frozenset({
    "gpu", "gpus", "node", "port", "rank", "channel", "ch", "card", "board", "host", "rail", "package", "pkg", "domain",
})  # fmt: skip
"""Words that alone may be the heading of a quantity."""
DECIMAL = re.compile(r"[-+]?\d*[.,]\d*")
WHOLE = re.compile(r"(\d+)[.,]0+")
"""A number of a device that went through a table of floating-point numbers: `1.0`."""
Places = NDArray[np.intp]


def devices_among(
    rows: Rows, places: Places, times_ns: Stamps, used: Collection[str], *, by_stamps: bool = True
) -> tuple[str, list[str]] | None:
    """The column that names the devices of the rows at `places`, and their names; None where nothing shows several.
    `times_ns` are the rows' times; `used` are columns with another meaning; `by_stamps`: any heading will do where rows
    share stamps."""
    if places.size < 2 * FEWEST_RETURNS:
        return None
    order = np.argsort(times_ns, kind="stable")
    in_order = places[order].tolist()
    shares_stamps = by_stamps and places.size >= SHARED * np.unique(times_ns).size
    for name in rows.names:
        if not name or name in used or rows.names.count(name) > 1:
            continue
        words, is_named = _words(name), names_devices(name)
        if not (is_named or shares_stamps):
            continue
        texts = rows.texts(name)
        found = [texts[place] for place in in_order]
        counts = Counter(found)
        is_few = 2 <= len(counts) <= min(MOST, len(found) // 2)
        if not is_few or any(not text or _is_quantity(text, is_named) for text in counts):
            continue
        is_sure = not (is_named and len(words) == 1 and words[0] in QUANTITIES) or _counts(counts)
        returns = sum(map(str.__ne__, found, found[1:])) - (len(counts) - 1)
        comes_again = is_named and is_sure and returns >= max(FEWEST_RETURNS, len(counts) - 1)
        if comes_again or (shares_stamps and _tells_apart(found, times_ns[order], counts)):
            return name, sorted(counts, key=lambda text: (len(text), text))
    return None


def devices_text(name: str, names: Sequence[str], value: str) -> str:
    """What is wrong with reading the rows of several devices as one meter, and what to do."""
    return (
        f"column {name!r} names {len(names)} devices ({listed(names)}) whose rows lie between each other, and "
        f"{value!r} would be read as one meter; write "
        f'a [[power]] for each, with where = {{ "{name}" = "{names[0]}" }} and a meter of its own, and '
        "a circuit of its own where their powers are to be summed; or, where it is one meter "
        f'nevertheless, where = {{ "{name}" = "*" }}'
    )


def _words(name: str) -> list[str]:
    """`GPUId`, `gpuid`, `gpu_id` -> gpu, id; none of a heading with a number, which is of one device."""
    if re.search(r"\d", name):
        return []
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    ends = ((word, re.fullmatch(r"(.+?)(id|idx|index|name)", word)) for word in words)
    return [part for word, end in ends for part in (end.groups() if end and end[1] in DEVICES else (word,))]


def names_devices(name: str) -> bool:
    """Whether a heading is one of names or numbers of devices."""
    words = _words(name)
    return bool(words) and set(words) <= DEVICES | NUMBERS and (bool(set(words) & DEVICES) or set(words) <= ALONE)


def _is_quantity(text: str, is_named: bool) -> bool:
    """Whether a text is a number with decimals; `1.0` under a heading of devices is not."""
    return bool(DECIMAL.fullmatch(text)) and not (is_named and WHOLE.fullmatch(text))


def _counts(counts: Counter[str]) -> bool:
    """Whether texts are 0, 1, 2 or 1, 2, 3, about as often each; or no numbers at all."""
    plain = [WHOLE.sub(r"\1", text) for text in counts]
    if not any(text.isdecimal() for text in plain):
        return True
    numbers = sorted(int(text) for text in plain if text.isdecimal())
    is_row = numbers == list(range(numbers[0], numbers[0] + len(counts))) and numbers[0] in (0, 1)
    return is_row and 2 * min(counts.values()) >= max(counts.values())


def _tells_apart(found: Sequence[str], times_ns: Stamps, counts: Counter[str]) -> bool:
    is_text = not any(text.lstrip("-+").isdecimal() for text in counts)
    return is_text and len(set(zip(times_ns.tolist(), found, strict=True))) == len(found)
