"""What `wattlab meter ... --json` prints: ports, drivers, readings, a self-test, a recorded session.

Knows what stands in these documents. Knows no port and no protocol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from statistics import fmean, stdev
from typing import Literal

from harness.cli.documents import Document
from harness.cli.network import NetworkMeter
from meters.meter import Meter
from meters.options import Option
from meters.port_forms import Link
from meters.reading import Identity, OriginKind, Reading, Tier
from meters.registry import KNOWN


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a meter may be."""

    port: str
    """By its stable name; `port` of lab.toml."""
    kind: Link
    """What a driver must be able to use."""
    what: str | None
    """What the operating system calls it; null of a port that was named."""
    maker: str | None
    """Of the adapter, where it says so."""
    serial_number: str | None
    """Of the adapter, where it says so."""
    usb_id: str | None
    """Vendor and product, such as `0403:6001`; null: no USB."""
    answers: str | None
    """With `--probe`: what answered, in words; null: nothing was asked, or no driver fits the port."""
    driver: str | None
    """With `--probe`: the driver that understood the answer."""
    origin: OriginKind | None
    """With `--probe`: what the port proves of the meter that answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports(Document):
    """What is plugged in."""

    ports: tuple[Port, ...]
    """Serial ports, then USB-TMC devices; or the ports that were named."""
    network: tuple[NetworkMeter, ...]
    """With `--network`: what was found on the networks of this host."""
    remarks: tuple[str, ...]
    """With `--network`: where it could not be searched, and what was not understood, in sentences."""


@dataclass(frozen=True, slots=True)
class DriverOption:
    """An option of a driver."""

    default: float | str
    """What it is where nothing is said."""
    what: str
    """What it is, with its unit."""
    low: float | None
    """The least number it may be; null: any."""
    high: float | None
    """The greatest number it may be; null: any."""
    choices: tuple[str, ...]
    """The words it may be."""
    whole: bool
    """A number has no fraction."""


@dataclass(frozen=True, slots=True)
class DriverEntry:
    """A driver."""

    driver: str
    """Its name; `driver` of lab.toml."""
    summary: str
    """The instruments."""
    wire: str
    """What they speak over."""
    tier: Tier
    """Of their accuracy (docs/meters.md)."""
    limits: str
    """Their limits of error, in words."""
    links: tuple[Link, ...]
    """Kinds of port at which it can be opened."""
    ports: tuple[str, ...]
    """What may be written as its port, the usual form first: NAME, HOST, PORT are the lab's. None: a counter."""
    names: tuple[str, ...]
    """What people call such a meter by, in small letters and digits."""
    options: Mapping[str, DriverOption]
    """Its options by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers(Document):
    """Every driver, or the one that was named."""

    drivers: tuple[DriverEntry, ...]
    """Best tier first."""


@dataclass(frozen=True, slots=True)
class ReadingEntry:
    """One indication of a meter, as it came; null is what the meter does not report."""

    time_ns: int
    """This host's monotonic clock when the last byte arrived."""
    power_w: float | None
    """Null where a flag says why."""
    voltage_v: float | None
    """RMS voltage."""
    current_a: float | None
    """RMS current."""
    power_factor: float | None
    """Active by apparent power."""
    frequency_hz: float | None
    """Of the mains."""
    apparent_power_va: float | None
    """Apparent power."""
    energy_wh: float | None
    """The meter's own register."""
    relative_uncertainty: float | None
    """What the instrument itself states for this power, as a fraction of it."""
    window_s: float
    """The interval that the meter averaged over; 0: instantaneous."""
    flags: tuple[str, ...]
    """What is odd about it (docs/run-folder.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings(Document):
    """A meter's readings."""

    driver: str
    """By which it was read."""
    identity: Identity
    """Who it says it is."""
    origin: OriginKind
    """What its port proves."""
    readings: tuple[ReadingEntry, ...]
    """As they came."""
    lost: tuple[str, ...]
    """What came in place of a reading: silence, or bytes that are none."""
    mean_power_w: float | None
    """Of the readings with a power; null: none has one."""
    sd_power_w: float | None
    """Their standard deviation; null: fewer than two have one."""


@dataclass(frozen=True, slots=True)
class TestedPart:
    """One part of the self-test."""

    name: str
    """Of the part."""
    grade: Literal["good", "remark", "bad"]
    """How it ended."""
    sentence: str
    """What it showed."""
    numbers: Mapping[str, float | None]
    """The numbers in the sentence, units in their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest(Document):
    """Whether a meter is fit to measure with."""

    driver: str
    """By which it was read."""
    identity: Identity
    """Who it says it is."""
    origin: OriginKind
    """What its port proves; of an `emulated` meter the test says nothing about an instrument."""
    checks: tuple[TestedPart, ...]
    """Its parts; with one that is `bad` the exit code is 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession(Document):
    """A session that was recorded, and whether it replays."""

    folder: str
    """Where it lies."""
    driver: str
    """By which it was read."""
    identity: Identity
    """Who the meter says it is."""
    origin: OriginKind
    """What its port proves."""
    readings: int
    """How many were recorded."""
    difference: str | None
    """Where its replay differs, in words; null: it gives the same readings. With one the exit code is 3."""
    at_recorded_pace: bool
    """It replays at the recorded pace only."""


def port_of(found: Mapping[str, str]) -> Port:
    """A port from what was found out about it."""
    told = {name: found.get(name) for name in ("what", "maker", "answers", "driver", "origin")}
    adapter = {"serial_number": found.get("serial number"), "usb_id": found.get("USB id")}
    return Port(port=found["port"], kind=found["kind"], **told, **adapter)  # type: ignore[arg-type]  # words of the list


def driver_entry(name: str) -> DriverEntry:
    """A driver of the registry."""
    driver = KNOWN[name]
    options = {option: _option(about) for option, about in driver.options.items()}
    return DriverEntry(
        name, driver.summary, driver.wire, driver.tier, driver.limits, driver.links, driver.ports, driver.names, options
    )


def _option(about: Option) -> DriverOption:
    low, high = (edge if isfinite(edge) else None for edge in (about.low, about.high))  # JSON has no infinity
    return DriverOption(about.default, about.what, low, high, about.choices, about.whole)


def readings_of(driver: str, meter: Meter, readings: Sequence[Reading], lost: Sequence[str]) -> Readings:
    """What a meter said."""
    powers = [reading.power_w for reading in readings if reading.power_w is not None]
    names = [spec.name for spec in fields(ReadingEntry) if spec.name != "flags"]
    entries = (
        ReadingEntry(**{name: getattr(reading, name) for name in names}, flags=tuple(sorted(reading.flags)))
        for reading in readings
    )
    return Readings(
        driver=driver,
        identity=meter.identify(),
        origin=meter.origin().kind,
        readings=tuple(entries),
        lost=tuple(lost),
        mean_power_w=fmean(powers) if powers else None,
        sd_power_w=stdev(powers) if len(powers) > 1 else None,
    )
