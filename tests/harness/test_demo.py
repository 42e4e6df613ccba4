"""The lab.toml that runs of the demo keep says what was measured."""

import json
import tomllib
from dataclasses import replace

import pytest

from harness.cli.demo import QUALIFICATION, _with
from harness.measure.lab_file import LabConfig, load, with_defaults
from harness.measure.preflight import of_files
from harness.record.documents import dump
from harness.station.station import APPLICATION


@pytest.fixture(scope="module")
def shipped() -> LabConfig:
    return load(APPLICATION / "lab.toml")


@pytest.mark.parametrize(("key", "value"), [("name", "demo-7"), ("sync_pulse", True), ("sync_pulse", False)])
def test_a_setting_of_the_demo_stands_in_the_file_that_runs_keep(
    shipped: LabConfig, key: str, value: str | bool
) -> None:
    config = _with(shipped, replace(shipped.file.campaign, **{key: value}), key)  # type: ignore[arg-type]
    written = tomllib.loads(config.source.decode())
    assert written["campaign"][key] == value
    assert json.loads(dump(with_defaults(written))) == json.loads(dump(config.to_json()))


def test_a_setting_that_the_file_leaves_to_its_default_is_added(shipped: LabConfig) -> None:
    source = b"\n".join(line for line in shipped.source.split(b"\n") if not line.startswith(b"sync_pulse"))
    config = _with(replace(shipped, source=source), replace(shipped.file.campaign, sync_pulse=True), "sync_pulse")
    assert tomllib.loads(config.source.decode())["campaign"]["sync_pulse"] is True


def test_the_demo_of_a_qualification_has_minutes_for_three_loads_and_levels_for_a_transfer_function() -> None:
    config = load(QUALIFICATION)
    named = _with(config, replace(config.file.campaign, name="qualify-demo-1"), "name")
    written = tomllib.loads(named.source.decode())
    assert written["campaign"]["name"] == "qualify-demo-1"
    assert json.loads(dump(with_defaults(written))) == json.loads(dump(named.to_json()))
    assert (config.sut.host, config.file.meters["wall"].port) == ("embedded", "embedded")
    assert all(scenario.trackers == ("codecarbon",) for scenario in config.scenarios)
    said = [reason.text for reason in of_files(config) if reason.subject in ("qualification", "baseline")]
    assert [text.split(" have ")[0] for text in said] == [f"the runs of cpu-{level}" for level in (20, 60, 80)]
