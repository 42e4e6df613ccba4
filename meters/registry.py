"""The drivers there are: a literal name for each, how to open it, and what is fixed about it.

Knows: names and openers. Does not know: lab.toml, protocols.
"""

from __future__ import annotations

from collections.abc import Mapping

from meters import counters, hm8115, nvml, powerspy2, rapl, register_maps, wattsup
from meters.access import ANYBODY, Access
from meters.bmcs import BMCS
from meters.driver import Driver
from meters.iec62056 import driver as iec62056_driver
from meters.iec62056 import p1
from meters.iec62056 import registers as iec62056_registers
from meters.mbus import dialogue as mbus_dialogue
from meters.mcp39f511n import codec as mcp39f511n_codec
from meters.mcp39f511n import dialogue as mcp39f511n_dialogue
from meters.meter import Meter, MeterOptionError
from meters.modbus import drivers as modbus_drivers
from meters.options import did_you_mean
from meters.plugs import PLUGS
from meters.port_forms import wrong_form
from meters.ptdaemon import codec as ptdaemon_codec
from meters.ptdaemon import dialogue as ptdaemon_dialogue
from meters.reading import Origin
from meters.sml import dialogue as sml_dialogue
from meters.snmp import drivers as snmp_drivers
from meters.snmp import pdus as snmp_pdus
from meters.wire_log import Sink
from meters.yokogawa import dialects as yokogawa_dialects
from meters.yokogawa import dialogue as yokogawa_dialogue
from meters.yokogawa import setup as yokogawa_setup
from meters.zes import dialects as zes_dialects
from meters.zes import dialogue as zes_dialogue
from meters.zes import settings as zes_settings

DRIVERS: Mapping[str, Driver] = {
    yokogawa_dialects.WT310: Driver(
        summary="Yokogawa WT310, WT332, WT333, E or not",
        wire="USB-TMC or RS-232 9600 8N1, lines, polled",
        tier="reference",
        limits="0.1 % of reading + 0.05 % of range (E), 0.1 % of range (not E)",
        options=yokogawa_setup.WT310_OPTIONS,
        open=yokogawa_dialogue.open_wt310,
        links=("serial", "tcp", "usbtmc"),
        names=("yokogawa", "wt332", "wt333"),
    ),
    yokogawa_dialects.WT210: Driver(
        summary="Yokogawa WT210 in its 488.2 mode",
        wire="RS-232 9600 8N1, lines, polled",
        tier="reference",
        limits="0.15 % of reading + 0.1 % of range, 12 months",
        options=yokogawa_setup.WT210_OPTIONS,
        open=yokogawa_dialogue.open_wt210,
        names=("yokogawa", "wt230"),
    ),
    register_maps.PZEM.driver: Driver(
        summary="Peacefair PZEM-004T v3, PZEM-016",
        wire="TTL or RS-485 9600 8N1, Modbus RTU",
        tier="working",
        limits="0.5 % of reading; energy in steps of 1 Wh",
        options=modbus_drivers.PZEM_OPTIONS,
        open=modbus_drivers.open_pzem,
        names=("peacefair", "pzem004t", "pzem016"),
    ),
    register_maps.SDM120.driver: Driver(
        summary="Eastron SDM120",
        wire="RS-485 2400 8N1, Modbus RTU",
        tier="indicative",
        limits="power 1 % of range maximum, energy class 1 (1 %)",
        options=modbus_drivers.SDM120_OPTIONS,
        open=modbus_drivers.open_sdm120,
        names=("eastron",),
    ),
    register_maps.SDM230.driver: Driver(
        summary="Eastron SDM230",
        wire="RS-485 9600 8N1, Modbus RTU",
        tier="indicative",
        limits="power 1 % of range maximum, energy class 1 (1 %)",
        options=modbus_drivers.SDM230_OPTIONS,
        open=modbus_drivers.open_sdm230,
        names=("eastron",),
    ),
    "umg604": Driver(
        summary="Janitza UMG 604",
        wire="Modbus TCP port 502, or RS-485 8N2 Modbus RTU",
        tier="working",
        limits="unconfirmed (sold as class 0.5S for energy)",
        options=modbus_drivers.UMG604_OPTIONS,
        open=modbus_drivers.open_umg604,
        tcp_port=502,
        names=("janitza",),
    ),
    mcp39f511n_codec.DRIVER: Driver(
        summary="Microchip MCP39F511N demonstration board (ADM00706), two outlets",
        wire="USB-serial 115200 8N1, registers asked for",
        tier="working",
        limits="0.5 % of reading, uncalibrated",
        options=mcp39f511n_dialogue.OPTIONS,
        open=mcp39f511n_dialogue.open_mcp39f511n,
        names=("microchip", "adm00706", "mcp39f511"),
    ),
    powerspy2.DRIVER: Driver(
        summary="Alciom PowerSpy2 (and PowerSpy)",
        wire="Bluetooth serial (rfcomm), pushed rows",
        tier="indicative",
        limits="about 1 % of reading, not confirmed",
        options=powerspy2.OPTIONS,
        open=powerspy2.open_powerspy2,
        names=("alciom", "powerspy"),
    ),
    wattsup.DRIVER: Driver(
        summary="Watts Up? PRO, PRO ES, .Net",
        wire="USB-serial 115200 8N1, pushed lines",
        tier="indicative",
        limits="1.5 % + 3 counts of 0.1 W",
        options=wattsup.OPTIONS,
        open=wattsup.open_wattsup,
        names=("wattsuppro", "wattsupnet"),
    ),
    ptdaemon_codec.DRIVER: Driver(
        summary="SPEC PTDaemon and every analyser behind it",
        wire="TCP 8888, text lines",
        tier="reference",
        limits=ptdaemon_dialogue.LIMITS,
        options=ptdaemon_dialogue.OPTIONS,
        open=ptdaemon_dialogue.open_ptdaemon,
        links=("tcp",),
        tcp_port=8888,
        names=("spec", "ptd"),
    ),
    hm8115.DRIVER: Driver(
        summary="Hameg (Rohde & Schwarz) HM8115-2",
        wire="RS-232 9600 8N1, ASCII questions",
        tier="indicative",
        limits="unconfirmed: no data sheet at hand",
        options=hm8115.OPTIONS,
        open=hm8115.open_hm8115,
        names=("hameg", "hm81152"),
    ),
    zes_dialects.LMG95.driver: Driver(
        summary="ZES Zimmer LMG95",
        wire="RS-232 115200 8N1 RTS/CTS, pushed rows",
        tier="reference",
        limits="unconfirmed: no data sheet at hand",
        options=zes_settings.LMG95_OPTIONS,
        open=zes_dialogue.open_lmg95,
        names=("zes", "zimmer"),
    ),
    zes_dialects.LMG450.driver: Driver(
        summary="ZES Zimmer LMG450, one channel of four",
        wire="RS-232 115200 8N1 RTS/CTS, pushed rows",
        tier="reference",
        limits="unconfirmed: no data sheet at hand",
        options=zes_settings.LMG450_OPTIONS,
        open=zes_dialogue.open_lmg450,
        names=("zes", "zimmer"),
    ),
    zes_dialects.LMG670.driver: Driver(
        summary="ZES Zimmer LMG670 and its family LMG600, one channel of seven",
        wire="TCP 5025 (5026 for the break), pushed rows",
        tier="reference",
        limits="unconfirmed: no data sheet at hand",
        options=zes_settings.LMG670_OPTIONS,
        open=zes_dialogue.open_lmg670,
        links=("tcp",),
        tcp_port=5025,
        names=("zes", "zimmer", "lmg600", "lmg640", "lmg641", "lmg671"),
    ),
    sml_dialogue.DRIVER: Driver(
        summary="electricity meters that push SML through an optical head",
        wire="serial 9600 8N1, pushed telegrams, CRC-16",
        tier="indicative",
        limits="not on the wire; the class on the meter's plate (option accuracy_class)",
        options=sml_dialogue.OPTIONS,
        open=sml_dialogue.open_sml,
        names=("opticalhead", "smartmeter"),
    ),
    mbus_dialogue.DRIVER: Driver(
        summary="electricity meters at an M-Bus, behind a level converter",
        wire="M-Bus 2400 8E1 behind RS-232, USB or TCP, telegrams asked for",
        tier="indicative",
        limits="not on the wire; the class on the meter's plate (option accuracy_class)",
        options=mbus_dialogue.OPTIONS,
        open=mbus_dialogue.open_mbus,
    ),
    **PLUGS,
    **{
        mib.driver: Driver(
            summary=f"PDUs of {mib.maker}: {mib.family}; an outlet, a phase or the whole unit",
            wire="SNMP v1, v2c or v3 over UDP 161, polled",
            tier="indicative",
            limits="in no MIB; give those of the data sheet with limits_percent",
            options=snmp_drivers.options_of(mib),
            open=snmp_drivers.opener_of(mib),
            links=("snmp",),
            names=("pdu", "".join(filter(str.isalnum, mib.maker.casefold()))),
        )
        for mib in snmp_pdus.MIBS.values()
    },
    **BMCS,
    iec62056_registers.DRIVER: Driver(
        summary="electricity meters with a readable IEC 62056-21 readout (mode C) or push (mode D)",
        wire="optical head, 300 to 19200 7E1, data lines with a block check character",
        tier="indicative",
        limits="not on the wire; the class on the meter's plate (option accuracy_class)",
        options=iec62056_driver.OPTIONS,
        open=iec62056_driver.open_iec62056,
        names=("d0", "iec1107", "opticalhead"),
    ),
    p1.DRIVER: Driver(
        summary="smart meters with a P1 port (DSMR 2.2 to 5, e-MUCS): the whole connection",
        wire="115200 8N1 (before DSMR 4: 9600 7E1), telegrams pushed each 1 s or 10 s, CRC-16",
        tier="indicative",
        limits="not on the wire; the class on the meter's plate (option accuracy_class)",
        options=p1.OPTIONS,
        open=p1.open_p1,
        names=("dsmr", "emucs", "smartmeter"),
    ),
}


COUNTERS: Mapping[str, Driver] = {
    rapl.DRIVER: Driver(
        summary="energy counters of this machine's CPU (RAPL)",
        wire="powercap tree of Linux, polled",
        tier="uncalibrated",
        limits="none: an estimate of packages and DRAM, no measurement",
        options=counters.OPTIONS,
        open=rapl.open_rapl,
        links=("software",),
    ),
    nvml.DRIVER: Driver(
        summary="energy counters of this machine's NVIDIA GPUs (NVML)",
        wire="the driver's library, polled",
        tier="uncalibrated",
        limits="none: an estimate of the boards, no measurement",
        options=counters.OPTIONS,
        open=nvml.open_nvml,
        links=("software",),
    ),
}
"""What is no instrument: software that reads counters of the machine it runs on. All that it gives is *estimated*."""
COUNTER_PORTS: Mapping[str, str] = {rapl.DRIVER: rapl.PORT, nvml.DRIVER: nvml.PORT}
"""Where each is found when nothing else is said."""
KNOWN: Mapping[str, Driver] = {**DRIVERS, **COUNTERS}
"""Every driver."""


def no_driver(name: str) -> str:
    """Return the sentence for a name that is none of a driver; that of a meter names who reads it."""
    return f"no driver {name!r}; {meant_by(name) or did_you_mean(name, KNOWN)}"


LEAST_NAME = 4
"""Characters of a name after which others may follow, as in `P110M`."""


def meant_by(name: str) -> str:
    """Return `did you mean kasa?` for what people call a meter by, empty for any other word."""
    word = "".join(filter(str.isalnum, name.casefold()))
    known = {each for driver in DRIVERS.values() for each in driver.names}
    begins = [each for each in known if word == each or (len(each) >= LEAST_NAME and word.startswith(each))]
    longest = max(begins, key=len, default=None)
    drivers = [each for each, driver in DRIVERS.items() if longest in driver.names]
    return f"did you mean {' or '.join(drivers)}?" if drivers else ""


def wrong_port(name: str, port: str) -> str:
    """Return what is wrong with the port that somebody wrote for the driver `name`, what it takes, and what to write;
    empty where it can be opened there."""
    driver = KNOWN[name]
    return wrong_form(port, driver.ports, driver.links, driver.named)


LACKING = {
    "identity": "it does not say who it is",
    "port-serial": "its port has no serial number",
    "tls": "it was reached over a network without TLS, where anybody can answer",
    "pin": "its key is not in the instrument register, or lab.toml does not name the instrument",
}


DATAGRAMS = frozenset({"snmp", "ipmi"})
"""Links before which no TLS terminator can stand."""


def why(origin: Origin) -> str:
    """Return what keeps readings from being shown to be those of an instrument; empty where nothing does."""
    if origin.kind == "emulated":
        return "it answers from this machine, or says that it is an emulator"
    if origin.kind == "estimated":
        return "software computes it, and no instrument measured it"
    lacks = origin.evidence.get("lacks")
    return " and ".join(LACKING[lack] for lack in lacks) if isinstance(lacks, list) else ""


def remedy(name: str, origin: Origin) -> str:
    """Return what a lab can do with this kind of meter so that its readings are shown to be its own; empty where that
    is so already, or not wanted."""
    driver, lacks = DRIVERS.get(name), origin.evidence.get("lacks") or []
    if driver is None or origin.kind not in ("unattested", "declared") or not isinstance(lacks, list):
        return ""
    if "identity" in lacks:
        return "this meter cannot say who it is, so nothing can show that it is this one: use one that can"
    if "port-serial" in lacks:
        return "connect it by a USB adapter that has a serial number of its own"
    if "tls_sha256" in origin.evidence:
        key = origin.evidence.get("tls_public_key_sha256") or origin.evidence.get("tls_sha256")
        return (
            f"its key has the SHA-256 {key}: compare that at the device, write it into the instrument register as "
            "tls_public_key_sha256, and name the instrument in lab.toml"
        )
    declare = "by the serial number it says, which certifies nothing by itself"
    is_declared = origin.kind == "declared"
    if set(driver.links) <= DATAGRAMS:
        beside = "" if is_declared else f", and declare it in the instrument register {declare}"
        return f"no TLS goes before it: reach it on a network of its own{beside}"
    local = {"serial", "usbtmc"} & set(driver.links)
    ways = [
        *(["connect it to a serial or USB port of this host"] if local else []),
        *([driver.tls] if driver.tls else []),
    ]
    ways.append("put a TLS terminator of yours right before it")
    beside = "" if is_declared else f"; or declare it there {declare}"
    return f"{', or '.join(ways)}; with TLS, pin its key in the instrument register{beside}"


def open_meter(
    name: str, port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> Meter:
    """Open the meter `name` at `port`; raises `MeterError`, `MeterOptionError` for an unknown name."""
    driver = KNOWN.get(name)
    if driver is None:
        raise MeterOptionError(no_driver(name))
    return driver.open(port, capture=capture, options=options, access=access)
