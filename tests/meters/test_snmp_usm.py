"""Keys, codes and seals of SNMP v3 against values that nothing of ours produced.

[R] RFC 3414, A.3. [D] draft-reeder-snmpv3-usm-3desede-00, B. [H] RFC 4231, test case 2 (HMAC by SHA-2), cut as RFC 7860
has it. [N] keys that net-snmp 5.9.3 (snmpd) wrote for the password `maplesyrup`, for privacy `maplesugar`, and
datagrams as its snmpget printed them with -d, 2026-11-30.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.meter import MeterGarbage
from meters.snmp import usm
from meters.snmp.messages import Binding, answer_of
from meters.snmp.v3_messages import (
    AUTH,
    PRIV,
    REPORTABLE,
    Message,
    blotted,
    decode_message,
    decode_scoped,
    encode_message,
    encode_scoped,
    has_right_code,
    trimmed,
)

RFC_ENGINE = bytes.fromhex("000000000000000000000002")
ENGINE = bytes.fromhex("80001f8804776174746c61622d74657374")
POWER = "1.3.6.1.4.1.13742.6.5.4.3.1.4.1.3.5"
SIGN = {  # [N]
    "md5": "ae7d956cfa6e859d1d35006449acb077",
    "sha1": "94422067b2416199d5350f8a3258aa14ef8c6733",
    "sha224": "cb01e1092b56a4a8aff5c4b5133970607c613f054a16d5256f8cb0db",
    "sha256": "fff4687d1724164eb201babffc33d669e5e95e26df26d6084d48c835fac7e2bd",
    "sha384": "f381d72389924af9c4356ad2f3e71633ace5672c724adcfb6409df07ec607dd41860be40eada74cc12a43a3c45a15e8e",
    "sha512": "b8cf15f3860abf0de6113324d8a77ab93af3bcc0c670490fa621f3d78246edb2"
    "f189c6ff511c17f84dfadc3f39f61b4d46e96b50d4366464b778a6cec7171c00",
}  # fmt: skip
SEAL = {  # [N] the longest of each hash; the shorter ones are how it begins
    ("md5", "blumenthal"): "60854b2b46a2f766df9282a42aae0d4d9bc3683e787f7b9aa09b0cfd06970f7b",
    ("md5", "reeder"): "60854b2b46a2f766df9282a42aae0d4de15d7e74f9308ab1502eaed547d653ba",
    ("sha1", "blumenthal"): "ea209a9ab0cb530fb5232bf40beac97eb429412aa79e8a13a49f568432351138",
    ("sha1", "reeder"): "ea209a9ab0cb530fb5232bf40beac97eb429412a86de9060e0ab8bc521675e82",
    ("sha224", "blumenthal"): "3e3173566ff9ac01df0964bc69e9668f33151803c005052d24b1946e50c5fb8c",
    ("sha224", "reeder"): "3e3173566ff9ac01df0964bc69e9668f33151803c005052d24b1946e8f0b5305",
    ("sha256", "blumenthal"): "ace81195d8bbd27ac179cbe3d61574765fb7eb1935b95bae6c16184c3fc405ae",
    ("sha512", "reeder"): "19fae89a300219f7af399fb247bf8b1f533724efd3b81cec2de181a48accd8a2",
}
DATAGRAMS = {  # [N] question and answer
    ("sha256", "aes128"): (
        "3081A5020103301102044160BC1A020300FFE3040107020103044E304C041180001F8804776174746C61622D7465737402010102"
        "0102040D7368613235362D6165733132380418767282580DE78B2D137A20C3879065079BE5BE4077B26FA3040802F949232D9C65"
        "00043DD33AF62C7D53A3E90D7D10A8EA7ECDCBC2F784928845AC539FEB173C49586C6CC4865351C19943DB8275F549E0CBF39081"
        "92F66D4AFDC0FDEC50675105",
        "3081A6020103301102044160BC1A020300FFE3040103020103044E304C041180001F8804776174746C61622D7465737402010102"
        "0102040D7368613235362D6165733132380418CCDD0831F3685F013CC3DF99CA70CBD4B92F45102C070CE60408DB2EDDEE9BDAD5"
        "71043E7BCEF07F3E7A62980D27CA0552449C0BA6DAAB10B358FFDCF85E72DD16690EFA0012E59DC63AA0A79B3390512081EE3E64"
        "7528C8A8DADC61768AF861F244",
    ),
    ("md5", "des"): (
        "308196020103301102046A5F2B60020300FFE3040107020103043C303A041180001F8804776174746C61622D7465737402010102"
        "010204076D64352D646573040C594EE7A221D10A37A58F45C2040800000001B174D67D04407D4558D4E68BBBB09A3B4D382DF0B6"
        "3B582CC93B1FC1F606AA1905580C44820BB68FB7E18CA8AA9AEB4444280089978AF6A4A00386C23F4E4C19576D1084B997",
        "308196020103301102046A5F2B60020300FFE3040103020103043C303A041180001F8804776174746C61622D7465737402010102"
        "010204076D64352D646573040C777C6164FAE0DFD9757B8D96040800000001131D6465044046C99B91FC683FF6E996FB70D72FEF"
        "DE929434F09045DE6CFC2783E399CA1A8055490BD15854E824BDE803547AFDE7A5A15D7B145FC62A23894ECA7FCE540479",
    ),
}
WAYS = [(name, privacy) for name in usm.CODE_LENGTHS for privacy in usm.PRIVACIES]


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "local", "more"),
    [
        (
            "md5",
            "9faf3283884e92834ebc9847d8edd963",
            "526f5eed9fcce26f8964c2930787d82b",
            "79eff44a90650ee0a3a40abfac5acc12",
        ),
        (
            "sha1",
            "9fb5cc0381497b3793528939ff788d5d79145211",
            "6695febc9288e36282235fc7151f128497b38f3f",
            "9b8b6d78936ba6e7d19dfd9cd2d5065547743fb5",
        ),
    ],
)
def test_keys_of_the_rfc_and_the_longer_ones_of_the_draft(name: str, key: str, local: str, more: str) -> None:
    found = usm.key_of(b"maplesyrup", name)
    assert found.hex() == key  # [R]
    here = usm.localised(found, RFC_ENGINE, name)
    assert here.hex() == local  # [R]
    longer = usm.lengthened(here, RFC_ENGINE, name, usm.Privacy("aes", 2 * len(here), "reeder"))
    assert longer.hex() == local + more  # [D]


@pytest.mark.parametrize("name", usm.CODE_LENGTHS)
def test_keys_are_those_of_snmpd(name: str) -> None:
    assert usm.localised(usm.key_of(b"maplesyrup", name), ENGINE, name).hex() == SIGN[name]


@pytest.mark.parametrize(("name", "extension"), SEAL)
def test_longer_keys_are_those_of_snmpd_and_the_two_ways_differ(name: str, extension: str) -> None:
    for bits in (192, 256):
        keys = usm.keys_of("maplesyrup", "maplesugar", name, usm.PRIVACIES[f"aes{bits}-{extension}"], ENGINE)
        assert keys.seal.hex() == SEAL[name, extension][: bits // 4]
    for privacy in ("des", "aes128"):
        keys = usm.keys_of("maplesyrup", "maplesugar", name, usm.PRIVACIES[privacy], ENGINE)
        assert keys.seal.hex() == SEAL[name, extension][:32]


@pytest.mark.parametrize(
    ("name", "whole"),
    [  # [H]
        ("sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("sha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
        (
            "sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ],
)
def test_a_code_is_cut_as_rfc_7860_has_it(name: str, whole: str) -> None:
    length = {"sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}[name]
    keys = usm.Keys(name, b"Jefe", None)
    assert usm.code(keys, b"what do ya want for nothing?").hex() == whole[: 2 * length]


def test_no_key_stands_in_what_is_printed_of_it() -> None:
    keys = usm.keys_of("maplesyrup", "maplesugar", "md5", usm.PRIVACIES["des"], ENGINE)
    assert keys.sign.hex() not in repr(keys)
    assert "sign" not in repr(keys)


# --- datagrams ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", DATAGRAMS)
def test_datagrams_of_net_snmp_are_checked_and_opened(way: tuple[str, str]) -> None:
    name, privacy = way
    keys = usm.keys_of("maplesyrup", "maplesugar", name, usm.PRIVACIES[privacy], ENGINE)
    question, answer = (bytes.fromhex(text) for text in DATAGRAMS[way])
    for data, flags in ((question, AUTH | PRIV | REPORTABLE), (answer, AUTH | PRIV)):
        message = decode_message(data)
        assert (message.flags, message.engine, message.boots, message.time_s) == (flags, ENGINE, 1, 2)
        assert message.user.decode() == f"{name}-{privacy}"
        assert has_right_code(data, message, keys)
        for place in (5, len(data) // 2, len(data) - 1):
            changed = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
            try:
                assert not has_right_code(changed, decode_message(changed), keys)
            except MeterGarbage:
                continue
    plain = usm.opened(keys, message.said, message.salt, message.boots, message.time_s)
    assert answer_of(decode_scoped(trimmed(plain))).bindings == (Binding(POWER, 68),)


@pytest.mark.parametrize(("name", "privacy"), WAYS)
def test_what_is_sealed_here_is_opened_here(name: str, privacy: str) -> None:
    keys = usm.keys_of("maplesyrup", "maplesugar", name, usm.PRIVACIES[privacy], ENGINE)
    said = encode_scoped(ENGINE, b"", bytes.fromhex("a003020107"))
    data = encode_message(Message(7, REPORTABLE, ENGINE, 3, 2**31 - 1, b"lab", said), keys)
    message = decode_message(data)
    assert has_right_code(data, message, keys)
    assert said not in data
    plain = usm.opened(keys, message.said, message.salt, message.boots, message.time_s)
    assert trimmed(plain) == said


def test_no_two_messages_are_sealed_alike() -> None:
    for privacy in usm.PRIVACIES.values():
        keys = usm.Keys("sha1", bytes(20), privacy, bytes(privacy.key_length))
        assert len({usm.sealed(keys, b"the same", 1, 1) for _time in range(50)}) == 50


@given(st.binary(max_size=80), st.binary(max_size=12))
def test_what_cannot_be_opened_is_garbage(hidden: bytes, salt: bytes) -> None:
    for privacy in usm.PRIVACIES.values():
        keys = usm.Keys("sha1", bytes(20), privacy, hashlib.sha256().digest()[: privacy.key_length])
        try:
            trimmed(usm.opened(keys, hidden, salt, 1, 1))
        except MeterGarbage:
            continue


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, 0x31, "field None, expected 3"),
        (5, 2, "field 2, expected 3"),
        (21, 0, "flags 0x00 that does not fit"),
        (21, 2, "flags 0x02 that does not fit"),
        (24, 4, "security model 4, expected 3"),
    ],
)
def test_what_is_no_message_of_v3_is_refused(place: int, value: int, words: str) -> None:
    data = bytearray.fromhex(DATAGRAMS["md5", "des"][1])
    data[place] = value
    with pytest.raises(MeterGarbage, match=words):
        decode_message(bytes(data))


def test_of_what_cannot_be_taken_apart_a_log_keeps_the_beginning() -> None:
    data = bytes.fromhex(DATAGRAMS["md5", "des"][1])[:-1]
    assert blotted(data) == data[:8] + b"*" * (len(data) - 8)
