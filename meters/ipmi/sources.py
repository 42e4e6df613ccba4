"""What is read of a BMC: its power by DCMI, or sensors of watts.

Knows: the questions of each, and what an answer is worth. Does not know: sessions (`meters.ipmi.link`), pacing and
repetition (`meters.ipmi.dialogue`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from meters.deadline import Deadline
from meters.ipmi import dcmi, messages, sensors
from meters.ipmi.link import IpmiLink
from meters.ipmi.sensors import Sensor
from meters.meter import MeterGarbage, MeterOptionError

LONGEST_MEAN_S = 3600.0
FIRST_RECORD, LAST_RECORD = 0x0000, 0xFFFF
MOST_RECORDS = 4096
PART = 16
ATTEMPTS = 3
Part = Literal["now", "mean"]


@dataclass(frozen=True, slots=True)
class Found:
    """One answer: when it came, W (`None`: the BMC has none now), over which time (s; 0: not known), what one step of
    it is (W), whether the scale is at its end, all that was answered, the BMC's time stamp (s) where it has one."""

    time_ns: int
    power_w: float | None
    window_s: float
    step_w: float
    over: bool
    frame: object
    stamp_s: int | None


class Source(Protocol):
    """Where a power comes from."""

    remarks: tuple[str, ...]
    """What was taken how, as far as the first answer told."""

    def first(self) -> Found:
        """Find out what there is, and return the power of now; raises `MeterOptionError` and as `ask`."""
        ...

    def ask(self, deadline: Deadline) -> Found:
        """Return the power of now; raises what `IpmiLink.ask` raises."""
        ...


class DcmiSource:
    """DCMI's power reading: its power of now, or the mean over the BMC's own period."""

    def __init__(self, link: IpmiLink, part: Part, reply_s: float) -> None:
        """Nothing is asked yet; `reply_s` is how long an answer may take."""
        self._link, self._part, self._reply_s = link, part, reply_s
        self.remarks: tuple[str, ...] = ()

    def first(self) -> Found:
        """Ask for the first time; raises `MeterOptionError` where the mean is over too long a time."""
        time_ns, read = self._asked(Deadline(self._reply_s))
        found, time_s = self._found(time_ns, read), read.period_ms / 1000
        if self._part == "mean" and not 0.0 < time_s <= LONGEST_MEAN_S:
            raise MeterOptionError(
                f"option value is 'mean', but the BMC's mean is over {time_s:g} s, expected at most "
                f"{LONGEST_MEAN_S:g} s; set it to 'now'"
            )
        remarks = []
        if found.power_w is None:
            remarks.append("the BMC says that it does not measure power now: switch power management on at it")
        if self._part == "now":
            remarks.append(f"the power of now, whose averaging DCMI leaves open; the BMC's mean is over {time_s:g} s")
        self.remarks = tuple(remarks)
        return found

    def ask(self, deadline: Deadline) -> Found:
        """Return the power of now."""
        return self._found(*self._asked(deadline))

    def _asked(self, deadline: Deadline) -> tuple[int, dcmi.PowerReading]:
        time_ns, data = self._link.ask(messages.DCMI_POWER, dcmi.SYSTEM_POWER, deadline)
        return time_ns, dcmi.decode_power(data)

    def _found(self, time_ns: int, found: dcmi.PowerReading) -> Found:
        watts = found.mean_w if self._part == "mean" else found.now_w
        window_s = found.period_ms / 1000 if self._part == "mean" else 0.0
        frame = (found.now_w, found.least_w, found.greatest_w, found.mean_w, found.period_ms, found.active)
        return Found(time_ns, float(watts) if found.active else None, window_s, 1.0, False, frame, found.stamp_s)


class SensorSource:
    """The sum of one or several sensors of watts, each a question of its own."""

    def __init__(self, link: IpmiLink, names: Sequence[str], reply_s: float) -> None:
        """Nothing is asked yet; `names` are those of the sensors' records, `reply_s` how long one answer may take."""
        self._link, self._names, self._reply_s = link, names, reply_s
        self._sensors: tuple[Sensor, ...] = ()
        self.remarks: tuple[str, ...] = ()

    def first(self) -> Found:
        """Look the sensors up among the BMC's records; raises `MeterOptionError` naming those of watts."""
        if not self._sensors:
            self._sensors = choose(self.watts(), self._names)
        found = self.ask(Deadline(self._reply_s))
        self.remarks = (f"one step of the sensor is {found.step_w:g} W; no record says over which time it is averaged",)
        return found

    def ask(self, deadline: Deadline) -> Found:
        """Return the sum of now; without a power where one of the sensors has none."""
        time_ns, over, step_w = 0, False, 0.0
        frame: list[int | None] = []
        watts: list[float] = []
        for sensor in self._sensors:
            time_ns, data = self._link.ask(messages.SENSOR_READING, bytes((sensor.number,)), deadline)
            frame.append(raw := sensors.decode_reading(data))
            if raw is None:
                continue
            factors = None if sensor.is_linear else self._factors(sensor, raw, deadline)
            watts.append(sensors.watts_of(sensor, raw, factors))
            step_w = max(step_w, sensors.step_of(sensor, raw, factors))
            over = over or sensors.is_at_end(sensor, raw)
        total_w = round(sum(watts), 9) if len(watts) == len(self._sensors) else None
        return Found(time_ns, total_w, 0.0, step_w or 1.0, over, tuple(frame), None)

    def _factors(self, sensor: Sensor, raw: int, deadline: Deadline) -> sensors.Factors:
        asked = bytes((sensor.number, raw))
        return sensors.decode_factors(self._link.ask(messages.SENSOR_FACTORS, asked, deadline)[1][1:7])

    def watts(self) -> list[Sensor]:
        """Return the sensors of watts among the records of the BMC; somebody else's reservation may end ours."""
        for _attempt in range(ATTEMPTS - 1):
            with suppress(messages.Cancelled):
                return list(self._survey())
        return list(self._survey())

    def _survey(self) -> Iterator[Sensor]:
        reservation = self._asked(messages.RESERVE_RECORDS, b"")
        record, count = FIRST_RECORD, 0
        while record != LAST_RECORD:
            count += 1
            following, begin = self._record(reservation, record, 0, sensors.RECORD_BEGIN)
            kind, length = sensors.decode_header(begin)
            if kind == sensors.FULL_RECORD and length > sensors.NAME_AT:
                begin = self._longer(reservation, record, begin, sensors.UNITS_END)
                if sensors.measures_watts(begin):
                    yield sensors.decode_record(self._longer(reservation, record, begin, length))
            if following == record or count >= MOST_RECORDS:
                raise MeterGarbage(f"found sensor data records without end, {count} so far")
            record = following

    def _longer(self, reservation: bytes, record: int, data: bytes, length: int) -> bytes:
        """Return the beginning of a record up to a length."""
        while len(data) < length:
            data += self._record(reservation, record, len(data), min(PART, length - len(data)))[1]
        return data

    def _record(self, reservation: bytes, record: int, begin: int, count: int) -> tuple[int, bytes]:
        """Return which record follows, and a part of this one."""
        asked = reservation + record.to_bytes(2, "little") + bytes((begin, count))
        data = self._asked(messages.GET_RECORD, asked)
        if len(data) != 2 + count:
            raise MeterGarbage(f"found {len(data)} bytes of a sensor data record, expected {2 + count}")
        return int.from_bytes(data[:2], "little"), data[2:]

    def _asked(self, command: messages.Command, data: bytes) -> bytes:
        return self._link.ask(command, data, Deadline(self._reply_s))[1]


def choose(found: Sequence[Sensor], names: Sequence[str]) -> tuple[Sensor, ...]:
    """Return the sensors of these names; raises `MeterOptionError` naming those of watts that there are."""
    chosen = []
    for name in names:
        fitting = [sensor for sensor in found if sensor.name == name]
        if len(fitting) != 1:
            known = ", ".join(sorted(sensor.name for sensor in found)) or "none: this BMC has no sensor of watts"
            count = "several sensors have that name; those of watts are" if fitting else "expected one of"
            raise MeterOptionError(f"option sensor is {name!r}, {count}: {known}")
        chosen += fitting
    return tuple(chosen)
