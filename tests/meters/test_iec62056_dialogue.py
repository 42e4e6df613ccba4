"""The IEC 62056-21 dialogues on a bare pty: asked for and pushed."""

from __future__ import annotations

import io
import os
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from meters.iec62056 import driver as iec62056_driver
from meters.iec62056 import messages as iec62056_messages
from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
)
from meters.obis import ACCURACY
from meters.reading import Identity
from meters.wire_log import read_capture
from tests.meters.far_ends import FarEnd
from tests.meters.iec62056_samples import (
    COMPUTED,
    ISK_IDENTIFICATION,
    Q3D,
    Q3D_DELIVERS,
    SIGN_ON_7E1,
    TELEGRAMS,
    with_even_parity,
)

# --- the driver on a bare pty ---------------------------------------------------------------------------------------


class ModeCPty(FarEnd):
    """A pty whose far end answers sign-on and acknowledgement with literal bytes; notes the speed of the line."""

    def __init__(self) -> None:
        self.identification = with_even_parity(ISK_IDENTIFICATION)
        self.message = with_even_parity(COMPUTED)
        self.acknowledgement = with_even_parity(b"\x06050\r\n")
        self.heard = self._pending = b""
        self.speeds: list[int] = []
        super().__init__()

    def hear(self, data: bytes) -> None:
        self.heard += data
        self._pending += data
        for request, reply in ((SIGN_ON_7E1, self.identification), (self.acknowledgement, self.message)):
            if self._pending.endswith(request):
                self.speeds.append(termios.tcgetattr(self.master)[5])
                self._pending = b""
                time.sleep(0.02)  # the reaction time of a meter
                self.send(reply)


@pytest.fixture
def mode_c() -> Iterator[ModeCPty]:
    pty = ModeCPty()
    yield pty
    pty.close()


QUICK = {"quiet_s": 0.15, "interval_s": 0.01, "reply_s": 2.0}


def opened(pty: ModeCPty, capture: io.BytesIO | None = None, **options: object) -> Meter:
    return iec62056_driver.open_iec62056(pty.path, capture=capture, options={**QUICK, **options})


def test_a_readout_signs_on_at_300_and_takes_the_data_at_9600(mode_c: ModeCPty) -> None:
    sink = io.BytesIO()
    meter = opened(mode_c, sink, accuracy_class="A")
    try:
        assert meter.identify() == Identity("ISk", "MT174-0002", "12345678", "")
        reading = meter.read(1.0)
        assert (reading.power_w, reading.voltage_v, reading.energy_wh) == (230.0, 230.1, 123456.7)
        assert (reading.window_s, reading.flags) == (0.0, frozenset())
        description = meter.describe()
        assert [(column.name, column.resolution) for column in description.columns] == [
            ("power_w", 10.0),
            ("voltage_v", 0.1),
            ("energy_wh", 0.1),
        ]
        assert description.latency_s == len(COMPUTED) * 10 / 9600
        assert description.columns[0].accuracy == ACCURACY["A"]
    finally:
        meter.close()
    assert mode_c.heard == (SIGN_ON_7E1 + mode_c.acknowledgement) * 2
    assert set(mode_c.speeds[::2]) == {termios.B300}
    sent = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == ">")
    assert sent == mode_c.heard


def test_the_line_is_at_the_new_speed_while_the_message_comes_and_back_at_300_for_the_next(mode_c: ModeCPty) -> None:
    mode_c.acknowledgement = with_even_parity(b"\x06040\r\n")
    meter = opened(mode_c, top_baud=4800.0)
    try:
        assert termios.tcgetattr(mode_c.master)[5] == termios.B4800
        meter.read(1.0)
        assert mode_c.speeds[2] == termios.B300
    finally:
        meter.close()


def test_an_echo_of_the_heads_own_light_is_passed_over(mode_c: ModeCPty) -> None:
    mode_c.identification = SIGN_ON_7E1 + mode_c.identification
    mode_c.message = mode_c.acknowledgement + mode_c.message
    meter = opened(mode_c)
    try:
        assert meter.read(1.0).power_w == 230.0
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("identification", "message", "error", "text"),
    [
        (b"", b"", MeterTimeout, "no byte arrived"),
        (b"HAMEG HM8115-2\r", b"", MeterMismatch, "expected an identification"),
        (b"/ISkCMT174-0002\r\n", b"", MeterMismatch, "proposes speed 'C'"),
        (ISK_IDENTIFICATION, b"\x15", MeterMismatch, "NAK"),
        (ISK_IDENTIFICATION, COMPUTED[:-1] + b"\x01", MeterMismatch, "block check"),
        (ISK_IDENTIFICATION, COMPUTED[:-9], MeterMismatch, "expected a data message"),
    ],
)
def test_what_is_no_such_meter_is_refused_at_the_start_with_the_reason(
    mode_c: ModeCPty, identification: bytes, message: bytes, error: type[MeterError], text: str
) -> None:
    mode_c.identification, mode_c.message = with_even_parity(identification), with_even_parity(message)
    begin = time.monotonic()
    with pytest.raises(error, match=text):
        opened(mode_c)
    assert time.monotonic() - begin < 20.0


def test_one_wrong_parity_bit_makes_a_readout_garbage_and_the_next_is_resynced(mode_c: ModeCPty) -> None:
    meter = opened(mode_c)
    try:
        sound = mode_c.message
        mode_c.message = sound[:30] + bytes([sound[30] ^ 0x80]) + sound[31:]
        with pytest.raises(MeterGarbage, match="block check"):
            meter.read(1.0)
        mode_c.message = sound
        reading = meter.read(1.0)
        assert (reading.power_w, reading.flags) == (230.0, frozenset({"resynced"}))
    finally:
        meter.close()


def test_the_answers_of_a_session_given_up_do_not_answer_the_next(mode_c: ModeCPty) -> None:
    meter = opened(mode_c)
    try:
        sound, mode_c.identification = mode_c.identification, b""
        with pytest.raises(MeterTimeout):
            meter.read(1.0)
        os.write(mode_c.master, sound + mode_c.message)
        mode_c.identification = sound
        later = COMPUTED[:-1].replace(b"0000.23", b"0000.50")
        mode_c.message = with_even_parity(later + bytes([iec62056_messages.block_check(later[1:])]))
        reading = meter.read(1.0)
        assert (reading.power_w, reading.flags) == (500.0, frozenset({"resynced"}))
    finally:
        meter.close()


def test_pushed_telegrams_are_readings_and_nothing_is_ever_written(mode_c: ModeCPty) -> None:
    push = threading.Timer(0.1, os.write, (mode_c.master, with_even_parity(Q3D[60:] + Q3D)))
    push.start()
    options = {"mode": "push", "reply_s": 2.0}
    meter = iec62056_driver.open_iec62056(mode_c.path, capture=None, options=options)
    try:
        push.join()
        assert meter.identify() == Identity("ESY", "Q3DA1004 V3.02", "1ESY1011003684", "")
        first = meter.read(1.0)
        assert (first.power_w, first.energy_wh, first.flags) == (336.45, 26107703.4231, frozenset())
        os.write(mode_c.master, with_even_parity(Q3D[:70]))
        with pytest.raises(MeterTimeout):
            meter.read(0.1)
        os.write(mode_c.master, with_even_parity(Q3D[70:]))
        assert meter.read(1.0).flags == frozenset()
        wrong = bytearray(with_even_parity(Q3D))
        wrong[200] ^= 0x02
        os.write(mode_c.master, bytes(wrong))
        with pytest.raises(MeterGarbage, match="parity"):
            meter.read(0.1)
        os.write(mode_c.master, with_even_parity(Q3D_DELIVERS + Q3D))
        reading = meter.read(1.0)
        assert (reading.power_w, reading.flags) == (336.45, frozenset({"resynced"}))
    finally:
        meter.close()
    assert mode_c.heard == b""


def pushed_once(pty: ModeCPty, name: str) -> threading.Timer:
    push = threading.Timer(0.1, os.write, (pty.master, (TELEGRAMS / name).read_bytes()))
    push.start()
    return push


PUSHED_PLAIN = {"mode": "push", "characters": "plain", "reply_s": 60.0}


def test_a_p1_port_is_refused_at_its_first_telegram(mode_c: ModeCPty) -> None:
    begin_s = time.monotonic()
    pushed_once(mode_c, "iec_p1_crc.txt")
    with pytest.raises(
        MeterMismatch, match="a DSMR telegram of a P1 port, with a check sum, which this driver does not"
    ):
        iec62056_driver.open_iec62056(mode_c.path, capture=None, options=PUSHED_PLAIN)
    assert time.monotonic() - begin_s < 20.0  # not after waiting for a telegram that will not come


def test_what_was_taken_by_convention_stands_in_the_description(mode_c: ModeCPty) -> None:
    pushed_once(mode_c, "iec_no_unit.txt")
    meter = iec62056_driver.open_iec62056(mode_c.path, capture=None, options=PUSHED_PLAIN)
    try:
        assert meter.read(1.0).power_w == 400.0
        assert len(meter.describe().remarks) == 2
        damaged = (TELEGRAMS / "iec_no_unit.txt").read_bytes().replace(b"(0000000000000001)", b"(0000000000000001")
        os.write(mode_c.master, damaged)  # a number that is not understood is no other meter
        assert meter.read(1.0).power_w == 400.0
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": "E"}, MeterOptionError),
        ({"characters": "8N1"}, MeterOptionError),
        ({"top_baud": 50}, MeterOptionError),
        ({"password": "00000000"}, MeterOptionError),
        ({"address": "1!\r\n"}, MeterRefused),
    ],
)
def test_an_option_that_is_none_is_refused(options: dict[str, object], error: type[MeterError]) -> None:
    with pytest.raises(error):
        iec62056_driver.open_iec62056("/dev/null", capture=None, options=options)
