"""Every sample against its range: volts, amperes, watts, and the three against each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.record.documents import RangeChangeEvent
from harness.record.run_folder import RunFolder
from reports.campaign.analyse import analyse
from reports.findings.range_rules import of_different_ranges, of_ranges
from reports.readings.series import read_run
from tests.importers.power_csvs import MAPPING, imported, stamp

BESIDE = 'voltage = "volts"\ncurrent = "amperes"\n'


def run_of(folder: Path, ranges: str, *odd: tuple[int, str]) -> RunFolder:
    """A run of 60 rows of 230 V, .5 A and 92 W but for the odd ones."""
    lines = dict.fromkeys(range(1, 61), "92,230,0.5") | dict(odd)
    text = "\n".join(["time,power,volts,amperes", *(f"{stamp(s)},{cells}" for s, cells in lines.items())]) + "\n"
    [run] = imported(folder, text, MAPPING + BESIDE + ranges)
    return run


def found(run: RunFolder) -> list[dict[str, Any]]:
    series = read_run(run)
    assert series.begin_ns is not None
    assert series.end_ns is not None
    return [finding.evidence for finding in of_ranges(series, series.begin_ns, series.end_ns)]


def test_readings_that_fill_their_ranges_are_plausible(tmp_path: Path) -> None:
    run = run_of(tmp_path, "range_w = 300.0\nrange_v = 300.0\nrange_a = 1.0\n", (20, "150,300,0.6"), (21, "1,230,0.01"))
    assert found(run) == []
    assert run.power[0].ranging == "fixed"


@pytest.mark.parametrize(
    ("ranges", "odd", "column", "kind", "extreme"),
    [
        ("range_v = 150.0\nrange_a = 1.0\n", [], "voltage_v", "above", 230.0),
        ("range_v = 300.0\nrange_a = 1.0\n", [(30, "250,230,1.4")], "current_a", "above", 1.4),
        ("range_w = 100.0\n", [(30, "131,230,0.7")], "power_w", "above", 131.0),
        ("range_a = 20.0\n", [(30, "8.2,230,0.19"), (31, "8,230,0.18")], "current_a", "below", 0.18),
        ("", [(30, "130,230,0.5")], "power_w", "above-apparent", 130.0),
    ],
)
def test_a_sample_outside_its_range_is_told_with_column_and_extreme(
    tmp_path: Path, ranges: str, odd: list[tuple[int, str]], column: str, kind: str, extreme: float
) -> None:
    [evidence] = found(run_of(tmp_path, ranges, *odd))
    assert (evidence["column"], evidence["kind"], evidence["extreme"]) == (column, kind, extreme)
    assert evidence["readings"] == (len(odd) or 60)
    assert evidence["of"] == 60


def test_a_range_that_changes_counts_from_its_change_on(tmp_path: Path) -> None:
    run = run_of(tmp_path, "")
    at_ns = read_run(run).power["wall"].times_ns[40]
    change = RangeChangeEvent(
        time_ns=int(at_ns), stream="readings-wall.csv", column="current_a", auto=True, full_scale=100.0, text=""
    )
    [evidence] = found(replace(run, events=(*run.events, change)))
    assert (evidence["kind"], evidence["readings"], evidence["full_scale"]) == ("below", 20, 100.0)


def test_one_pc_that_has_two_powers_in_two_ranges_is_told(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / str(nth), f"range_a = {1.0 if nth < 2 else 20.0}\n") for nth in range(4)]
    powers_w = [16.2, 16.1, 8.2, 8.3]
    [finding] = of_different_ranges(list(zip(runs, powers_w, strict=True)))
    assert finding.code == "range-disagreement"
    assert finding.evidence["mean_power_w"] == pytest.approx([16.15, 8.25])
    assert finding.evidence["ranges"] == [{"wall/current_a": 1.0}, {"wall/current_a": 20.0}]
    assert list(of_different_ranges(list(zip(runs, [16.2, 16.1, 16.0, 16.3], strict=True)))) == []
    assert list(of_different_ranges(list(zip(runs, [16.2, 8.1, 8.2, 8.3], strict=True)))) == []  # as far in one range
    assert list(of_different_ranges(list(zip(runs[:2], [16.2, 8.1], strict=True)))) == []


def test_a_report_warns_of_it(tmp_path: Path) -> None:
    run_of(tmp_path, "range_a = 0.2\n")
    [finding] = [one for one in analyse(tmp_path / "c").results.findings if one.code == "range-implausible"]
    assert finding.severity == "warn"
