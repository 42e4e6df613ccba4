"""nvidia-smi logs: the four traces of del Rey et al. against their own table, and every kind of damage."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents import GapEvent, NoteEvent
from harness.errors import ImportFileError
from harness.importers.imported import SourceFile, read_source
from harness.importers.nvidia_smi import Trace, import_nvidia_smi
from harness.run_folder import CampaignFolder, verify_campaign

DELREY = Path(__file__).parents[1] / "data" / "delrey"
TABLE_MJ = {
    "gpu-cloud-mobilenet_v2": 0.4151704675,
    "gpu-cloud-resnet50": 0.34317293,
    "gpu-cloud-vgg16": 0.9476828465,
    "gpu-local-mobilenet_v2": 0.09973512,
}
"""Column `energy (MJ)` of runs-corrected.csv, for the runs these traces belong to."""
HEADER = "timestamp, name, utilization.gpu [%], power.draw [W], temperature.gpu\n"


def row(second: int, power: str = "100.50 W") -> str:
    return f"2023/03/08 14:56:{second:02d}.500, RTX, 7 %, {power}, 50\n"


def trace(tmp_path: Path, text: str) -> Trace:
    (tmp_path / "t.csv").write_text(text)
    return Trace(read_source(tmp_path / "t.csv"))


def energy_by_the_tables_rule_mj(one: Trace) -> float:
    """Replication of the table's rule: first 3 data rows and last 3 lines dropped, whole watts, trapezoid."""
    last = 3 - (one.truncated_line is not None)
    times_s = (one.times_ns - one.times_ns[0])[3:-last] / 1e9
    return float(np.trapezoid(np.floor(one.values["power.draw"])[3:-last], times_s)) / 1e6


@pytest.mark.parametrize("name", sorted(TABLE_MJ))
def test_with_the_tables_own_rule_a_trace_agrees_with_the_published_table(name: str) -> None:
    one = Trace(read_source(DELREY / f"{name}.csv.gz"))
    assert energy_by_the_tables_rule_mj(one) == pytest.approx(TABLE_MJ[name], rel=3e-10)


def test_four_traces_become_four_sealed_runs_with_their_gaps_and_cut_offs(tmp_path: Path) -> None:
    files = [DELREY / f"{name}.csv.gz" for name in TABLE_MJ]
    summary = import_nvidia_smi(files, tmp_path / "c")
    assert summary.runs == dict.fromkeys(TABLE_MJ, 1)
    assert [check for check in verify_campaign(tmp_path / "c") if not check.passed] == []
    runs = {run.start.scenario: run for run in CampaignFolder(tmp_path / "c").runs()}
    notes = {n: {e.code for e in run.events if isinstance(e, NoteEvent)} for n, run in runs.items()}
    assert notes["gpu-cloud-resnet50"] == {"truncated-source"}
    assert notes["gpu-cloud-vgg16"] == {"truncated-source", "gaps-in-source"}
    assert notes["gpu-cloud-mobilenet_v2"] == notes["gpu-local-mobilenet_v2"] == set()
    assert len([e for e in runs["gpu-cloud-vgg16"].events if isinstance(e, GapEvent)]) == 1
    power = runs["gpu-cloud-vgg16"].power[0]
    assert (power.circuit, power.averaging, power.origin) == ("gpu-dc-board", "instantaneous", "imported")


def test_both_spellings_and_dates_mean_the_same(tmp_path: Path) -> None:
    new = trace(tmp_path, HEADER + row(1) + row(2))
    old = trace(
        tmp_path,
        "timestamp,gpu_name,gpu_usage,gpu_power_draw,gpu_temperature\n"
        "2023-03-08 14:56:01.500,RTX,7 %,100.50 W,50\n2023-03-08 14:56:02.500,RTX,7 %,100.50 W,50\n",
    )
    np.testing.assert_array_equal(new.times_ns, old.times_ns)
    assert new.fields == old.fields


def test_a_value_that_the_board_does_not_report_is_empty(tmp_path: Path) -> None:
    one = trace(tmp_path, HEADER + row(1).replace("7 %", "[N/A]") + row(2))
    assert np.isnan(one.values["utilization.gpu"]).tolist() == [True, False]


def test_missing_seconds_are_a_gap(tmp_path: Path) -> None:
    one = trace(tmp_path, HEADER + "".join(row(second) for second in (1, 2, 3, 5, 6)))
    assert [to - start for start, to in one.gaps()] == [2_000_000_000]


@pytest.mark.parametrize("cut", range(1, len(row(9))))
def test_a_last_line_cut_anywhere_is_left_out(tmp_path: Path, cut: int) -> None:
    one = trace(tmp_path, HEADER + row(1) + row(2) + row(9)[:cut])
    assert (one.times_ns.size, one.truncated_line) == (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp, name\n", r"t\.csv:1: no column 'power.draw'"),
        (HEADER + row(1), r"t\.csv:2: fewer than two"),
        (HEADER + row(1) + "2023/03/08 14:56:02.5\n" + row(3), r"t\.csv:3: found 1 fields"),
        (HEADER + row(2) + row(2), r"t\.csv:3: time does not go on"),
        (HEADER + row(1) + row(2).replace("RTX", "GTX"), r"t\.csv:3: another GPU"),
        (HEADER + row(1) + row(2, "100,5 W").replace(",5", ".5.5"), r"t\.csv:3: found '100\.5\.5 W' as power"),
        (HEADER + row(1) + row(2, "[N/A]"), r"t\.csv:3: no power in this row"),
        (HEADER + row(1) + row(2).replace("2023/03", "2023-03"), r"t\.csv:3: found the time"),
        ("hello\n", r"t\.csv:1: no column 'timestamp'"),
    ],
)
def test_a_damaged_log_is_refused_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        trace(tmp_path, text)


def test_two_logs_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(HEADER + row(1) + row(2))
    with pytest.raises(ImportFileError, match="the same file name"):
        import_nvidia_smi([tmp_path / "t.csv", tmp_path / "t.csv"], tmp_path / "c")


@given(st.data())
def test_any_damage_is_read_or_refused_with_file_and_line_never_a_traceback(data: st.DataObject) -> None:
    content = bytearray((HEADER + row(1) + row(2) + row(3)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from([b",", b"\n", b"[N/A]", b"\0", b"99999999999", b"-"]))
        content[at : at + data.draw(st.integers(0, 3))] = piece
    problem = "x.csv:1: none"
    try:
        Trace(SourceFile(Path("x.csv"), b"", bytes(content)))
    except ImportFileError as error:
        problem = str(error)
    assert re.match(r"x\.csv:\d+: ", problem)
