"""IPMI's codecs: packets and the log-in against bytes that programs of others sent, fields against what they showed.

The log-ins, and what was said after them, are those of `tests/meters/ipmi_samples.py`.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.ipmi import dcmi, inventory, messages, session
from meters.ipmi.messages import Command
from meters.ipmi.session import SUITES, LogIn
from meters.meter import MeterGarbage, MeterMismatch, MeterRefused
from tests.meters import ipmi_samples

SEALING = [SUITES["3"], SUITES["17"]]


def keys_of(suite: session.Suite) -> session.Keys:
    keys = session.keys_of(suite, b"sik")
    assert keys is not None
    return keys


# --- log-ins of others ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suite", "recorded"), [("3", ipmi_samples.SUITE_3), ("17", ipmi_samples.SUITE_17)])
def test_the_codes_and_the_seal_are_those_of_ipmitool(suite: str, recorded: ipmi_samples.Recorded) -> None:
    first, second, third, fourth = (session.decode_packet(data)[0].payload for data in recorded.rakp)
    found = LogIn(SUITES[suite], b"admin", session.key_of("not-known"), 2, 0xA0A2A3A4)
    found.bmc_id, found.console_number = int.from_bytes(first[4:8], "little"), first[8:24]
    assert first[24:] == bytes((0x12, 0, 0, 5)) + b"admin"
    assert found.take_second(second)
    assert found.encode_third(third[0]) == third
    keys = found.take_fourth(fourth)
    asked = session.open_packet(recorded.question, keys)
    assert asked.payload[1:3] == bytes((messages.GROUP << 2, 0x30))
    assert asked.payload[5:-1] == b"\x02" + dcmi.SYSTEM_POWER
    answer = messages.decode_answer(session.open_packet(recorded.answer, keys).payload)
    power = dcmi.decode_power(messages.data_of(answer, messages.DCMI_POWER))
    assert (power.now_w, power.mean_w) == ((141, 131) if suite == "3" else (51, 51))
    wrong = LogIn(SUITES[suite], b"admin", session.key_of("another"), 2, 0xA0A2A3A4)
    wrong.bmc_id, wrong.console_number = found.bmc_id, found.console_number
    assert not wrong.take_second(second)
    with pytest.raises(MeterGarbage, match="RAKP message 4 with a wrong code"):
        wrong.take_fourth(fourth)


# --- packets --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.sampled_from(SEALING), st.integers(0, 2**32 - 1))
def test_a_sealed_message_is_opened_with_its_keys_and_none_others(
    payload: bytes, suite: session.Suite, number: int
) -> None:
    keys = keys_of(suite)
    sent = session.encode_packet(session.MESSAGE, payload, 7, number, keys)
    packet = session.open_packet(sent, keys)
    assert (packet.payload, packet.session_id, packet.sequence) == (payload, 7, number)
    assert not payload or len(payload) < 8 or payload not in sent
    with pytest.raises(MeterGarbage, match="wrong integrity code"):
        session.open_packet(sent, session.keys_of(suite, b"another"))
    with pytest.raises(MeterGarbage, match="a sealed datagram"):
        session.open_packet(sent, None)


@given(st.integers(0, 10_000), st.integers(0, 7), st.sampled_from(SEALING))
def test_a_bit_that_is_turned_round_is_noticed(place: int, bit: int, suite: session.Suite) -> None:
    keys = keys_of(suite)
    sent = bytearray(session.encode_packet(session.MESSAGE, b"twenty-one watts", 7, 3, keys))
    sent[4 + place % (len(sent) - 4)] ^= 1 << bit  # what is before is RMCP's own
    with pytest.raises(MeterGarbage):
        session.open_packet(bytes(sent), keys)


def test_a_message_in_the_clear_is_none_of_a_sealed_session() -> None:
    with pytest.raises(MeterGarbage, match="somebody else sent it"):
        session.open_packet(session.encode_packet(session.MESSAGE, b"300 watts", 7, 3), keys_of(SUITES["17"]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "a datagram of 0 bytes"),
        (bytes.fromhex("0600ff06") + bytes(16), r"begins 06 00 ff 06 00, expected 06 00 ff 07 06 \(RMCP\+\)"),
        (bytes.fromhex("0600ff0706000000000000000000") + b"\x05\x00abcd", "4 bytes of a payload of 5"),
    ],
)
def test_what_is_no_packet_is_refused_with_what_was_found(data: bytes, words: str) -> None:
    with pytest.raises(MeterGarbage, match=words):
        session.decode_packet(data)


def test_a_password_longer_than_ipmi_has_is_named_without_it() -> None:
    with pytest.raises(ValueError, match="found a password of 21 bytes, expected at most 20") as caught:
        session.key_of("x" * 21)
    assert "xxx" not in str(caught.value)


# --- what a log keeps -----------------------------------------------------------------------------------------------


@given(st.binary(max_size=80), st.sampled_from(SEALING))
def test_a_log_holds_a_sealed_message_as_one_that_never_was(payload: bytes, suite: session.Suite) -> None:
    keys = keys_of(suite)
    kept = session.in_the_clear(session.encode_packet(session.MESSAGE, payload, 7, 3, keys), keys)
    assert kept == session.encode_packet(session.MESSAGE, payload, 7, 3)
    assert session.in_the_clear(kept, keys) == kept


@pytest.mark.parametrize("suite", SEALING)
def test_no_random_number_and_no_code_of_a_log_in_is_in_a_log(suite: session.Suite) -> None:
    named = LogIn(suite, b"operator", session.key_of("not-known"), 2, 0x77610001)
    plain = LogIn(SUITES["0"], b"", session.key_of(""), 2, 0x77610001)
    first = session.encode_packet(session.RAKP1, named.encode_first(2))
    assert named.console_number in first
    for kind, asked, kept in (
        (session.OPEN_REQUEST, named.encode_open(1), plain.encode_open(1)),
        (session.RAKP3, named.encode_third(3), plain.encode_third(3)),
    ):
        assert session.in_the_clear(session.encode_packet(kind, asked), None) == session.encode_packet(kind, kept)
    assert session.in_the_clear(first, None) == session.encode_packet(session.RAKP1, plain.encode_first(2))
    second = bytes((2, 0, 0, 0)) + b"\x01\x00\x61\x77" + b"R" * 16 + b"G" * 16 + b"C" * 32
    shown = session.in_the_clear(session.encode_packet(session.RAKP2, second), None)
    assert shown == session.encode_packet(session.RAKP2, second[:8] + bytes(16) + b"G" * 16)


def test_what_is_damaged_is_kept_as_it_came() -> None:
    keys = keys_of(SUITES["17"])
    sent = session.encode_packet(session.MESSAGE, b"50", 7, 3, keys)
    for damaged in (sent[:-1], sent + sent, b"\0" + sent, b"", b"public"):
        assert session.in_the_clear(damaged, keys) == damaged


# --- messages -------------------------------------------------------------------------------------------------------


def answered(command: Command, content: bytes, sequence: int = 5) -> bytes:
    """An answer of a BMC."""
    head = bytes((0x81, (command.function + 1) << 2))
    body = bytes((0x20, sequence << 2, command.number)) + content
    return head + bytes((-sum(head) % 256,)) + body + bytes((-sum(body) % 256,))


def test_a_question_is_the_one_of_the_specification() -> None:
    asked = messages.encode_question(messages.DCMI_POWER, 1, dcmi.SYSTEM_POWER)
    assert asked == bytes.fromhex("20 b0 30 81 04 02 dc 01 00 00 9c")


def test_an_answer_finds_its_question_by_number_and_command() -> None:
    answer = messages.decode_answer(answered(messages.DCMI_POWER, b"\x00\xdc"))
    assert messages.is_answer_to(answer, messages.DCMI_POWER, 5 + 64)
    assert not messages.is_answer_to(answer, messages.DCMI_POWER, 6)
    assert not messages.is_answer_to(answer, messages.GET_DEVICE_ID, 5)
    assert messages.data_of(answer, messages.DCMI_POWER) == b"\xdc"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (0xC1, MeterMismatch, r"asked for DCMI's power reading the BMC answers: .* not know this command \(.* 0xc1\)"),
        (0xD4, MeterRefused, "this user may not ask that .*, or set privilege"),
        (0xC0, MeterGarbage, "the BMC is busy"),
        (0x42, MeterGarbage, r"an error \(completion code 0x42\)"),
    ],
)
def test_a_completion_code_is_a_sentence(code: int, kind: type[Exception], words: str) -> None:
    answer = messages.decode_answer(answered(messages.DCMI_POWER, bytes((code,))))
    with pytest.raises(kind, match=words):
        messages.data_of(answer, messages.DCMI_POWER)


def test_nothing_but_questions_can_be_made() -> None:
    with pytest.raises(MeterRefused, match="it can switch machines"):
        messages.encode_question(Command(0x00, 0x02, "chassis control"), 1, b"\0")


def test_a_message_with_a_wrong_sum_or_for_somebody_else_is_refused() -> None:
    sound = answered(messages.GET_DEVICE_ID, b"\0")
    for place in range(len(sound)):
        wrong = sound[:place] + bytes((sound[place] ^ 1,)) + sound[place + 1 :]
        with pytest.raises(MeterGarbage, match="wrong check sum"):
            messages.decode_answer(wrong)
    with pytest.raises(MeterGarbage, match="expected an answer to 0x81"):
        messages.decode_answer(messages.encode_question(messages.GET_DEVICE_ID, 1, b"ab"))


# --- DCMI -------------------------------------------------------------------------------------------------------------


def power(stamp: int = 0x6553F100, state: int = 0x40) -> bytes:
    return (
        bytes.fromhex("dc 8d00 0300 0e01 8300")
        + stamp.to_bytes(4, "little")
        + bytes.fromhex("e8030000 ")
        + bytes((state,))
    )


def test_a_power_is_whole_watts_and_its_period_milliseconds() -> None:
    found = dcmi.decode_power(power())
    assert (found.now_w, found.least_w, found.greatest_w, found.mean_w) == (141, 3, 270, 131)
    assert (found.period_ms, found.stamp_s, found.active, found.is_dated) == (1000, 1_700_000_000, True, True)


def test_a_bmc_that_does_not_measure_sends_watts_all_the_same() -> None:
    found = dcmi.decode_power(power(state=0x00))
    assert (found.now_w, found.active) == (141, False)


def test_a_stamp_may_be_unspecified_or_count_from_the_start_of_the_bmc() -> None:
    assert dcmi.decode_power(power(stamp=0xFFFFFFFF)).stamp_s is None
    since_start = dcmi.decode_power(power(stamp=86_400))
    assert (since_start.stamp_s, since_start.is_dated) == (86_400, False)


@pytest.mark.parametrize("data", [b"", power()[:-1], power() + b"\0", b"\xdd" + power()[1:]])
def test_what_is_no_power_reading_is_refused(data: bytes) -> None:
    with pytest.raises(MeterGarbage, match="expected DCMI's 18"):
        dcmi.decode_power(data)


def test_a_stamp_that_moved_and_stands_still_marks_an_old_value() -> None:
    second = 1_000_000_000
    watch = dcmi.StampWatch(refresh_s=1.0)
    assert [watch.is_old(stamp, at * second) for at, stamp in enumerate((10, 11, 11, 11, 11, 14))] == [
        False, False, False, False, True, False,
    ]  # fmt: skip
    for stamps in ((7, 7, 7, 7, 7), (None, None, None, None, None), (7, None, None, None, None)):
        silent = dcmi.StampWatch(refresh_s=1.0)
        assert not any(silent.is_old(stamp, at * second) for at, stamp in enumerate(stamps))


# --- who is there -----------------------------------------------------------------------------------------------------


def area(*texts: bytes, is_product: bool = True) -> bytes:
    fields = b"".join(bytes((0xC0 | len(text),)) + text for text in texts) + b"\xc1"
    content = b"\x19" + (b"" if is_product else bytes(3)) + fields
    content += bytes(-(len(content) + 3) % 8)
    whole = bytes((1, (len(content) + 3) // 8)) + content
    return whole + bytes((-sum(whole) % 256,))


def test_a_server_is_named_by_its_inventory() -> None:
    device = inventory.decode_device(bytes.fromhex("20 81 02 43 02 bf a2 02 00 00 01"))
    assert device == inventory.Device("2.43", 674, 256)
    product = inventory.decode_area(area(b"DELL", b"PowerEdge R740", b"", b"01", b"ABC1234"), is_product=True)
    assert product == inventory.Names("DELL", "PowerEdge R740", "ABC1234")
    board = inventory.decode_area(area(b"Intel", b"S2600", b"BQ1", b"part", is_product=False), is_product=False)
    assert board == inventory.Names("Intel", "S2600", "BQ1")
    who = inventory.identity_of(device, bytes(16), product)
    assert (who.maker, who.model, who.serial, who.firmware) == ("DELL", "PowerEdge R740", "ABC1234", "2.43")


def test_without_an_inventory_numbers_stand_for_names() -> None:
    device = inventory.Device("1.05", 10876, 0x1234)
    who = inventory.identity_of(device, bytes(15) + b"\x07", inventory.Names())
    assert (who.maker, who.model, who.serial) == ("Supermicro", "product 0x1234", "00" * 15 + "07")
    assert inventory.identity_of(device, bytes(16), inventory.Names()).serial == ""


def test_a_damaged_inventory_costs_names_only() -> None:
    whole = area(b"DELL", b"R740")
    assert inventory.decode_area(whole[:-1] + b"\0", is_product=True) == inventory.Names()
    assert inventory.decode_area(b"", is_product=True) == inventory.Names()
    assert inventory.area_of(bytes.fromhex("01 00 00 01 05 00 00 f9")) == (40, True)
    assert inventory.area_of(bytes.fromhex("01 00 00 01 00 00 00 fe")) == (8, False)
    assert inventory.area_of(bytes.fromhex("01 00 00 01 05 00 00 f8")) == (0, False)


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (0, b"\x01\xab", "01ab"),
        (1, b"\x12\x3a", "123"),
        (2, bytes.fromhex("29dc a6"), "IPMI"),
        (3, b"R7\x1b40 \0", "R740"),
    ],
)
def test_a_text_of_each_kind(kind: int, data: bytes, text: str) -> None:
    assert inventory.decode_text(kind, data) == text
