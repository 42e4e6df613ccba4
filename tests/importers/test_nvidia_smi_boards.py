"""Boards in a log of nvidia-smi: what tells them apart, streams of each, gaps of one."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.nvidia_smi.boards import boards_in_turn
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from reports.readings.series import read_run
from tests.importers.smi_logs import (
    DATA,
    PLAIN,
    UUIDS,
    boards_text,
    plain,
    results,
    stamp,
    trace,
)


@pytest.mark.parametrize(
    ("columns", "ids"),
    [
        ("index", ("0", "1")),
        ("uuid", UUIDS),
        ("gpu_uuid", UUIDS),
        ("pci.bus_id", ("00000000:3B:00.0", "00000000:5E:00.0")),
        ("gpu_bus_id", ("00000000:3B:00.0", "00000000:5E:00.0")),
        ("index, name", ("2, NVIDIA A100", "3, NVIDIA A100")),
        ("name", ("NVIDIA A100", "NVIDIA T4")),
        ("serial, uuid", ("[N/A], GPU-aaaa", "[N/A], GPU-bbbb")),
    ],
)
@pytest.mark.parametrize("apart_s", [0.0, 0.004, 0.4])
def test_boards_of_one_log_are_streams_and_their_powers_are_added(
    tmp_path: Path, columns: str, ids: tuple[str, str], apart_s: float
) -> None:
    found = results(tmp_path, boards_text(columns, ids, apart_s=apart_s))
    [run] = found["runs"]
    assert run["included"]
    assert run["mean_power_w"]["value"] == pytest.approx(250.0, rel=1e-9)
    assert run["gap_s"]["value"] == 0.0
    assert [meter["role"] for meter in found["meters"]] == ["headline", "headline"]
    assert run["gpu_energy_wh"]["value"] == pytest.approx(run["energy_wh"]["value"], rel=0.1)


def test_a_board_keeps_its_index_and_says_which_it_was(tmp_path: Path) -> None:
    alone = trace(tmp_path, boards_text("index, uuid", ("3, GPU-dddd",)))
    assert alone.boards[0].meter == "gpu"
    import_nvidia_smi([tmp_path / "t.csv"], tmp_path / "one")
    identity = CampaignFolder(tmp_path / "one").runs()[0].power[0].identity
    assert (identity["board"], identity["serial"]) == ("index 3", "GPU-dddd")
    several = trace(tmp_path, boards_text("index", ("2", "3")))
    assert [board.meter for board in several.boards] == ["gpu2", "gpu3"]


def test_each_boards_indicators_stand_in_the_row_of_their_poll(tmp_path: Path) -> None:
    rows = [f"{stamp(s + 0.004 * n)}, {n}, 100.00 W, {40 + n}\n" for s in range(5) for n in range(2)]
    import_path = tmp_path / "t.csv"
    import_path.write_text("timestamp, index, power.draw [W], temperature.gpu\n" + "".join(rows))
    import_nvidia_smi([import_path], tmp_path / "c")
    indicators = read_run(CampaignFolder(tmp_path / "c").runs()[0]).indicators
    assert indicators is not None
    assert indicators.columns["gpu1_temperature_c"].tolist() == [41.0] * 5
    assert indicators.columns["gpu0_temperature_c"].tolist() == [40.0] * 5


def test_a_board_that_is_lost_leaves_a_gap_and_a_board_without_power_is_named(tmp_path: Path) -> None:
    text = boards_text("index", ("0", "1"), polls=60)
    lost = "".join(line for line in text.splitlines(keepends=True) if ", 1, " not in line or ":00:0" in line)
    [run] = results(tmp_path, lost)["runs"]
    assert run["excluded_because"] == "gaps in its power readings exceed the limits"
    silent = trace(tmp_path, text.replace("150.00 W", "[N/A]"))
    assert [board.meter for board in silent.boards] == ["gpu0"]
    assert ("power-missing", "no power in any row, and so not in the sum: gpu1 says [N/A]") in silent.notes


@pytest.mark.parametrize("boards", [2, 3, 8])
@pytest.mark.parametrize("poll_s", [0.1, 1.0, 30.0])
def test_stamps_of_boards_that_nothing_tells_apart_are_refused(tmp_path: Path, boards: int, poll_s: float) -> None:
    seconds = [poll * poll_s + 0.002 * nth for poll in range(20) for nth in range(boards)]
    with pytest.raises(ImportFileError, match=rf"t\.csv:2: .*{boards} boards.*add index or uuid"):
        trace(tmp_path, plain(seconds))


def test_equal_rows_of_boards_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    twice = [second for second in range(20) for _ in range(2)]
    with pytest.raises(ImportFileError, match=r"every row stands there more than once.*add index or uuid"):
        trace(tmp_path, plain(twice))
    with pytest.raises(ImportFileError, match=r"t\.csv:3: a second row with the time of line 2.*add index"):
        trace(tmp_path, PLAIN + f"{stamp(1)}, 100.00 W\n{stamp(1)}, 101.00 W\n{stamp(2)}, 100.00 W\n")


@given(st.integers(0, 2**32))
def test_the_jitter_of_one_board_is_not_taken_for_several(seed: int) -> None:
    """Steps as public `-lms 5` logs have them, in any order, and a power that does not follow them."""
    random = np.random.default_rng(seed)
    steps_ms = random.choice([6, 7, 12, 17, 50, 95], size=200, p=[0.6, 0.2, 0.1, 0.05, 0.03, 0.02])
    power_w = 100 + random.normal(size=201).cumsum()
    assert boards_in_turn(np.cumsum([0, *steps_ms]) * 1_000_000, lambda: power_w) is None


def test_boards_whose_burst_lasts_as_long_as_the_pause_are_told_by_their_powers() -> None:
    seconds = np.array([poll * 0.1 + 0.006 * nth for poll in range(50) for nth in range(8)])
    powers_w = np.tile([387.0, 423.0, 389.0, 371.0, 386.0, 373.0, 378.0, 376.0], 50)
    stamps_ns = np.rint(seconds * 1e9).astype(np.int64)
    assert boards_in_turn(stamps_ns, lambda: powers_w) == 8
    assert boards_in_turn(stamps_ns, lambda: np.full(400, 100.0)) is None


def test_powers_that_repeat_in_turn_are_noted_where_nothing_tells_boards_apart(tmp_path: Path) -> None:
    text = (DATA / "nvidia-smi" / "smi_two_boards_10ms.csv").read_text()
    without = re.sub(r"(?m)^([^,]*), [^,]*,", r"\1,", text)
    assert [code for code, _ in trace(tmp_path, without).notes] == ["powers-in-turn"]
    assert [code for code, _ in trace(tmp_path, text).notes] == ["boards"]


# --- gaps and jitter -----------------------------------------------------------------------------------------------


def test_boards_that_another_column_tells_apart_are_refused_with_its_name(tmp_path: Path) -> None:
    lines = [f"{stamp(second)}, 0, {gpu}, {100 + second + gpu}.0 W" for second in range(3) for gpu in range(4)]
    text = "\n".join(["timestamp, index, gpu, power.draw [W]", *lines, ""])
    with pytest.raises(ImportFileError) as refused:
        trace(tmp_path, text)
    assert "'index', by which boards are told apart, does not; column 'gpu' (0, 1, 2, 3) does" in str(refused.value)
    assert "call it index in the header, and what is called index now otherwise, such as other" in str(refused.value)
    renamed = trace(tmp_path, text.replace("index, gpu", "other, index"))
    assert len(renamed.boards) == 4


def test_seconds_that_not_all_boards_have_are_told(tmp_path: Path) -> None:
    rows = [(second + 0.25 * gpu, gpu) for second in range(30) for gpu in range(2) if gpu == 0 or second < 20]
    lines = [f"{stamp(second)}, {gpu}, 100.0 W" for second, gpu in rows]
    told = dict(trace(tmp_path, "\n".join(["timestamp, index, power.draw [W]", *lines, ""])).notes)
    assert told["boards"] == (
        "2 boards; the power is their sum; not all of them have 0.25 s at the begin (left out) and 9.75 s at the "
        "end (a gap of the others)"
    )
    same = [f"{stamp(second)}, {gpu}, 100.0 W" for second in range(30) for gpu in range(2)]
    told = dict(trace(tmp_path, "\n".join(["timestamp, index, power.draw [W]", *same, ""])).notes)
    assert told["boards"] == "2 boards; the power is their sum"
