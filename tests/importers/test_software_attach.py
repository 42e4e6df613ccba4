"""Logs of software meters attached to a campaign: on the clock of its runs, made again by verify, refused elsewhere."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from harness.evidence.software_logs import check_software_logs
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.ptd.importer import import_ptd
from harness.foreign.importers.software.attach import attach_log
from harness.foreign.importers.tracker.source import Choice
from harness.record.campaign_folder import SOFTWARE_LOG, CampaignFolder
from harness.record.documents import PhaseEvent
from harness.record.entries import Attachment, of
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from harness.record.verify import examine
from reports.readings.series import read_run
from reports.readings.software import software_traces
from tests.analysis.tracked import Tracked, tracked_campaign

UTC_ZONE = Choice(zone="UTC")
OWN = ("path", "sha256", "note", "run", "descriptor", "bound_s", "format", "zone", "begin_ns", "source")
"""What an entry of a log's part has of its own."""


def rating(run: RunFolder) -> list[PhaseEvent]:
    """Begin and end of a run's rating interval."""
    return [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]


def wall_s(event: PhaseEvent) -> float:
    """The SUT's wall clock at an edge, s since 1970."""
    return (event.sut_wall_ns or 0) * 1e-9


def scenario_runs(campaign: Path) -> list[RunFolder]:
    """The runs that a log can belong to."""
    return [run for run in CampaignFolder(campaign).runs() if run.start.kind == "scenario"]


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Three runs of a minute; the SUT's monotonic clock is days off, its wall clock stands in the edges."""
    return tracked_campaign(tmp_path / "c", Tracked(trackers={}))


def scaphandre(path: Path, begin_s: float, end_s: float, ahead_h: float = 0.0) -> Path:
    """A log of a value a second, stamped by a wall clock so far ahead of UTC."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=begin_s, hours=ahead_h)
    rows = [f"{at + timedelta(seconds=n):%Y-%m-%d %H:%M:%S.%f},{50 + n % 7}" for n in range(int(end_s - begin_s))]
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return path


def whole_log(tmp_path: Path, campaign: Path, ahead_h: float = 0.0) -> Path:
    """A log over all runs of a campaign and a minute more on either side."""
    edges = [wall_s(event) for run in scenario_runs(campaign) for event in rating(run)]
    return scaphandre(tmp_path / "scaphandre.csv", min(edges) - 60, max(edges) + 60, ahead_h)


def test_an_attached_log_is_a_software_meter_of_every_run_on_its_time_base(tmp_path: Path, campaign: Path) -> None:
    log = whole_log(tmp_path, campaign, 2.0)
    attached = attach_log("scaphandre", log, campaign, Choice(zone="+02:00"))
    runs = scenario_runs(campaign)
    assert list(attached.rows) == [run.path.name for run in runs]
    assert attached.columns == ("scaphandre/power_w",)
    lines = [line.split(",") for line in log.read_text().splitlines()[1:]]
    stamps_s = np.array([datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() for stamp, _ in lines])
    for run in runs:
        series = read_run(run)
        trace = software_traces(series)["scaphandre/power_w"]
        assert series.begin_ns is not None
        assert series.end_ns is not None
        first_s, last_s = (trace.times_ns[[0, -1]] - np.array([series.begin_ns, series.end_ns])) * 1e-9
        assert -6.1 < first_s < -5  # the margin of 5 s, one usual step more
        assert 5 < last_s < 6.1
        after = int(np.searchsorted(stamps_s, wall_s(rating(run)[0]) + 7200))
        assert trace.values[np.searchsorted(trace.times_ns, series.begin_ns)] == float(lines[after][1])


def test_verify_makes_each_part_again_and_finds_one_that_is_not_as_its_log(tmp_path: Path, campaign: Path) -> None:
    attach_log("scaphandre", whole_log(tmp_path, campaign), campaign, UTC_ZONE)
    seen = examine(campaign)
    assert [check for check in seen.checks if not check.passed] == []
    checks = check_software_logs(campaign, seen)
    assert len(checks) == len(scenario_runs(campaign))
    assert all(check.passed for check in checks)
    folder = CampaignFolder(campaign)
    [first, *_] = [entry for entry in of(Attachment, folder.entries()) if entry.note == SOFTWARE_LOG]
    forged = {key: value for key, value in first.raw.items() if key in OWN}
    folder.append("attachment", "2026-11-29T00:00:00Z", forged | {"zone": "+01:00"})
    *_, last = check_software_logs(campaign, examine(campaign))
    assert not last.passed
    assert "overlaps the run nowhere" in last.detail


def test_a_log_that_overlaps_no_run_is_refused_with_the_hours_it_seems_to_be_off(
    tmp_path: Path, campaign: Path
) -> None:
    log = whole_log(tmp_path, campaign, 5.0)
    with pytest.raises(ImportFileError, match=r"overlaps no run.*seems to be off by \+5 h"):
        attach_log("scaphandre", log, campaign, UTC_ZONE)
    with pytest.raises(ImportFileError, match="name no time zone"):
        attach_log("scaphandre", log, campaign, Choice())
    far = scaphandre(tmp_path / "far.csv", 1e9, 1e9 + 100)
    with pytest.raises(ImportFileError, match=r"it reaches from 2001-09-09 [^;]*\nThe runs"):
        attach_log("scaphandre", far, campaign, UTC_ZONE)


def test_a_second_log_of_one_program_needs_replace_and_counts_alone(tmp_path: Path, campaign: Path) -> None:
    attach_log("scaphandre", whole_log(tmp_path, campaign), campaign, UTC_ZONE)
    edges = [wall_s(event) for run in scenario_runs(campaign) for event in rating(run)]
    other = scaphandre(tmp_path / "other.csv", min(edges) - 30.5, max(edges) + 30)
    with pytest.raises(ImportFileError, match="has a log of scaphandre already"):
        attach_log("scaphandre", other, campaign, UTC_ZONE)
    [run, *_] = scenario_runs(campaign)
    before_ns = software_traces(read_run(run))["scaphandre/power_w"].times_ns[0]
    attach_log("scaphandre", other, campaign, Choice(zone="UTC", replace=True))
    assert [check for check in examine(campaign).checks if not check.passed] == []
    assert all(check.passed for check in check_software_logs(campaign, examine(campaign)))
    shift_s = (software_traces(read_run(run))["scaphandre/power_w"].times_ns[0] - before_ns) * 1e-9
    assert shift_s % 1 == pytest.approx(0.5, abs=0.001)  # its rows stand half a second beside those of the first


def test_a_log_is_attached_to_an_import_by_the_wall_clock_of_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"Time,11-28-2024 14:30:{second:02d}.000,Watts,100.000000,Volts,230.000000,Amps,1.000000,PF,0.900000,Mark,m"
        for second in range(30)
    ]
    (tmp_path / "spl.txt").write_text("\n".join(rows) + "\n")
    import_ptd(tmp_path / "spl.txt", tmp_path / "c")
    begin_s = datetime(2024, 11, 28, 14, 30, tzinfo=UTC).timestamp()
    log = scaphandre(tmp_path / "log.csv", begin_s, begin_s + 30)
    assert main(["import", "software-log", "scaphandre", str(log), "--campaign", str(tmp_path / "c")]) == 0
    assert "scaphandre/power_w" in capsys.readouterr().out
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert software_traces(read_run(run))["scaphandre/power_w"].times_ns[0] == int(begin_s) * 10**9
    tracker = tmp_path / "data.json"
    tracker.write_text(f'{{"timestamp":{begin_s + 3},"rapl_power_draw_absolute":71.5}}\n')
    with pytest.raises(ImportFileError, match="its stamps are UTC, but those of this imported campaign"):
        attach_log("experiment-impact-tracker", tracker, tmp_path / "c", Choice())


def test_an_import_whose_stamps_are_utc_asks_for_the_zone_of_a_log_without_one(tmp_path: Path) -> None:
    (tmp_path / "wall.csv").write_text(
        "timestamp,watt\n" + "".join(f"2022-04-01 21:25:{second:02d},100.0\n" for second in range(40))
    )
    mapping = tmp_path / "power-csv.toml"
    mapping.write_text(
        'schema = 1\n[time]\ncolumn = "timestamp"\nformat = "iso"\nzone = "UTC"\n[[power]]\ncolumn = "watt"\n'
        'unit = "W"\nreads = "mean"\nwindow_s = 1.0\nmeter = "wall"\n'
    )
    import_power_csv([tmp_path / "wall.csv"], tmp_path / "c", mapping)
    begin_s = datetime(2022, 4, 1, 23, 25, tzinfo=UTC).timestamp()  # on a clock two hours ahead
    log = scaphandre(tmp_path / "log.csv", begin_s, begin_s + 40)
    with pytest.raises(ImportFileError, match="name no time zone"):
        attach_log("scaphandre", log, tmp_path / "c", Choice())
    assert list(attach_log("scaphandre", log, tmp_path / "c", Choice(zone="+02:00")).rows.values()) == [40]
    assert all(check.passed for check in check_software_logs(tmp_path / "c", examine(tmp_path / "c")))


def test_counters_that_fall_where_they_cannot_have_begun_anew_are_named(tmp_path: Path, campaign: Path) -> None:
    # The form of results/win32 of tdurieux/EnergiBridge-experiments, where each row reads another core's register.
    begin_s = wall_s(rating(scenario_runs(campaign)[0])[0])
    unit_j = 2.0**-16
    rows = [
        f"200,{round((begin_s + n / 5) * 1000)},{round((2000 + n / 5 + 400 * (n % 3 == 0)) / unit_j) * unit_j!r},"
        f"{round((900 * (n < 100) + 3.7 * n) / unit_j) * unit_j!r},{round((25_000 + 2.3 * n) / unit_j) * unit_j!r}"
        for n in range(200)
    ]
    log = tmp_path / "energibridge.csv"
    log.write_text("Delta,Time,CORE0_ENERGY (J),CPU_ENERGY (J),PACKAGE_ENERGY (J)\n" + "\n".join(rows) + "\n")
    attached = attach_log("energibridge", log, campaign, UTC_ZONE)
    mixed, reset = attached.notes
    assert mixed.startswith(f"{log}: core0_energy_j falls 67 times in 199 steps where it cannot have begun anew")
    assert "`wattlab qualify` refuses it" in mixed
    assert reset.startswith(f"{log}: cpu_energy_j falls once where it cannot have begun anew (it was reset)")
