"""What clients that nobody here wrote said to our emulators once, and what they were answered: `tests/data/peers`.

A client that is in no package registry was run by hand (docs/meters.md says which commit); its dialogue is kept and
played to the emulator with every change. `python -m tests.meters.transcripts NAME CAPTURE` writes the dialogue in a
capture of `wattlab meter emulate --capture` as `tests/data/peers/NAME.txt`.

A line is `> ` what the client said or `< ` what it was answered, with Python's escapes. Measured numbers stand as `#`,
lines that say the same again are left out: a client waits as long as it likes.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from meters.emulators.bench import Device
from meters.emulators.gude import GudeDevice
from meters.emulators.iec62056 import Iec62056Device
from meters.emulators.mcp39f511n import Mcp39f511nDevice
from meters.emulators.modbus import ModbusDevice
from meters.emulators.shelly import ShellyDevice
from meters.emulators.tasmota import TasmotaDevice
from meters.emulators.virtual_sut import PowerSource, parse_profile
from meters.emulators.wattsup import WattsUpDevice
from meters.emulators.yokogawa.device import YokogawaDevice
from meters.emulators.zes import LmgDevice
from meters.wire_log import read_capture

PEERS = Path(__file__).parents[1] / "data" / "peers"
PROFILE = "watts=0:60"
THINKING_S = 0.2  # of a client, between an answer and its next word
PATIENCE = 100  # pushes a client waits for

MEASURED = re.compile(rb"[-+]?\d+\.\d+(E[-+]\d+)?|\b(NAN|INF)\b", re.IGNORECASE)
ANY_NUMBER = re.compile(rb"(?<![A-Za-z])[-+]?\d+(\.\d+)?(E[-+]\d+)?", re.IGNORECASE)
DATA_LINE = re.compile(rb"(?<=#d,-,)[^;]*|(?<=#l,-,2,)\d+")
MOMENTS = (b":STAT:EESR?",)  # questions whose answer is another one a moment later


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing a client said, and the lines it was answered, with `#` for measured numbers."""

    said: bytes
    answers: tuple[bytes, ...]


Shape = Callable[[bytes], list[bytes]]


def _lines(data: bytes) -> list[bytes]:
    return [MEASURED.sub(b"#", line) for line in data.splitlines(keepends=True)]


def _readout(data: bytes) -> list[bytes]:
    return [re.sub(rb"(?<=\x03).", b"#", line, flags=re.DOTALL) for line in _lines(data)]


def _watts_up(data: bytes) -> list[bytes]:
    return [DATA_LINE.sub(b"#", line) for line in data.splitlines(keepends=True)]


def _lmg(data: bytes) -> list[bytes]:
    rows = [re.sub(rb"\d{4}:\d\d:\d\dD[\d:.]+\+0000", b"#", line) for line in data.splitlines(keepends=True)]
    return [MEASURED.sub(b"#", row) for row in rows]


def _http(data: bytes) -> list[bytes]:
    head, gap, body = data.partition(b"\r\n\r\n")
    return [re.sub(rb"(?<=Content-Length: )\d+", b"#", head) + gap, ANY_NUMBER.sub(b"#", body)] if data else []


def _registers(data: bytes) -> list[bytes]:
    """The head of a frame and how long the rest is."""
    return [data[:2] + b"#" * (len(data) - 2)] if data else []


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Which emulator a client was run against, and what of an answer is its shape."""

    device: Callable[[PowerSource], Device]
    shape: Shape


DIALOGUES = {
    "yokotool-wt310": Dialogue(lambda source: YokogawaDevice(source, seed=1), _lines),
    "yokotool-wt210": Dialogue(lambda source: YokogawaDevice(source, seed=1, dialect="wt210"), _lines),
    "wattsup-mochel": Dialogue(lambda source: WattsUpDevice(source, seed=1), _watts_up),
    "wattsup-lab11": Dialogue(lambda source: WattsUpDevice(source, seed=1), _watts_up),
    "lmgtools-lmg670": Dialogue(lambda source: LmgDevice(source, seed=1, kind="lmg670"), _lmg),
    "check-gude": Dialogue(GudeDevice, _http),
    "gmt-gude": Dialogue(GudeDevice, _http),
    "gmt-mcp39f511n": Dialogue(lambda source: Mcp39f511nDevice(source, seed=1), _registers),
    "iec62056-21-dzg": Dialogue(lambda source: Iec62056Device(source, seed=1, parity=False), _readout),
    "python-pzem": Dialogue(lambda source: ModbusDevice(source, "pzem", seed=1), _registers),
    "sdm-modbus-sdm120": Dialogue(lambda source: ModbusDevice(source, "sdm120", seed=1), _registers),
    "shelly-cli": Dialogue(ShellyDevice, _http),
    "tasmotadevicecontroller": Dialogue(TasmotaDevice, _http),
}


# --- keeping --------------------------------------------------------------------------------------------------------


def read(name: str) -> list[Turn]:
    """The turns of a dialogue that is kept."""
    lines = [line for line in (PEERS / f"{name}.txt").read_text().splitlines() if not line.startswith("# ")]
    marked = [(line[0], line[2:].encode("ascii").decode("unicode_escape").encode("latin-1")) for line in lines]
    turns: list[Turn] = []
    for direction, data in marked:
        if direction == ">":
            turns.append(Turn(data, ()))
        else:
            turns[-1] = Turn(turns[-1].said, (*turns[-1].answers, data))
    return turns


def turns_of(capture: Path, shape: Shape) -> Iterator[Turn]:
    """The turns in a capture of an emulator's end of the wire."""
    with capture.open("rb") as file:
        exchanges = list(read_capture(file, str(capture)))
    runs = [
        (direction, b"".join(exchange.data for exchange in run))
        for direction, run in itertools.groupby(exchanges, lambda exchange: exchange.direction)
    ]
    for (direction, data), (_answer, answer) in itertools.pairwise([*runs, ("<", b"")]):
        if direction == ">":
            yield Turn(data, tuple(shaped(shape, data, answer)))


def shaped(shape: Shape, said: bytes, answer: bytes) -> list[bytes]:
    """The lines of an answer, with `#` for what is measured, without those that repeat the one before."""
    if any(moment in said for moment in MOMENTS):
        return [re.sub(rb"\d+", b"#", line) for line in answer.splitlines(keepends=True)]
    return [line for line, _run in itertools.groupby(shape(answer))]


def write(name: str, capture: Path) -> None:
    """Keep the dialogue in a capture."""
    lines = []
    for turn in turns_of(capture, DIALOGUES[name].shape):
        lines += [_line(">", turn.said), *(_line("<", answer) for answer in turn.answers)]
    (PEERS / f"{name}.txt").write_text("".join(lines))


def _line(direction: str, data: bytes) -> str:
    return f"{direction} {data.decode('latin-1').encode('unicode_escape').decode('ascii')}\n"


# --- playing --------------------------------------------------------------------------------------------------------


def differences(name: str) -> Iterator[str]:
    """Where the emulator of today answers a client otherwise than then."""
    dialogue = DIALOGUES[name]
    device, now_s = dialogue.device(parse_profile(PROFILE, 1)), 0.0
    for number, turn in enumerate(read(name), start=1):
        now_s += THINKING_S
        answer = b"".join(device.receive(turn.said, now_s))
        for _push in range(PATIENCE):
            if shaped(dialogue.shape, turn.said, answer) == list(turn.answers) or device.next_push_s is None:
                break
            now_s = max(now_s, device.next_push_s)
            answer += b"".join(device.push(now_s))
        found = shaped(dialogue.shape, turn.said, answer)
        if found != list(turn.answers):
            yield f"turn {number}, {turn.said!r}: found {found}, then it was {list(turn.answers)}"


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
