"""Names of meters and indicators, made of what columns are called.

Knows texts. Knows no file.
"""

import re
import unicodedata

from harness.foreign.importers.power_csv.mapping import PowerColumn

_UNIT = re.compile(r"[\s_(\[]+(?:k|m|M)?(?:watts?|Watts?|Wh|W|J|joules?)[\])]*$")
_KIND = re.compile(r"[\s_]+(?:power|energy)$", re.IGNORECASE)
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """A text as part of a file's name: `Wall power (W)` -> `wall`."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", _KIND.sub("", _UNIT.sub("", text)).lower()).strip("_") or "meter"


def meter_of(column: PowerColumn) -> str:
    """What the mapping calls a meter, else its column."""
    return column.meter or slug(column.column)


def indicator_of(column: PowerColumn) -> str:
    """What a software meter's column is called: its name, else its heading and unit."""
    return column.name or f"{slug(column.column)}_{'energy_j' if column.is_energy else 'power_w'}"
