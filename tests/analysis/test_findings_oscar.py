"""Findings by their rules, each on both sides of its threshold; the OSCAR rule on runs of odd length."""

from dataclasses import replace

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Thresholds
from harness.record.errors import AnalysisError
from reports.energy import oscar
from reports.energy.contributions import Stream
from reports.energy.meter_error import error_of
from reports.energy.power_function import power_function
from reports.findings import campaign as findings_campaign
from reports.findings import lab_rules, mark_rules, reading_rules
from reports.readings.clock import ClockModel, WallStep
from reports.readings.series import PowerSeries, RunSeries, read_run
from reports.results.finding import Finding
from reports.results.uncertainty import Term, mean_with_shared, single
from reports.results.undeclared import goal_of
from tests.analysis.streams import at, descriptor, stream
from tests.reports.make_campaign import Shape, make_campaign

LIMITS = Thresholds()
NOTHING = reading_rules.Missing(0.0, (), 0.0, 0.0)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> RunSeries:
    campaign = make_campaign(tmp_path_factory.mktemp("f"), Shape(repetitions=1, baseline_blocks=1, duration_s=100))
    return next(read_run(run) for run in CampaignFolder(campaign).runs() if run.start.scenario == "cnn")


def codes(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in found]


def of_readings(series: RunSeries, power: PowerSeries, gap_s: float) -> list[tuple[str, str]]:
    missing = replace(NOTHING, gap_s=gap_s)
    return codes(list(reading_rules.of_readings(series, power, at(0), at(100), missing, LIMITS)))


def test_a_gap_warns_and_fails_the_run_above_one_percent_or_ten_seconds(series: RunSeries) -> None:
    def without(*missing: int) -> PowerSeries:
        seconds = [s for s in range(1, 101) if s not in missing]
        return stream(seconds, np.linspace(10, 20, len(seconds)).tolist())

    assert of_readings(series, without(), 0.0) == []
    assert of_readings(series, without(50), 0.5) == []
    assert of_readings(series, without(50, 51), 1.0) == [("gap", "warn")]
    assert of_readings(series, without(50, 51, 52), 2.0) == [("gap", "invalid")]
    assert reading_rules.gaps_fail(11.0, 11.0, 1e6, LIMITS)


def test_ten_seconds_at_an_end_fail_a_run_as_ten_seconds_within_do(series: RunSeries) -> None:
    power = stream([*range(1, 2986)], np.linspace(50, 60, 2985).tolist())
    one = Stream(power, power_function(power), error_of(power.descriptor, "2026-11-21T08:00:00Z"), None)
    for end_s, found in ((2985.9, []), (2988, [("gap", "warn")]), (2996, [("gap", "invalid")])):
        missing = reading_rules.missing_of(one, at(1), at(end_s), 0.0)
        assert missing.gap_s < 0.01 * 2995
        assert codes(list(reading_rules.of_readings(series, power, at(1), at(end_s), missing, LIMITS))) == found


def test_equal_stamps_are_duplicates(series: RunSeries) -> None:
    power = stream([1, 2, 2, *range(3, 101)], np.linspace(10, 20, 101).tolist())
    assert of_readings(series, power, 0.0) == [("duplicate", "info")]


def test_a_value_that_stays_while_the_load_changes_is_stuck(series: RunSeries) -> None:
    assert series.begin_ns is not None
    assert series.end_ns is not None
    begin_ns = series.begin_ns - 2_000_000_000
    times_ns = begin_ns + np.arange(1, 101, dtype=np.int64) * 1_000_000_000
    stuck = PowerSeries(descriptor(), times_ns, np.full(100, 41.5), np.ones(100), None, np.array([], np.int64))
    moving = replace(stuck, power_w=np.linspace(40, 41, 100))
    interval = begin_ns, begin_ns + 100_000_000_000
    assert codes(list(reading_rules.of_readings(series, stuck, *interval, NOTHING, LIMITS))) == [("stuck", "warn")]
    assert codes(list(reading_rules.of_readings(series, moving, *interval, NOTHING, LIMITS))) == []


def test_a_clock_matters_only_where_its_error_times_the_step_of_power_does(series: RunSeries) -> None:
    steps = (WallStep("sut", 0, 1, 60_000_000), WallStep("host", 0, 1, 40_000_000))
    clock = ClockModel(0, 0, 0.0, 10_000_000, 4, 4, 0, 1, steps)
    timed = RunSeries(series.run, clock, series.begin_ns, series.end_ns, series.actions)
    found = codes(list(mark_rules.of_clock(timed, 99.0, 100.0, LIMITS)))
    assert found == [("clock-bound", "warn"), ("clock-step", "info")]
    assert codes(list(mark_rules.of_clock(timed, 101.0, 100.0, LIMITS))) == [("clock-step", "info")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 1.1, 0.9], []),
        ([0.1, -0.1, 0.05], [("induced-indistinguishable-from-zero", "warn")]),
        ([-1.0, -1.1, -0.9], [("induced-negative", "invalid")]),
    ],
)
def test_induced_energy_is_weighed_against_its_own_uncertainty(
    values: list[float], expected: list[tuple[str, str]]
) -> None:
    assert (
        codes(findings_campaign.of_induced("cnn", mean_with_shared(np.array(values), "Wh", Term(0.0, 4)))) == expected
    )
    assert findings_campaign.of_induced("cnn", single(-1.0, "Wh")) == []
    assert findings_campaign.of_induced("cnn", None) == []


def test_drift_is_a_finding_when_it_moves_the_result_by_a_quarter_of_its_uncertainty() -> None:
    times_s = np.array([0.0, 100.0, 200.0, 300.0, 400.0])

    def drift(slope_w: float) -> list[tuple[str, str]]:
        means_w = 40 + slope_w * np.arange(5) + np.array([0.01, -0.01, 0.0, -0.01, 0.01])
        return codes(findings_campaign.of_drift("cnn", means_w, times_s, 60.0, 0.01, 10, LIMITS))

    assert drift(0.0) == []
    assert drift(0.1) == [("baseline-drift", "warn")]
    assert findings_campaign.of_drift("cnn", np.array([1.0, 9.0]), times_s[:2], 60.0, 0.01, 10, LIMITS) == []


def test_the_modified_z_score_needs_ten_values_and_some_spread() -> None:
    values = np.array([*np.linspace(10, 11, 9), 30.0])
    scores = findings_campaign.modified_z(values)
    assert scores is not None
    assert (scores > 5).tolist() == [False] * 9 + [True]
    assert findings_campaign.modified_z(values[:9]) is None
    assert findings_campaign.modified_z(np.ones(12)) is None


def test_everything_that_a_campaign_shortens_is_remarked() -> None:
    summaries = [{"dataset": {"kind": "generated"}, "weights": {"kind": "random"}, "reached": False}] * 2
    found = findings_campaign.shortened("cnn", "scenario", 2, 20.0, {"fixed_epochs": 0}, summaries, goal_of({}), LIMITS)
    assert [f.code for f in found] == ["shortened-interval", "few-runs", "generated-data", "target-not-reached"]
    published = [{"dataset": {"kind": "tf_flowers"}, "weights": {"kind": "imagenet"}, "reached": True}]
    assert list(findings_campaign.shortened("cnn", "scenario", 30, 300.0, {}, published, goal_of({}), LIMITS)) == []
    base = findings_campaign.shortened("baseline", "baseline", 4, 300.0, {"fixed_epochs": 3}, [], goal_of({}), LIMITS)
    assert [f.code for f in base] == ["few-baseline-runs", "few-baseline-blocks", "fixed-epochs"]


def test_target_and_published_material_are_those_that_the_scenario_declares() -> None:
    goal = goal_of({"target": {"key": "done", "unless": "fixed_steps"}, "published": {"dataset": "ours"}})
    summaries = [{"dataset": {"kind": "theirs"}, "weights": {"kind": "theirs"}, "done": False, "reached": True}]
    told = list(findings_campaign.shortened("s", "scenario", 30, 300.0, {"fixed_epochs": 3}, summaries, goal, LIMITS))
    assert [(f.code, f.evidence) for f in told] == [
        ("generated-data", {"kinds": ["theirs"]}),
        ("target-not-reached", {"runs": 1, "of": 1}),
    ]
    (fixed,) = findings_campaign.shortened("s", "scenario", 30, 300.0, {"fixed_steps": 3}, [], goal, LIMITS)
    assert (fixed.code, fixed.evidence) == ("fixed-epochs", {"fixed_steps": 3})


def test_the_worst_finding_stands_first() -> None:
    found = [Finding("stale", "info", "x"), Finding("oom", "invalid", "x"), Finding("supply", "warn", "x")]
    assert [finding.code for finding in lab_rules.ordered(found)] == ["oom", "supply", "stale"]


def oscar_input(power_w: list[float], begin_s: float = 0.5, step_s: float = 1.0) -> oscar.OscarInput:
    return oscar.OscarInput(stream((np.arange(len(power_w)) * step_s).tolist(), power_w), None, at(begin_s))


def test_the_oscar_rule_takes_whole_rows_from_the_beginning_on() -> None:
    values = oscar.evaluate(
        np.array([2.4, 2.4]),
        [oscar_input([9, 1, 2, 3, 9]), oscar_input([9, 3, 2, 1, 9])],
        [oscar_input([0, 1, 1, 1, 0])],
    )
    assert (values.seconds, values.reason) == (3, None)
    assert values.energy_wh.tolist() == [6 / 3600, 6 / 3600]
    assert values.baseline_energy_wh.tolist() == [3 / 3600]
    assert values.sd_over_runs_w == pytest.approx(2 / 3 * np.sqrt(2))


def test_the_oscar_rule_says_when_rows_are_missing_and_when_it_cannot_be_used() -> None:
    short = oscar.evaluate(np.array([3.0]), [oscar_input([9, 1, 2])], [oscar_input([1, 1, 1, 1, 1])])
    assert short.reason == "1 runs and 0 baseline blocks have fewer than 3 rows"
    assert short.energy_wh.tolist() == [3 / 3600]
    slow = oscar.evaluate(np.array([3.0]), [oscar_input([1, 1, 1], step_s=2.0)], [])
    assert slow.reason is not None
    assert "one row for one second" in slow.reason
    late = oscar.evaluate(np.array([3.0]), [oscar_input([1, 1, 1], begin_s=60)], [])
    assert late.reason == "a run without power readings"


def test_thresholds_come_from_the_start_document_only(series: RunSeries) -> None:
    assert lab_rules.thresholds_of(series.run) == LIMITS
    bare = replace(series.run, start=replace(series.run.start, config={}))
    with pytest.raises(AnalysisError, match="no thresholds"):
        lab_rules.thresholds_of(bare)
