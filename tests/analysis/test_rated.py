"""Runs without a meter: the wall by a qualified software meter, its U, and every reason against it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.record.errors import AnalysisError
from harness.record.run_folder import RunFolder
from reports.campaign.analyse import analyse
from reports.campaign.exclusion import exclusion_of
from reports.campaign.run import AnalysedRun
from reports.campaign.runs import by_one_certificate
from reports.energy.common_errors import shares_of
from reports.energy.sample import MeasuredRun
from reports.findings import estimate_rules
from reports.readings.rated import SoftwarePower, of_others, of_range, power_of, read_rated
from reports.readings.software import SoftwareTrace
from reports.results.applicability import chosen, machine_of, mismatches, range_of
from reports.results.applied import Applied
from reports.results.document import Results
from reports.results.qualification import qualification_of
from reports.results.rules import Rule, as_before
from reports.results.software_meter import Refusal, Transfer
from reports.results.transfer_error import TransferError
from tests.analysis.unmetered import (
    GAIN,
    IDLE_W,
    METER,
    OFFSET_W,
    Unmetered,
    certificate,
    text_of,
    transfer,
    unmetered_campaign,
)
from tests.reports import qualifications
from tests.reports.make_campaign import Load

SHORT = Unmetered(certificate=text_of(certificate()), duration_s=20, repetitions=2, baseline_blocks=2)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return analyse(unmetered_campaign(tmp_path_factory.mktemp("runs"), replace(SHORT, repetitions=3))).results


def test_the_energy_is_that_of_the_wall_on_the_true_line_with_the_lag_taken_off(results: Results) -> None:
    for run in results.runs:
        level_w = 0.0 if run.kind == "baseline" else 80.0
        assert run.duration_s is not None
        assert run.energy_wh is not None
        truth_wh = (OFFSET_W + GAIN * (IDLE_W + level_w)) * run.duration_s.value / 3600
        assert run.energy_wh.value == pytest.approx(truth_wh, abs=run.energy_wh.expanded)
        assert run.energy_wh.value == pytest.approx(truth_wh, rel=0.03)


def test_it_is_labelled_estimated_everywhere_and_never_certifiable(results: Results) -> None:
    digest = results.measurement.certificate["certificate_sha256"] if results.measurement.certificate else ""
    assert results.measurement.origin == "estimated"
    assert "estimated by a qualified software meter" in results.measurement.sentence
    assert len(digest) == 64
    assert digest in results.measurement.sentence
    assert results.verdict.word == "not-certifiable"
    codes = {finding.code for finding in results.findings}
    assert "estimated-qualified" in codes
    assert not codes & {"estimated", "limits-unknown", "no-power"}
    assert results.meters[0].identity["serial"] == digest


def test_the_line_counts_once_and_its_height_leaves_an_induced_energy(results: Results) -> None:
    budget = results.scenarios["train"].budget
    assert budget.induced is not None
    assert budget.gross is not None
    lines = {kind: {line.source: line for line in table.lines} for kind, table in
             (("induced", budget.induced), ("gross", budget.gross))}  # fmt: skip
    assert "u_height=0," in lines["induced"]["transfer"].note
    assert "u_height=0," not in lines["gross"]["transfer"].note
    error, scenario = TransferError.of(transfer()), results.scenarios["train"]
    assert scenario.induced_energy_wh is not None
    mean_s = float(np.mean([run.duration_s.value for run in results.runs if run.block is None and run.duration_s]))
    slope = scenario.induced_energy_wh.value * error.slope_u
    misfit = np.sqrt(2) * mean_s * error.misfit_u_w / 3600
    assert lines["induced"]["transfer"].u == pytest.approx(np.hypot(slope, misfit), rel=1e-3)
    assert lines["induced"]["transfer"].dof == 9.0
    assert lines["induced"]["wall"].u == pytest.approx(scenario.induced_energy_wh.value * error.wall_u, rel=1e-6)
    assert budget.induced.complete


def test_height_and_slope_at_the_pivot_are_the_covariance_of_the_line() -> None:
    line = transfer()
    error, at_w = TransferError.of(line), np.linspace(0.0, 200.0, 5)
    u_offset, u_gain = line.offset_w.estimate.u or 0.0, line.gain.estimate.u or 0.0
    direct = u_offset**2 + (at_w * u_gain) ** 2 + 2 * at_w * line.covariance_w
    wall_w = OFFSET_W + GAIN * at_w
    assert error.height_u_w**2 + ((wall_w - error.pivot_w) * error.slope_u) ** 2 == pytest.approx(direct)


def test_two_means_by_one_certificate_contain_the_same_line_and_misfits_of_their_own(tmp_path: Path) -> None:
    runs = [path for path in unmetered_campaign(tmp_path, SHORT).iterdir() if path.is_dir()]
    series = [read_rated(RunFolder.open(path)) for path in runs]
    terms = [run.own_terms for run in (AnalysedRun(one.run, one) for one in series) if run.own_terms is not None]
    one, other = (shares_of([MeasuredRun(own, 0)], side, "gross", 1.0) for own, side in zip(terms, "ab", strict=False))
    common = {(source.name, source.part) for source in one.keys() & other.keys()}
    assert {("transfer", 0), ("transfer", 1), ("wall", 0), ("wall", 1)} <= common
    assert ("transfer", 2) not in common


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (replace(SHORT, certificate=text_of(certificate(kernel="6.1.0"))), "kernel: found 6.8.0-48-generic"),
        (replace(SHORT, certificate=text_of(certificate(driver="535.2"))), "driver: found 550.1"),
        (replace(SHORT, certificate=text_of(certificate(firmware="0.9"))), "firmware: found 1.0"),
        (replace(SHORT, certificate=text_of(certificate(boards=()))), "boards: found Synthetic GPU 3 GB"),
        (replace(SHORT, certificate=text_of(certificate(machine="Other"))), "machine: found Synthetic 1000"),
        (replace(SHORT, period_s=0.5), "sample period: found 0.5 s, the certificate is for 1 s"),
        (replace(SHORT, kinds={"train": "cpu"}), "kind of load: found cpu"),
        (replace(SHORT, kinds={}), "kind of load: found none"),
        (replace(SHORT, loads={"train": Load(200.0, 1.0, marked=False)}), "range: agent/gpu0_power_w said"),
        (replace(SHORT, certificate=b"{}"), "qualification.json"),
        (
            replace(SHORT, certificate=text_of(certificate(Refusal("too-few-levels", "Two levels.")))),
            "Two levels.",
        ),
        (
            replace(SHORT, certificate=text_of(replace(certificate(), qualifies=False, not_because=("No.",)))),
            "qualifies no software meter",
        ),
    ],
)  # fmt: skip
def test_a_run_for_which_the_certificate_does_not_hold_has_no_energy_and_says_why(
    tmp_path: Path, shape: Unmetered, said: str
) -> None:
    folder = unmetered_campaign(tmp_path, shape)
    results = analyse(folder).results
    refused = [finding for finding in results.findings if finding.code == "not-qualified"]
    runs = {run.folder: run for run in results.runs}
    assert refused
    for finding in refused:
        assert said in "; ".join(finding.evidence["reasons"])
        assert runs[finding.subject].energy_wh is None
        assert not runs[finding.subject].included
    assert said in (exclusion_of(folder / refused[0].subject) or "")
    assert "no-power" not in {finding.code for finding in results.findings}


@pytest.mark.parametrize(("n_outside", "is_refused"), [(0, False), (5, False), (6, True)])
def test_up_to_a_twentieth_of_the_readings_may_lie_outside_of_the_range(n_outside: int, is_refused: bool) -> None:
    power_w = np.full(100, 90.0)
    power_w[:n_outside] = 136.1
    said = SoftwarePower(np.arange(100) * 10**9, power_w, np.zeros(100))
    percent, problem = of_range(certificate().meters[0], "gpu", said)
    assert percent == n_outside
    assert (problem is not None) == is_refused
    assert not is_refused or "136.1 W" in str(problem)
    applied = Applied("a" * 64, "c", METER, "gpu", outside_percent=percent)
    assert [finding.code for finding in estimate_rules.of_range("r", applied)] == ["outside-qualified"] * (percent > 0)


def test_a_counter_becomes_power_between_its_readings_over_its_wraps() -> None:
    stamps = np.array([0, 1, 2, 4], dtype=np.int64) * 10**9
    trace = SoftwareTrace("a/b", "counter", "", "", 1.0, stamps, np.array([90.0, 95.0, 2.0, 22.0]), range_j=100.0)
    said = power_of(trace)
    assert said.power_w.tolist() == [5.0, 7.0, 10.0]
    assert said.window_s.tolist() == [1.0, 1.0, 2.0]
    unranged = power_of(replace(trace, range_j=None))
    assert unranged.power_w.tolist() == [5.0, 10.0]
    assert isinstance(said.between(2 * 10**9, 5 * 10**9), SoftwarePower)
    assert said.between(2 * 10**9, 5 * 10**9).power_w.tolist() == [7.0, 10.0]


def test_a_counter_that_was_reset_leaves_a_step_out_and_one_that_falls_often_is_refused() -> None:
    stamps = np.arange(6, dtype=np.int64) * 10**9
    reset_j = np.array([500.0, 505.0, 510.0, 3.0, 8.0, 13.0])
    trace = SoftwareTrace("a/b", "counter", "", "", 1.0, stamps, reset_j, range_j=65_536.0)
    assert power_of(trace).power_w.tolist() == [5.0] * 4
    with as_before({Rule.COUNTER_FALLS}):
        assert power_of(trace).power_w.max() == 65_029.0
    mixed = replace(trace, times_ns=np.arange(60) * 10**9, values=np.tile([500.0, 505.0, 100.0], 20))
    with pytest.raises(AnalysisError, match="a/b falls 20 times in 59 steps"):
        power_of(mixed)


def test_of_several_meters_that_can_estimate_one_has_to_be_named() -> None:
    one = certificate()
    two = replace(one, meters=(*one.meters, replace(one.meters[0], name="agent/gpu1_power_w")))
    assert not isinstance(chosen(one, ""), str)
    assert "name one of agent/gpu0_power_w, agent/gpu1_power_w" in str(chosen(two, ""))
    assert "no software meter 'x' in it" in str(chosen(one, "x"))
    assert getattr(chosen(two, METER), "name", "") == METER


def test_a_certificate_that_rests_on_no_meter_estimates_nothing() -> None:
    emulated = replace(certificate(), reference=replace(certificate().reference, origin="emulated"))
    assert "no power meter, but emulated" in str(chosen(emulated, METER))
    no_lag = replace(certificate().meters[0], lag_switched=Refusal("constant", "It hardly changes."))
    assert "its lag is not known" in str(chosen(replace(certificate(), meters=(no_lag,)), METER))


def test_a_range_begins_at_idle_and_reaches_a_twentieth_beyond() -> None:
    line = transfer()
    assert range_of(line, "gpu") == pytest.approx((10.0 - 6.0, 130.0 + 6.0))
    assert range_of(line, "idle") == pytest.approx((4.0, 136.0))
    assert range_of(line, "memory") is None


def test_what_a_start_document_says_of_a_machine_is_what_a_certificate_names() -> None:
    facts = {"hostname": "h", "cpu": "c", "gpus": [{"name": "G", "driver": "1", "vbios": "v"}], "kernel": "k"}
    machine = machine_of(facts)
    assert (machine.machine, machine.boards, machine.board_firmware, machine.driver) == ("h", ("G",), ("v",), "1")
    own = replace(
        certificate().validity, machine="h", cpu="c", boards=("G",), board_firmware=("v",), firmware=None, driver="1",
        kernel="k",
    )  # fmt: skip
    assert not list(mismatches(own, machine, 1.0))
    assert [one.what for one in mismatches(own, replace(machine, firmware="2"), None)] == ["firmware", "sample period"]
    assert machine_of({"gpus": "none"}).boards == ()


def test_the_certificate_of_these_campaigns_is_read_as_it_is_written() -> None:
    again = qualification_of(json.loads(text_of(certificate())))
    assert isinstance(again.meters[0].transfer, Transfer)
    assert again.meters[0].transfer.ranges == transfer().ranges


def test_a_column_that_is_not_what_the_certificate_knows_by_its_name_estimates_nothing(tmp_path: Path) -> None:
    other = replace(certificate().meters[0], says="GPU 0 power limit, nvml")
    swapped = text_of(replace(certificate(), meters=(other,)))
    folder = unmetered_campaign(tmp_path, replace(SHORT, certificate=swapped, repetitions=1, baseline_blocks=1))
    applied = read_rated(RunFolder.open(next(path for path in folder.iterdir() if path.is_dir()))).applied
    assert applied is not None
    assert "found a gauge of 'GPU 0 board power, nvml', the certificate is for" in applied.against[0]


def test_what_another_software_meter_never_said_under_such_a_load_is_another_load(tmp_path: Path) -> None:
    one, counter = certificate(), "agent/rapl_package_0_energy_j"
    loads = (qualifications.on_load("idle", 60.0, 4.0), qualifications.on_load("gpu", 90.0, 9.0))
    cpu = replace(qualifications.meter(counter), loads=loads)
    document = replace(one, meters=(*one.meters, cpu))
    stamps = np.arange(100, dtype=np.int64) * 10**9

    def said(watts: float) -> list[str]:
        trace = SoftwareTrace(counter, "counter", "", "", 1.0, stamps, np.arange(100.0) * watts)
        return list(of_others(document, one.meters[0], "gpu", {counter: trace}, (0, 99 * 10**9)))

    assert said(4.0) == said(9.2) == []
    assert "agent/rapl_package_0_energy_j said 60 W, under loads of kind gpu it said 3.75 to 9.25 W" in said(60.0)[0]


def test_a_campaign_rests_on_one_certificate(tmp_path: Path) -> None:
    folder = unmetered_campaign(tmp_path, SHORT)
    series = [read_rated(RunFolder.open(path)) for path in sorted(folder.iterdir()) if path.is_dir()]
    assert series[1].applied is not None
    series[1] = replace(series[1], applied=replace(series[1].applied, sha256="f" * 64))
    runs = list(by_one_certificate([AnalysedRun(one.run, one) for one in series]))
    assert [run.excluded_because is None for run in runs] == [True, False, *[True] * (len(runs) - 2)]
    assert f"certificate: found {'f' * 64}" in (runs[1].excluded_because or "")
    assert runs[1].parts == ()
