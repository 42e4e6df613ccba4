"""PTDaemon logs: a published MLPerf measurement against PTDaemon's own average, published lines, and every damage.

Published: tests/data/ptd (ATTRIBUTION.md). Lines marked "power-dev" are those of mlcommons/power-dev: pull request 273,
issue 329, tests/unit/test_server.py; the console row and the temperature sensor's lines are from a published guide to
SPECpower_ssj2008. All other lines are made up here, in the published form.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.foreign.importers.ptd.importer import import_ptd
from harness.foreign.importers.ptd.instrument import parse_identify
from harness.foreign.importers.ptd.log import Log
from harness.foreign.importers.ptd.reader import read_log
from harness.foreign.importers.source import SourceFile
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import GapEvent, NoteEvent, PhaseEvent, RangeChangeEvent
from harness.record.errors import ImportFileError, RunFolderError
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from tests.campaign_results import plain

KRAI = Path(__file__).parents[1] / "data" / "ptd" / "krai"
CONSOLE = (KRAI / "power" / "ptd_logs.txt").read_text()
PULL_273 = "".join(
    f"Time,01-10-2023 13:35:{cells},Mark,2023-01-10_13-34-28_testing\n"
    for cells in (
        "07.085,Watts,16.900000,Volts,248.110000,Amps,0.145300,PF,0.468700",
        "08.085,Watts,16.190000,Volts,248.130000,Amps,0.139800,PF,0.466600",
        "09.084,Watts,16.200000,Volts,248.160000,Amps,0.140000,PF,0.466300",
        "10.086,Watts,16.200000,Volts,248.210000,Amps,0.140600,PF,0.464200",
        "11.085,Watts,16.180000,Volts,247.880000,Amps,0.140100,PF,0.466100",
    )
)
IDENTIFY = (
    "YokogawaWT330E,1000,1,1,1,1,0,0,1,version=1.9.2-e8c7a49a-20201208,OS=Linux 5.8.0-43-generic #49~20.04.1-Ubuntu "
    "SMP Fri Feb 5 09:57:56 UTC 2021 x86_64,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT333E;C3VD30030E;F1.04"
)
MARK = "2021-03-03_00-06-49_testing"


def row(time: str, watts: float, mark: str = MARK, rest: str = "Volts,250.000000,Amps,0.040000,PF,0.450000") -> str:
    """A row at MM-DD-YYYY hh:mm:ss of 3 March 2021, unless `time` has a date."""
    stamp = time if " " in time else f"03-03-2021 {time}"
    return f"Time,{stamp},Watts,{watts:.6f},{rest},Mark,{mark}\n"


def rows(count: int, watts: Callable[[int], float] = lambda _: 5.0, mark: str = MARK) -> str:
    return "".join(row(f"10:00:{second:02d}.000", watts(second), mark) for second in range(count))


def log(text: str) -> Log:
    return read_log(SourceFile(Path("spl.txt"), text.encode(), text.encode()))


def imported(tmp_path: Path, text: str, console: str = "", server: str = "") -> list[RunFolder]:
    """The runs of a submission's folder with these files; sealed as they should be."""
    (tmp_path / "in" / "run_1").mkdir(parents=True)
    (tmp_path / "in" / "power").mkdir()
    (tmp_path / "in" / "run_1" / "spl.txt").write_text(text)
    if console:
        (tmp_path / "in" / "power" / "ptd_logs.txt").write_text(console)
    if server:
        (tmp_path / "in" / "power" / "server.json").write_text(server)
    import_ptd(tmp_path / "in", tmp_path / "c")
    assert [check for check in verify_campaign(tmp_path / "c") if not check.passed] == []
    return CampaignFolder(tmp_path / "c").runs()


def readings(run: RunFolder) -> "pd.DataFrame":
    return pd.read_csv(run.path / run.power[0].stream, dtype={"flags": str}, keep_default_na=False, na_values=[""])


def notes(run: RunFolder) -> dict[str, str]:
    return {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}


# --- published measurements ----------------------------------------------------------------------------------------


def test_the_published_log_is_the_file_whose_digest_the_lab_published() -> None:
    stated = json.loads((KRAI / "power" / "server.json").read_text())["results"]["ranging/spl.txt"]
    assert hashlib.sha1((KRAI / "ranging" / "spl.txt").read_bytes()).hexdigest() == stated


def test_the_samples_of_the_published_log_have_the_average_that_ptdaemon_printed(tmp_path: Path) -> None:
    assert import_ptd(KRAI, tmp_path / "c").runs == {"ranging": 1}
    table = readings(CampaignFolder(tmp_path / "c").runs()[0])
    printed = re.search(r"Avg watts (\S+), min watts (\S+), max watts (\S+), samples (\d+)", CONSOLE)
    assert printed is not None
    assert f"{table['power_w'].mean():.6f}" == printed[1] == "6.495267"
    assert (f"{table['power_w'].min():.6f}", f"{table['power_w'].max():.6f}") == printed.group(2, 3)
    assert len(table) == int(printed[4]) == 655


def test_the_published_log_keeps_identity_ranges_and_what_the_lab_said(tmp_path: Path) -> None:
    summary = import_ptd(KRAI, tmp_path / "c")
    run = CampaignFolder(tmp_path / "c").runs()[0]
    power = run.power[0]
    assert power.identity == {
        "maker": "YOKOGAWA", "model": "WT333E", "serial": "C3VD30030E", "firmware": "F1.04",
        "driver": "ptdaemon 1.9.2-e8c7a49a-20201208",
    }  # fmt: skip
    assert (power.origin, power.calibration, power.ranging) == ("imported", None, "auto")
    assert (power.averaging, power.window_s, power.stamp) == ("window", 1.0, "unknown")
    assert {column["name"]: column["range"] for column in power.columns} == {
        "power_w": [0, 150.0], "voltage_v": [0, 300.0], "current_a": [0, 0.5], "power_factor": None,
    }  # fmt: skip
    assert power.evidence["identify"] == IDENTIFY
    assert "SR,A,Auto: Range A changed" in " ".join(e.text for e in run.events if isinstance(e, NoteEvent))
    assert any("ptd_logs.txt is not the file whose SHA-1" in remark for remark in summary.remarks)  # it is an excerpt
    assert notes(run)["source-changed"].startswith("power/ptd_logs.txt is not the file")
    assert not any("spl.txt is not the file" in remark for remark in summary.remarks)


def test_a_ranging_run_is_listed_with_its_energy_and_enters_no_mean(tmp_path: Path) -> None:
    import_ptd(KRAI, tmp_path / "c")
    result = analyse(tmp_path / "c")
    [run] = plain(result)["runs"]
    assert (run["kind"], run["status"], run["included"], run["excluded_because"]) == (
        "ranging", "success", False, "a ranging run: the analyser's ranges were being found in it",
    )  # fmt: skip
    lines = [line.split(",") for line in (KRAI / "ranging" / "spl.txt").read_text().splitlines()]
    seconds = [int(x[1][14:16]) * 60 + int(x[1][17:19]) + int(x[1][20:]) / 1000 for x in lines]
    hand_j = float(lines[0][3]) * 1.0
    for before, after, cells in zip(seconds, seconds[1:], lines[1:], strict=False):
        hand_j += float(cells[3]) * (after - before)
    assert run["energy_wh"]["value"] == pytest.approx(hand_j / 3600, rel=1e-9)
    assert plain(result)["scenarios"] == {}
    assert not {"success-fraction", "run-aborted"} & {finding.code for finding in result.numbers.findings}


def test_the_energy_of_the_report_is_that_of_the_hand_computation(tmp_path: Path) -> None:
    (tmp_path / "spl.txt").write_text(PULL_273)
    import_ptd(tmp_path / "spl.txt", tmp_path / "c")
    result = analyse(tmp_path / "c")
    hand_j = 16.90 * 0.9995 + 16.19 * 1.000 + 16.20 * 0.999 + 16.20 * 1.002 + 16.18 * 0.999  # median spacing 0.9995 s
    assert plain(result)["scenarios"]["testing"]["energy_wh"]["value"] == pytest.approx(hand_j / 3600, rel=1e-9)
    assert plain(result)["runs"][0]["included"]
    assert plain(result)["measurement"]["origin"] == "imported"
    assert plain(result)["runs"][0]["gap_s"]["value"] == 0


def test_published_rows_of_three_channels_keep_every_channel(tmp_path: Path) -> None:
    power_dev = (
        "Time,11-13-2020 22:38:59.240,Watts,272.930000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,notset,Ch1,"
        "Watts,91.060000,Volts,120.950000,Amps,0.832100,PF,0.938900,Ch2,Watts,90.970000,Volts,120.830000,Amps,0.802000,PF,"
        "0.938800,Ch3,Watts,90.900000,Volts,120.750000,Amps,0.802000,PF,0.938700\n"
        "Time,11-13-2020 22:39:00.239,Watts,275.630000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,notset,Ch1,"
        "Watts,91.960000,Volts,120.910000,Amps,0.810300,PF,0.938600,Ch2,Watts,91.870000,Volts,120.850000,Amps,0.810200,PF,"
        "0.938500,Ch3,Watts,91.800000,Volts,120.740000,Amps,0.810300,PF,0.938400\n"
    )
    [run] = imported(tmp_path, power_dev)
    table = readings(run)
    assert table["voltage_v"].isna().all()
    assert table["ch3_power_w"].tolist() == [90.90, 91.80]
    sums = table[["ch1_power_w", "ch2_power_w", "ch3_power_w"]].sum(axis=1)
    assert sums.tolist() == pytest.approx(table["power_w"].tolist())
    assert len(plain(analyse(run.path.parent))["runs"]) == 1


def test_published_messages_between_rows_are_read_over(tmp_path: Path) -> None:
    power_dev = (
        "Time,11-07-2020 17:49:06.145,NOTICE,Analyzer identity response of 32 bytes: YOKOGAWA,WT310,C2PH13047V,F1.03\n"
        "Time,11-07-2020 17:54:49.071,ERROR,Bad volts reading nan from WT310\n"
        "Buffer was 1.000E+00;1;300.0E+00;1\n"
    )
    [run] = imported(tmp_path, power_dev + PULL_273)
    assert len(readings(run)) == 5


def test_a_row_of_the_console_is_a_sample_too() -> None:
    line = "08-14-2020 12:52:54.153,Watts,23.310000,Volts,120.000000,Amps,0.194250,PF,1.000000,Mark,_002_cal_rc_\n"
    [sample] = log("Selected power meter 'Dummy (testing only)' from dummy.cpp\n" + line).rows
    assert (sample.values, sample.mark, sample.line) == ((23.31, 120.0, 0.19425, 1.0), "_002_cal_rc_", 2)


def test_the_warnings_of_the_console_give_the_uncertainty_of_their_samples(tmp_path: Path) -> None:
    published = [line for line in CONSOLE.splitlines(keepends=True) if " 00:18:2" in line]
    made_up = "".join(row(f"00:18:{25 + n}.994", 5.0) for n in range(4))  # the rows of this run are not published
    [run] = imported(tmp_path, made_up, "".join(published))
    assert readings(run)["relative_uncertainty"].tolist()[:3] == [0.0137, 0.0134, 0.0131]
    assert readings(run)["relative_uncertainty"].isna().tolist() == [False, False, False, True]
    assert notes(run)["ptd-uncertainty"] == "the uncertainty of 3 samples is above PTDaemon's limit"


# --- samples that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sentinel", "cause"), [(-1.0, "analyser error (-1)"), (-2.0, "missed sample (-2)")])
def test_a_sample_without_a_value_is_a_gap_and_never_a_number(tmp_path: Path, sentinel: float, cause: str) -> None:
    [run] = imported(tmp_path, rows(6, lambda second: sentinel if second in (2, 3) else 5.0))
    table = readings(run)
    assert table["power_w"].isna().tolist() == [False, False, True, True, False, False]
    assert table["flags"].fillna("").tolist() == ["", "", "nan", "nan", "", ""]
    [gap] = [event for event in run.events if isinstance(event, GapEvent)]
    assert gap.cause == f"PTDaemon: {cause}, 2 samples"
    assert (gap.to_ns - gap.from_ns) / 1e9 == 3.0
    result = analyse(run.path.parent)
    assert plain(result)["runs"][0]["energy_wh"]["value"] * 3600 == pytest.approx(6 * 5.0)
    assert plain(result)["runs"][0]["gap_s"]["value"] == pytest.approx(
        1.5
    )  # a window reaches half an interval further back


def test_a_negative_power_that_fits_volts_and_amperes_is_a_number(tmp_path: Path) -> None:
    fed_back = row("10:00:01.000", -11.074, rest="Volts,250.000000,Amps,0.045000,PF,-0.984000")  # 11.07 W
    [run] = imported(tmp_path, row("10:00:00.000", 5.0) + fed_back + row("10:00:02.000", 5.0))
    assert readings(run)["power_w"].tolist() == [5.0, -11.074, 5.0]
    assert not [event for event in run.events if isinstance(event, GapEvent)]


def test_a_value_outside_its_range_is_a_gap_and_never_a_negative_power(tmp_path: Path) -> None:
    """24.0 W in 149 rows, and once 24.1 W below the least current of the range: power-dev, issue 253."""
    load = "Volts,230.000000,Amps,0.217400,PF,0.480000"
    texts = [row(f"10:{second // 60:02d}:{second % 60:02d}.000", 24.0, rest=load) for second in range(150)]
    texts[75] = row("10:01:15.000", -27.1, rest="Volts,230.000000,Amps,-3.218300,PF,0.480100")
    [run] = imported(tmp_path, "".join(texts))
    table = readings(run)
    assert table["power_w"].dropna().unique().tolist() == [24.0]
    assert table["current_a"].dropna().unique().tolist() == [0.2174]
    assert table["flags"].fillna("").tolist() == [""] * 75 + ["overrange"] + [""] * 74
    assert table["voltage_v"].tolist() == [230.0] * 150
    [gap] = [event for event in run.events if isinstance(event, GapEvent)]
    assert gap.cause == "PTDaemon: outside the analyser's range, 1 samples"
    assert "stand for 24.1 to 24.1 W" in notes(run)["overrange"]
    result = analyse(run.path.parent)
    assert plain(result)["scenarios"]["testing"]["mean_power_w"]["value"] == pytest.approx(24.0)
    assert plain(result)["runs"][0]["energy_wh"]["value"] == pytest.approx(1.0)
    assert plain(result)["runs"][0]["included"]
    codes = {finding.code: finding.severity for finding in result.numbers.findings}
    assert codes["overrange"] == "invalid"
    assert "negative" not in codes


def test_a_channel_outside_its_range_is_why_the_sum_is_none(tmp_path: Path) -> None:
    """The form of inference_results_v3.0, open/Qualcomm, g292_z43_q18e, bert_pruned, ranging."""
    sound = row("10:00:00.000", 2098.0).strip()
    sound += ",Ch1,Watts,1048.800000,Volts,204.230000,Amps,5.145300,PF,0.998000,Ch2,Watts,1049.200000,Volts,204.100000,"
    sound += "Amps,5.151000,PF,0.998000\n"
    over = row("10:00:01.000", -1.0, rest="Volts,204.155000,Amps,-1.000000,PF,-1.000000").strip()
    over += ",Ch1,Watts,1048.800000,Volts,204.230000,Amps,5.145300,PF,0.998000,Ch2,Watts,-1123.400000,Volts,204.080000,"
    over += "Amps,-8.500300,PF,0.998200\n"
    [run] = imported(tmp_path, sound + over + sound.replace("10:00:00", "10:00:02"))
    table = readings(run)
    assert table["flags"].fillna("").tolist() == ["", "overrange", ""]
    assert table["ch1_power_w"].tolist() == [1048.8] * 3
    assert table["ch2_power_w"].isna().tolist() == [False, True, False]
    assert table["ch2_current_a"].isna().tolist() == [False, True, False]
    assert notes(run)["overrange"].startswith("samples outside the analyser's range: 1; ")


def test_ptdaemons_averages_leave_out_what_is_outside_the_range(tmp_path: Path) -> None:
    """As in inference_results_v1.1, closed/NVIDIA, AGX_Xavier, 3d-unet-99: 618 of 676 are valid, 58 are marked."""
    marked = row("10:00:02.000", -12.0, rest="Volts,120.720000,Amps,-3.168000,PF,0.443000")
    lines = [row(f"10:00:0{second}.000", 9.3) for second in (0, 1, 3, 4)]
    averages = "Avg watts 9.300000, min watts 9.300000, max watts 9.300000, samples 5, errors 1, valid 4"
    [run] = imported(tmp_path, "".join([*lines[:2], marked, *lines[2:]]), console_with(averages))
    assert readings(run)["power_w"].isna().sum() == 1


def test_missing_rows_are_a_gap_and_irregular_stamps_stay_as_they_are(tmp_path: Path) -> None:
    times = ["10:00:00.000", "10:00:01.003", "10:00:01.998", "10:00:06.000", "10:00:07.000"]
    [run] = imported(tmp_path, "".join(row(time, 5.0) for time in times))
    table = readings(run)
    assert ((table["time_ns"] - table["time_ns"][0]) // 10**6).tolist() == [0, 1003, 1998, 6000, 7000]
    assert [event.cause for event in run.events if isinstance(event, GapEvent)] == ["rows missing"]


# --- marks, sessions, identity -------------------------------------------------------------------------------------


def test_every_mark_is_a_run_of_its_own(tmp_path: Path) -> None:
    text = rows(3, mark="2021-03-03_00-06-49_loadgen_ranging") + "".join(
        row(f"10:01:{second:02d}.000", 6.0, "2021-03-03_00-06-49_loadgen_testing") for second in range(4)
    )
    runs = imported(tmp_path, text)
    assert [(run.start.kind, run.start.scenario, run.start.repetition, run.exit_status) for run in runs] == [
        ("ranging", "loadgen", 1, "success"), ("scenario", "loadgen", 1, "success"),
    ]  # fmt: skip
    assert [len(readings(run)) for run in runs] == [3, 4]
    ratings = [event for event in runs[1].events if isinstance(event, PhaseEvent)]
    assert [(event.edge, event.time_ns) for event in ratings] == [
        ("begin", readings(runs[1])["time_ns"][0] - 10**9), ("end", readings(runs[1])["time_ns"].iloc[-1]),
    ]  # fmt: skip
    assert runs[1].start.time_base == "source-wall"
    assert "only a wall clock stamped the samples" in str(runs[1].start.source)


def test_workloads_of_a_submission_are_scenarios_and_repeated_marks_repetitions(tmp_path: Path) -> None:
    for name, hour in (("resnet50/offline/performance", "10"), ("bert/offline/performance", "11")):
        for leaf in ("ranging", "run_1"):
            mark = f"2021-03-03_00-06-49_{'ranging' if leaf == 'ranging' else 'testing'}"
            minute = "00" if leaf == "ranging" else "30"
            folder = tmp_path / "in" / name / leaf
            folder.mkdir(parents=True)
            text = "".join(row(f"{hour}:{minute}:0{second}.000", 5.0, mark) for second in range(3))
            (folder / "spl.txt").write_text(text)
        (tmp_path / "in" / name / "power").mkdir()
        (tmp_path / "in" / name / "power" / "ptd_logs.txt").write_text("Selected power meter\n")
    counts = import_ptd(tmp_path / "in", tmp_path / "c").runs
    assert counts == {"resnet50": 1, "bert": 1, "ranging": 2}
    (tmp_path / "twice.txt").write_text(rows(3, mark="a") + row("10:01:00.000", 5.0, "b") + row("10:01:01.000", 5, "b")
        + row("10:02:00.000", 5.0, "a") + row("10:02:01.000", 5.0, "a"))  # fmt: skip
    assert import_ptd(tmp_path / "twice.txt", tmp_path / "d").runs == {"a": 2, "b": 1}


def test_a_folder_named_by_its_session_is_the_same_scenario_as_the_next_session(tmp_path: Path) -> None:
    for hour in ("10", "11"):
        folder = tmp_path / "in" / f"2021-03-03_{hour}-24-04_loadgen-testing"
        folder.mkdir(parents=True)
        text = "".join(row(f"{hour}:30:0{second}.000", 5.0, "testing-workload") for second in range(3))
        (folder / "spl.txt").write_text(text)
    summary = import_ptd(tmp_path / "in", tmp_path / "c")
    assert summary.runs == {"loadgen-testing-testing-workload": 2}
    assert [run.start.repetition for run in CampaignFolder(tmp_path / "c").runs()] == [1, 2]


def test_what_lies_beside_the_logs_is_kept_with_them(tmp_path: Path) -> None:
    (tmp_path / "in" / "power").mkdir(parents=True)
    (tmp_path / "in" / "power" / "server.json").write_text("{}")
    (tmp_path / "in" / "power" / "client.json").write_text('{"a": 1}')
    (tmp_path / "in" / "power" / "server.log").write_text("")
    (tmp_path / "in" / "spl.txt").write_text(rows(3))
    import_ptd(tmp_path / "in", tmp_path / "c")
    assert sorted(path.name for path in (tmp_path / "c" / "sources").iterdir()) == [
        "client.json", "server.json", "spl.txt",
    ]  # fmt: skip


def test_ranges_set_before_a_run_are_those_it_begins_with_and_a_change_within_is_an_event(tmp_path: Path) -> None:
    console = (
        f"Selected power meter\n03-03-2021 09:59:40.000: Response to client sent: {IDENTIFY}\n"
        "03-03-2021 09:59:41.000: Response to client sent: Ranges,1,0.500000,1,300.000000\n"
        "03-03-2021 09:59:42.000: Volt range set to 300.000000V\n"
        "03-03-2021 09:59:43.000: Amp range set to 0.056070A\n"
        "03-03-2021 09:59:44.000: ...response of 24 bytes: 100.0E-03;0;300.0E+00;0\n"
        f"03-03-2021 09:59:59.500: Go with mark '{MARK}'\n"
        "03-03-2021 10:00:02.500: Amp range set to 0.500000A\n"
    )
    [run] = imported(tmp_path, rows(5), console)
    power = run.power[0]
    assert power.ranging == "fixed"
    assert power.columns[0]["range"] == [0, pytest.approx(30.0)]
    [change] = [event for event in run.events if isinstance(event, RangeChangeEvent)]
    assert (change.column, change.auto, change.full_scale) == ("current_a", False, 0.5)
    assert "Amp range set to 0.056070A" in notes(run)["ptd-ranges"]


def test_an_identify_line_names_calibration_date_and_analyser() -> None:
    found = parse_identify(IDENTIFY.replace("no_cal_date", "2020-11-30"), "x")
    assert found.calibration == {"date": "2020-11-30", "source": "PTDaemon Identify"}
    assert found.evidence["ptdaemon_os"].startswith("Linux 5.8.0-43-generic #49")
    assert (found.emulated, found.dummy) == (False, False)


def test_an_emulator_behind_ptdaemon_stays_emulated(tmp_path: Path) -> None:
    console = f"Selected power meter\n03-03-2021 09:59:40.000: Response to client sent: {IDENTIFY}\n"
    [run] = imported(tmp_path, rows(5), console.replace("C3VD30030E", "EMULATED"))
    assert run.power[0].origin == "emulated"
    assert plain(analyse(run.path.parent))["measurement"]["origin"] == "emulated"


def test_a_dummy_analyser_is_told(tmp_path: Path) -> None:
    identify = IDENTIFY.replace("YokogawaWT330E", "Dummy").replace("YOKOGAWA;WT333E;C3VD30030E;F1.04", "na")
    console = f"Selected power meter\n03-03-2021 09:59:40.000: Response to client sent: {identify}\n"
    [run] = imported(tmp_path, rows(5), console)
    assert "were not measured" in notes(run)["dummy-analyser"]
    assert (run.power[0].origin, run.power[0].identity["model"]) == ("emulated", "na")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PCsensor USB9097+DS18B20,5000,1,0,0,0,0,0,1,version=1.9.1-a2d19f26-20190717,OS=Windows 8 / Server 2012,"
         "mode=temperature,0,0,1,0,0,no_cal_date,na", "mode 'temperature'"),
        ("YokogawaWT330E,1000", "found the Identify line"),
    ],
)  # fmt: skip
def test_an_identify_line_that_is_not_of_an_analyser_is_refused(line: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        parse_identify(line, "x")


def test_two_analysers_in_one_session_are_refused(tmp_path: Path) -> None:
    console = f"Selected power meter\n03-03-2021 09:59:40.000: Response to client sent: {IDENTIFY}\n"
    server = json.dumps({"ptd_messages": [{"cmd": "Identify", "reply": IDENTIFY.replace("WT333E", "WT310")}]})
    with pytest.raises(ImportFileError, match="two Identify lines differ"):
        imported(tmp_path, rows(5), console, server)


# --- PTDaemon's averages -------------------------------------------------------------------------------------------


def console_with(averages: str) -> str:
    return (
        f"Selected power meter\n03-03-2021 09:59:59.500: Go with mark '{MARK}'\n"
        "03-03-2021 09:59:59.500: Response to client sent: Starting untimed measurement, maximum 500000 samples at "
        f"1000ms with 0 rampup samples\n03-03-2021 10:00:09.000: Completed test\n03-03-2021 10:00:09.000: {averages}\n"
    )


def test_a_changed_watt_is_found_by_ptdaemons_average(tmp_path: Path) -> None:
    shutil.copytree(KRAI, tmp_path / "in")
    spl = tmp_path / "in" / "ranging" / "spl.txt"
    spl.write_text(spl.read_text().replace("Watts,6.870000", "Watts,6.860000", 1))
    with pytest.raises(
        ImportFileError, match=r"ptd_logs\.txt:\d+: PTDaemon states average, .*rows were edited or lost"
    ):
        import_ptd(tmp_path / "in", tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "averages",
    [
        "Avg watts 5.100000, min watts 5.000000, max watts 5.000000, samples 5, errors 0, valid 5",
        "Avg watts 5.000000, min watts 4.900000, max watts 5.000000, samples 5, errors 0, valid 5",
        "Avg watts 5.000000, min watts 5.000000, max watts 5.000000, samples 5, errors 1, valid 4",
        "Response to client sent: Watts,5.000002,5.000000,5.000000,5,0,5",
    ],
)
def test_averages_that_contradict_the_samples_are_refused(tmp_path: Path, averages: str) -> None:
    with pytest.raises(ImportFileError, match=r"ptd_logs\.txt:5: PTDaemon states"):
        imported(tmp_path, rows(5), console_with(averages))


def test_averages_of_the_first_samples_are_compared_with_those(tmp_path: Path) -> None:
    averages = "Response to client sent: Watts,5.500000,5.000000,6.000000,3,1,2"
    [run] = imported(tmp_path, rows(5, lambda second: [5.0, -1.0, 6.0, 9.0, 9.0][second]), console_with(averages))
    assert "count the first 3 of 5 rows" in notes(run)["ptd-samples"]


def test_what_is_said_of_many_measurements_stands_once_with_their_number(tmp_path: Path) -> None:
    averages = "Avg watts 5.000000, min watts 5.000000, max watts 5.000000, samples 6, errors 0, valid 6"
    for nth in range(5):
        session = tmp_path / "in" / f"s{nth}"
        (session / "run_1").mkdir(parents=True)
        (session / "power").mkdir()
        (session / "run_1" / "spl.txt").write_text(rows(5, lambda second, nth=nth: 5.0 + nth))  # type: ignore[misc]
        (session / "power" / "ptd_logs.txt").write_text(console_with(averages))
    said = [remark for remark in import_ptd(tmp_path / "in", tmp_path / "c").remarks if "not compared" in remark]
    assert len(said) == 1
    assert said[0].startswith("5 measurements: PTDaemon's averages were not compared; the first: ")
    assert said[0].endswith("6 samples there, 5 rows here")


def test_averages_of_more_samples_than_there_are_rows_are_told(tmp_path: Path) -> None:
    averages = "Avg watts 5.000000, min watts 5.000000, max watts 5.000000, samples 6, errors 0, valid 6"
    [run] = imported(tmp_path, rows(5), console_with(averages))
    assert notes(run)["ptd-samples"] == (
        "ptd_logs.txt:5: PTDaemon's averages were not compared: 6 samples there, 5 rows here"
    )


def test_the_uncertainty_that_the_server_asked_for_is_kept(tmp_path: Path) -> None:
    asked = [
        {"cmd": f"Go,1000,0,{MARK}", "reply": "Starting untimed measurement, maximum 9 samples at 1000ms with 0 rampup "
                                              "samples"},
        {"cmd": "Watts", "reply": "Watts,5.000000,5.000000,5.000000,5,0,5"},
        {"cmd": "Uncertainty", "reply": "Uncertainty,0.006264,0.006105,0.009201,5,0,5,0"},
    ]  # fmt: skip
    [run] = imported(tmp_path, rows(5), server=json.dumps({"ptd_messages": asked}))
    assert notes(run)["ptd-uncertainty"].startswith("Uncertainty,0.006264,0.006105,0.009201,5,0,5,0")


# --- dates and clocks ----------------------------------------------------------------------------------------------


def test_dates_are_month_first_as_power_devs_own_example_shows() -> None:
    values = "Watts,23.430000,Volts,228.370000,Amps,0.204280,PF,0.502300"
    example = f"Time,12-23-2020 10:21:51.496,{values},Mark,testing-workload\n"
    [sample] = log(example).rows
    assert pd.Timestamp(sample.time_ns).isoformat() == "2020-12-23T10:21:51.496000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            row("23-12-2020 10:00:00.000", 5.0, "x"),
            r"spl\.txt:1: found the time 23-12-2020 10:00:00, expected month-day",
        ),
        (row("02-03-2021 10:00:00.000", 5.0), r"spl\.txt:1: the date 02-03-2021 means 2021-02-03 .*2021-03-03"),
        (row("03-03-2021 25:00:00.000", 5.0), r"spl\.txt:1: found the time"),
        (row("03-03-0021 10:00:00.000", 5.0, "x"), r"spl\.txt:1: found the time 03-03-0021"),
        (row("10:00:01.000", 5.0) + row("10:00:00.999", 5.0), r"spl\.txt:2: time goes back by 0\.001 s"),
        (row("10:00:01.000", 5.0) + row("09:00:02.000", 5.0), r"spl\.txt:2: time goes back by 3599\.000 s .*summer"),
        (row("10:00:01.000", 5.0) + row("11:00:02.000", 5.0), r"spl\.txt:2: time jumps by 3601\.000 s .*summer"),
    ],
)
def test_a_clock_that_cannot_be_right_is_refused_with_the_line(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        log(text)


def test_a_run_over_midnight_agrees_with_its_mark() -> None:
    text = row("03-03-2021 23:59:59.500", 5.0) + row("03-04-2021 00:00:00.500", 5.0)
    first, second = log(text).rows
    assert second.time_ns - first.time_ns == 10**9


# --- damage --------------------------------------------------------------------------------------------------------

MERGED = (  # power-dev, issue 329
    "Time,11-28-2024 14:30:57.632,Watts,779.574000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,"
    "2024-11-28_14-28-23_testing,Analyzer1,Time,11-28-2024 14:30:57.632,Watts,-11.074000,Volts,246.710000,Amps,"
    "-3.080230,PF,0.407900,Mark,2024-11-28_14-28-23_testing,Analyzer2,Time,11-28-2024 14:30:57.365,Watts,"
    "768.500000,Volts,"
    "245.860000,Amps,3.185800,PF,0.981100,Mark,2024-11-28_14-28-23_testing\n"
)
GARBLED = "03-03-2021 10:00:34.59903-03-2021 10:00:38.963,Watts,5.0,Volts,250.0,Amps,0.04,PF,0.45,Mark,x\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            rows(2) + "Time,03-03-2021 10:00:02.000,Watts,5.0\n" + row("10:00:03.000", 5.0),
            r"spl\.txt:3: found 'Time,03",
        ),
        (rows(2) + row("10:00:02.000", 5.0).replace("5.0", "nan") + rows(1), r"spl\.txt:3: found"),
        (rows(2) + row("10:00:02.000", 5.0).replace("Watts,5.0", "Watts,5,0") + rows(1), r"spl\.txt:3: found"),
        (rows(2) + "hello\n" + row("10:00:03.000", 5.0), r"spl\.txt:3: found 'hello'"),
        (rows(2).replace("PF", "Power"), r"spl\.txt:1: found"),
        (rows(2) + MERGED + rows(1), r"spl\.txt:3: a row merged from several analysers among rows of one"),
        (MERGED + rows(1), r"spl\.txt:2: found .*expected a row merged of 2 analysers"),
        (
            "Selected\n09-23-2020 14:40:23.964,Temp,29.687500,Humidity,0.000000,Mark,notset\n",
            r"spl\.txt:2: .*temperature",
        ),
        ("Selected\n" + GARBLED, r"spl\.txt:2: found '03-03-2021 10:00:34\.599"),
    ],
)
def test_a_damaged_log_is_refused_with_file_and_line_and_leaves_nothing(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "spl.txt").write_text(text)
    with pytest.raises(ImportFileError, match=message):
        import_ptd(tmp_path, tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no spl.txt"),
        ({"spl.txt": "Time,03-03-2021 10:00:00.000,NOTICE,hello\n"}, r"spl\.txt:1: no sample in it"),
        ({"spl.txt": row("10:00:00.000", 5.0)}, "1 samples at one time"),
        ({"spl.txt": row("10:00:00.000", 5.0) * 3}, "3 samples at one time"),
        ({"spl.txt": rows(3), "server.json": "{"}, r"server\.json:1: not JSON"),
        ({"spl.txt": rows(3), "server.json": '{"ptd_messages": [1]}'}, r"server\.json:1: expected an object"),
        ({"spl.txt": ""}, r"spl\.txt:1: the file is empty"),
    ],
)
def test_a_folder_without_a_usable_log_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    with pytest.raises(ImportFileError, match=message):
        import_ptd(tmp_path / "in", tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("cut", range(1, len(row("10:00:03.000", 5.0))))
def test_a_last_line_cut_anywhere_is_left_out_and_told(cut: int) -> None:
    whole = row("10:00:03.000", 5.0)
    found = log(rows(3) + whole[:cut])
    complete = cut == len(whole) - 1  # all but the newline: the mark is that of the row before
    assert (len(found.rows), found.cut_line) == ((4, None) if complete else (3, 4))


def test_a_cut_line_is_noted_in_the_run(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(3) + row("10:00:03.000", 5.0)[:40])
    assert notes(run)["truncated-source"] == "line 4 of spl.txt is cut off; left out"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_imported_or_refused_with_the_file_never_a_traceback(data: st.DataObject) -> None:
    samples = (rows(3) + PULL_273).encode()
    content = bytearray(data.draw(st.sampled_from([samples, CONSOLE.encode() + samples, MERGED.encode()])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from([b",", b"\n", b"-1", b"\0", b"9" * 400, b"Time,"]))
        content[at : at + data.draw(st.integers(0, 3))] = piece
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.txt").write_bytes(content)
        problem = ""
        try:
            import_ptd(Path(folder) / "x.txt", Path(folder) / "c")
        except ImportFileError as error:
            problem = str(error)
        assert (Path(folder) / "c").exists() == (problem == "")
        assert problem == "" or problem.startswith(folder)


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_imported_and_refuses_a_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "ptd", str(KRAI), "--into", str(tmp_path / "c")]) == 0
    told = capsys.readouterr().out
    assert "ranging 1" in told
    assert "ranging runs: 1; they are listed and enter no mean" in told
    with pytest.raises(RunFolderError, match="a campaign is there already"):
        import_ptd(KRAI, tmp_path / "c")


def test_a_console_log_alone_is_named_and_what_to_give_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "ptd_logs.txt"
    path.write_text(CONSOLE)
    with pytest.raises(ImportFileError, match=r"ptd_logs\.txt:1: PTDaemon's console log .* give the log of samples"):
        import_ptd(path, tmp_path / "c")
