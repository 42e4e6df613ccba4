"""MQTT: packets against bytes of mosquitto, the driver at its broker, its clients on the emulated one.

[M] packets as mosquitto_sub 2.0.11 sent them on loopback, 2026-11-30. [D] messages as the documentation of the firmware
prints them.
"""

from __future__ import annotations

import io
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import host
from meters.access import ANYBODY, Access, Credentials, Pin
from meters.emulators.mqtt import OWN_FAULTS, TOPIC
from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnplugged,
)
from meters.mqtt import dialogue
from meters.mqtt.packets import (
    Message,
    PacketSplitter,
    decode_packet,
    encode_connect,
    encode_subscribe,
    withhold_login,
)
from meters.mqtt.payload import OPTIONS, decode_payload, not_read, places_of, read_path
from meters.playback import Playback
from meters.polled_http import reading_of
from meters.registry import open_meter
from meters.serial_wire import Line, SerialWire
from meters.wire import Chunk
from meters.wire_log import Exchange, read_capture
from tests.meters.certificates import Keeper, keeper
from tests.meters.conftest import StartEmulator, wait_until

SECRET = "not-in-any-log"
LOGIN = Credentials("lab", SECRET)
LET_IN = Access(LOGIN)
SENSOR = "tele/plug/SENSOR"
MESSAGE = '{"Time":"2026-01-01T00:00:00","ENERGY":{"Total":1.5,"Power":60.4,"Factor":0.51,"Voltage":230,"Current":0.5}}'
PATHS = {"power": "ENERGY.Power", "voltage": "ENERGY.Voltage", "current": "ENERGY.Current", "energy": "ENERGY.Total"}
QUICK = {"topic": SENSOR, "wait_s": 5.0, "interval_s": 1.0, "refresh_s": 0.001, **PATHS}


# --- packets ----------------------------------------------------------------------------------------------------------


def packets(stream: bytes, size: int = 4096) -> tuple[list[bytes], PacketSplitter]:
    splitter, found = PacketSplitter(), []
    for at in range(0, len(stream), size):
        found += [frame.body for frame in splitter.feed(Chunk(1, stream[at : at + size]))]
    return found, splitter


def test_a_login_and_a_subscription_are_byte_for_byte_those_of_mosquitto_sub() -> None:
    connect = bytes.fromhex("1027 0004 4D515454 04 C2 003C 0006 726561646572 0003 6C6162 000E") + SECRET.encode()
    assert encode_connect("reader", LOGIN, 60) == connect  # [M] -i reader -u lab -P ... -k 60
    assert encode_connect("", None, 60) == bytes.fromhex("100C 0004 4D515454 04 02 003C 0000")
    assert encode_subscribe("tele/plug/SENSOR") == bytes.fromhex("8215 0001 0010") + SENSOR.encode() + b"\0"  # [M]


def test_the_log_of_a_login_is_that_of_nobody_with_the_password_withheld() -> None:
    shown = withhold_login(encode_connect("reader", LOGIN, 60))
    assert SECRET.encode() not in shown
    assert b"lab" not in shown
    assert shown == encode_connect("reader", Credentials("", "(withheld)"), 60)  # so that a replay says the same
    for data in (encode_connect("", None, 60), encode_subscribe("a"), b"\xc0\x00"):
        assert withhold_login(data) == data


@pytest.mark.parametrize("size", [1, 3, 4096])
def test_packets_are_cut_out_in_whatever_pieces_they_come(size: int) -> None:
    long = b"\x31" + bytes([0x83, 0x02]) + b"\x00\x01t" + b"9" * 256
    stream = b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x00" + long + b"\xd0\x00"
    found, splitter = packets(stream, size)
    assert found == [b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00", long, b"\xd0\x00"]
    assert (splitter.held_bytes, splitter.broken) == (0, "")
    assert decode_packet(long) == Message("t", b"9" * 256, retained=True)


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        b"HTTP/1.1 400",
        b"\x32\x05\x00\x01t\x00\x07",
        b"\x20\x03",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x30\xff\xff\x7f",
    ],
)
def test_a_stream_that_is_none_is_broken_from_there_on(stream: bytes) -> None:
    found, splitter = packets(b"\xd0\x00" + stream + b"\xd0\x00")
    assert (found, splitter.held_bytes) == ([b"\xd0\x00"], 0)
    assert "found" in splitter.broken


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.binary(max_size=300))
def test_a_message_comes_back(topic: str, payload: bytes) -> None:
    content = len(topic.encode()).to_bytes(2, "big") + topic.encode() + payload
    length = bytes([len(content)]) if len(content) < 128 else bytes([len(content) & 127 | 128, len(content) >> 7])
    (packet,) = packets(b"\x30" + length + content)[0]
    assert decode_packet(packet) == Message(topic, payload, retained=False)


# --- messages ---------------------------------------------------------------------------------------------------------

TASMOTA = (  # [D]
    b'{"Time":"2024-05-05T12:00:05","ENERGY":{"TotalStartTime":"2023-01-01T00:00:00","Total":12.345,"Yesterday":0.5,'
    b'"Today":0.25,"Period":2,"Power":[25,7],"ApparentPower":[30,9],"Factor":[0.83,0.8],"Voltage":231,"Current":[0.13,0.04]}}'
)
ZIGBEE = b'{"current":0.27,"energy":1.37,"linkquality":120,"power":58.3,"state":"ON","voltage":229}'  # [D]
SHELLY2 = (  # [D] status/switch:0
    b'{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,"current":0.076,'
    b'"aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779}}'
)


def options(**given: str) -> Mapping[str, float | str]:
    return {name: option.default for name, option in OPTIONS.items()} | given


@pytest.mark.parametrize(
    ("payload", "given", "power_w", "energy_wh"),
    [
        (TASMOTA, {"power": "ENERGY.Power[1]", "energy": "ENERGY.Total", "current": "ENERGY.Current[1]"}, 7.0, 12345.0),
        (ZIGBEE, {"power": "power", "energy": "energy"}, 58.3, 1370.0),
        (SHELLY2, {"power": "apower", "energy": "aenergy.total", "energy_unit": "Wh"}, 8.9, 6.532),
        (b"58.30", {}, 58.3, None),
        (b"0.0583", {"power_unit": "kW"}, 58.3, None),
        (b"-58300", {"power_unit": "mW"}, -58.3, None),
        (b'{"switch:0":{"apower":8.9}}', {"power": "switch:0.apower"}, 8.9, None),
    ],
)
def test_messages_of_documentations(
    payload: bytes, given: dict[str, str], power_w: float, energy_wh: float | None
) -> None:
    reading = reading_of(decode_payload(payload, places_of(options(**given))), 1, 3680.0, stale=False)
    assert reading.power_w == pytest.approx(power_w)
    assert reading.energy_wh == (energy_wh if energy_wh is None else pytest.approx(energy_wh))


def test_a_path_that_leads_to_no_number_is_told_and_the_power_read() -> None:
    places = places_of(options(power="apower", energy="aenergy", voltage="volts"))
    values = decode_payload(SHELLY2, places)
    assert {quantity: value.value for quantity, value in values.items() if value.value is not None} == {"power_w": 8.9}
    voltage, energy = not_read(SHELLY2, places)
    assert voltage.startswith("option voltage leads to no number of the first message, and is not read: ")
    assert energy.startswith("option energy leads to no number of the first message, and is not read: $.aenergy")


def test_a_message_without_its_power_is_refused_and_any_other_quantity_left_out() -> None:
    places = places_of(options(power="power", voltage="volts", current="state"))
    assert set(decode_payload(ZIGBEE, places)) == {"power_w", "current_a"}
    for payload, words in ((b'{"state":"OFF"}', "found no 'power'"), (b"unavailable", "expected JSON")):
        with pytest.raises(MeterGarbage, match=words):
            decode_payload(payload, places)
    with pytest.raises(MeterGarbage, match=r"found 2 of them, expected one at \[2\]"):
        decode_payload(TASMOTA, places_of(options(power="ENERGY.Power[2]")))
    nothing = decode_payload(b'{"power":null}', places)
    assert reading_of(nothing, 1, 3680.0, stale=False).flags == {"nan"}


@pytest.mark.parametrize("path", [".a", "a.", "a..b", "a[", "a[x]", "a]b", "[0]"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(MeterOptionError, match="option power is"):
        read_path("power", path)


# --- the driver at mosquitto ----------------------------------------------------------------------------------------


class Mosquitto:
    """Mosquitto with one user, and mosquitto_pub."""

    def __init__(self, folder: Path, who: Keeper | None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.number = free.getsockname()[1]
        (folder / "users").write_text(f"lab:{SECRET}\n", encoding="ascii")
        subprocess.run(["mosquitto_passwd", "-U", str(folder / "users")], check=True)
        (folder / "users").chmod(0o644)
        lines = ["user root", "allow_anonymous false", f"password_file {folder / 'users'}"]
        lines += [f"acl_file {folder / 'acl'}", f"listener {self.number} 127.0.0.1"]
        (folder / "acl").write_text(f"user lab\ntopic readwrite {SENSOR}\n", encoding="ascii")
        if who is not None:
            pem = who.write(folder / "broker.pem")
            lines += [f"certfile {pem}", f"keyfile {pem}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        self._tls = ["--cafile", str(folder / "broker.pem"), "--insecure"] if who is not None else []
        self._command = ["mosquitto", "-c", str(folder / "mosquitto.conf")]
        self.port = f"{'mqtt' if who is None else 'mqtts'}://127.0.0.1:{self.number}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "mosquitto")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.number)) == 0

    def publish(self, payload: str, *more: str) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.number), "-u", "lab", "-P", SECRET, *self._tls]
        subprocess.run(["mosquitto_pub", *where, "-t", SENSOR, "-m", payload, *more], check=True, timeout=30)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def mosquitto(folder: Path, who: Keeper | None = None) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, who)
    try:
        yield broker
    finally:
        broker.stop()


def opened(port: str, sink: io.BytesIO | None = None, access: Access = LET_IN, **more: float | str) -> Meter:
    return open_meter("mqtt", port, capture=sink, options={**QUICK, **more}, access=access)


def test_the_driver_reads_what_mosquitto_pub_publishes_and_no_retained_message(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with mosquitto(tmp_path) as broker:
        broker.publish(MESSAGE.replace("60.4", "999"), "--retain")
        meter = opened(broker.port, sink)
        described = meter.describe()
        assert {column.name: column.resolution for column in described.columns}["power_w"] == 1.0
        assert (described.tier, described.interval_s, len(described.remarks)) == ("uncalibrated", 1.0, 2)
        with pytest.raises(MeterTimeout, match="no message before the deadline"):
            meter.read(0.05)
        broker.publish(MESSAGE)
        reading = meter.read(5.0)
        assert (reading.power_w, reading.voltage_v, reading.current_a, reading.energy_wh) == (60.4, 230.0, 0.5, 1500.0)
        broker.publish("{}")
        with pytest.raises(MeterGarbage, match=r"\$: found no 'ENERGY'.*check the paths"):
            meter.read(5.0)
        broker.stop()
        with pytest.raises(MeterUnplugged):
            meter.read(5.0)
        broker.start()
        broker.publish(MESSAGE, "--retain")
        meter.reopen()
        broker.publish(MESSAGE.replace("60.4", "61.5"))
        reading = meter.read(5.0)
        assert (reading.power_w, reading.flags) == (61.5, frozenset({"resynced"}))
        meter.close()
    said = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log"))
    assert said.count(b"(withheld)") == 2
    assert SECRET.encode() not in said


def test_what_mosquitto_does_not_let_in_is_said_with_a_remedy(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        for access in (Access(Credentials("lab", "another")), ANYBODY):
            with pytest.raises(
                MeterRefused, match=r"refuses the connection \(code 5\).*correct user and password_file"
            ):
                opened(broker.port, access=access)
        with pytest.raises(MeterTimeout, match="check that the device is on, publishes at this topic"):
            opened(broker.port, wait_s=0.1)
        for topic in ("", "tele/+/SENSOR", "#"):
            with pytest.raises(MeterOptionError, match="expected the whole name of one topic"):
                opened(broker.port, topic=topic)


def test_mosquitto_behind_tls_is_read_by_its_pinned_key(tmp_path: Path) -> None:
    who = keeper(addresses=("127.0.0.1",))
    with mosquitto(tmp_path, who) as broker:
        broker.publish(MESSAGE, "--retain")
        with closing(opened(broker.port, access=Access(LOGIN, Pin("broker", who.sha256)))) as meter:
            broker.publish(MESSAGE)
            assert meter.read(5.0).power_w == 60.4
            assert meter.origin().evidence["tls_pinned"] == ["certificate"]
            assert len(meter.describe().remarks) == 1
        with pytest.raises(MeterMismatch, match=who.sha256):
            opened(broker.port, access=Access(LOGIN, Pin("broker", keeper().sha256)))


def test_a_line_is_no_broker_and_a_broker_no_line() -> None:
    with pytest.raises(MeterOptionError, match="expected mqtt://HOST or mqtts://HOST"):
        opened("socket://127.0.0.1:9")
    with pytest.raises(MeterOptionError, match="speaks over a line, not MQTT"):
        SerialWire("mqtt://127.0.0.1", Line(9600), None)


# --- the emulated broker --------------------------------------------------------------------------------------------

LOAD = ("--profile", "watts=50", "--interval", "0.05")


@pytest.mark.parametrize("topic", [TOPIC, "tele/+/SENSOR", "tele/#"])
def test_mosquitto_sub_reads_the_emulated_broker(start_emulator: StartEmulator, topic: str) -> None:
    emulator = start_emulator(*LOAD, "--password", SECRET, name="mqtt")
    number = emulator.address.rpartition(":")[2]
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", number, "-V", "mqttv311", "-t", topic, "-C", "2", "-W", "20"]
    found = subprocess.run([*command, "-u", "admin", "-P", SECRET], capture_output=True, text=True, check=True)
    assert [json.loads(line)["ENERGY"]["Power"] for line in found.stdout.splitlines()] == [50.0, 50.0]
    wrong = subprocess.run([*command, "-u", "admin", "-P", "another"], capture_output=True, text=True, check=False)
    assert wrong.returncode != 0
    assert "not authori" in wrong.stderr.lower()


EXPECTED: Mapping[str, set[str]] = {
    **{fault: {"garbage", "resynced"} for fault in ("bad-json", "nan-literal", "wrong-type", "other-topic", "qos-1")},
    **{fault: set() for fault in ("not-authorised", "no-subscription", "retained")},
    **{"missing-value": {"nan"}, "overrange": {"overrange"}, "same-message": {"stale"}},
}


def test_each_fault_of_the_protocol_is_flagged_and_no_wrong_number(start_emulator: StartEmulator) -> None:
    assert set(EXPECTED) == OWN_FAULTS
    emulator = start_emulator(*LOAD, name="mqtt")
    with closing(opened(emulator.address, access=ANYBODY, topic=TOPIC, reply_s=1.0, refresh_s=0.5)) as meter:
        for fault, expected in EXPECTED.items():
            kinds: set[str] = set()
            assert meter.read(5.0).power_w == 50.0
            emulator.fault(fault)
            attempts, end_s = 0, time.monotonic() + 20.0
            # The emulator takes a fault when it comes to it: as many attempts as that takes.
            while attempts < 4 or (kinds != expected and time.monotonic() < end_s):
                attempts += 1
                try:
                    reading = meter.read(2.0)
                except MeterGarbage:
                    kinds.add("garbage")
                    continue
                assert reading.power_w in (50.0, None)
                kinds |= reading.flags
            assert kinds == expected, fault
            emulator.fault("clear")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("not-authorised", r"\(code 5\)"), ("no-subscription", f"does not let this reader subscribe '{TOPIC}'")],
)
def test_a_broker_that_refuses_is_refused_at_the_start_and_asked_again_while_reading(
    start_emulator: StartEmulator, fault: str, words: str
) -> None:
    emulator = start_emulator(*LOAD, "--fault", fault, name="mqtt")
    with pytest.raises(MeterRefused, match=words):
        opened(emulator.address, access=ANYBODY, topic=TOPIC)
    with closing(opened(emulator.address, access=ANYBODY, topic=TOPIC, reply_s=1.0)) as meter:
        emulator.fault(fault)
        emulator.fault("other-topic")
        found: list[str] = []
        while not found or found[-1] != "50.0":
            assert len(found) < 40
            try:
                reading = meter.read(2.0)
            except MeterError as error:
                found.append(str(error))
                continue
            found.append(str(reading.power_w) if len(found) > 1 and "resynced" in reading.flags else "before")
        assert any("refuses the connection" in text or "does not let" in text for text in found)


def test_a_connection_that_is_silent_is_asked_whether_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "PING_S", 0.05)
    heard = b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            nonlocal heard
            client, _address = server.accept()
            client.settimeout(20)
            with client:
                client.recv(100)
                client.sendall(b"\x20\x02\x00\x00")
                client.recv(100)
                client.sendall(b"\x90\x03\x00\x01\x00\x31\x04\x00\x01t5")
                heard = client.recv(2)
                client.sendall(b"\xd0\x00\x30\x04\x00\x01t6")
                client.recv(2)

        thread = threading.Thread(target=serve)
        thread.start()
        number = server.getsockname()[1]
        meter = open_meter("mqtt", f"mqtt://127.0.0.1:{number}", capture=None, options={"topic": "t"})
        assert meter.read(10.0).power_w == 6.0
        assert heard == b"\xc0\x00"
        meter.close()
        thread.join()


def test_a_log_with_a_pause_before_a_new_connection_is_decoded_again() -> None:
    said = (encode_connect("", None, 60), encode_subscribe("t"))
    heard = (b"\x20\x02\0\0", b"\x90\x03\x00\x01\x00", b"\x30\x04\x00\x01t5")
    ready = (said[0], heard[0], said[1], *heard[1:])
    times = [0, 1, 2, 3, 4, 20_004, 20_005, 20_006, 20_007, 20_008]  # ms; what the host waits for leaves no trace
    log = [Exchange(at * 10**6, ">" if data in said else "<", data) for at, data in zip(times, ready * 2, strict=True)]
    with host.playing(Playback(log, [6 * 10**6])):
        meter = open_meter("mqtt", "mqtt://192.0.2.1", capture=None, options={"topic": "t"})
        assert meter.read(1.0).power_w == 5.0
        with pytest.raises(MeterUnplugged):
            meter.read(1.0)
        meter.reopen()
        assert meter.read(1.0).flags == {"resynced"}
