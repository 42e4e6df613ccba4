"""CSV files of power by a mapping: units, clocks, what a row stands for, odd files, bad files.

All files are made up here; those of public loggers are in test_power_csv_proposal.py.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import GapEvent, NoteEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from reports.campaign.analyse import analyse
from reports.energy.power_function import power_function
from reports.pages.run_tables import start_head
from reports.readings.software import software_traces
from tests.campaign_results import plain
from tests.importers.power_csvs import (
    EVENTS,
    MAPPING,
    POWER,
    imported,
    mapping,
    power,
    rows,
    series_of,
    stamp,
    wall,
    write,
)

NS = 1_000_000_000
BEGIN_NS = 1_795_255_200 * NS
"""2026-11-21T10:00:00 UTC."""


def energy_j(run: RunFolder, meter: str = "wall") -> float:
    edges = [np.array([edge], dtype=np.int64) for edge in (series_of(run).begin_ns, series_of(run).end_ns)]
    return float(power_function(wall(run, meter)).energy_j(*edges)[0])


def gaps(run: RunFolder) -> list[tuple[float, float, str]]:
    found = [event for event in run.events if isinstance(event, GapEvent)]
    return [((gap.from_ns - BEGIN_NS) / NS, (gap.to_ns - BEGIN_NS) / NS, gap.cause) for gap in found]


def notes(run: RunFolder) -> dict[str, str]:
    return {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}


# --- what a row stands for -----------------------------------------------------------------------------------------


def test_means_of_a_second_are_a_run_from_the_first_windows_begin_to_the_last_ones_end(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(100, 200, 300))
    series = series_of(run)
    assert (series.begin_ns, series.end_ns) == (BEGIN_NS, BEGIN_NS + 3 * NS)
    assert energy_j(run) == pytest.approx(600)
    assert run.start.scenario == "log"
    assert "time stamps are UTC" in str(run.start.source)
    assert run.power[0].origin == "imported"


@pytest.mark.parametrize(("unit", "factor"), [("W", 1.0), ("kW", 1e3), ("mW", 1e-3), ("MW", 1e6)])
def test_powers_are_read_in_their_unit(tmp_path: Path, unit: str, factor: float) -> None:
    [run] = imported(tmp_path, rows(1.5, 2.5), mapping(power(unit, window_s=1.0)))
    assert wall(run).power_w.tolist() == pytest.approx([1.5 * factor, 2.5 * factor])


@pytest.mark.parametrize(
    ("unit", "joules"), [("J", 1), ("kJ", 1e3), ("MJ", 1e6), ("Ws", 1), ("Wh", 3600), ("kWh", 3.6e6), ("mWh", 3.6)]
)
def test_a_counter_gives_the_mean_power_between_its_readings(tmp_path: Path, unit: str, joules: float) -> None:
    [run] = imported(tmp_path, rows(10, 12, 12, 15, step_s=2), mapping(power(unit, "counter")))
    assert wall(run).power_w.tolist() == pytest.approx([joules, 0, 1.5 * joules])
    assert energy_j(run) == pytest.approx(5 * joules)


def test_a_meter_that_was_read_twice_has_the_energy_between(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(1234.56, 1234.81, step_s=600), mapping(power("kWh", "counter")))
    assert energy_j(run) == pytest.approx(0.25 * 3.6e6)
    assert wall(run).window_s.tolist() == [600.0]


def test_a_counter_that_goes_back_leaves_a_gap_or_wraps_where_the_mapping_says_so(tmp_path: Path) -> None:
    [run] = imported(tmp_path / "a", rows(90, 95, 3, 8), mapping(power("J", "counter")))
    assert wall(run).power_w.tolist() == [5.0, 5.0]
    assert gaps(run) == [(2.0, 3.0, "the counter goes back, 1 row")]
    assert "reset" in notes(run)["counter-resets"]
    [run] = imported(tmp_path / "b", rows(90, 95, 3, 8), mapping(power("J", "counter", wraps_at=100.0)))
    assert wall(run).power_w.tolist() == pytest.approx([5.0, 8.0, 5.0])
    assert gaps(run) == []


def test_a_counter_that_wraps_by_the_mapping_and_was_reset_elsewhere_has_a_gap_there(tmp_path: Path) -> None:
    [run] = imported(tmp_path / "a", rows(40, 45, 3, 8, 13), mapping(power("J", "counter", wraps_at=65536.0)))
    assert wall(run).power_w.tolist() == pytest.approx([5.0, 5.0, 5.0])
    assert gaps(run) == [(2.0, 3.0, "the counter goes back, 1 row")]
    assert list(notes(run)) == ["counter-resets"]
    mixed = rows(*(value for n in range(10) for value in (400 + 4 * n, 2 + 4 * n, 3 + 4 * n)))
    with pytest.raises(ImportFileError, match="'power' falls 10 times in 29 steps where it cannot have begun anew"):
        imported(tmp_path / "b", mixed, mapping(power("J", "counter", wraps_at=65536.0)))


def test_energy_of_each_row_counts_since_the_row_before(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(7, 10, 20, step_s=10), mapping(power("Wh", "per-row")))
    assert wall(run).power_w.tolist() == pytest.approx([3600, 7200])


def test_a_value_that_is_written_when_it_changes_holds_until_the_next_row(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{stamp(s)},{w}\n" for s, w in [(0, 100), (10, 50), (12, 80), (60, 80)])
    [run] = imported(tmp_path, text, mapping(power(reads="on-change")))
    assert energy_j(run) == pytest.approx(100 * 10 + 50 * 2 + 80 * 48)
    assert "last row" in notes(run)["last-row"]


def test_means_without_a_stated_window_count_since_the_row_before(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{stamp(s)},{w}\n" for s, w in [(0, 100), (10, 50), (13, 80)])
    [run] = imported(tmp_path, text, mapping(power()))
    assert energy_j(run) == pytest.approx(50 * 10 + 80 * 3)


@pytest.mark.parametrize("column", [power("J", "per-row", stamp="start"), power("W", "mean", stamp="start")])
def test_rows_that_are_stamped_at_their_start_count_until_the_next_row(tmp_path: Path, column: str) -> None:
    [run] = imported(tmp_path, rows(100, 200, 400, 800), mapping(column))
    np.testing.assert_array_equal(wall(run).power_w, [100, 200, 400])
    assert energy_j(run) == 700
    assert "the last row has no end and is left out" in notes(run)["last-row"]


def test_the_step_of_a_counter_counts_at_both_ends_and_standing_still_is_no_zero(tmp_path: Path) -> None:
    counts = [int(998.4 + 60 * 5 * n / 3600) for n in range(361)]
    imported(tmp_path, rows(*counts, step_s=5), mapping(power("Wh", "counter")))
    result = analyse(tmp_path / "c").results
    [run] = result.runs
    assert run.included
    assert {"zero"}.isdisjoint(finding.code for finding in result.findings)
    assert run.energy_wh is not None
    assert run.energy_wh.value == pytest.approx(30)
    # 1 Wh / sqrt(12) at either end, beside the assumed 3 % of the reading.
    assert run.energy_wh.estimate.u == pytest.approx(math.hypot(1 / math.sqrt(6), 0.03 * 30 / math.sqrt(3)), rel=0.06)


def test_a_power_that_falls_is_no_counter_that_goes_back(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(1, 3, 2, 5, 4), mapping(power()))
    assert "counter-resets" not in notes(run)
    assert gaps(run) == []
    [back] = imported(tmp_path / "counter", rows(1, 3, 2, 5), mapping(power("Wh", "counter")))
    assert "goes back once" in notes(back)["counter-resets"]


def test_instants_are_joined_by_straight_lines(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(100, 200, 100), mapping(power(reads="instant")))
    assert energy_j(run) == pytest.approx(300)
    assert run.power[0].averaging == "instantaneous"


# --- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "zone", "texts"),
    [
        ("iso", "UTC", ["2026-11-21T10:00:01", "2026-11-21 10:00:02.5"]),
        ("iso", "", ["2026-11-21T11:00:01+01:00", "2026-11-21T11:00:02.500000+01:00"]),
        ("iso", "", ["2026-11-21T10:00:01Z", "2026-11-21T12:00:02.5+02:00"]),
        ("iso", "Europe/Berlin", ["2026-11-21 11:00:01", "2026-11-21 11:00:02,500"]),
        ("iso", "-0330", ["2026-11-21 06:30:01", "2026-11-21 06:30:02.5"]),
        ("epoch-s", "", ["1795255201", "1795255202.5"]),
        ("epoch-s", "", ["1.795255201e9", "1.7952552025E9"]),
        ("epoch-ms", "", ["1795255201000", "1795255202500"]),
        ("epoch-us", "", ["1795255201000000", "1795255202500000"]),
        ("epoch-ns", "", ["1795255201000000000", "1795255202500000000"]),
        ("%d.%m.%Y %H:%M:%S.%f", "Europe/Berlin", ["21.11.2026 11:00:01.0", "21.11.2026 11:00:02.5"]),
        ("%m/%d/%y %I:%M:%S.%f %p", "America/New_York", ["11/21/26 05:00:01.0 AM", "11/21/26 05:00:02.5 AM"]),
        ("%Y%m%dT%H%M%S.%f%z", "", ["20261121T110001.0+0100", "20261121T110002.5+0100"]),
    ],
)
def test_stamps_become_utc(tmp_path: Path, form: str, zone: str, texts: list[str]) -> None:
    time = f'[time]\ncolumn = "time"\nformat = "{form}"\nzone = "{zone}"\n'
    text = "time;power\n" + "".join(f"{text};100\n" for text in texts)
    [run] = imported(tmp_path, text, mapping(power(reads="instant"), time, '[file]\ndelimiter = ";"\n'))
    assert wall(run).times_ns.tolist() == [BEGIN_NS + NS, BEGIN_NS + 2_500_000_000]


def test_date_and_time_in_two_columns_are_one_stamp(tmp_path: Path) -> None:
    time = '[time]\ncolumn = ["date", "clock"]\nformat = "%d/%m/%Y %H:%M:%S"\nzone = "UTC"\n'
    text = "date,clock,power\n21/11/2026,10:00:01,5\n21/11/2026,10:00:02,6\n"
    [run] = imported(tmp_path, text, mapping(time=time))
    assert wall(run).times_ns.tolist() == [BEGIN_NS + NS, BEGIN_NS + 2 * NS]


def test_elapsed_times_begin_where_the_mapping_says(tmp_path: Path) -> None:
    time = '[time]\ncolumn = "time"\nformat = "elapsed-ms"\nstart = "2026-11-21T11:00:00"\nzone = "Europe/Berlin"\n'
    [run] = imported(tmp_path, "time,power\n0.5,5\n1000.5,6\n", mapping(time=time))
    assert wall(run).times_ns.tolist() == [BEGIN_NS + 500_000, BEGIN_NS + NS + 500_000]


def test_a_zone_that_is_not_known_keeps_the_clocks_own_time(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(5, 6), MAPPING.replace('"UTC"', '"unknown"'))
    assert wall(run).times_ns[0] == BEGIN_NS + NS
    assert "without a zone" in str(run.start.source)


@pytest.mark.parametrize(("zone", "said"), [("UTC", "UTC"), ("unknown", "local time")])
def test_the_page_says_whose_time_the_stamps_are(tmp_path: Path, zone: str, said: str) -> None:
    imported(tmp_path, rows(*[36] * 20), MAPPING.replace('"UTC"', f'"{zone}"'))
    assert start_head(analyse(tmp_path / "c").results).text == f"Start ({said})"


def test_a_known_clock_beside_an_unknown_one_is_refused(tmp_path: Path) -> None:
    events = "begin,end,scenario\n2026-11-21T10:00:00,2026-11-21T10:00:02,a\n"
    with pytest.raises(ImportFileError, match="one clock has the zone"):
        imported(tmp_path, rows(5, 6), MAPPING.replace('"UTC"', '"unknown"') + EVENTS, events)


def test_the_hour_that_exists_twice_is_refused(tmp_path: Path) -> None:
    text = "time,power\n2026-10-25T01:59:59,5\n2026-10-25T02:00:01,5\n"
    with pytest.raises(
        ImportFileError, match=r"log.csv:3: 2026-10-25 02:00:01 exists twice or not at all in Europe/Ber"
    ):
        imported(tmp_path, text, MAPPING.replace('"UTC"', '"Europe/Berlin"'))


@pytest.mark.parametrize("zone", ["unknown", "+02:00"])
def test_a_clock_without_summer_time_that_goes_back_by_an_hour_is_not_sorted(tmp_path: Path, zone: str) -> None:
    text = "time,power\n2026-10-25T02:59:59,5\n2026-10-25T02:00:00,5\n"
    with pytest.raises(ImportFileError, match=r"log.csv:3: time goes back by an hour"):
        imported(tmp_path, text, MAPPING.replace('"UTC"', f'"{zone}"'))


# --- odd files -----------------------------------------------------------------------------------------------------


def test_decimal_commas_thousands_and_units_behind_numbers_are_read(tmp_path: Path) -> None:
    head = '[file]\ndelimiter = ";"\ndecimal = ","\nthousands = "."\n'
    text = "time;power\n2026-11-21T10:00:01;1.234,5 W\n2026-11-21T10:00:02;999\n2026-11-21T10:00:03;,5 W\n"
    [run] = imported(tmp_path, text, mapping(head=head))
    assert wall(run).power_w.tolist() == [1234.5, 999.0, 0.5]


def test_quoted_fields_may_hold_the_delimiter(tmp_path: Path) -> None:
    text = "time,ports,power\n2026-11-21T10:00:01,\"['a', 'b']\",\"1,5\"\n2026-11-21T10:00:02,\"['a', 'b']\",\"2,5\"\n"
    [run] = imported(tmp_path, text, mapping(head='[file]\ndecimal = ","\n'))
    assert wall(run).power_w.tolist() == [1.5, 2.5]


def test_a_meter_that_is_read_less_often_has_empty_cells_and_no_gaps(tmp_path: Path) -> None:
    lines = [
        f"{stamp(second)},{100 + second},{36 * (second // 5) if second % 5 == 0 else ''}" for second in range(1, 31)
    ]
    second = '[[power]]\ncolumn = "bmc"\nunit = "W"\nreads = "instant"\nrole = "software"\n'
    [run] = imported(tmp_path, "\n".join(["time,power,bmc", *lines, ""]), MAPPING + second)
    assert gaps(run) == []
    [trace] = software_traces(series_of(run)).values()
    assert (trace.name, trace.kind) == ("bmc/bmc_power_w", "gauge")
    assert trace.values.tolist() == [36.0 * n for n in range(1, 7)]
    assert np.diff(trace.times_ns).tolist() == [5 * NS] * 5


def test_a_software_counter_keeps_its_joules_and_where_it_wraps(tmp_path: Path) -> None:
    text = "time,power,pkg\n" + "".join(f"{stamp(n)},100,{n * 40}\n" for n in range(1, 5))
    pkg = '[[power]]\ncolumn = "pkg"\nunit = "mJ"\nreads = "counter"\nrole = "software"\nname = "package_0_energy_j"\n'
    [run] = imported(tmp_path, text, MAPPING + pkg + 'meter = "rapl"\nwraps_at = 262143.0\n')
    [trace] = software_traces(series_of(run)).values()
    assert (trace.name, trace.kind) == ("rapl/package_0_energy_j", "counter")
    assert trace.range_j == pytest.approx(262.143)
    assert trace.values.tolist() == pytest.approx([0.04, 0.08, 0.12, 0.16])


def test_several_columns_are_several_meters_added_by_circuit_or_beside(tmp_path: Path) -> None:
    text = "time,a,b,c\n" + "".join(f"{stamp(n)},100,50,151\n" for n in range(1, 60))
    columns = "".join(
        POWER.replace('"power"', f'"{name}"').replace('"wall"', f'"{name}"')
        + f'circuit = "{circuit}"\nrole = "{role}"\n'
        for name, circuit, role in (("c", "psu-1", "check"), ("a", "psu-1", "added"), ("b", "psu-2", "added"))
    )
    [run] = imported(tmp_path, text, mapping(columns))
    series = series_of(run)
    assert series.circuits == ("psu-1", "psu-2")
    assert series.primary_meters == ("a", "b")
    assert [(one.descriptor.meter, other.descriptor.meter) for one, other in series.doubles] == [("a", "c")]
    result = plain(analyse(tmp_path / "c"))
    assert result["runs"][0]["energy_wh"]["value"] == pytest.approx(150 * 59 / 3600)


def test_tables_of_names_and_values_are_told_apart_by_their_cells(tmp_path: Path) -> None:
    text = "time,id,value\n" + "".join(f"{stamp(n)},wall,{n}\n{stamp(n + 0.3)},bmc,36\n" for n in range(1, 4))
    columns = "".join(
        f'[[power]]\ncolumn = "value"\nunit = "W"\nreads = "instant"\nmeter = "{name}"\nrole = "{role}"\n'
        f'where = {{ id = "{name}" }}\nname = "{name}_power_w"\n'
        for name, role in (("wall", "added"), ("bmc", "software"))
    )
    [run] = imported(tmp_path, text, mapping(columns))
    assert wall(run).power_w.tolist() == [1.0, 2.0, 3.0]
    assert list(software_traces(series_of(run))) == ["bmc/bmc_power_w"]


def test_rows_out_of_order_are_sorted_and_equal_ones_are_one(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{stamp(n)},{n}\n" for n in (1, 3, 2, 2, 4))
    [run] = imported(tmp_path, text)
    assert wall(run).power_w.tolist() == [1, 2, 3, 4]
    assert "log.csv:4" in notes(run)["rows-sorted"]
    assert "1 row has the stamp" in notes(run)["doubled-rows"]


@pytest.mark.parametrize(("which", "expected"), [("first", 2.0), ("last", 6.0), ("mean", 4.0)])
def test_of_two_values_with_one_stamp_the_mapping_says_which_counts(
    tmp_path: Path, which: str, expected: float
) -> None:
    text = "time,power\n" + "".join(f"{stamp(n)},{w}\n" for n, w in ((1, 1), (2, 2), (2, 6), (3, 3)))
    with pytest.raises(ImportFileError, match=r"log.csv:4: power is 6 at .*and 2 at line 3.*same_time"):
        imported(tmp_path, text)
    [run] = imported(tmp_path, text, MAPPING + f'same_time = "{which}"\n')
    assert wall(run).power_w.tolist() == [1.0, expected, 3.0]


def test_a_cell_without_a_number_is_a_reading_without_a_value(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(1, "NaN", "unavailable", 4))
    assert wall(run).power_w.tolist() == [1, 4]
    assert gaps(run) == [(1.0, 3.0, "the row has no value, 2 rows")]


def test_rows_that_are_missing_are_a_gap(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{stamp(n)},5\n" for n in (1, 2, 3, 9, 10))
    [run] = imported(tmp_path, text)
    assert gaps(run) == [(3.0, 8.0, "rows missing")]


def test_a_line_that_was_cut_off_is_left_out_and_said(tmp_path: Path) -> None:
    for nth, rest in enumerate(["2026-11-2", f"{stamp(4)},4"]):  # half a stamp; what may be half a number
        [run] = imported(tmp_path / str(nth), rows(1, 2, 3) + rest)
        assert wall(run).power_w.size == 3
        assert "cut off" in notes(run)["truncated-source"]


def test_comments_blank_lines_and_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    text = "Logger 5,serial 17\n\n" + rows(1, 2).replace("\n", "\n# a comment\n", 1)
    [run] = imported(tmp_path, text, mapping(head="[file]\nheader = 3\n"))
    assert wall(run).power_w.tolist() == [1, 2]


def test_columns_without_a_header_are_called_by_their_number(tmp_path: Path) -> None:
    time = '[time]\ncolumn = "1"\nformat = "epoch-s"\n'
    text = "1795255201 5.5\n1795255202   6.5\n"
    [run] = imported(
        tmp_path, text, mapping(POWER.replace('"power"', '"2"'), time, '[file]\nheader = 0\ndelimiter = " "\n')
    )
    assert wall(run).power_w.tolist() == [5.5, 6.5]


# --- events and groups ---------------------------------------------------------------------------------------------


def test_a_file_of_events_makes_runs_and_baselines_with_margins(tmp_path: Path) -> None:
    events = (
        "begin,end,scenario,rep,base\n"
        f"{stamp(10)},{stamp(20)},idle,,yes\n{stamp(30)},{stamp(40)},train,2,\n{stamp(50)},{stamp(60)},train,,no\n"
    )
    told = EVENTS + 'repetition = "rep"\nbaseline = "base"\n'
    runs = imported(tmp_path, rows(*range(1, 101)), MAPPING + told, events)
    assert [(run.start.kind, run.start.scenario, run.start.repetition) for run in runs] == [
        ("baseline", "baseline", 1), ("scenario", "train", 2), ("scenario", "train", 1),
    ]  # fmt: skip
    assert wall(runs[1]).power_w.tolist() == list(range(25, 45))
    assert energy_j(runs[1]) == pytest.approx(sum(range(31, 41)))


def test_a_duration_may_stand_for_the_end(tmp_path: Path) -> None:
    events = f"begin,length,scenario\n{stamp(10)},9.5,a\n"
    told = EVENTS.replace('end = "end"', 'duration = "length"')
    [run] = imported(tmp_path, rows(*range(1, 31)), MAPPING + told, events)
    assert series_of(run).end_ns == BEGIN_NS + 19_500_000_000


def test_runs_that_the_readings_do_not_cover_are_left_out_and_said(tmp_path: Path) -> None:
    events = f"begin,end,scenario\n{stamp(10)},{stamp(20)},a\n{stamp(50)},{stamp(70)},a\n"
    path = write(tmp_path / "in", rows(*range(1, 61)), MAPPING + EVENTS, events)
    summary = import_power_csv([path], tmp_path / "c", path.parent / NAME)
    assert summary.runs == {"a": 1}
    assert any("1 of 2 runs are not covered" in remark and "lines 3" in remark for remark in summary.remarks)


def test_events_whose_clock_is_off_are_refused_with_what_would_fit(tmp_path: Path) -> None:
    events = "begin,end,scenario\n2026-11-21T11:00:10,2026-11-21T11:00:20,a\n"
    with pytest.raises(ImportFileError, match=r"events.csv:2: none of 1 runs is covered.* moved by -1 h 1 of them"):
        imported(tmp_path, rows(*range(1, 61)), MAPPING + EVENTS, events)


def test_without_events_a_file_is_a_run_and_group_makes_repetitions(tmp_path: Path) -> None:
    for nth in (1, 2):
        write(tmp_path / "in", rows(*range(nth, 20)))
        (tmp_path / "in" / "log.csv").rename(tmp_path / "in" / f"train-{nth}.csv")
    summary = import_power_csv(
        [tmp_path / "in"], tmp_path / "c", tmp_path / "in" / NAME, grouping=Grouping("{scenario}-{repetition}")
    )
    assert summary.runs == {"train": 2}


def test_files_of_one_record_are_joined_where_events_are_given(tmp_path: Path) -> None:
    events = f"begin,end,scenario\n{stamp(5)},{stamp(25)},a\n"
    path = write(tmp_path / "in", rows(*range(1, 16)), MAPPING + EVENTS, events)
    late = "time,power\n" + "".join(f"{stamp(n)},{n}\n" for n in range(16, 31))
    (path.parent / "a-later.csv").write_text(late)
    import_power_csv([path.parent], tmp_path / "c", path.parent / NAME)
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert energy_j(run) == pytest.approx(sum(range(6, 26)))


def test_what_trackers_said_in_the_events_stands_beside_the_meter(tmp_path: Path) -> None:
    events = "begin,end,scenario,tool,kwh,pue\n" + "".join(
        f"{stamp(60 * n)},{stamp(60 * n + 50)},a,Code Carbon,0.0003,1.5\n" for n in (1, 2, 3)
    )
    told = EVENTS + '[events.tracker]\nname = "tool"\nenergy = "kwh"\nunit = "kWh"\nfactor = "pue"\n'
    imported(tmp_path, rows(*[36] * 300), MAPPING + told, events)
    compared = plain(analyse(tmp_path / "c"))["trackers"]["scenarios"]["a"]["code-carbon"]
    assert compared["ratio"]["value"] == pytest.approx(0.3 / 1.5 / (36 * 50 / 3600))


def test_a_stated_energy_that_its_rule_does_not_give_is_a_finding(tmp_path: Path) -> None:
    events = f"begin,end,scenario,wh\n{stamp(10)},{stamp(20)},a,0.1\n{stamp(30)},{stamp(40)},a,0.11\n"
    told = EVENTS + '[events.stated]\ncolumn = "wh"\nunit = "Wh"\npublisher = "A lab"\nrule = "since-previous"\n'
    imported(tmp_path, rows(*[36] * 60), MAPPING + told, events)
    result = analyse(tmp_path / "c").results
    [finding] = [finding for finding in result.findings if finding.code == "publisher-energy"]
    assert finding.evidence["counted_wh"] == pytest.approx(0.1)
    assert finding.evidence["difference_percent"] == pytest.approx(-9.09, abs=0.01)
