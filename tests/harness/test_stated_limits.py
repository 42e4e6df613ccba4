"""Limits of error that the lab states of a meter in lab.toml: into the descriptor, the budget and the page as such."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from harness.measure.lab_file import load
from harness.measure.recorder import power_descriptor
from harness.record.documents import STATED_LIMITS, PowerDescriptor
from harness.record.errors import ConfigError
from harness.station.check_loads import stated
from harness.station.consistency import LARGEST_LIMIT_PERCENT
from harness.station.station import APPLICATION
from meters.reading import Accuracy, Column, Description, Identity, Origin
from reports.campaign.analyse import analyse
from reports.energy.meter_error import error_of
from tests.reports.make_campaign import LOADS, Shape, SyntheticRun, make_campaign

PLUG = Description(
    driver="shelly", averaging="instantaneous", window_s=0.0, stamp="end", latency_s=0.0, tier="uncalibrated",
    columns=(Column("power_w", "W", 0.1, (0.0, 3680.0), None), Column("voltage_v", "V", 0.1, (0.0, 260.0), None)),
)  # fmt: skip
LAB = Path(APPLICATION / "lab.toml").read_text(encoding="utf-8")


def lab_with(path: Path, limits: str) -> Path:
    """The shipped lab.toml with a line in the table of its meter."""
    file = path / "lab.toml"
    file.write_text(LAB.replace('circuit = "sut-ac-inlet"\n', f'circuit = "sut-ac-inlet"\n{limits}\n', 1))
    return file


def test_what_the_lab_states_is_the_limit_of_the_power_alone() -> None:
    plug = stated(PLUG, 2.0)
    assert plug.columns[0].accuracy == Accuracy(2.0, 0.0, 0.0, STATED_LIMITS)
    assert plug.columns[1].accuracy is None
    power = plug.column("power_w")
    assert power is not None
    assert power.limit(50.0) == pytest.approx(1.0)
    assert stated(PLUG, 0.0) is PLUG


def test_the_descriptor_and_the_analysis_have_it_with_its_source() -> None:
    who = Identity("Shelly", "Plug S", "", "1.0")
    descriptor = power_descriptor(
        "readings-wall.csv", "wall", "sut-ac-inlet", who, Origin("unattested", {}), stated(PLUG, 2.0), None
    )
    assert descriptor.columns[0]["accuracy"]["source"] == "stated by the lab in lab.toml"
    error = error_of(descriptor, "2026-11-28T08:00:00Z")
    assert (error.known, error.reading) == (True, 0.02)
    assert {gain.source for gain in error.gains(np.array([50.0]))} == {"gain"}


@pytest.mark.parametrize(("percent", "severity"), [(0.001, "warn"), (2.9, "warn"), (3.0, "info"), (5.0, "info")])
def test_limits_that_are_the_labs_word_are_a_finding_a_warning_where_narrower_than_its_kinds(
    tmp_path: Path, percent: float, severity: str
) -> None:
    class OfPlug(SyntheticRun):
        def _meter(self) -> PowerDescriptor:
            told = stated(PLUG, percent).columns[0].accuracy
            assert told is not None
            columns = [super()._meter().columns[0] | {"accuracy": dataclasses.asdict(told)}]
            return dataclasses.replace(super()._meter(), columns=columns, tier="uncalibrated")

    shape = Shape(repetitions=1, baseline_blocks=1, duration_s=20, loads={"idle": LOADS["idle"]})
    found = analyse(make_campaign(tmp_path, shape, OfPlug)).numbers.findings
    [finding] = [finding for finding in found if finding.code == "limits-stated"]
    assert (finding.severity, finding.subject) == (severity, "wall")
    assert finding.evidence == {"meter": "wall", "stated_percent": percent, "assumed_percent": 3.0}


def test_lab_toml_states_it_for_each_meter(tmp_path: Path) -> None:
    (section,) = load(lab_with(tmp_path, "limits_percent = 2.5")).file.meters.values()
    assert section.limits_percent == 2.5
    (section,) = load(lab_with(tmp_path, "")).file.meters.values()
    assert section.limits_percent == 0


@pytest.mark.parametrize("value", ["-1.0", str(LARGEST_LIMIT_PERCENT + 1), '"2 %"'])
def test_what_is_no_percentage_is_refused_with_the_meters_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"meters\.wall\.limits_percent"):
        load(lab_with(tmp_path, f"limits_percent = {value}"))
