"""How an emulated device lets itself be found: a UDP port of its protocol, beside the wire that is read.

Knows: Kasa's and Tapo's answers to who asks, NETIO's to all of the subnet, what myStrom's switches say unasked. Does
not know: what is read of a device. A BMC answers a ping at the port at which it is read; mDNS and SSDP are left to
others' programs.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from meters.discovery.search import interfaces
from meters.emulators.bench import Device
from meters.emulators.kasa import KasaDevice, masked, unmasked

LARGEST_DATAGRAM = 2048
CARD = bytes.fromhex("30aea4000001")
SWITCH, REGISTERED = 107, 0x02


@dataclass(frozen=True, slots=True)
class Kind:
    """One protocol: the port at which it is asked (0: it is not), what is answered by a device at an address (empty:
    nothing), the port to which that goes at all of the subnet (0: it goes to who asked), the seconds after which it is
    said unasked (0: never)."""

    port: int
    answer: Callable[[Device, bytes, str], bytes]
    port_of_all: int = 0
    period_s: float = 0.0


def _kasa(device: Device, question: bytes, address: str) -> bytes:
    return masked(device.reply(unmasked(question))) if isinstance(device, KasaDevice) and question else b""


def _netio(device: Device, question: bytes, address: str) -> bytes:
    if question != b"\x01\xec\x00":
        return b""
    fields = {0x01: b"3.1.0", 0x02: CARD, 0x03: ipaddress.IPv4Address(address).packed, 0x09: b"Netio4",
              0x0A: b"NETIO", 0x12: b"4All", 0x13: b"EMULATED"}  # fmt: skip
    return b"\x02\xab\x6b" + b"".join(bytes((kind, len(value))) + value for kind, value in fields.items())


def _mystrom(device: Device, question: bytes, address: str) -> bytes:
    return CARD + bytes((SWITCH, REGISTERED))


def _tapo(device: Device, question: bytes, address: str) -> bytes:
    if len(question) < 16 or question[:1] != b"\x02":
        return b""
    scheme = {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2}
    result = {
        "device_id": "8022EMULATED", "device_type": "SMART.TAPOPLUG", "device_model": "P115(EU)", "ip": address,
        "owner": "", "mac": "48-22-54-00-00-01", "factory_default": False, "mgt_encrypt_schm": scheme,
    }  # fmt: skip
    return bytes(16) + json.dumps({"error_code": 0, "result": result}).encode()


KINDS: Mapping[str, Kind] = {
    "kasa": Kind(9999, _kasa),
    "tapo": Kind(20002, _tapo),
    "netio": Kind(62387, _netio, port_of_all=62386),
    "mystrom": Kind(0, _mystrom, port_of_all=7979, period_s=5.0),
}


class Beacon:
    """What lets one device be found; the bench waits for it and serves it."""

    def __init__(self, device: Device, kind: Kind) -> None:
        """Listen; raises `OSError` where the port is taken."""
        self._device, self._kind = device, kind
        self._due_s = time.monotonic()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.bind(("", kind.port))
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def serve(self) -> None:
        """Answer what was asked, and say what is due; a datagram that cannot be sent is lost."""
        with suppress(OSError):
            question, asker = self._socket.recvfrom(LARGEST_DATAGRAM)
            self._answer(question, asker)
        if self._kind.period_s and time.monotonic() >= self._due_s:
            self._due_s += self._kind.period_s
            self._answer(b"", ("", 0))

    def close(self) -> None:
        """Be found no more."""
        self._socket.close()

    def _answer(self, question: bytes, asker: tuple[str, int]) -> None:
        if not self._kind.port_of_all:
            if answer := self._kind.answer(self._device, question, asker[0]):
                self._socket.sendto(answer, asker)
            return
        for interface in interfaces():
            answer = self._kind.answer(self._device, question, interface.address)
            if answer and interface.broadcast:
                with suppress(OSError):
                    self._socket.sendto(answer, (interface.broadcast, self._kind.port_of_all))
