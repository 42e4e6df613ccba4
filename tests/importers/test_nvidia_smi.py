"""nvidia-smi logs: the four traces of del Rey et al. against their own table, the public cases, figures, gaps."""

from pathlib import Path

import numpy as np
import pytest

from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.nvidia_smi.trace import Trace, read_trace
from harness.foreign.importers.source import read_source
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import GapEvent, NoteEvent
from harness.record.errors import ImportFileError
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from tests.campaign_results import complete
from tests.importers.smi_logs import (
    DATA,
    DELREY,
    HEADER,
    SOUND,
    boards_text,
    codes,
    included,
    plain,
    powers,
    results,
    row,
    stamp,
    trace,
)

TABLE_MJ = {
    "gpu-cloud-mobilenet_v2": 0.4151704675,
    "gpu-cloud-resnet50": 0.34317293,
    "gpu-cloud-vgg16": 0.9476828465,
    "gpu-local-mobilenet_v2": 0.09973512,
}
"""Column `energy (MJ)` of runs-corrected.csv, for the runs these traces belong to."""


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
    found = complete(analyse(tmp_path / "c"))
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
