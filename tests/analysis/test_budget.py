"""The budget: each line against its formula, the whole against Monte Carlo and against simulated campaigns."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.campaign.baseline import Baseline
from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.energy import budget
from reports.energy.budget import Budget, Line, autocorrelation_time
from reports.energy.contributions import (
    DEVIATION_INSTANT,
    DEVIATION_WINDOW,
    MEAN_LOSS,
    PartTerms,
    Stream,
    part_terms,
    unseen,
)
from reports.energy.meter_error import error_of
from reports.energy.power_function import power_function
from reports.findings import campaign as findings_campaign
from reports.readings.series import RunSeries
from tests.analysis.streams import at, descriptor, stream
from tests.benchmarks.bench_coverage import Bench, Setting, coverage
from tests.benchmarks.bench_gum_s1 import CASES, compare

PLAIN = Setting("plain", 10, 6)
DAY = "2026-11-21T08:00:00Z"


def group_of(setting: Setting, seed: int = 3) -> Group:
    return Bench(setting).campaign(np.random.default_rng(seed))[0]


def budgets_of(group: Group) -> tuple[Budget, Budget]:
    assert group.gross_budget is not None
    assert group.induced_budget is not None
    return group.gross_budget, group.induced_budget


def line_of(found: Budget, source: str) -> Line:
    (line,) = [line for line in found.lines if line.source == source]
    return line


def estimate_of(found: Budget) -> tuple[float, float]:
    """u and U of a budget that has them."""
    estimate = found.number.estimate
    assert estimate.u is not None
    assert estimate.expanded is not None
    return estimate.u, estimate.expanded


def test_the_lines_are_the_whole_and_their_shares_add_up() -> None:
    for found in budgets_of(group_of(replace(PLAIN, clock_bound_s=0.1, runs=25))):
        assert math.hypot(*(line.u for line in found.lines)) == pytest.approx(estimate_of(found)[0])
        assert sum(line.share or 0.0 for line in found.lines) == pytest.approx(1.0)
        assert found.missing == ()


def test_a_gain_of_the_same_meter_on_the_same_range_errs_by_the_induced_energy_only() -> None:
    group = group_of(PLAIN)
    gross, induced = budgets_of(group)
    u = 0.001 / math.sqrt(3)
    assert line_of(gross, "gain").u == pytest.approx(u * group.energies_wh.mean())
    assert line_of(induced, "gain").u == pytest.approx(u * group.induced_wh.mean())
    assert line_of(induced, "gain").note.endswith("rho_g=1")


def test_a_gain_of_a_range_that_the_meter_chooses_errs_in_run_and_baseline_by_itself() -> None:
    group = group_of(replace(PLAIN, fixed_range=False))
    line = line_of(budgets_of(group)[1], "gain")
    base_wh = group.energies_wh.mean() - group.induced_wh.mean()
    assert line.u == pytest.approx(0.001 / math.sqrt(3) * math.hypot(group.energies_wh.mean(), base_wh))
    assert line.note.endswith("rho_g=0")


def test_an_offset_cancels_against_the_baseline_of_its_own_session_only() -> None:
    own, other = (budgets_of(group_of(replace(PLAIN, same_session=same))) for same in (True, False))
    alone = PLAIN.offset_w / math.sqrt(3) * PLAIN.duration_s / 3600
    assert [line_of(found[0], "offset").u for found in (own, other)] == pytest.approx([alone, alone])
    assert line_of(own[1], "offset").u == 0
    assert line_of(other[1], "offset").u == pytest.approx(math.sqrt(2) * alone)


def test_the_clocks_bound_counts_by_the_power_above_the_baseline_at_both_edges() -> None:
    setting = replace(PLAIN, clock_bound_s=0.05, noise_w=0.0, run_sd_w=0.0)
    gross, induced = budgets_of(group_of(setting))
    u_s = 0.05 / math.sqrt(3)
    for found, power_w in ((gross, 60.0), (induced, 20.0)):
        expected = u_s * math.sqrt(2) * power_w / 3600
        assert line_of(found, "clock").u == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("averaging", "deviation"), [("window", DEVIATION_WINDOW), ("instantaneous", DEVIATION_INSTANT)]
)
def test_a_step_at_an_edge_loses_a_sixth_of_a_window_and_scatters_as_stated(averaging: str, deviation: float) -> None:
    how = descriptor(averaging="window" if averaging == "window" else "instantaneous")
    lost = []
    for phase in (np.arange(400) + 0.5) / 400:
        stamps = np.arange(30) + phase
        over = np.clip(stamps, 10, 40) - np.clip(stamps - 1, 10, 40) if averaging == "window" else stamps > 10
        function = power_function(stream(stamps.tolist(), (100.0 * over).tolist(), how))
        lost.append(100.0 * 15 - float(function.energy_j(at(10), at(25))))
    assert np.mean(lost) == pytest.approx(100 * MEAN_LOSS, rel=0.01)
    assert np.std(lost) == pytest.approx(100 * deviation, rel=0.02)


def terms_of(power_w: list[float], begin_s: float, end_s: float, averaging: str = "window") -> PartTerms:
    how = descriptor(averaging="window" if averaging == "window" else "instantaneous")
    series = stream((np.arange(len(power_w))).tolist(), power_w, how)
    one = Stream(series, power_function(series), error_of(how, DAY), None)
    return part_terms(one, np.array([at(begin_s)]), np.array([at(end_s)]))


def test_steps_are_counted_with_their_sign_at_either_edge() -> None:
    found = terms_of([10.0] * 10 + [30.0] * 10 + [20.0] * 10, 9.5, 19.5)
    assert (found.begin_w[0], found.end_w[0]) == (30, 30)
    assert (found.begin_step_w[0], found.end_step_w[0]) == (20, 10)
    assert found.mean_loss_j[0] == pytest.approx(30 / 6)
    assert found.loss_deviation_j[0] == pytest.approx(0.075 * math.hypot(20, 10))
    between = terms_of([10.0] * 10 + [30.0] * 10 + [10.0] * 10, 11.5, 17.5)
    assert (between.mean_loss_j[0], between.loss_deviation_j[0]) == (0, 0)


def test_a_counters_step_counts_at_both_ends_of_an_interval_however_many_rows_lie_between() -> None:
    step_j, power_w, errors_j = 600.0, 60.0, []
    how = descriptor(window_s=5.0)
    how.columns[0] |= {"resolution": 0.0, "counter_step_j": step_j}
    begins_ns, ends_ns = np.array([at(50)]), np.array([at(650)])
    for phase in (np.arange(50) + 0.5) / 50:
        count_j = step_j * np.floor(phase + power_w * np.arange(161) * 5.0 / step_j)
        series = stream((np.arange(1, 161) * 5.0).tolist(), (np.diff(count_j) / 5.0).tolist(), how)
        one = Stream(series, power_function(series), error_of(how, DAY), None)
        found = part_terms(one, begins_ns + at(37 * phase) - at(0), ends_ns + at(91 * phase) - at(0))
        errors_j.append(float(found.energy_j[0]) - power_w * (600 + 54 * phase))
        assert found.resolution_j[0] == pytest.approx(step_j / math.sqrt(6))
        assert not found.dithered[0]
    assert 0.5 * step_j / math.sqrt(6) < np.std(errors_j) < 1.1 * step_j / math.sqrt(6)


def test_noise_dithers_the_resolution_and_a_quiet_display_does_not() -> None:
    noise = (50 + 0.2 * np.random.default_rng(1).standard_normal(101)).round(1).tolist()
    quiet, noisy = terms_of([50.0] * 101, 0.0, 100.0), terms_of(noise, 0.0, 100.0)
    assert quiet.resolution_j[0] == pytest.approx(0.1 / (2 * math.sqrt(3)) * 100)
    assert noisy.resolution_j[0] == pytest.approx(quiet.resolution_j[0] / math.sqrt(100))
    assert (bool(quiet.dithered[0]), bool(noisy.dithered[0])) == (False, True)


def test_instantaneous_values_leave_open_what_happened_between_them() -> None:
    values = (50 + 2 * np.random.default_rng(1).standard_normal(401)).tolist()
    spread_w = math.sqrt(float(np.mean(np.diff(values) ** 2)) / 2)
    found = terms_of(values, 0.0, 400.0, averaging="instantaneous")
    assert found.sampling_j[0] == pytest.approx(spread_w * math.sqrt(1.0 * 400), rel=0.02)
    assert terms_of(values, 0.0, 400.0).sampling_j[0] == 0


def test_a_gap_is_uncertain_by_the_extremes_beside_it() -> None:
    seconds = [*range(10), *range(14, 24)]
    powers = [10.0, 12.0] * 10
    how = descriptor()
    series = stream(seconds, powers, how)
    one = Stream(series, power_function(series), error_of(how, DAY), None)
    gap_s = float(one.function.gap_s(at(2), at(20)))
    assert gap_s == pytest.approx(14 - 9 - 1.5)
    found = part_terms(one, np.array([at(2), at(2), at(15)]), np.array([at(20), at(8), at(20)]))
    assert found.gap_j == pytest.approx([gap_s * 2 / (2 * math.sqrt(3)), 0, 0])


def test_one_run_knows_only_the_blocks_beside_it() -> None:
    group = group_of(replace(PLAIN, clock_bound_s=0.0, offset_w=0.0, gain_percent=0.0))
    terms = group.terms[4]
    assert terms.level is not None
    assert terms.level.sd_w is not None
    assert terms.level.shares.sum() == pytest.approx(1)
    single = budget.of_one(terms, "induced")
    lowest = terms.level.sd_w / math.sqrt(2) * PLAIN.duration_s
    assert lowest <= single.u_j[0] <= math.hypot(terms.level.sd_w * PLAIN.duration_s, 10)
    number = single.number(0)
    assert number is not None
    assert number.estimate.value == pytest.approx(group.induced_wh[4])
    assert number.estimate.dof is not None
    assert number.estimate.dof >= terms.level.dof


def with_second_meter(run: AnalysedRun, name: str) -> AnalysedRun:
    """The same run, fed by a second circuit of the same power."""
    (first,) = run.series.parts
    how = replace(first.descriptor, meter=name, circuit="second", stream=f"readings-{name}.csv")
    config = {"sut": {"circuits": [first.descriptor.circuit, "second"]}}
    folder = replace(run.run, power=(first.descriptor, how), start=replace(run.run.start, config=config))
    series = RunSeries(folder, run.series.clock, run.series.begin_ns, run.series.end_ns, ())
    vars(series)["power"] = {first.descriptor.meter: first, name: replace(first, descriptor=how)}
    return AnalysedRun(folder, series)


def test_meters_err_independently_of_each_other() -> None:
    group = group_of(PLAIN)
    two = Group(
        [with_second_meter(run, "gpu") for run in group.runs],
        Baseline([with_second_meter(run, "gpu") for run in group.baseline.runs]),
    )
    alone, both = budgets_of(group)[1], budgets_of(two)[1]
    assert both.number.estimate.value == pytest.approx(2 * alone.number.estimate.value)
    gains = {line.meter: line.u for line in both.lines if line.source == "gain"}
    assert gains == pytest.approx({"wall": line_of(alone, "gain").u, "gpu": line_of(alone, "gain").u})
    single = budget.of_one(two.terms[0], "gross").u_j[0], budget.of_one(group.terms[0], "gross").u_j[0]
    assert math.sqrt(2) * single[1] <= single[0] < 2 * single[1]


def without_limits(run: AnalysedRun) -> AnalysedRun:
    how = [replace(p.descriptor, columns=[p.descriptor.columns[0] | {"accuracy": None}]) for p in run.series.parts]
    folder = replace(run.run, power=tuple(how))
    series = RunSeries(folder, run.series.clock, run.series.begin_ns, run.series.end_ns, ())
    parts = zip(run.series.parts, how, strict=True)
    vars(series)["power"] = {one.meter: replace(part, descriptor=one) for part, one in parts}
    return AnalysedRun(folder, series)


def test_what_is_assumed_of_several_meters_adds_up_as_nobody_says_that_they_err_independently() -> None:
    plain = group_of(PLAIN)
    one = Group([without_limits(r) for r in plain.runs], Baseline([without_limits(r) for r in plain.baseline.runs]))
    twice = [
        [without_limits(with_second_meter(run, "gpu")) for run in runs] for runs in (plain.runs, plain.baseline.runs)
    ]
    two = Group(twice[0], Baseline(twice[1]))
    for alone, both in zip(budgets_of(one), budgets_of(two), strict=True):
        line = line_of(both, "assumed")
        assert line.meter is None
        assert line.u == pytest.approx(2 * line_of(alone, "assumed").u)
        assert math.hypot(*(found.u for found in both.lines)) == pytest.approx(both.number.estimate.u)
        assert [meter for what, meter in both.missing if what == "limits-of-error"] == ["wall", "gpu"]
    # 3 % of the reading, of the sum as of one.
    assert line_of(budgets_of(two)[0], "assumed").u == pytest.approx(0.03 * two.energies_wh.mean() / math.sqrt(3))
    for kind in ("gross", "induced"):
        single, sum_of_two = (budget.of_one(group.terms[0], kind) for group in (one, two))
        at_least_j = 0.03 * abs(sum_of_two.energy_j[0]) / math.sqrt(3)
        assert single.u_j[0] >= at_least_j / 2
        assert sum_of_two.u_j[0] >= at_least_j


def test_what_is_assumed_of_a_run_and_of_a_baseline_with_a_gain_of_its_own_adds_up() -> None:
    plain = group_of(PLAIN)
    group = Group([without_limits(run) for run in plain.runs], plain.baseline)
    for terms in group.terms:
        assert terms.parts[0].error.assumed == 0.03
    apart = [replace(t, baselines=tuple(replace(b, same_range=False) for b in t.baselines)) for t in group.terms]
    per_j = np.full(len(apart), 1 / 3600)
    found = budget.of_mean(apart, [0] * len(apart), per_j, "Wh", "induced")
    assert found is not None
    total, over = group.energies_wh.mean(), group.induced_wh.mean()
    limit_wh = 0.03 * (total + (total - over))
    assert line_of(found, "assumed").u == pytest.approx(limit_wh / math.sqrt(3), rel=1e-3)
    assert budget.of_one(apart[0], "induced").u_j[0] >= 0.03 * (2 * total - over) * 3600 / math.sqrt(3) * 0.99


def test_a_meter_without_limits_of_error_never_looks_complete() -> None:
    group = group_of(PLAIN)
    known, unknown = group, Group([without_limits(run) for run in group.runs], group.baseline)
    for found in budgets_of(unknown):
        assert found.missing == (("limits-of-error", "wall"),)
        assert not found.table.complete
        assert not {"gain", "offset"} & {line.source for line in found.lines}
        assert found.number.estimate.u is not None
    for found in budgets_of(known):
        assert found.table.complete
    errors = [stream.error for run in (*known.runs, *unknown.runs) for stream in run.streams]
    (finding,) = findings_campaign.of_limits(errors)
    assert (finding.code, finding.severity, finding.subject) == ("limits-unknown", "warn", "wall")
    assert findings_campaign.of_limits(errors[: len(known.runs)]) == []


def stating(run: AnalysedRun, relative: float) -> AnalysedRun:
    (part,) = run.series.parts
    series = RunSeries(run.run, run.series.clock, run.series.begin_ns, run.series.end_ns, ())
    vars(series)["power"] = {"wall": replace(part, reported=np.full(part.power_w.size, relative))}
    return AnalysedRun(run.run, series)


def test_what_an_instrument_states_of_its_readings_replaces_the_data_sheet() -> None:
    plain = group_of(PLAIN)
    group = Group([stating(run, 0.01) for run in plain.runs], Baseline([stating(r, 0.01) for r in plain.baseline.runs]))
    gross, induced = budgets_of(group)
    total, over = group.energies_wh.mean(), group.induced_wh.mean()
    assert line_of(gross, "reported").u == pytest.approx(0.01 * total / math.sqrt(3))
    assert line_of(induced, "reported").u == pytest.approx(
        0.01 * math.hypot(total, total - over) / math.sqrt(3), rel=1e-3
    )
    assert not {"gain", "offset"} & {line.source for line in (*gross.lines, *induced.lines)}
    one = budget.of_one(group.terms[0], "gross")
    assert one.u_j[0] >= 0.01 * one.energy_j[0] / math.sqrt(3) * (1 - 1e-9)


def test_fewer_than_two_runs_or_blocks_give_no_uncertainty_and_say_so() -> None:
    group = group_of(PLAIN)
    one = Group(group.runs[:1], group.baseline)
    assert budgets_of(one)[1].number.estimate.expanded is None
    assert ("spread-of-runs", None) in budgets_of(one)[1].missing
    lonely = Group(group.runs, Baseline(group.baseline.runs[:1]))
    assert budgets_of(lonely)[1].number.estimate.u is None
    assert ("spread-of-baseline", None) in budgets_of(lonely)[1].missing
    assert estimate_of(budgets_of(lonely)[0])[0] > 0
    assert Group(group.runs, Baseline([])).induced_budget is None


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=60))
def test_an_autocorrelation_time_is_at_least_one(values: list[float]) -> None:
    tau = autocorrelation_time(np.array(values))
    assert 1.0 <= tau <= len(values)
    assert len(values) >= 20 or tau == 1.0


def test_correlated_runs_count_for_fewer() -> None:
    random = np.random.default_rng(2)
    noise = random.standard_normal(4000)
    kept = [0.0]
    for value in noise:
        kept.append(0.6 * kept[-1] + value)
    assert autocorrelation_time(np.array(kept)) == pytest.approx((1 + 0.6) / (1 - 0.6), rel=0.2)
    assert autocorrelation_time(noise) == pytest.approx(1.0, abs=0.2)


def test_twenty_correlated_runs_have_a_line_of_their_own_beside_the_spread() -> None:
    group = group_of(replace(PLAIN, runs=24))
    order = np.argsort(group.energies_wh)
    sorted_runs = Group([group.runs[i] for i in order.tolist()], group.baseline)
    found = budgets_of(sorted_runs)[0]
    spread, more = line_of(found, "runs"), line_of(found, "autocorrelation")
    tau = autocorrelation_time(np.sort(group.energies_wh))
    assert spread.u == pytest.approx(group.energies_wh.std(ddof=1) / math.sqrt(24))
    assert math.hypot(spread.u, more.u) == pytest.approx(spread.u * math.sqrt(tau))
    assert spread.dof == pytest.approx(max(24 / tau - 1, 1))
    assert found.independent.u == pytest.approx(spread.u)


def test_the_meters_lines_do_not_shrink_with_more_runs() -> None:
    shares = []
    for runs in (3, 12, 48):
        found = budgets_of(group_of(replace(PLAIN, runs=runs, run_sd_w=1.0)))[1]
        shares.append((line_of(found, "gain").u, line_of(found, "runs").u))
    assert all(a[0] == pytest.approx(b[0], rel=0.1) and a[1] > b[1] for a, b in pairwise(shares))


@pytest.mark.parametrize("case", CASES)
def test_the_budget_agrees_with_monte_carlo_as_jcgm_101_asks(case: str) -> None:
    found = compare(CASES[case], 200_000)
    assert found.agrees, found


def test_monte_carlo_sees_a_line_that_is_left_out() -> None:
    found = compare(CASES["one range, same session"], 200_000)
    assert not replace(found, budget_expanded=0.9 * found.budget_expanded).agrees


CLOSE = 3.3 * math.sqrt(0.05 * 0.95 / 160)
"""What 160 campaigns may be off 95 % by chance, once in a thousand."""


def test_u_covers_the_truth_as_often_as_it_says_where_type_a_dominates() -> None:
    found = coverage(Setting("spread-10", 10, 6, duration_s=120.0, run_sd_w=1.5), 160)
    assert found.type_a_share > 0.9
    assert 0.93 - CLOSE <= found.induced <= 0.97 + CLOSE
    assert 0.93 - CLOSE <= found.gross <= 0.97 + CLOSE


def test_u_covers_the_truth_where_the_meter_dominates_and_type_a_alone_would_not() -> None:
    setting = Setting("gain-10", 10, 6, gain_percent=3.0)
    bench, random = Bench(setting), np.random.default_rng(8)
    hits, alone = 0, 0
    for _ in range(90):
        group, truth = bench.campaign(random)
        found = budgets_of(group)[1]
        away = abs(found.number.estimate.value - truth.induced_wh)
        hits += away <= estimate_of(found)[1]
        alone += away <= (found.independent.expanded or 0.0)
    assert hits >= 0.93 * 90 - 3.3 * math.sqrt(0.05 * 0.95 * 90)
    assert alone < 0.7 * 90


def test_a_constant_load_induces_nothing_and_a_step_of_known_watts_its_energy_within_u() -> None:
    for load_w in (0.0, 20.0, 300.0):
        group, truth = Bench(Setting("step", 5, 5, load_w=load_w, run_sd_w=0.0)).campaign(np.random.default_rng(11))
        found = budgets_of(group)[1].number
        assert found.estimate.expanded is not None
        assert abs(found.estimate.value - load_w * 60 / 3600) <= found.estimate.expanded
        assert truth.induced_wh == pytest.approx(load_w * 60 / 3600)
        codes = [finding.code for finding in findings_campaign.of_induced("x", found)]
        assert codes == ([] if load_w else ["induced-indistinguishable-from-zero"])


def test_wh_and_w_are_the_same_budget_in_other_units() -> None:
    group = group_of(PLAIN)
    assert group.induced is not None
    assert group.induced_power is not None
    as_energy, as_power = group.induced.estimate, group.induced_power.estimate
    hours = PLAIN.duration_s / 3600
    assert as_power.value == pytest.approx(as_energy.value / hours)
    assert as_power.u == pytest.approx((as_energy.u or 0.0) / hours)
    assert as_power.dof == pytest.approx(as_energy.dof)


def test_an_unknown_stamp_convention_is_a_line_of_its_own() -> None:
    def open_stamps(run: AnalysedRun) -> AnalysedRun:
        (part,) = run.series.parts
        how = replace(part.descriptor, stamp="unknown")
        folder = replace(run.run, power=(how,))
        series = RunSeries(folder, None, run.series.begin_ns, run.series.end_ns, ())
        vars(series)["power"] = {"wall": replace(part, descriptor=how)}
        return AnalysedRun(folder, series)

    plain = group_of(PLAIN)
    group = Group([open_stamps(run) for run in plain.runs], Baseline([open_stamps(run) for run in plain.baseline.runs]))
    other = Group([run.with_convention("start") for run in group.runs], group.baseline.started)
    assert group.induced is not None
    assert other.induced is not None
    difference = other.induced.estimate.value - group.induced.estimate.value
    assert line_of(budgets_of(group)[1], "stamp-convention").u == pytest.approx(abs(difference) / math.sqrt(3))
    assert "stamp-convention" not in {line.source for line in budgets_of(plain)[1].lines}
    assert "stamp-convention" not in {line.source for line in budgets_of(other)[1].lines}


def test_what_the_budget_gives_no_energy_of_is_told_of_by_readings_alone() -> None:
    """As the live view and `estimate` ask, which have no budget."""
    seconds = np.arange(60.0).tolist()
    for how, is_momentary in ((descriptor(), False), (descriptor(averaging="instantaneous"), True)):
        part = stream(seconds, [50.0] * 60, how)
        found = unseen([part], np.array([at(10.3), at(10.3)]), np.array([at(12.2), at(12.4)]))
        assert found.tolist() == [is_momentary, False]
