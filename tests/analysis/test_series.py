"""A run folder as arrays: time base, damage at its end, columns of the future."""

from pathlib import Path

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ActionEvent, ClockEvent, IndicatorDescriptor, PhaseEvent
from harness.record.errors import AnalysisError
from harness.record.run_folder import RunFolder
from reports.readings.series import read_indicators, read_power, read_run
from tests.analysis.streams import descriptor
from tests.reports.make_campaign import Shape, make_campaign

HEADER = "time_ns,power_w,energy_wh,window_s,flags,novelty\n"


def power_file(folder: Path, text: str) -> Path:
    (folder / "readings-wall.csv").write_text(text)
    return folder


def test_a_stream_is_read_with_its_own_windows_without_stale_and_empty_readings(tmp_path: Path) -> None:
    rows = "10,1.5,0.1,0.5,,x\n20,,0.2,1.0,overrange,\n30,2.5,,1.0,stale|resynced,y\n40,3.5,0.3,,resynced,z\n"
    series = read_power(power_file(tmp_path, HEADER + rows), descriptor(window_s=2.0))
    assert series is not None
    assert series.times_ns.tolist() == [10, 40]
    assert series.power_w.tolist() == [1.5, 3.5]
    assert series.window_s.tolist() == [0.5, 2.0]
    assert series.register_wh is not None
    assert series.register_wh.tolist() == [0.1, 0.3]


def test_a_line_that_a_kill_cut_off_is_not_read(tmp_path: Path) -> None:
    for cut in range(1, 20):
        text = HEADER + "10,1.5,0.1,0.5,,x\n" + "20,25.5,0.2,1.0,,xy\n"[:cut]
        series = read_power(power_file(tmp_path, text), descriptor())
        assert series is not None
        assert series.times_ns.tolist() == [10]


def test_nanoseconds_keep_all_their_digits(tmp_path: Path) -> None:
    series = read_power(power_file(tmp_path, f"time_ns,power_w\n{2**62 + 1},1\n{2**62 + 3},1\n"), descriptor())
    assert series is not None
    assert series.times_ns.tolist() == [2**62 + 1, 2**62 + 3]


@pytest.mark.parametrize(
    "text", ["time_ns,power_w\n1,x\n", "time_ns\n1\n", "power_w\n1\n", "time_ns,power_w\n2,1\n1,1\n"]
)
def test_a_stream_that_is_no_table_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(AnalysisError, match=r"readings-wall\.csv"):
        read_power(power_file(tmp_path, text), descriptor())


@pytest.mark.parametrize("text", ["", "time_ns,power", None])
def test_a_stream_that_never_began_is_no_stream(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        power_file(tmp_path, text)
    assert read_power(tmp_path, descriptor()) is None


def test_indicators_of_a_sut_without_clock_exchanges_cannot_be_placed(tmp_path: Path) -> None:
    (tmp_path / "samples-agent.csv").write_text("sut_ns,cpu_percent\n1,2\n")
    how = IndicatorDescriptor(stream="samples-agent.csv", period_s=1.0, clock="sut", columns=[{"name": "cpu_percent"}])
    assert read_indicators(tmp_path, how, None) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    campaign = make_campaign(tmp_path_factory.mktemp("s"), Shape(repetitions=1, baseline_blocks=1, duration_s=12))
    return next(run for run in CampaignFolder(campaign).runs() if run.start.scenario == "cnn")


def shifted(run: RunFolder, by_ns: int) -> RunFolder:
    """The same run on a SUT whose monotonic clock is off."""
    events = []
    for event in run.events:
        if isinstance(event, ClockEvent):
            event = ClockEvent(**{f: getattr(event, f) for f in event.__slots__} | {"t_sut_ns": event.t_sut_ns + by_ns})
        elif isinstance(event, PhaseEvent | ActionEvent) and event.sut_ns is not None:
            fields = {f: getattr(event, f) for f in event.__slots__}
            event = type(event)(**fields | {"sut_ns": event.sut_ns + by_ns, "time_ns": event.time_ns + 700_000_000})
        events.append(event)
    return RunFolder(run.path, run.start, run.power, run.indicators, tuple(events), run.stop)


def test_marks_land_on_the_hosts_clock_whatever_the_suts_clock_says(run: RunFolder) -> None:
    here, there = read_run(run), read_run(shifted(run, 3_600_000_000_000))
    assert here.clock is not None
    assert here.begin_ns is not None
    assert there.begin_ns is not None
    assert abs(here.begin_ns - there.begin_ns) <= here.clock.bound_ns
    assert [a.name for a in here.actions] == [a.name for a in there.actions]
    for one, two in zip(here.actions, there.actions, strict=True):
        assert abs(one.begin_ns - two.begin_ns) <= here.clock.bound_ns


def test_actions_nest_in_order_and_carry_their_metrics(run: RunFolder) -> None:
    actions = read_run(run).actions
    assert [a.name for a in actions[:4]] == ["image_preparation", "net_creation", "training", "epoch"]
    assert {a.index for a in actions if a.name == "epoch"} == set(range(6))
    assert all("val_accuracy" in a.metrics for a in actions if a.name == "epoch")
    assert np.all(np.diff([a.begin_ns for a in actions]) >= 0)


def test_the_inlet_is_the_headline_whatever_comes_first(run: RunFolder) -> None:
    series = read_run(run)
    (headline,) = series.parts
    assert headline.descriptor.circuit == "sut-ac-inlet"
    assert series.indicators is not None
    assert "gpu0_power_w" in series.indicators.columns
