"""Finding meters on a network: messages of mDNS, services, and what each broadcast is answered, byte by byte."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kasa import Discover
from zeroconf import DNSIncoming, DNSOutgoing, DNSQuestion, ServiceInfo  # type: ignore[attr-defined]

from meters.discovery import dns
from meters.discovery.dns import Record
from meters.discovery.found import Found
from meters.discovery.inquiries import (
    FritzSsdp,
    Inquiry,
    Ipmi,
    Kasa,
    Mdns,
    MyStrom,
    Netio,
    RedfishSsdp,
    Tapo,
    inquiries,
)
from meters.discovery.services import READERS, Announcements
from meters.emulators.kasa import masked
from meters.meter import MeterGarbage
from meters.registry import DRIVERS

ADDRESS = "192.0.2.7"


def announced(kind: str, instance: str, port: int, texts: dict[str, str], address: str = ADDRESS) -> bytes:
    """An answer as python-zeroconf writes it, with its compressed names."""
    info = ServiceInfo(
        f"{kind}.local.", f"{instance}.{kind}.local.", addresses=[socket.inet_aton(address)], port=port,
        properties=texts, server="a-host.local.",
    )  # fmt: skip
    message = DNSOutgoing(0x8400)
    message.add_answer_at_time(info.dns_pointer(), 0)
    for record in (info.dns_service(), info.dns_text(), *info.dns_addresses()):
        message.add_additional_answer(record)
    return message.packets()[0]


def heard(kind: str, instance: str, port: int, texts: dict[str, str], drivers: frozenset[str]) -> list[Found]:
    way = Mdns(drivers)
    way.hear(announced(kind, instance, port, texts), "192.0.2.99")
    return list(way.found())


# --- messages -------------------------------------------------------------------------------------------------------


def test_a_question_is_one_for_python_zeroconf() -> None:
    (message,) = Mdns(frozenset({"homewizard"})).questions()
    asked = DNSIncoming(message)
    assert asked.is_query()
    assert [(question.name, question.type) for question in asked.questions] == [
        ("_hwenergy._tcp.local.", dns.PTR), ("_homewizard._tcp.local.", dns.PTR),
    ]  # fmt: skip
    theirs = DNSOutgoing(0)
    theirs.add_question(DNSQuestion("_hwenergy._tcp.local.", dns.PTR, dns.INTERNET))
    assert dns.encode_questions([(("_hwenergy", "_tcp", "local"), dns.PTR)]) == theirs.packets()[0]


def test_records_are_those_that_python_zeroconf_wrote() -> None:
    records = dns.decode_records(announced("_shelly._tcp", "Plug of mine", 80, {"gen": "2"}))
    instance = ("Plug of mine", "_shelly", "_tcp", "local")
    assert records == [
        Record(("_shelly", "_tcp", "local"), dns.PTR, target=instance),
        Record(instance, dns.SRV, target=("a-host", "local"), port=80),
        Record(instance, dns.TXT, texts=(b"gen=2",)),
        Record(("a-host", "local"), dns.A, address=ADDRESS),
    ]


def test_the_name_of_a_service_may_have_dots_that_some_responders_cut_it_at() -> None:
    (found,) = heard("_shelly._tcp", "Plug. of mine", 80, {}, frozenset({"shelly"}))
    assert found.says == "Plug. of mine"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        announced("_shelly._tcp", "a", 80, {})[:-1],
        Mdns(frozenset({"shelly"})).questions()[0],
        b"\0\0\x84\0\0\0\0\1\0\0\0\0\xc0\x0c\0\1\0\1\0\0\0\0\0\0",
    ],
    ids=["empty", "cut short", "a question", "a name that leads to itself"],
)
def test_what_is_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(MeterGarbage):
        dns.decode_records(message)


@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_an_error_of_ours(message: bytes) -> None:
    for way in (*inquiries(frozenset(DRIVERS)), Mdns(frozenset({"shelly"}))):
        for data in (message, b"\0\0\x84\0" + message):
            try:
                way.hear(data, ADDRESS)
                list(way.found())
            except MeterGarbage:
                continue


# --- services -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "instance", "port", "texts", "driver", "place", "is_ready"),
    [
        ("_shelly._tcp", "shellyplusplugs-AABB", 80, {"gen": "2"}, "shelly", f"http://{ADDRESS}", True),
        ("_http._tcp", "shellyplug-s-C38EAB", 80, {}, "shelly", f"http://{ADDRESS}", True),
        ("_http._tcp", "Tasmota-1234", 8080, {}, "tasmota", f"http://{ADDRESS}:8080", True),
        ("_hwenergy._tcp", "energysocket-27FF1E", 80, {"api_enabled": "1"}, "homewizard", f"http://{ADDRESS}", True),
        ("_hwenergy._tcp", "energysocket-27FF1E", 80, {"api_enabled": "0"}, "homewizard", f"http://{ADDRESS}", False),
        ("_homewizard._tcp", "p1dongle-1", 443, {}, "homewizard", f"https://{ADDRESS}", False),
        ("_esphomelib._tcp", "plug", 6053, {}, "mqtt", "", False),
        ("_mqtt._tcp", "broker", 1883, {}, "mqtt", f"mqtt://{ADDRESS}", False),
        ("_secure-mqtt._tcp", "broker", 8883, {}, "mqtt", f"mqtts://{ADDRESS}", False),
        ("_home-assistant._tcp", "Home", 8123, {}, "homeassistant", f"http://{ADDRESS}:8123", False),
        ("_upsd._tcp", "nut", 3493, {"device_list": "rack"}, "nut", f"socket://{ADDRESS}:3493", True),
        ("_upsd._tcp", "nut", 3493, {"device_list": "a;b"}, "nut", f"socket://{ADDRESS}:3493", False),
        ("_redfish._tcp", "bmc", 443, {}, "redfish", f"https://{ADDRESS}", False),
    ],
)
def test_a_service_names_its_driver_its_place_and_what_is_needed(
    kind: str, instance: str, port: int, texts: dict[str, str], driver: str, place: str, is_ready: bool
) -> None:
    (found,) = heard(kind, instance, port, texts, frozenset({driver}))
    assert (found.driver, found.port, not found.needs) == (driver, place, is_ready)
    assert instance in found.says
    assert heard(kind, instance, port, texts, frozenset({"pzem"})) == []


def test_a_web_server_of_somebody_else_is_no_meter() -> None:
    assert heard("_http._tcp", "Printer of mine", 80, {}, frozenset(DRIVERS)) == []


def test_every_service_is_of_a_driver_that_there_is_and_every_option_is_one_of_its_own() -> None:
    assert {name for names, _reader in READERS.values() for name in names} <= set(DRIVERS)
    for kind in READERS:
        for found in heard(kind, "shelly", 80, {"device_list": "rack"}, frozenset(DRIVERS)):
            assert set(found.options) <= set(DRIVERS[found.driver].options)


def test_what_an_answer_leaves_out_is_asked_for_and_the_sender_is_the_host_until_then() -> None:
    told = Announcements(frozenset({"shelly"}))
    records = dns.decode_records(announced("_shelly._tcp", "plug", 80, {"gen": "2"}))
    told.hear(records[:1], "192.0.2.99")
    assert list(told.found()) == []
    instance = ("plug", "_shelly", "_tcp", "local")
    assert told.questions()[-2:] == [(instance, dns.SRV), (instance, dns.TXT)]
    told.hear(records[1:2], "192.0.2.99")
    assert [found.port for found in told.found()] == ["http://192.0.2.99"]
    told.hear(records[2:], "192.0.2.99")
    assert [found.port for found in told.found()] == [f"http://{ADDRESS}"]
    assert len(told.questions()) == 2


# --- broadcasts -----------------------------------------------------------------------------------------------------


def found_by(way: Inquiry, data: bytes) -> list[Found]:
    way.hear(data, ADDRESS)
    return list(way.found())


def test_kasa_is_asked_as_by_python_kasa_and_a_strip_needs_an_outlet() -> None:
    assert Kasa().questions() == [masked(b'{"system":{"get_sysinfo":{}}}')]
    info = b'{"system":{"get_sysinfo":{"model":"HS300(US)","sw_ver":"1","mac":"a","mic_type":"IOT.SMARTPLUGSWITCH"%b}}}'
    (plug,) = found_by(Kasa(), masked(info % b""))
    assert (plug.port, plug.needs) == (f"socket://{ADDRESS}:9999", ())
    (strip,) = found_by(Kasa(), masked(info % b',"deviceId":"80","children":[{"id":"00"},{"id":"01"}]'))
    assert strip.needs == ("which outlet: outlet is one of 1 to 2",)


# The form of python-kasa's fixture of a P110 (its values neutral).
P110 = (
    b'{"error_code":0,"result":{"device_id":"00","device_model":"P110(EU)","device_type":"%b","factory_default":false,'
    b'"ip":"127.0.0.123","is_support_iot_cloud":true,"mac":"48-22-54-00-00-00","mgt_encrypt_schm":{"encrypt_type":"%b",'
    b'"http_port":80,"is_support_https":false,"lv":2},"obd_src":"tplink","owner":"00"}}'
)


def test_tapo_is_asked_with_python_kasas_fixed_question_and_what_is_no_plug_is_left_out() -> None:
    assert Tapo().questions() == [Discover.DISCOVERY_QUERY_2]
    (plug,) = found_by(Tapo(), bytes(16) + P110 % (b"SMART.TAPOPLUG", b"KLAP"))
    assert (plug.driver, plug.port, len(plug.needs)) == ("tapo", f"http://{ADDRESS}", 1)
    (older,) = found_by(Tapo(), bytes(16) + P110 % (b"SMART.TAPOPLUG", b"AES"))
    assert "KLAP alone is read" in older.needs[1]
    assert found_by(Tapo(), bytes(16) + P110 % (b"SMART.TAPOHUB", b"KLAP")) == []
    with pytest.raises(MeterGarbage):
        Tapo().hear(b"\x02" * 40, ADDRESS)


def test_netio_answers_in_fields_with_its_own_address() -> None:
    # The example of NETIO's wiki, with a name behind it.
    answer = bytes.fromhex("02ab6b 0304c0a86523 09064e6574696f34 1304") + b"rack"
    (found,) = found_by(Netio(), answer)
    assert (found.driver, found.port, found.says) == ("netio", "http://192.168.101.35", "NETIO rack")
    with pytest.raises(MeterGarbage):
        Netio().hear(b"\x01\xec\x00", ADDRESS)


def test_mystrom_speaks_unasked_and_a_button_is_no_meter() -> None:
    (found,) = found_by(MyStrom(), bytes.fromhex("083af271e8006b04"))
    assert (found.port, found.says) == (f"http://{ADDRESS}", "myStrom Switch EU 08:3a:f2:71:e8:00")
    assert found_by(MyStrom(), bytes.fromhex("083af271e8006804")) == []
    assert MyStrom().questions() == []


def test_a_bmc_says_whether_it_speaks_ipmi() -> None:
    # The pong of OpenIPMI's ipmi_sim 2.0.33.
    pong = bytes.fromhex("0600ff06 000011be 40010010 000011be 00000000 8100 000000000000")
    (found,) = found_by(Ipmi(), pong)
    assert (found.driver, found.port) == ("ipmi", f"ipmi://{ADDRESS}")
    assert found.needs
    assert found_by(Ipmi(), pong[:20] + b"\x01" + pong[21:]) == []


def test_redfish_is_where_its_root_is_at_the_address_that_answered() -> None:
    answer = (
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST:urn:dmtf-org:service:redfish-rest:1:6\r\n"
        "USN:uuid:1234::urn:dmtf-org:service:redfish-rest:1:6\r\nAL:{}\r\nEXT:\r\n\r\n"
    )
    (found,) = found_by(RedfishSsdp(), answer.format("https://10.0.0.1:8443/redfish/v1/").encode())
    assert (found.port, len(found.needs)) == (f"https://{ADDRESS}:8443", 2)
    (found,) = found_by(RedfishSsdp(), answer.format("http://10.0.0.1/redfish/v1").encode())
    assert (found.port, len(found.needs)) == (f"http://{ADDRESS}", 1)
    with pytest.raises(MeterGarbage, match="expected a URL"):
        RedfishSsdp().hear(answer.format("file:///etc").encode(), ADDRESS)


def test_of_routers_a_fritz_box_names_itself() -> None:
    answer = "HTTP/1.1 200 OK\r\nLOCATION: http://192.0.2.1:49000/igddesc.xml\r\nSERVER: {}\r\n\r\n"
    (found,) = found_by(FritzSsdp(), answer.format("fritz-box UPnP/1.0 AVM FRITZ!Box 7490 113.07.01").encode())
    assert (found.port, found.says) == (f"http://{ADDRESS}", "FRITZ!Box 7490 113.07.01")
    assert found_by(FritzSsdp(), answer.format("Linux UPnP/1.0 MiniUPnPd/2.2").encode()) == []


def test_only_ways_of_the_drivers_that_are_asked_for_are_gone() -> None:
    assert inquiries(frozenset({"pzem", "wt310"})) == []
    assert [type(way) for way in inquiries(frozenset({"kasa"}))] == [Kasa]
    for way in inquiries(frozenset(DRIVERS)):
        assert way.drivers <= set(DRIVERS)
