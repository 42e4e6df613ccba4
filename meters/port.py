"""A meter's port as the lab names it: a device path or a URL, and why it cannot be opened.

Knows: the schemes there are, what a name lacks, what an error of the system means for somebody in front of the port.
Does not know: how a port is opened, what it proves (`meters.origin`), which driver takes which (`meters.port_forms`).
"""

from __future__ import annotations

import errno
from pathlib import Path
from urllib.parse import urlsplit

from meters.meter import MeterOptionError

URL_SCHEMES = ("socket", "socket+tls", "rfc2217", "http", "https", "snmp", "ipmi", "mqtt", "mqtts")
WEB_SCHEMES = ("http", "https")
SNMP_SCHEME = "snmp"
IPMI_SCHEME = "ipmi"
MQTT_SCHEMES = ("mqtt", "mqtts")
TLS_SCHEMES = ("socket+tls", "https", "mqtts")
DEFAULT_PORTS = {"http": 80, "https": 443, SNMP_SCHEME: 161, IPMI_SCHEME: 623, "mqtt": 1883, "mqtts": 8883}
"""Where the number may be left out of the URL."""


def scheme_of(port: str) -> str:
    """Return the URL scheme of `port`, empty for a device path; raises `MeterOptionError` on another one."""
    if not port or "\0" in port:
        raise MeterOptionError(f"port {port!r}: expected a device path such as /dev/ttyUSB0, or socket://HOST:PORT")
    scheme, mark, rest = port.partition("://")
    if not mark:
        return ""
    try:
        parts = urlsplit(port)
        complete = bool(rest) and parts.hostname is not None and (parts.port is not None or scheme in DEFAULT_PORTS)
    except ValueError:
        complete = False
    if scheme not in URL_SCHEMES or not complete:
        raise MeterOptionError(
            f"port {without_login(port)!r}: expected a device path, socket://HOST:PORT, socket+tls://HOST:PORT, "
            "rfc2217://HOST:PORT, http://HOST, https://HOST, snmp://HOST, ipmi://HOST, mqtt://HOST or mqtts://HOST; "
            "correct `port`"
        )
    return scheme


def web_place(url: str) -> tuple[str, str, int]:
    """Return scheme, host and TCP port of a meter's web server; raises `MeterOptionError`."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme in WEB_SCHEMES and name and not rest and port != 0:
            return parts.scheme, name, port or DEFAULT_PORTS[parts.scheme]
    except ValueError:
        pass
    raise MeterOptionError(
        f"port {without_login(url)!r}: expected http://HOST or https://HOST, with :PORT or without, and nothing "
        "more; correct `port`"
    )


def no_web_answer(scheme: str, why: str) -> str:
    """Return what it may mean that a web server of this scheme never answered."""
    other = "https" if scheme == "http" else "http"
    return f"no answer came ({why}); check that this is the meter's web port, and whether it wants {other}://"


def without_login(port: str) -> str:
    """Return a port for a sentence, without the user and the password that somebody wrote into its URL."""
    head, mark, tail = port.rpartition("://")
    return port if port.startswith("/") else head + mark + tail.rpartition("@")[2]


def open_trouble(port: str, error: Exception) -> str:
    """Return why a port could not be opened, and what to do about it."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return "there is no such port; connect the meter, or correct `port`"
    if number in (errno.EACCES, errno.EPERM):
        return "no permission; add your user to the group of the port (dialout)"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return "another program uses it; end that program (brltty is known to grab such ports)"
    if number == errno.ENOTTY or "Could not configure port" in str(error) or Path(port).is_dir():
        return f"it is no serial port ({error}); correct `port`"
    return f"{error}; check the port and what stands behind it"
