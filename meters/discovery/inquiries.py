"""Who on a network is asked how, and what the answers say: one class for each way in which devices let themselves be
found.

Knows: mDNS, SSDP (Redfish, FRITZ!Box), the presence ping of BMCs (ASF, RMCP), TP-Link's and NETIO's own broadcasts,
what myStrom's switches send by themselves. Does not know: sockets, interfaces (`meters.discovery.search`).

Sources: RFC 6762 5.1 (a question from any port is answered to it); Redfish DSP0266, 12 (SSDP, `AL`); ASF 2.0, 3.2.4;
python-kasa, NETIO's wiki and python-mystrom for the others.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from meters import kasa
from meters.discovery import dns
from meters.discovery.found import Found
from meters.discovery.services import BMC, PASSWORD, READERS, Announcements
from meters.json_reply import parse_json
from meters.meter import MeterGarbage

MOST_FOUND = 256
MDNS_GROUP, SSDP_GROUP = "224.0.0.251", "239.255.255.250"
Goal = Literal["group", "broadcast"]


class Inquiry(ABC):
    """One way of finding devices: what is sent where, where is listened, what was found, one meter an address."""

    what: ClassVar[str]
    """Whom it finds, in words."""
    drivers: ClassVar[frozenset[str]]
    """Who reads what it finds."""
    goal: ClassVar[Goal | None] = "broadcast"
    """Whether questions go to a multicast group or to all of a subnet, `None` where nothing is sent."""
    place: ClassVar[tuple[str, int]]
    """Group (empty for a broadcast) and port to which questions go."""
    listens: ClassVar[tuple[str, int] | None] = None
    """Group (empty: none) and port at which answers come too that are not for the asker alone."""

    def __init__(self) -> None:
        self._found: dict[str, Found] = {}

    @abstractmethod
    def questions(self) -> list[bytes]:
        """Return the datagrams that are to be sent now."""

    @abstractmethod
    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a datagram from the address `sender`; raises `MeterGarbage` where it is no answer."""

    def found(self) -> Iterator[Found]:
        """Yield what was found so far."""
        yield from list(self._found.values())

    def _note(self, key: str, found: Found) -> None:
        if len(self._found) < MOST_FOUND:
            self._found.setdefault(key, found)


class Mdns(Inquiry):
    """Devices that announce a service."""

    what = "plugs, home meters, brokers and BMCs that announce themselves (mDNS)"
    drivers = frozenset(name for names, _reader in READERS.values() for name in names)
    goal, place, listens = "group", (MDNS_GROUP, 5353), (MDNS_GROUP, 5353)

    def __init__(self, drivers: frozenset[str]) -> None:
        super().__init__()
        self._announced = Announcements(drivers)

    def questions(self) -> list[bytes]:
        """Ask for every type of service, and for what is missing of those known."""
        asked = self._announced.questions()
        return [dns.encode_questions(asked[at : at + 24]) for at in range(0, len(asked), 24)]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of an answer; others' questions to the group are passed over."""
        if len(data) > 2 and not data[2] & 0x80:
            return
        self._announced.hear(dns.decode_records(data), sender)

    def found(self) -> Iterator[Found]:
        """Yield what our drivers read of it."""
        yield from self._announced.found()


class Kasa(Inquiry):
    """Kasa devices with the older protocol."""

    what, place = "Kasa devices (UDP 9999)", ("", 9999)
    drivers = frozenset({kasa.DRIVER})

    def questions(self) -> list[bytes]:
        """Ask who is there: the question of the TCP port without its length."""
        return [kasa.encode_sysinfo()[kasa.LENGTH.size :]]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a device; one that answers and does not meter is left out."""
        device = kasa.decode_device(kasa.decrypt(data))
        count = len(device.outlets)
        needs = (f"which outlet: outlet is one of 1 to {count}",) if count else ()
        identity = device.identity
        says = " ".join(filter(None, (identity.maker, identity.model, identity.serial, identity.firmware)))
        self._note(sender, Found(kasa.DRIVER, f"socket://{sender}:9999", says, "Kasa's broadcast", needs=needs))


class Tapo(Inquiry):
    """Tapo devices, and Kasa devices with newer firmware: a fixed question, an answer of JSON behind 16 bytes."""

    what, place = "Tapo and newer Kasa devices (UDP 20002)", ("", 20002)
    drivers = frozenset({"tapo"})
    question: ClassVar[bytes] = bytes.fromhex("02000001000000000000000046 3cb5d3")

    def questions(self) -> list[bytes]:
        """Ask who is there."""
        return [self.question]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a plug; bulbs, hubs and cameras are passed over."""
        result = parse_json(data[16:]).member("result")
        kind, model, mac = (result.member(name).text() for name in ("device_type", "device_model", "mac"))
        if "PLUG" not in kind:
            return
        scheme = result.member("mgt_encrypt_schm")
        seal, number = scheme.member("encrypt_type").text(), scheme.member("http_port").whole(1, 65535)
        needs = ["the TP-Link account of the plug: its e-mail address as user, its password in password_file"]
        if seal != "KLAP":
            needs.append(f"a newer firmware: it speaks {seal[:20]}, and KLAP alone is read")
        place = f"http://{sender}" + ("" if number == 80 else f":{number}")
        self._note(sender, Found("tapo", place, f"TP-Link {model} {mac}", "TP-Link's broadcast", needs=tuple(needs)))


class Netio(Inquiry):
    """NETIO strips and PDUs: a question on UDP 62387, answered to all on 62386, in fields of type, length and value."""

    what, place, listens = "NETIO devices (UDP 62387)", ("", 62387), ("", 62386)
    drivers = frozenset({"netio"})
    fields: ClassVar[dict[int, str]] = {0x01: "firmware", 0x03: "address", 0x12: "platform", 0x13: "name"}

    def questions(self) -> list[bytes]:
        """Ask who is there."""
        return [b"\x01\xec\x00"]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a device."""
        if data[:1] != b"\x02" or len(data) < 5:
            raise MeterGarbage(f"found {len(data)} bytes that are no answer of a NETIO")
        told, at = {}, 3
        while at + 2 <= len(data) and data[at] in range(0x01, 0x20):
            kind, size = data[at], data[at + 1]
            told[self.fields.get(kind, "")] = data[at + 2 : at + 2 + size]
            at += 2 + size
        words = {name: value.decode("utf-8", errors="replace").strip("\0 ") for name, value in told.items()}
        address = told.get("address", b"")
        place = ".".join(map(str, address)) if len(address) == 4 else sender
        says = " ".join(filter(None, ("NETIO", words.get("platform"), words.get("name"), words.get("firmware"))))
        self._note(place, Found("netio", f"http://{place}", says, "NETIO's broadcast"))


class MyStrom(Inquiry):
    """myStrom's switches say every few seconds that they are there: address of the network card, kind, state."""

    what = "myStrom switches, which speak unasked (UDP 7979)"
    goal, place, listens = None, ("", 7979), ("", 7979)
    drivers = frozenset({"mystrom"})
    switches: ClassVar[dict[int, str]] = {
        101: "Switch CH v1",
        106: "Switch CH v2",
        107: "Switch EU",
        120: "Switch Zero",
    }

    def questions(self) -> list[bytes]:
        """Ask nothing."""
        return []

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a switch that meters; bulbs and buttons are passed over."""
        if len(data) != 8:
            raise MeterGarbage(f"found {len(data)} bytes, expected the 8 of a myStrom device")
        name = self.switches.get(data[6])
        if name is not None:
            self._note(
                sender, Found("mystrom", f"http://{sender}", f"myStrom {name} {data[:6].hex(':')}", "its own word")
            )


class Ipmi(Inquiry):
    """BMCs, by the presence ping of ASF: they say whether they speak IPMI."""

    what, place = "BMCs (IPMI's presence ping, UDP 623)", ("", 623)
    drivers = frozenset({"ipmi"})
    ping: ClassVar[bytes] = bytes.fromhex("0600ff06 000011be 80 01 00 00")

    def questions(self) -> list[bytes]:
        """Ask who is there."""
        return [self.ping]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of a pong that says IPMI."""
        is_pong = len(data) >= 21 and data[:1] == b"\x06" and data[3:9] == b"\x06\x00\x00\x11\xbe\x40"
        if not is_pong:
            raise MeterGarbage(f"found {len(data)} bytes that are no presence pong")
        if data[20] & 0x80:
            self._note(
                sender, Found("ipmi", f"ipmi://{sender}", "a BMC that speaks IPMI", "IPMI's ping", needs=BMC[:1])
            )


HEAD = re.compile(rb"HTTP/1\.[01] 200[ \r]")


class Ssdp(Inquiry):
    """Devices that answer a search by SSDP; `target` is what is searched for."""

    goal, place = "group", (SSDP_GROUP, 1900)
    target: ClassVar[str]

    def questions(self) -> list[bytes]:
        """Search; answers come within a second."""
        lines = [
            "M-SEARCH * HTTP/1.1",
            f"HOST: {SSDP_GROUP}:1900",
            'MAN: "ssdp:discover"',
            "MX: 1",
            f"ST: {self.target}",
        ]
        return ["\r\n".join([*lines, "", ""]).encode("ascii")]

    def hear(self, data: bytes, sender: str) -> None:
        """Take note of an answer."""
        if HEAD.match(data) is None:
            raise MeterGarbage(f"found {data[:20]!r}, expected an answer of SSDP")
        lines = data.decode("latin-1").splitlines()[1:]
        told = {
            name.strip().upper(): value.strip() for name, mark, value in (line.partition(":") for line in lines) if mark
        }
        self._hear(told, sender)

    @abstractmethod
    def _hear(self, told: dict[str, str], sender: str) -> None:
        """Take note of an answer's headers, their names in capitals."""


class RedfishSsdp(Ssdp):
    """Redfish services, which say where their root is in `AL`."""

    what = "Redfish services (SSDP)"
    drivers = frozenset({"redfish"})
    target = "urn:dmtf-org:service:redfish-rest:1"

    def _hear(self, told: dict[str, str], sender: str) -> None:
        if not told.get("ST", "").lower().startswith(self.target):
            return
        try:
            parts = urlsplit(told.get("AL", ""))
            scheme, number = parts.scheme, parts.port
        except ValueError:
            scheme, number = "", None
        if scheme not in ("http", "https"):
            raise MeterGarbage(f"found the place {told.get('AL', '')[:60]!r}, expected a URL")
        # The address is that of who answers: a name or an address in the answer may lead elsewhere.
        place = f"{scheme}://{sender}" + (f":{number}" if number else "")
        needs = BMC if scheme == "https" else BMC[:1]
        self._note(place, Found("redfish", place, told.get("USN", "").partition("::")[0], "SSDP", needs=needs))


class FritzSsdp(Ssdp):
    """FRITZ!Boxes, which name themselves in `SERVER`; repeaters and others that do are found too."""

    what = "FRITZ!Boxes (SSDP)"
    drivers = frozenset({"fritz"})
    target = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"

    def _hear(self, told: dict[str, str], sender: str) -> None:
        server = told.get("SERVER", "")
        if "FRITZ!" not in server:
            return
        needs = (
            f"a user with the right to smart home, and {PASSWORD}",
            "which plug, where the box has several: ain",
        )
        self._note(sender, Found("fritz", f"http://{sender}", server[server.index("FRITZ!") :], "SSDP", needs=needs))


def inquiries(drivers: frozenset[str]) -> list[Inquiry]:
    """Return how devices of these drivers are looked for; none where none of them can be found."""
    kinds: tuple[type[Kasa | Tapo | Netio | MyStrom | Ipmi | RedfishSsdp | FritzSsdp], ...]
    kinds = (Kasa, Tapo, Netio, MyStrom, Ipmi, RedfishSsdp, FritzSsdp)
    announced = [Mdns(drivers)] if drivers & Mdns.drivers else []
    return [*announced, *(kind() for kind in kinds if drivers & kind.drivers)]
