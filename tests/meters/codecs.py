"""Every codec as one function of a stream of bytes, for the property tests and for the fuzzer.

A function takes what came over the wire and decodes all of it as its driver would, in the chunks it is given; it may
raise only `MeterError`, and it returns how many bytes it still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from meters import wattsup
from meters.meter import MeterGarbage
from meters.transport import Chunk, FrameSplitter


@dataclass(frozen=True, slots=True)
class Codec:
    """`decode` as the module says, sound frames to begin with, and the most bytes the codec may ever hold."""

    decode: Callable[[Sequence[bytes]], int]
    seeds: tuple[bytes, ...]
    limit: int


def _wattsup(chunks: Sequence[bytes]) -> int:
    splitter = FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            with suppress(MeterGarbage):  # a driver drops it and goes on
                packet = wattsup.decode_packet(frame.body)
                if packet.command == "v":
                    wattsup.decode_version(packet)
                elif packet.command == "h":
                    wattsup.decode_header(packet)
                else:
                    wattsup.to_reading(wattsup.decode_data(packet, 18), 1, 1800.0, frame.resynced)
    return splitter.held_bytes


CODECS: dict[str, Codec] = {
    "wattsup": Codec(
        _wattsup,
        (
            b"#d,-,18,112,1199,275,79,0,34,2,112,1202,275,0,1199,0,100,0,0,600,112;\r\n",
            b"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;",
            b"#v,-,8,1,0,1,3,4,12,20070928,0;",
        ),
        wattsup.FRAME_LIMIT + 1,
    ),
}
