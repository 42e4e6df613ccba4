"""Columns of a CSV -> those of power and energy, by their headings, their cells, or the names beside their values.

Knows how loggers call columns. Knows no file and no stamps.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import cast

from harness.foreign.importers.power_csv.devices import names_devices
from harness.foreign.importers.power_csv.first_lines import NUMBER
from harness.foreign.importers.power_csv.mapping import OPEN, POWERS, PowerColumn, Unit
from harness.foreign.importers.power_csv.names import slug
from harness.foreign.importers.power_csv.table import SAYS_NONE, Rows

MOST_NAMES = 20
"""A column of more names than this does not tell meters apart."""
POWER_WORDS = re.compile(r"power|leistung|watt|wirk|puissance|potencia", re.IGNORECASE)
ENERGY_WORDS = re.compile(r"energ|consum|verbrauch|z.hlerstand", re.IGNORECASE)
NAME_WORDS = re.compile(
    r"entity|metric|sensor|device|topic|^field$|(?:^|_)(?:id|name|key|channel|meter)$", re.IGNORECASE
)
NO_POWER = re.compile(
    r"factor|faktor|apparent|reactive|schein|blind|\bVA\b|\bvar\b|percent|%|"
    r"(?:^|[\W_])(?:min|max|peak|limit|cap|state|mode|tdp|(?-i:(?:Psys)?PL\d))(?:[\W_]|$)",
    re.IGNORECASE,
)
"""What is no power that was drawn; `PL1`, `PsysPL2` are limits of Intel's processors."""
UNIT = re.compile(r"(?:^|[\s_(\[/.])(kWh|mWh|MWh|Wh|kW|mW|MW|W|kJ|MJ|mJ|uJ|J|Ws)(?:[\])\s_:]|$)")
VOLTS = (
    re.compile(r"volt|spannung|tension", re.IGNORECASE),
    re.compile(r"[(\[]\s*V\s*[)\]]|_v$|^volts$", re.IGNORECASE),
)
AMPERES = (
    re.compile(r"current|\bamp|strom|courant|corriente", re.IGNORECASE),
    re.compile(r"[(\[]\s*A\s*[)\]]|_a$|^amps$|^amperes$", re.IGNORECASE),
)
"""What a heading is called, and how it says that its unit is V or A: none is read in another unit."""
NOT_MEAN = re.compile(r"(?:^|[\W_])(?:min|max|peak)(?:[\W_]|$)", re.IGNORECASE)
WORDS: dict[str, Unit] = {
    "kilowatthours": "kWh", "watthours": "Wh", "kilowatts": "kW", "milliwatts": "mW", "watts": "W", "watt": "W",
    "pkgwatt": "W", "corwatt": "W", "gfxwatt": "W", "ramwatt": "W", "joules": "J", "joule": "J", "kwh": "kWh",
    "wh": "Wh", "kw": "kW", "w": "W",
}  # fmt: skip


def columns_of(rows: Rows, times: Sequence[str]) -> list[PowerColumn]:
    """The columns of power and energy, `?` for what each does not say of itself. Where no heading says it: rows of
    names and values by the names, else one column that is open altogether; none where nothing else is a number."""
    numeric = numeric_columns(rows, times)
    named = [name for name in numeric if not NO_POWER.search(name) and _is_named(name, _texts(rows, name))]
    found = [_column(name, name, _texts(rows, name)) for name in named] or _by_names(rows, times)
    if not found and numeric:
        found = [PowerColumn(column=OPEN if len(numeric) > 1 else numeric[0], unit=OPEN, reads=OPEN, meter="wall")]
    return found


def with_volts(rows: Rows, columns: Sequence[PowerColumn], counts: Collection[int]) -> list[PowerColumn]:
    """The columns, those whose power counts (`counts`: their places) with the column of the voltage and that of the
    current, where just one heading says each with its unit."""

    def only(pattern: tuple[re.Pattern[str], re.Pattern[str]]) -> str:
        word, unit = pattern
        found = [
            name for name in rows.names
            if word.search(name) and unit.search(name) and not NOT_MEAN.search(name) and _is_numeric(rows, name)
        ]  # fmt: skip
        return found[0] if len(found) == 1 else ""

    return [
        replace(column, voltage=only(VOLTS), current=only(AMPERES))
        if at in counts and column.unit in POWERS and not column.where
        else column
        for at, column in enumerate(columns)
    ]


def numeric_columns(rows: Rows, times: Sequence[str]) -> list[str]:
    """What might be the power in a table whose headings do not say it."""
    return [name for name in rows.names if name and name not in times and _is_numeric(rows, name)]


def _texts(rows: Rows, name: str) -> list[str]:
    return [text for text in rows.texts(name) if text and text not in SAYS_NONE]


def _is_numeric(rows: Rows, name: str) -> bool:
    if rows.names.count(name) != 1:
        return False
    texts = _texts(rows, name)
    return bool(texts) and all(NUMBER.fullmatch(text) for text in texts)


def _is_named(name: str, texts: Sequence[str]) -> bool:
    return unit_of(name, texts) != OPEN or bool(POWER_WORDS.search(name) or ENERGY_WORDS.search(name))


def _column(name: str, said: str, texts: Sequence[str]) -> PowerColumn:
    return PowerColumn(column=name, unit=unit_of(said, texts), reads=OPEN, meter=slug(said))


def _by_names(rows: Rows, times: Sequence[str]) -> list[PowerColumn]:
    """Tables with a column of names and one of values: a meter for each name that says power or energy."""
    texts = [name for name in rows.names if name and rows.names.count(name) == 1 and NAME_WORDS.search(name)]
    for column in texts:
        names = list(dict.fromkeys(rows.texts(column)))
        others = (*times, *texts, "", *filter(names_devices, rows.names))
        values = [name for name in rows.names if name not in others and _is_numeric(rows, name)]
        chosen = [name for name in names if _is_named(name, ()) and not NO_POWER.search(name)]
        if len(names) <= MOST_NAMES and len(values) == 1 and chosen:
            return [
                PowerColumn(
                    column=values[0], unit=unit_of(name, ()), reads=OPEN, meter=slug(name), where={column: name}
                )
                for name in chosen
            ]
    return []


def unit_of(name: str, texts: Sequence[str]) -> Unit:
    """The unit that the heading or the cells state; `?` where they do not."""
    if match := UNIT.search(name):
        return cast(Unit, match[1])
    words = re.findall(r"[a-z]+", name.lower().replace("watt_hours", "watthours").replace("watt hours", "watthours"))
    for word in reversed(words):
        if word in WORDS:
            return WORDS[word]
    units = {match[1] for text in texts if (match := NUMBER.fullmatch(text))}
    return cast(Unit, units.pop() or OPEN) if len(units) == 1 else OPEN
