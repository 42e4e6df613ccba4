"""Keys for a service: read from the environment or from a file of their owner, held in memory, written nowhere.

Knows where a key is. Knows no request.
"""

import os
import stat
from pathlib import Path

from harness.record.activity import Activity
from harness.record.errors import ConfigError, why

LONGEST = 8192
WITHHELD = b"(withheld)"


def key_of(activity: Activity, where: str) -> str | None:
    """The key of an activity; None: it has none. `where` begins the error: file and TOML path.

    Raises:
        ConfigError: it is not there, others may read the file, or no header can carry it. No message has a part of it.
    """
    if activity.key_environment:
        place, key = f"{where}.key_environment", os.environ.get(activity.key_environment, "")
        if not key:
            raise ConfigError(f"{place}: the environment has no {activity.key_environment}; set it before the start")
    elif activity.key_file:
        place, key = f"{where}.key_file", _read(Path(activity.key_file).expanduser(), f"{where}.key_file")
    else:
        return None
    if not key or len(key) > LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{place}: what is there is no key: expected one line of printable ASCII without blanks")
    return key


def _read(path: Path, place: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{place}: {path} is no plain file")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{place}: others may read {path}; take that from them with: chmod 600 {path}")
        return path.read_bytes()[: LONGEST + 2].decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(f"{place}: {path} cannot be read ({why(error)})") from None
