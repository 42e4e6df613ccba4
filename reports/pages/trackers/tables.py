"""Tables on trackers: ratios, agreement, parts, phases and epochs, what trackers cost, every run.

Knows `trackers` of results.json. Does not know sentences and figures; computes no result.
"""

from collections.abc import Iterator

from reports.pages.blocks import Head, Row, Table
from reports.pages.lookup import run_name
from reports.pages.numbers import NOTHING, Scale, alike, bare, quantity, scale_for
from reports.pages.plain_words import as_text
from reports.pages.result_tables import has_u
from reports.pages.trackers.ratios import PERCENT, bracket, limit_of, percent, places_of, refusal_of, share
from reports.pages.trackers.words import REFUSED, name_of, names_of, part_of
from reports.results.agreement import Agreement
from reports.results.document import Results
from reports.results.trackers import (
    ComparedGpu,
    ComparedRun,
    ComparedStretch,
    MissingAccount,
    OwnEnergy,
    Share,
    TrackerComparison,
    Trackers,
)
from reports.results.uncertainty import Number, single

MANY = 12
"""Longer tables are folded."""
SECONDS = Scale("s")


def _comparisons(trackers: Trackers) -> Iterator[tuple[str, str, TrackerComparison]]:
    """Scenario, tracker, comparison."""
    for scenario, by_tracker in trackers.scenarios.items():
        for key, comparison in by_tracker.items():
            yield scenario, key, comparison


def _energy(number: Number | None, scale: Scale) -> str:
    """A number with its unit."""
    return f"{bare(number, scale)}{scale.suffix}"


def ratios(trackers: Trackers) -> Table | None:
    """One row for each scenario and tracker."""
    rows = tuple(_ratio_row(scenario, key, comparison) for scenario, key, comparison in _comparisons(trackers))
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Tracker", False), Head("n"), Head("Interval\u00a0/\u00a0s"), Head("Tracker"),
        Head("Meter"), Head("Tracker / meter in %"), Head("95 %"),
    )  # fmt: skip
    note = (
        "Ratio of the means over the runs, ± U by the spread of the runs and what is known of the meter's error; the "
        "95 % interval is Fieller's (none where it is unbounded: few runs of very unlike energies). U of a tracker's "
        "energy is the spread of the runs alone."
    )
    return Table("tracker-ratios", "Trackers against the meter, gross energy", heads, rows, note)


def _ratio_row(scenario: str, key: str, comparison: TrackerComparison) -> Row:
    both = (comparison.tracker_wh, comparison.meter_wh)
    scale, ratio = scale_for(both), comparison.ratio
    energies = (_energy(number, scale) for number in both)
    start = (scenario, name_of(key), as_text(comparison.n.value), bare(comparison.duration_s, SECONDS))
    return Row((*start, *energies, bare(ratio, PERCENT), bracket(comparison.interval, places_of(ratio))))


def agreements(trackers: Trackers) -> Table | None:
    """Bias and limits of agreement of each scenario and tracker, then over scenarios."""
    rows = [_agreement_row(scenario, key, each.agreement) for scenario, key, each in _comparisons(trackers)]
    rows += [_agreement_row("over scenarios", key, agreement) for key, agreement in trackers.agreement.items()]
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Tracker", False), Head("n"), Head("Bias in % [95 %]", False),
        Head("Lower limit of agreement in % [95 %]"), Head("Upper limit in % [95 %]"),
    )  # fmt: skip
    note = (
        "Tracker / meter by the mean logarithm: 95 of 100 single runs of the scenario lie between the limits. Runs of "
        "one scenario resemble each other: over scenarios each work counts once, and only from five on."
    )
    return Table(
        "tracker-agreement", "Agreement (Bland-Altman on the log ratio)", heads, tuple(rows), note, folded=True
    )


def _agreement_row(scenario: str, key: str, agreement: Agreement) -> Row:
    start = (scenario, name_of(key), as_text(agreement.n))
    if agreement.bias is None:
        return Row((*start, refusal_of(agreement), NOTHING, NOTHING))
    places = places_of(agreement.bias)
    bias = f"{percent(agreement.bias.value, places)} {bracket(agreement.interval, places)}"
    return Row((*start, bias, limit_of(agreement.low, places), limit_of(agreement.high, places)))


def decomposition(trackers: Trackers) -> Table | None:
    """The meter's energy: what the tracker reports, what it does not."""
    rows = tuple(
        row for scenario, key, each in _comparisons(trackers) for row in _decomposed(scenario, name_of(key), each)
    )
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Tracker", False), Head("Part", False), Head("Energy"), Head("Share in %"),
        Head("How the tracker has it", False),
    )  # fmt: skip
    note = (
        "Share of what the meter measured. The GPU's own counter is read by the agent (DC board); it stands beside the "
        "tracker's GPU figure and is no part of the sum."
    )
    return Table("tracker-parts", "What the meter's energy is made of", heads, rows, note, folded=len(rows) > MANY)


def _decomposed(scenario: str, tracker: str, comparison: TrackerComparison) -> Iterator[Row]:
    scale = scale_for([comparison.meter_wh])

    def row(part: str, entry: Share, how: str) -> Row:
        return Row((scenario, tracker, part, _energy(entry.energy_wh, scale), bare(entry.share, PERCENT), how))

    for part, entry in comparison.parts.items():
        yield row(part_of(part), entry, "; ".join(comparison.methods.get(part, ())))
    if (gpu := comparison.gpu) is not None:
        energy = _energy(gpu.energy_wh, scale)
        yield Row((scenario, tracker, f"GPU by the agent ({gpu.method})", energy, NOTHING, _gpu_words(gpu)))
    yield row("not reported", comparison.rest, "meter minus tracker")
    if (supply := comparison.supply) is not None:
        yield row("… loss of the power supply", supply.loss, "by the efficiency that lab.toml states")
        yield row("… components out of scope", supply.out_of_scope, "the rest of it")


def _gpu_words(gpu: ComparedGpu) -> str:
    if gpu.ratio is None:
        return "the tracker gives no GPU figure"
    return f"the tracker's figure is {share(gpu.ratio, gpu.interval)} of it"


def stretches(trackers: Trackers) -> Table | None:
    """Phases and epochs, where a tracker gives them."""
    rows = tuple(
        _stretch_row(scenario, key, stretch)
        for scenario, key, comparison in _comparisons(trackers)
        for stretch in comparison.intervals
    )
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Tracker", False), Head("Interval", False), Head("No."), Head("n"),
        Head("Tracker"), Head("Meter"), Head("Tracker / meter in %"), Head("95 %"),
    )  # fmt: skip
    note = "n counts runs. Epochs of one run are no independent cases: all together, each run counts once."
    return Table("tracker-intervals", "Phases and epochs", heads, rows, note, folded=True)


def _stretch_row(scenario: str, key: str, stretch: ComparedStretch) -> Row:
    index = "all, summed by run" if stretch.index is None else str(stretch.index)
    both, ratio = (stretch.tracker_wh, stretch.meter_wh), stretch.ratio
    scale = scale_for(both)
    energies = (_energy(number, scale) for number in both)
    start = (scenario, name_of(key), stretch.name, index, as_text(stretch.n))
    return Row((*start, *energies, bare(ratio, PERCENT), bracket(stretch.interval, places_of(ratio))))


def costs(trackers: Trackers) -> Table | None:
    """What the trackers themselves cost."""
    if not trackers.own_induced:
        return None
    heads = (
        Head("Trackers", False), Head("With", False), Head("Without", False), Head("Pairs"), Head("Own induced energy"),
        Head("Longer by\u00a0/\u00a0s"), Head("Remark", False),
    )  # fmt: skip
    note = "Mean of the paired differences of induced energy, with minus without, by repetition (same seed)."
    rows = tuple(map(_cost_row, trackers.own_induced))
    return Table("tracker-cost", "What the trackers themselves add to a run", heads, rows, note)


def _cost_row(cost: OwnEnergy) -> Row:
    start = (names_of(cost.trackers), cost.with_trackers, cost.without or NOTHING)
    if cost.refused is not None:
        return Row((*start, NOTHING, NOTHING, NOTHING, f"not given: {REFUSED[cost.refused]}"))
    remark = "not interleaved: time may have made this difference" if cost.order_confounded else ""
    energy, longer = quantity(cost.induced_energy_wh), bare(cost.duration_s, SECONDS)
    return Row((*start, as_text(cost.n.value), energy, longer, remark))


def runs(results: Results, trackers: Trackers) -> Table | None:
    """Every figure, also those that enter no comparison, and every tracker that left none."""
    rows = [_run_row(results, run) for run in trackers.runs]
    rows += [_missing_row(results, account) for account in trackers.missing]
    if not rows:
        return None
    heads = (
        Head("Run", False), Head("Scenario", False), Head("Tracker", False), Head("Begins after\u00a0/\u00a0s"),
        Head("Lasts\u00a0/\u00a0s"), Head("Reported\u00a0/\u00a0Wh"), Head("Factor"), Head("Without factor"),
        Head("Meter"), Head("Tracker / meter in %"), Head("Polls"), Head("Remark", False),
    )  # fmt: skip
    note = f"{'± U at 95 %' if has_u(rows) else 'No U is known'} of a single run's energy by the meter."
    return Table("tracker-runs", "Every run with a tracker", heads, tuple(rows), note, folded=True)


def _run_row(results: Results, run: ComparedRun) -> Row:
    scale, energy = scale_for([run.meter_wh]), NOTHING
    if run.energy_wh is not None:
        energy = f"{alike(single(run.energy_wh, 'Wh'), run.meter_wh, scale)}{scale.suffix}"
    cells = (
        run_name(results, run.folder), run.scenario, name_of(run.tracker),
        as_text(run.begin_s), as_text(run.duration_s), as_text(run.reported_wh), as_text(run.factor), energy,
        _energy(run.meter_wh, scale), bare(run.ratio, PERCENT), as_text(run.polls), _remark(run),
    )  # fmt: skip
    return Row(cells, "" if run.included else "excluded")


def _remark(run: ComparedRun) -> str:
    """Why it enters no comparison; else what an imported figure was lined up by."""
    if run.excluded_because is not None:
        return REFUSED[run.excluded_because]
    if run.clock == "run":
        return "over the run's own interval, as the operator said; its file's duration is not that of its energy"
    if not run.imported:
        return ""
    spans = f", {run.spans} stretches added" if run.spans > 1 else ""
    return f"lined up by wall clock{spans}"


def _missing_row(results: Results, account: MissingAccount) -> Row:
    start = (run_name(results, account.folder), "", name_of(account.tracker))
    return Row((*start, *([NOTHING] * 8), REFUSED[account.reason]), "excluded")
