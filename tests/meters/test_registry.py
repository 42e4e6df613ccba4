"""Every driver in the registry keeps the contract of the registry."""

from __future__ import annotations

import pytest

import meters.meter
from meters.emulators.__main__ import EMULATORS
from meters.meter import MeterError, MeterOptionError, MeterUnavailable
from meters.registry import DRIVERS, open_meter


def test_an_unknown_driver_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MeterOptionError, match=r"no driver 'wattup'; did you mean wattsup\?"):
        open_meter("wattup", "/dev/ttyUSB0", capture=None, options={})


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_every_driver_states_tier_limits_and_defaults_and_refuses_an_absent_port(name: str) -> None:
    driver = DRIVERS[name]
    assert driver.summary
    assert driver.wire
    assert driver.limits
    assert all(option.what for option in driver.options.values())
    assert driver.tier in ("reference", "working", "indicative", "uncalibrated")
    web = {wire: f"{wire}://127.0.0.1:9" for wire in ("http", "snmp", "ipmi", "mqtt")}
    absent = web.get(EMULATORS[name].wire, "/dev/ttyUSB99")
    defaults = {option: declared.default for option, declared in driver.options.items()}
    with pytest.raises(MeterUnavailable, match=absent):
        driver.open(absent, capture=None, options=defaults)
    with pytest.raises(MeterOptionError, match=f"{name}: unknown option 'nonsense'"):
        driver.open(absent, capture=None, options={"nonsense": 1})


def test_every_driver_has_an_emulator() -> None:
    assert sorted(EMULATORS) == sorted(DRIVERS)


def test_every_error_of_a_meter_has_one_root() -> None:
    errors = [item for item in vars(meters.meter).values() if isinstance(item, type) and issubclass(item, Exception)]
    assert len(errors) == 9
    assert all(issubclass(error, MeterError) for error in errors)
