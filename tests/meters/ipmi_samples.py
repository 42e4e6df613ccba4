"""Log-ins to BMCs and what was said after them, as ipmitool sent it: password `not-known`, user `admin`.

By cipher suite 3 with a BMC made of pyghmi 1.6.19 (both ends are somebody else's), by suite 17 with our emulated BMC
(only what ipmitool 1.8.19 said is). Recorded on the loopback on 2026-11-30.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recorded:
    """The four messages of RAKP, then the question for DCMI's power, and its answer."""

    rakp: tuple[bytes, bytes, bytes, bytes]
    question: bytes
    answer: bytes


SUITE_3 = Recorded(
    rakp=(
        bytes.fromhex(
            "0600FF070612000000000000000021000000000005923755705A8C051EAB084FD56F584E973A03971200000561646D696E"
        ),
        bytes.fromhex(
            "0600FF07061300000000000000003C0000000000A4A3A2A0E3A16DB5FB4CE5007886F6E99AAE022C00010203040506070809"
            "0A0B0C0D0E0FEC1197726A8D9486094B7E382D7CC1956DA91130"
        ),
        bytes.fromhex("0600FF07061400000000000000001C0000000000059237553B9247B02DA1073881E0F453DD374138C613F43E"),
        bytes.fromhex("0600FF0706150000000000000000140000000000A4A3A2A08B385AC499366B492490D3DE"),
    ),
    question=bytes.fromhex(
        "0600FF0706C00592375507000000200082D74BBC0D0014D5F1468E71E6D3D2BB94892DE9169B153CFC49A8611C6B7AD1FFFF"
        "02076F98EE9A6E4C7CAA0C24AED1"
    ),
    answer=bytes.fromhex(
        "0600FF0706C0A4A3A2A0050000003000465C5BD538E6635BFE2632B1948086AF5F2959DAB43AFEAB8DAE386D2DAEE7B728E4"
        "72644EB81C2CC9EF90C7B6489906FFFF02076D7B1FB89969BD0B42FE50EA"
    ),
)
SUITE_17 = Recorded(
    rakp=(
        bytes.fromhex(
            "0600FF07061200000000000000002100000000000100000B3AFF979BEB8F2735C01D8443B9E0DCC51200000561646D696E"
        ),
        bytes.fromhex(
            "0600FF0706130000000000000000480000000000A4A3A2A079631AC2D1EDB8CE780152A2A9F378E4454D554C415445440001"
            "020304050607B90AD84055B6F3E54654EE363266A966C1B898640B5B8A73BAF2A5E23B7D5C74"
        ),
        bytes.fromhex(
            "0600FF07061400000000000000002800000000000100000BC2FE1CF6BBA8EA246F0C34CE35F2F840C7E8A3553E0E922D8F02"
            "0B9FEE07FE54"
        ),
        bytes.fromhex("0600FF0706150000000000000000180000000000A4A3A2A0C5622447DDE9B87CD1E139B70E1D1B7E"),
    ),
    question=bytes.fromhex(
        "0600FF0706C00100000B0700000020000212C7C92F6DF55545AB8B64EF6D673DA081D28C8824D4BE2B51C6F4A2105280FFFF"
        "0207A264EF6449214C06E03C8A914F66F998"
    ),
    answer=bytes.fromhex(
        "0600FF0706C0A4A3A2A0050000003000AC03B587BB9429A5773139638AB83AD79AA70EB0D49711E1482A81CCF9B21F251FB3"
        "DAA35A2400963FC0FEF2BCDDDA4EFFFF0207F21D4CAFE680F6C69B105BCAB2C8C7DC"
    ),
)

POWER_SENSOR = bytes.fromhex(  # a full record: sensor 0x77 "Pwr Consumption" in watts, M = 8
    "5100 51 01 3a 20 00 77 07 01 7f 68 0b 01 0000 0000 0000 00 06 00 00 08 00 00 00 00 00 00 000000 ff 00"
    "000000000000 0000 0000 00 cf"
) + b"Pwr Consumption"  # fmt: skip
"""Not recorded: written after IPMI 2.0, 43.1; ipmi_sim and ipmitool take it as it is meant."""

LAN = """name "test"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  user 1 true "" "other" user 10 none md2 md5 straight
  user 2 true "admin" "{secret}" admin 10 none md2 md5 straight
"""
"""What OpenIPMI's ipmi_sim is told of its LAN: address, port, and the password of `admin`."""
