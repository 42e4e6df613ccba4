"""Whole MLPerf sessions: the console log with its replies to `RL`, MLPerf's window, PTDaemon's own uncertainty, names.

Published: tests/data/ptd/untether (ATTRIBUTION.md). All other lines are made up here, in the published forms.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cli import main
from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.ptd import loadgen
from harness.foreign.importers.ptd.importer import import_ptd
from harness.foreign.importers.ptd.loadgen import Unplaced, Window, place, read_windows
from harness.foreign.importers.ptd.reader import read_log
from harness.foreign.importers.source import SourceFile
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PhaseEvent, WindowEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from tests.campaign_results import plain
from tests.importers.test_ptd import IDENTIFY, MARK, notes, readings, row, rows

UNTETHER = Path(__file__).parents[1] / "data" / "ptd" / "untether"
S = 10**9
RANGING = MARK.replace("testing", "ranging")
HEAD = "Response to client sent: "


def console(*told: str) -> str:
    """A console log: messages get a time before the first sample, rows stay as they are."""
    stamped = [text if text.startswith("Time,") else f"03-03-2021 09:59:50.000: {text}" for text in told]
    return "Selected power meter 'Yokogawa WT330:1-Channel' from wt310.cpp\n" + "".join(f"{t}\n" for t in stamped)


def told_again(text: str) -> list[str]:
    """The rows of a log as a reply to `RL` has them."""
    return [line.partition(",Mark,")[0] for line in text.splitlines()]


def session(
    folder: Path, samples: str = "", logs: str = "", *, server: object = None, client: object = None, detail: str = ""
) -> Path:
    """A session's folder with these files."""
    (folder / "run_1").mkdir(parents=True)
    (folder / "power").mkdir()
    files = {"run_1/spl.txt": samples, "power/ptd_logs.txt": logs, "run_1/mlperf_log_detail.txt": detail}
    files |= {"power/server.json": json.dumps(server) if server is not None else ""}
    files |= {"power/client.json": json.dumps(client) if client is not None else ""}
    for name, text in files.items():
        if text:
            (folder / name).write_text(text)
    return folder


def imported(folder: Path) -> list[RunFolder]:
    """The runs of a session, sealed as they should be."""
    import_ptd(folder, folder.parent / "c")
    assert [check for check in verify_campaign(folder.parent / "c") if not check.passed] == []
    return CampaignFolder(folder.parent / "c").runs()


def codes(result: Analysis) -> set[str]:
    return {finding.code for finding in result.numbers.findings}


# --- a published session as it is -----------------------------------------------------------------------------------


@pytest.fixture(params=["packed", "unpacked"])
def published(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "untether"
    shutil.copytree(UNTETHER, folder)
    for file in sorted(folder.rglob("*.gz")) if request.param == "unpacked" else ():
        file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    return folder


def test_a_published_session_gives_the_figures_of_its_window_beside_the_whole_record(published: Path) -> None:
    summary = import_ptd(published, published.parent / "c")
    assert summary.runs == {"testing": 1, "ranging": 1}
    assert [text for text in summary.remarks if "SHA-1" in text] == []
    result = analyse(published.parent / "c")
    [run] = [run for run in plain(result)["runs"] if run["included"]]
    told = run["publisher"]
    assert (told["publisher"], told["rule"], told["offset_s"]) == ("MLPerf Inference", "rows-inside", 0.0)
    assert (told["begin_utc"], told["end_utc"]) == ("2024-07-23T13:47:29.313Z", "2024-07-23T13:58:26.498Z")
    assert told["rows"]["value"] == 657
    assert f"{told['mean_power_w']['value']:.2f}" == "398.33"
    assert f"{told['energy_wh']['value']:.2f}" == "72.70"
    assert f"{told['spanned_energy_wh']['value']:.4f}" == "72.7157"
    assert f"{run['energy_wh']['value']:.2f}" == "72.72"
    assert run["duration_s"]["value"] == pytest.approx(657.185)
    record = told["record"]
    assert (record["rows"]["value"], record["duration_s"]["value"]) == (916, pytest.approx(916.001))
    assert f"{record['mean_power_w']['value']:.2f} {record['energy_wh']['value']:.2f}" == "344.19 87.58"
    scenario = plain(result)["scenarios"]["testing"]["publisher"]
    assert (scenario["n"], scenario["energy_wh"]["value"]) == (1, told["energy_wh"]["value"])
    assert scenario["record"]["energy_wh"]["value"] == record["energy_wh"]["value"]
    assert not {"success-fraction", "publisher-window", "gap"} & codes(result)


def test_a_published_session_has_the_uncertainty_that_ptdaemon_states_of_it(published: Path) -> None:
    """Mean .4572 % (of limits): U of 72.7 Wh is .39 Wh, of which the meter's part is .192 x 2."""
    import_ptd(published, published.parent / "c")
    result = analyse(published.parent / "c")
    [run] = [run for run in plain(result)["runs"] if run["included"]]
    assert run["energy_wh"]["u"] == pytest.approx(0.198, abs=0.0005)
    lines = {line["source"]: line for line in plain(result)["scenarios"]["testing"]["budget"]["gross"]["lines"]}
    assert lines["reported"]["u"] == pytest.approx(72.71725 * 0.004572 / 3**0.5)
    assert lines["clock"]["note"] == "bound=0.4 s"
    assert "limits-unknown" not in codes(result)
    [ranging] = [run for run in CampaignFolder(published.parent / "c").runs() if run.start.kind == "ranging"]
    assert "relative_uncertainty" not in readings(ranging)  # in automatic range PTDaemon could state none


def test_terminal_and_page_give_both_figures_and_the_record(
    published: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    campaign = published.parent / "c"
    assert main(["import", "ptd", str(published), "--into", str(campaign)]) == 0
    assert main(["report", str(campaign)]) == 0
    told = capsys.readouterr().out
    assert "398.33 W (657 rows), 72.70 Wh by its rule, 72.72 Wh by exact overlap" in told
    assert "whole record: 916.00 s, 344.19 W, 87.58 Wh" in told
    page = (campaign / "derived" / "report.html").read_text()
    assert all(number in page for number in ("398.33", "657", "72.70", "72.72", "72.72", "344.19", "87.58"))
    assert "samples stamped inside the window" in page


def test_the_console_of_a_published_session_alone_holds_all_its_samples(tmp_path: Path) -> None:
    """They stand in the replies to `RL`, and are those of both spl.txt."""
    summary = import_ptd(UNTETHER / "power" / "ptd_logs.txt.gz", tmp_path / "c")
    assert summary.runs == {"testing": 1, "ranging": 1}
    told = [readings(run)["power_w"].tolist() for run in CampaignFolder(tmp_path / "c").runs()]
    import_ptd(UNTETHER, tmp_path / "d")
    both = [readings(run)["power_w"].tolist() for run in CampaignFolder(tmp_path / "d").runs()]
    assert told == [both[0][: len(told[0])], both[1][: len(told[1])]]
    assert [len(values) for values in told] == [916, 916 - (len(both[1]) - len(told[1]))]


# --- the console log: replies to RL ---------------------------------------------------------------------------------


def test_the_rows_of_a_reply_are_no_damage_and_are_compared_with_the_rows(tmp_path: Path) -> None:
    samples = rows(3)
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 3 samples", *told_again(samples))
    [run] = imported(session(tmp_path / "in", samples, logs))
    assert len(readings(run)) == 3


def test_a_row_that_ptdaemons_own_reply_tells_otherwise_is_refused(tmp_path: Path) -> None:
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 3 samples", *told_again(rows(3)))
    with pytest.raises(ImportFileError, match=r"spl\.txt:2: found 5\.1 W.*ptd_logs\.txt:5\) has 5 W.*rows were edited"):
        imported(session(tmp_path / "in", rows(3, lambda second: 5.1 if second == 1 else 5.0), logs))


def test_samples_of_a_reply_that_are_not_among_the_rows_are_told(tmp_path: Path) -> None:
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 5 samples", *told_again(rows(5)))
    [run] = imported(session(tmp_path / "in", rows(3), logs))
    assert notes(run)["ptd-samples"] == "ptd_logs.txt: 2 samples of PTDaemon's reply are not among the rows of spl.txt"


def test_a_missed_sample_has_the_stamp_of_the_one_before_it(tmp_path: Path) -> None:
    """As in inference_results_v4.1, closed/NVIDIA, H200-SXM-141GBx8, resnet50, Offline, ranging."""
    lines = rows(6).splitlines(keepends=True)
    missed = row("10:00:02.000", -2.0, rest="Volts,-2.000000,Amps,-2.000000,PF,-2.000000")
    samples = "".join([*lines[:3], missed, *lines[4:]])
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 6 samples", *told_again(samples))
    [run] = imported(session(tmp_path / "in", samples, logs))
    assert readings(run)["power_w"].isna().sum() == 1


CHANNEL = ",Watts,{:.6f},Volts,239.340000,Amps,3.477000,PF,0.965700"


def three_channels(second: int, *, marked: bool) -> str:
    """A row of a sum and three channels, as a log has it or as a reply to `RL,*,*`."""
    head, mark = row(f"10:00:0{second}.000", 2400.0, rest="Volts,239.170000,Amps,3.414000,PF,0.964500").strip().split(
        ",Mark,"
    )  # fmt: skip
    parts = [CHANNEL.format(watts) for watts in (830.0, 770.0, 800.0)]
    if not marked:
        return head + "".join(parts)
    return f"{head},Mark,{mark}" + "".join(f",Ch{number}{part}" for number, part in enumerate(parts, 1)) + "\n"


@pytest.mark.parametrize("place", ["before a row", "into a row"])
def test_the_head_of_a_message_before_or_inside_a_row_of_three_channels_is_seen_through(
    tmp_path: Path, place: str
) -> None:
    """As in inference_results_v4.1, closed/NVIDIA, H200-SXM-141GBx8: 24 of 26 sessions have both."""
    told = [three_channels(second, marked=False) for second in range(3)]
    message = f"03-03-2021 10:00:05.114: {HEAD}"
    middle = told[1].index(",Watts,770")
    told[1] = message + told[1] if place == "before a row" else told[1][:middle] + message + told[1][middle:]
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 3 samples from sum channel and channels 1 - 3") + "".join(
        f"{line}\n" for line in told
    )
    samples = "".join(three_channels(second, marked=True) for second in range(3))
    [run] = imported(session(tmp_path / "in", samples, logs))
    assert readings(run)["ch2_power_w"].tolist() == [770.0] * 3
    file = tmp_path / "in" / "power" / "ptd_logs.txt"
    [go] = read_log(SourceFile(file, file.read_bytes(), file.read_bytes())).goes
    assert [one.channels[2] for one in go.reply] == [(3, (800.0, 239.34, 3.477, 0.9657))] * 3


def test_two_messages_on_one_line_are_two(tmp_path: Path) -> None:
    line = (
        "ERROR: Current appears to be too high for set range03-03-2021 10:00:01.000: WARNING: Uncertainty unknown for "
    )
    logs = console(f"Go with mark '{MARK}'") + f"03-03-2021 10:00:01.000: {line}the last measurement sample!\n"
    [run] = imported(session(tmp_path / "in", rows(3), logs))
    assert notes(run)["ptd-message"] == "error: Current appears to be too high for set range (1 times)"
    assert notes(run)["ptd-uncertainty"] == "PTDaemon could not state the uncertainty of 1 samples"


def test_a_damaged_row_of_a_reply_costs_itself(tmp_path: Path) -> None:
    told = told_again(rows(3))
    told[1] = told[1][:40]
    logs = console(f"Go with mark '{MARK}'", HEAD + "Last 3 samples", *told)
    [run] = imported(session(tmp_path / "in", rows(3), logs))
    assert len(readings(run)) == 3
    assert notes(run)["ptd-samples"] == (
        "ptd_logs.txt: 1 rows of PTDaemon's replies are cut (line 5); they are not compared"
    )


def test_a_console_that_powershell_redirected_is_read(tmp_path: Path) -> None:
    logs = console(HEAD + IDENTIFY, f"Go with mark '{MARK}'", HEAD + "Last 3 samples", *told_again(rows(3)))
    (tmp_path / "ptd.txt").write_bytes(logs.replace("\n", "\r\n").encode("utf-16"))
    import_ptd(tmp_path / "ptd.txt", tmp_path / "c")
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert (len(readings(run)), run.power[0].identity["model"], run.power[0].tier) == (3, "WT333E", "reference")


def test_rows_without_a_mark_are_a_file_of_their_own_and_damage_among_others(tmp_path: Path) -> None:
    (tmp_path / "reply.txt").write_text("".join(f"{line}\n" for line in told_again(rows(3))))
    assert import_ptd(tmp_path / "reply.txt", tmp_path / "c").runs == {"measurement": 1}
    (tmp_path / "mixed.txt").write_text(rows(3) + told_again(row("10:00:03.000", 5.0))[0] + "\n")
    with pytest.raises(ImportFileError, match=r"mixed\.txt:4: a row without Mark among rows that have one"):
        import_ptd(tmp_path / "mixed.txt", tmp_path / "d")


def test_a_row_without_a_mark_and_without_a_measurement_before_it_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "ptd.txt").write_text(console(*told_again(rows(2))))
    with pytest.raises(ImportFileError, match=r"ptd\.txt:2: a row without Mark, and no 'Go with mark' before it"):
        import_ptd(tmp_path / "ptd.txt", tmp_path / "c")


CUTS = {
    "inside its last number": 2,
    "before its last value": len(",PF,0.965700"),
    "before its last channel": len(",Ch3" + CHANNEL.format(800.0)),
}


@pytest.mark.parametrize("gone", CUTS.values(), ids=CUTS)
def test_a_row_whose_end_was_cut_off_is_damaged_even_where_the_rest_is_one(tmp_path: Path, gone: int) -> None:
    lines = [three_channels(second, marked=True) for second in range(3)]
    lines[1] = lines[1].strip()[:-gone] + "\n"
    with pytest.raises(ImportFileError, match=r"spl\.txt:2: .*the line is damaged"):
        imported(session(tmp_path / "in", "".join(lines)))


def test_a_column_in_another_unit_is_said(tmp_path: Path) -> None:
    [run] = imported(session(tmp_path / "in", rows(5, lambda _: 4500.0)))  # mW: 250 V x .04 A x .45 = 4.5 W
    assert "is 1e+03 times volts times amperes times power factor (median of 5 samples)" in notes(run)["ptd-values"]


def test_volts_and_amperes_of_a_sum_are_means_and_say_nothing_of_its_unit(tmp_path: Path) -> None:
    [run] = imported(session(tmp_path / "in", "".join(three_channels(second, marked=True) for second in range(3))))
    assert "ptd-values" not in notes(run)


# --- PTDaemon's own uncertainty -------------------------------------------------------------------------------------

CHECKED = "Uncertainty checking for YokogawaWT330E is activated"
WHOLE = (CHECKED, f"Go with mark '{MARK}'", "Completed test")


def stated_in(logs: str) -> dict[str, object]:
    """server.json with the SHA-1 of the console log."""
    digest = hashlib.sha1(logs.encode(), usedforsecurity=False).hexdigest()
    return {"results": {"power/ptd_logs.txt": digest}, "ptd_messages": []}


def test_the_stated_mean_holds_of_samples_without_a_warning_of_their_own(tmp_path: Path) -> None:
    logs = console(*WHOLE, HEAD + "Uncertainty,0.002346,0.002193,0.013700,6,0,5,1", "WARNING: x") + (
        "03-03-2021 10:00:01.000: WARNING: Uncertainty 1.37% above 1.00% limit for the last measurement sample!\n"
        "03-03-2021 10:00:02.000: WARNING: Uncertainty unknown for the last measurement sample, channel 0!\n"
        "03-03-2021 10:00:03.000: WARNING: Uncertainty unknown for the last measurement sample, channel 2!\n"
    )
    [run] = imported(session(tmp_path / "in", rows(6), logs))
    told = readings(run)["relative_uncertainty"]
    assert told.tolist()[:2] == [0.002346, 0.0137]
    assert told.isna().tolist() == [False, False, True, False, False, False]


def test_where_ptdaemon_checked_every_sample_and_warned_of_none_its_limit_holds(tmp_path: Path) -> None:
    logs = console(*WHOLE)
    [run] = imported(session(tmp_path / "in", rows(4), logs, server=stated_in(logs)))
    assert readings(run)["relative_uncertainty"].tolist() == [0.01] * 4
    assert "limits-unknown" not in codes(analyse(run.path.parent))


@pytest.mark.parametrize(
    "told", [WHOLE[1:], WHOLE[:2], (*WHOLE, HEAD + "Uncertainty,-1.0,10000000.000000,0.000000,4,0,0,4")]
)
def test_without_that_check_to_the_end_nothing_is_known(tmp_path: Path, told: Sequence[str]) -> None:
    logs = console(*told)
    unknown = "".join(
        f"03-03-2021 10:00:0{n}.000: WARNING: Uncertainty unknown for the last measurement sample!\n" for n in range(4)
    )
    logs += unknown if len(told) > len(WHOLE) else ""
    [run] = imported(session(tmp_path / "in", rows(4), logs, server=stated_in(logs)))
    assert "relative_uncertainty" not in readings(run)
    assert "limits-unknown" in codes(analyse(run.path.parent))


def test_a_console_log_that_was_cut_says_nothing_by_what_it_lacks(tmp_path: Path) -> None:
    logs = console(*WHOLE)
    [run] = imported(session(tmp_path / "in", rows(4), logs, server=stated_in(logs + "more")))
    assert "relative_uncertainty" not in readings(run)
    assert "ptd_logs.txt is not the file whose SHA-1" in notes(run)["source-changed"]


# --- MLPerf's window ------------------------------------------------------------------------------------------------


def mllog(begin: str, end: str) -> str:
    """The two lines as LoadGen writes them now."""
    told = {"power_begin": begin, "power_end": end, "result_samples_per_second": 12.5}
    return "".join(
        f":::MLLOG {json.dumps({'key': key, 'value': value, 'time_ms': 0.1, 'namespace': 'mlperf::logging'})}\n"
        for key, value in told.items()
    )


def at(second: float, hour: int = 10) -> str:
    return f"03-03-2021 {hour:02d}:00:{second:06.3f}"


LONG = rows(30, lambda second: 7.0 if 9 < second < 21 else 3.0)


def test_the_run_is_the_window_and_the_record_stands_beside_it(tmp_path: Path) -> None:
    [run] = imported(session(tmp_path / "in", LONG, detail=mllog(at(9.5), at(20.5))))
    ratings = [event.time_ns for event in run.events if isinstance(event, PhaseEvent)]
    first_ns = int(readings(run)["time_ns"][0])
    assert [time_ns - first_ns for time_ns in ratings] == [9_500_000_000, 20_500_000_000]
    [window] = [event for event in run.events if isinstance(event, WindowEvent)]
    assert (window.from_ns, window.to_ns) == tuple(ratings)
    assert (window.source["begin"]["line"], window.source["end"]["text"]) == (1, at(20.5))
    [row_] = plain(analyse(run.path.parent))["runs"]
    # 11 rows of 7 W lie inside; half of the tenth row's second is cut off, and half of 3 W comes in
    assert row_["publisher"]["energy_wh"]["value"] * 3600 == pytest.approx(77.0)
    assert row_["energy_wh"]["value"] * 3600 == pytest.approx(0.5 * 7 + 10 * 7 + 0.5 * 3)
    assert row_["publisher"]["record"]["energy_wh"]["value"] * 3600 == pytest.approx(11 * 7 + 19 * 3)


def test_rows_of_no_power_and_of_none_are_not_counted_by_the_rule(tmp_path: Path) -> None:
    text = rows(30, lambda second: -1.0 if second == 12 else 0.0 if second == 13 else 7.0)
    [run] = imported(session(tmp_path / "in", text, detail=mllog(at(9.5), at(20.5))))
    [told] = [run["publisher"] for run in plain(analyse(run.path.parent))["runs"]]
    assert (told["rows"]["value"], told["mean_power_w"]["value"]) == (9, 7.0)


def placed(
    begin: str, end: str, zones_s: Sequence[int] = (), first: float = 0.0, last: float = 30.0
) -> Window | Unplaced:
    source = SourceFile(Path("mlperf_log_detail.txt"), b"", mllog(begin, end).encode())
    pairs = read_windows(source)
    assert isinstance(pairs, list)
    midnight_ns = pairs[0][0].time_ns // (86_400 * S) * 86_400 * S + 10 * 3600 * S
    return place(source, pairs, midnight_ns + round(first * S), midnight_ns + round(last * S), zones_s)


@pytest.mark.parametrize(
    ("hour", "zones_s", "offset_s"),
    [
        (10, (), 0),
        (10, (14400,), 0),  # a zone is named, the rows stand in UTC: the published session
        (14, (14400,), -14400),  # rows in local time
        (6, (14400,), 14400),
        (13, (14400,), -10800),  # in summer time
        (9, (-3600, 25200), 3600),
        (2, (25200, -3600), 28800),  # two machines in two zones
        (12, (), -7200),  # no zone is named
    ],
)
def test_the_offset_is_the_one_at_which_window_and_rows_overlap(
    hour: int, zones_s: tuple[int, ...], offset_s: int
) -> None:
    window = placed(at(5.0, hour), at(25.0, hour), zones_s)
    assert isinstance(window, Window)
    assert (window.offset_s, window.is_covered) == (offset_s, True)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (placed(at(5.0, 17), at(25.0, 17), (14400,)), "lies outside the samples, which reach from 03-03-2021 10:00:00"),
        (placed(at(40.0), at(59.0)), "at every offset that a time zone could explain"),
        (placed(at(5.0, 11), at(25.0, 11), (3600,), first=-7200.0, last=7200.0), "2 places among the samples fit"),
    ],
)
def test_no_offset_or_two_is_a_contradiction(window: Window | Unplaced, message: str) -> None:
    assert isinstance(window, Unplaced)
    assert message in window.text


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        (mllog(at(5.0, 20), at(25.0, 20)).replace("2021", "2020"), "lies outside the samples"),
        (mllog("soon", at(25.0)), '"value": "soon"'),
        (mllog("13-13-2021 10:00:05.000", at(25.0)), "found '13-13-2021 10:00:05.000'"),
        (mllog(at(25.0), at(5.0)), "line 1: the window ends before it begins"),
        (mllog(at(5.0), at(25.0)).splitlines()[0] + "\n", "found power_begin, expected power_begin and then power_end"),
        (mllog(at(5.0), at(9.0)) + mllog(at(15.0), at(19.0)), "2 places among the samples fit"),
    ],
)
def test_a_window_that_cannot_be_placed_is_a_finding_and_the_record_is_the_run(
    tmp_path: Path, detail: str, message: str
) -> None:
    [run] = imported(session(tmp_path / "in", LONG, detail=detail))
    assert message in notes(run)["publisher-window"]
    result = analyse(run.path.parent)
    assert plain(result)["runs"][0]["publisher"] is None
    assert plain(result)["runs"][0]["duration_s"]["value"] == pytest.approx(30.0)
    [finding] = [finding for finding in result.numbers.findings if finding.code == "publisher-window"]
    assert finding.severity == "warn"


def test_a_window_that_the_samples_do_not_cover_is_a_finding_with_its_seconds_and_a_gap(tmp_path: Path) -> None:
    [run] = imported(session(tmp_path / "in", rows(18, lambda _: 7.0), detail=mllog(at(5.5), at(25.5))))
    result = analyse(run.path.parent)
    [finding] = [finding for finding in result.numbers.findings if finding.code == "publisher-window"]
    assert finding.evidence["not_recorded_s"] == pytest.approx(8.5)
    assert "gap" in codes(result)
    assert not plain(result)["runs"][0]["included"]


@pytest.mark.parametrize(
    "line",
    [
        ":::MLLOG {'key': 'POWER_BEGIN', 'value': '%s'}",
        'pid: 1, "power_begin": "%s",',
        "2021-03-03 12:00:05 INFO power_begin : %s (UTC)",
    ],
)
def test_older_forms_of_the_two_lines_are_read(line: str) -> None:
    text = "\n".join([line % at(5.0), line.replace("begin", "end").replace("BEGIN", "END") % "3-3-2021 10:00:25.5"])
    pairs = read_windows(SourceFile(Path("x"), b"", text.encode()))
    assert isinstance(pairs, list)
    [(begin, end)] = pairs
    assert (end.time_ns - begin.time_ns, end.text) == (20_500_000_000, "3-3-2021 10:00:25.5")


def test_the_clocks_of_client_and_server_bound_the_windows_edges(tmp_path: Path) -> None:
    messages = [
        {"cmd": "time", "cmd_time": 100.0, "reply": "100.004", "reply_time": 100.001},
        {"cmd": "time", "cmd_time": 200.0, "reply": "200.002", "reply_time": 200.012},
        {"cmd": "time", "reply": "soon"},
        {"cmd": "stop", "cmd_time": 0.0, "reply": "9", "reply_time": 1.0},
    ]
    client = {"timezone": 0, "messages": messages, "results": {"run_1/mlperf_log_detail.txt": "0" * 40}}
    [run] = imported(session(tmp_path / "in", LONG, client=client, detail=mllog(at(9.5), at(20.5))))
    [window] = [event for event in run.events if isinstance(event, WindowEvent)]
    assert window.bound_s == pytest.approx(0.010)
    assert notes(run)["source-changed"].startswith(
        "run_1/mlperf_log_detail.txt is not the file whose SHA-1 client.json"
    )


def test_a_log_by_itself_finds_the_window_beside_it(tmp_path: Path) -> None:
    folder = session(tmp_path / "in", LONG, detail=mllog(at(9.5), at(20.5)))
    import_ptd(folder / "run_1" / "spl.txt", tmp_path / "c")
    assert plain(analyse(tmp_path / "c"))["runs"][0]["publisher"]["rows"]["value"] == 11
    names = sorted(path.name for path in (tmp_path / "c" / "sources").iterdir())
    assert names == [loadgen.NAME, "spl.txt"]


def test_one_mean_over_windows_and_whole_records_is_incomparable(tmp_path: Path) -> None:
    for name, hour, detail in (("a", 10, mllog(at(9.5), at(20.5))), ("b", 11, "")):
        samples = LONG.replace(" 10:", f" {hour}:")
        session(tmp_path / "in" / name, samples, "Selected power meter\n", detail=detail)
    (tmp_path / "table.csv").write_text("file,scenario\nin/a,one\nin/b,one\n")
    import_ptd(tmp_path / "in", tmp_path / "c", grouping=Grouping(str(tmp_path / "table.csv"), None))
    [finding] = [
        finding for finding in analyse(tmp_path / "c").numbers.findings if finding.code == "pooled-incomparable"
    ]
    assert finding.evidence == {"interval": ["window of MLPerf Inference, rows-inside", "as recorded"]}


# --- trees of sessions ----------------------------------------------------------------------------------------------


def tree(folder: Path, names: Sequence[str]) -> Path:
    """Sessions with a ranging and a testing run each, an hour apart."""
    for hour, name in enumerate(names, 10):
        for leaf, mark, minute in (("ranging", RANGING, "00"), ("run_1", MARK, "30")):
            (folder / name / leaf).mkdir(parents=True)
            text = "".join(row(f"{hour}:{minute}:0{second}.000", 5.0, mark) for second in range(3))
            (folder / name / leaf / "spl.txt").write_text(text)
        (folder / name / "power").mkdir()
        (folder / name / "power" / "ptd_logs.txt").write_text("Selected power meter\n")
    return folder


TREE = [
    f"closed/NVIDIA/results/A100x8_TRT_MaxQ/{model}/{mode}/performance"
    for model in ("bert-99", "resnet50")
    for mode in ("Offline", "Server")
]


def test_names_of_a_tree_are_short_and_ranging_runs_are_no_scenarios(tmp_path: Path) -> None:
    summary = import_ptd(tree(tmp_path / "in", TREE), tmp_path / "c")
    assert summary.runs == {
        "bert-99-Offline": 1, "bert-99-Server": 1, "resnet50-Offline": 1, "resnet50-Server": 1, "ranging": 4,
    }  # fmt: skip
    result = analyse(tmp_path / "c")
    assert list(plain(result)["scenarios"]) == [
        "bert-99-Offline",
        "bert-99-Server",
        "resnet50-Offline",
        "resnet50-Server",
    ]
    assert [run["scenario"] for run in plain(result)["runs"] if run["kind"] == "ranging"] == list(
        plain(result)["scenarios"]
    )
    assert not {"success-fraction", "run-aborted"} & codes(result)
    assert sum(text.startswith("ranging runs: 4;") for text in summary.remarks) == 1


def test_a_session_that_two_submissions_share_is_imported_once_and_said(tmp_path: Path) -> None:
    folder = tree(tmp_path / "in", TREE)
    shutil.copytree(folder / TREE[0], folder / TREE[0].replace("bert-99", "bert-99.9"))
    summary = import_ptd(folder, tmp_path / "c")
    assert sum(summary.runs.values()) == 8
    [said] = [text for text in summary.remarks if "imported once" in text]
    assert said.endswith("bert-99/Offline/performance (ranging, run_1); imported once")
    assert "bert-99.9/Offline/performance: the same samples as " in said


def test_a_log_that_lies_packed_and_unpacked_is_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "spl.txt").write_text(rows(3))
    (tmp_path / "in" / "spl.txt.gz").write_bytes(gzip.compress(rows(3).encode()))
    assert import_ptd(tmp_path / "in", tmp_path / "c").runs == {"testing": 1}


def test_sessions_are_grouped_by_a_template_and_one_may_be_the_baseline(tmp_path: Path) -> None:
    folder = tree(tmp_path / "in", [f"{name}/run{nth}" for name in ("idle", "load") for nth in (1, 2)])
    import_ptd(folder, tmp_path / "c", grouping=Grouping("{scenario}/run{repetition}", "idle"))
    runs = [run.start for run in CampaignFolder(tmp_path / "c").runs()]
    assert [(run.kind, run.scenario, run.repetition) for run in runs if run.kind != "ranging"] == [
        ("baseline", "baseline", 1), ("baseline", "baseline", 2), ("scenario", "load", 1), ("scenario", "load", 2),
    ]  # fmt: skip


def test_a_baseline_that_is_not_there_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="--baseline idle: no scenario is called so; there are"):
        import_ptd(tree(tmp_path / "in", ["a", "b"]), tmp_path / "c", grouping=Grouping(None, "idle"))
