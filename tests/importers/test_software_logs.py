"""Logs of software meters: what published files say, units, counters that begin anew, stamps, odd lines."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from harness.foreign.importers.software.formats import FORMATS, read_software
from harness.foreign.importers.software.trace import SoftwareTrace
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError

DATA = Path(__file__).parents[1] / "data"
GRID = DATA / "grid5000"
NOON_NS = int(datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()) * SECOND_NS
PERF = """     1.001048308,19.63,Joules,power/energy-pkg/,2002406532,100.00,,
     2.002369058,19.41,Joules,power/energy-pkg/,2002617705,100.00,,
     2.300000000,5.37,Joules,power/energy-pkg/,627845304,100.00,,
"""
CODECARBON = """[codecarbon INFO @ 23:59:54] Energy consumed for RAM : 0.000048 kWh. RAM Power : 11.601505279541016 W
  0%|      | 0/2700 [00:00<?, ?it/s][codecarbon INFO @ 23:59:54] Energy consumed for all CPUs : 0.000177 kWh. \
Total CPU Power : 42.5 W
[codecarbon INFO @ 23:59:54] 0.000225 kWh of electricity used since the beginning.
[codecarbon INFO @ 00:00:09] Energy consumed for RAM : 0.000096 kWh. RAM Power : 11.601505279541016 W
[codecarbon INFO @ 00:00:09] Energy consumed for All CPU : 0.000354 kWh
"""


def of(text: str, form: str, begin_ns: int | None = None) -> SoftwareTrace:
    """A log of literal text."""
    return read_software(form, SourceFile(Path("the.log"), text.encode(), text.encode()), begin_ns)


def column(trace: SoftwareTrace, name: str) -> np.ndarray:
    """The values of a column."""
    return trace.values[:, [one["name"] for one in trace.columns].index(name)]


def test_powerapi_gives_watts_of_each_socket_and_its_memory() -> None:
    trace = read_software("powerapi", read_source(GRID / "cpu-rapl-1.csv.gz"))
    assert [one["name"] for one in trace.columns] == [
        "dram_0_power_w", "dram_1_power_w", "package_0_power_w", "package_1_power_w",
    ]  # fmt: skip
    assert {one["unit"] for one in trace.columns} == {"W"}
    assert trace.clock == "local"
    assert trace.values.shape == (214, 4)
    assert np.all(np.diff(trace.time_ns) > 0)
    assert column(trace, "package_0_power_w")[0] == 71.3638916015625
    assert trace.time_ns[0] == int(datetime(2022, 4, 1, 23, 25, 8, 184000, UTC).timestamp() * 1000) * 10**6


def test_powerapi_leaves_processes_out_and_says_so() -> None:
    head = "timestamp,target,power,scope,socket\n"
    row = "2022-04-01 23:25:08.184,{},70.5,cpu,0\n"
    trace = of(head + row.format("rapl") + row.format("global") + row.format("stress"), "powerapi")
    assert [one["name"] for one in trace.columns] == ["global_package_0_power_w", "package_0_power_w"]
    assert trace.notes == ("1 targets are processes or containers; they are left out",)


def test_an_odd_line_of_a_table_is_refused_with_its_line() -> None:
    text = "timestamp,target,power,scope,socket\n2022-04-01 23:25:08.184,rapl,70.5,cpu,0\nrubbish\nx,x,x,x,x\n"
    with pytest.raises(ImportFileError, match=r"the\.log:3: found 'rubbish'"):
        of(text, "powerapi")
    with pytest.raises(ImportFileError, match=r"the\.log:1: .*expected PowerAPI's columns"):
        of("a,b\n1,2\n", "powerapi")


def test_scaphandre_gives_the_host_and_knows_microwatts() -> None:
    trace = read_software("scaphandre", read_source(GRID / "cpu-scaphandre-host-2.csv.gz"))
    assert [one["name"] for one in trace.columns] == ["host_power_w"]
    assert trace.values.shape == (43, 1)
    assert trace.values[0, 0] == 141.240215
    micro = of("timestamp,value\n2022-04-01 23:29:01.74,141240215\n2022-04-01 23:29:06.74,141317592\n", "scaphandre")
    assert micro.values[:, 0].tolist() == [141.240215, 141.317592]
    assert micro.notes == ("values are taken as microwatts, Scaphandre's own unit",)


def test_powers_of_processes_are_no_meter_of_the_machine() -> None:
    with pytest.raises(ImportFileError, match="label 'exe'"):
        of(",exe,pid,timestamp,value\n0,is.D.x,8771,2022-04-01 17:30:45.9,107.19\n", "scaphandre")
    hosts = "instance,timestamp,value\na:8080,2022-04-01 17:30:45.9,107\nb:8080,2022-04-01 17:30:45.9,108\n"
    with pytest.raises(ImportFileError, match="found 2 hosts"):
        of(hosts, "scaphandre")


def test_impact_tracker_gives_what_it_says_of_the_machine() -> None:
    trace = read_software("experiment-impact-tracker", read_source(DATA / "software" / "impact-tracker-data.json"))
    assert [one["name"] for one in trace.columns] == ["gpu_power_w", "rapl_power_w"]
    assert trace.clock == "utc"
    assert trace.values.shape == (8, 2)
    assert trace.values[0, 0] == 1331.1299999999999
    cut = of('{"timestamp":1.5,"rapl_power_draw_absolute":171.0}\n{"timest', "experiment-impact-tracker")
    assert cut.time_ns.tolist() == [1_500_000_000]
    assert "cut off" in cut.notes[0]
    with pytest.raises(ImportFileError, match=r"the\.log:1: found '\{\"timest'"):
        of('{"timest\n{"timestamp":1.5}\n', "experiment-impact-tracker")


def test_carbontracker_gives_the_mean_of_each_epoch_summed_over_its_devices() -> None:
    trace = read_software("carbontracker", read_source(DATA / "software" / "2022-04-20T082808Z_carbontracker.log"))
    begin_ns = int(datetime(2022, 4, 20, 8, 29, 38, tzinfo=UTC).timestamp()) * SECOND_NS - 60_020_000_000
    assert trace.time_ns[:2].tolist() == [begin_ns, begin_ns + 60_020_000_000]
    gpus = [44.728, 46.3455, 45.05433333, 45.05933333, 45.15966667, 45.85266667, 46.607, 44.999]
    assert column(trace, "gpu_power_w")[:2].tolist() == [sum(gpus)] * 2
    assert column(trace, "cpu_power_w")[0] == 70.79354033 + 74.29644067
    assert np.isnan(column(trace, "cpu_power_w")[2])  # between epochs nothing is known
    assert trace.notes == ()
    assert trace.clock == "local"


def test_one_figure_of_many_devices_is_said_to_be_their_mean() -> None:
    text = (
        "2025-11-18 15:53:54 - The following components were found: GPU with device(s) GPU, ANE. CPU with device(s) "
        "CPU.\n2025-11-18 15:54:28 - Duration: 0:00:33.57\n"
        "2025-11-18 15:54:28 - Average power usage (W) for gpu: 0.019533333333333337\n"
        "2025-11-18 15:54:28 - Average power usage (W) for cpu: {}\n"
    )
    trace = of(text.format("6.785"), "carbontracker")
    assert trace.values[0].tolist() == [6.785, 0.019533333333333337]
    assert trace.notes == ("gpu: 2 devices and one figure, which is their mean and not their sum in carbontracker 2",)
    with pytest.raises(ImportFileError, match=r"the\.log:4: found 'lots' W for cpu"):
        of(text.format("lots"), "carbontracker")
    with pytest.raises(ImportFileError, match="first epoch"):
        of("2025-11-18 15:53:54 - Monitoring thread started.\n", "carbontracker")


def test_energibridge_tells_where_its_counters_begin_anew() -> None:
    unit_j = 2.0**-14
    rows = [f"200,{1740515175286 + 200 * n},0,{(382_334_000 + 40_001 * n) * unit_j!r}" for n in range(20)]
    trace = of("Delta,Time,DRAM_ENERGY (J),PACKAGE_ENERGY (J)\n" + "\n".join(rows) + "\n", "energibridge")
    dram, package = trace.columns
    assert package["range_j"] == 2**32 * unit_j
    assert "range_j" not in dram
    assert trace.notes == ("the.log: dram_energy_j never changes",)
    assert trace.time_ns[0] == 1740515175286 * 10**6  # the stamp, and not Delta before or after it


def test_energibridge_of_an_apple_gives_watts_and_takes_the_later_row_of_one_millisecond() -> None:
    head = "Delta,Time,CPU_USAGE_0,SYSTEM_POWER (Watts),GPU0_POWER (mWatts)\n"
    trace = of(head + "0,1758822129038,NaN,10.5,1500\n202,1758822129038,NaN,10.6,1600\n", "energibridge")
    assert trace.values.tolist() == [[10.6, 1.6]]
    assert trace.clock == "utc"
    with pytest.raises(ImportFileError, match="no column of power or energy"):
        of("Delta,Time,CPU_USAGE_0\n0,1758822129038,1\n", "energibridge")


def test_codecarbon_counts_over_midnight_and_needs_a_date() -> None:
    trace = of(CODECARBON, "codecarbon", NOON_NS)
    assert np.diff(trace.time_ns).tolist() == [15 * SECOND_NS]
    np.testing.assert_allclose(column(trace, "cpu_energy_j"), [0.000177 * 3.6e6, 0.000354 * 3.6e6])
    assert column(trace, "ram_power_w")[0] == 11.601505279541016
    with pytest.raises(ImportFileError, match=r"the\.log:1: .*no date"):
        of(CODECARBON, "codecarbon")
    with pytest.raises(ImportFileError, match=r"the\.log:6: the energy of ram goes back"):
        of(CODECARBON + CODECARBON.split("\n")[0].replace("23:59:54", "00:00:30"), "codecarbon", NOON_NS)


def test_perf_stat_adds_its_counts_up_from_the_begin() -> None:
    trace = of(PERF, "perf-stat", NOON_NS)
    assert (trace.time_ns - NOON_NS).tolist() == [0, 1_001_048_308, 2_002_369_058, 2_300_000_000]
    np.testing.assert_allclose(trace.values[:, 0], [0, 19.63, 39.04, 44.41])
    assert trace.columns[0]["name"] == "pkg_energy_j"
    assert trace.columns[0]["kind"] == "counter"
    stated = of("# started on Sun Nov 29 12:00:00 2026\n\n" + PERF, "perf-stat")
    assert stated.time_ns.tolist() == trace.time_ns.tolist()
    with pytest.raises(ImportFileError, match="no begin"):
        of(PERF, "perf-stat")
    with pytest.raises(ImportFileError, match=r"the\.log:1: .*all sockets together"):
        of(PERF.replace("19.63,Joules", "S0,1,19.63,Joules"), "perf-stat", NOON_NS)


def test_stamps_of_a_wall_clock_become_utc_by_the_zone_that_is_named() -> None:
    text = "timestamp,value\n2022-03-27 01:59:58,10\n2022-03-27 03:00:02,11\n"
    trace = of(text, "scaphandre")
    assert np.diff(trace.utc_ns(ZoneInfo("Europe/Paris"), "the.log")).tolist() == [4 * SECOND_NS]  # over summer time
    assert (trace.time_ns - trace.utc_ns(timezone(timedelta(hours=2)), "the.log")).tolist() == [7200 * SECOND_NS] * 2
    with pytest.raises(ImportFileError, match="name no time zone"):
        trace.utc_ns(None, "the.log")


def test_a_format_that_was_never_seen_is_not_claimed() -> None:
    with pytest.raises(ImportFileError, match=f"known are {', '.join(FORMATS)}"):
        of("", "turbostat")
    with pytest.raises(ImportFileError, match="dates of its own"):
        of("timestamp,value\n", "scaphandre", NOON_NS)
