"""Sensor data records: which sensors are of watts, and what a byte of one is, after IPMI 2.0, 36.3 and 43.1."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.deadline import Deadline
from meters.ipmi import messages, sensors
from meters.ipmi.link import IpmiLink
from meters.ipmi.messages import Command
from meters.ipmi.sensors import Factors, Sensor
from meters.ipmi.sources import SensorSource, choose
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator
from tests.meters.ipmi_samples import POWER_SENSOR

LINEAR = Factors(8, 0, 0, 0)


def sensor(signing: int = 0, linearisation: int = 0, factors: Factors = LINEAR) -> Sensor:
    return Sensor(0x77, "Pwr Consumption", signing, linearisation, factors)


def test_a_full_record_says_what_a_byte_is() -> None:
    assert sensors.decode_header(POWER_SENSOR[:5]) == (sensors.FULL_RECORD, len(POWER_SENSOR))
    assert sensors.measures_watts(POWER_SENSOR[:22])
    assert sensors.decode_record(POWER_SENSOR) == sensor()


def test_with_a_factor_of_8_a_power_comes_in_steps_of_8_watts() -> None:
    found = sensors.decode_record(POWER_SENSOR)
    assert [sensors.watts_of(found, raw) for raw in (0, 31, 32)] == [0.0, 248.0, 256.0]
    assert sensors.step_of(found, 31) == 8.0
    assert [sensors.is_at_end(found, raw) for raw in (254, 255)] == [False, True]


@pytest.mark.parametrize(
    ("place", "value"),
    [(21, 1), (21, 7), (20, 0xC0), (20, 0x01), (20, 0x08), (20, 0x02), (5, 0x2C), (6, 0x01)],
    ids=["degrees", "joules", "no number", "per cent", "a rate", "a second unit", "another controller", "another unit"],
)
def test_what_is_not_in_plain_watts_of_the_bmc_is_none(place: int, value: int) -> None:
    record = bytearray(POWER_SENSOR)
    record[place] = value
    assert not sensors.measures_watts(bytes(record[:22]))


def test_factors_have_a_sign_and_exponents() -> None:
    # M = -3, B = 10, exponents of the result -1 and of B 2: y = (-3 x + 10 * 10^2) / 10
    factors = sensors.decode_factors(bytes.fromhex("fd c0 0a 00 00 f2"))
    assert factors == Factors(-3, 10, 2, -1)
    assert sensors.watts_of(sensor(factors=factors), 100) == 70.0
    assert sensors.decode_factors(bytes.fromhex("ff 7f 00 80 00 8f")) == Factors(0x1FF, -512, -1, -8)


@pytest.mark.parametrize(
    ("signing", "raw", "watts"),
    [(0, 0xFE, 254.0), (1, 0xFE, -1.0), (2, 0xFE, -2.0), (1, 0x80, -127.0), (2, 0x7F, 127.0)],
)
def test_a_byte_is_signed_in_one_of_three_ways(signing: int, raw: int, watts: float) -> None:
    assert sensors.watts_of(sensor(signing, factors=Factors(1, 0, 0, 0)), raw) == watts


@pytest.mark.parametrize(
    ("linearisation", "watts"),
    [
        (0, 4.0), (1, math.log(4)), (2, math.log10(4)), (3, 2.0), (4, math.exp(4)), (5, 1e4), (6, 16.0), (7, 0.25),
        (8, 16.0), (9, 64.0), (10, 2.0), (11, 4 ** (1 / 3)), (0x70, 4.0), (0x7F, 4.0),
    ],
)  # fmt: skip
def test_every_linearisation(linearisation: int, watts: float) -> None:
    found = sensors.watts_of(sensor(linearisation=linearisation, factors=Factors(1, 0, 0, 0)), 4)
    assert found == pytest.approx(watts, abs=1e-8)


@given(st.binary(min_size=6, max_size=6), st.integers(0, 255), st.sampled_from([*range(12), 0x70]), st.integers(0, 2))
def test_any_factors_give_a_number_or_a_sentence(data: bytes, raw: int, linearisation: int, signing: int) -> None:
    found = sensor(signing, linearisation, sensors.decode_factors(data))
    with suppress(MeterGarbage):
        assert math.isfinite(sensors.watts_of(found, raw))


def test_a_linearisation_that_nobody_defined_is_named() -> None:
    record = POWER_SENSOR[:23] + b"\x0c" + POWER_SENSOR[24:]
    with pytest.raises(MeterGarbage, match="found the linearisation 0x0c of sensor 'Pwr Consumption'"):
        sensors.decode_record(record)


@pytest.mark.parametrize(("flags", "raw"), [(0xC0, 31), (0x40, 31), (0x80, None), (0xE0, None), (0x00, None)])
def test_a_sensor_that_is_not_scanned_has_no_value(flags: int, raw: int | None) -> None:
    assert sensors.decode_reading(bytes((31, flags, 0xC0))) == raw


def test_a_sensor_is_named_and_what_there_is_else_said() -> None:
    one, two = (Sensor(number, name, 0, 0, LINEAR) for number, name in ((1, "PS1 Input"), (2, "PS2 Input")))
    assert choose([one, two], ["PS2 Input", "PS1 Input"]) == (two, one)
    with pytest.raises(MeterOptionError, match="option sensor is 'PS3', expected one of: PS1 Input, PS2 Input"):
        choose([one, two], ["PS3"])
    with pytest.raises(MeterOptionError, match="several sensors have that name"):
        choose([one, one], ["PS1 Input"])
    with pytest.raises(MeterOptionError, match="none: this BMC has no sensor of watts"):
        choose([], ["PS1 Input"])


class Link:
    """A BMC whose only sensor has other factors at each byte."""

    def __init__(self, raw: int, cancelled: int = 0) -> None:
        self.asked: list[Command] = []
        self._raw, self._cancelled = raw, cancelled
        self._record = POWER_SENSOR[:23] + b"\x70" + POWER_SENSOR[24:]

    def ask(self, command: Command, data: bytes, deadline: Deadline) -> tuple[int, bytes]:
        self.asked.append(command)
        if command == messages.RESERVE_RECORDS:
            return 1, b"\x07\x00"
        if command == messages.GET_RECORD:
            assert data[:4] == b"\x07\x00\x00\x00"
            assert data[5] <= 16
            if self._cancelled:
                self._cancelled -= 1
                raise messages.Cancelled("somebody else has begun")
            return 2, b"\xff\xff" + self._record[data[4] : data[4] + data[5]]
        if command == messages.SENSOR_FACTORS:
            return 3, bytes((255, data[1] // 10, 0, 0, 0, 0, 0))
        return 4, bytes((self._raw, 0xC0))


@pytest.mark.parametrize(("raw", "watts"), [(50, 250.0), (20, 40.0)])
def test_the_factors_of_a_sensor_that_is_not_linear_are_asked_for_at_each_byte(raw: int, watts: float) -> None:
    link = Link(raw, cancelled=1)
    source = SensorSource(cast("IpmiLink", link), ("Pwr Consumption",), 1.0)
    found = source.first()
    assert (found.power_w, found.step_w, found.over) == (watts, raw // 10, False)
    assert link.asked.count(messages.RESERVE_RECORDS) == 2  # the first reservation was ended by somebody else
    link.asked.clear()
    assert source.ask(Deadline(1.0)).frame == (raw,)
    assert link.asked == [messages.SENSOR_READING, messages.SENSOR_FACTORS]


def test_records_that_are_never_left_alone_are_a_sentence() -> None:
    with pytest.raises(MeterGarbage, match="somebody else has begun"):
        SensorSource(cast("IpmiLink", Link(50, cancelled=9)), ("Pwr Consumption",), 1.0).first()


def test_a_bmc_without_dcmi_is_read_by_its_sensor(start_emulator: StartEmulator) -> None:
    options = {"interval_s": 0.05, "refresh_s": 0.05}
    emulator = start_emulator(
        "--profile",
        "watts=0:51",
        "--interval",
        "0.05",
        "--fault",
        "no-dcmi=always",
        "--fault",
        "cancelled=1",
        name="ipmi",
    )
    with pytest.raises(MeterMismatch, match="its sensors of watts are Pwr Consumption: set sensor to those"):
        open_meter("ipmi", emulator.address, capture=None, options=options)
    meter = open_meter("ipmi", emulator.address, capture=None, options=options | {"sensor": "Pwr Consumption"})
    reading, about = meter.read(5.0), meter.describe()
    assert (reading.power_w, reading.window_s) == (52.0, 0.0)  # 51 W in steps of 2
    assert about.column("power_w").resolution == 2.0  # type: ignore[union-attr]
    assert "one step of the sensor is 2 W" in about.remarks[0]
    meter.close()
    twice = open_meter(
        "ipmi", emulator.address, capture=None, options=options | {"sensor": "Pwr Consumption, Pwr Consumption"}
    )
    assert twice.read(5.0).power_w == 104.0
    twice.close()
