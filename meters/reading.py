"""What a meter says: one indication, who says it, on what evidence, and how far it may be wrong.

Knows: the records that leave a driver (SI units) and their form in the descriptor of a run.
Does not know: files, wires, statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

FLAGS = frozenset({"overrange", "stale", "nan", "resynced"})
WITHOUT_POWER = frozenset({"overrange", "nan"})

Averaging = Literal["window", "instantaneous"]
Stamp = Literal["end", "start", "unknown"]
Ranging = Literal["none", "auto", "fixed"]
Tier = Literal["reference", "working", "indicative", "uncalibrated"]
OriginKind = Literal["instrument", "attested", "declared", "emulated", "estimated", "unattested"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One indication of a meter, as it came; `None` means "not reported".

    `time_ns` is the host's monotonic clock when the last byte arrived; `window_s` the interval the meter
    averaged over (0: instantaneous). `relative_uncertainty` is what the instrument itself states for this power (a
    fraction of it). `power_w` is `None` exactly when a flag of `WITHOUT_POWER` says why.
    Raises `ValueError` on an unknown flag, on a number that is not finite, and on power without a reason.
    """

    time_ns: int
    power_w: float | None
    voltage_v: float | None = None
    current_a: float | None = None
    power_factor: float | None = None
    frequency_hz: float | None = None
    apparent_power_va: float | None = None
    energy_wh: float | None = None
    relative_uncertainty: float | None = None
    window_s: float = 0.0
    flags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = self.flags - FLAGS
        if unknown:
            raise ValueError(f"reading has unknown flags {sorted(unknown)}; known are {sorted(FLAGS)}")
        if (self.power_w is None) != bool(self.flags & WITHOUT_POWER):
            raise ValueError(f"reading has power_w={self.power_w} with flags {sorted(self.flags)}")
        for name in (*QUANTITIES, "window_s"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"reading has {name}={value}; a number that is not finite is the flag 'nan'")


def within(power_w: float | None, range_w: float) -> tuple[float | None, frozenset[str]]:
    """Return a power and its flags: none is `nan`, beyond the range (W, of either sign) it is `overrange` and none."""
    if power_w is None:
        return None, frozenset({"nan"})
    if abs(power_w) > range_w:
        return None, frozenset({"overrange"})
    return power_w, frozenset()


COUNTER_DRIVERS = frozenset({"rapl", "nvml"})
"""Drivers that read counters of software (all of `meters.registry.COUNTERS`): all that they give is estimated."""
ESTIMATE_DRIVERS = COUNTER_DRIVERS | {"nut-load"}
"""Drivers whose readings are estimated: those, and what is computed from a UPS's load (`meters.nut`)."""
QUANTITIES = (
    "power_w",
    "voltage_v",
    "current_a",
    "power_factor",
    "frequency_hz",
    "apparent_power_va",
    "energy_wh",
    "relative_uncertainty",
)
CODEC = 2
"""What the drivers make of the same bytes; stands in every descriptor.

History: 1 (until 2026-11); 2 (2026-11-28): `stale` goes by the refresh time, one odd value costs its own quantity,
marks of PTDaemon, phases and delivered power of IEC 62056-21 and SML (`harness.evidence.codecs`).
"""


def columns_of(names: Iterable[str]) -> list[str]:
    """Return the quantities among some columns in the order of a stream."""
    known = set(names)
    return [quantity for quantity in QUANTITIES if quantity in known]


def header_of(columns: Sequence[str]) -> list[str]:
    """Return the header of a stream (docs/run-folder.md)."""
    return ["time_ns", *columns, "window_s", "flags"]


def cells_of(reading: Reading, columns: Sequence[str]) -> list[str]:
    """Return the row of a reading under that header."""
    values = [getattr(reading, column) for column in columns]
    numbers = ["" if value is None else repr(value) for value in values]
    return [str(reading.time_ns), *numbers, repr(reading.window_s), "|".join(sorted(reading.flags))]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the instrument says it is; an empty string where it does not say.

    `asked` is false for a meter that cannot say: then maker and model are what the lab's choice of driver claims.
    """

    maker: str
    model: str
    serial: str
    """Its serial number."""
    firmware: str
    """Version of its firmware."""
    asked: bool = True

    @property
    def emulated(self) -> bool:
        """Whether the identity carries the mark every emulator of ours puts into it."""
        return any(EMULATOR_MARK in part for part in (self.maker, self.model, self.serial, self.firmware))

    @property
    def estimated(self) -> bool:
        """Whether it is that of a power that software computes, and no instrument measures."""
        return ESTIMATE_MARK in self.model


ESTIMATE_MARK = "ESTIMATED"
"""What stands in the identity of what is computed where no instrument measures."""
EMULATOR_MARK = "EMULATED"
"""What every emulator of ours says of itself on the wire."""
PTY_MAJORS = frozenset({2, 3, *range(128, 144)})
"""Character devices that are pseudo terminals: BSD ptys 2 (master) and 3 (slave), Unix98 ptys 128-135 (master) and
136-143 (slave) (Linux, Documentation/admin-guide/devices.txt)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where readings come from, and the evidence for it (`meters.origin.attest`)."""

    kind: OriginKind
    evidence: Mapping[str, str | int | list[str] | None]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Limits of error: +-(reading_percent of the reading + range_percent of the range + counts of the last
    digit); `source` names the page that says so."""

    reading_percent: float
    range_percent: float
    counts: float
    source: str

    def parts(self, indicated: float, full_scale: float, resolution: float) -> tuple[float, float, float]:
        """Return what reading, range and last digits allow at an indication; the limits of error are their sum."""
        of_reading = self.reading_percent / 100 * abs(indicated)
        return of_reading, self.range_percent / 100 * full_scale, self.counts * resolution


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity a meter reports: unit, step of its display, range (low, high), limits of error if known.

    The range is the widest there is where the meter chooses, which makes its limits upper ones.
    """

    name: str
    unit: str
    resolution: float
    range: tuple[float, float]
    accuracy: Accuracy | None

    def limit(self, indicated: float) -> float | None:
        """Return how far an indication may be wrong, in its unit; `None` where the limits of error are not known."""
        parts = self._parts(indicated)
        return None if parts is None else sum(parts)

    @property
    def offset_limit(self) -> float | None:
        """Return the part of it that is the same at every indication."""
        parts = self._parts(0.0)
        return None if parts is None else parts[1] + parts[2]

    def _parts(self, indicated: float) -> tuple[float, float, float] | None:
        if self.accuracy is None:
            return None
        return self.accuracy.parts(indicated, max(map(abs, self.range)), self.resolution)


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """A measuring range the lab can choose: the driver's option for it, the quantity it limits, the option's value
    that leaves it to the instrument, and the ranges there are (none listed: the instrument takes any)."""

    option: str
    quantity: str
    automatic: float | str
    steps: tuple[float, ...] = ()


LEAST_PATIENCE_S = 5.0
SILENT_PACES = 2.5
"""After so many paces without a reading one was left out for certain, however unevenly they come."""


@dataclass(frozen=True, slots=True)
class Description:
    """What is fixed about a meter's readings.

    `stamp` says which edge of its window a reading marks, `latency_s` how long after that edge its last byte
    arrives; `tier` is the accuracy tier of the instrument, `driver` the name in `meters.registry`; `ranging` whether
    its measuring ranges were fixed, were left to the instrument (`auto`), or are no matter of choice (`none`);
    `interval_s` how often a reading comes, `None` where each window gives one; `refresh_s` how often the driver takes
    it to have a new value, `None` where it sends unasked or says itself which are, 0 where nobody knows;
    `range_choices` what of its ranges a lab can fix; `remarks` what of the meter's words was taken how, or not at all,
    in sentences for the operator.
    """

    driver: str
    averaging: Averaging
    window_s: float
    stamp: Stamp
    latency_s: float
    columns: tuple[Column, ...]
    tier: Tier
    ranging: Ranging = "none"
    interval_s: float | None = None
    refresh_s: float | None = None
    range_choices: tuple[RangeChoice, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def pace_s(self) -> float:
        """Return how often a reading comes, s; 0 where nobody says it."""
        return self.interval_s or self.window_s

    @property
    def patience_s(self) -> float:
        """Return how long this meter may say nothing, s, before that is worth a word."""
        return max(LEAST_PATIENCE_S, SILENT_PACES * self.pace_s)

    def column(self, name: str) -> Column | None:
        """Return the column of that name, `None` where the meter has none."""
        return next((column for column in self.columns if column.name == name), None)

    def document(self, identity: Identity, origin: Origin) -> dict[str, object]:
        """Return this meter's part of a descriptor (docs/run-folder.md).

        The writer of the run adds `stream`, `meter`, `circuit` and, where there is one, `calibration`.
        """
        return {
            "type": "descriptor",
            "kind": "power",
            "identity": {
                "maker": identity.maker,
                "model": identity.model,
                "serial": identity.serial,
                "firmware": identity.firmware,
                "driver": self.driver,
            },
            "origin": origin.kind,
            "evidence": dict(origin.evidence),
            "averaging": self.averaging,
            "window_s": self.window_s,
            "stamp": self.stamp,
            "latency_s": self.latency_s,
            "ranging": self.ranging,
            "tier": self.tier,
            "columns": [_column_document(column) for column in self.columns],
            "codec": CODEC,
            "calibration": None,
        }


def _column_document(column: Column) -> dict[str, object]:
    accuracy = column.accuracy
    return {
        "name": column.name,
        "unit": column.unit,
        "resolution": column.resolution,
        "range": list(column.range),
        "accuracy": None
        if accuracy is None
        else {
            "reading_percent": accuracy.reading_percent,
            "range_percent": accuracy.range_percent,
            "counts": accuracy.counts,
            "source": accuracy.source,
        },
    }
