"""The lab.toml that runs of the demo keep says what was measured."""

import json
import tomllib
from dataclasses import replace

import pytest

from harness.cli.demo import _with
from harness.measure.lab_file import LabConfig, load, with_defaults
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
