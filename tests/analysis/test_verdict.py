"""The verdict's rule, the decision about a limit with its risk, and what takes a run out of the means."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.record.campaign_folder import CAMPAIGN
from harness.record.run_folder import JOURNAL, UNENDED
from harness.record.seal import MANIFEST
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.findings import lab_rules, verdict
from reports.results.finding import Finding
from reports.results.rules import Rule, as_before
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Estimate, Number
from reports.results.verdict import Decision, Verdict
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of
from tests.campaign_results import example, plain, read

LIMIT_WH = 1.0


def entry(value: float, u: float | None, dof: float | None = 9.0) -> dict[str, ScenarioResult]:
    known = None if u is None else math.inf if dof is None else dof
    return {"cnn": replace(example().scenarios["cnn"], induced_energy_wh=Number(Estimate(value, u, known), "Wh", n=10))}


def decided(value: float, u: float | None, dof: float | None = 9.0, guard_band: float = 1.0) -> Decision:
    asked = {"scenario": "cnn", "quantity": "induced_energy_wh", "limit_wh": LIMIT_WH, "guard_band": guard_band}
    found = verdict.decided({"decision": asked}, entry(value, u, dof))
    assert found is not None
    return found


def test_without_a_stated_limit_nothing_is_decided() -> None:
    assert verdict.decided({}, entry(1.0, 0.1)) is None
    assert verdict.decided({"decision": {"scenario": ""}}, entry(1.0, 0.1)) is None


def test_a_result_is_accepted_up_to_the_limit_less_the_guard_band() -> None:
    expanded = decided(0.5, 0.1).expanded_wh
    assert expanded is not None
    assert decided(LIMIT_WH - expanded - 1e-9, 0.1).accepted
    assert not decided(LIMIT_WH - expanded + 1e-9, 0.1).accepted
    assert decided(LIMIT_WH - 1e-9, 0.1, guard_band=0.0).accepted


def test_a_result_without_an_uncertainty_is_never_accepted() -> None:
    found = decided(0.1, None)
    assert (found.accepted, found.risk, found.expanded_wh) == (False, None, None)


def test_a_result_on_the_acceptance_limit_has_the_risk_that_its_guard_band_means() -> None:
    expanded = decided(0.5, 0.1).expanded_wh
    assert expanded is not None
    found = decided(LIMIT_WH - expanded - 1e-12, 0.1)
    assert found.risk_of == "false acceptance"
    assert found.risk == pytest.approx(0.025, abs=1e-9)
    assert decided(LIMIT_WH - 1e-12, 0.1, guard_band=0.0).risk == pytest.approx(0.5, abs=1e-6)


@given(value=st.floats(0.5, 1.5), u=st.floats(1e-3, 0.3), dof=st.floats(2, 200), guard_band=st.floats(0, 3))
def test_the_risk_is_that_of_the_t_distribution_and_falls_with_the_guard_band(
    value: float, u: float, dof: float, guard_band: float
) -> None:
    found = decided(value, u, dof, guard_band)
    above = float(stats.t.sf((LIMIT_WH - value) / u, dof))
    assert found.risk == pytest.approx(above if found.accepted else 1 - above, abs=1e-9)
    if found.accepted and found.risk is not None:
        assert found.risk <= float(stats.t.sf(guard_band * stats.t.ppf(0.975, dof), dof)) + 1e-9


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (Finding("not-monitored", "info", "campaign"), "valid-with-remarks"),
        (Finding("supply", "warn", "run"), "valid-with-remarks"),
        (Finding("emulated", "warn", "campaign"), "not-certifiable"),
        (Finding("calibration-expired", "warn", "wall"), "not-certifiable"),
        (Finding("no-result", "warn", "campaign"), "not-certifiable"),
        (Finding("induced-negative", "invalid", "cnn"), "invalid"),
        (Finding("gap", "invalid", "in"), "invalid"),
        (Finding("gap", "invalid", "out"), "valid-with-remarks"),
        (Finding("overrange", "invalid", "out"), "invalid"),
        (Finding("broken-seal", "invalid", "out"), "invalid"),
    ],
)
def test_one_finding_makes_the_verdict_that_the_rule_says(finding: Finding, word: str) -> None:
    found = verdict.judged([finding], {"out"}, None)
    assert (found.word, found.reasons[0].weighs) == (word, word)


def test_the_heaviest_reason_stands_first_and_a_code_once_with_its_subjects() -> None:
    found = verdict.judged(
        [Finding("few-runs", "info", "b"), Finding("few-runs", "info", "a"), Finding("emulated", "warn", "campaign")],
        set(),
        None,
    )
    assert [(reason.code, reason.subjects) for reason in found.reasons] == [
        ("emulated", ("campaign",)),
        ("few-runs", ("a", "b")),
    ]
    assert found.word == "not-certifiable"
    assert verdict.judged([], set(), None) == Verdict("valid", (), None)


OF_TWO = verdict.Scenarios({"cnn": "cnn", "r1": "cnn", "idle": "idle", "r2": "idle"}, frozenset({"cnn", "idle"}))


@pytest.mark.parametrize(
    ("subjects", "word", "invalid"),
    [
        (["idle"], "valid-with-remarks", {"idle"}),
        (["r2"], "valid-with-remarks", {"idle"}),
        (["idle", "r1"], "invalid", {"idle", "cnn"}),
        (["baseline-run"], "invalid", set()),
        (["campaign"], "invalid", set()),
    ],
)
def test_what_is_wrong_with_one_scenario_leaves_the_others_standing(
    subjects: list[str], word: str, invalid: set[str]
) -> None:
    found = [Finding("overrange", "invalid", subject) for subject in subjects]
    assert verdict.judged(found, set(), None, OF_TWO).word == word
    assert set(verdict.invalid_because(found, set(), OF_TWO)) == invalid


def test_where_no_other_scenario_has_a_run_in_the_means_the_campaign_is_invalid() -> None:
    alone = verdict.Scenarios({"idle": "idle", "cnn": "cnn"}, frozenset({"idle"}))
    assert verdict.judged([Finding("induced-negative", "invalid", "idle")], set(), None, alone).word == "invalid"


def test_a_broken_seal_of_one_run_counts_for_the_campaign() -> None:
    assert verdict.judged([Finding("broken-seal", "invalid", "r2")], set(), None, OF_TWO).word == "invalid"


def test_a_limit_on_an_invalid_scenario_is_never_kept() -> None:
    asked = {"scenario": "cnn", "quantity": "induced_energy_wh", "limit_wh": LIMIT_WH, "guard_band": 1.0}
    stands = entry(0.1, 0.01)
    assert verdict.decided({"decision": asked}, stands) == decided(0.1, 0.01)
    spoilt = {"cnn": replace(stands["cnn"], invalid_because=("induced-negative",))}
    found = verdict.decided({"decision": asked}, spoilt)
    assert found is not None
    assert (found.accepted, found.because, found.risk) == (False, "scenario-invalid", None)


def half_deleted(table: Table) -> None:
    for name in table:
        table[name] = table[name][::2]


def half_replaced(table: Table) -> None:
    table["power_w"] = np.where(np.arange(table["power_w"].size) % 2, -1.0, table["power_w"])


def too_many(table: Table) -> None:
    for name in table:
        table[name] = np.repeat(table[name], 2)
    table["t"] = table["t"] - 0.5 * (np.arange(table["t"].size) % 2 == 0)


def campaign_with(fault: Fault, path: Path) -> Analysis:
    return analyse(campaign_of(path, Monitored(fault=fault)))


def first_run(found: Analysis) -> dict[str, Any]:
    return next(run for run in plain(found)["runs"] if run["ordinal"] == 2)


def test_half_the_readings_deleted_takes_the_run_out_and_is_said(tmp_path: Path) -> None:
    found = campaign_with(Fault(only=frozenset({2}), readings=half_deleted), tmp_path)
    codes = {(finding.code, finding.severity) for finding in found.numbers.findings}
    assert {("gap", "invalid"), ("rate-drift", "warn")} <= codes
    assert first_run(found)["excluded_because"] == "gaps in its power readings exceed the limits"
    assert plain(found)["verdict"]["word"] == "valid-with-remarks"
    assert plain(found)["scenarios"]["cnn"]["n_runs"]["value"] == 2


def test_half_the_readings_replaced_by_minus_one_takes_the_run_out_and_is_said(tmp_path: Path) -> None:
    found = campaign_with(Fault(only=frozenset({2}), readings=half_replaced), tmp_path)
    assert ("negative", "invalid") in {(finding.code, finding.severity) for finding in found.numbers.findings}
    assert not first_run(found)["included"]


def test_readings_that_come_twice_as_often_are_said_too(tmp_path: Path) -> None:
    found = campaign_with(Fault(only=frozenset({2}), readings=too_many), tmp_path)
    drift = next(finding for finding in found.numbers.findings if finding.code == "rate-drift")
    assert drift.evidence["drift_percent"] == pytest.approx(-50, abs=1)


def test_one_reading_that_cannot_be_is_a_warning_and_the_run_stays(tmp_path: Path) -> None:
    def one(table: Table) -> None:
        table["power_w"][table["t"].searchsorted(30)] = 0.0

    shape = Monitored(duration_s=200, fault=Fault(only=frozenset({2}), readings=one))
    found = analyse(campaign_of(tmp_path, shape))
    assert ("zero", "warn") in {(finding.code, finding.severity) for finding in found.numbers.findings}
    assert first_run(found)["included"]


def test_a_run_with_a_broken_seal_enters_no_mean_and_the_campaign_is_invalid(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, Monitored())
    run = next(campaign.glob("*-r02-*"))
    for path in (run, run / "readings-wall.csv"):
        path.chmod(0o755)
    stream = run / "readings-wall.csv"
    stream.write_bytes(stream.read_bytes().replace(b",4", b",3", 1))
    found = analyse(campaign)
    assert plain(found)["verdict"]["word"] == "invalid"
    assert first_run(found)["excluded_because"].startswith("its seal is broken")
    assert plain(found)["scenarios"]["cnn"]["n_runs"]["value"] == 2


def test_a_run_that_was_never_sealed_enters_no_mean(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, Monitored())
    run = next(campaign.glob("*-r02-*"))
    run.chmod(0o755)
    (run / MANIFEST).unlink()
    found = analyse(campaign)
    assert not first_run(found)["included"]


def test_the_stated_limit_is_decided_from_the_campaigns_own_number(tmp_path: Path) -> None:
    asked = {"scenario": "cnn", "quantity": "energy_wh", "limit_wh": 10.0, "guard_band": 1.0}
    found = campaign_with(Fault(start=lambda start: start["config"].update(decision=asked)), tmp_path)
    decision, energy = plain(found)["verdict"]["decision"], plain(found)["scenarios"]["cnn"]["energy_wh"]
    assert (decision["value_wh"], decision["U_wh"], decision["accepted"]) == (energy["value"], energy["U"], True)
    assert decision["risk"] < 1e-6


def test_each_origin_is_said_of_its_own_meters_and_before_the_worst_of_all() -> None:
    origins = {"wall": "imported", "bench": "emulated"}
    meters = read({"meters": [{"meter": name, "origin": origin} for name, origin in origins.items()]}).meters
    now = lab_rules.of_origins(meters, certify_declared=False)
    assert [(one.code, one.evidence["meters"]) for one in now] == [("emulated", ["bench"]), ("imported", ["wall"])]
    with as_before({Rule.EACH_ORIGIN}):
        then = lab_rules.of_origins(meters, certify_declared=False)
    assert [(one.code, one.evidence) for one in then] == [("emulated", {"meters": ["bench", "wall"]})]


def unended(campaign: Path, *, sealed: bool) -> str:
    """Take the campaign back to before the log held the end of its last run, as a second terminal sees it."""
    log = campaign / CAMPAIGN
    log.chmod(0o644)
    lines = log.read_bytes().splitlines(keepends=True)
    name: str = json.loads(lines[-1])["folder"]
    assert json.loads(lines.pop())["type"] == "run-end"
    log.write_bytes(b"".join(lines))
    run = campaign / name
    run.chmod(0o755)
    if not sealed:
        (run / MANIFEST).unlink()
    return name


@pytest.mark.parametrize("left", ["sealed", "whole", "no stop", "half a stream", "half a start"])
def test_a_run_that_is_being_measured_is_left_out_and_breaks_nothing(tmp_path: Path, left: str) -> None:
    campaign = campaign_of(tmp_path, Monitored())
    name = unended(campaign, sealed=left == "sealed")
    journal = campaign / name / JOURNAL
    journal.chmod(0o644)
    documents = journal.read_bytes().splitlines(keepends=True)
    if left in ("no stop", "half a stream"):
        journal.write_bytes(b"".join(documents[:-1]))
    if left == "half a start":
        journal.write_bytes(documents[0][:20])
    if left == "half a stream":
        stream = campaign / name / "readings-wall.csv"
        stream.chmod(0o644)
        stream.write_bytes(stream.read_bytes()[:-9])
    found = analyse(campaign).numbers
    assert not {"broken-seal", "unreadable"} & {finding.code for finding in found.findings}
    assert found.verdict.word != "invalid"
    assert [run.excluded_because for run in found.runs if run.folder == name] == [UNENDED] * (left != "half a start")


def test_a_run_that_the_log_saw_on_disk_and_is_gone_is_broken(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, Monitored())
    shutil.rmtree(campaign / unended(campaign, sealed=True))
    assert analyse(campaign).numbers.verdict.word == "invalid"


def test_a_run_without_an_end_that_others_follow_is_broken(tmp_path: Path) -> None:
    """Only the last run can be the one that is being measured."""
    campaign = campaign_of(tmp_path, Monitored())
    run = next(campaign.glob("*-r02-*"))
    unended(campaign, sealed=True)
    run.chmod(0o755)
    (run / MANIFEST).unlink()
    found = analyse(campaign)
    assert found.numbers.verdict.word == "invalid"
    assert first_run(found)["excluded_because"].startswith("its seal is broken")


def test_a_sealed_run_whose_bytes_changed_is_broken_whether_the_log_holds_its_end_or_not(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, Monitored())
    name = unended(campaign, sealed=True)
    stream = campaign / name / "readings-wall.csv"
    stream.chmod(0o644)
    stream.write_bytes(stream.read_bytes().replace(b",4", b",3", 1))
    assert analyse(campaign).numbers.verdict.word == "invalid"
