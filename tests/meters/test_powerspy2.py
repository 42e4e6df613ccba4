"""The PowerSpy2 codec and dialogue, against the rows of a simulator that nobody here wrote."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import powerspy2
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
)
from meters.powerspy2 import PowerSpy2, Row, Scale
from meters.reading import Identity
from meters.splitters import FrameSplitter
from meters.wire import Chunk
from tests.meters.far_ends import FakeWire

# [S] patrickmarlier/powerspy.py, powerspysimulator.py: identity, EEPROM and rows; the values beside them from
# us = 0.0815476 and is = 0.000544977, which stand in that EEPROM.
NAME = b"<POWERSPYC01FF35020001>"
EEPROM = bytes.fromhex("6c02a73dcedc0e3a")
ROWS = [
    (b"<007A1FCA 001F82FB 003AC29C 0FA9 0AB5>", (230.70, 0.7832, 171.14)),
    (b"<007656F4 001CF0BF 00379ECF 0F2E 09DA>", (227.10, 0.7505, 162.00)),
]
SCALE = Scale(0.0815476, 0.000544977, 1.0, 3680.0)


class Scripted:
    """Answers as the simulator's table does: version 2 unless its name says otherwise; `rows` follow `<J...>`."""

    def __init__(self, *rows: bytes) -> None:
        self.answers = {b"<Q>": b"<K>", b"<?>": b"<POWERSPYR01FF35030001>", b"<F>": b"<F6C00>"}
        self.rows = list(rows)
        self.eeprom = bytearray(256)
        self.eeprom[0x02:0x0A] = self.eeprom[0x0E:0x16] = EEPROM

    def __call__(self, request: bytes) -> list[bytes]:
        if request in self.answers:
            return [self.answers[request]] if self.answers[request] else []
        if request.startswith(b"<V"):
            return [b"<%02X>" % self.eeprom[int(request[2:4], 16)]]
        if request.startswith(b"<J"):
            return [b"<K>", *self.rows]
        return [b"<Z>"]


def dialogue(far_end: Callable[[bytes], list[bytes]], **options: object) -> tuple[PowerSpy2, FakeWire]:
    wire = FakeWire(far_end)
    given_options = {"periods": 50, "calibration": "user", "range_w": 3680.0, **options}
    return PowerSpy2(wire, **given_options), wire  # type: ignore[arg-type]


def body_of(data: bytes) -> bytes:
    (frame,) = FrameSplitter(b"<", b">", powerspy2.FRAME_LIMIT).feed(Chunk(1, data))
    return frame.body


# --- codec ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "values"), ROWS)
def test_a_row_of_the_simulator_decodes_to_the_values_beside_it(data: bytes, values: tuple[float, ...]) -> None:
    reading = powerspy2.to_reading(powerspy2.decode_row(body_of(data)), SCALE, 5, frozenset())
    assert reading.voltage_v == pytest.approx(values[0], abs=0.005)
    assert reading.current_a == pytest.approx(values[1], abs=0.00005)
    assert reading.power_w == pytest.approx(values[2], abs=0.005)
    assert (reading.time_ns, reading.window_s, reading.flags) == (5, 1.0, frozenset())


def test_the_eeprom_of_the_simulator_holds_the_coefficients_the_values_were_made_with() -> None:
    assert powerspy2.decode_coefficient(EEPROM[:4], 0x0E) == pytest.approx(0.0815476, rel=1e-6)
    assert powerspy2.decode_coefficient(EEPROM[4:], 0x12) == pytest.approx(0.000544977, rel=1e-6)


@pytest.mark.parametrize("text", ["ffffffff", "00000000", "0000807f", "000080bf", "00c07f45"])
def test_a_coefficient_that_was_never_written_is_refused(text: str) -> None:
    with pytest.raises(MeterGarbage, match="choose the other one"):
        powerspy2.decode_coefficient(bytes.fromhex(text), 0x0E)


def test_the_name_of_the_simulator_is_taken_apart() -> None:
    name = powerspy2.decode_name(body_of(NAME))
    assert (name.software, name.hardware, name.serial) == (0x35, 2, "0001")
    assert name.identity() == Identity("Alciom", "PowerSpy", "0001", "software 35, hardware 02")
    for bad in (b"POWERSPYC01FF3502000", b"POWERSPYC01FF350200011", b"POWERSPYC01FF3502000g", b"POWERSPI", b""):
        with pytest.raises(MeterGarbage, match="expected `POWERSPY`"):
            powerspy2.decode_name(bad)


def test_the_frequency_follows_from_the_clock_of_the_version() -> None:
    assert powerspy2.decode_frequency(b"F4E20", 2) == 50.0
    assert powerspy2.decode_frequency(b"F6C00", 3) == 50.0
    assert powerspy2.decode_frequency(b"F5A00", 3) == 60.0
    for body, hardware in ((b"F4E20", 3), (b"F0000", 2), (b"F1F40", 2), (b"F4E2", 2), (b"K", 2)):
        with pytest.raises(MeterGarbage, match="is the meter on the mains"):
            powerspy2.decode_frequency(body, hardware)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"K",
        b"007A1FCA 001F82FB 003AC29C 0FA9 0AB",
        b"007A1FCA 001F82FB 003AC29C 0FA9 0AB55",
        b"007A1FCA 001F82FB 003AC29C 0FA9",
        b"007A1FC 001F82FB 003AC29C 0FA9 0AB5",
        b"007a1fca 001F82FB 003AC29C 0FA9 0AB5",
        b"007A1FCA  001F82FB 003AC29C 0FA9 0AB5",
        b"-07A1FCA 001F82FB 003AC29C 0FA9 0AB5",
    ],
)
def test_a_row_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(MeterGarbage, match="expected a row"):
        powerspy2.decode_row(body)


@pytest.mark.parametrize("power", [0xFFFFFF00, 0xFFFFFFF3, 0xFFFFFFFF])
def test_nothing_plugged_in_is_no_number(power: int) -> None:
    reading = powerspy2.to_reading(Row(0x007A1FCA, 9, power, 0x0FA9, 3), SCALE, 1, frozenset({"resynced"}))
    assert (reading.power_w, reading.voltage_v, reading.flags) == (None, None, frozenset({"nan", "resynced"}))


def test_power_above_the_rating_is_overrange_and_no_number() -> None:
    row = powerspy2.decode_row(body_of(ROWS[0][0]))
    reading = powerspy2.to_reading(row, Scale(SCALE.volts, SCALE.amperes, 1.0, 171.0), 1, frozenset())
    assert (reading.power_w, reading.flags) == (None, frozenset({"overrange"}))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Row(0x007A1FCA, 0x001F82FB, 0x005AC29C, 0, 0), r"found 264\..* W, expected no more than U \* I = 180\."),
        (Row(0x007A1FCA, 0x001F82FB, 0x80000000, 0, 0), r"expected no more than U \* I"),
        (Row(0x017A1FCA, 0x001F82FB, 0x003AC29C, 0, 0), "V, expected at most 300 V"),
    ],
)
def test_what_cannot_be_is_no_reading(row: Row, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        powerspy2.to_reading(row, SCALE, 1, frozenset())


@pytest.mark.parametrize(
    "command",
    [
        *("R", "W0E6C", "W", "E160101000000", "Y000001", "S", "C", "O", "P", "L10", "T", "M10", "X000001 0000"),
        *("B", "A", "U", "G", "J1", "J12345", "V1", "V100", "?R", "Q><R", "", "V0E><W0E00", "j0032"),
    ],
)
def test_reset_eeprom_writes_and_whatever_changes_the_meter_can_not_be_sent(command: str) -> None:
    with pytest.raises(MeterRefused, match="does not send"):
        powerspy2.encode_command(command)


@given(st.text(alphabet="?FQVJRWBK0123456789ABCDEF<>", max_size=6))
def test_only_five_commands_can_be_sent(command: str) -> None:
    try:
        data = powerspy2.encode_command(command)
    except MeterRefused:
        return
    assert data[1:2] in b"?FQVJ"
    assert (data.count(b"<"), data.count(b">")) == (1, 1)


def test_the_start_of_rows_is_written_as_each_version_wants_it() -> None:
    assert powerspy2.encode_start(32, 3) == b"<J0020>"
    assert powerspy2.encode_start(32, 2) == b"<J20>"
    assert powerspy2.encode_start(65535, 3) == b"<JFFFF>"
    with pytest.raises(MeterOptionError, match="periods is 256, this hardware averages 255 at most"):
        powerspy2.encode_start(256, 2)


@given(st.lists(st.binary(max_size=90), max_size=6))
def test_arbitrary_bytes_are_a_reading_or_a_typed_error_in_bounded_memory(chunks: list[bytes]) -> None:
    splitter = FrameSplitter(b"<", b">", powerspy2.FRAME_LIMIT)
    for data in [*chunks, ROWS[0][0]]:
        for frame in splitter.feed(Chunk(1, data)):
            try:
                powerspy2.to_reading(powerspy2.decode_row(frame.body), SCALE, 1, frozenset())
            except MeterGarbage:
                continue
        assert splitter.held_bytes <= powerspy2.FRAME_LIMIT


# --- the dialogue -----------------------------------------------------------------------------------------------------


def test_the_greeting_sends_these_commands_and_no_others() -> None:
    meter, wire = dialogue(Scripted())
    assert meter.greet() == Identity("Alciom", "PowerSpy2", "0001", "software 35, hardware 03")
    coefficients = [b"<V%02X>" % at for at in (*range(0x0E, 0x12), *range(0x12, 0x16))]
    assert wire.sent == [b"<Q>", b"<?>", *coefficients, b"<F>", b"<J0032>"]
    meter.close()
    assert (wire.sent[-1], wire.open) == (b"<Q>", False)


def test_the_older_hardware_is_spoken_to_in_its_own_way() -> None:
    far_end = Scripted(ROWS[0][0])
    far_end.answers |= {b"<?>": NAME, b"<F>": b"<F4E20>"}
    meter, wire = dialogue(far_end, periods=100)
    assert meter.greet().model == "PowerSpy"
    assert wire.sent[-1] == b"<J64>"
    reading = meter.sample(Deadline(1.0))
    assert reading.power_w == pytest.approx(171.14, abs=0.005)
    assert reading.window_s == 2.0


def test_the_window_is_that_of_the_measured_frequency() -> None:
    far_end = Scripted()
    far_end.answers[b"<F>"] = b"<F6C40>"  # 49.885 Hz
    meter, _wire = dialogue(far_end)
    meter.greet()
    description = meter.describe()
    assert description.window_s == pytest.approx(50 * 0x6C40 / 1_382_400)
    assert (description.tier, description.averaging, description.stamp) == ("indicative", "window", "end")
    assert description.columns[0].resolution == pytest.approx(0.0815476 * 0.000544977)


def test_the_calibration_is_the_one_the_lab_chooses() -> None:
    far_end = Scripted(ROWS[0][0])
    far_end.eeprom[0x0E:0x12] = struct.pack("<f", 0.0815476 * 1.01)
    for choice, power_w in (("user", 171.14 * 1.01), ("factory", 171.14)):
        meter, wire = dialogue(far_end, calibration=choice)
        meter.greet()
        assert meter.sample(Deadline(1.0)).power_w == pytest.approx(power_w, rel=1e-4)
        assert (b"<V02>" in wire.sent) == (choice == "factory")


def test_rows_of_an_earlier_session_are_dropped_before_anything_is_asked() -> None:
    meter, wire = dialogue(Scripted(ROWS[1][0]))
    wire.waiting += [ROWS[0][0] + b"\n\r", ROWS[0][0][:20]]
    meter.greet()
    reading = meter.sample(Deadline(1.0))
    assert reading.power_w == pytest.approx(162.00, abs=0.005)
    assert not reading.flags


def test_an_answer_left_over_from_a_byte_asked_before_ends_the_greeting() -> None:
    far_end = Scripted()

    def one_late(request: bytes) -> list[bytes]:
        left_over = [b"<3D>"] if request == b"<V0E>" else []  # from here on every answer is one byte late
        return left_over + far_end(request)

    meter, _wire = dialogue(one_late)
    with pytest.raises(MeterGarbage, match="expected"):
        meter.greet()


def test_a_torn_row_is_dropped_and_the_next_is_marked() -> None:
    meter, _wire = dialogue(Scripted(ROWS[0][0][:25], ROWS[1][0] + b"\n\r", ROWS[0][0] + b"\n\r"))
    meter.greet()
    assert meter.sample(Deadline(1.0)).flags == {"resynced"}
    assert meter.sample(Deadline(1.0)).flags == frozenset()


def test_a_row_that_arrives_across_two_calls_is_no_garbage() -> None:
    meter, wire = dialogue(Scripted(ROWS[0][0][:11]))
    meter.greet()
    with pytest.raises(MeterTimeout):
        meter.sample(Deadline(0.01))
    wire.waiting.append(ROWS[0][0][11:])
    reading = meter.sample(Deadline(1.0))
    assert reading.power_w == pytest.approx(171.14, abs=0.005)
    assert not reading.flags


def test_a_row_sent_twice_is_stale_and_the_same_values_a_window_later_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10**9]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    meter, wire = dialogue(Scripted(ROWS[0][0] + ROWS[0][0]))
    meter.greet()
    assert [sorted(meter.sample(Deadline(1.0)).flags) for _ in range(2)] == [[], ["stale"]]
    now[0] += 10**9
    wire.waiting.append(ROWS[0][0])
    assert meter.sample(Deadline(1.0)).flags == frozenset()


@pytest.mark.parametrize(
    ("sent", "error", "text"),
    [
        ([], MeterTimeout, "before the deadline"),
        ([b"<K>"], MeterGarbage, "no valid row before the deadline; found b'K', expected a row"),
        ([b"noise"], MeterGarbage, "found 5 bytes outside any row"),
        ([ROWS[0][0].replace(b" 003A", b" 007A")], MeterGarbage, r"expected no more than U \* I"),
    ],
)
def test_silence_is_a_timeout_and_noise_is_garbage(sent: list[bytes], error: type[MeterError], text: str) -> None:
    meter, _wire = dialogue(Scripted(*sent))
    meter.greet()
    with pytest.raises(error, match=text):
        meter.sample(Deadline(0.05))


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({b"<Q>": b"", b"<?>": b""}, MeterTimeout, "no answer to <\\?> within"),
        ({b"<?>": b"<POWERSPY>"}, MeterMismatch, "no known PowerSpy2: found b'POWERSPY'"),
        ({b"<?>": b"HAMEG HM8115-2\r"}, MeterMismatch, "bytes outside any frame"),
        ({b"<?>": b"<Z>"}, MeterMismatch, "failed to do <\\?>"),
        ({b"<V10>": b"<K>"}, MeterMismatch, "found b'K', expected a byte of the EEPROM"),
        ({b"<V10>": b""}, MeterTimeout, "no answer to <V10>"),
        ({b"<F>": b"<F0000>"}, MeterMismatch, "is the meter on the mains"),
        ({b"<J0032>": b"<Z>"}, MeterMismatch, "failed to do <J0032>"),
        ({b"<J0032>": b"<6C>"}, MeterMismatch, "expected `K`"),
    ],
)
def test_what_is_no_powerspy_is_refused_at_the_start_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, changed: dict[bytes, bytes], error: type[MeterError], text: str
) -> None:
    monkeypatch.setattr(powerspy2, "REPLY_WAIT_S", 0.02)
    far_end = Scripted()
    far_end.answers |= changed
    meter, wire = dialogue(far_end)
    with pytest.raises(error, match=text) as caught:
        DialogueMeter(meter, None)
    assert "fake" in str(caught.value)
    assert not wire.open


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"periods": 0}, "periods is 0"),
        ({"periods": 2.5}, "expected a whole number from 1 to 65535"),
        ({"calibration": "none"}, "calibration is 'none', expected one of user, factory"),
        ({"baud": 9600}, "unknown option 'baud'"),
    ],
)
def test_an_option_the_driver_does_not_have_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        powerspy2.open_powerspy2("/dev/null", capture=None, options=options)


def test_a_port_that_is_not_there_is_said_so() -> None:
    with pytest.raises(MeterUnavailable, match="/dev/rfcomm99"):
        powerspy2.open_powerspy2("/dev/rfcomm99", capture=None, options={})
