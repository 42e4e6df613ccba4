"""Messages for the tests of the IEC 62056-21 codec and of its dialogues, with their sources."""

from __future__ import annotations

from pathlib import Path

from meters.iec62056 import messages as iec62056_messages

# Captured; comments of two reader scripts in public repositories: a readout of an Iskraemeco MT174 with its block check
# character, and an earlier one of that meter whose check is 'v'.
ISK_IDENTIFICATION = b"/ISk5MT174-0002\r\n"

ISK_READOUT = (
    b"\x021-0:0.9.2*255(0220127)\r\n1-0:0.9.1*255(105644)\r\n1-0:1.8.0*255(0000502.853*kWh)\r\n"
    b"1-0:2.8.0*255(0098697.318*kWh)\r\n!\r\n\x03\x19"
)

ISK_EARLIER = b"\x021-0:0.9.2*255(0211227)\r\n1-0:0.9.1*255(120524)\r\n1-0:1.8.0*255(0000501.088*kWh)\r\n!\r\n\x03v"

# Captured with parity bits (comment of a firmware source): sign-on, then the identification of an Energomera CE102M.
SIGN_ON_7E1 = bytes.fromhex("AF3F218D0A")

CE102M_7E1 = bytes.fromhex("AFC54BD435C3C5B130B24DF630B18D0A")

# Telegrams in public source files, by their contributors from their meters: EasyMeter Q3D (comment of a reader; test of
# another), Landis+Gyr (test of a reader, a choice of its lines).
Q3D = (
    b"/ESY5Q3DA1004 V3.02\r\n\r\n1-0:0.0.0*255(0273011003684)\r\n1-0:1.8.0*255(00026107.7034231*kWh)\r\n"
    b"1-0:21.7.255*255(000200.13*W)\r\n1-0:41.7.255*255(000122.31*W)\r\n1-0:61.7.255*255(000014.01*W)\r\n"
    b"1-0:1.7.255*255(000336.45*W)\r\n1-0:96.5.5*255(82)\r\n0-0:96.1.255*255(1ESY1011003684)\r\n!\r\n"
)

Q3D_DELIVERS = (
    b"/ESY5Q3DA1004 V3.04\r\n1-0:0.0.0*255(0273033000044)\r\n1-0:1.8.0*255(00014869.2594317*kWh)\r\n"
    b"1-0:21.7.0*255(-000128.41*W)\r\n1-0:41.7.0*255(000000.00*W)\r\n1-0:61.7.0*255(000011.64*W)\r\n"
    b"1-0:1.7.0*255(-000116.77*W)\r\n1-0:96.5.5*255(80)\r\n0-0:96.1.255*255(1ESY1334001444)\r\n!\r\n"
)

LGZ_BLOCK = b"\r\n".join(
    [
        *(b"1-1:F.F(00000000)", b"1-1:0.0.0(001LGZ0058134272)", b"1-1:0.9.1(162655)", b"1-1:0.1.2*62(2608010000)"),
        *(b"", b"1-1:1.5.0(00.000*kW)", b"1-1:1.6.0(00.641*kW)(2608091845)", b"1-1:1.6.0*62(02.142)(2607220915)"),
        *(b"1-1:1.8.0(0018788.9*kWh)", b"1-1:1.8.0*62(0018750.0)", b"1-1:2.8.0(0077347.5*kWh)"),
        *(b"1-1:32.7.0(239.9*V)", b"1-1:52.7.0(240.8*V)", b"1-1:31.7.0(010.69*A)", b"1-1:51.7.0(010.92*A)"),
        *(
            b"1-1:36.7.0(-002.54*kW)",
            b"1-1:16.7.0(-007.66*kW)",
            b"1-1:151.7.0(-000.25*kvar)",
            b"1-1:0.5.1.2(80.000*kW)",
        ),
    ]
)
# Computed: no captured readout with power and a block check is at hand. The check is that of `iec62056-21`.
COMPUTED_BLOCK = b"0.0.0(12345678)\r\n1-0:1.8.0(000123.4567*kWh)\r\n1-0:16.7.0(0000.23*kW)\r\n1-0:32.7.0(230.1*V)\r\n"

COMPUTED = b"\x02" + COMPUTED_BLOCK + b"!\r\n\x03"

COMPUTED += bytes([iec62056_messages.block_check(COMPUTED[1:])])


def with_even_parity(text: bytes) -> bytes:
    return bytes(byte | (format(byte, "b").count("1") % 2) << 7 for byte in text)


TELEGRAMS = Path(__file__).parents[1] / "data" / "telegrams"
