"""What may be written as the port of a meter of a driver, and what was meant by another word.

Knows: the forms of each kind of link, which host and number stand in a word. Does not know: any driver, whether the
port is there, how it is opened (`meters.port`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from meters.port import DEFAULT_PORTS, TLS_SCHEMES, without_login

Link = Literal["serial", "tcp", "usbtmc", "http", "snmp", "ipmi", "mqtt", "software"]

FORMS: Mapping[Link, tuple[str, ...]] = {
    "serial": ("/dev/serial/by-id/NAME",),
    "usbtmc": ("/dev/usbtmc0",),
    "tcp": ("socket://HOST:PORT", "socket+tls://HOST:PORT"),
    "http": ("http://HOST", "https://HOST"),
    "snmp": ("snmp://HOST",),
    "ipmi": ("ipmi://HOST",),
    "mqtt": ("mqtt://HOST", "mqtts://HOST"),
    "software": (),
}
"""What is written for each kind of link. HOST is a name or an address; where no PORT stands, `:PORT` may follow."""
BRIDGED = "rfc2217://HOST:PORT"
"""A serial line behind a server that sets its speed too (RFC 2217)."""
LINKS: Mapping[str, Link] = {
    "socket": "tcp",
    "socket+tls": "tcp",
    "rfc2217": "tcp",
    "http": "http",
    "https": "http",
    "snmp": "snmp",
    "ipmi": "ipmi",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
}
DEVICES = ("tty", "rfcomm", "usbtmc")
"""How the names of devices begin."""
PLACE = re.compile(
    r"(?:(?P<login>.*)@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.]*|[\w.-]+)"
    r"(?::(?P<number>\d{1,5}))?"
)
"""A host, or HOST:PORT, without a scheme; an address of IPv6 in brackets or bare."""


def link_of(port: str) -> Link:
    """Return which kind of link a port is, by its name."""
    scheme, mark, _rest = port.partition("://")
    return LINKS.get(scheme, "tcp") if mark else "usbtmc" if Path(port).name.startswith("usbtmc") else "serial"


def forms_of(links: Sequence[Link], tcp_port: int, first: str) -> tuple[str, ...]:
    """Return what may be written as a port, those with the scheme `first` before the others; `tcp_port` is where the
    meter listens as it comes, 0 where only the lab knows it."""
    forms = [form for link in links for form in FORMS[link]]
    if {"serial", "tcp"} <= set(links):
        forms.append(BRIDGED)
    if tcp_port:
        forms = [form.replace("socket://HOST:PORT", f"socket://HOST:{tcp_port}") for form in forms]
    return tuple(sorted(forms, key=lambda form: not form.startswith(f"{first}://")))


def has_login(port: str) -> bool:
    """Return whether somebody wrote a user or a password into the URL of a port."""
    return "@" in port.partition("://")[2]


@dataclass(frozen=True, slots=True)
class _Place:
    """What stands in a word that may have been meant as a port; `host` is empty where none does."""

    scheme: str = ""
    before: str = ""
    host: str = ""
    number: int = 0
    more: bool = False
    """Something stands behind the host that belongs to no port."""


def wrong_form(port: str, forms: Sequence[str], links: Sequence[Link], named: str) -> str:
    """Return what is wrong with `port`, what was expected, and what to write; empty where it has one of the forms.

    `forms` are those of a driver, `links` its kinds of link, `named` the option that is meant by NAME@HOST (empty:
    none). What stands before an @ of a URL is a login, and never repeated.
    """
    if "software" in links:
        return ""
    place = _place_of(port)
    meant = _meant(place, port, forms)
    if has_login(port) or (place.before and (":" in place.before or not named)):
        return (
            f"found a login in it, which every log would show; write {meant or forms[0]}, and give user and password "
            "beside it (--user, --password-file; in lab.toml user, password_file)"
        )
    if _fits(port, place, links):
        return ""
    option = f", and {place.before} as the option {named}" if meant and named and place.before else ""
    write = f"; write {meant}{option}" if meant else ""
    return f"found {without_login(port)!r}, expected {_listed(forms)}{write}"


def _place_of(port: str) -> _Place:
    scheme, mark, _rest = port.partition("://")
    if not mark:
        found = None if "/" in port else PLACE.fullmatch(port)
        if found is None:
            return _Place()
        return _Place("", found["login"] or "", found["host"], int(found["number"] or 0))
    try:
        parts = urlsplit(without_login(port))
        host, number = parts.hostname or "", parts.port or 0
    except ValueError:
        return _Place(scheme)
    more = bool(parts.path.strip("/") or parts.fragment or parts.query)
    return _Place(scheme, "", host, number, more)


def _fits(port: str, place: _Place, links: Sequence[Link]) -> bool:
    if not place.scheme:
        is_path = "/" in port or (port != "" and "\0" not in port and Path(port).exists())
        return is_path and "\0" not in port and link_of(port) in links
    has_number = bool(place.number) or place.scheme in DEFAULT_PORTS
    is_bare = not place.more or place.scheme == "rfc2217"
    return LINKS.get(place.scheme) in links and bool(place.host) and has_number and is_bare


def _listed(forms: Sequence[str]) -> str:
    return " or ".join([", ".join(forms[:-1]), forms[-1]]) if len(forms) > 1 else forms[0]


def _meant(place: _Place, port: str, forms: Sequence[str]) -> str:
    """What to write where a host can be seen in what was written; empty where none can."""
    urls = [form for form in forms if "://" in form]
    if not place.scheme and place.host.startswith(DEVICES):
        return f"/dev/{port}"
    if not place.host or not urls:
        return ""
    same = [form for form in urls if form.startswith(f"{place.scheme}://")]
    alike = [form for form in urls if (form.partition("://")[0] in TLS_SCHEMES) == (place.scheme in TLS_SCHEMES)]
    form = (same or (alike if place.scheme else urls) or urls)[0]
    host = f"[{place.host.strip('[]')}]" if ":" in place.host else place.host
    url = form.replace("HOST", host, 1)
    if form.count(":") == 1:
        return f"{url}:{place.number}" if place.number else url
    return f"{url.rpartition(':')[0]}:{place.number}" if place.number else url
