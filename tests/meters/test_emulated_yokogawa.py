"""The emulated WT310E and WT210: against pyvisa, against the words of a real instrument, against the driver."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import pyvisa
from hypothesis import given
from hypothesis import strategies as st
from pyvisa.resources import MessageBasedResource

from meters.emulators.virtual_sut import PowerSpan, parse_profile
from meters.emulators.yokogawa.device import YokogawaDevice
from meters.emulators.yokogawa.spelling import engineering
from meters.meter import Meter, MeterGarbage, MeterMismatch, MeterRefused, MeterTimeout, MeterUnplugged
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import EmulatorProcess, StartEmulator, wait_until
from tests.meters.yokogawa_samples import CONVERSATION

FAST = ("--no-throttle", "--interval", "0.03", "--profile")
W50 = (*FAST, "watts=50")


# --- the device alone ---------------------------------------------------------------------------------------------


def device(dialect: str = "wt310", profile: str = "watts=50", interval_s: float | None = 1.0) -> YokogawaDevice:
    return YokogawaDevice(parse_profile(profile, 1), seed=1, dialect=dialect, interval_s=interval_s)


def ask(one: YokogawaDevice, text: str, now_s: float = 0.0) -> str:
    return b"".join(one.receive(text.encode("ascii") + b"\n", now_s)).decode("ascii").rstrip("\n")


@pytest.mark.parametrize(("questions", "reply", "_answers"), CONVERSATION)
def test_the_emulator_answers_the_questions_of_the_real_log_in_the_words_of_the_real_instrument(
    questions: str, reply: bytes, _answers: list[str]
) -> None:
    one = device()
    for setting in (":CURR:AUTO OFF;RANG 0.5", ":VOLT:AUTO OFF;RANG 300V", ":FILT:FREQ ON"):
        assert ask(one, setting) == ""
    if reply == b"500.0E-03;1;300.0E+00;1":
        ask(one, ":INPUT:CURRENT:AUTO ON;:INPUT:VOLTAGE:AUTO ON")
    ask(one, f":COMM:HEAD {'ON' if reply.startswith(b':') else 'OFF'}")
    assert ask(one, questions) == reply.decode("ascii")


@pytest.mark.parametrize("spelling", [":INP:CFAC", ":INPUT:CFACTOR", ":cfac", ":CFACT", "INP:CFAC", ":Input:CFactor"])
def test_every_spelling_the_manual_allows_is_understood(spelling: str) -> None:
    one = device()
    ask(one, ":COMM:HEAD OFF")
    ask(one, f"{spelling} 6")
    assert ask(one, f"{spelling}?;:INP:VOLT:RANG?") == "6;300.0E+00"


def test_settings_have_a_header_while_headers_are_on_and_mere_questions_never() -> None:
    one = device()
    assert ask(one, ":STAT:ERR?;EESR?;COND?;:INTEG:STAT?") == '0,"No error";0;0;RES'
    assert ask(one, ":NUM:NORM:VAL?", 1.0).startswith("230")
    assert ask(one, ":INP:FILT:LINE?;:MEAS:AVER:TYPE?") == ":FILT:LINE 0;:MEAS:AVER:TYPE LIN"
    assert ask(one, ":COMM:VERB ON;:INTEG:STAT?;:MEAS:AVER:TYPE?") == "RESET;:MEASURE:AVERAGING:TYPE LINEAR"


def test_an_error_comes_without_its_words_where_they_are_switched_off() -> None:
    one = device()
    ask(one, ":STAT:QMES OFF;:NONSENSE")
    assert ask(one, ":STAT:ERR?") == "113"
    assert ask(one, ":COMM:HEAD OFF;:STAT:QMES?") == "0"


def test_each_bit_of_the_condition_has_its_own_filter() -> None:
    one = device(profile="watts=500")
    ask(one, ":COMM:HEAD OFF;:STAT:FILT1 NEVER;FILT2 RISE;FILT7 BOTH;:CURR:AUTO OFF;RANG 0.5")
    assert ask(one, ":STAT:EESR?", 1.5) == "64"  # the range of element 1 is exceeded since the first update
    ask(one, ":CURR:AUTO ON", 1.6)
    assert ask(one, ":STAT:EESR?;:STAT:EESR?", 3.0) == "64;0"  # and no longer
    ask(one, ":INTEG:STAR", 3.1)
    assert ask(one, ":STAT:EESR?", 3.2) == "2"


def test_a_wt310_speaks_as_a_wt200_when_it_is_told_to() -> None:
    one = device()
    ask(one, ":COMM:HEAD OFF;:SYST:COMM:COMM WT200;:MEAS:ITEM:VPK:ALL ON")
    assert len(ask(one, ":MEAS:VAL?", 1.0).split(",")) == 4
    assert ask(one, ":NUM:NORM:VAL?", 1.1) == ""
    assert ask(one, "*CLS;:SYST:COMM:COMM?") == "WT200"
    ask(one, ":SYST:COMM:COMM WT300")
    assert ask(one, ":SAMP:RATE?") == "250.0E-03"
    assert len(ask(one, ":NUM:NORM:VAL?", 2.0).split(",")) == 3


def test_a_reset_brings_the_factory_back_but_for_the_interface() -> None:
    one = device()
    ask(one, ":COMM:HEAD OFF;:INP:CFAC 6;*RST")
    assert ask(one, ":INP:CFAC?;*OPT?;*CAL?") == "3;NONE;0"


def test_the_older_dialect_gives_hours_minutes_and_seconds_of_an_integration() -> None:
    one = device("wt210", profile="watts=3600")
    ask(one, ":COMM:HEAD OFF;:MEAS:ITEM:V OFF;A OFF;TIME ON;:MATH:TYPE ARIT;ARIT DIVB;:CONF:AVER:TYPE EXP,16")
    ask(one, ":INTEG:STAR", 0.0)
    assert ask(one, ":MEAS:VAL?", 3725.1) == "3.600E+03,1,2,5"
    assert ask(one, ":MATH?;:CONF:AVER:TYPE?", 3726.0) == "ARITHMETIC;DIVB;EXPONENT,16"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (":NUM:NORM:ITEM1 WATTS", "222"),
        (":NUM:NORM:ITEM1 P,1,1", "222"),
        (":INP:CFA 3", "113"),
        ("*RCL 1", "113"),
        (":INP:CFAC 4", "222"),
        (":INP:CFAC", "222"),
        (":CURR:RANG 0.3", "222"),
        ("*ESE many", "148"),
        (":NUM:NORM:VAL? 11", "148"),
        (":INTEG:TIM 1", "222"),
        (":COMM:WAIT one", "148"),
    ],
)
def test_what_it_does_not_know_goes_to_the_error_queue_and_ends_the_message(text: str, error: str) -> None:
    one = device()
    ask(one, ":COMM:HEAD OFF")
    assert ask(one, f"{text};*IDN?") == ""
    assert ask(one, ":STAT:ERR?").startswith(error + ",")
    assert ask(one, ":STAT:ERR?") == '0,"No error"'


def test_a_question_that_waits_is_answered_at_the_update_and_with_its_values() -> None:
    one = device(profile="watts=0:50,1.25:150")
    ask(one, ":COMM:HEAD OFF;:STAT:FILT1 FALL;:NUM:NORM:NUM 1;ITEM1 P,1;:VOLT:AUTO OFF;:CURR:AUTO OFF")
    assert ask(one, ":COMM:WAIT 1;:NUM:NORM:VAL?;:STAT:EESR?", 0.1) == ""
    assert one.next_push_s == 1.0
    assert one.push(1.0) == [b"50.000E+00;1\n"]
    assert one.next_push_s is None
    assert ask(one, ":COMM:WAIT 1;:NUM:NORM:VAL?", 1.1) == ""
    assert one.push(2.0) == [b"125.00E+00\n"]  # a quarter of the second at 50 W, three at 150 W
    assert ask(one, ":COMM:WAIT 1;:NUM:NORM:VAL?;:STAT:EESR?", 3.5) == "150.00E+00;1"  # it came at 3.0


def test_the_integrator_counts_power_times_time_while_it_runs_and_its_timer_ends_it() -> None:
    one = device(profile="watts=3600")
    ask(one, ":COMM:HEAD OFF;:NUM:NORM:NUM 1;ITEM1 WH,1;:INTEG:TIM 0,0,5")
    assert ask(one, ":NUM:NORM:VAL?;:INTEG:STAT?", 3.0) == "NAN;RES"
    ask(one, ":INTEG:STAR", 3.0)
    assert ask(one, ":NUM:NORM:VAL?;:INTEG:STAT?;:STAT:COND?", 5.0) == "2.0000E+00;STAR;6"
    assert ask(one, ":RATE 1;:STAT:ERR?", 5.0) == ""
    assert ask(one, ":STAT:ERR?", 5.0).startswith("813,")
    assert ask(one, ":NUM:NORM:VAL?;:INTEG:STAT?", 9.0) == "5.0000E+00;TIM"
    ask(one, ":INTEG:RES", 9.5)
    assert ask(one, ":INTEG:STAT?;:NUM:NORM:VAL?", 10.0) == "RES;NAN"


def test_a_current_above_140_percent_of_its_range_is_shown_as_overrange() -> None:
    one = device(profile="watts=500")
    ask(one, ":COMM:HEAD OFF;:NUM:NORM:NUM 3;:CURR:AUTO OFF;RANG 0.5")
    assert ask(one, ":NUM:NORM:VAL?;:STAT:COND?", 1.0) == "INF,INF,INF;64"
    ask(one, ":CURR:AUTO ON", 1.0)
    assert ask(one, ":NUM:NORM:VAL? 3;:CURR:RANG?", 2.0) == "500.00E+00;2.000E+00"


def test_averages_follow_a_step_as_their_kind_does() -> None:
    powers = {}
    for kind in ("LIN", "EXP"):
        one = device(profile="watts=0:100,10:200")
        ask(one, f":COMM:HEAD OFF;:NUM:NORM:NUM 1;ITEM1 P,1;:MEAS:AVER:TYPE {kind};COUN 8;STAT ON")
        powers[kind] = [float(ask(one, ":NUM:NORM:VAL?", float(at))) for at in (10, 14, 18, 40)]
    assert powers["LIN"] == [100.0, 150.0, 200.0, 200.0]
    assert powers["EXP"] == [100.0, *(pytest.approx(200 - 100 * (7 / 8) ** n, abs=0.1) for n in (4, 8, 30))]


def test_the_older_dialect_sends_what_is_switched_on_in_the_order_of_its_manual() -> None:
    one = device("wt210")
    ask(one, ":COMM:HEAD OFF;:MEAS:ITEM:WH ON;:MEAS:ITEM:V OFF;:MEAS:ITEM:PF ON")
    amperes, watts, factor, watt_hours = ask(one, ":MEAS:VAL?", 1.0).split(",")
    assert (watts, watt_hours) == ("50.00E+00", "9.91E+37")
    assert float(watts) == pytest.approx(230 * float(amperes) * float(factor), rel=2e-3)
    assert ask(one, ":INTEG:STAT?") == ""
    assert ask(one, "*IDN?") == "YOKOGAWA,760401-EMULATED,0,F1.04"


def test_an_emulator_nobody_asked_for_a_day_does_not_make_up_for_it_update_by_update() -> None:
    source = CountedWatts()
    one = YokogawaDevice(source, seed=1, interval_s=0.1)
    ask(one, ":COMM:HEAD OFF")
    assert ask(one, ":NUM:NORM:VAL? 3", 86400.0) == "50.000E+00"
    assert source.calls < 10


class CountedWatts:
    """Constant power that counts how often it was asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def advance(self, to_s: float) -> PowerSpan:
        self.calls += 1
        return PowerSpan(50.0, 50.0, 50.0)


@given(st.binary(max_size=200))
def test_no_bytes_end_the_emulator(data: bytes) -> None:
    one = device()
    one.receive(data + b"\n", 0.5)
    one.push(60.0)
    one.receive(b"*CLS\n*IDN?\n", 120.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "500.0E-03"), (300, "300.0E+00"), (1, "1.000E+00"), (0, "0.000E+00")]
)
def test_numbers_are_written_as_the_real_instrument_writes_them(value: float, text: str) -> None:
    assert engineering(value, 4) == text


# --- a client nobody here wrote -------------------------------------------------------------------------------------


@contextmanager
def visa(resource: str) -> Iterator[MessageBasedResource]:
    manager = pyvisa.ResourceManager("@py")
    try:
        client = manager.open_resource(resource, timeout=20_000, read_termination="\n", write_termination="\n")
        assert isinstance(client, MessageBasedResource)
        yield client
        client.close()
    finally:
        manager.close()


def check_with_pyvisa(client: MessageBasedResource) -> None:
    assert client.query("*IDN?") == "YOKOGAWA,WT310E,EMULATED,F1.04"
    client.write(":COMMUNICATE:HEADER OFF")
    client.write(":INPUT:VOLTAGE:RANGE 300V;AUTO OFF;:INPUT:CURRENT:RANGE 500MA;AUTO OFF")
    assert client.query_ascii_values(":INPUT:VOLTAGE:RANGE?;:INPUT:CURRENT:RANGE?", separator=";") == [300.0, 0.5]
    client.write(":NUMERIC:FORMAT ASCII;NORMAL:NUMBER 4;ITEM1 U,1;ITEM2 I,1;ITEM3 P,1;ITEM4 LAMBDA,1")
    client.write(":RATE 0.1;:STATUS:FILTER1 FALL")
    client.query(":STATUS:EESR?")
    for _ in range(3):
        client.write(":COMMUNICATE:WAIT 1")
        volts, amperes, watts, factor = client.query_ascii_values(":NUMERIC:NORMAL:VALUE?")
        assert watts == 50.0
        assert 229 < volts < 231
        assert watts == pytest.approx(volts * amperes * factor, rel=1e-3)
        assert client.query(":STATUS:EESR?") == "1"
    client.write(":INTEGRATE:RESET;MODE NORMAL;TIMER 0,0,0;START")
    assert client.query(":INTEGRATE:STATE?") == "STAR"
    client.write(":INTEGRATE:STOP")
    assert client.query(":INTEGRATE:STATE?;:STATUS:ERROR?") == 'STOP;0,"No error"'


def test_pyvisa_sets_up_and_reads_the_emulator_over_tcp(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, "--listen", "127.0.0.1:0", name="wt310")
    host, _colon, port = emulator.address.removeprefix("socket://").partition(":")
    with visa(f"TCPIP::{host}::{port}::SOCKET") as client:
        check_with_pyvisa(client)


def test_pyvisa_sets_up_and_reads_the_emulator_over_a_serial_port(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt310")
    with visa(f"ASRL{emulator.ready['device']}::INSTR") as client:
        check_with_pyvisa(client)


# --- the driver on the emulator ---------------------------------------------------------------------------------------

OPTIONS: dict[str, object] = {"rate_s": 0.1}


@contextmanager
def opened(emulator: EmulatorProcess, name: str = "wt310", /, **options: object) -> Iterator[Meter]:
    meter = open_meter(name, emulator.address, capture=None, options={**OPTIONS, **options})
    try:
        yield meter
    finally:
        meter.close()


def read_many(meter: Meter, count: int) -> None:
    for _ in range(count):
        meter.read(1.0)


@pytest.mark.parametrize(("name", "wire"), [("wt310", ()), ("wt210", ()), ("wt310", ("--listen", "127.0.0.1:0"))])
def test_the_driver_reads_each_update_once_over_a_pty_and_over_tcp(
    start_emulator: StartEmulator, name: str, wire: tuple[str, ...]
) -> None:
    emulator = start_emulator(*W50, *wire, name=name)
    sink = io.BytesIO()
    meter = open_meter(name, emulator.address, capture=sink, options=OPTIONS)
    try:
        readings = [meter.read(1.0) for _ in range(7)]
        assert {reading.power_w for reading in readings} == {50.0}
        assert not any(reading.flags for reading in readings)
        gaps = [(after.time_ns - before.time_ns) / 1e9 for before, after in itertools.pairwise(readings[1:])]
        assert sum(gaps) > 0.03 * (len(gaps) - 1)  # no update is read twice, however late the first one was
        assert all(reading.frequency_hz == 50.0 and reading.energy_wh is None for reading in readings)
        assert meter.identify().emulated
        assert meter.describe().ranging == "auto"
        assert meter.describe().interval_s == 0.1
    finally:
        meter.close()
    sent = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == ">")
    assert not [word for word in (b"*RST", b"*CAL", b"*SAV", b"*RCL", b"STOR", b":INTEG") if word in sent]


@pytest.mark.parametrize("name", ["wt310", "wt210"])
def test_the_watt_hours_of_the_integrator_are_power_times_time_while_it_runs(
    start_emulator: StartEmulator, name: str
) -> None:
    emulator = start_emulator(*FAST, "watts=3600", name=name)
    for state in ("integ-stop", "integ-timeup", "integ-error"):
        with opened(emulator, name, integration=1) as meter:
            energies = [meter.read(1.0).energy_wh or 0.0 for _ in range(4)]
            steps = [after - before for before, after in itertools.pairwise(energies[1:])]
            updates = [step / 0.03 for step in steps]  # a busy machine leaves some out
            assert updates == pytest.approx([max(1, round(count)) for count in updates], abs=0.05)
            assert [column.name for column in meter.describe().columns][-1] == "energy_wh"
            emulator.fault(state)
            readings = [meter.read(1.0) for _ in range(4)]
            assert readings[-1].energy_wh is None
            assert {reading.power_w for reading in readings} == {3600.0}


def test_an_integrator_that_runs_is_found_again_after_a_reconnection(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST, "watts=3600", name="wt310")
    with opened(emulator, integration=1) as meter:
        before = meter.read(1.0)
        emulator.fault("unplug")
        with pytest.raises(MeterUnplugged):
            read_many(meter, 20)
        emulator.fault("replug")
        wait_until(emulator.port.is_symlink, "the port to come")
        time.sleep(0.2)
        meter.reopen()
        after = meter.read(1.0)
        assert after.flags == {"resynced"}
        assert before.energy_wh is not None
        assert after.energy_wh is not None
        assert after.energy_wh > before.energy_wh + 0.2


def test_other_settings_while_the_integrator_runs_are_refused_with_its_error(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt310")
    with opened(emulator, integration=1):
        emulator.fault("unplug")
        wait_until(lambda: not emulator.port.is_symlink(), "the port to go")
    emulator.fault("replug")
    wait_until(emulator.port.is_symlink, "the port to come")
    with pytest.raises(MeterRefused, match=r"refuses ':INP:FILT:LINE ON': error 813 .* stop and reset it on the panel"):
        open_meter("wt310", emulator.address, capture=None, options={**OPTIONS, "line_filter": "on"})


@pytest.mark.parametrize("name", ["wt310", "wt210"])
def test_values_that_are_none_are_flags(start_emulator: StartEmulator, name: str) -> None:
    emulator = start_emulator(*W50, name=name)
    with opened(emulator, name) as meter:
        for fault, flag in (("no-value", "nan"), ("overrange", "overrange")):
            meter.read(1.0)
            emulator.fault(f"{fault}=always")
            read_many(meter, 2)
            reading = meter.read(1.0)
            assert (reading.power_w, *reading.flags) == (None, flag)
            assert (reading.voltage_v, reading.current_a) == (None, None)
            emulator.fault("clear")
            read_many(meter, 2)
            assert meter.read(5.0).power_w == 50.0


def test_an_overload_is_overrange_and_auto_ranging_follows_it(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST, "watts=500", name="wt310")
    with opened(emulator, current_range_a=0.5, voltage_range_v=300) as meter:
        reading = meter.read(1.0)
        assert (reading.power_w, *reading.flags) == (None, "overrange")
        assert meter.describe().ranging == "fixed"
    with opened(emulator) as meter:
        meter.read(1.0)
        assert meter.read(5.0).power_w == 500.0


def test_headers_are_taken_off(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, "--fault", "header-on=always", name="wt310")
    with opened(emulator, integration=1) as meter:
        assert [meter.read(1.0).power_w for _ in range(3)] == [50.0] * 3


def test_a_setting_refused_with_813_is_an_error_that_says_what_to_do(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, "--fault", "error-813", name="wt210")
    with pytest.raises(MeterRefused, match=r"error 813 .* stop and reset it on the panel"):
        open_meter("wt210", emulator.address, capture=None, options=OPTIONS)


def test_replies_one_question_late_never_become_a_reading(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt310")
    with opened(emulator) as meter:
        meter.read(1.0)
        emulator.fault("out-of-step")
        with pytest.raises((MeterTimeout, MeterGarbage)):
            read_many(meter, 3)
        assert meter.read(1.0).flags == {"resynced"}
        assert not meter.read(1.0).flags


def test_an_update_that_does_not_come_is_waited_for(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt310")
    with opened(emulator) as meter:
        first = meter.read(1.0)
        emulator.fault("no-update=4")
        second, third = meter.read(1.0), meter.read(1.0)
        assert max(second.time_ns - first.time_ns, third.time_ns - second.time_ns) > 0.11e9
        assert second.flags == third.flags == frozenset()


def test_the_wrong_driver_is_refused_by_the_identity(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt210")
    with pytest.raises(MeterMismatch, match="found a 760401-EMULATED, expected one of WT310E"):
        open_meter("wt310", emulator.address, capture=None, options={})


def test_the_options_reach_the_instrument(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*W50, name="wt310")
    options: dict[str, object] = {"crest_factor": 6, "voltage_range_v": 300, "current_range_a": 0.5, "averaging": "exp"}
    options |= {"averaging_count": 16, "sync": "current", "line_filter": "on", "frequency_filter": "off"}
    with opened(emulator, **options) as meter:
        assert meter.read(1.0).window_s == pytest.approx(3.1)
        accuracy = meter.describe().columns[0].accuracy
        assert accuracy is not None
        assert accuracy.reading_percent == pytest.approx(0.4)
        assert accuracy.range_percent == 0.1
    with visa(f"ASRL{emulator.ready['device']}::INSTR") as client:
        client.write(":COMM:HEAD OFF")
        ranges = client.query(":INP:CFAC?;VOLT:RANG?;:INP:CURR:RANG?;:INP:CURR:AUTO?;:INP:VOLT:AUTO?")
        assert ranges == "6;300.0E+00;500.0E-03;0;0"
        assert client.query(":MEAS:AVER:STAT?;TYPE?;COUN?;:RATE?") == "1;EXP;16;100.0E-03"
        assert client.query(":INP:SYNC?;:INP:FILT:LINE?;FREQ?;:COMM:REM?") == "CURR;1;0;0"
