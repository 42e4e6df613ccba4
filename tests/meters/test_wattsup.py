"""The Watts Up? codec and driver against bytes that nothing of ours produced."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import wattsup
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnplugged,
)
from meters.reading import Identity
from meters.splitters import Frame, FrameSplitter
from meters.wire import Chunk
from meters.wire_log import read_capture
from tests.meters.conftest import FIRST_LINE, HEADER_REPLY, VERSION_REPLY
from tests.meters.far_ends import BarePty

# Real captures: kjordahl/Watts-Up--logger samples/fan.raw (two lines) and iphone4.raw; a Java SDK's own example.
GOLDEN = [
    (
        b"#d,-,18,112,1199,275,79,0,34,2,112,1202,275,0,1199,0,100,0,0,600,112;",
        (11.2, 119.9, 0.275, 7.9, 1.0, 60.0, 11.2),
    ),
    (
        b"#d,-,18,450,1198,382,84,0,37,2,450,1200,383,450,1197,381,89,0,0,601,502;",
        (45.0, 119.8, 0.382, 8.4, 0.89, 60.1, 50.2),
    ),
    (
        b"#d,-,18,65,1201,57,6821,54,1467,117,65,1202,57,64,1200,56,98,0,0,601,66;",
        (6.5, 120.1, 0.057, 682.1, 0.98, 60.1, 6.6),
    ),
    (
        b"#d,-,18,972,2277,433,5,0,70035,5602,973,2280,435,972,2274,432,95,0,0,500,1020;",
        (97.2, 227.7, 0.433, 0.5, 0.95, 50.0, 102.0),
    ),
]
LINES = [line for line, _values in GOLDEN]


def frames_of(data: bytes) -> list[Frame]:
    return FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT).feed(Chunk(1, data))


def decode(line: bytes) -> dict[str, int | None]:
    (frame,) = frames_of(line)
    return wattsup.decode_data(wattsup.decode_packet(frame.body), 18)


@pytest.mark.parametrize(("line", "values"), GOLDEN)
def test_a_captured_line_decodes_to_the_values_beside_it(line: bytes, values: tuple[float, ...]) -> None:
    reading = wattsup.to_reading(decode(line), 5, 1800.0, resynced=False)
    power = (reading.power_w, reading.voltage_v, reading.current_a, reading.energy_wh)
    assert (*power, reading.power_factor, reading.frequency_hz, reading.apparent_power_va) == values
    assert (reading.time_ns, reading.window_s, reading.flags) == (5, 1.0, frozenset())


def test_the_truncated_line_with_20_fields_is_refused() -> None:
    cut = LINES[1].rsplit(b",", 1)[0] + b";"
    assert len(cut.split(b",")) == 20
    with pytest.raises(MeterGarbage, match=r"found 17 arguments .* expected 18"):
        decode(cut)


def test_a_line_with_two_fields_too_many_is_refused() -> None:
    with pytest.raises(MeterGarbage, match="found 20 arguments"):
        decode(LINES[1].replace(b";", b",0,0;"))


def test_an_old_meter_sends_16_fields_and_no_other_number() -> None:
    line = b"#d,-,16,450,1198,382,84,0,37,2,450,1200,383,450,1197,381,89,0,0;"
    packet = wattsup.decode_packet(frames_of(line)[0].body)
    reading = wattsup.to_reading(wattsup.decode_data(packet, 16), 1, 1800.0, resynced=False)
    assert (reading.power_w, reading.frequency_hz, reading.apparent_power_va) == (45.0, None, None)
    with pytest.raises(MeterGarbage, match="16 fields, expected 'd' with 18"):
        wattsup.decode_data(packet, 18)


def test_a_field_that_was_not_selected_is_not_reported_and_power_not_sent_is_nan() -> None:
    counts = decode(b"#d,-,18,450,_,_,84,_,_,_,_,_,_,_,_,_,_,_,_,_,_;")
    reading = wattsup.to_reading(counts, 1, 1800.0, resynced=True)
    assert (reading.power_w, reading.voltage_v, reading.energy_wh) == (45.0, None, 8.4)
    assert reading.flags == {"resynced"}
    missing = wattsup.to_reading(decode(b"#d,-,18" + b",_" * 18 + b";"), 1, 1800.0, resynced=False)
    assert (missing.power_w, missing.flags) == (None, frozenset({"nan"}))


def test_power_above_the_rating_is_overrange_and_no_number() -> None:
    reading = wattsup.to_reading(decode(LINES[3]), 1, 97.1, resynced=False)
    assert (reading.power_w, reading.flags) == (None, frozenset({"overrange"}))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b",450,1198", b",45x,1198", "field W"),
        (b",450,1198", b",-450,1198", "field W"),
        (b",450,1198", b",4.5,1198", "field W"),
        (b",450,1198", b",,1198", "field W"),
        (b",450,1198", b",60001,1198", "field W"),
        (b",450,1198", b",4500,1198", "field W"),
        (b",450,1198", b",45,1198", "field W"),
        (b",450,1198", b",450,9998", "field V"),
        (b",382,", b",3820,", "field A"),
        (b",89,0,0,", b",101,0,0,", "field PF"),
        (b",601,502", b",50,502", "field Hz"),
    ],
)
def test_an_implausible_field_is_refused_by_name(old: bytes, new: bytes, field: str) -> None:
    with pytest.raises(MeterGarbage, match=field):
        decode(LINES[1].replace(old, new, 1))


def test_no_single_changed_digit_of_the_power_passes_by_more_than_two_counts() -> None:
    for line in LINES[1:]:
        watts = line.split(b",")[3]
        for at in range(len(watts)):
            for digit in b"0123456789":
                changed = watts[:at] + bytes([digit]) + watts[at + 1 :]
                try:
                    found = decode(line.replace(b"18," + watts, b"18," + changed, 1))["W"]
                except MeterGarbage:
                    continue
                assert found is not None
                assert abs(found - int(watts)) <= 2


def test_control_characters_inside_a_line_are_ignored() -> None:
    torn = b"\0#d,-,18,4\x0050\x00,1198" + LINES[1][16:30] + b"\r\n\0" + LINES[1][30:] + b"\r\n\0\0"
    assert decode(torn) == decode(LINES[1])


def test_a_line_split_at_every_byte_decodes_the_same() -> None:
    for at in range(len(LINES[1]) + 1):
        splitter = FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT)
        frames = splitter.feed(Chunk(1, LINES[1][:at])) + splitter.feed(Chunk(2, LINES[1][at:]))
        assert [(frame.body, frame.resynced) for frame in frames] == [(LINES[1][1:-1], False)]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_arbitrary_bytes_give_plausible_counts_or_a_typed_error_and_a_bounded_buffer(chunks: list[bytes]) -> None:
    splitter = FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT)
    for data in chunks:
        for frame in splitter.feed(Chunk(1, data)):
            try:
                counts = wattsup.decode_data(wattsup.decode_packet(frame.body), 18)
            except MeterError:
                continue
            wattsup.to_reading(counts, 1, 1800.0, frame.resynced)
        assert splitter.held_bytes <= wattsup.FRAME_LIMIT
    assert splitter.feed(Chunk(2, LINES[1]))[-1].body == LINES[1][1:-1]


@given(st.lists(st.sampled_from([*LINES, *(line[:9] for line in LINES), b";", b"#", b",", b"_", b"7"]), max_size=9))
def test_torn_and_glued_lines_never_become_a_power_nobody_sent(pieces: list[bytes]) -> None:
    sent = {decode(line)["W"] for line in LINES}
    for frame in frames_of(b"".join(pieces)):
        try:
            counts = wattsup.decode_data(wattsup.decode_packet(frame.body), 18)
        except MeterGarbage:
            continue
        assert counts["W"] in sent


def test_a_command_that_changes_the_memory_of_the_meter_is_refused() -> None:
    for command, sub in (("R", "W"), ("V", "W"), ("O", "W"), ("D", "R"), ("I", "E")):
        with pytest.raises(MeterRefused, match="does not send"):
            wattsup.encode_request(command, sub)
    assert wattsup.encode_request("L", "W", "E", "0", "1") == b"#L,W,3,E,0,1;"
    assert wattsup.encode_request("V", "R") == b"#V,R,0;"


def test_the_limits_of_error_at_100_w_are_1_8_w() -> None:
    accuracy = wattsup.ACCURACY
    assert 100 * accuracy.reading_percent / 100 + accuracy.counts * 0.1 == pytest.approx(1.8)


def test_the_start_up_dialogue_sends_these_bytes_and_no_others(talking_pty: BarePty) -> None:
    sink = io.BytesIO()
    meter = wattsup.open_wattsup(talking_pty.path, capture=sink, options={})
    meter.close()
    assert talking_pty.heard == b"#V,R,0;#H,R,0;#C,W,18" + b",1" * 18 + b";#L,W,3,E,0,1;"
    sent = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == ">")
    got = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == "<")
    assert sent == talking_pty.heard
    assert got == VERSION_REPLY + HEADER_REPLY + FIRST_LINE


def test_captured_lines_through_a_bare_pty_are_readings_stamped_on_arrival(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        assert meter.identify() == Identity(
            "Electronic Educational Devices", "Watts up? PRO", "", "4.12 (20050814), hardware 1.3"
        )
        assert meter.origin().kind == "emulated"  # an honest identity does not make a pty an instrument
        assert meter.read(1.0).power_w == 97.2
        for line, (power_w, *_others) in GOLDEN:
            before_ns = time.monotonic_ns()
            talking_pty.send(line + b"\r\n")
            reading = meter.read(1.0)
            assert reading.power_w == power_w
            assert before_ns < reading.time_ns < time.monotonic_ns()
        talking_pty.send(b"".join(line + b"\r\n" for line in LINES))
        together = [meter.read(1.0) for _line in LINES]
        assert [reading.power_w for reading in together] == [11.2, 45.0, 6.5, 97.2]
        assert not any(reading.flags for reading in together)
    finally:
        meter.close()


def test_a_repeated_line_is_delivered_as_it_came(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        meter.read(1.0)
        talking_pty.send(LINES[1] + b"\r\n" + LINES[1] + b"\r\n")
        assert [meter.read(1.0).power_w, meter.read(1.0).power_w] == [45.0, 45.0]
    finally:
        meter.close()


def test_silence_is_a_timeout_and_garbage_is_garbage_and_both_end_in_time(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        meter.read(1.0)
        begin = time.monotonic()
        with pytest.raises(MeterTimeout, match="no byte arrived"):
            meter.read(0.2)
        talking_pty.send(LINES[1].replace(b",1198", b",119x"))
        with pytest.raises(MeterGarbage, match=r"no valid line before the deadline; field V: found '119x'"):
            meter.read(0.2)
        talking_pty.send(LINES[1])
        reading = meter.read(1.0)
        assert (reading.power_w, reading.flags) == (45.0, frozenset({"resynced"}))
        with pytest.raises(MeterTimeout):
            meter.read(0.2)
        assert time.monotonic() - begin < 20.0
    finally:
        meter.close()


def test_a_line_that_arrives_across_two_calls_is_no_garbage(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        meter.read(1.0)
        for at in range(1, len(LINES[1]), 13):
            talking_pty.send(b"\r\n" + LINES[1][:at])
            with pytest.raises(MeterTimeout):
                meter.read(0.05)
            talking_pty.send(LINES[1][at:])
            reading = meter.read(1.0)
            assert (reading.power_w, reading.flags) == (45.0, frozenset())
    finally:
        meter.close()


def test_a_stream_that_never_stops_but_says_nothing_cannot_outlast_the_deadline(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        meter.read(1.0)
        talking_pty.send(HEADER_REPLY * 20)
        with pytest.raises(MeterGarbage, match="expected data"):
            meter.read(0.2)
    finally:
        meter.close()


def test_a_firmware_that_wants_a_dash_gets_it_after_the_zero(
    bare_pty: BarePty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wattsup, "LOG_WAIT_S", 0.3)
    bare_pty.answers = [(rb"#V.*", VERSION_REPLY), (rb"#H.*", HEADER_REPLY), (rb"#L,W,3,E,-,1;", FIRST_LINE)]
    meter = wattsup.open_wattsup(bare_pty.path, capture=None, options={})
    try:
        assert meter.read(1.0).power_w == 97.2
        assert bare_pty.heard.endswith(b"#L,W,3,E,0,1;#L,W,3,E,-,1;")
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("answers", "error", "text"),
    [
        ([], MeterTimeout, "no answer to #V,R"),
        ([(rb"#V.*", b"HAMEG HM8115-2\r")], MeterMismatch, "no known Watts Up"),
        ([(rb"#V.*", b"\x06\x0a\x00\xff;#;#")], MeterMismatch, "no known Watts Up"),
        ([(rb"#V.*", b"#v,-,8,9,0,1,3,4,12,2005,0;")], MeterMismatch, "model number '9'"),
        ([(rb"#V.*", b"#v,-,2,1,0;")], MeterMismatch, "2 arguments, expected 8"),
        ([(rb"#V.*", VERSION_REPLY)], MeterTimeout, "no answer to #H,R"),
        ([(rb"#V.*", VERSION_REPLY), (rb"#H.*", b"#h,-,2,W,V;")], MeterMismatch, "fields W, V"),
        ([(rb"#V.*", VERSION_REPLY), (rb"#H.*", HEADER_REPLY)], MeterTimeout, "sends no line"),
    ],
)
def test_what_is_no_watts_up_is_refused_at_the_start_with_the_reason(
    bare_pty: BarePty,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[tuple[bytes, bytes]],
    error: type[MeterError],
    text: str,
) -> None:
    monkeypatch.setattr(wattsup, "REPLY_WAIT_S", 0.15)
    monkeypatch.setattr(wattsup, "LOG_WAIT_S", 0.15)
    bare_pty.answers = answers
    with pytest.raises(error, match=text) as caught:
        wattsup.open_wattsup(bare_pty.path, capture=None, options={})
    assert bare_pty.path in str(caught.value)


def test_another_meter_after_reopening_is_refused(talking_pty: BarePty) -> None:
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        meter.reopen()
        assert meter.read(1.0).flags == {"resynced"}
        talking_pty.answers[0] = (rb"#V.*", VERSION_REPLY.replace(b",4,12,", b",4,13,"))
        with pytest.raises(MeterMismatch, match=r"another meter answers .* 4\.13 .* 4\.12"):
            meter.reopen()
    finally:
        meter.close()


def test_torn_answers_after_reopening_are_garbage_that_may_be_tried_again(
    talking_pty: BarePty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wattsup, "REPLY_WAIT_S", 0.15)
    meter = wattsup.open_wattsup(talking_pty.path, capture=None, options={})
    try:
        sound = talking_pty.answers[0]
        talking_pty.answers[0] = (rb"#V.*", VERSION_REPLY[:12] + b"\xff" + VERSION_REPLY[13:])
        with pytest.raises(MeterGarbage, match="no known Watts Up"):
            meter.reopen()
        with pytest.raises(MeterUnplugged):
            meter.read(0.1)
        talking_pty.answers[0] = sound
        meter.reopen()
        assert meter.read(1.0).power_w == 97.2
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bauds": 9600}, "unknown option 'bauds'"),
        ({"baud": "fast"}, "option baud is 'fast'"),
        ({"baud": True}, "option baud is True"),
        ({"range_w": -1}, "option range_w is -1"),
        ({"range_w": float("nan")}, "option range_w is nan"),
    ],
)
def test_an_option_the_driver_does_not_have_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        wattsup.open_wattsup("/dev/null", capture=None, options=options)
