"""Looking for meters on the networks of this host, for some seconds, on every interface that can.

Knows: interfaces, one socket for each way of asking on each, that datagrams are lost (each question is sent three
times), what an interface refuses. Does not know: what is asked and answered (`meters.discovery.inquiries`).

Questions go from a port of their own, not from that of mDNS: who answers does so to that port, and no responder of this
host loses a datagram. What goes to a group or to all is heard at its own port, beside others.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from meters.discovery.found import Found
from meters.discovery.inquiries import MDNS_GROUP, SSDP_GROUP, Inquiry, inquiries
from meters.meter import MeterGarbage

LARGEST_DATAGRAM = 1 << 16
SENDINGS, SPACING = 3, 0.3
"""How often a question is sent, and how far apart, as a share of the search."""
MOST_DATAGRAMS = 4096
MOST_REMARKS = 8
HOPS = {MDNS_GROUP: 255, SSDP_GROUP: 2}
"""How far a question to a group goes, as RFC 6762 and UPnP want it; the first group is never forwarded."""
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Interface:
    """One address of this host: the name of its interface, the address for all of its subnet (empty: none), whether
    it takes multicast."""

    name: str
    address: str
    broadcast: str
    multicast: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and in sentences what could not be asked or understood."""

    found: tuple[Found, ...]
    remarks: tuple[str, ...]


def interfaces() -> list[Interface]:
    """Return the addresses (IPv4) of this host's interfaces that are up, loopback left out."""
    import psutil

    states = psutil.net_if_stats()
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        flags = states[name].flags.split(",") if name in states and states[name].isup else []
        if not flags or "loopback" in flags:
            continue
        for address in addresses:
            if address.family == socket.AF_INET:
                mask = address.netmask or "255.255.255.255"
                net = ipaddress.IPv4Network((address.address, mask), strict=False)
                broadcast = str(net.broadcast_address) if "broadcast" in flags and net.prefixlen < 31 else ""
                found.append(Interface(name, address.address, broadcast, "multicast" in flags))
    return found


def search(
    on: Sequence[Interface], drivers: frozenset[str], seconds: float, tell: Callable[[float, int], None]
) -> Findings:
    """Look for meters of these drivers for some seconds; `tell` hears the seconds gone and how many were found."""
    with ExitStack() as stack:
        asking = _Search(on, inquiries(drivers), stack)
        asking.listen()
        begin_s = time.monotonic()
        due_s = [seconds * SPACING * sending for sending in range(SENDINGS)]
        while (gone_s := time.monotonic() - begin_s) < seconds:
            if due_s and gone_s >= due_s[0]:
                due_s.pop(0)
                asking.ask()
            asking.hear(min(POLL_S, seconds - gone_s))
            tell(gone_s, len(asking.found()))
        return Findings(tuple(asking.found()), tuple(asking.remarks[:MOST_REMARKS]))


class _Search:
    def __init__(self, on: Sequence[Interface], ways: Sequence[Inquiry], stack: ExitStack) -> None:
        self._on, self._ways, self._stack = on, ways, stack
        self._sockets: dict[socket.socket, tuple[Inquiry, Interface | None]] = {}
        self._left = MOST_DATAGRAMS
        self.remarks: list[str] = []
        for way in ways:
            for interface in on:
                self._open(way, interface)

    def listen(self) -> None:
        """Open the ports at which answers to all come."""
        for way in self._ways:
            if way.listens is None:
                continue
            group, port = way.listens
            try:
                # Bound to the group, a socket takes no datagram that is for another program of this host.
                sock = self._socket((group, port))
            except OSError as error:
                self._remark(
                    f"Port {port} cannot be listened at ({_words(error)}): {way.what} may be there without being found."
                )
                continue
            self._sockets[sock] = (way, None)
            for interface in self._on if group else ():
                self._join(sock, way, interface)

    def ask(self) -> None:
        """Send every question from every interface."""
        for sock, (way, interface) in list(self._sockets.items()):
            if interface is None or way.goal is None:
                continue
            goal = way.place[0] if way.goal == "group" else interface.broadcast
            try:
                for question in way.questions():
                    sock.sendto(question, (goal, way.place[1]))
            except OSError as error:
                self._cannot(way, interface, error)

    def hear(self, seconds: float) -> None:
        """Wait so long for answers, and take note of those that came."""
        ready, _out, _bad = select.select(list(self._sockets), [], [], max(0.0, seconds))
        if not self._sockets:
            time.sleep(max(0.0, seconds))
        for sock in ready:
            with suppress(OSError):
                data, sender = sock.recvfrom(LARGEST_DATAGRAM)
                self._left -= 1
                if self._left > 0:
                    self._note(self._sockets[sock][0], data, sender[0])

    def found(self) -> list[Found]:
        """Return what was found, each driver at each port once: what needs least of it."""
        best: dict[tuple[str, str], Found] = {}
        for way in self._ways:
            for found in way.found():
                key = (found.driver, found.port or found.says)
                if key not in best or len(found.needs) < len(best[key].needs):
                    best[key] = replace(found, says=best[key].says if key in best else found.says)
        return list(best.values())

    def _note(self, way: Inquiry, data: bytes, sender: str) -> None:
        try:
            way.hear(data, sender)
        except MeterGarbage as error:
            self._remark(f"{sender} answered the search for {way.what}, but {error}.")

    def _open(self, way: Inquiry, interface: Interface) -> None:
        is_able = interface.multicast if way.goal == "group" else bool(interface.broadcast)
        if not is_able or way.goal is None:
            return
        try:
            sock = self._socket((interface.address, 0))
            self._sockets[sock] = (way, interface)
            if way.goal == "group":
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface.address))
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS[way.place[0]])
        except OSError as error:
            self._cannot(way, interface, error)

    def _join(self, sock: socket.socket, way: Inquiry, interface: Interface) -> None:
        if interface.multicast:
            member = socket.inet_aton(way.place[0]) + socket.inet_aton(interface.address)
            try:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            except OSError as error:
                self._cannot(way, interface, error)

    def _socket(self, place: tuple[str, int]) -> socket.socket:
        sock = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if place[1]:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(place)
        return sock

    def _cannot(self, way: Inquiry, interface: Interface, error: OSError) -> None:
        self._remark(
            f"{interface.name} ({interface.address}) does not carry the search for {way.what}: {_words(error)}."
        )

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def _words(error: OSError) -> str:
    return error.strerror or str(error)
