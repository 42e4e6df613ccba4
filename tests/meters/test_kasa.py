"""The Kasa codec and driver against replies of real devices that python-kasa ships as fixtures (commit a29d0610)."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from kasa import DeviceConfig, Module
from kasa.iot import IotBulb, IotDevice, IotPlug, IotStrip
from kasa.transports.xortransport import XorEncryption

from meters import kasa
from meters.emulators.kasa import KasaDevice, masked, unmasked
from meters.emulators.virtual_sut import parse_profile
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterUnavailable
from meters.reading import Reading
from meters.registry import open_meter
from meters.wire import Chunk
from tests.meters.conftest import StartEmulator, wait_until

PLUG, BULB = kasa.PLUG_EMETER, kasa.BULB_EMETER
# HS110(EU) 1.0, firmware 1.2.5; HS110(EU) 4.0, firmware 1.0.4; KL50(US); KL430(UN): each `get_realtime`.
HS110_V1 = b'{"current":0.014937,"err_code":0,"power":0.928511,"total":55.139,"voltage":231.067823}'
HS110_V4 = b'{"current_ma":451,"err_code":0,"power_mw":61753,"total_wh":16323,"voltage_mv":230837}'
KL50 = b'{"current_ma":0,"err_code":0,"power_mw":998,"total_wh":1,"voltage_mv":0}'
KL430 = b'{"err_code":0,"power_mw":16760,"total_wh":120}'
SYSINFO = (
    b'{"system":{"get_sysinfo":{"active_mode":"schedule","dev_name":"Wi-Fi Smart Plug With Energy Monitoring",'
    b'"deviceId":"00","err_code":0,"feature":"TIM:ENE","hw_ver":"1.0","mac":"50:C7:BF:00:00:00","model":"HS110(EU)",'
    b'"relay_state":1,"sw_ver":"1.2.5 Build 171213 Rel.101523","type":"IOT.SMARTPLUGSWITCH"}}}'
)


def read(realtime: bytes, module: str = PLUG, range_w: float = 3680.0) -> Reading:
    body = b'{"%b":{"get_realtime":%b}}' % (module.encode(), realtime)
    return kasa.to_reading(kasa.decode_values(body, module), 1, range_w, stale=False)


def test_units_go_by_the_name_of_each_key() -> None:
    first, fourth = read(HS110_V1), read(HS110_V4)
    assert (first.power_w, first.voltage_v, first.current_a, first.energy_wh) == (
        0.928511, 231.067823, 0.014937, 55139.0,
    )  # fmt: skip
    assert (fourth.power_w, fourth.voltage_v, fourth.current_a, fourth.energy_wh) == (61.753, 230.837, 0.451, 16323.0)
    assert kasa.decode_values(b'{"emeter":{"get_realtime":%b}}' % HS110_V4, PLUG)["power_w"].step == pytest.approx(1e-3)


def test_voltage_zero_of_a_bulb_is_no_value_and_a_bulb_may_send_power_alone() -> None:
    for realtime, power_w in ((KL50, 0.998), (KL430, 16.76)):
        bulb = read(realtime, BULB)
        assert (bulb.power_w, bulb.voltage_v, bulb.current_a) == (power_w, None, None)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b'"power_mw":61753,', b"", "found neither 'power_mw' nor 'power'"),
        (b'"power_mw":61753', b'"power_mw":"61753"', "power_mw: found '61753'"),
        (
            b'"err_code":0',
            b'"err_code":-1,"err_msg":"module not support"',
            r"found the error -1 \(module not support\)",
        ),
        (b'"power_mw"', b'"power_mw":1,"power_mw"', "stands twice"),
    ],
)
def test_what_is_no_reading_is_refused(old: bytes, new: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        read(HS110_V4.replace(old, new))


def test_power_that_is_none_says_why() -> None:
    assert read(HS110_V4.replace(b"61753", b"null")).flags == {"nan"}
    assert read(HS110_V4, range_w=60.0).flags == {"overrange"}
    assert read(HS110_V4.replace(b"230837", b"-1")).voltage_v is None


def test_a_device_is_who_it_says_and_a_strips_outlets_have_whole_ids() -> None:
    device = kasa.decode_device(SYSINFO)
    assert (device.identity.model, device.identity.serial, device.module, device.outlets) == (
        "HS110(EU)", "50:C7:BF:00:00:00", PLUG, (),
    )  # fmt: skip
    strip = kasa.decode_device(SYSINFO.replace(b'"feature"', b'"children":[{"id":"00"},{"id":"8006AB"}],"feature"'))
    assert strip.outlets == ("0000", "8006AB")
    assert kasa.decrypt(kasa.encode_realtime(strip, 2)[4:]) == (
        b'{"emeter":{"get_realtime":{}},"context":{"child_ids":["8006AB"]}}'
    )
    for device_, outlet, text in (
        (device, 1, "expected 0"),
        (strip, 0, "expected 1 to 2"),
        (strip, 3, "expected 1 to 2"),
    ):
        with pytest.raises(MeterOptionError, match=text):
            kasa.encode_realtime(device_, outlet)
    bulb = kasa.decode_device(SYSINFO.replace(b'"type":"IOT.SMARTPLUGSWITCH"', b'"mic_type":"IOT.SMARTBULB"'))
    assert bulb.module == BULB


def test_the_xor_is_that_of_python_kasa() -> None:
    for plain in (SYSINFO, b"", b"{}"):
        theirs = XorEncryption.encrypt(plain.decode())
        assert theirs == len(plain).to_bytes(4, "big") + kasa.encrypt(plain)
        assert kasa.decrypt(theirs[4:]) == plain
        assert (masked(plain), unmasked(theirs[4:])) == (theirs[4:], plain)


def test_replies_are_cut_by_their_length_however_they_come_and_one_too_long_is_dropped() -> None:
    data = b"\0\0\0\2ab\0\0\0\0\0\0\0\1c"
    for size in (1, 2, 5, 100):
        splitter = kasa.ReplySplitter(10)
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        frames = [frame.body for piece in pieces for frame in splitter.feed(Chunk(1, piece))]
        assert frames == [b"ab", b"", b"c"]
    with pytest.raises(MeterGarbage, match="found the length 256 before a reply, expected at most 10"):
        splitter.feed(Chunk(1, b"\0\0\1\0xyz"))
    assert (splitter.held_bytes, splitter.dropped_bytes) == (0, 7)


@contextmanager
def closing_plug(most: int) -> Iterator[str]:
    """A plug that answers `most` questions and closes the connection after each, as some do."""
    server, device = socket.create_server(("127.0.0.1", 0)), KasaDevice(parse_profile("watts=50", 1))

    def serve() -> None:
        with suppress(OSError):
            for _connection in range(most):
                connection, _address = server.accept()
                with connection:
                    data = b""
                    while not (replies := device.receive(data, 1.0)):
                        data = connection.recv(4096)
                    connection.sendall(replies[0])
        server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_each_question_has_a_connection_of_its_own() -> None:
    with closing_plug(6) as port:
        meter = open_meter("kasa", port, capture=None, options={"interval_s": 0.01})
        assert [meter.read(5.0).power_w for _ in range(3)] == [50.0] * 3
        meter.close()


def test_every_fault_of_its_own_is_what_it_should_be(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.05", name="kasa")
    meter = open_meter("kasa", emulator.address, capture=None, options={"interval_s": 0.02})

    def is_refused() -> bool:
        try:
            meter.read(5.0)
        except MeterGarbage:
            return True
        return False

    for fault in ("refused", "wrong-json", "missing-value", "too-long"):
        emulator.fault(fault)
        wait_until(is_refused, f"{fault} is garbage")
        assert (meter.read(5.0).power_w, meter.read(5.0).power_w) == (50.0, 50.0)
    for fault, flag in (("null-value", "nan"), ("overrange", "overrange")):
        emulator.fault(fault)
        wait_until(lambda flag=flag: flag in meter.read(5.0).flags, f"{fault} is no power")  # type: ignore[misc]
        assert meter.read(5.0).power_w == 50.0
    meter.close()


def test_a_strip_and_a_bulb_are_read_and_a_wrong_outlet_is_named(start_emulator: StartEmulator) -> None:
    strip = start_emulator("--profile", "watts=50", "--kind", "strip", "--generation", "1", name="kasa").address
    for outlet, power_w in ((1, 50.0), (2, 0.0)):
        meter = open_meter("kasa", strip, capture=None, options={"outlet": outlet})
        assert (meter.read(5.0).power_w, meter.identify().emulated) == (power_w, True)
        meter.close()
    with pytest.raises(MeterOptionError, match=r"^socket://[0-9.:]+: option outlet is 3, expected 1 to 2"):
        open_meter("kasa", strip, capture=None, options={"outlet": 3})
    bulb = start_emulator("--profile", "watts=9", "--kind", "bulb", name="kasa").address
    meter = open_meter("kasa", bulb, capture=None, options={})
    assert {column.name for column in meter.describe().columns} == {"power_w", "energy_wh"}
    meter.close()


def test_what_is_no_kasa_is_named() -> None:
    with pytest.raises(MeterUnavailable):
        open_meter("kasa", "socket://127.0.0.1:9", capture=None, options={})
    server = socket.create_server(("127.0.0.1", 0))
    answer = b"\0\0\0\2" + masked(b"{}")

    def serve() -> None:
        connection, _address = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(MeterMismatch, match=r"found no 'system'.*check that this is a Kasa device that meters"):
        open_meter("kasa", f"socket://127.0.0.1:{server.getsockname()[1]}", capture=None, options={})
    thread.join()
    server.close()


# --- python-kasa on the emulator ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "powers_w"),
    [
        (("--kind", "plug", "--generation", "1"), IotPlug, [50.0]),
        (("--kind", "plug"), IotPlug, [50.0]),
        (("--kind", "strip"), IotStrip, [50.0, 0.0]),
        (("--kind", "bulb"), IotBulb, [50.0]),
    ],
)
def test_python_kasa_reads_the_emulator(
    start_emulator: StartEmulator, words: tuple[str, ...], kind: type[IotDevice], powers_w: list[float]
) -> None:
    address = start_emulator("--profile", "watts=50", "--interval", "0.05", *words, name="kasa").address

    async def told() -> list[float | None]:
        device = kind("127.0.0.1", config=DeviceConfig("127.0.0.1", port_override=int(address.rpartition(":")[2])))
        try:
            await device.update()
            return [one.modules[Module.Energy].current_consumption for one in device.children or [device]]
        finally:
            await device.disconnect()

    assert asyncio.run(told()) == powers_w
