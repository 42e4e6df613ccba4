"""Trackers against the meter on constructed campaigns: exact ratios, placed intervals, refusals, coverage."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import nct

from harness.record.documents import ClockEvent, Event, Start
from reports.campaign.analyse import analyse
from reports.inference.agreement import LEAST_GROUPS, NOTHING_SHARED, agreement, noncentral_t, pooled
from reports.pages.trackers.sentences import answers
from reports.results.trackers import Factor
from reports.results.uncertainty import Term
from reports.trackers.decomposition import supply_of
from reports.trackers.run import work_of
from tests.analysis.tracked import OFFSET_NS, Account, Tracked, TrackedRun, tracked_campaign
from tests.benchmarks.bench_coverage import Setting
from tests.benchmarks.bench_trackers import coverage_of_agreement, coverage_of_cost, coverage_of_ratio, settings
from tests.campaign_results import complete, read
from tests.harness.start import START
from tests.reports.make_campaign import SECOND_NS, Load, make_campaign


def told_of(path: Path, shape: Tracked) -> tuple[Any, list[Any]]:
    """The campaign's record of trackers, and the findings about them."""
    result = analyse(tracked_campaign(path, shape))
    json.dumps(complete(result), allow_nan=False)
    return result.numbers.trackers, [f for f in result.numbers.findings if f.code.startswith("tracker-")]


def changed(**parts: Any) -> Callable[[TrackedRun, str], Account]:  # noqa: ANN401
    """The artefact with other parts."""
    return lambda run, name: run.account(name) | parts


# --- the ratio


def test_a_tracker_that_says_78_percent_gives_exactly_that_on_a_clock_that_is_days_off(tmp_path: Path) -> None:
    told, found = told_of(tmp_path, Tracked())
    one = told.scenarios["cnn"]["codecarbon"]
    assert OFFSET_NS > 86_400 * SECOND_NS
    assert one.ratio.value == pytest.approx(0.78, rel=1e-12)
    assert [row.ratio.value for row in told.runs] == pytest.approx([0.78] * 3, rel=1e-12)
    assert [row.begin_s for row in told.runs] == pytest.approx([2.0] * 3, abs=1e-6)
    assert one.agreement.bias.value == pytest.approx(0.78, rel=1e-12)
    low, high = one.interval
    assert low < 0.78 < high
    assert found == []


def test_the_interval_holds_the_meters_limit_of_error_where_nothing_else_errs(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, Tracked())
    ratio = told.scenarios["cnn"]["codecarbon"].ratio
    meter = told.scenarios["cnn"]["codecarbon"].meter_wh
    spread = meter.sd / math.sqrt(3)
    assert ratio.estimate.u / ratio.value == pytest.approx(
        math.sqrt(meter.estimate.u**2 - spread**2) / meter.value, rel=1e-6
    )
    assert told.scenarios["cnn"]["codecarbon"].complete is True


def test_a_pue_is_undone_and_named(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        return run.account(name, factor=1.58, factor_reason="PUE", parts_wh={"cpu": None})

    told, _ = told_of(tmp_path, Tracked(trackers={"cnn": ["carbontracker"]}, account=account))
    one = told.scenarios["cnn"]["carbontracker"]
    assert one.ratio.value == pytest.approx(0.78, rel=1e-12)
    assert one.factors == (Factor(1.58, "PUE"),)
    row = told.runs[0]
    assert row.reported_wh == pytest.approx(1.58 * row.energy_wh, rel=1e-12)


def test_a_tracker_that_says_0_has_a_ratio_of_0_and_no_logarithm(tmp_path: Path) -> None:
    told, found = told_of(tmp_path, Tracked(account=lambda run, name: run.account(name, share=0.0)))
    one = told.scenarios["cnn"]["codecarbon"]
    assert (one.ratio.value, one.interval) == (0.0, (0.0, 0.0))
    assert one.agreement.refused == "not-positive"
    assert one.rest.share.value == 1.0
    assert found == []


def test_two_trackers_of_one_run_are_compared_each_over_its_own_interval(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        if name == "codecarbon":
            return run.account(name)
        begin_ns, end_ns = run.begin_ns + 10 * SECOND_NS, run.end_ns - 5 * SECOND_NS
        energy_wh = 0.5 * run.meter_wh(begin_ns, end_ns)
        return run.account(name, begin_ns=begin_ns, end_ns=end_ns, reported_wh=energy_wh)

    told, _ = told_of(tmp_path, Tracked(trackers={"cnn": ["codecarbon", "eit"]}, account=account))
    both = told.scenarios["cnn"]
    assert both["codecarbon"].ratio.value == pytest.approx(0.78, rel=1e-12)
    assert both["eit"].ratio.value == pytest.approx(0.5, rel=1e-12)
    assert both["codecarbon"].duration_s.value - both["eit"].duration_s.value == pytest.approx(15)


def test_epochs_have_a_ratio_each_and_together_every_run_counts_once(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        intervals = run.epochs(0.6)
        intervals[1]["reported_wh"] *= 1.5
        return run.account(name, share=0.75, intervals=intervals)

    told, _ = told_of(tmp_path, Tracked(account=account))
    rows = {row.index: row for row in told.scenarios["cnn"]["codecarbon"].intervals}
    assert [rows[key].ratio.value for key in (0, 1, None)] == pytest.approx([0.6, 0.9, 0.75], rel=1e-9)
    assert [rows[key].n for key in (0, 1, None)] == [3, 3, 3]
    whole = told.scenarios["cnn"]["codecarbon"].meter_wh
    assert rows[None].meter_wh.value == pytest.approx(whole.value, rel=1e-9)
    assert rows[None].meter_wh.estimate.u == pytest.approx(whole.estimate.u, rel=1e-3)


def test_intervals_without_a_figure_or_a_length_are_left_out(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        first, second = run.epochs(0.78)
        broken = [first | {"reported_wh": None}, second | {"end_ns": second["begin_ns"]}, {"name": "epoch"}, second]
        return run.account(name, intervals=broken)

    told, _ = told_of(tmp_path, Tracked(account=account))
    assert [row.index for row in told.scenarios["cnn"]["codecarbon"].intervals] == [1]


# --- decomposition


def test_parts_and_rest_add_up_to_the_meter_and_the_supply_splits_the_rest(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        whole_wh = run.meter_wh(run.begin_ns, run.end_ns)
        parts = {"cpu": 0.2 * whole_wh, "gpu": 0.5 * whole_wh, "ram": None}
        return run.account(name, parts_wh=parts)

    told, _ = told_of(tmp_path, Tracked(account=account, psu=(90.0, 1.0)))
    one = told.scenarios["cnn"]["codecarbon"]
    shares = {name: part.share.value for name, part in one.parts.items()}
    assert shares == pytest.approx({"cpu": 0.2, "gpu": 0.5, "unassigned": 0.08}, rel=1e-9)
    assert sum(shares.values()) + one.rest.share.value == pytest.approx(1)
    loss, scope = one.supply.loss, one.supply.out_of_scope
    assert loss.share.value == pytest.approx(0.1)
    assert loss.share.estimate.u == pytest.approx(0.01 / math.sqrt(3))
    assert scope.share.value == pytest.approx(0.12)
    total = loss.energy_wh.value + scope.energy_wh.value
    assert total == pytest.approx(one.rest.energy_wh.value)
    assert scope.share.estimate.u == pytest.approx(math.hypot(0.01 / math.sqrt(3), one.ratio.estimate.u))


def test_without_a_stated_efficiency_the_rest_stays_one_number(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, Tracked())
    assert told.psu_efficiency is None
    assert told.scenarios["cnn"]["codecarbon"].supply is None
    assert supply_of({"sut": {"psu_efficiency_percent": 0.0, "psu_efficiency_limit_percent": 0.0}}) is None
    assert supply_of({}) is None


def test_the_gpu_figure_stands_beside_what_the_agent_read_of_the_board(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, Tracked())
    gpu = told.scenarios["cnn"]["codecarbon"].gpu
    assert gpu.method == "integrated power"
    expected = told.scenarios["cnn"]["codecarbon"].parts["gpu"].energy_wh.value / gpu.energy_wh.value
    assert gpu.ratio.value == pytest.approx(expected)
    bare, _ = told_of(tmp_path / "bare", Tracked(gpu=False))
    assert bare.scenarios["cnn"]["codecarbon"].gpu is None


# --- what cannot be compared


def lasting(seconds: float) -> Callable[[TrackedRun, str], Account]:
    """A tracker that ran for so long."""
    return lambda run, name: run.account(name, end_ns=run.begin_ns + round(seconds * SECOND_NS)) | {"reported_wh": 0.01}


class Dark(TrackedRun):
    """The meter shows nothing for 2 s of 400."""

    def _readings(self) -> bytes:
        header, *rows = super()._readings().decode().splitlines()
        middle = len(rows) // 2
        for at in (middle, middle + 1):
            time, _, rest = rows[at].split(",", 2)
            rows[at] = f"{time},0.0,{rest}"
        return "\n".join([header, *rows, ""]).encode()

    @property
    def dark_ns(self) -> tuple[int, int]:
        """When, on the SUT's clock."""
        first = self._base_ns + (self._count // 2) * SECOND_NS + OFFSET_NS
        return first, first + 2 * SECOND_NS


SIDES: list[tuple[str, Tracked, Tracked]] = [
    (
        "tracker-unresolved",
        Tracked(averaging="instantaneous", account=lasting(0.058)),
        Tracked(averaging="instantaneous", account=lasting(2.5)),
    ),
    ("tracker-no-number", Tracked(account=changed(reported_wh=None)), Tracked(account=changed(reported_wh=0.0))),
    ("tracker-no-number", Tracked(account=changed(reported_wh=-0.1)), Tracked(account=changed(problems=["a remark"]))),
    ("tracker-no-number", Tracked(account=lambda run, name: None), Tracked(trackers={})),
    ("tracker-no-number", Tracked(account=changed(schema=2)), Tracked(account=changed(later="a field of tomorrow"))),
    ("tracker-no-number", Tracked(account=changed(factor=0)), Tracked(account=changed(factor=2))),
    ("tracker-unplaced", Tracked(account=changed(clock="sundial")), Tracked(account=changed(clock="sut-monotonic"))),
    (
        "tracker-unplaced",
        Tracked(account=lambda run, name: run.account(name, end_ns=run.begin_ns)),
        Tracked(account=lasting(1.0)),
    ),
    (
        "tracker-outside-record",
        Tracked(account=lambda run, name: run.account(name, end_ns=run.end_ns + 7 * SECOND_NS)),
        Tracked(account=lambda run, name: run.account(name, end_ns=run.end_ns + 5 * SECOND_NS)),
    ),
    (
        "tracker-outside-record",
        Tracked(account=lambda run, name: run.account(name, begin_ns=run.begin_ns - 9 * SECOND_NS)),
        Tracked(account=lambda run, name: run.account(name, begin_ns=run.begin_ns - 5 * SECOND_NS)),
    ),
]


def slow(by_ms: int) -> Callable[[list[Event]], list[Event]]:
    """Exchanges that take longer, the same before and after."""
    by_ns = by_ms * 1_000_000

    def events(found: list[Event]) -> list[Event]:
        return [
            replace(e, t0_ns=e.t0_ns - by_ns, t1_ns=e.t1_ns + by_ns) if isinstance(e, ClockEvent) else e for e in found
        ]

    return events


# 56 s at constant power: 1 % of the energy is .56 s of one edge, .40 s of both.
SIDES.append(("tracker-clock-bound", Tracked(events=slow(420)), Tracked(events=slow(370))))


@pytest.mark.parametrize(("code", "outside", "inside"), SIDES)
def test_a_finding_fires_outside_its_limit_and_is_silent_inside(
    code: str, outside: Tracked, inside: Tracked, tmp_path: Path
) -> None:
    shapes = (replace(shape, repetitions=1, baseline_blocks=1) for shape in (outside, inside))
    fired, silent = (told_of(tmp_path / str(place), shape)[1] for place, shape in enumerate(shapes))
    assert {finding.code for finding in fired} == {code}
    assert all(finding.evidence for finding in fired)
    assert silent == []


def test_an_interval_that_ends_after_the_record_enters_no_comparison_and_is_listed(tmp_path: Path) -> None:
    told, found = told_of(
        tmp_path, Tracked(account=lambda run, name: run.account(name, end_ns=run.end_ns + 60 * SECOND_NS))
    )
    assert told.scenarios == {}
    assert {row.excluded_because for row in told.runs} == {"outside-record"}
    assert all(row.outside_s > 50 for row in told.runs)
    assert len(found) == 3


def test_a_run_that_enters_no_mean_enters_no_comparison_and_makes_no_finding(tmp_path: Path) -> None:
    told, found = told_of(tmp_path, Tracked(broken={2: "fail"}))
    assert [row.excluded_because for row in told.runs] == ["run-excluded", None, None]
    assert told.scenarios["cnn"]["codecarbon"].n.value == 2
    assert found == []


def test_one_run_has_a_ratio_of_its_own_and_no_interval_of_the_scenario(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, Tracked(repetitions=1))
    one = told.scenarios["cnn"]["codecarbon"]
    assert (one.ratio.expanded, one.interval, one.agreement.refused) == (None, None, "too-few-runs")
    assert told.runs[0].ratio.expanded > 0


def test_a_campaign_without_trackers_has_no_such_section(tmp_path: Path) -> None:
    assert told_of(tmp_path, Tracked(trackers={})) == (None, [])


def test_an_artefact_of_any_form_is_a_finding_and_never_an_error(tmp_path: Path) -> None:
    whole = {"schema": 1, "name": "codecarbon", "intervals": [], "parts_wh": {}, "methods": {}}
    forms: list[Any] = [{}, whole, changed(parts_wh=[1]), changed(begin_ns="now"), changed(reported_wh=10**400)]
    forms += [changed(reported_wh=1e300), changed(factor=1e-200), changed(bound_s=-1.0)]
    for number, form in enumerate(forms):
        account = form if callable(form) else (lambda run, name, form=form: form)
        told, found = told_of(tmp_path / str(number), Tracked(repetitions=1, baseline_blocks=0, account=account))
        assert told.scenarios == {}
        assert [finding.code for finding in found] == ["tracker-no-number"]
    # A number of so many digits counts as none.
    _, found = told_of(tmp_path / "far", Tracked(repetitions=1, baseline_blocks=0, account=changed(begin_ns=2**80)))
    assert [finding.code for finding in found] == ["tracker-unplaced"]


def test_a_row_that_the_meter_does_not_resolve_says_so_and_leaves_the_others_in_the_comparison(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        return lasting(0.025)(run, name) if run.plain["repetition"] == 0 else run.account(name)

    told, found = told_of(tmp_path, Tracked(averaging="instantaneous", account=account))
    assert [row.excluded_because for row in told.runs] == ["too-short", None, None]
    assert (told.runs[0].included, told.runs[0].meter_wh) == (False, None)
    assert told.scenarios["cnn"]["codecarbon"].n.value == 2
    (finding,) = found
    assert (finding.code, finding.severity) == ("tracker-unresolved", "warn")
    assert finding.evidence == {
        "tracker": "codecarbon", "reason": "too-short", "duration_s": pytest.approx(0.025), "least_s": 2.0,
    }  # fmt: skip
    alone, _ = told_of(tmp_path / "alone", Tracked(averaging="instantaneous", account=lasting(0.025), repetitions=1))
    assert alone.scenarios == {}
    (sentence,) = answers(replace(read({}), trackers=alone))
    assert sentence == (
        "CodeCarbon cannot be compared: its interval, or a stretch of it, is shorter than the meter resolves."
    )


def test_a_figure_far_above_the_meter_is_compared_and_told(tmp_path: Path) -> None:
    told, found = told_of(tmp_path, Tracked(repetitions=1, baseline_blocks=0, account=changed(reported_wh=1500.0)))
    (row,) = told.runs
    assert row.included
    assert row.ratio is not None
    (finding,) = found
    assert (finding.code, finding.severity) == ("tracker-far-above", "warn")
    assert finding.evidence["ratio"] == pytest.approx(row.ratio.value)
    near = row.meter_wh.value * 9.9 if row.meter_wh else 0.0
    _, found = told_of(tmp_path / "near", Tracked(repetitions=1, baseline_blocks=0, account=changed(reported_wh=near)))
    assert not found


def test_a_figure_beside_a_meter_that_shows_nothing_says_so(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account:
        assert isinstance(run, Dark)
        begin_ns, end_ns = run.dark_ns
        return run.account(name, begin_ns=begin_ns, end_ns=end_ns)

    shape = Tracked(duration_s=400, repetitions=1, baseline_blocks=1, account=account)
    result = analyse(make_campaign(tmp_path, shape, Dark))
    assert result.numbers.trackers is not None
    (row,) = result.numbers.trackers.runs
    assert row.meter_wh is not None
    assert (row.excluded_because, row.meter_wh.value) == ("no-energy", 0.0)
    (finding,) = [finding for finding in result.numbers.findings if finding.code == "tracker-unresolved"]
    assert finding.evidence["reason"] == "no-energy"
    assert answers(replace(read({}), trackers=result.numbers.trackers)) == [
        "CodeCarbon cannot be compared: the meter shows no energy in its interval."
    ]


# --- agreement


def test_the_noncentral_t_is_that_of_an_independent_implementation() -> None:
    for n in (3, 4, 10, 30, 200):
        for nc in (-1.96 * math.sqrt(n), 1.96 * math.sqrt(n)):
            for p in (0.025, 0.5, 0.975):
                assert noncentral_t(p, n - 1.0, nc) == pytest.approx(float(nct.ppf(p, n - 1, nc)), rel=1e-8)


def test_limits_of_agreement_are_bland_and_altmans_on_the_logarithm() -> None:
    x, y = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.1, 2.0, 4.6, 7.0])
    logs = np.log(x / y)
    found = agreement(x, y)
    assert found.bias is not None
    assert found.low is not None
    assert found.high is not None
    assert found.bias.estimate.value == pytest.approx(math.exp(logs.mean()))
    for limit, side in ((found.low, -1), (found.high, 1)):
        assert limit.value == pytest.approx(math.exp(logs.mean() + side * 1.959963984540054 * logs.std(ddof=1)))
        assert limit.interval[0] < limit.value < limit.interval[1]


def test_what_all_runs_share_widens_bias_and_limits_and_no_fewer_runs_than_three_have_limits() -> None:
    x, y = np.array([0.77, 0.78, 0.79]), np.ones(3)
    one, other = agreement(x, y), agreement(x, y, Term(0.05, math.inf))
    assert one.interval is not None
    assert other.interval is not None
    assert one.low is not None
    assert other.low is not None
    assert other.interval[0] < one.interval[0]
    assert other.low.interval[0] < one.low.interval[0]
    assert other.low.value == one.low.value
    two = agreement(x[:2], y[:2])
    assert two.interval is not None
    assert two.low is None


def test_runs_of_few_scenarios_are_not_pooled_however_many_they_are(tmp_path: Path) -> None:
    pair = (np.full(100, 0.78), np.ones(100))
    groups = {str(number): pair for number in range(LEAST_GROUPS)}
    assert pooled(groups, NOTHING_SHARED).n == LEAST_GROUPS
    few = pooled(dict(list(groups.items())[:-1]), NOTHING_SHARED)
    assert (few.refused, few.bias) == ("too-few-scenarios", None)


def test_scenarios_of_the_same_work_are_one_cluster(tmp_path: Path) -> None:
    names = [f"cnn-{number}" for number in range(6)]
    loads, trackers = {n: Load(49.0, 34.0, epochs=2) for n in names}, {n: ["codecarbon"] for n in names}
    same, _ = told_of(
        tmp_path / "a", Tracked(repetitions=1, loads=loads, trackers=trackers, folders=dict.fromkeys(names, "cnn"))
    )
    apart, _ = told_of(tmp_path / "b", Tracked(repetitions=1, loads=loads, trackers=trackers))
    assert (same.agreement["codecarbon"].refused, same.agreement["codecarbon"].n) == (
        "too-few-scenarios",
        1,
    )
    assert (apart.agreement["codecarbon"].refused, apart.agreement["codecarbon"].n) == (None, 6)
    assert apart.agreement["codecarbon"].bias.value == pytest.approx(0.78)


# --- the tracker's own cost


def pair(**shape: Any) -> Tracked:  # noqa: ANN401
    """The same work with CodeCarbon, which adds 3 W, and without."""
    loads = {"cnn": Load(49.0, 34.0, epochs=2), "cnn-cc": Load(52.0, 34.0, epochs=2)}
    folders = dict.fromkeys(loads, "workloads/cnn")
    plain: dict[str, Any] = {"loads": loads, "trackers": {"cnn-cc": ["codecarbon"]}, "folders": folders}
    return Tracked(**plain | shape)


def test_the_trackers_own_energy_is_the_paired_difference(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, pair(repetitions=4))
    (cost,) = told.own_induced
    result = complete(analyse(tmp_path / "synthetic"))
    by = {
        (r["scenario"], r["repetition"]): r["induced_energy_wh"]["value"] for r in result["runs"] if r["block"] is None
    }
    expected = [by["cnn-cc", i] - by["cnn", i] for i in range(4)]
    number = cost.induced_energy_wh
    assert (cost.with_trackers, cost.without, cost.trackers) == ("cnn-cc", "cnn", ("codecarbon",))
    assert number.value == pytest.approx(np.mean(expected))
    assert number.sd == pytest.approx(np.std(expected, ddof=1))
    assert abs(number.value - 3.0 / 60) < number.expanded
    assert cost.n.value == 4
    assert cost.order_confounded is False


def test_the_meters_gain_cancels_but_for_the_difference_itself(tmp_path: Path) -> None:
    told, _ = told_of(tmp_path, pair(repetitions=3))
    number = told.own_induced[0].induced_energy_wh
    shared = math.sqrt(max(number.estimate.u**2 - (number.sd / math.sqrt(3)) ** 2, 0.0))
    # 1.5 % of the reading, rectangular; of the whole energy it would be 12 mWh.
    assert shared < 0.015 / math.sqrt(3) * (0.05 + 0.05)


REFUSALS: list[tuple[str, Tracked]] = [
    ("no-partner", pair(folders={"cnn": "workloads/cnn", "cnn-cc": "workloads/other"})),
    ("epochs-not-fixed", pair(parameters={"fixed_epochs": 0})),
    ("no-baseline", pair(baseline_blocks=0)),
    ("no-pairs", pair(repetitions=2, baseline_blocks=2, broken={2: "fail", 5: "fail"})),
]


@pytest.mark.parametrize(("code", "shape"), REFUSALS)
def test_a_difference_that_says_nothing_of_the_tracker_is_refused_by_code(
    code: str, shape: Tracked, tmp_path: Path
) -> None:
    told, _ = told_of(tmp_path, replace(shape, repetitions=2))
    (cost,) = told.own_induced
    assert (cost.refused, cost.induced_energy_wh) == (code, None)


def test_scenarios_without_epochs_have_a_fixed_work(tmp_path: Path) -> None:
    loads = {"idle": Load(1.2, 3.0), "idle-cc": Load(2.0, 3.0)}
    shape = pair(loads=loads, trackers={"idle-cc": ["codecarbon"]}, folders=dict.fromkeys(loads, "workloads/idle"))
    told, _ = told_of(tmp_path, replace(shape, parameters={"fixed_epochs": 0, "idle_s": 60.0}))
    assert told.own_induced[0].refused is None


# --- coverage (long: tests/benchmarks/bench_trackers.py)


def least_of(draws: int) -> float:
    """Below this a coverage of 93 % is not believed (two standard errors)."""
    return 0.93 - 2 * math.sqrt(0.93 * 0.07 / draws)


@pytest.mark.parametrize("n", [3, 6, 30])
def test_the_intervals_of_bias_and_limits_cover_what_they_estimate(n: int) -> None:
    covered = coverage_of_agreement(n, 400, 5)
    assert {name: share for name, share in covered.items() if share < least_of(400)} == {}


@pytest.mark.parametrize("setting", list(settings(4)), ids=lambda setting: setting.name)
def test_the_intervals_of_the_ratio_and_of_the_trackers_own_energy_cover_the_truth(setting: Setting) -> None:
    assert coverage_of_ratio(setting, 120, 3) >= least_of(120)
    assert coverage_of_cost(replace(setting, runs=8), 120, 3) >= least_of(120)


def of_cell(table: str, size: int, trackers: list[str]) -> Start:
    """A start document of a cell of a scenario that is described in a table of lab.toml."""
    told = {"cell_of": table, "command": [str(size)], "parameters": {}, "trackers": trackers}
    sections = {name: {"folder": "", "command": ["bench", "{size}"]} for name in ("plain", "tracked")}
    named = {"scenario": f"{table}.size-{size}", "scenario_config": told, "config": {"scenarios": sections}}
    return Start(**START | named, cell={"size": size})


def test_the_partner_of_a_cell_with_trackers_is_the_same_cell_without() -> None:
    tracked = of_cell("tracked", 16, ["codecarbon"])
    assert work_of(tracked) == work_of(of_cell("plain", 16, []))
    assert work_of(tracked) != work_of(of_cell("plain", 32, []))
