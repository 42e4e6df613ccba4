"""reports.readings.software: which columns are software meters, and what their traces are."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.record.documents import IndicatorDescriptor, Json
from harness.record.run_folder import RunFolder
from reports.qualification.recorded import RecordedMeter
from reports.readings.series import RunSeries, read_run
from reports.readings.software import SoftwareTrace, software_traces
from tests.analysis.streams import at, stream
from tests.analysis.tracked import OFFSET_NS
from tests.reports.qualified import RANGE_J, SHORT, Qualified, qualified_campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repetition of three loads."""
    shape = Qualified(declared=SHORT, repetitions=1, baseline_blocks=1, with_tracker=False)
    return qualified_campaign(tmp_path_factory.mktemp("software"), shape)


def series_of(campaign: Path, scenario: str) -> RunSeries:
    runs = [RunFolder.open(path.parent) for path in sorted(campaign.glob("*/run.jsonl"))]
    return read_run(next(run for run in runs if run.start.scenario == scenario))


def test_columns_of_power_and_energy_are_meters_and_empty_ones_are_none(campaign: Path) -> None:
    traces = software_traces(series_of(campaign, "gpu-100"))
    assert [(name, trace.kind, trace.unit) for name, trace in traces.items()] == [
        ("agent/gpu0_power_w", "gauge", "W"),
        ("agent/rapl_package_0_energy_j", "counter", "J"),
    ]
    assert traces["agent/rapl_package_0_energy_j"].range_j == RANGE_J
    assert traces["agent/gpu0_power_w"].says == "GPU 0 board power"
    assert traces["agent/gpu0_power_w"].method == "nvmlDeviceGetPowerUsage"


def test_stamps_of_the_sut_are_on_the_hosts_time_base_within_the_bound_of_the_clocks(campaign: Path) -> None:
    series = series_of(campaign, "gpu-100")
    trace = software_traces(series)["agent/gpu0_power_w"]
    text = (series.run.path / "samples-agent.csv").read_text().splitlines()[1]
    exact_ns = int(text.split(",")[0]) - OFFSET_NS
    assert abs(int(trace.times_ns[0]) - exact_ns) * 1e-9 <= trace.clock_bound_s < 1e-3


def test_a_counter_stands_there_as_it_was_recorded_with_where_it_began_anew(campaign: Path) -> None:
    trace = software_traces(series_of(campaign, "cpu-100"))["agent/rapl_package_0_energy_j"]
    grown_j = np.diff(trace.values)
    assert int((grown_j < 0).sum()) == 2  # 125 s of 64 W are two turns of 4 kJ
    assert np.all(np.diff(trace.times_ns) > 0)
    assert float(np.median(grown_j[grown_j > 0])) == pytest.approx(64.0, abs=1.0)


def written(folder: Path, descriptor: IndicatorDescriptor, *rows: str) -> dict[str, SoftwareTrace]:
    """The traces of one stream of the host's, of its rows."""
    (folder / descriptor.stream).write_text("\n".join(["time_ns,board_w,board_j", *rows, ""]))
    start = SimpleNamespace(scenario_config={})  # of what was begun nobody asks anything else
    run = RunFolder(folder, start, (), (descriptor,), (), None)  # type: ignore[arg-type]
    return software_traces(RunSeries(run, None, None, None, ()))


def test_of_several_values_with_one_stamp_the_last_counts_and_cells_without_a_number_are_left_out(
    tmp_path: Path,
) -> None:
    columns: list[Json] = [{"name": "board_w", "unit": "W"}, {"name": "board_j", "unit": "J", "range_j": None}]
    descriptor = IndicatorDescriptor(stream="samples-bmc.csv", period_s=5.0, clock="host", columns=columns)
    traces = written(tmp_path, descriptor, "1000,36,", "1000,72,", "2000,nonsense,", "3000,36,")
    assert list(traces) == ["bmc/board_w"]
    trace = traces["bmc/board_w"]
    assert (trace.times_ns.tolist(), trace.values.tolist(), trace.odd) == ([1000, 3000], [72.0, 36.0], 1)
    assert (trace.says, trace.period_s, trace.clock_bound_s) == ("board_w", 5.0, 0.0)


def test_a_power_stream_that_is_an_estimate_is_a_software_meter_and_any_other_is_none(tmp_path: Path) -> None:
    own = stream([1, 2, 3], [20.0, 21.0, 22.0])
    told = replace(own.descriptor, meter="cpu", origin="estimated", identity={"maker": "Intel", "driver": "rapl"})
    start = SimpleNamespace(scenario_config={})
    folder = RunFolder(tmp_path, start, (), (), (), None)  # type: ignore[arg-type]
    run = RunSeries(folder, None, None, None, ())
    vars(run)["power"] = {"wall": own}
    assert software_traces(run) == {}
    vars(run)["power"] = {"wall": own, "cpu": replace(own, descriptor=told)}
    traces = software_traces(run)
    assert list(traces) == ["cpu/power_w"]
    trace = traces["cpu/power_w"]
    assert (trace.says, trace.method, trace.window_s) == ("Intel", "rapl", 1.0)
    assert trace.times_ns.tolist() == [at(1), at(2), at(3)]


def test_what_a_tracker_had_counted_at_its_polls_is_a_counter(campaign: Path) -> None:
    series = series_of(campaign, "cpu-100")
    begin_ns = int((series.run.path / "samples-agent.csv").read_text().splitlines()[1].split(",")[0])
    rows = [f"{begin_ns + k * 15_000_000_000},{k * 300.0}" for k in range(4)]
    folder = series.run.path / "artifacts"
    folder.mkdir(exist_ok=True)
    (folder / "tracker-codecarbon-trace.csv").write_text("\n".join(["sut_ns,energy_j", *rows, ""]))
    declared = {"trackers": ["codecarbon", "eit", "../x"], "tracker_periods_s": {"codecarbon": 15.0, "eit": 1.0}}
    start = replace(series.run.start, scenario_config=series.run.start.scenario_config | declared)
    traces = software_traces(replace(series, run=replace(series.run, start=start)))
    assert [name for name in traces if not name.startswith("agent/")] == ["codecarbon/energy_j"]
    trace = traces["codecarbon/energy_j"]
    assert (trace.kind, trace.unit, trace.period_s, trace.range_j) == ("counter", "J", 15.0, None)
    assert trace.values.tolist() == [0.0, 300.0, 600.0, 900.0]
    assert np.diff(trace.times_ns) * 1e-9 == pytest.approx([15.0] * 3, abs=1e-3)
    assert (trace.clock_bound_s > 0, trace.is_whole, traces["agent/gpu0_power_w"].is_whole) == (True, False, True)
    assert trace.says == "energy that codecarbon counted since it began"


def test_of_a_trackers_trace_only_the_part_of_the_run_that_it_covers_is_held_against_the_wall() -> None:
    stamps_ns, counted_j = np.array([3, 60, 117], dtype=np.int64) * 10**9, np.array([0.0, 570.0, 1140.0])
    trace = SoftwareTrace("codecarbon/energy_j", "counter", "", "", 57.0, stamps_ns, counted_j, is_whole=False)
    times_s = np.array([3.0, 60.0, 117.0])
    assert RecordedMeter(trace, times_s, None).span_s(120.0) == (3.0, 117.0)
    assert RecordedMeter(trace, times_s, None).span_s(90.0) == (3.0, 90.0)
    assert RecordedMeter(replace(trace, is_whole=True), times_s, None).span_s(120.0) == (0.0, 120.0)
