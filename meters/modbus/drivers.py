"""The drivers pzem, sdm120, sdm230 and umg604: options, and how each is opened.

Knows: what a lab may set. Does not know: frames, the dialogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from meters.access import ANYBODY, Access
from meters.dialogue import DialogueMeter, Repetitions, interval_option, refresh_option
from meters.meter import MeterOptionError
from meters.modbus.dialogue import ModbusDialogue
from meters.modbus.frames import Rtu, Tcp
from meters.options import Option, Value, number, read_options, whole, word
from meters.register_maps import (
    PZEM,
    SDM120,
    SDM230,
    UMG604,
    RegisterMap,
)
from meters.serial_wire import Line, SerialWire
from meters.wire_log import Sink

PARITIES: Mapping[str, Literal["N", "E", "O"]] = {"N": "N", "E": "E", "O": "O"}


def _options(
    *, baud: float, stopbits: float, range_w: float, update_s: float, highest_address: float
) -> dict[str, Option]:
    return {
        "interval_s": interval_option(update_s),
        "refresh_s": refresh_option(update_s),
        "address": Option(1.0, "address of the meter (on TCP: unit)", low=1.0, high=highest_address, whole=True),
        "transport": Option("rtu", "frames: rtu of a serial line, tcp of a network", choices=("rtu", "tcp")),
        "baud": Option(baud, "bits a second, rtu only", low=300.0, high=921600.0, whole=True),
        "parity": Option("N", "none, even, odd; rtu only", choices=tuple(PARITIES)),
        "stopbits": Option(stopbits, "stop bits, rtu only", low=1.0, high=2.0),
        "range_w": Option(range_w, "W, above which a reading is overrange", low=1.0, high=1e9),
    }


PZEM_OPTIONS = _options(baud=9600, stopbits=1, range_w=23_000, update_s=PZEM.refresh_s, highest_address=248)
SDM120_OPTIONS = _options(baud=2400, stopbits=1, range_w=10_350, update_s=SDM120.refresh_s, highest_address=247)
SDM230_OPTIONS = _options(baud=9600, stopbits=1, range_w=23_000, update_s=SDM230.refresh_s, highest_address=247)
UMG604_OPTIONS = _options(
    baud=38_400, stopbits=2, range_w=69_000, update_s=UMG604["sum"].refresh_s, highest_address=255
) | {"phase": Option("sum", "L1, L2, L3 or the sum of all", choices=tuple(UMG604))}


def open_pzem(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the PZEM-004T v3 or PZEM-016 at `port`; `range_w` is 2300 for one with a 10-A shunt.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    return _open(PZEM, port, capture, read_options(PZEM.driver, PZEM_OPTIONS, options), access)


def open_sdm120(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Eastron SDM120 at `port`; raises as `open_pzem`."""
    return _open(SDM120, port, capture, read_options(SDM120.driver, SDM120_OPTIONS, options), access)


def open_sdm230(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Eastron SDM230 at `port`; raises as `open_pzem`."""
    return _open(SDM230, port, capture, read_options(SDM230.driver, SDM230_OPTIONS, options), access)


def open_umg604(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Janitza UMG 604 at `port`: a serial line, or `socket://HOST:502` with transport `tcp`.

    Raises as `open_pzem`.
    """
    values = read_options("umg604", UMG604_OPTIONS, options)
    return _open(UMG604[word(values, "phase")], port, capture, values, access)


def _open(
    register_map: RegisterMap, port: str, capture: Sink | None, values: Mapping[str, Value], access: Access
) -> DialogueMeter:
    on_network = word(values, "transport") == "tcp"
    if on_network and not port.startswith(("socket://", "socket+tls://")):
        raise MeterOptionError(
            f"{register_map.driver}: port {port!r} with transport 'tcp': expected socket://HOST:502; "
            "for a serial line set transport to 'rtu'"
        )
    line = Line(
        whole(values, "baud"),
        parity=PARITIES[word(values, "parity")],
        stopbits=2 if number(values, "stopbits") == 2 else 1,
    )
    bits = 1 + line.bytesize + (line.parity != "N") + line.stopbits
    dialogue = ModbusDialogue(
        SerialWire(port, line, capture, access),
        Tcp() if on_network else Rtu(),
        register_map,
        address=whole(values, "address"),
        range_w=number(values, "range_w"),
        character_s=0.0 if on_network else bits / line.baud,
        repetitions=Repetitions(number(values, "refresh_s"), number(values, "interval_s")),
    )
    return DialogueMeter(dialogue, number(values, "interval_s"), access)
