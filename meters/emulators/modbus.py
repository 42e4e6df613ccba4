"""The meter's side of Modbus for a PZEM, an SDM120 or SDM230 and a UMG 604: registers, RTU and TCP, energy counters.

Knows: the registers as each meter keeps them, written without the driver's tables. Does not know: ptys, real time.
Not proved by any capture at hand, taken from the makers' lists: the registers beside those of the golden frames, and
which exception answers a question for registers that are not there.
None of the protocols has a place for a name: nothing says EMULATED but the port.

| own fault | effect on one reply |
|---|---|
| `bad-crc` | the check sum is another one (TCP: the transaction number) |
| `wrong-address` | it comes from the next address |
| `exception` | it is exception 4, device failure |
| `duplicate-row` | the values are those of the reading before |
| `no-value` | the power is not a number (floats), or beyond every range (PZEM, which has integers only) |
| `overrange` | the power is far above the range |
| `counter-wrap` | the energy counter has just gone over its end |
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset(
    {"bad-crc", "wrong-address", "exception", "duplicate-row", "no-value", "overrange", "counter-wrap"}
)
REQUEST_LIMIT = 1024
MAINS_V = 230.0
MAINS_HZ = 50.0
START_WH = 5000.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What the meter has measured last, in SI units."""

    watts: float
    volts: float
    amperes: float
    factor: float
    hertz: float
    watt_hours: float


Registers = dict[int, int]


# --- the registers of each meter ----------------------------------------------------------------------------------


def pzem_input(now: Measured) -> Registers:
    """Input registers 0 to 9 of a PZEM: integers, of two registers the first is the lower half."""
    amperes = round(min(now.amperes, 4e6) * 1000)
    watts = 0xFFFFFFFF if math.isnan(now.watts) else round(min(now.watts, 4e8) * 10)
    energy = math.floor(now.watt_hours + 1e-9)
    return {
        0: round(now.volts * 10),
        1: amperes & 0xFFFF,
        2: amperes >> 16,
        3: watts & 0xFFFF,
        4: watts >> 16,
        5: energy & 0xFFFF,
        6: energy >> 16,
        7: round(now.hertz * 10),
        8: round(now.factor * 100),
        9: 0,
    }


def pzem_holding(address: int, _serial: int) -> Registers:
    """The alarm threshold in watts and the address of the meter."""
    return {1: 23000, 2: address}


def floats(values: dict[int, float], first: int, last: int) -> Registers:
    """Registers `first` to `last`: IEEE 754, upper half first; 0 where the meter keeps nothing."""
    registers = dict.fromkeys(range(first, last + 1), 0)
    for address, value in values.items():
        registers[address], registers[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
    return registers


def sdm_input(now: Measured) -> Registers:
    """Input registers of an SDM120 or SDM230."""
    apparent = now.volts * now.amperes
    reactive = math.sqrt(max(0.0, apparent**2 - now.watts**2))
    kilowatt_hours = now.watt_hours / 1000
    return floats(
        {
            0x00: now.volts,
            0x06: now.amperes,
            0x0C: now.watts,
            0x12: apparent,
            0x18: reactive,
            0x1E: now.factor,
            0x24: math.degrees(math.acos(now.factor)),
            0x46: now.hertz,
            0x48: kilowatt_hours,
            0x4A: 0.0,
            0x156: kilowatt_hours,
        },
        0,
        0x159,
    )


def sdm120_holding(address: int, serial: int) -> Registers:
    """Network node; serial number, meter code and firmware version."""
    about = {0xFC00: serial >> 16, 0xFC01: serial & 0xFFFF, 0xFC02: 0x0020, 0xFC03: 0x0241}
    return floats({0x14: address}, 0x14, 0x15) | about


def sdm230_holding(address: int, serial: int) -> Registers:
    """Network node; serial number, meter code and firmware version."""
    about = {0xFC00: serial >> 16, 0xFC01: serial & 0xFFFF, 0xFC02: 0x002B, 0xFC03: 0x0114}
    return floats({0x14: address}, 0x14, 0x15) | about


def umg604_registers(now: Measured) -> Registers:
    """The often needed values from 19000 on; everything is on phase 1, the others have voltage only."""
    line = now.volts * math.sqrt(3)
    apparent = now.volts * now.amperes
    values = {19000 + 2 * phase: now.volts for phase in range(3)}
    values |= {19006 + 2 * pair: line for pair in range(3)}
    values |= {19012: now.amperes, 19018: now.amperes, 19020: now.watts, 19026: now.watts}
    values |= {19028: apparent, 19034: apparent, 19044: now.factor, 19046: 1.0, 19048: 1.0}
    values |= {19050: now.hertz, 19052: 1.0}
    values |= dict.fromkeys((19054, 19060, 19062, 19068), now.watt_hours)
    return floats(values, 19000, 19121)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of meter: its measured registers (functions that read them), its settings, which register holds the
    power, how often it measures, where its counter ends; `pairs`: only even numbers of registers, from an even one."""

    measured: Callable[[Measured], Registers]
    functions: frozenset[int]
    holding: Callable[[int, int], Registers] | None
    power_at: int
    refresh_s: float
    wrap_wh: float
    most: int = 125
    pairs: bool = False
    general_address: int | None = None


FAMILIES = {
    "pzem": Family(pzem_input, frozenset({4}), pzem_holding, 3, 1.0, 9_999_990.0, general_address=0xF8),
    "sdm120": Family(sdm_input, frozenset({4}), sdm120_holding, 0x0C, 1.0, 999_999_900.0, most=80, pairs=True),
    "sdm230": Family(sdm_input, frozenset({4}), sdm230_holding, 0x0C, 1.0, 999_999_900.0, most=80, pairs=True),
    "umg604": Family(umg604_registers, frozenset({3, 4}), None, 19020, 0.2, 1e9),
}


# --- the device ---------------------------------------------------------------------------------------------------


class ModbusDevice:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    next_push_s: float | None = None

    def __init__(
        self,
        source: PowerSource,
        family: str,
        *,
        seed: int,
        tcp: bool = False,
        refresh_s: float | None = None,
        address: int = 1,
    ) -> None:
        """`tcp` frames for a network; `refresh_s` overrides how often this kind of meter measures."""
        self._source = source
        self._family = FAMILIES[family]
        self._random = random.Random(seed)
        self._tcp = tcp
        self._refresh_s = self._family.refresh_s if refresh_s is None else refresh_s
        self._address = address
        self._serial = 19_000_000 + seed
        self._pending = b""
        self._now_s = 0.0
        self._measured_s = -math.inf
        self._energy_wh = START_WH
        self._registers: Registers = {}
        self.faults = OwnFaults(OWN_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to what the host sent."""
        self._pending = (self._pending + data)[-REQUEST_LIMIT:]
        return self._receive_tcp(now_s) if self._tcp else self._receive_rtu(now_s)

    def push(self, now_s: float) -> list[bytes]:
        """A Modbus meter only answers."""
        return []

    def _receive_rtu(self, now_s: float) -> list[bytes]:
        replies = []
        while len(self._pending) >= 8:
            body, check = self._pending[:6], self._pending[6:8]
            if check_sum(body) != check:
                self._pending = self._pending[1:]
                continue
            self._pending = self._pending[8:]
            if body[0] in (self._address, self._family.general_address):
                reply = body[:1] + self._answer(body[1:], now_s)
                if self.faults.use("wrong-address"):
                    reply = bytes([reply[0] + 1]) + reply[1:]
                check = check_sum(reply)
                if self.faults.use("bad-crc"):
                    check = bytes([check[0] ^ 0x5A, check[1]])
                replies.append(reply + check)
        return replies

    def _receive_tcp(self, now_s: float) -> list[bytes]:
        replies = []
        while len(self._pending) >= 12:
            transaction, protocol, length, unit = struct.unpack(">HHHB", self._pending[:7])
            if protocol != 0 or length != 6:
                self._pending = self._pending[1:]
                continue
            pdu, self._pending = self._pending[7:12], self._pending[12:]
            reply = self._answer(pdu, now_s)
            unit = (unit + 1) % 256 if self.faults.use("wrong-address") else unit
            transaction ^= 0x5A if self.faults.use("bad-crc") else 0
            replies.append(struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit) + reply)
        return replies

    def _answer(self, pdu: bytes, now_s: float) -> bytes:
        function, start, count = struct.unpack(">BHH", pdu)
        if self.faults.use("exception"):
            return bytes([function | 0x80, 4])
        if function not in (3, 4):
            return bytes([function | 0x80, 1])
        if not 1 <= count <= self._family.most:
            return bytes([function | 0x80, 3])
        words = self._read(function, start, count, now_s)
        if words is None:
            return bytes([function | 0x80, 2])
        return struct.pack(f">BB{count}H", function, 2 * count, *words)

    def _read(self, function: int, start: int, count: int, now_s: float) -> list[int] | None:
        """Return the registers, `None` where one of them is not there."""
        wanted = range(start, start + count)
        if function in self._family.functions:
            if self._family.pairs and (start % 2 or count % 2):
                return None
            self._measure(now_s, asks_power=self._family.power_at in wanted)
            registers = self._registers
        elif self._family.holding is not None:
            registers = self._family.holding(self._address, self._serial)
        else:
            return None
        return [registers[at] for at in wanted] if all(at in registers for at in wanted) else None

    def _measure(self, now_s: float, *, asks_power: bool) -> None:
        """Take new values when it is time; the counter counts mean power times time."""
        due = now_s >= self._measured_s + self._refresh_s
        if asks_power and self._registers and self.faults.use("duplicate-row"):
            return
        if asks_power and self.faults.use("counter-wrap"):
            self._energy_wh, due = self._family.wrap_wh, True
        wrong = math.nan
        faulty = False
        for name, watts in (("no-value", math.nan), ("overrange", 1e8)):
            if asks_power and self.faults.use(name):
                faulty, wrong = True, watts
        if not (due or faulty):
            return
        mean_w = self._source.advance(now_s).mean_w
        self._energy_wh += mean_w * max(0.0, now_s - self._now_s) / 3600.0
        self._now_s = max(self._now_s, now_s)
        # After a faulty value the next question finds a new one.
        self._measured_s = -math.inf if faulty else now_s
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        factor = power_factor(mean_w)
        watts = wrong if faulty else mean_w
        measured = Measured(
            watts, volts, mean_w / (volts * factor), factor, MAINS_HZ, self._energy_wh % self._family.wrap_wh
        )
        self._registers = self._family.measured(measured)


def power_factor(power_w: float) -> float:
    """Return the power factor of a typical supply: poor when idle, near .95 under load."""
    return 0.95 - 0.4 * math.exp(-power_w / 60.0)


def check_sum(data: bytes) -> bytes:
    """Return the CRC of an RTU frame, four bits at a time, as sent: low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        register = register >> 4 ^ NIBBLES[register & 15]
        register = register >> 4 ^ NIBBLES[register & 15]
    return bytes([register & 0xFF, register >> 8])


def _nibble(value: int) -> int:
    for _ in range(4):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


NIBBLES = [_nibble(value) for value in range(16)]
