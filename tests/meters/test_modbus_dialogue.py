"""The Modbus dialogue with scripted meters."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from meters.dialogue import DialogueMeter
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterTimeout
from meters.modbus import dialogue as modbus_dialogue
from meters.modbus import drivers as modbus_drivers
from meters.modbus.frames import (
    Question,
    rtu_request,
)
from meters.wire_log import read_capture
from tests.meters.far_ends import FarEnd
from tests.meters.modbus_frames import REAL_FRAMES
from tests.meters.modbus_samples import with_crc

# --- the dialogue -------------------------------------------------------------------------------------------------


class ScriptedMeter(FarEnd):
    """A pty whose far end answers whole requests as a function says; nothing of the emulator is in it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.requests: list[bytes] = []
        self._answer, self._pending = answer, b""
        super().__init__()

    def hear(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= 8:
            request, self._pending = self._pending[:8], self._pending[8:]
            self.requests.append(request)
            self.send(self._answer(request))


StartMeter = Callable[[Callable[[bytes], bytes]], ScriptedMeter]

ASK_ADDRESS = rtu_request(Question(1, 3, 1, 2))

SHORT = with_crc(REAL_FRAMES[0][:2].hex() + "12" + REAL_FRAMES[0][3:21].hex())  # its first 9 registers


@pytest.fixture
def start_meter() -> Iterator[StartMeter]:
    started: list[ScriptedMeter] = []

    def start(answer: Callable[[bytes], bytes]) -> ScriptedMeter:
        started.append(ScriptedMeter(answer))
        return started[-1]

    yield start
    for meter in started:
        meter.close()


def real_pzem(request: bytes) -> bytes:
    if request == ASK_ADDRESS:
        return with_crc("01 03 04 59 D8 00 01")
    return REAL_FRAMES[0] if request[5] == 10 else SHORT


def opened(meter: ScriptedMeter, **options: float | str) -> DialogueMeter:
    return modbus_drivers.open_pzem(meter.path, capture=None, options={"interval_s": 0.01, **options})


def test_the_whole_dialogue_with_a_pzem_is_these_bytes(start_meter: StartMeter) -> None:
    peer = start_meter(real_pzem)
    sink = io.BytesIO()
    meter = modbus_drivers.open_pzem(peer.path, capture=sink, options={"interval_s": 0.01})
    try:
        assert (meter.identify().maker, meter.identify().serial) == ("Peacefair", "")
        readings = [meter.read(1.0) for _ in range(3)]
    finally:
        meter.close()
    assert [reading.power_w for reading in readings] == [3031.3] * 3
    assert [reading.flags for reading in readings] == [frozenset(), {"stale"}, {"stale"}]
    ten, nine = bytes.fromhex("01 04 00 00 00 0A 70 0D"), rtu_request(Question(1, 4, 0, 9))
    assert peer.requests == [ASK_ADDRESS, ten, nine, ten]
    log = list(read_capture(io.BytesIO(sink.getvalue()), "log"))
    assert [part.data for part in log if part.direction == ">"] == peer.requests


def test_an_adapter_that_echoes_what_is_sent_does_no_harm(start_meter: StartMeter) -> None:
    meter = opened(start_meter(lambda request: request + real_pzem(request)))
    try:
        assert [meter.read(1.0).power_w for _ in range(3)] == [3031.3] * 3
    finally:
        meter.close()


def test_a_line_that_only_echoes_is_silent(start_meter: StartMeter, monkeypatch: pytest.MonkeyPatch) -> None:
    """[R] esphome/issues #4746: the receiver is wired to the transmitter."""
    monkeypatch.setattr(modbus_dialogue, "GREET_ATTEMPTS", 1)
    with pytest.raises(MeterTimeout, match="in time, only our own question came back; check that it has mains"):
        opened(start_meter(lambda request: request))


def test_a_slow_reply_is_waited_for_behind_an_echo_and_behind_stray_zeros(start_meter: StartMeter) -> None:
    def slowly(request: bytes) -> bytes:
        peer.send((request if len(peer.requests) % 2 else b"") + bytes(2))
        time.sleep(0.2)
        return real_pzem(request)

    peer = start_meter(slowly)
    meter = opened(peer)
    try:
        assert [meter.read(1.0).power_w for _ in range(2)] == [3031.3] * 2
    finally:
        meter.close()


def test_a_reply_that_comes_twice_answers_no_later_question(start_meter: StartMeter) -> None:
    frames = iter(REAL_FRAMES[index] for index in (0, 16, 20, 21))

    def twice(request: bytes) -> bytes:
        if request == ASK_ADDRESS:
            return 2 * real_pzem(request)
        frame = next(frames)
        frame = frame if request[5] == 10 else with_crc("01 04 12" + frame[3:21].hex())
        return 2 * frame

    meter = opened(start_meter(twice))
    try:
        assert [meter.read(1.0).power_w for _ in range(4)] == [3031.3, 479.2, 410.9, 3711.6]
    finally:
        meter.close()


def test_a_reply_of_another_meter_on_the_line_is_named(start_meter: StartMeter) -> None:
    foreign = with_crc("02" + REAL_FRAMES[0][1:-2].hex())
    meter = opened(start_meter(lambda request: real_pzem(request) if request == ASK_ADDRESS else foreign))
    try:
        with pytest.raises(MeterGarbage, match=r"reply of the meter at address 2, expected 1; check `address`"):
            meter.read(1.0)
    finally:
        meter.close()


def test_a_silent_line_and_a_wrong_address_are_told_apart(
    start_meter: StartMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus_dialogue, "GREET_ATTEMPTS", 1)
    with pytest.raises(MeterTimeout, match="no answer of a PZEM-004T v3 or PZEM-016 at address 1 in time"):
        opened(start_meter(lambda _request: b""))
    with pytest.raises(MeterMismatch, match="the meter says its address is 7, expected 1"):
        opened(start_meter(lambda _request: with_crc("01 03 04 59 D8 00 07")))
    with pytest.raises(MeterMismatch, match="with check sum"):
        opened(start_meter(lambda _request: REAL_FRAMES[0][:-1] + b"\0"))


def test_the_general_address_takes_a_pzem_at_any_address(start_meter: StartMeter) -> None:
    def answer(request: bytes) -> bytes:
        if request[1] == 3:
            return with_crc("F8 03 04 59 D8 00 07")
        return with_crc("F8" + (REAL_FRAMES[0] if request[5] == 10 else SHORT)[1:-2].hex())

    meter = opened(start_meter(answer), address=248)
    try:
        assert meter.read(1.0).power_w == 3031.3
    finally:
        meter.close()


def sdm(*, serial: str, code: str) -> Callable[[bytes], bytes]:
    """Replies computed from the maker's list; the voltage is the [R] one of an SDM230."""

    def answer(request: bytes) -> bytes:
        if request[1] == 3 and request[3] == 0x14:
            return with_crc("01 03 04 3F 80 00 00")
        if request[1] == 3:
            return with_crc(serial if request[3] == 0 else code)
        measured = "43 69 69 78" if request[5] == 0x20 else "42 48 00 00"
        return with_crc(f"01 04 {2 * request[5]:02X} {measured}" + (2 * request[5] - 4) * "00")

    return answer


def test_an_sdm_is_known_by_its_serial_number_and_its_meter_code(start_meter: StartMeter) -> None:
    peer = start_meter(sdm(serial="01 03 04 01 22 55 AA", code="01 03 02 00 2B"))
    options = {"interval_s": 0.01}
    meter = modbus_drivers.open_sdm230(peer.path, capture=None, options=options)
    try:
        assert (meter.identify().model, meter.identify().serial) == ("SDM230", str(0x012255AA))
        reading = meter.read(1.0)
        assert (reading.frequency_hz, reading.energy_wh) == (50.0, 0.0)
        assert reading.voltage_v == pytest.approx(233.41, abs=0.005)
    finally:
        meter.close()
    with pytest.raises(MeterMismatch, match="the meter's code says SDM230, expected SDM120; correct the driver"):
        modbus_drivers.open_sdm120(peer.path, capture=None, options=options)


@pytest.mark.parametrize("refusal", ["01 83 02", ""])
def test_an_sdm_that_refuses_or_ignores_those_questions_has_no_serial_number_and_is_read(
    start_meter: StartMeter, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    monkeypatch.setattr(modbus_dialogue, "GREET_ATTEMPTS", 1)
    peer = start_meter(sdm(serial=refusal, code=refusal))
    meter = modbus_drivers.open_sdm120(peer.path, capture=None, options={"interval_s": 0.01, "baud": 9600})
    try:
        assert (meter.identify().model, meter.identify().serial) == ("SDM120", "")
        assert meter.read(1.0).voltage_v == pytest.approx(233.41, abs=0.005)
    finally:
        meter.close()


def test_a_meter_that_is_busy_is_asked_again_and_one_that_fails_is_refused(start_meter: StartMeter) -> None:
    replies = itertools.chain(["01 83 06", "01 83 06", "01 03 04 59 D8 00 01"])
    meter = opened(start_meter(lambda _request: with_crc(next(replies))))
    meter.close()
    with pytest.raises(MeterMismatch, match=r"exception 4 \(device failure\)"):
        opened(start_meter(lambda _request: with_crc("01 83 04")))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"address": 0.0}, "option address is 0"),
        ({"address": 249.0}, "option address is 249"),
        ({"parity": "mark"}, "option parity is 'mark', expected one of N, E, O"),
        ({"transport": "tcp"}, "port '/dev/null' with transport 'tcp': expected socket://HOST:502"),
        ({"password": 0x3721}, "unknown option 'password'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, float | str], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        modbus_drivers.open_pzem("/dev/null", capture=None, options=options)
