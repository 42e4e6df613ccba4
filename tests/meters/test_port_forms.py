"""What may be written as a port: for every driver one of its forms, and what to write instead of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from meters.port import without_login
from meters.port_forms import link_of
from meters.registry import COUNTERS, DRIVERS, no_driver, wrong_port

DOCUMENT = (Path(__file__).parents[2] / "docs" / "meters.md").read_text(encoding="utf-8")
BARE = ("192.168.1.20", "192.168.1.20:7000", "meter.example")
SECRET = "not/known"


def filled(form: str) -> str:
    """A form with a host and a port in it."""
    return form.replace("HOST", "192.168.1.20").replace("PORT", "7000").replace("NAME", "usb-meter")


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_a_driver_has_forms_of_its_port_that_fit_and_stand_in_the_document(name: str) -> None:
    driver = DRIVERS[name]
    assert driver.ports
    assert {link_of(filled(form)) for form in driver.ports} == set(driver.links)
    for form in driver.ports:
        assert wrong_port(name, filled(form)) == ""
    row = next(line for line in DOCUMENT.splitlines() if line.startswith("| port of ") and f"`{name}`" in line)
    assert all(f"`{form}`" in row for form in driver.ports)


@pytest.mark.parametrize("name", sorted(DRIVERS))
@pytest.mark.parametrize("port", [*BARE, "gopher://192.168.1.20", "http:/", "http://192.168.1.20/x", "[fe80::1]", ""])
def test_what_has_none_of_the_forms_is_refused_and_what_is_to_be_written_is_not(name: str, port: str) -> None:
    said = wrong_port(name, port)
    if port == "http:/" and "serial" in DRIVERS[name].links:  # a path, as far as anybody can see
        return
    assert said
    assert "expected " in said
    _, mark, meant = said.partition("; write ")
    assert bool(mark) == ("192" in port or port in (*BARE, "[fe80::1]"))
    if mark:
        assert wrong_port(name, meant.replace("PORT", "7000")) == ""


@pytest.mark.parametrize("name", sorted(DRIVERS))
@pytest.mark.parametrize("scheme", ["", "http://", "mqtt://", "snmp://", "socket://", "ipmi://", "modbus://"])
def test_a_login_in_a_port_is_refused_and_never_repeated(name: str, scheme: str) -> None:
    said = wrong_port(name, f"{scheme}admin:{SECRET}@192.168.1.20:7000")
    assert "found a login in it" in said or scheme == ""
    assert SECRET not in said
    assert "known" not in said
    assert SECRET not in without_login(f"{scheme}admin:{SECRET}@192.168.1.20")


@pytest.mark.parametrize(
    ("name", "port", "meant"),
    [
        ("kasa", "http://192.168.1.20", "socket://192.168.1.20:9999"),
        ("kasa", "socket://192.168.1.20", "socket://192.168.1.20:9999"),
        ("nut", "rack@127.0.0.1", "socket://127.0.0.1:3493, and rack as the option ups"),
        ("redfish", "idrac.example", "https://idrac.example"),
        ("ipmi", "fe80::1", "ipmi://[fe80::1]"),
        ("mqtt", "https://broker:8883", "mqtts://broker:8883"),
        ("p1", "ttyUSB0", "/dev/ttyUSB0"),
        ("p1", "192.168.1.20", "socket://192.168.1.20:PORT"),
        ("wt310", "usbtmc0", "/dev/usbtmc0"),
        ("umg604", "192.168.1.20", "socket://192.168.1.20:502"),
    ],
)
def test_a_host_is_filled_into_the_form_of_its_driver(name: str, port: str, meant: str) -> None:
    assert wrong_port(name, port).endswith(f"; write {meant}")


def test_a_bridge_keeps_its_settings_and_a_counter_has_no_form() -> None:
    assert wrong_port("p1", "rfc2217://192.168.1.20:7000?ign_set_control") == ""
    assert all(not driver.ports and wrong_port(name, "anything") == "" for name, driver in COUNTERS.items())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hs110", "did you mean kasa?"),
        ("HS110(EU)", "did you mean kasa?"),
        ("P110M", "did you mean tapo?"),
        ("iDRAC9", "did you mean redfish or ipmi?"),
        ("apc", "did you mean apc-rpdu2?"),
        ("wattup", "did you mean wattsup?"),
        ("nonsense", "expected one of "),
    ],
)
def test_the_name_of_a_meter_names_who_reads_it(name: str, said: str) -> None:
    assert f"no driver {name!r}; {said}" in no_driver(name)


def test_no_name_of_a_meter_is_that_of_another_driver() -> None:
    for driver, about in DRIVERS.items():
        assert all(name.isalnum() and name == name.casefold() for name in about.names)
        assert not set(about.names) & (set(DRIVERS) - {driver})
