"""CPU time to decode one Modbus reply, ours beside pymodbus' own decoder, both in the same run.

Run: .venv/bin/python -m tests.benchmarks.bench_modbus_decode [SECONDS]

Each side gets the bytes of one reply as they come off the wire and gives the values in SI units: it finds the frame,
checks it, takes the registers out and converts each quantity of the map (pymodbus: FramerRTU or FramerSocket,
DecodePDU, convert_from_registers). The frames are the 27 real ones of PZEM meters, a reading of an SDM230 (two
replies) and of a UMG 604 (one reply on TCP), the last two with registers made here. Both sides take turns in rounds of
about 20 ms, so that both meet the same machine; the table shows the median of the rounds and ours divided by theirs.
Both must give the same values, or it ends.
"""

import statistics
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from meters.modbus.frames import Question, Rtu, Tcp, crc16
from meters.register_maps import PZEM, SDM230, UMG604, RegisterMap, decode_block
from tests.meters.modbus_frames import REAL_FRAMES

ROUND_S = 0.02
DATATYPE = ModbusClientMixin.DATATYPE


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame and the question it answers."""

    frame: bytes
    question: Question


Values = Mapping[str, float | None]


def main(seconds: float) -> None:
    """Print one line for each meter."""
    print(f"{'meter':<8} {'bytes':>5}  {'wattlab':>10}  {'pymodbus':>10}  ratio")
    for register_map, replies, framing in cases():
        ours = wattlab_decoder(register_map, framing)
        theirs = pymodbus_decoder(register_map, framing)
        for reply in replies:
            if ours(reply) != theirs(reply):
                raise SystemExit(f"{register_map.driver}: {ours(reply)} is not {theirs(reply)}")
        ours_us, theirs_us = compare(ours, theirs, replies, seconds / 3)
        size = statistics.mean(len(reply.frame) for reply in replies)
        print(
            f"{register_map.driver:<8} {size:>5.0f}  {ours_us:>7.2f} us  {theirs_us:>7.2f} us  "
            f"{ours_us / theirs_us:.2f}",
            flush=True,
        )


def cases() -> list[tuple[RegisterMap, list[Reply], Rtu | Tcp]]:
    """What is decoded: real frames where there are any."""
    pzem = [Reply(frame, Question(1, 4, 0, 10)) for frame in REAL_FRAMES]
    sdm = [Reply(rtu_reply(question), question) for question in (Question(1, 4, 0, 32), Question(1, 4, 0x46, 6))]
    question, tcp = Question(1, 3, 19000, 72), Tcp()
    tcp.request(question)
    umg = Reply(struct.pack(">HHH", 1, 0, 3 + 144) + body_of(question), question)
    return [(PZEM, pzem, Rtu()), (SDM230, sdm, Rtu()), (UMG604["sum"], [umg], tcp)]


def body_of(question: Question) -> bytes:
    """Address and PDU of a reply in which every float is a small number."""
    floats = [0.25 + 0.5 / (1 + at) for at in range(question.count // 2)]
    head = bytes([question.address, question.function, 2 * question.count])
    return head + struct.pack(f">{len(floats)}f", *floats)


def rtu_reply(question: Question) -> bytes:
    """The same as an RTU frame."""
    body = body_of(question)
    return body + crc16(body).to_bytes(2, "little")


def wattlab_decoder(register_map: RegisterMap, framing: Rtu | Tcp) -> Callable[[Reply], Values]:
    """What `meters.modbus` does between the wire and the reading."""

    def decode(reply: Reply) -> Values:
        frame = framing.splitter(reply.question).feed(reply.frame)
        assert frame is not None
        return decode_block(register_map, reply.question.start, framing.words(frame, reply.question))

    return decode


def pymodbus_decoder(register_map: RegisterMap, framing: Rtu | Tcp) -> Callable[[Reply], Values]:
    """The same by pymodbus, whose registers are then scaled as the map says."""
    pdus = DecodePDU(is_server=False)
    framer = FramerRTU(pdus) if isinstance(framing, Rtu) else FramerSocket(pdus)
    kinds = {"u16": DATATYPE.UINT16, "u32-low-first": DATATYPE.UINT32, "f32": DATATYPE.FLOAT32}

    def decode(reply: Reply) -> Values:
        pdu = pdus.decode(framer.decode(reply.frame)[3])
        assert pdu is not None
        values: dict[str, float | None] = {}
        for register in register_map.registers:
            at, width = register.address - reply.question.start, 1 if register.form == "u16" else 2
            if at >= 0 and at + width <= len(pdu.registers):
                value = ModbusClientMixin.convert_from_registers(
                    pdu.registers[at : at + width],
                    kinds[register.form],
                    word_order="little" if register.form == "u32-low-first" else "big",
                )
                assert isinstance(value, int | float)
                values[register.quantity] = value / register.per_unit
        return values

    return decode


def compare(
    ours: Callable[[Reply], Values], theirs: Callable[[Reply], Values], replies: list[Reply], seconds: float
) -> tuple[float, float]:
    """Return the median CPU time of each per reply, in microseconds."""
    found: tuple[list[float], list[float]] = ([], [])
    end = time.monotonic() + seconds
    while time.monotonic() < end or not found[1]:
        for decode, costs in zip((ours, theirs), found, strict=True):
            costs.append(cost_us(decode, replies))
    return statistics.median(found[0]), statistics.median(found[1])


def cost_us(decode: Callable[[Reply], Values], replies: list[Reply]) -> float:
    """Return the CPU time per reply of one round."""
    count = 0
    begin = time.process_time_ns()
    while time.process_time_ns() - begin < ROUND_S * 1e9:
        for reply in replies:
            decode(reply)
        count += len(replies)
    return (time.process_time_ns() - begin) / 1e3 / count


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0)
