"""Every codec as one function of a stream of bytes, for the property tests and for the fuzzer.

A function takes what came over the wire and decodes all of it as its driver would, in the chunks it is given; it may
raise only `MeterError`, and it returns how many bytes it still holds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from meters import (
    fritz,
    gude,
    hm8115,
    homeassistant,
    homewizard,
    kasa,
    mystrom,
    netio,
    powerspy2,
    register_maps,
    shelly,
    tasmota,
    wattsup,
)
from meters.access import Credentials
from meters.discovery.inquiries import inquiries
from meters.http_wire import BODY_LIMIT
from meters.iec62056 import data_lines as iec62056_data_lines
from meters.iec62056 import messages as iec62056_messages
from meters.iec62056 import p1_telegram
from meters.iec62056 import registers as iec62056_registers
from meters.ipmi import dcmi as ipmi_dcmi
from meters.ipmi import inventory as ipmi_inventory
from meters.ipmi import messages as ipmi_messages
from meters.ipmi import sensors as ipmi_sensors
from meters.ipmi import session as ipmi_session
from meters.json_reply import parse_json
from meters.mbus import frames as mbus_frames
from meters.mbus import quantities as mbus_quantities
from meters.mbus import records as mbus_records
from meters.mcp39f511n import codec as mcp39f511n_codec
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.modbus import frames as modbus_frames
from meters.mqtt import packets as mqtt_packets
from meters.mqtt import payload as mqtt_payload
from meters.nut import codec as nut_codec
from meters.polled_http import reading_of
from meters.ptdaemon import codec as ptdaemon_codec
from meters.redfish import codec as redfish
from meters.registry import DRIVERS
from meters.sml import elements as sml_elements
from meters.sml import frame as sml_frame
from meters.sml import registers as sml_registers
from meters.snmp import engine as snmp_engine
from meters.snmp import messages as snmp_messages
from meters.snmp import mibs as snmp_mibs
from meters.snmp import pdus as snmp_pdus
from meters.snmp import rows as snmp_rows
from meters.snmp import usm as snmp_usm
from meters.snmp import v3_messages
from meters.snmp.ber import Item
from meters.splitters import FrameSplitter, LineSplitter
from meters.tapo import klap as tapo_klap
from meters.tapo import messages as tapo_messages
from meters.tapo import veil as tapo_veil
from meters.wire import Chunk
from meters.yokogawa import codec as yokogawa_codec
from meters.yokogawa import dialects as yokogawa_dialects
from meters.zes import codec as zes_codec
from meters.zes import dialects as zes_dialects
from tests.meters.ipmi_samples import POWER_SENSOR
from tests.meters.mbus_samples import EMMOD206, EMU_PROFESSIONAL, SAIA_ALE3, SDM630

TELEGRAMS_OF_MBUS = (EMU_PROFESSIONAL, SAIA_ALE3, SDM630, EMMOD206)
TELEGRAMS = Path(__file__).resolve().parents[1] / "data" / "telegrams" / "dsmr"


@dataclass(frozen=True, slots=True)
class Codec:
    """`decode` as the module says, sound frames to begin with, and the most bytes the codec may ever hold."""

    decode: Callable[[Sequence[bytes]], int]
    seeds: tuple[bytes, ...]
    limit: int


def _mcp39f511n(chunks: Sequence[bytes]) -> int:
    scale = mcp39f511n_codec.Scale(16, (1.0, 1.0))
    held = b""
    for chunk in chunks:
        held += chunk
        for count in (0, 2, 4, 28, 32):
            with suppress(MeterGarbage, MeterMismatch, MeterRefused):
                data = mcp39f511n_codec.decode_reply(held, count)
                if data and count == 2:
                    mcp39f511n_codec.decode_version(data)
                elif data and count == 4:
                    mcp39f511n_codec.decode_scale(data[:2], data, data)
                elif data and count >= 28:
                    mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(data), scale, "both", "0-3", 3450.0, 1)
                    mcp39f511n_codec.check_two_channels(data)
        try:
            held = held if mcp39f511n_codec.decode_reply(held, 28) is None else b""
        except MeterGarbage:  # a driver drops it all and asks again
            held = b""
    return len(held)


def _powerspy2(chunks: Sequence[bytes]) -> int:
    splitter = FrameSplitter(b"<", b">", powerspy2.FRAME_LIMIT)
    scale = powerspy2.Scale(0.0815476, 0.000544977, 1.0, 3680.0)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            for decode in (powerspy2.decode_name, powerspy2.decode_byte):
                with suppress(MeterGarbage):
                    decode(frame.body)
            with suppress(MeterGarbage):
                powerspy2.decode_frequency(frame.body, 2)
            with suppress(MeterGarbage):
                powerspy2.to_reading(powerspy2.decode_row(frame.body), scale, 1, frozenset())
    return splitter.held_bytes


def _modbus(register_map: register_maps.RegisterMap, count: int) -> Callable[[Sequence[bytes]], int]:
    """The reply to a question for the first registers of the map, found in the stream, then as a reading."""

    def decode(chunks: Sequence[bytes]) -> int:
        block = register_map.blocks[0]
        question = modbus_frames.Question(1, register_map.function, block.start, count)
        splitter = modbus_frames.Rtu().splitter(question)
        for chunk in chunks:
            frame = splitter.feed(chunk)
            if frame is not None:
                with suppress(MeterGarbage):
                    words = modbus_frames.rtu_words(frame, question)
                    values = register_maps.decode_block(register_map, block.start, words)
                    register_maps.to_reading(register_map, values, 1, 1e4, stale=False)
        with suppress(MeterGarbage):
            modbus_frames.rtu_words(splitter.heard, question)
        return splitter.held_bytes

    return decode


def _registers(register_map: register_maps.RegisterMap, start: int) -> Callable[[Sequence[bytes]], int]:
    """The values of any registers at all: what lies behind the check sum, which a fuzzer does not get past."""

    def decode(chunks: Sequence[bytes]) -> int:
        for chunk in chunks:
            words = struct.unpack(f">{len(chunk) // 2}H", chunk[: len(chunk) // 2 * 2])
            with suppress(MeterGarbage):
                values = register_maps.decode_block(register_map, start, words)
                register_maps.to_reading(register_map, values, 1, 1e4, stale=False)
        return 0

    return decode


def _modbus_tcp(chunks: Sequence[bytes]) -> int:
    framing = modbus_frames.Tcp()
    question = modbus_frames.Question(1, 3, 19050, 2)
    framing.request(question)
    splitter = framing.splitter(question)
    for chunk in chunks:
        frame = splitter.feed(chunk)
        if frame is not None:
            with suppress(MeterGarbage):
                framing.words(frame, question)
    with suppress(MeterGarbage):
        framing.words(splitter.heard, question)
    return splitter.held_bytes


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


def _lmg(dialect: zes_dialects.Dialect) -> Callable[[Sequence[bytes]], int]:
    def decode(chunks: Sequence[bytes]) -> int:
        splitter = LineSplitter(b"\n", zes_codec.LINE_LIMIT)
        before = None
        for chunk in chunks:
            for frame in splitter.feed(Chunk(1, chunk)):
                with suppress(MeterGarbage):
                    zes_codec.decode_identity(frame.body)
                with suppress(MeterGarbage):
                    row = zes_codec.decode_row(frame.body, dialect.names)
                    zes_codec.check_row(row, 0.5)
                    zes_codec.to_reading(row, 1, zes_codec.order_flags(before, row))
                    before = row
        return splitter.held_bytes

    return decode


def _hm8115(chunks: Sequence[bytes]) -> int:
    splitter = LineSplitter(b"\r", hm8115.LINE_LIMIT)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            for decode in (hm8115.decode_identity, hm8115.decode_version):
                with suppress(MeterGarbage):
                    decode(frame.body)
            with suppress(MeterGarbage):
                hm8115.to_reading(hm8115.decode_values(frame.body), 1)
    return splitter.held_bytes


def _yokogawa(quantities: Sequence[yokogawa_dialects.Quantity]) -> Callable[[Sequence[bytes]], int]:
    def decode(chunks: Sequence[bytes]) -> int:
        splitter = LineSplitter(b"\n", yokogawa_codec.LINE_LIMIT)
        for chunk in chunks:
            for frame in splitter.feed(Chunk(1, chunk)):
                with suppress(MeterGarbage):
                    yokogawa_codec.decode_identity(frame.body)
                with suppress(MeterGarbage):
                    first, _second, events, condition, tag = yokogawa_codec.decode_reply(frame.body, 5)
                    yokogawa_codec.decode_tag(tag)
                    values = yokogawa_codec.decode_values(first, quantities)
                    over, stale = (
                        yokogawa_codec.decode_register(condition) > 3,
                        not yokogawa_codec.decode_register(events),
                    )
                    yokogawa_codec.to_reading(values, 1, 1.0, over=over, stale=stale, counted=True)
        return splitter.held_bytes

    return decode


def _ptdaemon(chunks: Sequence[bytes]) -> int:
    splitter = LineSplitter(ptdaemon_codec.LINE_END, ptdaemon_codec.LINE_LIMIT)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            with suppress(MeterGarbage):
                line = ptdaemon_codec.decode_text(frame.body)
                match line.partition(",")[0]:
                    case "Time":
                        ptdaemon_codec.to_reading(ptdaemon_codec.decode_row(line), 1, 1.0, None, frame.resynced)
                    case "Watts" | "Uncertainty" as name:
                        ptdaemon_codec.decode_statistic(line, name)
                    case "Ranges":
                        ptdaemon_codec.decode_ranges(line)
                    case _ if line.startswith("Last"):
                        ptdaemon_codec.decode_unread(line)
                    case _:
                        ptdaemon_codec.decode_identity(line)
    return splitter.held_bytes


def _mbus(chunks: Sequence[bytes]) -> int:
    """What the link lets through, and what lies behind its check sum, which a fuzzer does not get past."""
    splitter = mbus_frames.MbusSplitter()
    for chunk in chunks:
        bodies = [frame.body for frame in splitter.feed(Chunk(1, chunk))]
        for body in (*bodies, b"\x68\x00\x00\x68\x08\x05\x72" + bytes(12) + chunk + b"\x00\x16"):
            with suppress(MeterGarbage, MeterRefused):
                answer = mbus_records.decode_answer(mbus_frames.decode_telegram(body))
                mbus_quantities.identify(answer.header, answer.records)
                with suppress(MeterMismatch):
                    mbus_records.check_electricity(answer.header)
                for place in (None, 0):
                    with suppress(MeterGarbage, MeterOptionError):
                        choices = mbus_quantities.choices_of(answer.records, place)
                        mbus_quantities.columns_of(choices, 41_400.0, None)
                        mbus_quantities.to_reading(choices, 1, 41_400.0, stale=False, flags=frozenset())
    return splitter.held_bytes


def _sml(chunks: Sequence[bytes]) -> int:
    splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            with suppress(MeterGarbage):
                telegram = sml_elements.decode_telegram(frame.body, "x25")
                sml_registers.identify(telegram)
                sml_registers.to_reading(telegram, 1, 41400.0, frozenset())
        with suppress(MeterGarbage):  # beyond the check sums too
            sml_elements.decode_element(chunk, 0)
    return splitter.held_bytes


def _iec62056(chunks: Sequence[bytes]) -> int:
    splitter = iec62056_messages.TelegramSplitter()
    for chunk in chunks:
        with suppress(MeterGarbage):
            iec62056_messages.decode_identification(iec62056_messages.from_wire(chunk, "7E1"))
        with suppress(MeterGarbage):
            sets = iec62056_data_lines.decode_block(
                iec62056_messages.decode_readout(iec62056_messages.from_wire(chunk, "plain"))
            )
            iec62056_registers.to_reading(sets, 1, 41400.0, resynced=False)
        for frame in splitter.feed(Chunk(1, iec62056_messages.from_wire(chunk, "plain"))):
            with suppress(MeterGarbage):
                identification, block = iec62056_messages.decode_telegram(frame.body)
                sets = iec62056_data_lines.decode_block(block)
                iec62056_registers.identify(identification, sets)
                iec62056_registers.to_reading(sets, 1, 41400.0, frame.resynced)
                iec62056_registers.describe(sets, 0.0, 41400.0, None)
    return splitter.held_bytes


def _gude(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        gude.decode_identity(body)
    for sensor in gude.decode_sensors(body):
        gude.to_reading(sensor, 1, 3680.0, stale=False)
    return len(body)


def _tasmota(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        tasmota.decode_identity(body, body)
    tasmota.to_reading(tasmota.decode_energy(body, 0), 1, 3680.0, stale=False)
    return len(body)


def _shelly(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage, MeterRefused):
        shelly.decode_info(body)
    with suppress(MeterGarbage):
        shelly.to_reading(shelly.decode_component(body), 1, 3680.0, stale=False)
    shelly.to_reading(shelly.decode_gen1(body, 0), 1, 3680.0, stale=True)
    return len(body)


def _homewizard(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    for api in ("v1", "v2"):
        with suppress(MeterGarbage):
            homewizard.decode_device(body, api)
        for model in ("HWE-P1", "HWE-SKT"):
            with suppress(MeterGarbage):
                answer = homewizard.decode_data(body, api, model)
                homewizard.refresh_s_of(model, answer.protocol)
                reading_of(answer.values, 1, 3680.0, stale=False)
    return len(body)


def _mqtt(chunks: Sequence[bytes]) -> int:
    splitter = mqtt_packets.PacketSplitter()
    places = mqtt_payload.places_of(
        {name: option.default for name, option in mqtt_payload.OPTIONS.items()} | {"power": "ENERGY.Power[0]"}
    )
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            with suppress(MeterGarbage):
                packet = mqtt_packets.decode_packet(frame.body)
                if isinstance(packet, mqtt_packets.Message):
                    for found in (places, (mqtt_payload.Place(places[0].field, (), "power"),)):
                        with suppress(MeterGarbage):
                            values = mqtt_payload.decode_payload(packet.payload, found)
                            reading_of(values, 1, 3680.0, stale=False)
    return splitter.held_bytes


def _p1(chunks: Sequence[bytes]) -> int:
    splitter = p1_telegram.P1Splitter()
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            for checksum in ("crc16", "none"):
                with suppress(MeterGarbage):
                    identification, block = p1_telegram.decode_telegram(frame.body, checksum)
                    sets = iec62056_data_lines.decode_block(block)
                    p1_telegram.identify_p1(identification, sets)
                    p1_telegram.clock_s(sets)
                    p1_telegram.P1Registers(sets).reading(1, 41400.0, frozenset())
                    p1_telegram.P1Registers(sets).describe("p1", 0.0, 41400.0, None)
    return splitter.held_bytes


def _kasa(chunks: Sequence[bytes]) -> int:
    splitter = kasa.ReplySplitter(kasa.REPLY_LIMIT)
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            _kasa_reply(kasa.decrypt(frame.body))
    return splitter.held_bytes


def _kasa_reply(body: bytes) -> None:
    """A reply without its XOR, which a fuzzer does not get past."""
    with suppress(MeterGarbage):
        kasa.decode_device(body)
    for module in (kasa.PLUG_EMETER, kasa.BULB_EMETER):
        with suppress(MeterGarbage):
            kasa.to_reading(kasa.decode_values(body, module), 1, 3680.0, stale=False)


def _kasa_plain(chunks: Sequence[bytes]) -> int:
    for chunk in chunks:
        _kasa_reply(chunk)
    return 0


def _tapo(chunks: Sequence[bytes]) -> int:
    """What stands inside the seal, and a sealed answer of the length of each chunk; then a log's view of both."""
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        tapo_messages.decode_identity(body)
    with suppress(MeterGarbage):
        tapo_messages.decode_sockets(body)
    for source in tapo_messages.SOURCES:
        for socket in ("", "80"):
            with suppress(MeterGarbage):
                reading_of(tapo_messages.decode_values(body, source, socket), 1, 3680.0, stale=False)
    session = tapo_klap.Session("v2", tapo_klap.seal_of(bytes(16), bytes(16), b""), 1)
    with suppress(MeterGarbage):
        session.decode_answer(body)
    log_in = tapo_klap.LogIn(bytes(16), "a", "b")
    with suppress(MeterGarbage):
        tapo_klap.check_first(body)
        log_in.kind_of(body)
        log_in.whom(body)
    tapo_klap.kind_in_the_clear(body)
    veil = tapo_veil.Veil()
    veil.said, veil.heard = body, session.decode_answer
    veil.request(body)
    veil.reply(body)
    veil.reply(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    tapo_veil.without_home(body)
    return len(body)


def _fritz(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        fritz.decode_challenge(fritz.decode_session(body).challenge)
    with suppress(MeterGarbage):
        fritz.decode_identity(body, "087610000434")
    with suppress(MeterGarbage):
        fritz.decode_list(body)
    with suppress(MeterGarbage):
        values = {field.quantity: fritz.decode_value(body, field) for field in fritz.FIELDS}
        fritz.to_reading(values, 1, 3680.0, stale=False)
    return len(body)


def _mystrom(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        mystrom.decode_info(body)
    mystrom.to_reading(mystrom.decode_report(body), 1, 3680.0, stale=False)
    return len(body)


def _netio(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    for output in (0, 1):
        with suppress(MeterGarbage, MeterOptionError):
            netio.to_reading(netio.decode(body, output), 1, 3680.0, stale=False)
    return len(body)


def _homeassistant(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        homeassistant.decode_version(body)
    homeassistant.to_reading(homeassistant.decode_state(body, "sensor.plug_power"), 1, 3680.0, stale=False)
    return len(body)


def _nut(chunks: Sequence[bytes]) -> int:
    splitter = LineSplitter(b"\n", nut_codec.LINE_LIMIT)
    lines: list[str] = []
    for chunk in chunks:
        for frame in splitter.feed(Chunk(1, chunk)):
            with suppress(MeterGarbage, MeterRefused, nut_codec.UpsSilent):
                lines = [*lines[-nut_codec.MOST_VARIABLES :], nut_codec.decode_line(frame.body, 1)]
    nut_codec.decode_names(lines)
    with suppress(MeterGarbage):
        variables = nut_codec.decode_variables([line for line in lines if line.startswith("VAR ")], "ups")
        nut_codec.refresh_of(variables, 15.0)
        for estimated in (True, False):
            nut_codec.decode_identity(variables, estimated=estimated)
            nut_codec.to_reading(variables, 1, 3680.0, stale=False, estimated=estimated)
    return splitter.held_bytes


def _snmp(chunks: Sequence[bytes]) -> int:
    """Each chunk is a datagram, so that nothing is held."""
    for chunk in chunks:
        snmp_messages.withhold_community(chunk, "public")
        with suppress(MeterGarbage):
            answer = snmp_messages.decode_answer(chunk, "2c")
            oids = [binding.oid for binding in answer.bindings]
            with suppress(MeterRefused):
                snmp_messages.check_error(answer, oids)
            objects = {binding.oid: binding.value for binding in answer.bindings}
            for mib in snmp_pdus.MIBS.values():
                if mib.rows is not None:
                    point = snmp_mibs.Point(1, 0)
                    named = snmp_rows.wanted(mib.rows, point, objects)
                    with suppress(MeterGarbage):
                        list(snmp_rows.scaled(mib.rows, point, named, objects))
                    continue
                with suppress(MeterGarbage):
                    found = list(snmp_mibs.scaled(mib, snmp_mibs.Point(mib.first_unit, 1), objects))
                    snmp_mibs.reading_of(found, objects, 1, 7400.0, available=True, stale=False)
    return 0


V3_ENGINE = b"\x80\x00\x1f\x88\x04wattlab"
V3_KEYS = snmp_usm.keys_of("not-known", "not-known", "sha1", snmp_usm.PRIVACIES["aes128"], V3_ENGINE)
V3_REPORT = bytes.fromhex("a81c0201010201000201003011300f060a2b060106030f01010400410101")


MOST_DATAGRAMS = 2
"""Of one input: each is opened several times, with and without keys."""


def _snmp_v3(chunks: Sequence[bytes]) -> int:
    """Each chunk is a datagram, and what is said behind code and seal, which a fuzzer does not get past."""
    question = snmp_messages.encode_question(1, ())
    for chunk in chunks[:MOST_DATAGRAMS]:
        for password in ("", "not-known"):
            chosen = snmp_engine.Protection("sha1", snmp_usm.PRIVACIES["aes128"], "")
            engine = snmp_engine.Engine("snmp://192.0.2.7", Credentials("admin", password), chosen)
            engine.first_id = 1
            engine.wrap(1, question)
            discovery = v3_messages.encode_scoped(V3_ENGINE, b"", V3_REPORT)
            signed = v3_messages.Message(1, 0, V3_ENGINE, 1, 1, b"admin", chunk)
            known = v3_messages.encode_message(v3_messages.Message(1, 0, V3_ENGINE, 1, 1, b"", discovery))
            for data in (chunk, known, chunk, v3_messages.encode_message(signed, V3_KEYS)):
                engine.presentable(data)
                with suppress(MeterGarbage, MeterRefused):
                    heard = engine.unwrap(data)
                    engine.wrap(1, question)
                    if isinstance(heard, Item):
                        snmp_messages.answer_of(heard)
    return 0


SEALED = ipmi_session.keys_of(ipmi_session.SUITES["17"], bytes(32))


def _ipmi(chunks: Sequence[bytes]) -> int:
    """Each chunk is a datagram; what stands behind the seal is tried without it."""
    for chunk in chunks:
        for keys in (None, SEALED):
            ipmi_session.in_the_clear(chunk, keys)
            with suppress(MeterGarbage):
                ipmi_session.open_packet(chunk, keys)
        talk = ipmi_session.LogIn(ipmi_session.SUITES["3"], b"admin", bytes(20), 2, 1)
        for take in (talk.take_open, talk.take_second, talk.take_fourth):
            with suppress(MeterGarbage):
                take(chunk)
        with suppress(MeterGarbage):
            chunk = ipmi_session.open_packet(chunk, None).payload
        with suppress(MeterGarbage, MeterMismatch, MeterRefused):
            chunk = ipmi_messages.data_of(ipmi_messages.decode_answer(chunk), ipmi_messages.GET_DEVICE_ID)
        for decode in (ipmi_dcmi.decode_power, ipmi_inventory.decode_device):
            with suppress(MeterGarbage):
                decode(chunk)
        with suppress(MeterGarbage):
            ipmi_sensors.measures_watts(chunk)
        for record in (chunk, POWER_SENSOR[: len(chunk)] + chunk):
            with suppress(MeterGarbage):
                sensor = ipmi_sensors.decode_record(record)
                ipmi_sensors.watts_of(sensor, chunk[0], ipmi_sensors.decode_factors(chunk[1:7]))
                ipmi_sensors.step_of(sensor, chunk[0])
        ipmi_inventory.area_of(chunk[:8])
        for is_product in (True, False):
            ipmi_inventory.decode_area(chunk, is_product=is_product)
            ipmi_inventory.decode_text(len(chunk) % 4, chunk)
    return 0


def _redfish(chunks: Sequence[bytes]) -> int:
    body = b"".join(chunks)[:BODY_LIMIT]
    with suppress(MeterGarbage):
        redfish.decode_identity(body, "Redfish")
    with suppress(MeterGarbage, MeterOptionError):
        redfish.choose_chassis(redfish.members_of(parse_json(body)), "")
    for decode in (lambda data: redfish.decode_control(data, ""), redfish.decode_supplies, redfish.decode_environment):
        with suppress(MeterGarbage, MeterOptionError):
            reading_of(decode(body), 1, 20_000.0, stale=False)
    redfish.sum_of([redfish.decode_supply(body)])
    return len(body)


def _discovery(chunks: Sequence[bytes]) -> int:
    """Each datagram is heard by every way of finding meters."""
    data = b"".join(chunks)
    for way in inquiries(frozenset(DRIVERS)):
        with suppress(MeterGarbage):
            way.hear(data, "192.0.2.1")
            list(way.found())
            way.questions()
    return 0


CODECS: dict[str, Codec] = {
    "discovery": Codec(
        _discovery,
        (
            bytes.fromhex("000084000000000100000000")
            + b"\x07_shelly\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x07\x04plug\xc0\x0c",
            bytes.fromhex("02ab6b0304c0a8652309064e6574696f34"),
            bytes.fromhex("0600ff06000011be40010010000011be000000008100000000000000"),
            b"HTTP/1.1 200 OK\r\nST:urn:dmtf-org:service:redfish-rest:1:6\r\nAL:https://a:8443/redfish/v1/\r\n\r\n",
        ),
        0,
    ),
    "ipmi": Codec(
        _ipmi,
        (
            bytes.fromhex(
                "06 00 FF 07 06 00 01 00 61 77 01 00 00 00 1A 00 81 B4 CB 20 04 02 00 DC 32 00 0A 00 64 00 31 00 "
                "00 F1 53 65 60 EA 00 00 40 FA"
            ),
            b"\x01\x07\x19\xc7wattlab\xc1\x00",
            POWER_SENSOR,
        ),
        0,
    ),
    "redfish": Codec(
        _redfish,
        (
            b'{"PowerControl":[{"MemberId":"0","Name":"Server Power","PowerConsumedWatts":344.5,"PowerMetrics":'
            b'{"IntervalInMin":30,"AverageConsumedWatts":319}}],"PowerSupplies":[{"Status":{"State":"Enabled"},'
            b'"PowerInputWatts":180,"LastPowerOutputWatts":165},{"Status":{"State":"Absent"},"PowerInputWatts":null}],'
            b'"InputPowerWatts":{"Reading":180.5},"Members":[{"@odata.id":"/redfish/v1/Chassis/1"}],"Id":"1"}',
            b'{"PowerWatts":{"Reading":374},"EnergykWh":{"Reading":326.5},"InputPowerWatts":{"Reading":null}}',
        ),
        BODY_LIMIT,
    ),
    **dict.fromkeys(
        snmp_pdus.MIBS,
        Codec(
            _snmp,
            (
                bytes.fromhex(  # real, as in test_snmp.py
                    "307F02010104067075626C6963A272 02041BC21325020100020100 3064 301506102B06010401EB2E06050403010401"
                    "0305420144 301506102B06010401EB2E06030504010701030142 0103 300C06082B060104010909098000 301606102B"
                    "060104018416060607060501060001 0202FC84 300E06082B0601020101030043020095"
                ),
            ),
            0,
        ),
    ),
    "apc-rpdu2:v3": Codec(
        _snmp_v3,
        tuple(
            bytes.fromhex(data)  # real, as in test_snmp_usm.py, and what may stand behind such a seal
            for data in (
                "308196020103301102046A5F2B60020300FFE3040103020103043C303A041180001F8804776174746C61622D746573740201010201"
                "0204076D64352D646573040C777C6164FAE0DFD9757B8D96040800000001131D6465044046C99B91FC683FF6E996FB70D72FEFDE92"
                "9434F09045DE6CFC2783E399CA1A8055490BD15854E824BDE803547AFDE7A5A15D7B145FC62A23894ECA7FCE540479",
                "303B041180001F8804776174746C61622D746573740400A224020101020100020100301930170612"
                "2B06010401EB2E060504030104010305420144",
                "3036041180001F8804776174746C61622D746573740400A81F020401385A780201000201003011300F060A2B060106030F01010200"
                "410101",
            )
        ),
        0,
    ),
    "gude": Codec(
        _gude,
        (
            b'{"sensor_descr":[{"type":9,"fields":[{"name":"ActivePower","unit":"W","decPrecision":0}],'
            b'"properties":[{"id":"L1","name":"Meter1"}]}],"sensor_values":[{"type":9,"values":[[{"v":50}]]}],'
            b'"misc":{"product_name":"Expert Power Control 1202","firm_v":"1.11.0"},"ethernet":{"mac":"00"}}',
        ),
        BODY_LIMIT,
    ),
    "tasmota": Codec(
        _tasmota,
        (
            b'{"StatusSNS":{"Time":"2019-09-06T20:06:19","ENERGY":{"Total":0.003,"Power":26,"ApparentPower":25,'
            b'"Factor":0.06,"Voltage":239,"Current":0.106}},"StatusFWR":{"Version":"11.1.0(tasmota)",'
            b'"Hardware":"ESP8266EX"},"StatusNET":{"Mac":"4C:11:AE:11:F8:50"}}',
            b'{"StatusSNS":{"ENERGY":{"Power":[26],"Current":[0.106],"Voltage":null}}}',
        ),
        BODY_LIMIT,
    ),
    "shelly": Codec(
        _shelly,
        (
            b'{"unixtime":1709223219,"relays":[{"overpower":false}],"emeters":[{"power":51.08,"pf":0.27,'
            b'"current":0.78,"voltage":234.90,"is_valid":true,"total":1686297.2}],"apower":25.7,"freq":50.2,'
            b'"aenergy":{"total":913.252},"errors":["overtemp"],"gen":2,"model":"SNPL","ver":"1","mac":"B0"}',
            b'{"relays":[],"meters":[{"power":2.21,"is_valid":true,"total":439237}],"type":"SHPLG-S","fw":"1","mac":"B0"}',
        ),
        BODY_LIMIT,
    ),
    "kasa": Codec(
        _kasa,
        tuple(
            len(plain).to_bytes(4, "big") + kasa.encrypt(plain)
            for plain in (
                b'{"system":{"get_sysinfo":{"sw_ver":"1.2.5","model":"HS110(EU)","mac":"50","type":"IOT","err_code":0}}}',
                b'{"emeter":{"get_realtime":{"current":0.01,"err_code":0,"power":0.9,"total":55.1,"voltage":231.0}}}',
            )
        ),
        kasa.REPLY_LIMIT + 4,
    ),
    "kasa:plain": Codec(
        _kasa_plain,
        (
            b'{"system":{"get_sysinfo":{"sw_ver":"1.0.21","model":"HS300(US)","mac":"0","mic_type":"IOT.SMARTPLUGSWITCH",'
            b'"children":[{"id":"00"},{"id":"8006"}],"deviceId":"80","err_code":0}}}',
            b'{"emeter":{"get_realtime":{"current_ma":544,"err_code":0,"power_mw":62430,"total_wh":26889,'
            b'"voltage_mv":118389}}}',
            b'{"smartlife.iot.common.emeter":{"get_realtime":{"current_ma":0,"power_mw":998,"voltage_mv":0}}}',
            b'{"emeter":{"err_code":-1,"err_msg":"module not support"}}',
        ),
        0,
    ),
    "tapo": Codec(
        _tapo,
        (
            b'{"result":{"current_ma":33,"energy_wh":971,"power_mw":1003,"voltage_mv":121215},"error_code":0}',
            b'{"result":{"current_power":17654,"local_time":"2023-12-02 20:09:08"},"error_code":0}',
            b'{"result":{"model":"P110","mac":"48","fw_ver":"1","latitude":1,"ssid":"a\\"b"},"error_code":0}',
            b'{"result":{"responseData":{"result":{"responses":[{"result":{"power_mw":1},"error_code":0}]}}},"error_code":0}',
            b'{"result":{"child_device_list":[{"device_id":"80"}]},"error_code":0}',
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: TP_SESSIONID=A\r\n\r\n1\r\na\r\n0\r\n\r\n",
            bytes(48),
            tapo_klap.seal_of(bytes(16), bytes(16), b"").close(b'{"error_code":0}', 5),
        ),
        BODY_LIMIT,
    ),
    "fritz": Codec(
        _fritz,
        (
            b"1000\n",
            b"inval",
            b"087610000434,116300058001\n",
            b'<?xml version="1.0" encoding="utf-8"?><SessionInfo><SID>0000000000000000</SID>'
            b"<Challenge>2$10$5A1711$20$5A17</Challenge><BlockTime>0</BlockTime><Rights></Rights></SessionInfo>",
            b'<devicelist version="1"><device identifier="08761 0000434" id="17" fwversion="03.33" manufacturer="AVM" '
            b'productname="FRITZ!DECT 200"><present>1</present></device></devicelist>',
        ),
        BODY_LIMIT,
    ),
    "mystrom": Codec(
        _mystrom,
        (
            b'{"power":12.5,"Ws":12.25,"relay":true,"temperature":22.25,"boot_id":"1A","energy_since_boot":3600.5,'
            b'"time_since_boot":10,"version":"3.82.60","mac":"30AEA4000001","type":106}',
            b'{"power":null,"relay":false,"version":"2.56","mac":"30","type":"WS2"}',
        ),
        BODY_LIMIT,
    ),
    "netio": Codec(
        _netio,
        (
            b'{"Agent":{"Model":"NETIO 4All","SerialNumber":"24:A4:2C:39:11:5A","Version":"3.1.0"},"GlobalMeasure":'
            b'{"Frequency":50.1,"OverallPowerFactor":0,"TotalCurrent":0,"TotalEnergy":2253,"TotalLoad":0,"Voltage":239.1},'
            b'"Outputs":[{"Current":88,"Energy":2081,"ID":1,"Load":12,"PowerFactor":0.57,"State":1}]}',
        ),
        BODY_LIMIT,
    ),
    "homeassistant": Codec(
        _homeassistant,
        (
            b'{"entity_id":"sensor.plug_power","state":"45.3","attributes":{"unit_of_measurement":"kW"},"version":"2026.1",'
            b'"last_reported":"2026-01-01T00:00:00+00:00"}',
            b'{"entity_id":"sensor.plug_power","state":"unavailable","attributes":{}}',
        ),
        BODY_LIMIT,
    ),
    **dict.fromkeys(
        ("nut", "nut-load"),
        Codec(
            _nut,
            (
                b'BEGIN LIST UPS\nUPS ups "Dummy"\nEND LIST UPS\nBEGIN LIST VAR ups\nVAR ups ups.load "13"\n'
                b'VAR ups ups.realpower "123"\nVAR ups ups.realpower.nominal "980"\nVAR ups ups.status "OL"\n'
                b'VAR ups output.voltage "230.1"\nVAR ups driver.parameter.pollfreq "30"\nEND LIST VAR ups\n',
                b'VAR ups ups.mfr "a \\"quoted\\" word"\nERR DATA-STALE\nERR ACCESS-DENIED\nERR UNKNOWN-UPS\n',
            ),
            nut_codec.LINE_LIMIT + 1,
        ),
    ),
    "wt310": Codec(
        _yokogawa(yokogawa_dialects.QUANTITIES),
        (
            b"YOKOGAWA,WT333E,C3VD30030E,F1.04\n",
            b"230.10E+00,217.30E-03,-50.00E+00,50.001E+00,1.0000E+00,NAN,INF;1;1;2;117\n",
            b"3;500.0E-03;0;300.0E+00;0\n:MEAS:AVER 0;:MEAS:AVER:TYPE LIN\n1.000E+00;1;300.0E+00;1\n",
        ),
        yokogawa_codec.LINE_LIMIT + 1,
    ),
    "wt210": Codec(
        _yokogawa(yokogawa_dialects.QUANTITIES[:-1]),
        (b"YOKOGAWA,760401,0,F2.01\r\n", b"230.1E+00,9.9E+37,9.91E+37,50.01E+00,0.999E+00,49.99E+00;x;1;0;100\r\n"),
        yokogawa_codec.LINE_LIMIT + 1,
    ),
    "hm8115": Codec(
        _hm8115,
        (
            b"HAMEG HM8115-2\r",
            b"version 1.01\r",
            b"U3= 225.6E+0 I2= 0.243E+0 WATT= 50,0E+0\r",
            b"U3, I2, PF= 0.87E+0\r",
        ),
        hm8115.LINE_LIMIT + 1,
    ),
    "lmg95": Codec(
        _lmg(zes_dialects.LMG95),
        (
            b"ZES ZIMMER,LMG95,1,3.0\r\n",
            b"10267;434503856;0.500197;49.9803;234.835;0.25;50.0;58.7088;0.85166\r\n",
            b"10268;434553545;0.500217;49.9794;234.904;0.0;0.0;9.9e+37;9.91e+37\r\n",
        ),
        zes_codec.LINE_LIMIT + 1,
    ),
    "lmg450": Codec(
        _lmg(zes_dialects.LMG450),
        (b"65535;2147483647;0.5;50.0;230.0;0.5;-100.0;115.0;-0.86957\r\n",),
        zes_codec.LINE_LIMIT + 1,
    ),
    "lmg670": Codec(
        _lmg(zes_dialects.LMG670),
        (
            b"2015:01:21D17:20:55.437817000+0000;0.500101824;4.998982E+01;2.316219E+02;0.000000E+00;0.000000E+00;"
            b"0.000000E+00;9.910000E+37\n",
        ),
        zes_codec.LINE_LIMIT + 1,
    ),
    "mcp39f511n": Codec(
        _mcp39f511n,
        (
            bytes.fromhex("061f00001763fc0850c33373000088130000000000006e280000000000008d"),
            bytes.fromhex("0605176385"),
            bytes.fromhex("0607120c13003e"),
            b"\x06",
            b"\x15",
        ),
        300,
    ),
    "powerspy2": Codec(
        _powerspy2,
        (
            b"<007A1FCA 001F82FB 003AC29C 0FA9 0AB5>\n\r",
            b"<007656F4 001CF0BF FFFFFFF3 0F2E 09DA>\n\r",
            b"<POWERSPYC01FF35020001>",
            b"<F4E20>",
            b"<6C>",
        ),
        powerspy2.FRAME_LIMIT + 1,
    ),
    "pzem": Codec(
        _modbus(register_maps.PZEM, 10),
        (
            bytes.fromhex("01 04 14 09 7D 34 42 00 00 76 69 00 00 1F 57 00 00 01 F4 00 5D 00 00 C2 6A"),
            bytes.fromhex("01 84 04 42 C3"),
        ),
        modbus_frames.FRAME_LIMIT,
    ),
    "pzem:registers": Codec(
        _registers(register_maps.PZEM, 0),
        (bytes.fromhex("09 7D 34 42 00 00 76 69 00 00 1F 57 00 00 01 F4 00 5D 00 00"),),
        0,
    ),
    "sdm230:registers": Codec(
        _registers(register_maps.SDM230, 0x0C), (bytes.fromhex("45 8E 3C 35") + bytes(112), b"\x7f\xc0" + bytes(38)), 0
    ),
    "sdm120": Codec(
        _modbus(register_maps.SDM120, 2), (bytes.fromhex("01 04 04 43 66 33 34 1B 38"),), modbus_frames.FRAME_LIMIT
    ),
    "sdm230": Codec(
        _modbus(register_maps.SDM230, 2),
        (bytes.fromhex("00 00 01 04 04 43 69 69 78 10 6E 00"),),
        modbus_frames.FRAME_LIMIT,
    ),
    "umg604": Codec(_modbus_tcp, (bytes.fromhex("00 01 00 00 00 07 01 03 04 42 48 00 00"),), modbus_frames.FRAME_LIMIT),
    "wattsup": Codec(
        _wattsup,
        (
            b"#d,-,18,112,1199,275,79,0,34,2,112,1202,275,0,1199,0,100,0,0,600,112;\r\n",
            b"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;",
            b"#v,-,8,1,0,1,3,4,12,20070928,0;",
        ),
        wattsup.FRAME_LIMIT + 1,
    ),
    "ptdaemon": Codec(
        _ptdaemon,
        (
            b"Time,03-03-2021 00:07:17.980,Watts,4.000000,Volts,250.420000,Amps,0.036470,PF,0.438000,Mark,x\r\n",
            b"Uncertainty,0.006264,0.006105,0.009201,692,0,692,0\r\nLast 692 samples\r\n",
            b"Ranges,0,0.500000,0,300.000000\r\nWatts,23.492803,8.410000,24.560000,692,0,692\r\n",
            b"Y,1000,1,1,1,1,0,0,1,version=1.9.2,OS=Linux,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT333E;C3;F1.04\r\n",
        ),
        ptdaemon_codec.LINE_LIMIT,
    ),
    "mbus": Codec(
        _mbus, (*TELEGRAMS_OF_MBUS, b"\xe5", *(frame[19:-2] for frame in TELEGRAMS_OF_MBUS)), mbus_frames.FRAME_LIMIT
    ),
    "sml": Codec(
        _sml,
        (
            bytes.fromhex(  # real, as in test_sml.py
                "1B1B1B1B01010101760400000162006200726500000101760101070000017162A80B0A01484C5902000D6BE672620165017162A801"
                "638C88007604000002620062007265000007017707FFFFFFFFFFFF0B0A01484C5902000D6BE6070100620AFFFF72620165017162A8"
                "7477070100603201010101010104484C590177070100600100FF010101010B0A01484C5902000D6BE60177070100010800FF65001C"
                "010472620165017162A8621E52FF6501677C7A0177070100100700FF0101621B520053017801010163764D00760400000362006200"
                "726500000201710163E823001B1B1B1B1A001B4C"
            ),
            bytes.fromhex("77070100100700FF0101621B5200530178") + b"\x01",
        ),
        sml_frame.FRAME_LIMIT,
    ),
    "iec62056": Codec(
        _iec62056,
        (  # real, as in test_iec62056.py
            b"\x021-0:0.9.2*255(0220127)\r\n1-0:0.9.1*255(105644)\r\n1-0:1.8.0*255(0000502.853*kWh)\r\n"
            b"1-0:2.8.0*255(0098697.318*kWh)\r\n!\r\n\x03\x19",
            b"/ESY5Q3DA1004 V3.02\r\n\r\n1-0:1.8.0*255(00024234.1010820*kWh)\r\n1-0:1.7.255*255(000104.60*W)\r\n!\r\n",
            bytes.fromhex("AFC54BD435C3C5B130B24DF630B18D0A"),
            b"/HAG5M\n\n1-0:1.8.1*255(001720.4816)\n1-0:21.7.0(+00150*W)\n1-0:41.7.0(1*W)\n1-0:61.7.0(2*W)\n!6796\n",
        ),
        iec62056_messages.MESSAGE_LIMIT,
    ),
    "homewizard": Codec(
        _homewizard,
        (  # real, as in test_homewizard.py
            b'{"smr_version":42,"total_power_import_t1_kwh":10830.511,"total_power_import_t2_kwh":2948.827,'
            b'"active_power_w":-543,"active_voltage_l1_v":230.1,"active_current_l1_a":-4,"gas_timestamp":210606140010}',
            b'{"protocol_version":50,"timestamp":"2024-06-28T14:12:34","energy_import_kwh":13779.338,"power_w":-543}',
            b'{"product_name":"P1 Meter","product_type":"HWE-P1","serial":"5c2fafaabbcc","firmware_version":"6.00",'
            b'"api_version":"2.0.0"}',
        ),
        BODY_LIMIT,
    ),
    "mqtt": Codec(
        _mqtt,
        (
            b"\x20\x02\x00\x00\x90\x03\x00\x01\x00\xd0\x00",
            b'\x30\x48\x00\x10tele/plug/SENSOR{"Time":"2026-01-01T00:00:00","ENERGY":{"Power":[50]}}',
            b"\x31\x0b\x00\x06s/powr50.",
        ),
        mqtt_packets.MESSAGE_LIMIT + 8,
    ),
    "p1": Codec(
        _p1,
        (
            (TELEGRAMS / "v4_2.txt").read_bytes(),
            (TELEGRAMS / "v2_2.txt").read_bytes(),
            b"/FLU5\\253769484_A\r\n\r\n0-0:1.0.0(231102121548W)\r\n1-0:1.7.0(00.338*kW)\r\n!9\r\n",
        ),
        p1_telegram.TELEGRAM_LIMIT,
    ),
}
