"""nvidia-smi logs: the four traces of del Rey et al. against their own table, the public cases, all kinds of damage."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.nvidia_smi.boards import boards_in_turn
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.nvidia_smi.trace import Trace, read_trace
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.ptd.reader import read_log
from harness.foreign.importers.source import SourceFile, read_source
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import GapEvent, NoteEvent
from harness.record.errors import ImportFileError
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from reports.readings.series import read_run

DATA = Path(__file__).parents[1] / "data"
DELREY = DATA / "delrey"
TABLE_MJ = {
    "gpu-cloud-mobilenet_v2": 0.4151704675,
    "gpu-cloud-resnet50": 0.34317293,
    "gpu-cloud-vgg16": 0.9476828465,
    "gpu-local-mobilenet_v2": 0.09973512,
}
"""Column `energy (MJ)` of runs-corrected.csv, for the runs these traces belong to."""
HEADER = "timestamp, name, utilization.gpu [%], power.draw [W], temperature.gpu\n"
PLAIN = "timestamp, power.draw [W]\n"


def row(second: int, power: str = "100.50 W") -> str:
    return f"2023/03/08 14:56:{second:02d}.500, RTX, 7 %, {power}, 50\n"


def stamp(second: float) -> str:
    whole, milli = divmod(round(second * 1000), 1000)
    return f"2026/03/04 09:{whole // 60:02d}:{whole % 60:02d}.{milli:03d}"


def plain(seconds: Sequence[float], power: str = "100.00 W") -> str:
    return PLAIN + "".join(f"{stamp(second)}, {power}\n" for second in seconds)


def trace(tmp_path: Path, text: str | bytes) -> Trace:
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(read_source(path))


def results(tmp_path: Path, *texts: str) -> Any:  # noqa: ANN401  results.json
    """What is reported of some logs."""
    files = []
    for nth, text in enumerate(texts):
        files.append(tmp_path / f"log{nth}.csv")
        files[-1].write_text(text)
    import_nvidia_smi(files, tmp_path / "c")
    return analyse(tmp_path / "c").to_json()


def powers(one: Trace) -> list[float]:
    return list(map(float, one.boards[0].power_w))


def codes(found: Any) -> set[tuple[str, str]]:  # noqa: ANN401
    return {(finding["code"], finding["severity"]) for finding in found["findings"]}


def energy_by_the_tables_rule_mj(one: Trace) -> float:
    """Replication of the table's rule: first 3 data rows and last 3 lines dropped, whole watts, trapezoid."""
    [board] = one.boards
    last = 3 - any(code == "truncated-source" for code, _ in one.notes)
    times_s = (board.times_ns - board.times_ns[0])[3:-last] / 1e9
    return float(np.trapezoid(np.floor(board.power_w)[3:-last], times_s)) / 1e6


# --- the traces of del Rey et al. ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TABLE_MJ))
def test_with_the_tables_own_rule_a_trace_agrees_with_the_published_table(name: str) -> None:
    one = read_trace(read_source(DELREY / f"{name}.csv.gz"))
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
    [gap] = [e for e in runs["gpu-cloud-vgg16"].events if isinstance(e, GapEvent)]
    assert (gap.to_ns - gap.from_ns) / 1e9 == pytest.approx(3.737 - 2 * 1.002, abs=0.005)
    power = runs["gpu-cloud-vgg16"].power[0]
    assert (power.circuit, power.averaging, power.origin) == ("gpu-dc-board", "instantaneous", "imported")


def test_both_spellings_and_dates_mean_the_same(tmp_path: Path) -> None:
    new = trace(tmp_path, HEADER + row(1) + row(2)).boards[0]
    old = trace(
        tmp_path,
        "timestamp,gpu_name,gpu_usage,gpu_power_draw,gpu_temperature\n"
        "2023-03-08 14:56:01.500,RTX,7 %,100.50 W,50\n2023-03-08 14:56:02.500,RTX,7 %,100.50 W,50\n",
    ).boards[0]
    np.testing.assert_array_equal(new.times_ns, old.times_ns)
    assert (new.identity, sorted(new.indicators)) == (old.identity, sorted(old.indicators))


# --- the public cases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "power_w", "duration_s"),
    [
        ("two_boards_10ms", 400.0, 0.285),
        ("two_boards_1s", 250.0, 10.996),
        ("jitter", 100.0, 0.288),
        ("instant_only", 104.5, 9.0),
        ("average_only", 104.5, 9.0),
        ("unknown_row", 100.0, 10.0),
        ("clocks_current", 104.5, 9.0),
        ("index_first", 104.5, 9.0),
        ("blank_end", 104.5, 9.0),
        ("header_again", 100.0, 9.0),
    ],
)
def test_a_public_case_is_read_with_its_right_value(
    tmp_path: Path, case: str, power_w: float, duration_s: float
) -> None:
    import_nvidia_smi([DATA / "nvidia-smi" / f"smi_{case}.csv"], tmp_path / "c")
    found = analyse(tmp_path / "c").to_json()
    [run] = found["runs"]
    assert run["included"], run["excluded_because"]
    assert run["mean_power_w"]["value"] == pytest.approx(power_w, rel=1e-9)
    assert run["duration_s"]["value"] == pytest.approx(duration_s, abs=1e-9)
    assert found["scenarios"][f"smi_{case}"]["mean_power_w"]["value"] == pytest.approx(power_w, rel=1e-9)
    assert "truncated-source" not in {code for code, _ in codes(found)}
    assert ("gap" in run["findings"]) == (case == "unknown_row")


def test_which_figure_it_is_stands_in_the_identity(tmp_path: Path) -> None:
    meters = {}
    for figure in ("power.draw.instant", "power.draw", "power.draw.average"):
        (tmp_path / figure).mkdir()
        found = results(tmp_path / figure, plain(range(10)).replace("power.draw", figure))
        [meters[figure]] = found["meters"]
        assert figure in found["campaign"]["source"]["note"]
    assert {figure: meter["identity"]["figure"] for figure, meter in meters.items()} == {name: name for name in meters}
    assert [meter["averaging"] for meter in meters.values()] == ["instantaneous"] * 3


def test_of_several_powers_the_momentary_one_is_used_and_the_others_are_kept(tmp_path: Path) -> None:
    text = "timestamp, power.draw.average [W], power.draw [W], power.draw.instant [W]\n" + "".join(
        f"{stamp(second)}, 90.00 W, 95.00 W, 100.00 W\n" for second in range(10)
    )
    found = results(tmp_path, text)
    [run] = found["runs"]
    assert run["mean_power_w"]["value"] == pytest.approx(100.0)
    means = {"gpu0_power_w": 100.0, "gpu0_power_draw_w": 95.0, "gpu0_power_average_w": 90.0}
    assert run["indicators"] == pytest.approx(means)
    none = trace(tmp_path, text.replace("100.00 W", "[N/A]"))
    assert none.boards[0].figure == "power.draw"


@pytest.mark.parametrize("step_s", [0.05, 1.0, 5.0])
def test_means_of_a_second_are_values_in_the_middle_of_it_however_far_apart(tmp_path: Path, step_s: float) -> None:
    """Half of the rows at 100 W, half at 300 W: as much energy as the rows say, and every row counts."""
    rows = [f"{stamp(at * step_s)}, {100 if at < 20 else 300}.00 W\n" for at in range(41)]
    [run] = results(tmp_path, "timestamp, power.draw.average [W]\n" + "".join(rows))["runs"]
    energy_j = step_s * (19 * 100 + 200 + 20 * 300)
    assert run["energy_wh"]["value"] * 3600 == pytest.approx(energy_j)
    assert (run["duration_s"]["value"], run["gap_s"]["value"]) == (pytest.approx(40 * step_s), 0.0)
    folder = CampaignFolder(tmp_path / "c").runs()[0]
    [descriptor] = folder.power
    assert (descriptor.averaging, descriptor.window_s, descriptor.latency_s) == ("instantaneous", 1.0, 0.5)
    assert folder.start.utc == "2026-03-04T08:59:59.500Z"


@pytest.mark.parametrize("figure", ["power.draw", "power.draw.average"])
@pytest.mark.parametrize("at", [0, 20, 35, 40])
def test_a_negative_power_anywhere_is_a_finding(tmp_path: Path, figure: str, at: int) -> None:
    rows = [f"{stamp(nth * 0.05)}, {'-' if nth == at else ''}100.00 W\n" for nth in range(41)]
    found = results(tmp_path, f"timestamp, {figure} [W]\n" + "".join(rows))
    assert "negative" in found["runs"][0]["findings"]


def test_short_and_long_names_of_a_query_are_one_column(tmp_path: Path) -> None:
    """What is printed for `clocks.sm`, `clocks.gr`, `pcie.link.gen.current`, `clocks_throttle_reasons.active`."""
    heads = (
        "clocks.sm, clocks.mem, clocks.gr, pcie.link.gen.current, clocks_throttle_reasons.active, pstate",
        "clocks.current.sm [MHz], clocks.current.memory [MHz], clocks.current.graphics [MHz], "
        "pcie.link.gen.gpucurrent, clocks_event_reasons.active, pstate",
    )
    for head in heads:
        text = f"timestamp, power.draw [W], {head}\n" + "".join(
            f"{stamp(s)}, 100.00 W, 1410 MHz, 1215 MHz, 1400 MHz, 4, 0x0000000000000020, P2\n" for s in range(10)
        )
        (tmp_path / head[:9]).mkdir()
        assert results(tmp_path / head[:9], text)["runs"][0]["indicators"] == {
            "gpu0_power_w": 100.0, "gpu0_sm_clock_mhz": 1410.0, "gpu0_memory_clock_mhz": 1215.0,
            "gpu0_graphics_clock_mhz": 1400.0, "gpu0_pcie_generation": 4.0, "gpu0_throttled": 1.0, "gpu0_pstate": 2.0,
        }  # fmt: skip


# --- boards --------------------------------------------------------------------------------------------------------

UUIDS = ("GPU-aaaa", "GPU-bbbb")


def boards_text(columns: str, ids: Sequence[str], *, polls: int = 12, apart_s: float = 0.004) -> str:
    rows = [
        f"{stamp(poll + nth * apart_s)}, {one}, {100 + 50 * nth}.00 W\n"
        for poll in range(polls)
        for nth, one in enumerate(ids)
    ]
    return f"timestamp, {columns}, power.draw [W]\n" + "".join(rows)


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


def test_what_the_log_says_of_driver_and_power_limit_stands_with_the_machine(tmp_path: Path) -> None:
    text = boards_text("index, name, driver_version, enforced.power.limit [W]",
                       ("0, A100, 535.129.03, 300.00 W", "1, A100, 535.129.03, [N/A]"))  # fmt: skip
    assert results(tmp_path, text)["sut"]["gpus"] == [
        {"name": "A100", "driver": "535.129.03", "power_limit_w": 300.0}, {"name": "A100", "driver": "535.129.03"},
    ]  # fmt: skip


def test_what_is_attached_is_what_was_read_although_the_logger_still_writes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(SOUND)

    def still_writing(_done: int, _total: int) -> None:
        path.write_text(path.read_text() + "more")

    import_nvidia_smi([path], tmp_path / "c", on_progress=still_writing)
    assert (tmp_path / "c" / "sources" / "t.csv").read_text() == SOUND
    assert [check for check in verify_campaign(tmp_path / "c") if not check.passed] == []


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


def included(tmp_path: Path, seconds: Sequence[float]) -> Any:  # noqa: ANN401
    [run] = results(tmp_path, plain(seconds))["runs"]
    return run


def test_what_is_further_than_one_step_from_every_row_is_a_gap(tmp_path: Path) -> None:
    seconds = [second for second in range(600) if not 200 < second < 205]
    run = included(tmp_path, seconds)
    assert run["gap_s"]["value"] == pytest.approx(5.0 - 2 * 1.0, abs=1e-6)
    assert (run["included"], run["findings"]) == (True, ["gap", "note"])


def test_a_missing_minute_is_a_gap_that_fails_the_run(tmp_path: Path) -> None:
    run = included(tmp_path, [second for second in range(600) if not 200 < second < 260])
    assert run["gap_s"]["value"] == pytest.approx(58.0, abs=1e-6)
    assert not run["included"]


@pytest.mark.parametrize(
    "steps_s",
    [(0.006, 0.006, 0.006, 0.012), (0.1, 0.1, 0.2), (1.0, 1.0, 1.0, 2.0), (*[0.006, 0.006, 0.006, 0.012] * 3, 0.08)],
)
def test_a_tool_that_is_late_leaves_no_gap(tmp_path: Path, steps_s: tuple[float, ...]) -> None:
    run = included(tmp_path, np.cumsum(np.tile(steps_s, 200 // len(steps_s))).tolist())
    assert (run["included"], run["gap_s"]["value"], "gap" in run["findings"]) == (True, 0.0, False)
    assert run["mean_power_w"]["value"] == pytest.approx(100.0)
    assert "rate-drift" not in run["findings"]


def test_a_row_that_is_missing_is_noted(tmp_path: Path) -> None:
    one = trace(tmp_path, HEADER + "".join(row(second) for second in (1, 2, 3, 5, 6)))
    assert [code for code, _ in one.notes] == ["late-rows"]
    assert list(one.boards[0].gaps()) == []


@pytest.mark.parametrize(
    "said",
    ["[N/A]", "N/A", "[Unknown Error]", "[Not Supported]", "ERR!", "[GPU is lost]", "[Insufficient Permissions]", "",
     "[Requested functionality has been deprecated]", "nan"],
)  # fmt: skip
def test_a_row_without_a_power_is_a_gap_with_its_cause(tmp_path: Path, said: str) -> None:
    text = plain(range(20)).replace(f"{stamp(7)}, 100.00 W", f"{stamp(7)}, {said}")
    [run] = results(tmp_path, text)["runs"]
    assert (run["included"], run["mean_power_w"]["value"]) == (True, pytest.approx(100.0))
    folder = CampaignFolder(tmp_path / "c").runs()[0]
    [gap] = [event for event in folder.events if isinstance(event, GapEvent)]
    assert gap.cause == f"no power in 1 row: {said or 'nothing'}"
    assert b",,0.0,nan\n" in (folder.path / "readings-gpu.csv").read_bytes()


def test_only_a_log_without_any_power_is_refused_with_that_reason(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"t\.csv:2: no row has a power: .*\[N/A\].* in all 20 rows"):
        trace(tmp_path, plain(range(20), "[N/A]"))


def test_a_sentence_of_the_tool_between_the_rows_is_left_out_and_noted(tmp_path: Path) -> None:
    text = plain(range(10)).replace(
        f"{stamp(5)}, 100.00 W", "Unable to determine the device handle for GPU 0: GPU is lost."
    )
    one = trace(tmp_path, text)
    assert (len(powers(one)), [code for code, _ in one.notes]) == (9, ["query-failed", "late-rows"])


def test_one_bad_cell_of_an_indicator_costs_that_cell(tmp_path: Path) -> None:
    one = trace(tmp_path, HEADER + row(1).replace("7 %", "[N/A]") + row(2).replace("7 %", "7?%") + row(3))
    assert np.isnan(one.boards[0].indicators["utilization.gpu"].values).tolist() == [True, True, False]
    assert ("cells-left-empty", "utilization.gpu: no value at line 3") in one.notes
    other = trace(tmp_path, (HEADER + row(1) + row(2)).replace("[%]", "[ppm]"))
    assert np.isnan(other.boards[0].indicators["utilization.gpu"].values).all()
    assert ("cells-left-empty", "utilization.gpu: in 'ppm', expected %; left out") in other.notes


# --- the text ------------------------------------------------------------------------------------------------------

SOUND = plain(range(10), "104.50 W")


@pytest.mark.parametrize(
    "content",
    [
        SOUND.encode(),
        SOUND.encode("utf-8-sig"),
        SOUND.encode("utf-16"),
        "\ufeff".encode("utf-16-be") + SOUND.encode("utf-16-be"),
        SOUND.replace("\n", "\r\n").encode(),
        SOUND.encode() + b"\n\n  \n",
        ("Wed Mar  4 08:59:58 UTC 2026\n\n" + SOUND).encode(),
        SOUND.replace(", ", ",").encode(),
        SOUND.replace(", ", ";").encode(),
        SOUND.replace(", ", "\t").encode(),
        SOUND.replace(" W\n", "\n").encode(),
        SOUND.replace(" [W]", "").encode(),
        SOUND.replace("/03/04 ", "-03-04T").replace("2026/", "2026-").encode(),
        SOUND.replace(".000,", ".000+02:00,").encode(),
        SOUND.replace(".000,", ".000000,").encode(),
        SOUND.replace(".000,", ",").encode(),
        SOUND.replace("power.draw", "name, power.draw").replace(", 104", ", GeForce® RTX, 104").encode("cp1252"),
        SOUND.replace(f"{stamp(5)}", PLAIN + stamp(5)).encode(),
        (SOUND + f"{stamp(9)}, 104.50 W\n").encode(),
        SOUND.removesuffix("\n").encode(),
        SOUND.replace(", 104", ', "104').replace(" W\n", ' W"\n').encode(),
        SOUND.upper().replace(" W\n", " W\n").replace("POWER", "Power").encode(),
    ],
    ids=str,
)
def test_a_log_is_read_as_it_was_written(tmp_path: Path, content: bytes) -> None:
    assert powers(trace(tmp_path, content)) == [104.5] * 10


def test_what_was_left_out_is_noted(tmp_path: Path) -> None:
    restarted = SOUND.replace(f"{stamp(5)}", PLAIN + stamp(5))
    assert [text for _, text in trace(tmp_path, restarted).notes] == [
        "the header stands again at line 7, as where a logger is started again"
    ]
    assert [code for code, _ in trace(tmp_path, SOUND + f"{stamp(9)}, 104.50 W\n").notes] == ["rows-left-out"]
    dated = trace(tmp_path, "Wed Mar  4 08:59:58 UTC 2026\n" + SOUND)
    assert dated.notes == (("rows-left-out", "line 1 above the header: left out"),)
    zoned = trace(tmp_path, SOUND.replace(".000,", ".000+02:00,"))
    assert zoned.offset == "+02:00"


@pytest.mark.parametrize("cut", range(1, len(row(9))))
def test_a_last_line_cut_anywhere_is_left_out(tmp_path: Path, cut: int) -> None:
    one = trace(tmp_path, HEADER + row(1) + row(2) + row(9)[:cut])
    assert one.boards[0].times_ns.size == 2
    assert ("truncated-source", "line 4 of t.csv is cut off; it was left out") in one.notes


@pytest.mark.parametrize("cut", range(1, len(", 104.50 W")))
def test_a_power_cut_inside_its_number_is_never_a_value(tmp_path: Path, cut: int) -> None:
    for text in (SOUND, SOUND.replace(" W\n", "\n").replace(" [W]", "")):
        one = trace(tmp_path, text[: len(text) - cut])
        assert set(powers(one)) == {104.5}
        assert ("truncated-source" in dict(one.notes)) == (len(powers(one)) == 9)


def test_a_line_cut_off_by_a_restart_is_left_out(tmp_path: Path) -> None:
    for joint in ("", "\n"):
        text = SOUND.replace(
            f"{stamp(5)}, 104.50 W\n", f"{stamp(5)}, 10{joint}{PLAIN}" if not joint else f"{stamp(5)}\n{PLAIN}"
        )
        one = trace(tmp_path, text)
        assert (powers(one), [code for code, _ in one.notes][:2]) == (
            [104.5] * 9,
            ["truncated-source", "rows-left-out"],
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp, name\n", r"t\.csv:1: no column 'power.draw'"),
        (HEADER + row(1), r"t\.csv:2: fewer than two"),
        (HEADER + row(1) + "2023/03/08 14:56:02.5\n" + row(3), r"t\.csv:3: found 1 fields"),
        (HEADER + row(1) + row(2).replace("02.500", "02.5") + row(3), r"t\.csv:3: found the time"),
        (HEADER + row(3) + row(2), r"t\.csv:3: time does not go on"),
        (HEADER + row(2) + row(2, "99.00 W"), r"t\.csv:3: a second row of name RTX with the time of line 2"),
        (HEADER + row(1) + row(2, "100,5 W").replace(",5", ".5.5"), r"t\.csv:3: found '100\.5\.5 W' as power"),
        (HEADER + row(1) + row(2, "10") + row(3), r"t\.csv:3: found '10' as power\.draw, expected .* with its unit"),
        (HEADER + row(1) + row(2, "10 %") + row(3), r"t\.csv:3: found '10 %' as power\.draw"),
        (HEADER + row(1) + row(2).replace("2023/03", "2023-03") + row(3), r"t\.csv:3: found the time"),
        (HEADER + row(1) + row(2).replace("03/08", "02/30") + row(3), r"t\.csv:3: found the time"),
        (HEADER.replace("[W]", "[mW]") + row(1) + row(2), r"t\.csv:1: power\.draw stands there in 'mW', expected W"),
        (HEADER + row(1) + HEADER.replace("name, ", "") + row(2), r"t\.csv:3: another header"),
        (row(1) + HEADER + row(2) + row(3), r"t\.csv:1: a row stands above the header of line 2"),
        (row(1) + row(2), r"t\.csv:1: no header in '2023/03/08"),
        (HEADER.replace("power", "power.draw [W], power"), r"t\.csv:1: the column 'power.draw' stands there twice"),
        (SOUND.replace(f"{stamp(5)},", f"{stamp(5)}+01:00,"), r"t\.csv:7: the clock's offset changes from 'none'"),
        (boards_text("index, name", ("0, A100", "1, T4")).replace(f"{stamp(3)}, 0, A100", f"{stamp(3)}, 0, T4"),
         r"t\.csv:8: another GPU of index 0: 'T4', before 'A100'"),
        (boards_text("uuid", UUIDS).replace(f"{stamp(3)}, GPU-aaaa", f"{stamp(3)}, [N/A]"),
         r"t\.csv:8: found '\[N/A\]' as uuid: which board"),
        ("hello\n", r"t\.csv:1: no column 'timestamp'"),
    ],
)  # fmt: skip
def test_a_damaged_log_is_refused_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        trace(tmp_path, text)


def test_rows_joined_or_moved_are_refused_and_rows_doubled_are_counted_once(tmp_path: Path) -> None:
    lines = SOUND.splitlines(keepends=True)
    assert powers(trace(tmp_path, "".join([*lines, *lines[3:7]]))) == [104.5] * 10
    with pytest.raises(ImportFileError, match=r"t\.csv:9: time does not go on here"):
        trace(tmp_path, "".join([*lines[:3], *lines[6:], *lines[3:6]]))


@given(st.data())
def test_any_damage_is_read_or_refused_with_file_and_line_never_a_traceback(data: st.DataObject) -> None:
    content = bytearray((HEADER + row(1) + row(2) + row(3)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from([b",", b"\n", b"[N/A]", b"\0", b"99999999999", b"-"]))
        content[at : at + data.draw(st.integers(0, 3))] = piece
    problem = "x.csv:1: none"
    try:
        read_trace(SourceFile(Path("x.csv"), b"", bytes(content)))
    except ImportFileError as error:
        problem = str(error)
    assert re.match(r"x\.csv:\d+: ", problem)


def test_boards_that_another_column_tells_apart_are_refused_with_its_name(tmp_path: Path) -> None:
    lines = [f"{stamp(second)}, 0, {gpu}, {100 + second + gpu}.0 W" for second in range(3) for gpu in range(4)]
    text = "\n".join(["timestamp, index, gpu, power.draw [W]", *lines, ""])
    with pytest.raises(ImportFileError) as refused:
        trace(tmp_path, text)
    assert "'index', by which boards are told apart, does not; column 'gpu' (0, 1, 2, 3) does" in str(refused.value)
    renamed = trace(tmp_path, text.replace("index, gpu", "slot, index"))
    assert len(renamed.boards) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ':::MLLOG {"namespace": "", "time_ms": 1, "key": "power_measurement_start"}\n',
            "a power log of MLPerf Training",
        ),
        (
            "Wed Mar  8 14:56:21 2023\n+-----+\n| NVIDIA-SMI 525.85    Driver Version: 525.85 |\n",
            "the table that nvidia-smi shows to people",
        ),
    ],
)
def test_what_people_take_for_a_power_log_is_named_by_every_importer(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    source = read_source(path)
    for reader in (read_trace, read_log, lambda source: require_kind(source, "power")):
        with pytest.raises(ImportFileError, match=rf"x\.txt:\d: .*{said}"):
            reader(source)


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
