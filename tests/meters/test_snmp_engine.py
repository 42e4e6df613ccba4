"""SNMP v3's engine at the far end, in virtual time, without a network: which messages are believed, what a log keeps.

The far end is the emulated agent, or messages that this test makes with its keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from meters import host
from meters.access import REPLAYED, WITHHELD, Credentials
from meters.emulators.faults import parse_fault
from meters.emulators.snmp import SnmpDevice
from meters.emulators.virtual_sut import parse_profile
from meters.meter import MeterError, MeterGarbage, MeterOptionError, MeterRefused
from meters.snmp import usm
from meters.snmp.ber import Item
from meters.snmp.engine import Engine, Protection
from meters.snmp.messages import LARGEST_ID, Answer, answer_of, encode_question
from meters.snmp.security import Heard
from meters.snmp.v3_messages import AUTH, PRIV, Message, decode_message, decode_scoped, encode_message, encode_scoped

PORT, SECRET, POWER = "snmp://192.0.2.7", "not-known", "1.3.6.1.4.1.318.1.1.26.9.4.3.1.7.1"
LOGIN = Credentials("admin", SECRET)
ENGINE = b"\x80\x00\x00\x00\x04EMULATED0001"


class Clock:
    """The host's clock, moved by the test."""

    def __init__(self) -> None:
        self.now_s = 1.0

    def now_ns(self) -> int:
        return int(self.now_s * 1e9)


class Talk:
    """An engine and an agent that hand each other datagrams; every one is kept as a log would keep it."""

    def __init__(self, clock: Clock, login: Credentials = LOGIN, chosen: Protection | None = None) -> None:
        self.clock = clock
        self.device = SnmpDevice(parse_profile("watts=51", 1), "apc-rpdu2", refresh_s=0.1, community=SECRET)
        self.engine = Engine(PORT, login, chosen or Protection("sha1", usm.PRIVACIES["aes128"], ""))
        self.number = self.engine.first_id - 1
        self.kept: list[tuple[str, bytes]] = []
        self.sent = b""
        self.change: Callable[[bytes], bytes] = lambda data: data

    def fault(self, name: str, count: int = 1) -> None:
        self.device.faults.switch(parse_fault(f"{name}={count}", self.device.faults.names))

    def say(self) -> Heard:
        """One datagram and what came of the answer."""
        self.sent = self.engine.wrap(self.number, encode_question(self.number, (POWER,)))
        self.kept.append((">", self.engine.presentable(self.sent)))
        (data,) = self.device.receive(self.sent, self.clock.now_s)
        return self.hear(self.change(data))

    def hear(self, data: bytes) -> Heard:
        self.kept.append(("<", self.engine.presentable(data)))
        return self.engine.unwrap(data)

    def ask(self) -> Answer:
        """A question that is answered."""
        self.number = self.number % LARGEST_ID + 1
        for _time in range(4):
            heard = self.say()
            if isinstance(heard, Item):
                return answer_of(heard)
            assert heard == "ask again", self.engine.silence
        raise AssertionError("asked again without end")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(host, "monotonic", lambda: clock.now_s)
    return clock


def made(number: int, said: bytes, keys: usm.Keys | None, time_s: int = 10_000, boots: int = 1) -> bytes:
    """A message of the engine."""
    return encode_message(Message(number, 0, ENGINE, boots, time_s, b"admin", said), keys)


def answer_to(number: int) -> bytes:
    """A scoped answer of 4711 W to a question."""
    asked = encode_question(number, (POWER,))
    return encode_scoped(ENGINE, b"", b"\xa2" + asked[1:-2] + b"\x05\x00")


KEYS = usm.keys_of(SECRET, SECRET, "sha1", usm.PRIVACIES["aes128"], ENGINE)


# --- what is believed -----------------------------------------------------------------------------------------------


def test_an_engine_is_discovered_and_asked_in_two_datagrams(clock: Clock) -> None:
    talk = Talk(clock)
    assert talk.ask().bindings[0].value == 51
    assert len(talk.kept) == 4
    assert talk.ask().bindings[0].value == 51
    assert len(talk.kept) == 6
    assert decode_message(talk.sent).flags == 7
    assert talk.engine.remarks == ()


def test_a_first_number_is_drawn_and_in_a_log_it_is_1(clock: Clock) -> None:
    talks = [Talk(clock) for _ in range(3)]
    assert len({talk.engine.first_id for talk in talks}) > 1
    talks[0].engine.first_id = talks[0].number = LARGEST_ID - 1
    talks[0].number -= 1
    for talk in talks:
        for _question in range(4):
            talk.ask()
    logs = [talk.kept for talk in talks]
    assert logs[0] == logs[1] == logs[2]
    assert [decode_message(data).number for _way, data in logs[0]] == [1, 1, 1, 1, 2, 2, 3, 3, 4, 4]
    numbers = {answer_of(decode_scoped(decode_message(data).said), 0xA2).request_id for _way, data in logs[0][3::2]}
    assert numbers == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("bad-code", "a wrong code"),
        ("no-code", "no code"),
        ("no-seal", "no seal"),
        ("bad-seal", "a seal that cannot be opened"),
        ("old-clock", "a clock outside the time window"),
    ],
)
def test_an_answer_that_nobody_can_believe_is_passed_over_counted_and_marked(
    fault: str, why: str, clock: Clock
) -> None:
    talk = Talk(clock)
    talk.ask()
    talk.fault(fault)
    talk.number += 1
    assert talk.say() == "nothing"
    assert f"1 with {why}" in talk.engine.silence
    marked = decode_message(talk.kept[-1][1])
    assert (marked.flags, marked.code, marked.user) == (AUTH, b"", WITHHELD.encode())
    assert b"\x02\x01\x33" not in talk.kept[-1][1]  # 51 W
    assert isinstance(talk.say(), Item)


def test_an_answer_is_not_heard_twice_nor_in_another_session(clock: Clock) -> None:
    talk, later = Talk(clock), Talk(clock)
    talk.ask()
    later.ask()
    heard: list[bytes] = []
    talk.change = lambda data: heard.append(data) or data  # type: ignore[func-returns-value]
    talk.ask()
    talk.ask()
    assert talk.hear(heard[0]) == "nothing"
    assert later.hear(heard[0]) == later.hear(heard[1]) == "nothing"
    assert talk.hear(talk.sent) == "nothing"  # what we said ourselves


def test_the_window_is_150_s_and_the_newest_clock_counts(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    number = talk.number

    def heard(time_s: int, boots: int = 1) -> bool:
        return talk.hear(made(number, answer_to(number), KEYS, time_s, boots)) != "nothing"

    assert heard(11_001)
    clock.now_s += 100.0
    assert heard(10_951)
    assert not heard(10_950)
    assert heard(11_200)
    assert not heard(11_049)
    assert heard(0, boots=2)
    assert not heard(11_200)
    assert not heard(0, boots=2**31 - 1)


def test_an_engine_that_restarts_costs_one_report_and_no_answer(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    clock.now_s += 500.0
    talk.fault("restart")
    before = len(talk.kept)
    assert talk.ask().bindings[0].value == 51
    assert len(talk.kept) - before == 4
    assert decode_message(talk.sent).boots == 2


def test_a_report_in_the_clear_moves_no_clock_that_was_signed(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    report = bytes.fromhex("a81c 020100 020100 020100 3011 300f 060a 2b060106030f01010200 410101".replace(" ", ""))
    forged = Message(talk.number, 0, ENGINE, 77, 5, b"", encode_scoped(ENGINE, b"", report))
    assert talk.hear(encode_message(forged)) == "ask again"
    assert isinstance(talk.say(), Item)
    assert decode_message(talk.sent).boots == 1


def test_another_engine_is_found_out_and_discovered_anew(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    talk.fault("other-engine")
    with pytest.raises(MeterGarbage, match="is another one than at first"):
        talk.ask()
    talk.engine.forget(entirely=False)
    assert talk.ask().bindings[0].value == 51
    assert decode_message(talk.sent).engine.endswith(b"0002")


@pytest.mark.parametrize("name", usm.CODE_LENGTHS)
@pytest.mark.parametrize("privacy", ["none", *usm.PRIVACIES])
def test_every_hash_with_every_cipher(name: str, privacy: str, clock: Clock) -> None:
    chosen = Protection(name, usm.PRIVACIES.get(privacy), "")
    talk = Talk(clock, Credentials(f"{name}-{privacy}", SECRET), chosen)
    assert talk.ask().bindings[0].value == 51
    assert decode_message(talk.sent).flags & PRIV == (0 if privacy == "none" else PRIV)


# --- what reports say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "hashed", "privacy", "words"),
    [
        (Credentials("nobody", SECRET), "sha1", "aes128", r"knows no user 'nobody' \(usmStatsUnknownUserNames\); corr"),
        (
            Credentials("admin", "another-one"),
            "sha1",
            "aes128",
            "wrong code .*usmStatsWrongDigests.; correct pass",
        ),
        (LOGIN, "sha256", "aes128", "correct password_file, or the option hash"),
        (replace(LOGIN, privacy_password="another-one"), "sha1", "aes128", "usmStatsDecryptionErrors.*privacy_passw"),
        (Credentials("sha1-none", SECRET), "sha1", "des", r"at the level authPriv \(usmStatsUnsupportedSecLevels\)"),
    ],
)
def test_a_report_is_a_sentence_with_a_remedy(
    login: Credentials, hashed: str, privacy: str, words: str, clock: Clock
) -> None:
    talk = Talk(clock, login, Protection(hashed, usm.PRIVACIES[privacy], ""))
    with pytest.raises(MeterRefused, match=words) as caught:
        talk.ask()
    assert str(caught.value).startswith(f"{PORT}: the agent ")
    assert SECRET not in str(caught.value)


def test_once_an_answer_was_believed_no_report_ends_a_session(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    report = encode_scoped(ENGINE, b"", bytes.fromhex("a81c0201000201000201003011300f060a2b060106030f01010300410101"))
    with pytest.raises(MeterGarbage, match="knows no user 'admin'"):
        talk.hear(encode_message(Message(talk.number, 0, ENGINE, 1, 1, b"", report)))
    other = encode_message(Message(talk.number + 1, 0, ENGINE, 1, 1, b"", report))
    assert talk.hear(other) == "nothing"


def test_a_user_without_a_password_is_let_in_and_warned_of(clock: Clock) -> None:
    talk = Talk(clock, Credentials("admin", ""))
    talk.device = SnmpDevice(parse_profile("watts=51", 1), "apc-rpdu2", refresh_s=0.1)
    assert talk.ask().bindings[0].value == 51
    assert "anybody on the network can answer" in talk.engine.remarks[0]


def test_what_no_engine_can_have_is_refused_before_anything_is_said() -> None:
    chosen = Protection("sha1", None, "")

    def refused(words: str, login: Credentials | None) -> None:
        with pytest.raises(MeterOptionError, match=words):
            Engine(PORT, login, chosen)

    refused("asks in a user's name; give `user`", None)
    refused("expected at most 32 bytes", Credentials("u" * 33, SECRET))
    refused("password of fewer than 8 bytes", Credentials("admin", "short"))
    refused("password of fewer than 8 bytes", Credentials("admin", SECRET, "short"))


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_log_is_said_again_byte_for_byte_by_who_knows_no_password(clock: Clock) -> None:
    talk = Talk(clock)
    for fault in ("", "bad-code", "restart", "other-engine", "old-clock", "no-code", ""):
        talk.number = talk.number % LARGEST_ID + 1
        if fault:
            talk.fault(fault)
        for _time in range(4):
            try:
                if isinstance(talk.say(), Item):
                    break
            except MeterError:
                talk.engine.forget(entirely=False)
    assert not any(word in data for _way, data in talk.kept for word in (SECRET.encode(), b"admin"))
    again = Engine(PORT, REPLAYED, Protection("sha1", usm.PRIVACIES["aes128"], ""))
    log, number, powers = list(talk.kept), 0, []
    while log:
        _way, expected = log.pop(0)
        number = decode_message(expected).number
        said = again.wrap(number, encode_question(number, (POWER,)))
        assert again.presentable(said) == said == expected
        try:
            heard = again.unwrap(log.pop(0)[1])
        except MeterError:
            again.forget(entirely=False)
            continue
        powers += [binding.value for binding in answer_of(heard).bindings] if isinstance(heard, Item) else []
    assert powers == [51] * 7
    assert again.silence.count("passed over were") == 1


def test_a_secret_that_an_agent_hands_out_is_blotted_out(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    said = answer_to(talk.number).replace(POWER.encode(), b"")
    told = encode_scoped(ENGINE, SECRET.encode(), decode_said(said))
    talk.hear(made(talk.number, told, KEYS))
    assert SECRET.encode() not in talk.kept[-1][1]
    assert b"*" * len(SECRET) in talk.kept[-1][1]


def decode_said(said: bytes) -> bytes:
    pdu = decode_scoped(said)
    return bytes((pdu.tag, len(pdu.content))) + pdu.content


def test_what_is_damaged_leaves_nothing_to_try_passwords_on(clock: Clock) -> None:
    talk = Talk(clock)
    talk.ask()
    talk.change = lambda data: data[:-1]
    with pytest.raises(MeterGarbage):
        talk.ask()
    assert talk.kept[-1][1][8:] == b"*" * len(talk.kept[-1][1][8:])
