"""The emulated HM8115-2: against literal bytes, against its own clock, and against the driver.

No client that somebody else wrote is known; what the emulator assumes beyond the manual stands in its docstring.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import hm8115
from meters.emulators.hm8115 import Hm8115Device
from meters.emulators.virtual_sut import parse_profile
from meters.meter import Meter, MeterGarbage, MeterTimeout
from meters.reading import Reading
from meters.registry import open_meter
from tests.meters.conftest import EmulatorProcess, StartEmulator

QUICK: dict[str, object] = {"interval_s": 0.02, "reply_s": 0.4}


def device_at(profile: str) -> Hm8115Device:
    return Hm8115Device(parse_profile(profile, 1), seed=1)


def test_a_question_inside_a_measuring_cycle_is_answered_at_its_end_with_its_mean() -> None:
    device = device_at("watts=0:20,0.6:120")
    assert device.receive(b"*idn?\rVERSION?\r", 0.0) == [b"HAMEG HM8115-2\r", b"version 2.01 EMULATED\r"]
    assert device.receive(b"val?\r", 0.5) == []
    assert device.next_push_s == pytest.approx(0.8)
    (answer,) = device.push(0.8)
    assert hm8115.decode_values(answer).value == 70.0
    assert device.next_push_s is None


def test_the_answers_have_the_form_of_the_manual() -> None:
    device = device_at("watts=50")
    assert device.receive(b"STATUS?\rVAR\rSTATUS?\rSET:U2\rSET:I3\rSTATUS?\r", 0.0) == [
        b"WATT; U3, I3\r",
        b"VAR; U3, I3\r",
        b"VAR; U2, I3\r",
    ]
    device.receive(b"AUTO:U\rAUTO: I\rPFAC\rVAS?\r", 0.1)
    assert device.push(0.4) == [b"U3, I2, PF= 0.78E+0\r"]
    device.receive(b"SET:U2\rWATT\rVAL?\r", 0.5)
    assert device.push(0.8) == [b"U2= OF\rI2= 0.280E+0\rWATT= OF\r"]


def test_continuous_output_goes_on_until_it_is_ended_and_nothing_else_is_answered() -> None:
    device = device_at("watts=50")
    device.receive(b"MA1\r", 0.0)
    moments = (0.4, 0.8, 1.2)
    assert [device.push(moment)[0][:12] for moment in moments] == [b"U3, I2, WATT"] * 3
    assert device.receive(b"MA0\rHELLO\rBEEP\rFAV0\r\r", 1.3) == []
    assert device.push(1.6) == []
    assert device.next_push_s is None


@given(st.floats(0.0, 3000.0), st.booleans())
def test_what_the_emulator_sends_the_driver_decodes_to_the_power_it_was_given(watts: float, one_line: bool) -> None:
    device = device_at(f"watts={watts!r}")
    device.receive(b"VAL?\r", 0.0)
    (answer,) = device.push(0.4)
    if one_line:
        answer = answer.replace(b"\r", b" ").strip()
    assert hm8115.to_reading(hm8115.decode_values(answer), 1).power_w == pytest.approx(watts, abs=0.051)


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> EmulatorProcess:
    return start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="hm8115")


@pytest.fixture
def meter(emulator: EmulatorProcess) -> Iterator[Meter]:
    opened = open_meter("hm8115", emulator.address, capture=None, options=QUICK)
    yield opened
    opened.close()


def readings_of(meter: Meter, count: int) -> list[Reading | str]:
    """Readings, and the names of the errors between them."""
    found: list[Reading | str] = []
    for _call in range(count):
        try:
            found.append(meter.read(1.0))
        except (MeterTimeout, MeterGarbage) as error:
            found.append(type(error).__name__)
    return found


def test_the_driver_reads_the_emulator_and_marks_it_emulated(meter: Meter) -> None:
    readings = readings_of(meter, 5)
    assert [reading.power_w for reading in readings if isinstance(reading, Reading)] == [50.0] * 5
    assert meter.identify().emulated
    assert meter.origin().kind == "emulated"


def test_a_comma_and_one_line_are_read_and_overrange_is_no_number(meter: Meter, emulator: EmulatorProcess) -> None:
    for fault, power_w, flags in (
        ("comma=3", 50.0, frozenset()),
        ("one-line=3", 50.0, frozenset()),
        ("overrange=2", None, frozenset({"overrange"})),
    ):
        emulator.fault(fault)
        emulator.fault("split=3")
        readings = readings_of(meter, 4)
        assert all(isinstance(reading, Reading) for reading in readings)
        assert (power_w, flags) in [
            (reading.power_w, reading.flags) for reading in readings if type(reading) is Reading
        ]
        emulator.fault("clear")


def test_after_a_fault_the_meter_is_asked_who_it_is_and_reads_on(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="hm8115")
    meter = open_meter("hm8115", emulator.address, capture=None, options={**QUICK, "voltage_range_v": 500})
    try:
        for fault in ("key-function", "key-range", "deaf", "half", "late=1.2"):
            readings_of(meter, 1)
            emulator.fault(fault)
            found = readings_of(meter, 7)
            readings = [reading for reading in found if isinstance(reading, Reading)]
            assert len(readings) < len(found), fault
            assert {reading.power_w for reading in readings} == {50.0}, fault
            assert [reading.flags for reading in readings if reading.flags] == [{"resynced"}], fault
    finally:
        meter.close()


def test_an_identity_that_was_damaged_on_the_wire_is_not_another_meter(meter: Meter, emulator: EmulatorProcess) -> None:
    readings_of(meter, 1)
    emulator.fault("digits=3")  # the values, then one of two identities: no check sum would tell
    found = readings_of(meter, 8)
    assert isinstance(found[-1], Reading)
    assert found[-1].power_w == 50.0
