"""Limits of findings that the operator of an import names in place of the method's own.

Knows the table [thresholds] of a TOML file. Knows no importer.
"""

from pathlib import Path

from harness.record.codec import Mistakes, read_toml, record
from harness.record.documents import Thresholds
from harness.record.errors import ConfigError

TABLE = "thresholds"
EXPECTED = f"name a TOML file with a table [{TABLE}], such as lab.toml (docs/lab-toml.md has its keys)"


def read_thresholds(path: Path) -> Thresholds:
    """The table [thresholds] of a file; what else stands in it is not looked at.

    Raises:
        ConfigError: there is no such file or table; every mistake in the table, with file and TOML path.
    """
    _, raw = read_toml(path, EXPECTED)
    table = raw.get(TABLE)
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: no table [{TABLE}]; {EXPECTED}")
    mistakes = Mistakes()
    found = record(Thresholds, table, str(path), f"{TABLE}.", mistakes)
    mistakes.raise_all(path)
    return found
