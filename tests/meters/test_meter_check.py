"""`wattlab meter check` on emulated meters: what is asked how fast, and what is said of the refresh."""

from __future__ import annotations

import json

import pytest

from harness.cli import main
from harness.cli.meter_check import _fast_s
from harness.cli.meter_port import time_to_read_s
from harness.record.errors import ConfigError
from meters.meter import Meter
from meters.reading import Description
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


def described(interval_s: float | None, window_s: float = 0.0) -> Description:
    """What a meter says that gives a reading so often."""
    return Description(
        driver="mqtt", averaging="instantaneous", window_s=window_s, stamp="unknown", latency_s=0.0, columns=(),
        tier="uncalibrated", interval_s=interval_s,
    )  # fmt: skip


def test_what_a_slow_meter_needs_is_said_before_it_is_listened_to() -> None:
    assert time_to_read_s(None, 1.0, 10, 60.0) == 60.0
    assert time_to_read_s(None, 10.0, 10, 60.0) == 110.0, "the first comes up to 10 s after the beginning"
    assert time_to_read_s(100.0, 10.0, 10, 60.0) == 100.0
    assert time_to_read_s(2.0, described(None).pace_s, 10, 60.0) == 2.0, "of nobody's pace nothing is known"
    with pytest.raises(ConfigError, match=r"^--seconds 40: .* each 10 s, and 10 are needed; give --seconds 110 "):
        time_to_read_s(40.0, 10.0, 10, 60.0)


def test_how_long_a_silence_is_none_follows_from_the_pace() -> None:
    for description, pace_s, patience_s in (
        (described(10.0), 10.0, 25.0),
        (described(0.1), 0.1, 5.0),
        (described(None, window_s=60.0), 60.0, 150.0),
        (described(None), 0.0, 5.0),
    ):
        assert (description.pace_s, description.patience_s) == (pace_s, patience_s)


def test_a_slow_meter_is_read_without_a_word_between_its_readings(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("meters.reading.LEAST_PATIENCE_S", 0.1)
    port = start_emulator("--profile", "watts=50", "--interval", "0.6", name="mqtt").address
    words = ["--option", "topic=tele/EMULATED/SENSOR", "--option", "power=ENERGY.Power", "--option", "interval_s=0.6"]
    assert main(["meter", "read", "mqtt", port, *words, "--count", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lost"] == []
