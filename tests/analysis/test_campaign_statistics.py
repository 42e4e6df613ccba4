"""Scenarios of a campaign beside each other: every number against an independent implementation, the right runs, and
correlations that do not take epochs for replicates."""

import copy
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pingouin
import pytest
import scikit_posthocs
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.power import TTestIndPower

from reports.campaign.correlations import LEAST_POINTS, correlation, over_runs, partial_correlation
from reports.campaign.statistics import evaluate, values_of
from reports.inference import r_session
from reports.inference.planning import Wanted, pilots_of, sizes
from reports.results.codec import decoded, encoded
from reports.results.document import Results
from reports.results.statistics import Blocks, EpochCorrelation, OverRuns, ResponseResult, Statistics
from reports.results.undeclared import UNDECLARED
from reports.results.useful_work import metrics_of
from tests.campaign_results import read
from tests.documents import write_results
from tests.reports.make_campaign import LOADS, Load, Shape, make_campaign

Floats = NDArray[np.float64]
Part = TypeVar("Part")
NAMES = ("cnn", "idle", "transfer")
RESPONSES = ("energy_wh", "induced_energy_wh", "duration_s", "val_accuracy_per_induced_wh")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three scenarios of six repetitions, one run of them aborted."""
    folder = make_campaign(tmp_path_factory.mktemp("statistics"), Shape(repetitions=6, broken={4: "abort"}))
    found: dict[str, Any] = json.loads(write_results(folder).read_text())
    return found


def made(groups: Mapping[str, Sequence[float] | Floats], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """What `evaluate` reads of a campaign whose runs used these energies."""
    runs = [
        run_of(name, repetition, float(energy))
        for name, energies in groups.items()
        for repetition, energy in enumerate(energies)
    ]
    scenarios = {name: {"efficiency": {"suppressed": None}, "induced_energy_wh": None} for name in groups}
    return {
        "campaign": {"config": None}, "scenarios": scenarios, "runs": runs, "baseline": None,
        "thresholds": {"half_width_percent": 5.0},
    } | more  # fmt: skip


def run_of(name: str, repetition: int, energy_wh: float) -> dict[str, Any]:
    return {
        "included": True, "kind": "scenario", "scenario": name, "repetition": repetition,
        "energy_wh": {"value": energy_wh, "unit": "Wh"}, "induced_energy_wh": None, "duration_s": None,
        "final_metrics": {}, "history": {}, "actions": [],
    }  # fmt: skip


def of(results: dict[str, Any]) -> Statistics:
    """The section as it stands in the file."""
    return decoded(Statistics, results["statistics"], "results.json.statistics")


def energies(results: dict[str, Any]) -> ResponseResult:
    """What is found of the energies of a campaign."""
    return evaluate(read(results)).responses["energy_wh"]


def there(part: Part | None) -> Part:
    """What has to be there."""
    assert part is not None
    return part


def declared_rank(results: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(results)
    changed["campaign"]["config"]["analysis"] = {"test": "rank"}
    return changed


def per_run(results: dict[str, Any], name: str, key: str) -> list[float]:
    """The values of the runs that enter the means, read from the file by another way than `values_of`."""
    rows = [run for run in results["runs"] if run["excluded_because"] is None and run["scenario"] == name]
    if key != "val_accuracy_per_induced_wh":
        return [run[key]["value"] for run in rows]
    return [run["history"]["val_accuracy"][-1] / run["induced_energy_wh"]["value"] for run in rows]


def groups_of(results: dict[str, Any], key: str) -> dict[str, Floats]:
    names = [name for name in NAMES if key != "val_accuracy_per_induced_wh" or name != "idle"]
    return {name: np.array(per_run(results, name, key)) for name in names}


def long_table(groups: Mapping[str, Floats]) -> pd.DataFrame:
    rows = [(name, value) for name, values in groups.items() for value in values]
    return pd.DataFrame(rows, columns=["scenario", "value"])


@pytest.mark.parametrize("key", RESPONSES)
def test_every_test_of_means_agrees_with_pingouin_and_scipy(campaign: dict[str, Any], key: str) -> None:
    found, groups = of(campaign).responses[key], groups_of(campaign, key)
    assert list(found.levels) == list(groups)
    for name, values in groups.items():
        level = found.levels[name]
        assert level.mean.value == pytest.approx(values.mean(), rel=1e-12)
        assert level.mean.sd == pytest.approx(values.std(ddof=1), rel=1e-9)
        assert level.median.value == pytest.approx(np.median(values), rel=1e-12)
        # Fewer than eight values show nothing of their distribution.
        assert (level.shapiro.refused, level.qq, level.cv.interval) == ("too-few", None, None)
        if level.cv.value is not None:
            assert level.cv.value == pytest.approx(scipy.stats.variation(values, ddof=1), rel=1e-9)
    assert found.levene is not None
    assert found.omnibus is not None
    f, p = scipy.stats.levene(*groups.values(), center="median")
    assert (found.levene.statistic, found.levene.p) == pytest.approx((f, p), rel=1e-9)
    theirs = pingouin.welch_anova(data=long_table(groups), dv="value", between="scenario").iloc[0]
    omnibus = found.omnibus
    assert omnibus.name == "welch-anova"
    assert omnibus.statistic == pytest.approx(theirs["F"], rel=1e-9)
    assert omnibus.df == pytest.approx((theirs["ddof1"], theirs["ddof2"]), rel=1e-9)
    assert omnibus.p == pytest.approx(theirs["p_unc" if "p_unc" in theirs else "p-unc"], rel=1e-6)
    assert there(omnibus.effect).value == pytest.approx(theirs["np2"], rel=1e-9)
    pairs = pingouin.pairwise_gameshowell(data=long_table(groups), dv="value", between="scenario")
    assert len(found.post_hoc) == len(pairs)
    for ours, (_, row) in zip(found.post_hoc, pairs.iterrows(), strict=True):
        assert (ours.first, ours.second) == (row["A"], row["B"])
        assert ours.difference == pytest.approx(row["diff"], rel=1e-9)
        assert ours.statistic == pytest.approx(row["T"], rel=1e-9)
        assert ours.df == pytest.approx(row.df, rel=1e-9)
        assert ours.p == pytest.approx(row["pval"], rel=1e-6, abs=1e-10)
        assert there(ours.cliffs_delta).value == pytest.approx(delta(groups[row["A"]], groups[row["B"]]), abs=1e-12)


def delta(a: Floats, b: Floats) -> float:
    return float(np.sign(a[:, None] - b[None, :]).mean())


def test_the_declared_rank_tests_agree_with_scipy_and_scikit_posthocs(campaign: dict[str, Any]) -> None:
    found = energies(declared_rank(campaign))
    groups = groups_of(campaign, "energy_wh")
    assert found.omnibus is not None
    h, p = scipy.stats.kruskal(*groups.values())
    assert (found.omnibus.name, found.omnibus.df) == ("kruskal-wallis", (2.0,))
    assert (found.omnibus.statistic, found.omnibus.p) == pytest.approx((h, p), rel=1e-9)
    n = sum(map(len, groups.values()))
    assert there(found.omnibus.effect).value == pytest.approx((h - 3 + 1) / (n - 3), rel=1e-9)
    table = scikit_posthocs.posthoc_dunn(long_table(groups), "value", "scenario", p_adjust="holm")
    for pair in found.post_hoc:
        assert pair.p == pytest.approx(table.loc[pair.first, pair.second], rel=1e-9)


def test_the_declared_test_is_made_whatever_the_tests_of_assumptions_say() -> None:
    skewed = np.exp(np.random.default_rng(1).normal(0, 2, (2, 40)))
    tree = made({"a": skewed[0], "b": 9 * skewed[1]})
    found = energies(tree)
    assert found.omnibus is not None
    assert max(level.shapiro.p or 0.0 for level in found.levels.values()) < 1e-6
    assert (evaluate(read(tree)).test, found.omnibus.name) == ("welch", "welch-anova")


def test_an_excluded_run_enters_no_test_and_the_baseline_is_no_level(campaign: dict[str, Any]) -> None:
    excluded = [run for run in campaign["runs"] if run["kind"] == "scenario" and not run["included"]]
    assert len(excluded) == 1
    for part in of(campaign).responses.values():
        sizes_of = {name: level.mean.n for name, level in part.levels.items()}
        assert "baseline" not in sizes_of
        assert sizes_of.get(excluded[0]["scenario"], 5) == 5
        assert part.omnibus is not None
        assert part.levene is not None
        assert part.omnibus.n == part.levene.n == tuple(sizes_of.values())
        assert [level.shapiro.n for level in part.levels.values()] == [(n,) for n in sizes_of.values()]


def test_an_excluded_run_may_say_anything(campaign: dict[str, Any]) -> None:
    changed = copy.deepcopy(campaign)
    for run in changed["runs"]:
        if not run["included"] or run["kind"] != "scenario":
            run |= {"energy_wh": {"value": 1e6, "unit": "Wh"}, "actions": [{"name": "epoch", "energy_wh": 1.0}]}
    assert evaluate(read(changed)) == evaluate(read(campaign))


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_of_runs_changes_no_digit_of_a_test(campaign: dict[str, Any], order: list[int]) -> None:
    listed = campaign["runs"]
    assert len(listed) <= len(order)
    shuffled = campaign | {"runs": [listed[at] for at in order if at < len(listed)]}
    mixed, straight = evaluate(read(shuffled)), of(campaign)
    assert mixed.responses == straight.responses
    flat = list(zip(numbers(encoded(mixed)), numbers(encoded(straight)), strict=True))
    assert len(flat) > 100
    assert all(a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in flat)


def numbers(part: Any) -> Iterator[float]:  # noqa: ANN401  JSON
    if isinstance(part, dict):
        for key in sorted(part):
            yield from numbers(part[key])
    elif isinstance(part, list):
        for one in part:
            yield from numbers(one)
    elif isinstance(part, float):
        yield part


def test_the_smallest_difference_it_could_show_agrees_with_statsmodels() -> None:
    random = np.random.default_rng(2)
    groups = {"a": random.normal(10, 1, 8), "b": random.normal(10, 1, 8)}
    (found,) = energies(made(groups)).detectable
    sd = math.sqrt((groups["a"].var(ddof=1) + groups["b"].var(ddof=1)) / 2)
    assert (found.n, found.power) == (8.0, 0.8)
    assert found.sd == pytest.approx(sd)
    theirs = TTestIndPower().solve_power(nobs1=8, alpha=0.05, power=0.8)
    assert found.difference == pytest.approx(theirs * sd, rel=1e-5)


def test_the_runs_that_are_needed_are_those_of_the_plan(campaign: dict[str, Any]) -> None:
    found = there(of(campaign).planning)
    results = decoded(Results, campaign, "results.json")
    pilots, baseline = pilots_of(results.baseline, results.scenarios)
    planned = sizes(pilots, baseline, Wanted(0.05, 0.9, 500, 500, keeps_pilot=False))
    assert found.half_width_percent == 5.0
    assert found.blocks == planned.blocks
    assert {name: n for name, n in found.runs.items() if n is not None} == planned.runs
    assert planned.runs["cnn"] > 1


def test_repetitions_of_all_scenarios_are_blocks(campaign: dict[str, Any]) -> None:
    assert of(campaign).blocks == Blocks(complete=5, begun=6)


def test_a_scenario_with_one_run_is_left_out_and_named() -> None:
    found = evaluate(read(made({"a": [1.0, 2.0, 4.0], "b": [3.0, 4.0, 6.0], "c": [5.0]}))).responses["energy_wh"]
    assert found.left_out == ("c",)
    assert found.omnibus is not None
    assert found.omnibus.n == (3, 3)


def test_with_nothing_to_test_r_is_not_even_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> str | None:
        raise AssertionError("R was asked for")

    monkeypatch.setattr(r_session, "absence", ask)
    for groups in ({}, {"a": [1.0]}, {"a": [1.0, 2.0]}, {"a": [1.0], "b": [2.0]}):
        found = evaluate(read(made(groups)))
        assert (found.available, found.reason, found.responses) == (False, "nothing-to-test", {})


@pytest.mark.parametrize(
    ("groups", "refused"),
    [
        ({"a": [2.0] * 4, "b": [3.0] * 4}, "constant"),
        ({"a": [2.0] * 4, "b": [1.0, 2.0, 3.0, 4.0]}, "constant"),
    ],
)
def test_what_cannot_be_tested_is_refused_with_a_code(groups: dict[str, list[float]], refused: str) -> None:
    found = energies(made(groups))
    assert found.omnibus is not None
    assert (found.omnibus.refused, found.omnibus.p) == (refused, None)
    assert {pair.refused for pair in found.post_hoc} == {refused}
    json.dumps(encoded(found), allow_nan=False)


# --- correlations ----------------------------------------------------------------------------------------------------


def trained(
    energy_wh: Floats,
    temperature_c: Floats,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """A campaign of one scenario whose epochs used these energies at these temperatures; shape (runs, epochs)."""
    tree = made({"cnn": energy_wh.sum(axis=1)}, **more)
    for run, energies, temperatures in zip(tree["runs"], energy_wh, temperature_c, strict=True):
        run["actions"] = [
            {"name": "epoch", "index": k, "begin_s": 30.0 * k, "duration_s": 30.0, "energy_wh": float(e),
             "gpu_temperature_c": float(t), "metrics": {}}
            for k, (e, t) in enumerate(zip(energies, temperatures, strict=True))
        ]  # fmt: skip
    return tree


def course(kind: str) -> tuple[Floats, Floats]:
    """Energies and temperatures of 30 runs of 20 epochs whose relation is known."""
    random = np.random.default_rng(5)
    k = np.arange(20.0) * np.ones((30, 1))
    own, other, shared = (random.normal(0, 1, (30, 20)) for _ in range(3))
    if kind == "time-only":
        return 10 + 0.3 * k + 0.22 * own, 40 + 0.3 * k + 0.22 * other
    if kind == "hidden-by-time":
        return 30 - 0.3 * k + 1.73 * (shared + 0.1 * own), 40 + 0.3 * k + 1.73 * (shared + 0.1 * other)
    soak = 1 - np.exp(-k / 4)  # both follow the same curve, which is no straight line
    return 10 + soak + 0.01 * own, 40 + 9 * soak + 0.09 * other


def correlated(kind: str) -> EpochCorrelation:
    (found,) = evaluate(read(trained(*course(kind)))).epochs
    return found


def test_a_correlation_that_is_only_time_vanishes_when_time_is_taken_out() -> None:
    found = correlated("time-only")
    assert found.all_epochs.pearson == pytest.approx(0.985, abs=0.01)
    assert found.within_runs.raw.mean == pytest.approx(0.985, abs=0.01)
    partial = found.within_runs.partial
    low, high = there(partial.interval)
    assert low < 0 < high
    assert abs(there(partial.mean)) < 0.1
    assert abs(there(found.all_epochs.partial)) < 0.1
    assert abs(there(found.same_epoch).value) < 0.1


def test_a_correlation_that_time_hides_appears_when_time_is_taken_out() -> None:
    found = correlated("hidden-by-time")
    assert abs(there(found.within_runs.raw.mean)) < 0.1
    assert there(found.within_runs.partial.mean) > 0.98
    assert there(found.within_runs.partial.interval)[0] > 0.97
    assert there(found.same_epoch).value > 0.98


def test_a_common_course_that_is_no_line_is_taken_out_only_by_comparing_the_same_epoch() -> None:
    found = correlated("soak")
    assert there(found.within_runs.partial.mean) > 0.9
    assert abs(there(found.same_epoch).value) < 0.1


def test_no_p_value_takes_epochs_as_independent() -> None:
    found = correlated("time-only")
    for part in (found.all_epochs, found.within_runs, found.same_epoch):
        assert '"p"' not in json.dumps(encoded(part))
    assert (found.n_runs, found.n_epochs) == (30, 600)
    assert found.run_means.n == (30,)


def test_coefficients_over_epochs_agree_with_scipy_and_pingouin() -> None:
    energy, temperature = course("time-only")
    found, time = correlated("time-only"), np.arange(20.0) * np.ones((30, 1))
    flat = pd.DataFrame({"e": energy.ravel(), "t": temperature.ravel(), "k": time.ravel()})
    assert found.all_epochs.pearson == pytest.approx(scipy.stats.pearsonr(flat.e, flat.t)[0], rel=1e-9)
    assert found.all_epochs.spearman == pytest.approx(scipy.stats.spearmanr(flat.e, flat.t)[0], rel=1e-9)
    theirs = pingouin.partial_corr(flat, "e", "t", "k")["r"].iloc[0]
    assert found.all_epochs.partial == pytest.approx(theirs, rel=1e-9)
    per_run = [scipy.stats.pearsonr(e, t)[0] for e, t in zip(energy, temperature, strict=True)]
    z = np.arctanh(per_run) - np.array(per_run) / 38
    half = scipy.stats.t.ppf(0.975, 29) * z.std(ddof=1) / math.sqrt(30)
    raw = found.within_runs.raw
    assert raw.mean == pytest.approx(math.tanh(z.mean()), rel=1e-9)
    assert raw.interval == pytest.approx((math.tanh(z.mean() - half), math.tanh(z.mean() + half)), rel=1e-9)
    assert (raw.n, raw.left_out) == (30, 0)
    means = scipy.stats.pearsonr(energy.mean(axis=1), temperature.mean(axis=1))
    assert found.run_means.p == pytest.approx(means.pvalue, rel=1e-9)


@given(st.lists(st.tuples(*[st.floats(-10, 10)] * 3), min_size=5, max_size=12, unique=True))
def test_a_partial_coefficient_of_one_run_is_that_of_the_residuals(rows: list[tuple[float, float, float]]) -> None:
    x, y, t = np.array(rows).T
    found = partial_correlation(x, y, t)
    design = np.column_stack([np.ones_like(t), t])
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y)]
    sizes_left = [float(np.linalg.norm(v)) / max(float(np.linalg.norm(w - w.mean())), 1e-300)
                  for v, w in zip(left, (x, y), strict=True)]  # fmt: skip
    if min(sizes_left) > 1e-2 and np.ptp(t) > 1e-2:
        assert found == pytest.approx(float(np.corrcoef(*left)[0, 1]), abs=1e-6)


@pytest.mark.parametrize(("rho", "runs"), [(0.0, 3), (0.5, 6), (0.9, 30), (0.98, 30)])
def test_the_interval_over_runs_covers_the_coefficient_that_all_of_them_have(rho: float, runs: int) -> None:
    random = np.random.default_rng(11)
    drawn = 500
    hits = 0
    for _ in range(drawn):
        x, e = random.normal(size=(2, runs, LEAST_POINTS))
        y = rho * x + math.sqrt(1 - rho**2) * e
        found = over_runs([correlation(a, b) for a, b in zip(x, y, strict=True)], [LEAST_POINTS] * runs)
        low, high = there(found.interval)
        hits += low <= rho <= high
    assert hits / drawn >= 0.93


def test_an_interval_over_runs_that_would_not_cover_is_not_given() -> None:
    assert over_runs([0.9, 0.95, 0.8], [9, 40, 40]).interval is None
    assert over_runs([0.9, 0.95], [40, 40]).interval is None
    assert over_runs([0.9, 0.95, 0.8], [10, 40, 40]).interval is not None


def test_a_run_in_which_nothing_varies_has_no_coefficient_and_is_counted() -> None:
    energy, temperature = course("time-only")
    temperature[0] = 40.0
    (found,) = evaluate(read(trained(energy, temperature))).epochs
    assert (found.within_runs.raw.n, found.within_runs.raw.left_out) == (29, 1)


def test_runs_that_rise_along_one_line_have_no_interval() -> None:
    k = np.arange(6.0) * np.ones((4, 1))
    (found,) = evaluate(read(trained(1 + k, 40 + k))).epochs
    assert (found.within_runs.raw.mean, found.within_runs.raw.interval) == (1.0, None)
    assert found.within_runs.partial == OverRuns(0, 4, None, None, None, None)


def test_correlations_over_runs_stand_beside_those_of_the_scenarios_medians() -> None:
    """Del Rey's case: five groups that differ, nothing within; thirty runs each make a tiny p of five medians."""
    random = np.random.default_rng(7)
    centres = [(0.70, 3.0), (0.74, 6.5), (0.78, 4.0), (0.82, 5.0), (0.86, 7.5)]
    tree = made({str(i): random.normal(energy, 0.1, 30) for i, (_, energy) in enumerate(centres)})
    for run in tree["runs"]:
        run["final_metrics"] = {"val_accuracy": centres[int(run["scenario"])][0] + float(random.normal(0, 0.004))}
    (found,) = evaluate(read(tree)).runs
    x = np.array([run["final_metrics"]["val_accuracy"] for run in tree["runs"]])
    y = np.array([run["energy_wh"]["value"] for run in tree["runs"]])
    rho, p = scipy.stats.spearmanr(x, y)
    everyone, medians = found.all_runs.spearman, found.medians.spearman
    assert (there(everyone.effect).value, everyone.p) == pytest.approx((rho, p), rel=1e-9)
    assert there(everyone.p) < 1e-9
    assert (medians.n, there(medians.p) > 0.05) == ((5,), True)
    assert there(medians.effect).value == pytest.approx(0.7)
    assert len(found.scenarios) == 5
    assert all(part.pearson.n == (30,) for part in found.scenarios.values())


def test_where_a_training_ended_is_read_from_the_summary_else_from_the_history(campaign: dict[str, Any]) -> None:
    found = {part.x: part for part in of(campaign).runs}
    runs = [run for run in campaign["runs"] if run["included"] and run["scenario"] == "cnn"]
    for key in metrics_of([UNDECLARED]):
        x, y = [run["history"][key][-1] for run in runs], [run["energy_wh"]["value"] for run in runs]
        assert "val_loss" not in runs[0]["final_metrics"]
        theirs = scipy.stats.pearsonr(x, y)
        assert found[key].scenarios["cnn"].pearson.p == pytest.approx(theirs.pvalue, rel=1e-6)
        assert found[key].medians.pearson.refused == "too-few"


def test_a_metric_that_is_no_number_or_beyond_all_measure_breaks_nothing() -> None:
    tree = made({"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 5.0]})
    for run, said in zip(tree["runs"], itertools.cycle([1e308, "good", None, True, [1], 5e-324]), strict=False):
        run["final_metrics"] = {"val_accuracy": said}
        run["history"] = {"val_loss": [said]}
    json.dumps(encoded(evaluate(read(tree))), allow_nan=False)


def test_values_are_those_of_the_runs(campaign: dict[str, Any]) -> None:
    for key in RESPONSES:
        for name, values in groups_of(campaign, key).items():
            assert values_of(read(campaign))[key][name] == pytest.approx(sorted(values), rel=1e-12)
    assert "idle" not in values_of(read(campaign))["val_accuracy_per_induced_wh"]


def test_a_whole_campaign_with_four_scenarios_has_all_pairs(tmp_path: Path) -> None:
    loads = {**LOADS, "wide": Load(45.0, 30.0, epochs=3)}
    folder = make_campaign(tmp_path, Shape(loads=loads, repetitions=3, duration_s=20))
    found = of(json.loads(write_results(folder).read_text()))
    assert len(found.responses["energy_wh"].post_hoc) == len(found.responses["energy_wh"].detectable) == 6
    assert {(part.scenario, part.x) for part in found.epochs} >= {("wide", "gpu_temperature_c")}
