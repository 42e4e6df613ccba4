"""Foreign load has a size: in energy where watts of a busy CPU were measured, in percent by convention elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PowerDescriptor, Thresholds, foreign_load_grade
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.campaign.exclusion import exclusion_of
from reports.energy.observer import Difference, ObserverEffect
from reports.energy.selftest import WindowFit
from reports.energy.sync import Pulse, SyncPulses
from reports.findings.foreign_load import BusyCpu, Judged, busy_cpu, findings_of
from reports.readings.series import RunSeries
from reports.results.uncertainty import Estimate, Number
from tests.analysis.monitored import CPUS, LOAD, Fault, Monitored, Table, campaign_of
from tests.campaign_results import plain
from tests.reports.make_campaign import Load

LIMITS = Thresholds()
CPU = BusyCpu(10.0, "sync pulse")
RUN = Judged("r02", percent=5.0, baseline_percent=1.0, cpus=16, duration_s=60.0, expanded_j=1000.0)
"""4 % of 16 CPUs of 10 W over a minute: 384 J."""


def graded(run: Judged, cpu: BusyCpu | None = CPU, limits: Thresholds = LIMITS) -> list[str]:
    return [finding.severity for finding in findings_of(run, cpu, limits)]


def test_the_energy_of_the_difference_to_the_baseline_is_held_against_u() -> None:
    (finding,) = findings_of(RUN, CPU, LIMITS)
    assert finding.severity == "warn"
    assert finding.evidence["energy_wh"] == pytest.approx(384 / 3600)
    assert graded(replace(RUN, expanded_j=384 * 4 + 1)) == []
    assert graded(replace(RUN, expanded_j=383)) == ["invalid"]
    assert graded(RUN, limits=replace(LIMITS, foreign_energy_percent=39.0)) == []


def test_what_a_load_pushes_aside_lacks_in_its_own_energy_too() -> None:
    assert graded(replace(RUN, percent=50.0, baseline_percent=98.8)) == ["invalid"]


def test_a_load_that_was_the_same_in_the_baseline_is_subtracted_with_it() -> None:
    assert graded(replace(RUN, percent=60.0, baseline_percent=60.0)) == []


@pytest.mark.parametrize(
    ("percent", "baseline", "grade"),
    [(1.9, 0.0, None), (2.1, 0.0, "warn"), (10.1, 0.0, "invalid"), (50.0, 49.0, "warn"), (0.0, 10.1, "invalid")],
)
def test_without_watts_or_u_fixed_percentages_are_the_convention(
    percent: float, baseline: float, grade: str | None
) -> None:
    assert foreign_load_grade(percent, baseline, LIMITS) == grade
    run = replace(RUN, percent=percent, baseline_percent=baseline)
    expected = [] if grade is None else [grade]
    assert graded(run, None) == expected
    assert graded(replace(run, expanded_j=None)) == expected


def number(value_w: float) -> Number:
    return Number(Estimate(value_w, 0.1, 5.0), "W")


class Facts:
    """What is asked of a run's series here."""

    def __init__(self, folder: str, meters: tuple[str, ...], cpus: Any = CPUS) -> None:  # noqa: ANN401
        self.run = type("Run", (), {"path": Path(folder), "start": type("Start", (), {"sut": {"cpu_count": cpus}})()})()
        self.primary_meters = meters


def series(folder: str, *meters: str, cpus: Any = CPUS) -> RunSeries:  # noqa: ANN401
    return Facts(folder, meters, cpus)  # type: ignore[return-value]


def pulse(folder: str, meter: str, step_w: float | None) -> Pulse:
    fit = None
    if step_w is not None:
        fit = WindowFit(Estimate(0.0, 0.1, 9.0), Estimate(1.0, 0.1, 9.0), 40.0, 40.0 + step_w, 0.1, 16)
    descriptor = PowerDescriptor(
        stream="s", meter=meter, circuit=meter, identity={}, origin="instrument", evidence={}, averaging="window",
        window_s=1.0, stamp="end", latency_s=0.0, columns=[],
    )  # fmt: skip
    return Pulse(folder, "a", descriptor, fit, None, 16)


def test_watts_of_a_busy_cpu_are_full_load_less_idle_by_the_cpus() -> None:
    runs = [series("s1", "wall")]
    found = busy_cpu(runs, SyncPulses((pulse("s1", "wall", 80.0),)), None, ())
    assert found == BusyCpu(80.0 / CPUS, "sync pulse")


def test_circuits_are_summed_and_a_pulse_that_one_meter_missed_shows_nothing() -> None:
    runs = [series("s1", "a", "b")]
    both = SyncPulses((pulse("s1", "a", 50.0), pulse("s1", "b", 30.0)))
    assert busy_cpu(runs, both, None, ()) == BusyCpu(80.0 / CPUS, "sync pulse")
    one = SyncPulses((pulse("s1", "a", 50.0), pulse("s1", "b", None)))
    assert busy_cpu(runs, one, None, ()) is None


def test_the_observer_effect_or_the_scenario_full_load_show_it_too() -> None:
    idle, load = (Difference(number(0.5), number(watts), number(watts)) for watts in (40.0, 104.0))
    nothing, runs = SyncPulses(()), [series("r1", "wall")]
    assert busy_cpu(runs, nothing, ObserverEffect(idle, load), ()) == BusyCpu(4.0, "observer effect")
    assert busy_cpu(runs, nothing, None, [32.0, 32.0]) == BusyCpu(2.0, "scenario full-load")
    assert busy_cpu(runs, nothing, None, [float("nan")]) is None
    assert busy_cpu([series("r1", "wall", cpus="16")], nothing, None, [32.0]) is None


def busier(by: float) -> Fault:
    """Other processes take a part of all CPUs in the first scenario run."""

    def change(table: Table) -> None:
        table["busy_cpu_s"] = table["busy_cpu_s"] + by * CPUS * np.arange(table["t"].size)

    return Fault(only=frozenset({2}), samples=change)


def found_with(path: Path, by: float, **shape: Any) -> Analysis:  # noqa: ANN401
    return analyse(campaign_of(path, Monitored(fault=busier(by), **shape)))


def test_a_run_beside_a_large_foreign_load_enters_no_mean(tmp_path: Path) -> None:
    found = found_with(tmp_path, 0.3)
    (run,) = [run for run in plain(found)["runs"] if run["ordinal"] == 2]
    assert run["excluded_because"] == "other processes took too much of its CPUs"
    assert plain(found)["scenarios"]["cnn"]["n_runs"]["value"] == 2
    assert plain(found)["verdict"]["word"] == "valid-with-remarks"


def test_a_small_foreign_load_counts_where_the_watts_of_a_busy_cpu_are_known(tmp_path: Path) -> None:
    """1 % of 16 CPUs is below any convention; the scenario full-load shows 6 W each: 70 J of 3 kJ."""
    loads = {"cnn": LOAD, "full-load": Load(96.0, 100.0, epochs=1)}
    found = found_with(tmp_path, 0.01, loads=loads)
    finding = next(finding for finding in found.numbers.findings if finding.code == "foreign-load")
    assert finding.severity in ("warn", "invalid")
    assert finding.evidence["shown_by"] == "scenario full-load"
    assert finding.evidence["watts_of_a_busy_cpu"] == pytest.approx(96 / CPUS, rel=0.15)
    assert finding.evidence["percent_of_all_cpus"] == pytest.approx(1.4, abs=0.2)


def verdicts(path: Path) -> dict[str, str | None]:
    """What is said of each run when it was made."""
    return {run.name: exclusion_of(run) for run in CampaignFolder(path).run_paths()}


def test_a_run_is_judged_by_energy_when_it_was_made_as_it_is_in_the_report(tmp_path: Path) -> None:
    """.04 of 16 CPUs is a warning by any convention; by the watts of a busy one it is more than U."""
    loads = {"cnn": LOAD, "full-load": Load(96.0, 100.0, epochs=1)}
    folder = campaign_of(tmp_path, Monitored(fault=busier(0.04), loads=loads, repetitions=2))
    (finding,) = (
        one for one in analyse(folder).numbers.findings if one.code == "foreign-load" and one.severity == "invalid"
    )
    assert "energy_wh" in finding.evidence
    assert {name for name, reason in verdicts(folder).items() if reason} == {finding.subject}


def test_of_a_disturbed_block_the_runs_after_it_are_not_made_again(tmp_path: Path) -> None:
    fault = replace(busier(0.3), only=frozenset({1}))
    folder = campaign_of(tmp_path, Monitored(fault=fault, repetitions=2, baseline_blocks=2))
    # By the median of two blocks, and by the one block before it, everything is far from the baseline.
    assert len([one for one in analyse(folder).numbers.findings if one.code == "foreign-load"]) > 1
    out = {name: reason for name, reason in verdicts(folder).items() if reason}
    assert [name.split("-")[1] for name in out] == ["r01"]
