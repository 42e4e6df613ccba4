"""What was recorded beside energy: mains and room within the rating intervals, clocks, phases, digests of inputs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.foreign.importers.imported import ImportedRun, write_campaign
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import IndicatorDescriptor, PhaseEvent, PowerDescriptor
from reports.campaign import recorded as records
from reports.readings.series import RunSeries, read_run
from reports.render import audit_html
from reports.results.recorded import RecordedFile, RecordedPrograms
from tests.documents import write_results
from tests.reports.make_campaign import Load, Shape, make_campaign

SECOND_NS = 1_000_000_000


def streams(volts: float, warmth_c: float) -> tuple[tuple[PowerDescriptor | IndicatorDescriptor, bytes], ...]:
    """Thirty readings; outside of 10 s to 20 s the mains and the room are something else altogether."""
    inside = [10 < second <= 20 for second in range(30)]
    power = PowerDescriptor(
        stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity={}, origin="imported", evidence={},
        averaging="window", window_s=1.0, stamp="end", latency_s=0.0, columns=[{"name": "power_w", "unit": "W"}],
    )  # fmt: skip
    rows = [
        f"{k * SECOND_NS},50.0,{volts + k / 10 if good else 99},{50 if good else ''},1.0,\n"
        for k, good in enumerate(inside)
    ]
    columns: list[dict[str, Any]] = [{"name": "ambient_c", "unit": "°C"}]
    room = IndicatorDescriptor(stream="samples-room.csv", period_s=1.0, clock="host", columns=columns)
    samples = [f"{k * SECOND_NS},{warmth_c if good else -40}\n" for k, good in enumerate(inside)]
    return (
        (power, ("time_ns,power_w,voltage_v,frequency_hz,window_s,flags\n" + "".join(rows)).encode()),
        (room, ("time_ns,ambient_c\n" + "".join(samples)).encode()),
    )


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    runs = []
    for index, (volts, warmth_c) in enumerate([(230.0, 22.0), (228.0, 24.0)]):
        events = (
            PhaseEvent(time_ns=10 * SECOND_NS, name="rating", edge="begin"),
            PhaseEvent(time_ns=20 * SECOND_NS, name="rating", edge="end"),
        )
        runs.append(ImportedRun(
            kind="baseline", scenario="baseline", repetition=index, begin_ns=10 * SECOND_NS, end_ns=20 * SECOND_NS,
            streams=streams(volts, warmth_c), events=events, files=(), note=f"run {index}",
        ))  # fmt: skip
    runs[1] = replace(runs[1], scenario="app", kind="scenario")
    write_campaign(tmp_path / "c", "made-up", runs, [], None)
    return tmp_path / "c"


def read(campaign: Path) -> list[RunSeries]:
    return [read_run(run) for run in CampaignFolder(campaign).runs()]


def test_mains_and_room_are_those_of_the_rating_intervals(campaign: Path) -> None:
    found = records.evaluate(read(campaign))
    volts, hertz = found.supply
    (room,) = found.ambient
    assert volts.mean is not None
    assert hertz.mean is not None
    assert room.mean is not None
    assert (volts.source, volts.quantity, volts.unit) == ("wall", "voltage_v", "V")
    assert volts.mean.value == pytest.approx((231.55 + 229.55) / 2)
    assert volts.mean.n == 2
    assert (volts.least, volts.greatest) == pytest.approx((229.1, 232.0))
    assert (hertz.mean.value, hertz.unit) == (50.0, "Hz")
    assert (room.quantity, room.unit, room.mean.value) == ("ambient_c", "°C", 23.0)
    assert (room.least, room.greatest) == (22.0, 24.0)


def test_a_meter_without_mains_and_a_lab_without_thermometer_record_nothing(tmp_path: Path) -> None:
    found = records.evaluate(
        read(make_campaign(tmp_path, Shape(loads={}, repetitions=0, baseline_blocks=1, duration_s=20)))
    )
    assert (found.supply, found.ambient) == ((), ())


def test_clocks_phases_and_inputs_of_every_run_are_listed(tmp_path: Path) -> None:
    shape = Shape(
        loads={"cnn": Load(49.0, 30.0, 60.0, 2)}, repetitions=2, baseline_blocks=2, duration_s=20, broken={2: "abort"}
    )
    runs = read(make_campaign(tmp_path, shape))
    found = records.evaluate(runs)
    assert [clock.folder for clock in found.clocks] == [run.run.path.name for run in runs]
    assert all(clock.exchanges == 12 and 0 < (clock.bound_s or 0.0) < 1e-3 for clock in found.clocks)
    assert found.phases[0]["rating_s"] == 20.0
    digest = runs[0].run.start.inputs["lab.toml"]
    assert [row for row in found.inputs if row.of == "settings"] == [
        RecordedFile(name, None, kept=True, why=None, of="settings", file="lab.toml", sha256=digest, n_runs=2)
        for name in ("baseline", "cnn")
    ]


def test_what_was_staged_and_the_python_that_ran_it_are_listed_by_their_digests(tmp_path: Path) -> None:
    shape = Shape(loads={"cnn": Load(49.0, 30.0, 60.0, 2)}, repetitions=2, baseline_blocks=2, duration_s=20)
    runs = read(make_campaign(tmp_path, shape))
    found = records.evaluate(runs)
    staged = runs[1].run.start.staged or {}
    assert [
        (row.scenario, row.file, row.of, row.sha256, row.bytes, row.kept, row.n_runs)
        for row in found.inputs
        if row.of != "settings" and row.scenario == "cnn"
    ] == [
        ("cnn", name, of, staged[name]["sha256"], 24, True, 2)
        for name, of in (("train.py", "program"), ("markers.py", "markers"))
    ]
    assert found.programs == RecordedPrograms(n_runs=2, recorded=2)
    (environment,) = found.environments
    assert (environment["scenario"], environment["n_runs"]) == ("cnn", 2)
    assert environment["packages"] == ["numpy==2.4.0", "psutil==7.0.0"]


def test_of_a_run_that_kept_no_program_it_is_said_that_it_is_not_recorded(tmp_path: Path) -> None:
    shape = Shape(loads={"cnn": Load(49.0, 30.0, 60.0, 2)}, repetitions=1, baseline_blocks=1, duration_s=20)
    runs = read(make_campaign(tmp_path, shape))
    old = [replace(s, run=replace(s.run, start=replace(s.run.start, staged=None, on_sut=None, environment=None)))
           for s in runs]  # fmt: skip
    found = records.evaluate(old)
    assert {row.of for row in found.inputs} == {"settings"}
    assert (found.programs, found.environments) == (RecordedPrograms(n_runs=1, recorded=0), ())


def test_an_import_has_no_clock_exchanges(campaign: Path) -> None:
    assert {clock.bound_s for clock in records.evaluate(read(campaign)).clocks} == {None}


def test_the_audit_report_prints_mains_and_room_with_their_extremes(campaign: Path) -> None:
    html = audit_html(campaign, write_results(campaign).read_text())
    for words in ("Conditions as recorded", "Voltage", "Frequency", "229.10", "232", "24"):
        assert words in html
    assert "Supply voltage and frequency: not stated" not in html
