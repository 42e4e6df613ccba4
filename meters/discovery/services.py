"""Services that are announced by mDNS (RFC 6763), and which driver reads what stands behind one.

Knows: the types that our drivers' devices announce, what their TXT records say, which records are still missing.
Does not know: messages (`meters.discovery.dns`), sockets.

Sources: the makers' documentation for Shelly (`_shelly._tcp`, `_http._tcp` with `gen`), HomeWizard (`_hwenergy._tcp` of
API v1, `_homewizard._tcp` of v2), ESPHome and Home Assistant; NUT's scanner for `_upsd._tcp`; OpenBMC for
`_redfish._tcp` and `_obmc_redfish._tcp`, which no standard names. A Tasmota announces itself where its firmware was
built with that, which the usual ones are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from meters.discovery import dns
from meters.discovery.dns import Name, Record
from meters.discovery.found import Found

LOCAL = "local"
LONGEST_TYPE = ("_service", "_protocol", LOCAL)
BY = "mDNS"
MOST_INSTANCES = 256
PASSWORD = "its password: write it into a file and name that as password_file"
TOKEN_V2 = (
    "a token: press the device's button, ask for one within 30 s (docs/meters.md), write it into a file and name that "
    "as password_file"
)


@dataclass(frozen=True, slots=True)
class Service:
    """One announced service: its name, the port, the address of its host, its TXT record by names in small letters."""

    instance: str
    port: int
    address: str
    texts: Mapping[str, str]

    def says(self, *names: str) -> str:
        """Return its name, and those of the texts that it has."""
        return " ".join(filter(None, (self.instance, *(self.texts.get(name, "") for name in names))))

    def at(self, scheme: str, usual: int) -> str:
        """Return its URL, without the port where that is the usual one."""
        return f"{scheme}://{self.address}" + ("" if self.port == usual else f":{self.port}")


Reader = Callable[[Service], Found | None]


def _shelly(service: Service) -> Found | None:
    return Found("shelly", service.at("http", 80), service.says("app", "ver"), BY)


def _web(service: Service) -> Found | None:
    """A web server is of one of ours by its name only."""
    name = service.instance.lower()
    for driver in ("shelly", "tasmota"):
        if name.startswith(driver):
            return Found(driver, service.at("http", 80), service.says("app", "ver"), BY)
    if name.startswith("netio"):
        return Found("netio", service.at("http", 80), service.says(), BY)
    return None


def _homewizard_v1(service: Service) -> Found | None:
    is_open = service.texts.get("api_enabled", "1") == "1"
    needs = (
        ()
        if is_open
        else ("the local API, which is off: switch it on in the maker's app (Settings, Meters, Local API)",)
    )
    return Found("homewizard", service.at("http", 80), service.says("product_type", "serial"), BY, needs=needs)


def _homewizard_v2(service: Service) -> Found | None:
    says = service.says("product_type", "serial")
    return Found("homewizard", service.at("https", 443), says, BY, {"api": "v2"}, (TOKEN_V2,))


def _esphome(service: Service) -> Found | None:
    """Read by way of a broker or of Home Assistant: the device's own protocol is not spoken."""
    needs = (
        "a broker to which it publishes, mqtt://BROKER as port, and the topic (docs/meters.md), since its own protocol "
        "is not spoken; or read it through homeassistant",
    )
    return Found("mqtt", "", f"{service.says('friendly_name', 'version')}, at {service.address}", BY, needs=needs)


def _broker(service: Service) -> Found | None:
    needs = ("the topic at which the meter publishes, and where the power stands in it (docs/meters.md)",)
    return Found("mqtt", service.at("mqtt", 1883), service.says(), BY, needs=needs)


def _sealed_broker(service: Service) -> Found | None:
    needs = ("the topic at which the meter publishes, and where the power stands in it (docs/meters.md)",)
    return Found("mqtt", service.at("mqtts", 8883), service.says(), BY, needs=needs)


def _home_assistant(service: Service) -> Found | None:
    needs = (
        "the entity, such as sensor.plug_power",
        "a long-lived access token: make one in the profile of Home Assistant, write it into a file and name that as "
        "password_file",
    )
    return Found("homeassistant", service.at("http", 80), service.says("location_name", "version"), BY, needs=needs)


def _upsd(service: Service) -> Found | None:
    devices = [name for name in service.texts.get("device_list", "").split(";") if name]
    options: dict[str, float | str] = {"ups": devices[0]} if len(devices) == 1 else {}
    needs = (f"which UPS: ups is one of {', '.join(devices)}",) if len(devices) > 1 else ()
    return Found("nut", f"socket://{service.address}:{service.port}", service.says("device_list"), BY, options, needs)


BMC = (
    "the user (read only is enough) and its password: user, and password_file",
    "its certificate, pinned: the first `wattlab meter read` says the fingerprint (docs/instruments.md)",
)


def _redfish(service: Service) -> Found | None:
    return Found("redfish", service.at("https", 443), service.says("model", "serial"), BY, needs=BMC)


READERS: Mapping[str, tuple[tuple[str, ...], Reader]] = {
    "_shelly._tcp": (("shelly",), _shelly),
    "_http._tcp": (("shelly", "tasmota", "netio"), _web),
    "_hwenergy._tcp": (("homewizard",), _homewizard_v1),
    "_homewizard._tcp": (("homewizard",), _homewizard_v2),
    "_esphomelib._tcp": (("mqtt",), _esphome),
    "_mqtt._tcp": (("mqtt",), _broker),
    "_secure-mqtt._tcp": (("mqtt",), _sealed_broker),
    "_home-assistant._tcp": (("homeassistant",), _home_assistant),
    "_upsd._tcp": (("nut",), _upsd),
    "_nut._tcp": (("nut",), _upsd),
    "_redfish._tcp": (("redfish",), _redfish),
    "_obmc_redfish._tcp": (("redfish",), _redfish),
}
"""Of each type which drivers may read it, and what is made of one service."""


class Announcements:
    """What was heard of services so far, of the types that `drivers` read."""

    def __init__(self, drivers: frozenset[str]) -> None:
        self._types = {
            (*name.split("."), LOCAL): reader for name, (names, reader) in READERS.items() if drivers & set(names)
        }
        self._instances: dict[Name, tuple[Name, str]] = {}
        self._services: dict[Name, Record] = {}
        self._texts: dict[Name, tuple[bytes, ...]] = {}
        self._hosts: dict[Name, str] = {}

    def questions(self) -> list[tuple[Name, int]]:
        """Return what is to be asked now: for services of each type, and for what is missing of those known."""
        missing = [(instance, dns.SRV) for instance in self._instances if _key(instance) not in self._services]
        missing += [(instance, dns.TXT) for instance in self._instances if _key(instance) not in self._texts]
        return [(name, dns.PTR) for name in self._types] + missing

    def hear(self, records: list[Record], sender: str) -> None:
        """Take note of the records of an answer from the address `sender`."""
        for record in records:
            name = _key(record.name)
            if record.kind == dns.PTR and name in self._types and len(self._instances) < MOST_INSTANCES:
                self._instances.setdefault(record.target, (name, sender))
            elif record.kind == dns.SRV:
                self._services[name] = record
            elif record.kind == dns.TXT:
                self._texts[name] = record.texts
            elif record.kind == dns.A:
                self._hosts[name] = record.address

    def found(self) -> Iterator[Found]:
        """Yield what our drivers read of the services that are known whole."""
        for instance, (type_, sender) in self._instances.items():
            record = self._services.get(_key(instance))
            if record is None:
                continue
            address = self._hosts.get(_key(record.target), sender)
            texts = dict(map(_pair, self._texts.get(_key(instance), ())))
            found = self._types[type_](Service(_text_of(instance), record.port, address, texts))
            if found is not None:
                yield found


def _text_of(instance: Name) -> str:
    """The free text before type and domain; some responders cut it at its dots."""
    return ".".join(instance[: -len(LONGEST_TYPE)] or instance[:1])


def _key(name: Name) -> Name:
    """Names are the same whatever the case of their letters."""
    return tuple(label.lower() for label in name)


def _pair(text: bytes) -> tuple[str, str]:
    name, _mark, value = text.decode("utf-8", errors="replace").partition("=")
    return name.lower(), value
