"""Check loads: what a meter reads of a load that is known, judged against what load and meter allow together.

Knows the form of check-loads.jsonl beside the register. Knows no wire, and no register: which instrument a meter is, is
the caller's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isfinite, sqrt
from typing import get_type_hints

from harness.record.documents import STATED_LIMITS, Json, describe, load_object, matches
from harness.record.errors import DocumentError
from harness.station.instruments import CheckLoad
from meters.reading import Accuracy, Description, Identity, Origin

WRONG_RATIOS: Mapping[str, float] = {
    "20": 20.0, "10": 10.0, "2": 2.0, "1/2": 1 / 2, "1/10": 1 / 10, "1/20": 1 / 20,
    "3": 3.0, "1/3": 1 / 3, "-1": -1.0,
}  # fmt: skip
"""Measured over expected, where a transformer ratio is set wrong, three phases are counted as one, or a current sensor
is the wrong way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLoadRecord:
    """One line of check-loads.jsonl. `limit_w` is what load and meter allow together; `fits` names the wrong ratio that
    the reading fits, if it fits one; `meter_limit_w` is null where the meter states no limits of error."""

    utc: str
    """When it was tried."""
    check_load: str
    """The load's name in the register."""
    instrument: str | None
    """The meter's name there; null: the register does not have it."""
    meter: str
    """Its name in lab.toml."""
    identity: dict[str, str]
    """Who it says it is."""
    origin: str
    """What its port proves."""
    operator: str
    """Who tried it."""
    expected_w: float
    """What the load draws."""
    U_expected_w: float
    """Its expanded uncertainty."""
    measured_w: float
    """Mean of the readings."""
    U_measured_w: float
    """Expanded uncertainty of the mean, from their spread alone."""
    meter_limit_w: float | None
    limit_w: float
    ratio: float | None
    """Measured by expected; null where nothing is expected."""
    passed: bool
    """The difference is within `limit_w`."""
    fits: str | None
    readings: int
    """How many there were."""
    duration_s: float
    """For how long they were read."""


def judge_check_load(
    *,
    name: str,
    load: CheckLoad,
    meter: str,
    instrument: str | None,
    identity: Identity,
    origin: str,
    description: Description,
    powers_w: Sequence[float],
    duration_s: float,
    operator: str,
) -> CheckLoadRecord:
    """Compare the mean of readings of a check load with what it should draw.

    The mean may be away from the expected watts by U of the load + limits of error of the meter at that power + U of
    the mean itself (k = 2), added linearly: limits are no standard deviations.
    """
    measured_w = sum(powers_w) / len(powers_w)
    spread = sum((power - measured_w) ** 2 for power in powers_w) / max(len(powers_w) - 1, 1)
    own_w = 2.0 * sqrt(spread / len(powers_w))
    power = description.column("power_w")
    meter_w = None if power is None else power.limit(measured_w)
    beside_w = own_w + (meter_w or 0.0)
    passed = abs(measured_w - load.expected_w) <= load.U_w + beside_w
    ratio = measured_w / load.expected_w
    fits = [
        text
        for text, factor in WRONG_RATIOS.items()
        if abs(measured_w - factor * load.expected_w) <= abs(factor) * load.U_w + beside_w
    ]
    nearest = min(fits, key=lambda text: abs(WRONG_RATIOS[text] - ratio), default=None)
    who = {key: getattr(identity, key) for key in ("maker", "model", "serial", "firmware")}
    return CheckLoadRecord(
        utc=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        check_load=name,
        instrument=instrument,
        meter=meter,
        identity=who | {"driver": description.driver},
        origin=origin,
        operator=operator,
        expected_w=load.expected_w,
        U_expected_w=load.U_w,
        measured_w=measured_w,
        U_measured_w=own_w,
        meter_limit_w=meter_w,
        limit_w=load.U_w + beside_w,
        ratio=ratio if isfinite(ratio) else None,
        passed=passed,
        fits=None if passed else nearest,
        readings=len(powers_w),
        duration_s=duration_s,
    )


def last_check_load(history: Sequence[CheckLoadRecord], instrument: str, origin: Origin) -> Json | None:
    """The newest check load of an instrument, short; None where there is none. One that was read from an emulator says
    nothing about an instrument."""
    mine = [record for record in history if record.instrument == instrument and record.origin == origin.kind]
    if not mine:
        return None
    names = ("utc", "check_load", "expected_w", "U_expected_w", "measured_w", "U_measured_w", "ratio", "passed")
    return {name: getattr(mine[-1], name) for name in names}


def is_fresh(check_load: Json | None, days: int, now: datetime) -> bool:
    """Whether the newest check load passed and is at most so many days old."""
    if check_load is None or not check_load["passed"]:
        return False
    return now - datetime.fromisoformat(str(check_load["utc"])) <= timedelta(days=days)


def stated(description: Description, limits_percent: float) -> Description:
    """A meter with the limits of error that the lab states of its power in lab.toml; 0: as its driver has them."""
    if not limits_percent:
        return description
    accuracy = Accuracy(limits_percent, 0.0, 0.0, STATED_LIMITS)
    columns = tuple(replace(c, accuracy=accuracy) if c.name == "power_w" else c for c in description.columns)
    return replace(description, columns=columns)


def record_of(line: bytes, where: str) -> CheckLoadRecord:
    """A line of the history.

    Raises:
        DocumentError: it is none.
    """
    raw = load_object(line, where)
    if raw.keys() != set(CheckLoadRecord.__slots__):
        wrong = sorted(raw.keys() ^ set(CheckLoadRecord.__slots__))
        raise DocumentError(f"{where}: no record of a check load ({', '.join(wrong)}); the file was edited")
    for key, hint in get_type_hints(CheckLoadRecord).items():
        if not matches(raw[key], hint):
            raise DocumentError(f"{where}: {key} is {raw[key]!r:.80}, expected {describe(hint)}; the file was edited")
    record = CheckLoadRecord(**raw)
    try:
        when = datetime.fromisoformat(record.utc)
    except ValueError:
        when = datetime.min
    if when.tzinfo is None:
        raise DocumentError(f"{where}: utc is {record.utc!r}, expected a moment with its zone; the file was edited")
    return record
