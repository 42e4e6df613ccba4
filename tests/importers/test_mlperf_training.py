"""MLPerf Training power logs: a published run to its last joule, what its rules find in it, and what is refused."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.mlperf_training.importer import import_mlperf_training
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ActionEvent, NoteEvent
from harness.record.errors import ImportFileError
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.pages.other_rules import circuits_table
from tests.importers.training_rule import energies_j

DATA = Path(__file__).parents[1] / "data" / "mlperf-training"
WH = 3600
BEGIN = 1_700_000_000_000
NODES = tuple(f"node_{n}.txt.gz" for n in range(8))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training") / "c"
    summary = import_mlperf_training(DATA, folder)
    assert summary.runs == {"llama2_70b_lora": 1}
    return folder


@pytest.fixture(scope="module")
def published(campaign: Path) -> Analysis:
    return analyse(campaign)


def found(result: Analysis) -> dict[str, Any]:
    return {finding.code: finding.evidence for finding in result.numbers.findings}


# --- a published run as it is ---------------------------------------------------------------------------------------


def test_a_published_run_has_the_energies_of_its_rule_per_node_and_in_total(published: Analysis) -> None:
    [run] = published.numbers.runs
    told = run.publisher
    assert told is not None
    assert told.circuits is not None
    by_rule_j = {circuit: round(part.energy_wh.value * WH, 3) for circuit, part in told.circuits.items()}
    assert by_rule_j == {
        "node0-ac": 2_093_419.0, "node1-ac": 2_047_043.0, "node2-ac": 2_034_103.0, "node3-ac": 2_335_138.0,
        "node4-ac": 2_098_969.0, "node5-ac": 2_048_575.0, "node6-ac": 2_099_469.0, "node7-ac": 2_143_369.0,
    }  # fmt: skip
    assert round(told.energy_wh.value * WH, 3) == 16_900_085.0
    assert (told.publisher, told.rule) == ("MLPerf Training", "reading-times-step")
    assert told.duration_s.value == pytest.approx(293.927)


def test_an_independent_script_gives_the_same_energies(published: Analysis) -> None:
    [run] = published.numbers.runs
    assert run.publisher is not None
    assert run.publisher.circuits is not None
    script_j = energies_j(DATA / "result_0.txt.gz", [DATA / node for node in NODES])
    ours_j = [part.energy_wh.value * WH for part in run.publisher.circuits.values()]
    assert ours_j == pytest.approx(script_j, rel=1e-12)
    assert run.publisher.energy_wh.value * WH == pytest.approx(sum(script_j), rel=1e-12)


def test_the_energy_by_straight_lines_between_readings_stands_beside_with_its_uncertainty(published: Analysis) -> None:
    [run] = published.numbers.runs
    assert run.energy_wh is not None
    assert run.publisher is not None
    assert run.publisher.circuits is not None
    parts_wh = [part.overlap_energy_wh.value for part in run.publisher.circuits.values()]
    assert run.energy_wh.value == pytest.approx(sum(parts_wh), rel=1e-12)
    assert run.energy_wh.value * WH == pytest.approx(16_899_010, abs=1)
    assert run.energy_wh.estimate.u is not None
    assert run.energy_wh.estimate.u > 50


def test_what_the_rules_ask_and_the_published_run_lacks_is_found(published: Analysis) -> None:
    evidence = found(published)
    ends_s = evidence["publisher-window"]["meters"]
    assert sorted({round(lacking, 3) for lacking in ends_s.values()}) == [0.339, 1.339]
    doubled = evidence["publisher-stamps"]["meters"]
    assert (len(doubled), min(doubled.values()), max(doubled.values())) == (8, 52, 56)
    apart = evidence["publisher-apart"]["meters"]["sw0"]
    assert (round(apart["ahead_s"]), apart["as_a_zone_h"]) == (-18007, -5.0)
    assert set(evidence["publisher-conversion"]["conversion_eff"].values()) == {0.96}
    assert evidence["publisher-rate"]["meters"]["node0"] == {"steps": 74, "longest_s": 2.0, "readings": 220, "due": 293}
    assert evidence["publisher-spacing"]["meters"]["node7"] == {"usual_s": 1.0, "longest_s": 6.0}
    assert not {"publisher-samples", "publisher-twins", "publisher-estimate", "publisher-current"} & set(evidence)


def test_how_late_a_log_follows_the_first_stands_in_the_run_or_why_it_cannot_be_told(campaign: Path) -> None:
    [folder] = CampaignFolder(campaign).runs()
    texts = [event.text for event in folder.events if isinstance(event, NoteEvent) and event.code == "trace-lag"]
    assert len(texts) == 8
    assert texts[-1].startswith("sw0 against node0: no lag: The two traces overlap for 0 s")


def test_the_page_has_a_table_of_the_circuits(published: Analysis) -> None:
    table = circuits_table(published.results)
    assert table is not None
    assert [row.cells[2] for row in table.rows] == [f"node{n}-ac" for n in range(8)]
    assert table.rows[0].cells[3:] == ("272", "581.51", "583.14")  # 2,093,419 J and 2,099,287 J


def test_blocks_and_evaluations_are_actions_with_their_numbers(campaign: Path, published: Analysis) -> None:
    [run] = published.numbers.runs
    assert [action.name for action in run.actions] == ["block", "eval"] * 5
    assert run.actions[1].metrics == {"eval_accuracy": pytest.approx(0.94173789), "samples_count": 1536.0}
    assert run.actions[0].energy_wh == pytest.approx(2010.1, abs=0.1)
    [folder] = CampaignFolder(campaign).runs()
    assert sum(isinstance(event, ActionEvent) for event in folder.events) == 20


def test_a_switch_elsewhere_in_time_is_recorded_and_in_no_sum(campaign: Path, published: Analysis) -> None:
    [folder] = CampaignFolder(campaign).runs()
    assert [one.meter for one in folder.power][-1] == "sw0"
    assert published.numbers.measurement.circuits == tuple(f"node{n}-ac" for n in range(8))
    assert published.numbers.measurement.origin == "imported"


def test_the_run_is_sealed_and_its_sources_are_kept_to_the_byte(campaign: Path) -> None:
    assert [check for check in verify_campaign(campaign) if not check.passed] == []
    kept = {file.name: file.read_bytes() for file in (campaign / "sources").iterdir()}
    assert kept == {file.name: file.read_bytes() for file in DATA.iterdir()}


# --- made-up submissions --------------------------------------------------------------------------------------------


def line(time_ms: int, key: str, value: object = None, **metadata: object) -> str:
    told = {"namespace": "", "time_ms": time_ms, "event_type": "", "key": key, "value": value, "metadata": metadata}
    return f":::MLLOG {json.dumps(told)}\n"


def result_text(seconds: int = 100, *, stop_rank: str = "0: ", status: str = "success") -> str:
    edges = [("0: ", line(BEGIN, "run_start")), (stop_rank, line(BEGIN + seconds * 1000, "run_stop", status=status))]
    return "".join(rank + text for rank, text in edges)


def power_text(watts: float = 500.0, *, current: str | None = "AC", factor: float = 1.0, seconds: int = 100) -> str:
    head = "" if current is None else line(BEGIN - 5000, "conversion_eff", factor, measurement_type=current)
    moments = range(BEGIN - 5000, BEGIN + (seconds + 5) * 1000, 1000)
    return head + "".join(line(moment, "power_reading", watts + n % 3) for n, moment in enumerate(moments))


def submission(folder: Path, logs: Mapping[str, str], results: Sequence[str] = (result_text(),)) -> Path:
    """A benchmark's folder: result_N.txt, and the same logs under power/ for each."""
    benchmark = folder / "system" / "bert"
    for nth, text in enumerate(results):
        power = benchmark / "power" / f"result_{nth}"
        power.mkdir(parents=True)
        (benchmark / f"result_{nth}.txt").write_text(text)
        for name, content in logs.items():
            (power / name).write_text(content)
    return folder


def imported(folder: Path, logs: Mapping[str, str], **more: Any) -> Analysis:  # noqa: ANN401
    import_mlperf_training(submission(folder / "s", logs, **more), folder / "c")
    return analyse(folder / "c")


def test_a_run_that_keeps_the_rules_has_no_finding_of_them(tmp_path: Path) -> None:
    result = imported(tmp_path, {"node_0.txt": power_text(current=None), "node_1.txt": power_text(600, current=None)})
    assert [code for code in found(result) if code.startswith("publisher")] == []
    [run] = result.numbers.runs
    assert run.publisher is not None
    assert run.publisher.energy_wh.value * WH == pytest.approx(101 * 1102, abs=5)  # readings at both edges count
    assert run.energy_wh is not None
    assert run.energy_wh.value * WH == pytest.approx(100 * 1102, abs=5)
    assert run.included


def test_an_interconnect_that_is_estimated_is_a_circuit_of_its_own_and_said(tmp_path: Path) -> None:
    estimate = line(BEGIN - 10**9, "interconnect_power_est", 16_100, switch_id="sw_01")
    result = imported(tmp_path, {"node_0.txt": power_text(), "sw_0.txt": estimate})
    [run] = result.numbers.runs
    assert run.publisher is not None
    assert run.publisher.circuits is not None
    assert run.publisher.circuits["sw0"].energy_wh.value * WH == pytest.approx(16_100 * 100)
    assert found(result)["publisher-estimate"] == {"estimate_w": {"sw0": 16100.0}}


def test_a_switch_of_another_current_is_in_no_sum_and_nodes_of_two_currents_are_refused(tmp_path: Path) -> None:
    result = imported(tmp_path, {"node_0.txt": power_text(), "sw_0.txt": power_text(50, current="DC")})
    assert result.numbers.measurement.circuits == ("node0-ac",)
    assert found(result)["publisher-current"] == {"meters": {"sw0": "DC"}}
    folder = submission(tmp_path / "t", {"node_0.txt": power_text(), "node_1.txt": power_text(current="DC")})
    with pytest.raises(ImportFileError, match=r"node_0.txt AC, node_1.txt DC; the sum of AC and DC is no energy"):
        import_mlperf_training(folder, tmp_path / "d")


def test_two_nodes_with_one_log_and_too_few_samples_are_found(tmp_path: Path) -> None:
    same = power_text(seconds=30)
    result = imported(tmp_path, {"node_0.txt": same, "node_1.txt": same}, results=[result_text(30)])
    assert found(result)["publisher-twins"] == {"meters": [["node0", "node1"]]}
    assert found(result)["publisher-samples"] == {"meters": {"node0": 31, "node1": 31}}


def test_runs_of_a_benchmark_are_repetitions_and_one_that_did_not_end_is_left_out(tmp_path: Path) -> None:
    results = [result_text(), result_text(stop_rank="56: "), line(BEGIN, "run_start"), result_text(status="aborted")]
    folder = submission(tmp_path / "s", {"node_0.txt": power_text()}, results)
    summary = import_mlperf_training(folder, tmp_path / "c", grouping=Grouping())
    assert summary.runs == {"bert": 3}
    assert any("did not end" in remark for remark in summary.remarks)
    assert [run.status for run in analyse(tmp_path / "c").numbers.runs] == ["success", "success", "fail"]


def test_readings_out_of_order_are_sorted_and_a_last_line_that_is_cut_is_left_out(tmp_path: Path) -> None:
    lines = power_text().splitlines(keepends=True)
    lines[10], lines[11] = lines[11], lines[10]
    text = "".join(lines) + line(BEGIN, "power_reading", 500)[:50]
    summary = import_mlperf_training(submission(tmp_path / "s", {"node_0.txt": text}), tmp_path / "c")
    assert any("1 readings stand behind a later one" in remark for remark in summary.remarks)
    assert any("cut off in mid-line" in remark for remark in summary.remarks)
    assert [check for check in verify_campaign(tmp_path / "c") if not check.passed] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (power_text() + line(BEGIN, "conversion_eff", 0.9, measurement_type="AC"), r"conversion_eff \[0.9, 1.0\]"),
        (line(BEGIN, "power_reading", "412 W"), r"node_0.txt:1: found the power '412 W', expected a number of watts"),
        (":::MLLOG {\n" + power_text(), r"node_0.txt:1: found no whole"),
        (line(BEGIN, "power_measurement_start"), r"neither power_reading nor interconnect_power_est"),
        ("12:00:01, 412 W\n", r"no line ':::MLLOG"),
    ],
)
def test_logs_that_are_damaged_or_edited_are_refused_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImportFileError, match=said):
        import_mlperf_training(submission(tmp_path / "s", {"node_0.txt": text}), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_folder_without_power_logs_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "result_0.txt").write_bytes(gzip.compress(result_text().encode()))
    with pytest.raises(ImportFileError, match=r"1 result logs .* expected power/result_N/node_\*.txt"):
        import_mlperf_training(tmp_path, tmp_path / "c")
