"""A station without a scheduler: what it says of a campaign, and when it measures nothing."""

from pathlib import Path

import pytest

from harness.fleet.readiness import meters_of, refusal
from harness.fleet.station import Station
from harness.measure.campaign import Campaign
from harness.measure.lab_file import load
from harness.record.errors import ConfigError, FleetError
from tests.fleet.benches import LAB
from tests.harness.searching import SOFTWARE

REGISTER = """\
schema = 1
[instruments.plug]
maker = "Electronic Educational Devices"
model = "Watts up? PRO"
[[instruments.plug.certificates]]
number = "2026-09"
laboratory = "Cal lab"
date = 2026-01-12
expires = 2027-01-12
k = 2.0
points = [{ load_w = 100.0, error_w = 0.1, U_w = 0.05 }]
[check_loads.lamp]
expected_w = 60.0
U_w = 0.3
description = "a lamp"
source = "its data sheet"
"""
TRIED = (
    '{{"utc":"2026-11-2{day}T10:00:00Z","check_load":"lamp","instrument":"plug","meter":"wall","identity":{{}},'
    '"origin":"emulated","operator":"o","expected_w":60.0,"U_expected_w":0.3,"measured_w":120.0,"U_measured_w":0.1,'
    '"meter_limit_w":null,"limit_w":0.4,"ratio":2.0,"passed":{passed},"fits":null,"readings":30,"duration_s":30.0}}\n'
)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    text = LAB.format(name="a", python="python3", repetitions=2)
    (tmp_path / "lab.toml").write_text(text.replace("[lab]", '[lab]\ninstruments = "instruments.toml"'))
    (tmp_path / "instruments.toml").write_text(REGISTER)
    return Station("a", tmp_path / "lab.toml", None, lambda _sentence: None)


def try_check_load(station: Station, *passed: bool) -> None:
    lines = (TRIED.format(day=day, passed=str(one).lower()) for day, one in enumerate(passed))
    (station.lab.parent / "check-loads.jsonl").write_text("".join(lines))


def test_a_campaign_that_was_not_begun_has_the_plan_that_it_will_have(station: Station) -> None:
    agenda = station.agenda("lab.toml")
    assert agenda["left"] == [1, 2, 3, 4]
    assert (agenda["is_done"], agenda["refused"]) == (False, None)
    assert agenda["folder"] == str(station.lab.parent / "runs" / "core-a")
    assert not (station.lab.parent / "runs").exists()


def test_a_campaign_whose_files_ask_for_something_else_by_now_is_not_the_one_that_was_made(station: Station) -> None:
    assert station.agenda("lab.toml")["otherwise"] is None
    Campaign(load(station.lab), SOFTWARE)
    assert station.agenda("lab.toml")["otherwise"] is None
    station.lab.write_text(station.lab.read_text().replace("seed = 5", "seed = 6"))
    agenda = station.agenda("lab.toml")
    assert (
        f"{station.lab}: campaign.seed differ from when the campaign {agenda['folder']} was begun"
        in agenda["otherwise"]
    )


def test_a_campaign_that_is_complete_stays_so_when_the_room_changes_and_not_when_something_else_is_asked(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    Campaign(load(station.lab), SOFTWARE)
    asked = station.lab.read_text()
    station.lab.write_text(asked.replace("reconnect_s = 5", "reconnect_s = 6"))
    assert "sut.reconnect_s differ" in station.agenda("lab.toml")["otherwise"]
    monkeypatch.setattr("harness.fleet.station.is_done", lambda _config: True)
    assert station.agenda("lab.toml")["otherwise"] is None
    for old, new in (("repetitions = 2", "repetitions = 3"), ("[lab]", '[lab]\ncustomer = "another"')):
        station.lab.write_text(asked.replace(old, new))
        assert "differ from when the campaign" in station.agenda("lab.toml")["otherwise"]


def test_a_station_whose_check_load_failed_gets_nothing_until_one_fits(station: Station) -> None:
    try_check_load(station, True, False)
    assert "a check load did not fit (meter wall on 2026-11-21T10:00:00Z)" in station.agenda("lab.toml")["refused"]
    with pytest.raises(FleetError, match=r"a: a check load did not fit.*measures nothing for a fleet"):
        station.measure("lab.toml", 1)
    assert not (station.lab.parent / "runs").exists()
    try_check_load(station, True, False, True)
    assert station.agenda("lab.toml")["refused"] is None


def test_a_meter_is_told_with_its_certificate_and_its_last_check_load(station: Station) -> None:
    try_check_load(station, False)
    config = load(station.lab)
    (meter,) = meters_of(config.station, config.file.meters)
    assert (meter.name, meter.instrument, meter.certificate) == ("wall", "plug", "2026-09")
    assert (meter.expires, meter.passed) == ("2027-01-12", False)
    assert refusal([meter]) is not None


def test_a_campaign_file_lies_beside_lab_toml_or_comes_with_wattlab(station: Station) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: no such file"):
        station.agenda("none.toml")
    with pytest.raises(ConfigError, match="campaign"):
        station.agenda("guldner.toml")  # found, and in conflict with the campaign of lab.toml


def test_a_station_is_one_process(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.fleet.station.ENDING_S", 0.0)
    other = Station("a", station.lab, None, lambda _sentence: None)
    with (
        station.alone(),
        pytest.raises(FleetError, match="another `wattlab station serve` is this station"),
        other.alone(),
    ):
        pass
    with other.alone():
        pass


def test_who_waits_for_a_run_leaves_when_the_scheduler_is_gone(station: Station) -> None:
    station.asked.set()
    with pytest.raises(FleetError, match="the scheduler that asked is gone"):
        station._pause(station.asked)
