"""What a driver needs beside the port of a meter of lab.toml: its password, its key, what was declared of it.

Knows where a password is read from, and that nobody else may read it there. It is read when a meter is opened, and kept
nowhere. Knows no wire.
"""

import os
import stat
from pathlib import Path

from harness.record.errors import ConfigError
from harness.record.plain_files import read_named
from harness.station.register import Register
from harness.station.station import MeterSection, Station
from meters.access import Access, Credentials

LONGEST = 256


def access_of(station: Station, register: Register | None, meter: str) -> Access:
    """How a meter of lab.toml is let in and known again.

    Raises:
        ConfigError: its password is not where lab.toml says, or others can read it.
    """
    section = station.meters[meter]
    credentials = _credentials(f"{station.path}: meters.{meter}", station.path.parent, section)
    if register is None or not section.instrument:
        return Access(credentials)
    return Access(credentials, register.pin(section.instrument), register.declaration(section.instrument))


def _credentials(where: str, folder: Path, section: MeterSection) -> Credentials | None:
    password = _password(f"{where}.password", folder, section.password_file, section.password_env)
    privacy = f"{where}.privacy_password", folder, section.privacy_password_file, section.privacy_password_env
    return Credentials(section.user, password, _password(*privacy)) if section.user or password else None


def _password(where: str, folder: Path, file: str, variable: str) -> str:
    """The password in a file or an environment variable, empty where neither is named."""
    if file:
        return read_password(f"{where}_file", folder / Path(file).expanduser())
    if not variable:
        return ""
    password = os.environ.get(variable)
    if password is None:
        raise ConfigError(
            f"{where}_env: found no environment variable {variable}; set it, or name a {where.rpartition('.')[2]}_file"
        )
    return _checked(f"{where}_env: {variable}", password)


def read_password(where: str, file: Path) -> str:
    """The only line of a file that nobody but its owner and his group can read.

    Raises:
        ConfigError: it is no such file.
    """
    try:
        mode, content = file.stat().st_mode, read_named(file)
    except OSError as error:
        raise ConfigError(
            f"{where}: {file}: cannot read ({error.strerror or error}); write the password into it"
        ) from None
    if mode & stat.S_IROTH:
        raise ConfigError(f"{where}: {file}: everybody on this machine can read it; chmod 600 {file}")
    try:
        return _checked(f"{where}: {file}", content.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {file}: found no UTF-8, expected the password as text") from None


def _checked(where: str, password: str) -> str:
    """A password; what is wrong with it is said without repeating it."""
    if not password:
        raise ConfigError(f"{where}: found nothing, expected the password")
    if len(password) > LONGEST or not password.isprintable():
        raise ConfigError(
            f"{where}: found more than one line of {LONGEST} characters, expected the password and no more"
        )
    return password
