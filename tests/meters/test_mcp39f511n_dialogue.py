"""The MCP39F511N dialogue with a chip of literal bytes."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest

from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.mcp39f511n import codec as mcp39f511n_codec
from meters.mcp39f511n import dialogue as mcp39f511n_dialogue
from meters.mcp39f511n.codec import Counts
from meters.mcp39f511n.dialogue import Mcp39f511n
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
)
from tests.meters.far_ends import FakeWire
from tests.meters.mcp39f511n_samples import GOLDEN_WRITES, SETTINGS, computed_frame, computed_reply


class Chip:
    """Answers reads from a table, writes with a bare 06 or by changing N."""

    def __init__(self, **frame: object) -> None:
        self.memory = dict(SETTINGS)
        self.frame = computed_frame(**frame)  # type: ignore[arg-type]
        self.takes_writes = True

    def __call__(self, request: bytes) -> list[bytes]:
        address, opcode, count = request[4], request[5], request[6]
        if opcode == 0x4D:
            if self.takes_writes:
                self.memory[address, count] = request[7 : 7 + count]
            return [b"\x06"]
        if address == 0x02:
            return [computed_reply((self.frame + bytes(4))[:count])]
        return [computed_reply(self.memory.get((address, count), bytes(count)))]


def dialogue(chip: Callable[[bytes], list[bytes]], **options: object) -> tuple[Mcp39f511n, FakeWire]:
    wire = FakeWire(chip)
    given_options = {"channel": "1", "sign_bits": "0-3", "accumulation_n": None, "range_w": 3450.0, **options}
    return Mcp39f511n(wire, **given_options), wire  # type: ignore[arg-type]


def requests_to(wire: FakeWire) -> list[tuple[int, int, int]]:
    return [(request[4], request[5], request[6]) for request in wire.sent]


# --- the dialogue -----------------------------------------------------------------------------------------------------


def test_the_greeting_only_reads_and_every_sample_is_one_read_whose_length_takes_turns() -> None:
    meter, wire = dialogue(Chip())
    assert meter.greet().firmware == "6317"
    assert requests_to(wire) == [
        (0x04, 0x4E, 2),
        (0x02, 0x4E, 28),
        (0xA8, 0x4E, 2),
        (0xAE, 0x4E, 4),
        (0xBE, 0x4E, 4),
        (0xA0, 0x4E, 4),
    ]
    wire.sent.clear()
    for _ in range(3):
        assert meter.sample(Deadline(1.0)).power_w == 103.5
    assert [request.hex() for request in wire.sent] == [
        "a50841" + rest for rest in ("00024e1c5a", "00024e205e", "00024e1c5a")
    ]


def test_a_reply_that_comes_one_question_late_has_the_wrong_length() -> None:
    chip = Chip()
    meter, wire = dialogue(chip)
    meter.greet()
    meter.sample(Deadline(1.0))
    wire.waiting.append(computed_reply(chip.frame))  # the reply before, once more
    with pytest.raises(MeterGarbage, match="expected a reply of 35 bytes"):
        meter.sample(Deadline(1.0))


def test_a_repeated_frame_is_stale_within_its_window_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    chip = Chip()
    meter, _wire = dialogue(chip)
    meter.greet()
    flags = []
    for now_ms in (0, 100, 310, 330, 400, 500):
        now[0] = now_ms * 1_000_000
        if now_ms == 400:
            chip.frame = computed_frame(powers=(10_351, 0))
        flags.append(sorted(meter.sample(Deadline(1.0)).flags))
    assert flags == [[], ["stale"], ["stale"], [], [], ["stale"]]


def test_energy_registers_are_read_into_the_log_where_counting_is_on_and_never_reported() -> None:
    chip = Chip()
    chip.memory[0xA0, 4] = bytes.fromhex("00030000")
    chip.memory[0x2E, 32] = struct.pack("<QQQQ", 123_456, 7, 8, 9)
    meter, wire = dialogue(chip)
    meter.greet()
    wire.sent.clear()
    reading = meter.sample(Deadline(1.0))
    assert requests_to(wire) == [(0x02, 0x4E, 28), (0x2E, 0x4E, 32)]
    assert (reading.power_w, reading.energy_wh) == (103.5, None)
    assert "energy_wh" not in {column.name for column in meter.describe().columns}


def test_the_interval_is_written_only_if_asked_for_and_differs_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    chip = Chip()
    meter, wire = dialogue(chip, accumulation_n=1)
    meter.greet()
    written = [request for request in wire.sent if request[5] != 0x4E]
    assert written == [bytes.fromhex(GOLDEN_WRITES[1])]
    assert meter.describe().window_s == pytest.approx(0.04)
    assert slept == [pytest.approx(0.04 + 0.32)]
    wire.sent.clear()
    meter.greet()
    assert {request[5] for request in wire.sent} == {0x4E}
    stubborn = Chip()
    stubborn.takes_writes = False
    with pytest.raises(MeterRefused, match="after N = 2 was written"):
        dialogue(stubborn, accumulation_n=2)[0].greet()


def test_the_description_says_what_the_settings_of_the_chip_make_of_it() -> None:
    chip = Chip(millihertz=60_000)
    chip.memory[0xAE, 4] = bytes.fromhex("120c0600")
    chip.frame = computed_frame(millihertz=60_000, powers=(0, 0))
    meter, _wire = dialogue(chip)
    meter.greet()
    description = meter.describe()
    assert description.window_s == pytest.approx(16 / 60)
    assert (description.tier, description.averaging, description.stamp) == ("working", "window", "end")
    power = description.columns[0]
    assert (power.name, power.range) == ("power_w", (-3450.0, 3450.0))
    assert power.resolution == 0.01 / 2**13
    assert power.accuracy is not None
    assert (power.accuracy.reading_percent, power.accuracy.range_percent) == (0.5, 0.0)
    both, _wire = dialogue(chip, channel="both")
    both.greet()
    assert both.describe().columns[0].range == (-6900.0, 6900.0)
    assert both.describe().columns[0].resolution == 0.01


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (lambda _request: [], MeterTimeout, "no answer to a5 08 41 00 04 4e 02 42"),
        (lambda _request: [b"\x15"], MeterMismatch, "fake: found 15"),
        (lambda _request: [b"\x51"], MeterMismatch, "fake: found 51"),
        (lambda _request: [b"\x06\x05\x17"], MeterMismatch, "found 06 05 17 and no more of the reply"),
        (lambda _request: [b"#v,-,8,"], MeterMismatch, "begins with 06"),
    ],
)
def test_what_is_no_mcp39f511n_is_refused_at_the_start_with_the_reason(
    answer: Callable[[bytes], list[bytes]], error: type[MeterError], text: str
) -> None:
    meter, _wire = dialogue(answer)
    with pytest.raises(error, match=text):
        DialogueMeter(meter, 0.3)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"channel": "3"}, "channel is '3', expected one of 1, 2, both"),
        ({"channel": 1}, "channel is 1, expected one of 1, 2, both"),
        ({"accumulation_n": 0}, "accumulation_n is 0"),
        ({"accumulation_n": 2.5}, "expected a whole number from 1 to 8"),
        ({"sign_bits": "auto"}, "sign_bits is 'auto', expected one of 0-3, 4-7"),
        ({"power_range": 6}, "unknown option 'power_range'"),
    ],
)
def test_an_option_the_driver_does_not_have_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        mcp39f511n_dialogue.open_mcp39f511n("/dev/null", capture=None, options=options)


def test_a_port_that_is_not_there_is_said_so() -> None:
    with pytest.raises(MeterUnavailable, match="/dev/nowhere"):
        mcp39f511n_dialogue.open_mcp39f511n("/dev/nowhere", capture=None, options={"accumulation_n": 3})


def test_counts_keep_the_pairs_apart() -> None:
    frame = struct.pack("<HHHHhhIIII", 1, 2, 3, 4, -5, 6, 7, 8, 9, 10)
    assert mcp39f511n_codec.decode_frame(frame) == Counts(1, 3, 4, (-5, 6), (7, 8), (9, 10))
    with pytest.raises(MeterGarbage, match="found 27 bytes"):
        mcp39f511n_codec.decode_frame(frame[:-1])
