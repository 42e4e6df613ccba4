"""PTDaemon logs of several channels and of several analysers: sums of channels, sums over time, records that miss.

The rows merged from two analysers are of the form of mlcommons/power-dev issue 329, where the second one's rows stand
.267 s before the first one's; a row whose sum lacks a channel is one of inference_results_v2.0 (closed/NVIDIA,
A100-PCIe-80GB_aarch64x4, ssd-resnet34, ranging). All other numbers are made up here.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from harness.foreign.importers.ptd.importer import import_ptd
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import NoteEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from tests.campaign_results import plain

MARK = "2024-11-28_14-28-23_testing"
VALUES = "Volts,230.000000,Amps,1.000000,PF,0.900000"


def row(stamp_s: float, power_w: float, channels: tuple[float, ...] = ()) -> str:
    """A sample so many seconds after 14:30, with its channels."""
    whole, part = divmod(round(stamp_s * 1000), 1000)
    stamp = f"11-28-2024 14:{30 + whole // 60}:{whole % 60:02d}.{part:03d}"
    text = f"Time,{stamp},Watts,{power_w:.6f},{VALUES},Mark,{MARK}"
    return text + "".join(f",Ch{number},Watts,{channel:.6f},{VALUES}" for number, channel in enumerate(channels, 1))


def step_w(stamp_s: float, low_w: float, high_w: float) -> float:
    """What an analyser shows whose power rises at 30 s."""
    return high_w if stamp_s > 30 else low_w


FIRST = [row(second, step_w(second, 100.0, 200.0)) for second in range(1, 61)]
SECOND = [row(second + 0.25, step_w(second + 0.25, 40.0, 80.0)) for second in range(61)]
"""Its first row is that of the second before: by line it would be added to another one's second."""


def written(folder: Path, **files: list[str]) -> Path:
    """A folder with these logs; `_` in a name stands for a point before its ending."""
    folder.mkdir(parents=True)
    for name, lines in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text("".join(line + "\n" for line in lines))
    return folder


def imported(folder: Path) -> RunFolder:
    """The one run of a folder, sealed as it should be."""
    import_ptd(folder, folder.parent / "c")
    assert [check for check in verify_campaign(folder.parent / "c") if not check.passed] == []
    [run] = CampaignFolder(folder.parent / "c").runs()
    return run


def merged(one: list[str], other: list[str]) -> list[str]:
    """Rows as MLPerf's power server merges them: line by line, absolute values added, the first one's time and mark."""
    head = "Time,11-28-2024 14:30:00.000,Watts,1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000"
    return [
        f"{head},Mark,{MARK},Analyzer1,{first},Analyzer2,{second}" for first, second in zip(one, other, strict=False)
    ]


@pytest.mark.parametrize("form", ["a second log beside", "one log merged by line", "as the power server leaves them"])
def test_two_analysers_are_added_by_time_and_never_by_line(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "in"
    if form == "a second log beside":
        written(folder, spl_txt=FIRST, spl2_txt=SECOND)
    elif form == "one log merged by line":
        written(folder, spl_txt=merged(FIRST, SECOND))
    else:
        written(folder, spl_txt=merged(FIRST, SECOND), spl_analyzer_1_csv=FIRST, spl_analyzer_2_csv=SECOND)
    run = imported(folder)
    assert [power.circuit for power in run.power] == ["sut-ac-inlet-1", "sut-ac-inlet-2"]
    result = plain(analyse(tmp_path / "c"))
    [told] = result["runs"]
    shared_s = told["duration_s"]["value"]
    assert shared_s == pytest.approx(60.0 if form != "one log merged by line" else 59.25)
    # the second one's first high row, at 30.25 s, stands for the second before it
    second_j = 40 * 29.25 + 80 * (shared_s - 29.25)
    assert told["energy_wh"]["value"] == pytest.approx((100 * 30 + 200 * (shared_s - 30) + second_j) / 3600, rel=1e-9)
    assert result["measurement"]["circuits"] == ["sut-ac-inlet-1", "sut-ac-inlet-2"]
    [note] = [event.text for event in run.events if isinstance(event, NoteEvent) and event.code == "ptd-analysers"]
    assert note.startswith("2 analysers are added by time: the rows of analyser 2 come 0.250 s after one of analyser 1")


def test_a_second_analyser_whose_clock_is_off_by_hours_is_refused_with_their_number(tmp_path: Path) -> None:
    late = [line.replace(" 14:", " 19:") for line in SECOND]
    with pytest.raises(ImportFileError, match=r"spl2\.txt:1: .*17999 s after .*seems to be off by \+5 h"):
        import_ptd(written(tmp_path / "in", spl_txt=FIRST, spl2_txt=late), tmp_path / "c")


def test_a_measurement_that_one_analyser_lacks_has_no_sum(tmp_path: Path) -> None:
    other = [line.replace(MARK, "another") for line in SECOND]
    with pytest.raises(ImportFileError, match=r"spl2\.txt: no rows of the mark '2024-.*for analyser 2"):
        import_ptd(written(tmp_path / "in", spl_txt=FIRST, spl2_txt=other), tmp_path / "c")


def test_the_sum_of_channels_is_the_sum_that_is_stated_or_the_row_was_edited(tmp_path: Path) -> None:
    sound = [row(second, 272.93, (91.06, 90.97, 90.9)) for second in range(3)]
    run = imported(written(tmp_path / "sound" / "in", spl_txt=sound))
    assert [column["name"] for column in run.power[0].columns if "power_w" in column["name"]] == [
        "power_w", "ch1_power_w", "ch2_power_w", "ch3_power_w",
    ]  # fmt: skip
    edited = [*sound, row(3, 270.93, (91.06, 90.97, 90.9))]
    with pytest.raises(ImportFileError, match=r"spl\.txt:4: the sum is 270\.93 W, its 3 channels are 272\.93 W"):
        import_ptd(written(tmp_path / "in", spl_txt=edited), tmp_path / "c")


def test_a_sum_that_lacks_a_channel_is_no_power_although_ptdaemon_counts_it(tmp_path: Path) -> None:
    whole, short = row(1, 1668.4, (555.7, 556.8, 555.9)), row(2, 1112.5, (555.7, 556.8, -2.0))
    run = imported(written(tmp_path / "in", spl_txt=[whole, short, row(3, 1668.4, (555.7, 556.8, 555.9))]))
    cells = [line.split(",")[1] for line in (run.path / run.power[0].stream).read_text().splitlines()[1:]]
    assert cells == ["1668.4", "", "1668.4"]
    notes = {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}
    assert notes["ptd-channels"].startswith("samples whose sum PTDaemon made without channel 3")


def test_a_channel_to_which_nothing_is_connected_is_missed_by_nobody(tmp_path: Path) -> None:
    idle = row(1, 1112.2, (555.4, 556.8)) + ",Ch3,Watts,0.000000,Volts,0.000000,Amps,0.000000,PF,0.000000"
    run = imported(written(tmp_path / "in", spl_txt=[idle, row(2, 1112.5, (555.7, 556.8, -2.0)).replace(
        "-2.000000,Volts,230.000000,Amps,1.000000,PF,0.900000", "-2.000000,Volts,-2.000000,Amps,-2.000000,PF,-2.000000"
    )]))  # fmt: skip
    cells = [line.split(",")[1] for line in (run.path / run.power[0].stream).read_text().splitlines()[1:]]
    assert cells == ["1112.2", "1112.5"]
    assert "ptd-channels" not in {event.code for event in run.events if isinstance(event, NoteEvent)}


@pytest.mark.parametrize("late_s", [0.0, 1.7])
def test_the_lag_of_a_second_analyser_is_told_with_its_bound(tmp_path: Path, late_s: float) -> None:
    draw = np.random.default_rng(7)
    levels = np.repeat(draw.choice([0.0, 1.0], 40), draw.integers(5, 14, 40))  # a load that is switched
    true_w = np.repeat(levels, 4)[: 4 * 240]  # four values a second
    energy = np.concatenate([[0.0], np.cumsum(true_w)]) / 4
    at_s = np.arange(1.0, 238.0)
    one_w, other_w = (
        np.interp(at_s + phase, np.arange(energy.size) / 4, energy)
        - np.interp(at_s + phase - 1, np.arange(energy.size) / 4, energy)
        for phase in (0.0, 0.25)
    )
    first = [row(stamp, 100 + 200 * watts) for stamp, watts in zip(at_s, one_w, strict=True)]
    second = [row(stamp + 0.25 + late_s, 40 + 50 * watts) for stamp, watts in zip(at_s, other_w, strict=True)]
    run = imported(written(tmp_path / "in", spl_txt=first, spl2_txt=second))
    [note] = [event.text for event in run.events if isinstance(event, NoteEvent) and event.code == "trace-lag"]
    told = re.fullmatch(
        r"ptd-2 against ptd-1: (\S+) s (?:behind|ahead) \(95 %: (\S+) to (\S+) s behind\), by .*; half of .* off", note
    )
    assert told is not None, note
    assert float(told[2]) <= late_s <= float(told[3])
    assert float(told[3]) - float(told[2]) < 0.3


def test_two_analysers_of_a_constant_load_have_no_lag_and_say_why(tmp_path: Path) -> None:
    first, second = ([row(second + phase, 100.0) for second in range(120)] for phase in (0.0, 0.25))
    run = imported(written(tmp_path / "in", spl_txt=first, spl2_txt=second))
    [note] = [event.text for event in run.events if isinstance(event, NoteEvent) and event.code == "trace-lag"]
    assert note.startswith("ptd-2 against ptd-1: no lag: ")


def test_an_analyser_that_was_out_of_its_range_all_the_time_is_named(tmp_path: Path) -> None:
    over = [row(second, -11.0).replace("Amps,1.000000", "Amps,-3.080360") for second in range(60)]
    run = imported(written(tmp_path / "in", spl_txt=over, spl2_txt=SECOND))
    [note] = [event.text for event in run.events if isinstance(event, NoteEvent) and event.code == "trace-lag"]
    assert note == "ptd-2 against ptd-1: no lag: ptd-1 has no reading"
