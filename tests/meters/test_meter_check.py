"""`wattlab meter check` on emulated meters: what is asked how fast, and what is said of the refresh."""

from __future__ import annotations

import json

import pytest

from harness.cli import main
from harness.cli.meter_check import _fast_s
from meters.meter import Meter
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator
from tests.meters.fleet import FLEET


def test_a_plug_is_asked_faster_than_it_has_new_values_and_its_refresh_is_told(
    start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    port = start_emulator("--profile", "load=0:0.5", "--interval", "0.5", name="shelly").address
    words = ["--option", "refresh_s=0.5", "--option", "interval_s=0.5", "--seconds", "8", "--json"]
    assert main(["meter", "check", "shelly", port, *words]) in (0, 3)
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    numbers = checks["refresh"]["numbers"]
    assert numbers["stated_s"] == 0.5
    assert numbers["asked_s"] < 0.3
    assert numbers["changes"] > 0


@pytest.mark.parametrize("name", ["apc-rpdu2", "kasa", "pzem", "nut", "mqtt", "shelly", "p1"])
def test_what_a_driver_takes_for_its_refresh_stands_in_its_description(
    name: str, start_emulator: StartEmulator
) -> None:
    entry = FLEET[name]
    port = start_emulator("--profile", "watts=50", *entry.said, name=entry.driver or name).address
    options = {key: value for key, value in entry.options.items() if key != "interval_s"}
    meter: Meter = open_meter(name, port, capture=None, options=options, access=entry.access)
    description = meter.describe()
    meter.close()
    is_asked = name not in ("p1", "mqtt")
    assert (description.refresh_s is not None) == is_asked
    assert (_fast_s(name, description) is not None) == is_asked
