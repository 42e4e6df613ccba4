"""The list of error sources: every source has one place, and budgets and comparisons are two views of the same list."""

import ast
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.campaign.baseline import Baseline
from reports.campaign.group import Group
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget, meter_error
from reports.energy.common_errors import Shares, shares_of
from reports.energy.sample import Kind, MeasuredRun, Sample
from reports.energy.sources import Source, contributions
from reports.inference.contrast import Contrast, Line, Mean
from reports.readings.series import RunSeries
from reports.results.rules import Rule, as_before
from tests.analysis.test_budget import PLAIN, budgets_of, group_of, line_of, stating, with_second_meter, without_limits
from tests.benchmarks.bench_coverage import Setting

ROOM = Path(budget.__file__).parent
NAMES = (
    "gain", "assumed", "certificate", "stability", "offset", "reported", "resolution", "edges", "clock", "observer",
    "short-interval", "gaps", "stamp-convention", "baseline", "baseline-shape", "sampling", "spill",
)  # fmt: skip
STEPS = replace(PLAIN, beside_w=12.0)
"""The load's last step is not as large as its first, so that what both lose in the mean is not the same for all."""


def halved(run: AnalysedRun) -> AnalysedRun:
    """The same run with a second circuit that takes half as much, fed by a power supply of its own."""
    both = with_second_meter(run, "second")
    first, second = both.series.parts
    series = RunSeries(both.run, both.series.clock, both.series.begin_ns, both.series.end_ns, ())
    vars(series)["power"] = {"wall": first, "second": replace(second, power_w=second.power_w / 2)}
    return AnalysedRun(both.run, series)


def on_two_circuits(setting: Setting = STEPS, seed: int = 3) -> Group:
    group = group_of(setting, seed)
    return Group([halved(run) for run in group.runs], Baseline([halved(run) for run in group.baseline.runs]))


def measured(group: Group, campaign: str = "here") -> list[MeasuredRun]:
    return [MeasuredRun(terms, AT_RUN, campaign, "a session") for terms in group.terms]


def shares(group: Group, kind: Kind = "gross", side: str = "side", campaign: str = "here") -> dict[Source, float]:
    return shares_of(measured(group, campaign), side, kind, 1 / 3600)


def mean_of(group: Group, own: Shares) -> Mean:
    values = group.energies_wh
    return Mean(float(values.mean()), values - values.mean(), own)


def sizes(lines: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Root sum of squares by name, without what is nothing."""
    named = {name: math.hypot(*(u for other, u in lines if other == name)) for name, _ in lines}
    return {name: u for name, u in named.items() if u}


def edges_of(own: Shares) -> float:
    return math.hypot(*(share for source, share in own.items() if source.name == "edges"))


def edges_between(first: Mean, second: Mean) -> Line:
    (line,) = [line for line in Contrast(first, second).lines() if line.name == "edges"]
    return line


@pytest.mark.parametrize("kind", ["gross", "induced"])
def test_two_circuits_with_one_load_step_have_the_same_edges_in_budget_and_comparison(kind: Kind) -> None:
    group = on_two_circuits()
    found = budgets_of(group)[kind == "induced"]
    losses_j = [np.mean([run.parts[place].mean_loss_j[AT_RUN] for run in group.terms]) for place in (0, 1)]
    assert min(losses_j) > 0
    assert line_of(found, "edges").u == pytest.approx(sum(losses_j) / 3600, rel=1e-12)
    assert edges_of(shares(group, kind)) == pytest.approx(line_of(found, "edges").u, rel=1e-12)


def test_before_that_a_comparison_took_two_circuits_edges_as_independent() -> None:
    group = on_two_circuits()
    with as_before({Rule.COMPARED_EDGES}):
        before = shares(group)
    whole = edges_of(shares(group))
    # Two thirds and one third of one loss.
    assert edges_of(before) == pytest.approx(whole * math.hypot(2, 1) / 3, rel=1e-3)
    others = [{s: u for s, u in own.items() if s.name != "edges"} for own in (before, shares(group))]
    assert others[0] == others[1]


def test_one_circuits_edges_are_what_they_were() -> None:
    group = group_of(STEPS)
    with as_before({Rule.COMPARED_EDGES}):
        before = shares(group)
    assert shares(group) == before


def test_a_load_step_of_the_same_circuits_cancels_as_far_as_it_is_equal_and_adds_up_where_it_is_not() -> None:
    first, second = on_two_circuits(), on_two_circuits(replace(STEPS, load_w=40.0), seed=4)
    sides = shares(first, side="first"), shares(second, side="second")
    left = edges_of(sides[1]) - edges_of(sides[0])
    line = edges_between(mean_of(first, sides[0]), mean_of(second, sides[1]))
    assert line.u == pytest.approx(abs(left))
    assert line.rho == pytest.approx(1.0)
    other = shares(second, side="second", campaign="elsewhere")  # no serial number: other instruments
    line = edges_between(mean_of(first, sides[0]), mean_of(second, other))
    assert line.u == pytest.approx(math.hypot(edges_of(sides[0]), edges_of(other)))


def test_a_meter_that_changes_within_a_mean_sees_the_load_step_of_its_companion() -> None:
    """The second circuit's range changes halfway: one load step all the same, as in the budget."""
    group = on_two_circuits()
    terms = list(group.terms)
    for place in range(len(terms) // 2):
        wall, second = terms[place].parts
        error = replace(second.error, key=(*second.error.key[:3], "another range"))
        terms[place] = replace(terms[place], parts=(wall, replace(second, error=error)))
    runs = [MeasuredRun(own, AT_RUN, "here", "a session") for own in terms]
    expected = budget.of_mean(terms, [AT_RUN] * len(terms), np.full(len(terms), 1 / 3600), "Wh", "gross")
    assert expected is not None
    assert edges_of(shares_of(runs, "side", "gross", 1 / 3600)) == pytest.approx(line_of(expected, "edges").u)


def everything() -> dict[str, Group]:
    plain, clocks = group_of(PLAIN), group_of(replace(STEPS, clock_bound_s=0.1, runs=25))
    few = group_of(replace(PLAIN, blocks=2))
    blocks = plain.baseline.runs
    stated = Group([stating(run, 0.01) for run in plain.runs], Baseline([stating(run, 0.01) for run in blocks]))
    twice = [[without_limits(with_second_meter(r, "gpu")) for r in own] for own in (plain.runs, blocks)]
    return {
        "plain": plain, "clocks": clocks, "few blocks": few, "stated": stated, "two circuits": on_two_circuits(),
        "two unknown meters": Group(twice[0], Baseline(twice[1])),
        "another session": group_of(replace(PLAIN, same_session=False)),
        "automatic range": group_of(replace(PLAIN, fixed_range=False)),
    }  # fmt: skip


def test_the_shares_of_a_mean_are_the_lines_of_its_budget() -> None:
    for name, group in everything().items():
        for kind, found in zip(("gross", "induced"), budgets_of(group), strict=True):
            lines = [(line.source, line.u) for line in found.lines if line.source not in budget.SPREAD]
            own = shares(group, "gross" if kind == "gross" else "induced")
            assumed = [math.fsum(abs(u) for source, u in own.items() if source.name == "assumed")]
            signed = [(source.name, share) for source, share in own.items() if source.name != "assumed"]
            rows = [*signed, *(("assumed", u) for u in assumed)]
            assert sizes(rows) == pytest.approx(sizes(lines), rel=1e-12), (name, kind)


def test_every_interval_of_a_run_is_the_same_alone_as_among_all() -> None:
    for terms in on_two_circuits(replace(STEPS, clock_bound_s=0.1)).terms[:2]:
        together = Sample([MeasuredRun(terms, None)], "induced")
        for source in contributions(together):
            assert np.broadcast_to(source.size, terms.duration_s.shape).shape == terms.duration_s.shape
        singles = budget.of_one(terms, "induced")
        total = sum(np.square(source.size) for source in contributions(together))
        assert np.sqrt(total) == pytest.approx(singles.u_j)


def called(node: ast.AST) -> set[str]:
    """Plain names that a function calls."""
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    return {function.id for function in calls if isinstance(function, ast.Name)}


def literals(node: ast.AST) -> set[str]:
    """Texts in a function, with names of the room's constants as what they are."""
    texts = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    if any(isinstance(part, ast.Name) and part.id == "ASSUMED_LINE" for part in ast.walk(node)):
        texts.add(meter_error.ASSUMED_LINE)
    return texts


def test_every_source_has_its_formula_in_one_function_of_the_room() -> None:
    """A function that makes a contribution names it; nobody else does, but the rule that adds up what is assumed."""
    places: dict[str, list[str]] = {name: [] for name in NAMES}
    for path in sorted(ROOM.glob("*.py")):
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            if called(function) & {"Contribution", "Gain", "Line", "Source"}:
                for name in literals(function) & set(NAMES):
                    places[name].append(f"{path.stem}.{function.name}")
    assert {name: len(own) for name, own in places.items()} == dict.fromkeys(NAMES, 1), places
    homes = {own[0].split(".")[0] for own in places.values()}
    assert homes == {"sources", "meter_error"}


def test_every_source_that_a_number_has_is_one_of_these() -> None:
    groups = everything()
    samples = [Sample(measured(group), kind) for group in groups.values() for kind in ("gross", "induced")]
    samples += [Sample([MeasuredRun(group.terms[0], None)], "induced") for group in groups.values()]
    assert {source.name for sample in samples for source in contributions(sample)} <= set(NAMES)
