"""The dialogue with a BMC, on the emulated one: who is let in, what is a reading, what is kept of a session."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from meters import host
from meters.access import REPLAYED, Access, Credentials
from meters.ipmi import session
from meters.ipmi.dcmi import ACTIVE, FIELDS, GROUP_ID, UNSPECIFIED
from meters.ipmi.messages import DCMI_POWER
from meters.meter import Meter, MeterError, MeterGarbage, MeterOptionError, MeterRefused, MeterTimeout, MeterUnavailable
from meters.playback import Playback
from meters.reading import Reading
from meters.registry import open_meter
from meters.wire_log import Exchange, read_capture
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.test_ipmi import answered

SECRET = "not-known"
LOGIN = Access(Credentials("", SECRET))
LOAD = ("--profile", "watts=0:51", "--interval", "0.05")
FAST: dict[str, float | str] = {"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 0.5}


def exchanges(log: io.BytesIO) -> list[Exchange]:
    return list(read_capture(io.BytesIO(log.getvalue()), "log"))


@pytest.mark.parametrize("hashed", ["sha256", "sha1"])
def test_a_sealed_session_is_read_and_its_log_holds_no_secret_and_is_played_back(
    hashed: str, start_emulator: StartEmulator
) -> None:
    emulator = start_emulator(*LOAD, "--password", SECRET, name="ipmi")
    log, options = io.BytesIO(), FAST | {"hash": hashed}
    meter = open_meter("ipmi", emulator.address, capture=log, options=options, access=LOGIN)
    read = [meter.read(5.0) for _ in range(3)]
    meter.close()
    assert [reading.power_w for reading in read] == [51.0] * 3
    who, about = meter.identify(), meter.describe()
    assert (who.maker, who.model, who.serial, who.firmware) == ("wattlab", "Server of no make", "EMULATED0001", "1.23")
    assert (about.tier, about.averaging, about.window_s, about.stamp) == (
        "uncalibrated",
        "instantaneous",
        0.0,
        "unknown",
    )
    assert about.remarks == ("the power of now, whose averaging DCMI leaves open; the BMC's mean is over 60 s",)
    kept = exchanges(log)
    assert kept[-1].direction == ">"  # the session is ended
    first = next(part.data for part in kept if part.data[5] == 0x12)
    assert first[24:40] == bytes(16)  # the console's random number
    assert first[-1] == 0  # the length of the user's name
    assert not any(secret in part.data for part in kept for secret in (SECRET.encode(), b"admin"))
    assert not any(part.data[5] & 0xC0 for part in kept)  # nothing is sealed in it
    with host.playing(Playback(kept)):
        again = open_meter("ipmi", "ipmi://192.0.2.7", capture=None, options=options, access=Access(REPLAYED))
        found = [again.read(5.0) for _ in read]
        assert again.identify() == who
    assert [(one.time_ns, one.power_w) for one in found] == [(one.time_ns, one.power_w) for one in read]


def test_a_wrong_user_a_wrong_password_and_none_are_sentences(start_emulator: StartEmulator) -> None:
    address = start_emulator(*LOAD, "--password", SECRET, name="ipmi").address

    def refused(kind: type[MeterError], words: str, access: Access, **options: float | str) -> None:
        with pytest.raises(kind, match=words):
            open_meter("ipmi", address, capture=None, options=FAST | options, access=access)

    refused(MeterRefused, "proof does not fit the password; correct user 'admin'", Access(Credentials("", "another")))
    refused(
        MeterRefused, r"unauthorised name \(status 0x0d\); correct user 'root'", Access(Credentials("root", SECRET))
    )
    refused(MeterRefused, r"no session without a password \(status 0x11\); a BMC wants a user", Access())
    refused(MeterOptionError, "password of 21 bytes, expected at most 20", Access(Credentials("", "x" * 21)))
    refused(MeterOptionError, "expected at most 16 bytes; correct `user`", Access(Credentials("u" * 17, SECRET)))
    refused(MeterOptionError, "option hash is 'md5', expected one of sha256, sha1", LOGIN, hash="md5")
    with pytest.raises(MeterUnavailable, match="nothing listens there; switch IPMI over LAN on"):
        open_meter("ipmi", "ipmi://127.0.0.1:9", capture=None, options=FAST, access=LOGIN)
    with pytest.raises(MeterOptionError, match="expected ipmi://HOST"):
        open_meter("ipmi", "snmp://127.0.0.1", capture=None, options=FAST, access=LOGIN)


def test_a_mean_has_the_window_of_the_bmc(start_emulator: StartEmulator) -> None:
    address = start_emulator(*LOAD, name="ipmi").address
    meter = open_meter("ipmi", address, capture=None, options=FAST | {"value": "mean"})
    reading, about = meter.read(5.0), meter.describe()
    assert (reading.power_w, about.averaging, about.window_s) == (51.0, "window", 60.0)
    assert "without a password (cipher suite 0)" in about.remarks[-1]
    meter.close()


def test_what_a_reading_is_not(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="ipmi")
    meter = open_meter("ipmi", emulator.address, capture=None, options=FAST | {"refresh_s": 0.5})

    def readings_until(flag: str) -> Reading:
        found: list[Reading] = []

        def seen() -> bool:
            found.append(meter.read(5.0))
            return flag in found[-1].flags

        wait_until(seen, flag)
        return found[-1]

    assert readings_until("stale").power_w == 51.0  # the same again, sooner than there is a new one
    emulator.fault("inactive=always")
    assert readings_until("nan").power_w is None
    emulator.fault("clear")
    emulator.fault("overrange=always")
    assert readings_until("overrange").power_w is None
    meter.close()


def test_a_session_that_is_forgotten_is_begun_anew(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, "--password", SECRET, name="ipmi")
    log, options = io.BytesIO(), FAST | {"reply_s": 0.2}
    meter = open_meter("ipmi", emulator.address, capture=log, options=options, access=LOGIN)
    emulator.fault("forgets")
    errors: list[str] = []
    found: Reading | None = None
    while found is None or "resynced" not in found.flags:
        try:
            found = meter.read(5.0)
        except MeterTimeout as error:
            errors.append(str(error))
    meter.close()
    assert (len(errors), found.power_w) == (1, 51.0)
    assert sum(part.data[5] == 0x10 for part in exchanges(log)) == 2  # two sessions were opened


class Between:
    """A relay in front of a BMC that says what somebody else might: an answer in the clear with another power, one with
    a wrong code, and answers that were heard before."""

    def __init__(self, bmc: str) -> None:
        host_name, _, port = bmc.removeprefix("ipmi://").partition(":")
        self._bmc = host_name, int(port)
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._front.bind(("127.0.0.1", 0))
        self.address = f"ipmi://127.0.0.1:{self._front.getsockname()[1]}"
        self.forgery: Callable[[bytes, int], list[bytes]] = lambda _answer, _number: []
        self.sent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._relay)
        self._thread.start()

    def _relay(self) -> None:
        questions = 0
        for wire in (self._front, self._back):
            wire.settimeout(0.2)
        while not self._ended.is_set():
            with suppress(TimeoutError):
                asked, client = self._front.recvfrom(1 << 16)
                questions += asked[5] & 0x3F == session.MESSAGE
                self._back.sendto(asked, self._bmc)
                answer = self._back.recv(1 << 16)
                forged = self.forgery(answer, questions) if answer[5] & 0x3F == session.MESSAGE else []
                self.sent += len(forged)
                for data in (*forged, answer):
                    self._front.sendto(data, client)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for wire in (self._front, self._back):
            wire.close()


def in_the_clear(answer: bytes, number: int) -> list[bytes]:
    """A power of 9999 W in the clear, as an answer to this very question."""
    packet, _ = session.decode_packet(answer)
    content = bytes(1) + FIELDS.pack(GROUP_ID, 9999, 9999, 9999, 9999, UNSPECIFIED, 60_000, ACTIVE)
    message = answered(DCMI_POWER, content, number % 64)
    return [session.encode_packet(session.MESSAGE, message, packet.session_id, packet.sequence + 1)]


def damaged(answer: bytes, _number: int) -> list[bytes]:
    return [answer[:-1] + bytes((answer[-1] ^ 1,))]


@pytest.mark.parametrize("forgery", ["in the clear", "damaged", "heard before"])
def test_what_somebody_else_says_is_no_reading_and_none_when_it_is_played_back(
    forgery: str, start_emulator: StartEmulator
) -> None:
    emulator = start_emulator(*LOAD, "--password", SECRET, name="ipmi")
    before: list[bytes] = []

    def again(answer: bytes, _number: int) -> list[bytes]:
        before.append(answer)
        return before[-65:-64] + before[-2:-1]  # the same number of a question comes after 64

    between, log = Between(emulator.address), io.BytesIO()
    try:
        meter = open_meter("ipmi", between.address, capture=log, options=FAST | {"interval_s": 0.01}, access=LOGIN)
        between.forgery = {"in the clear": in_the_clear, "damaged": damaged, "heard before": again}[forgery]
        read = what_is_read(meter, 70 if forgery == "heard before" else 8)
        meter.close()
    finally:
        between.close()
    assert between.sent >= 8
    assert {power_w for _, power_w in read} <= {51.0, "garbage"}
    with host.playing(Playback(exchanges(log))):
        played = open_meter(
            "ipmi", "ipmi://192.0.2.7", capture=None, options=FAST | {"interval_s": 0.01}, access=Access(REPLAYED)
        )
        assert what_is_read(played, len(read)) == read


def what_is_read(meter: Meter, count: int) -> list[tuple[int, float | str | None]]:
    """Stamps and powers of so many attempts, or that it was garbage."""
    found: list[tuple[int, float | str | None]] = []
    for _ in range(count):
        try:
            reading = meter.read(5.0)
            found.append((reading.time_ns, reading.power_w))
        except MeterGarbage:
            found.append((0, "garbage"))
    return found
