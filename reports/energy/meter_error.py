"""What is known of a meter's error before anything is measured: limits of error, certificate, resolution.

Knows the power column and the `calibration` of a descriptor (docs/run-folder.md, docs/instruments.md). Knows no
reading, no run and no budget.

Limits of error +-(a_reading + a_range + counts) are rectangular: u = a / sqrt(3) (JCGM 100, 4.3.7). The part of the
reading is a gain, the parts of the range and of the last digit an offset, which add within one limit. A certificate
corrects the known error and gives U / k at its points; it says nothing of the time since. So where it comes with a
stability, that replaces the limits; where it does not, the limits stay beside it (method.md section 6).

Where nobody states anything, the instrument's tier says what is assumed at the least (`ASSUMED`): no interval is
narrower than that. It is an assumption, not knowledge: what is computed with it stays incomplete, and says so. Nor does
anybody say that the errors of such meters are independent of each other (eight boards of one make err alike), so what
is assumed of several adds up, limit by limit; what is stated of several instruments combines by root sum of squares.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PowerDescriptor
from meters.reading import Accuracy, Column
from reports.results.rules import Rule, was
from reports.results.transfer_error import TRANSFER, TransferError

ROOT_3 = math.sqrt(3.0)
DAYS_A_YEAR = 365.25
UNCALIBRATED = "uncalibrated"
ASSUMED = {"reference": 0.005, "working": 0.01, "indicative": 0.02, UNCALIBRATED: 0.03}
"""Tier -> limit of error as a part of the reading, where none is stated; a meter of no tier is as an uncalibrated
one (docs/meters.md)."""
ASSUMED_LINE = "assumed"
"""The source of what is assumed: a line of budgets, an error of means that are compared."""
Distribution: TypeAlias = Literal["t", "rectangular", "normal", "triangular"]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A calibration: its points in order of load (W), error = indication - truth (W), standard uncertainty (W).

    `yearly` is the limit of the drift since its `day`, as a part of the reading per year; None where nobody states one.
    """

    loads_w: Floats
    errors_w: Floats
    u_w: Floats
    day: date
    yearly: float | None

    def error_w(self, indicated_w: Floats) -> Floats:
        """The error at some indications; beyond the points that of the nearest one."""
        return np.asarray(np.interp(indicated_w, self.loads_w + self.errors_w, self.errors_w))

    def relative_u(self, power_w: Floats) -> Floats:
        """Standard uncertainty as a part of the power (0 at no power)."""
        u_w = np.interp(power_w, self.loads_w, self.u_w)
        return np.divide(u_w, np.abs(power_w), out=np.zeros_like(u_w), where=power_w != 0)

    def stability(self, day: date) -> float | None:
        """The limit of the drift until a day, as a part of the reading."""
        return None if self.yearly is None else self.yearly * max((day - self.day).days / DAYS_A_YEAR, 0.0)


@dataclass(frozen=True, slots=True)
class Gain:
    """One contribution that is a part of the reading: where it comes from, its distribution, its relative u (one per
    power asked for). `proof`: the day of the certificate that it rests on; `may_be_alike`: whether nobody says that
    this error of several meters is independent."""

    source: str
    distribution: Distribution
    relative_u: Floats
    proof: tuple[str, ...] = ()
    may_be_alike: bool = False


@dataclass(frozen=True, slots=True)
class MeterError:
    """What is known of one meter on one range. Meters with equal `key` are the same one on the same range.

    `reading` is the limit as a part of the reading, `offset_w` that of range and digits together; both None where no
    limits of error are known. `stability` is the limit of the drift since the certificate, as a part of the reading.
    `one_range`: whether the range was fixed, so that its errors are the same all the time. `tier`: what kind of
    instrument it is, None where nobody says. `transfer`: of a qualified software meter, in place of all others.
    `counter_step_j`: the last digit of an energy counter whose differences the powers are, 0 of other meters.
    """

    meter: str
    key: tuple[str, ...]
    one_range: bool
    reading: float | None
    offset_w: float | None
    resolution_w: float
    certificate: Certificate | None
    stability: float | None
    tier: str | None = None
    transfer: TransferError | None = None
    counter_step_j: float = 0.0

    @property
    def counter_u_j(self) -> float:
        """Standard uncertainty (J) of what a counter counts between any two moments: its step at both ends."""
        return self.counter_step_j / (2 * ROOT_3) * math.sqrt(2.0)

    @property
    def known(self) -> bool:
        """Whether anything bounds its error as a whole."""
        return self.reading is not None or self.certificate is not None or self.transfer is not None

    @property
    def assumed(self) -> float:
        """The limit of error as a part of the reading that is assumed where none is known."""
        return assumed_of(self.tier)

    @property
    def calibrated(self) -> bool:
        """Whether the certificate replaces the limits."""
        return self.stability is not None

    @property
    def offset_u_w(self) -> float:
        """Standard uncertainty of the offset (W)."""
        return 0.0 if self.offset_w is None or self.calibrated else self.offset_w / ROOT_3

    def gains(self, power_w: Floats) -> tuple[Gain, ...]:
        """The contributions that are a part of the reading, at some powers (W)."""
        gains = []
        proof = () if self.certificate is None else (self.certificate.day.isoformat(),)
        if not self.known and not was(Rule.ASSUMED_LIMITS):
            assumed_u = np.full_like(power_w, self.assumed / ROOT_3)
            gains.append(Gain(ASSUMED_LINE, "rectangular", assumed_u, may_be_alike=True))
        if self.reading is not None and not self.calibrated:
            gains.append(Gain("gain", "rectangular", np.full_like(power_w, self.reading / ROOT_3)))
        if self.certificate is not None:
            gains.append(Gain("certificate", "normal", self.certificate.relative_u(power_w), proof))
        if self.stability is not None:
            gains.append(Gain("stability", "rectangular", np.full_like(power_w, self.stability / ROOT_3), proof))
        return tuple(gains)


def assumed_of(tier: str | None) -> float:
    """The limit of error as a part of the reading that is assumed of a meter of a tier."""
    return ASSUMED.get(tier or UNCALIBRATED, ASSUMED[UNCALIBRATED])


def power_column(descriptor: PowerDescriptor) -> Json:
    """The description of the power column; empty where there is none."""
    return next((column for column in descriptor.columns if column.get("name") == "power_w"), {})


def power_limits(descriptor: PowerDescriptor) -> Column:
    """The power column as the driver knew it; what the descriptor does not say of it is nothing."""
    column = power_column(descriptor)
    accuracy, low_high = column.get("accuracy"), column.get("range")
    limits = None
    if isinstance(accuracy, dict):
        reading, full_scale, counts = (float(accuracy[k]) for k in ("reading_percent", "range_percent", "counts"))
        limits = Accuracy(reading, full_scale, counts, str(accuracy.get("source", "")))
    span = (float(low_high[0]), float(low_high[1])) if isinstance(low_high, list) else (0.0, 0.0)
    return Column("power_w", "W", float(column.get("resolution") or 0.0), span, limits)


def error_of(descriptor: PowerDescriptor, utc: str) -> MeterError:
    """What the descriptor of a run that began at `utc` says of its meter's error."""
    power, span = power_limits(descriptor), power_column(descriptor).get("range")
    reading = None if power.accuracy is None else power.accuracy.reading_percent / 100
    identity = descriptor.identity
    key = (descriptor.meter, str(identity.get("model", "")), str(identity.get("serial", "")), str(span))
    one_range = descriptor.ranging != "auto"
    certificate = certificate_of(descriptor)
    stability = None if certificate is None else certificate.stability(date.fromisoformat(utc[:10]))
    return MeterError(
        descriptor.meter,
        key,
        one_range,
        reading,
        power.offset_limit,
        power.resolution,
        certificate,
        stability,
        descriptor.tier,
        transfer_in(descriptor),
        counter_step_of(descriptor),
    )


def counter_step_of(descriptor: PowerDescriptor) -> float:
    """The last digit (J) of the energy counter whose differences the powers of a stream are; 0 of other streams."""
    return float(power_column(descriptor).get("counter_step_j") or 0.0)


def transfer_in(descriptor: PowerDescriptor) -> TransferError | None:
    """What the descriptor of an estimate says of its transfer function (`reports.readings.rated`); None of a meter."""
    written = descriptor.evidence.get(TRANSFER)
    return TransferError(**written) if isinstance(written, dict) else None


def certificate_of(descriptor: PowerDescriptor) -> Certificate | None:
    """The certificate in the descriptor with its points; None where it has no point with an uncertainty."""
    written = descriptor.calibration or {}
    points = [point for point in written.get("points") or [] if point.get("U_w") is not None]
    k = written.get("k")
    if not points or not k:
        return None
    loads_w, errors_w, expanded_w = (
        np.array([float(point.get(name) or 0.0) for point in points]) for name in ("load_w", "error_w", "U_w")
    )
    yearly = written.get("stability_percent_per_year")
    order = np.argsort(loads_w)
    return Certificate(
        loads_w[order], errors_w[order], expanded_w[order] / float(k), date.fromisoformat(str(written["date"])),
        None if yearly is None else float(yearly) / 100,
    )  # fmt: skip
