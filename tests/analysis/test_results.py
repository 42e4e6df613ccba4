"""results.json: the golden measurement, whole synthetic campaigns, damage, and the laws of rebuilding."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.oscar.importer import import_oscar
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.errors import AnalysisError, LabError
from reports.campaign.analyse import analyse
from reports.results.codec import document_text
from tests.campaign_results import complete, plain
from tests.documents import write_results
from tests.reports.make_campaign import EXAMPLE, LOADS, Shape, make_campaign

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def okular(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    campaign = tmp_path_factory.mktemp("okular") / "okular"
    import_oscar(DATA / "okular", campaign)
    found: dict[str, Any] = json.loads(write_results(campaign).read_text())
    return found


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_campaign(tmp_path_factory.mktemp("synthetic"), Shape(broken={4: "abort", 6: "fail"}))


def printed(number: dict[str, Any], digits: int) -> str:
    return f"{number['value']:.{digits}f}"


def test_okular_is_invalid_for_idle_and_the_other_scenario_stands(okular: dict[str, Any]) -> None:
    invalid = {name: part["invalid_because"] for name, part in okular["scenarios"].items()}
    assert invalid == {"idle": ["induced-negative"], "scenario": []}
    assert okular["verdict"]["word"] == "not-certifiable"
    (reason,) = [one for one in okular["verdict"]["reasons"] if one["code"] == "induced-negative"]
    assert (reason["severity"], reason["weighs"]) == ("invalid", "valid-with-remarks")


def test_what_is_assumed_of_a_meter_without_limits_is_a_line_and_no_knowledge(okular: dict[str, Any]) -> None:
    part = okular["scenarios"]["scenario"]["budget"]["gross"]
    (line,) = [line for line in part["lines"] if line["source"] == "assumed"]
    assert line["u"] == pytest.approx(0.03 / 3**0.5 * okular["scenarios"]["scenario"]["energy_wh"]["value"])
    assert (part["complete"], okular["meters"][0]["assumed_percent"]) == (False, pytest.approx(3.0))
    assert part["result"]["U"] > 0.03 * part["result"]["value"]


def test_okular_gives_the_published_values_by_the_oscar_rule(okular: dict[str, Any]) -> None:
    scenario, idle = (okular["scenarios"][name]["oscar"] for name in ("scenario", "idle"))
    assert (scenario["seconds"], scenario["reason"], idle["reason"]) == (217, None, None)
    assert printed(scenario["mean_power_w"], 7) == "12.7487393"
    assert printed(scenario["sd_over_runs_w"], 7) == "0.4174684"
    assert printed(scenario["induced_energy_wh"], 7) == "0.0754675"
    assert printed(scenario["hardware"]["cpu_percent"], 7) == "3.2213518"
    assert printed(scenario["hardware"]["ram_not_free_kib"], 1) == "2563931.9"
    assert printed(scenario["baseline_mean_power_w"], 7) == "11.4967444"
    assert printed(idle["mean_power_w"], 7) == "11.3342966"
    assert printed(idle["sd_over_runs_w"], 7) == "0.2193818"
    assert printed(idle["induced_energy_wh"], 6) == "-0.009792"


def test_okular_gives_the_exact_overlap_values_with_their_uncertainty(okular: dict[str, Any]) -> None:
    scenario, idle = okular["scenarios"]["scenario"], okular["scenarios"]["idle"]
    assert (scenario["n_runs"]["value"], idle["n_runs"]["value"], okular["baseline"]["n_blocks"]["value"]) == (
        30,
        11,
        11,
    )
    assert printed(scenario["induced_energy_wh"], 7) == "0.0752345"
    assert f"{scenario['induced_energy_wh']['sd']:.7f}" == "0.0055632"
    type_a = scenario["budget"]["induced"]["type_a"]
    assert f"{type_a['u']:.5f}" == "0.00274"
    assert f"{type_a['u'] / type_a['value']:.4f}" == "0.0364"
    assert printed(idle["induced_energy_wh"], 7) == "-0.0100833"
    assert f"{idle['budget']['induced']['type_a']['U']:.4f}" == "0.0058"
    start = {name: okular["scenarios"][name]["alternatives"][0] for name in ("scenario", "idle")}
    assert start["scenario"]["name"] == "stamps-mark-window-start"
    assert printed(start["scenario"]["induced_energy_wh"], 7) == "0.0753588"
    assert printed(start["idle"]["induced_energy_wh"], 7) == "-0.0100735"


def test_okulars_budget_shows_its_open_stamps_and_never_looks_complete(okular: dict[str, Any]) -> None:
    for name in ("scenario", "idle"):
        for kind in ("gross", "induced"):
            found = okular["scenarios"][name]["budget"][kind]
            lines = {line["source"]: line for line in found["lines"]}
            assert {"runs", "stamp-convention", "edges"} <= set(lines)
            assert (found["complete"], found["missing"]) == (False, [{"what": "limits-of-error", "meter": "wall"}])
            assert sum(line["share"] for line in found["lines"]) == pytest.approx(1)
            assert found["result"] == okular["scenarios"][name]["energy_wh" if kind == "gross" else "induced_energy_wh"]
    scenario = okular["scenarios"]["scenario"]
    lines = {line["source"]: line["u"] for line in scenario["budget"]["induced"]["lines"]}
    assert f"{(lines['runs'] ** 2 + lines['baseline'] ** 2) ** 0.5:.5f}" == "0.00274"
    start = scenario["alternatives"][0]["induced_energy_wh"]["value"]
    difference = start - scenario["induced_energy_wh"]["value"]
    assert lines["stamp-convention"] == pytest.approx(difference / 3**0.5)
    assert ("limits-unknown", "warn", "wall") in {(f["code"], f["severity"], f["subject"]) for f in okular["findings"]}


def test_okulars_second_baseline_run_is_an_outlier_shown_with_and_without(okular: dict[str, Any]) -> None:
    blocks = okular["baseline"]["blocks"]
    assert [block["block"] for block in blocks if block["outlier"]] == [2]
    assert printed(blocks[1]["mean_power_w"], 3) == "11.905"
    assert f"{sorted(block['mean_power_w']['value'] for block in blocks)[5]:.3f}" == "11.442"
    assert okular["baseline"]["without_outliers"]["n"] == 10
    assert "without-baseline-outliers" in {a["name"] for a in okular["scenarios"]["scenario"]["alternatives"]}
    codes = {(finding["code"], finding["severity"], finding["subject"]) for finding in okular["findings"]}
    assert {
        ("induced-negative", "invalid", "idle"),
        ("baseline-other-session", "warn", "scenario"),
        ("baseline-other-session", "warn", "idle"),
        ("imported", "info", "campaign"),
        ("few-runs", "info", "idle"),
        ("shortened-interval", "info", "scenario"),
    } <= codes
    assert okular["scenarios"]["idle"]["efficiency"]["suppressed"]


def test_whole_gpu_traces_give_their_joules_and_their_damage_is_found(tmp_path: Path) -> None:
    import_nvidia_smi(sorted((DATA / "delrey").glob("gpu-*.gz")), tmp_path / "c")
    found = complete(analyse(tmp_path / "c"))
    joules = {name: round(entry["energy_wh"]["value"] * 3600) for name, entry in found["scenarios"].items()}
    assert joules == {
        "gpu-cloud-mobilenet_v2": 417_203,
        "gpu-cloud-resnet50": 344_214,
        "gpu-cloud-vgg16": 949_960,
        "gpu-local-mobilenet_v2": 100_403,
    }
    codes = [finding["code"] for finding in found["findings"]]
    assert (codes.count("truncated-source"), codes.count("gap"), codes.count("baseline-missing")) == (2, 1, 1)
    assert found["baseline"] is None
    assert all(entry["induced_energy_wh"] is None for entry in found["scenarios"].values())


def test_the_example_of_the_documentation_has_the_shape_of_todays_file(tmp_path: Path) -> None:
    now = json.loads(write_results(make_campaign(tmp_path, EXAMPLE)).read_text())
    assert places(json.loads((DATA / "results-example.json").read_text())) == places(now)


def places(part: Any, at: str = "") -> set[str]:  # noqa: ANN401  JSON
    """Where a document has a key; run folders and digests by a star."""
    if isinstance(part, list):
        return {place for one in part for place in places(one, f"{at}[]")}
    if isinstance(part, dict):
        named = {key if at != ".inputs" else "*": value for key, value in part.items()}
        return {place for key, value in named.items() for place in {f"{at}.{key}"} | places(value, f"{at}.{key}")}
    return set()


def test_every_run_is_listed_and_only_successes_enter_a_mean(synthetic: Path) -> None:
    found = complete(analyse(synthetic))
    assert len(found["runs"]) == 14
    assert [run["ordinal"] for run in found["runs"] if not run["included"]] == [4, 6]
    assert all(run["excluded_because"] for run in found["runs"] if not run["included"])
    assert {"run-aborted", "run-failed", "emulated"} <= {finding["code"] for finding in found["findings"]}
    assert found["measurement"]["origin"] == "emulated"
    total = found["baseline"]["n_blocks"]["value"] + sum(
        entry["n_runs"]["value"] for entry in found["scenarios"].values()
    )
    assert total == 12


def test_means_are_the_means_of_the_runs_and_actions_add_up(synthetic: Path) -> None:
    found = complete(analyse(synthetic))
    for name, entry in found["scenarios"].items():
        runs = [run for run in found["runs"] if run["included"] and run["scenario"] == name]
        for key in ("energy_wh", "induced_energy_wh", "duration_s", "mean_power_w"):
            mean = sum(run[key]["value"] for run in runs) / len(runs)
            assert entry[key]["value"] == pytest.approx(mean, rel=1e-12)
        for run in runs:
            energies = dict.fromkeys(("epoch", "training"), 0.0)
            for action in run["actions"]:
                if action["name"] in energies:
                    energies[action["name"]] += action["energy_wh"]
            assert energies["epoch"] == pytest.approx(energies["training"], rel=1e-9) or not LOADS[name].epochs


def test_every_number_of_the_file_has_the_same_seven_parts(synthetic: Path) -> None:
    def walk(value: Any) -> None:  # noqa: ANN401
        if isinstance(value, dict):
            if "value" in value and "dof" in value:
                assert list(value) == ["value", "unit", "sd", "n", "u", "U", "dof"]
                assert isinstance(value["value"], float)
                assert (value["u"] is None) == (value["U"] is None)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(complete(analyse(synthetic)))


def test_every_energy_has_its_uncertainty_down_to_the_single_action(synthetic: Path) -> None:
    found = complete(analyse(synthetic))
    for run in found["runs"]:
        if not run["included"]:
            continue
        induced = run["kind"] == "scenario"
        assert run["energy_wh"]["U"] > 0
        assert (run["induced_energy_wh"] is not None) == induced
        for row in run["actions"]:
            for name in ("energy", "induced_energy", "cumulative_energy"):
                assert 0 < row[f"{name}_u_wh"] < row[f"{name}_U_wh"]
            assert row["energy_dof"] is None
            assert row["induced_energy_dof"] > 1
    for entry in found["scenarios"].values():
        records = [*entry["epochs"], *entry["actions"]]
        keys = ("energy_wh", "induced_energy_wh", "cumulative_energy_wh", "mean_power_w")
        numbers = [record[key] for record in records for key in keys if record["n"] > 1]
        numbers += [entry[key] for key in ("energy_wh", "induced_energy_wh", "mean_power_w", "induced_power_w")]
        assert len(numbers) > 4
        assert all(number["U"] > number["u"] > 0 for number in numbers)
        assert entry["budget"]["gross"]["complete"]
    assert found["baseline"]["budget"]["result"] == found["baseline"]["mean_power_w"]
    assert "limits-unknown" not in {finding["code"] for finding in found["findings"]}


def test_the_file_is_byte_identical_when_rebuilt_also_elsewhere(synthetic: Path, tmp_path: Path) -> None:
    first = write_results(synthetic).read_bytes()
    shutil.rmtree(synthetic / "derived")
    assert write_results(synthetic).read_bytes() == first
    shutil.copytree(synthetic, tmp_path / "moved")
    assert write_results(tmp_path / "moved").read_bytes() == first


@pytest.fixture(scope="module")
def in_order(synthetic: Path) -> str:
    return document_text(analyse(synthetic).numbers)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(14)))
def test_the_order_in_which_a_disk_lists_runs_changes_nothing(
    synthetic: Path, in_order: str, monkeypatch: pytest.MonkeyPatch, order: list[int]
) -> None:
    listed = CampaignFolder.run_paths

    def shuffled(self: CampaignFolder) -> list[Path]:
        paths = listed(self)
        return [paths[i] for i in order]

    with monkeypatch.context() as patch:
        patch.setattr(CampaignFolder, "run_paths", shuffled)
        assert document_text(analyse(synthetic).numbers) == in_order


def test_a_changed_byte_is_an_invalid_finding_and_the_rest_is_still_computed(synthetic: Path, tmp_path: Path) -> None:
    campaign = tmp_path / "c"
    shutil.copytree(synthetic, campaign)
    run = sorted(campaign.glob("*-r01-*"))[0]
    stream = run / "readings-wall.csv"
    for path in (run, stream):
        path.chmod(0o755)
    stream.write_bytes(stream.read_bytes().replace(b",41.", b",42.", 1))
    found = analyse(campaign)
    assert found.numbers.findings[0].code == "broken-seal"
    assert found.numbers.findings[0].subject == run.name
    assert len(plain(found)["scenarios"]) == 3


def test_a_broken_chain_and_an_unreadable_run_are_findings_not_crashes(synthetic: Path, tmp_path: Path) -> None:
    campaign = tmp_path / "c"
    shutil.copytree(synthetic, campaign)
    log = campaign / CAMPAIGN
    log.write_bytes(log.read_bytes().replace(b'"seed":7', b'"seed":8', 1))
    run = sorted(campaign.glob("*-r02-*"))[0]
    for path in (run, run / "run.jsonl"):
        path.chmod(0o755)
    (run / "run.jsonl").write_bytes(b"no json\n")
    found = analyse(campaign)
    broken = {(finding.code, finding.subject) for finding in found.numbers.findings if finding.severity == "invalid"}
    assert {("broken-seal", "c"), ("broken-seal", run.name), ("unreadable", run.name)} <= broken
    assert len(plain(found)["runs"]) == 13


def test_a_run_whose_stream_is_no_table_is_listed_and_enters_no_mean(synthetic: Path, tmp_path: Path) -> None:
    campaign = tmp_path / "c"
    shutil.copytree(synthetic, campaign)
    run = sorted(campaign.glob("*-r02-*"))[0]
    for path in (run, run / "readings-wall.csv"):
        path.chmod(0o755)
    with (run / "readings-wall.csv").open("ab") as file:
        file.write(b"half,a line,of,nonsense\n")
    found = complete(analyse(campaign))
    entry = next(entry for entry in found["runs"] if entry["folder"] == run.name)
    assert (entry["included"], entry["energy_wh"]) == (False, None)
    assert "unreadable" in entry["findings"]


def test_a_campaign_without_a_run_or_without_a_campaign_is_refused(tmp_path: Path) -> None:
    CampaignFolder.create(tmp_path / "c").append("campaign", "2026-11-21T00:00:00Z", {"schema": 1, "name": "c"})
    with pytest.raises(AnalysisError, match="no run that can be read"):
        analyse(tmp_path / "c")
    with pytest.raises(LabError, match="name the folder of a campaign"):
        analyse(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "shape",
    [
        Shape(loads={}, repetitions=1, baseline_blocks=2, duration_s=12),
        Shape(repetitions=1, baseline_blocks=1, duration_s=12, gpu=False),
        Shape(repetitions=2, baseline_blocks=2, duration_s=12, broken=dict.fromkeys(range(1, 9), "abort")),
        Shape(repetitions=1, baseline_blocks=0, duration_s=12),
    ],
    ids=["only a baseline", "one run and one block", "nothing succeeded", "no baseline"],
)
def test_campaigns_that_lack_much_still_give_a_file(shape: Shape, tmp_path: Path) -> None:
    found = json.loads(write_results(make_campaign(tmp_path, shape)).read_text())
    assert len(found["runs"]) == len(found["inputs"])
    for entry in found["scenarios"].values():
        assert entry["induced_energy_wh"] is None or entry["induced_energy_wh"]["U"] is None
        assert entry["efficiency"]["suppressed"]


def test_a_long_gap_fails_its_run(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("baseline", "scenario"):
        for kind in ("power.csv.gz", "hardware.csv.gz", "actions.csv"):
            shutil.copyfile(DATA / "okular" / f"{name}-{kind}", folder / f"{name}-{kind}")
    power = folder / "scenario-power.csv.gz"
    lines = gzip.decompress(power.read_bytes()).split(b"\n")
    first = next(i for i, line in enumerate(lines) if b", 09:04:30;" in line)
    power.write_bytes(gzip.compress(b"\n".join(lines[:first] + lines[first + 20 :])))
    import_oscar(folder, tmp_path / "c")
    found = analyse(tmp_path / "c")
    gap = next(finding for finding in found.numbers.findings if finding.code == "gap")
    assert gap.severity == "invalid"
    assert plain(found)["scenarios"]["scenario"]["n_runs"]["value"] == 29
    assert plain(found)["scenarios"]["scenario"]["n_excluded"]["value"] == 1
