"""Blocks of the searches of a campaign: what each found and took, and every trial.

Knows results.json (docs/results.md) and the rounding rule. Knows no strategy and no run folder.
"""

from collections.abc import Iterator

from markupsafe import Markup

from reports.figures.scatter import Line, Points, ScatterPanel, scatters
from reports.figures.sheet import Labelled
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.lookup import run_names
from reports.pages.numbers import NOTHING, Scale, bare, scale_for, significant
from reports.pages.plain_words import as_text
from reports.results.document import Results
from reports.results.search import SearchResult, TrialResult

SUM_NOTE = (
    "Value ± U at 95 %. A search's energy is the sum over everything that was run for it: its trials, failed ones too, "
    "and attempts that were cut off or repeated. What all of them share (baseline, meter) counts once in U. Trials are "
    "no replicates, so U holds no spread."
)
HOST_NOTE = (
    "The host suggests between the runs. No meter stands there: that energy is not measured and in no sum; its CPU "
    "time is. Means of a scenario that searches are means of its trials, and no test compares them with others."
)
UNKNOWN_NOTE = "The energy of {runs} is not known, so the sums of the search that they belong to are too small."


MOST_SEARCHES = 8
"""Of a scenario, drawn with a line each; of more the table alone tells."""
MOST_PANELS = 8
"""Scenarios drawn."""


def search_blocks(results: Results, stamp: str) -> list[Block]:
    """The searches side by side, then every trial; nothing where there is none."""
    if not results.searches:
        return []
    names = run_names(results)
    unknown = [names.get(folder, folder) for one in results.searches for folder in one.unknown]
    found: list[Block] = [_searches(results), Paragraph(HOST_NOTE, "note")]
    found += [Paragraph(UNKNOWN_NOTE.format(runs=", ".join(unknown)), "note")] if unknown else []
    found += [figure for figure in (best_figure(results, stamp),) if figure is not None]
    found.append(_trials(results))
    return found + [table for table in (_cut(results),) if table is not None]


def _by_scenario(results: Results) -> list[SearchResult]:
    """The searches of one scenario beside each other; in results.json they stand as they were begun."""
    scenarios = list(dict.fromkeys(one.scenario for one in results.searches))
    return sorted(results.searches, key=lambda one: (scenarios.index(one.scenario), one.search))


def best_lines(results: Results) -> list[str]:
    """A sentence for each scenario that searches: the best of all its searches, and what it was found with."""
    lines = []
    for scenario in dict.fromkeys(one.scenario for one in results.searches):
        own = [one for one in _by_scenario(results) if one.scenario == scenario]
        found = [one for one in own if one.best_objective is not None]
        if not found:
            lines.append(f"{scenario} ({own[0].strategy}): no trial gave a number of {own[0].objective}.")
            continue
        sign = 1 if own[0].direction == "maximise" else -1
        best = max(found, key=lambda one: sign * (one.best_objective or 0.0))
        (trial,) = (trial for trial in best.trials if trial.trial == best.best_trial)
        values = ", ".join(f"{name} = {_value(trial, name)}" for name in trial.values)
        lines.append(
            f"{scenario} ({best.strategy}): best {best.objective} {significant(best.best_objective or 0.0)} of "
            f"{len(own)} searches, in search {best.search}, trial {best.best_trial}: {values}."
        )
    return lines


def best_figure(results: Results, stamp: str) -> Figure | None:
    """Every trial of every search, and the best so far; None where no search has two trials with a number."""
    drawn = []
    for scenario in dict.fromkeys(one.scenario for one in results.searches):
        own = [one for one in _by_scenario(results) if one.scenario == scenario]
        if len(own) <= MOST_SEARCHES and any(len(_numbered(one)) > 1 for one in own):
            drawn.append(_best_panel([one for one in own if _numbered(one)]))
    if not drawn or len(drawn) > MOST_PANELS:
        return None
    caption = "Every trial (marks) and the best so far (line) of each search."
    label = Labelled("fig-searches", caption, " ".join(best_lines(results)), stamp)
    return Figure("fig-searches", caption, Markup(scatters(label, drawn)))


def _best_panel(searches: list[SearchResult]) -> ScatterPanel:
    first = searches[0]
    names = [f"search {one.search}" for one in searches]
    points = [
        Points(name, style, [trial for trial, _ in _numbered(one)], [value for _, value in _numbered(one)])
        for style, (name, one) in enumerate(zip(names, searches, strict=True))
    ]
    lines = [
        Line("", [trial for trial, _ in _so_far(one)], [best for _, best in _so_far(one)], style, stepped=True)
        for style, one in enumerate(searches)
    ]
    return ScatterPanel(f"{first.scenario} ({first.strategy})", "trial", first.objective, points, lines, whole_x=True)


def _numbered(one: SearchResult) -> list[tuple[int, float]]:
    """Its trials that gave a number."""
    return [(trial.trial, trial.objective) for trial in one.trials if trial.objective is not None]


def _so_far(one: SearchResult) -> Iterator[tuple[int, float]]:
    """The best after each trial that gave a number."""
    better = max if one.direction == "maximise" else min
    best: float | None = None
    for trial, value in _numbered(one):
        best = value if best is None else better(best, value)
        yield trial, best


def _searches(results: Results) -> Table:
    searches = _by_scenario(results)
    columns = {
        "Energy": [one.energy_wh for one in searches],
        "Induced energy": [one.induced_energy_wh for one in searches],
        "Induced until best": [one.until_best_wh for one in searches],
        "Cut attempts, induced": [one.cut_induced_energy_wh or one.cut_energy_wh for one in searches],
    }
    shown = {title: numbers for title, numbers in columns.items() if any(numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    cpu = scale_for(one.host.cpu_s for one in searches)
    rows = []
    for place, one in enumerate(searches):
        cells = [bare(numbers[place], scales[title]) for title, numbers in shown.items()]
        rows.append(Row((
            one.scenario, str(one.search), one.strategy, _ended(one), _best(one), *cells, bare(one.host.cpu_s, cpu),
            "not measured",
        )))  # fmt: skip
    heads = [Head("Scenario", False), Head("Search"), Head("Strategy", False), Head("Trials", False)]
    heads += [Head("Best", False), *(Head(scale.axis(title)) for title, scale in scales.items())]
    heads += [Head(cpu.axis("Host CPU")), Head("Host energy", False)]
    return Table("each-search", "Each search, and its best trial", tuple(heads), tuple(rows), SUM_NOTE)


def _ended(one: SearchResult) -> str:
    without = f", {one.without_value} without a number" if one.without_value else ""
    return f"{one.ended} of {one.rounds}{without}"


def _best(one: SearchResult) -> str:
    if one.best_objective is None:
        return NOTHING
    return f"{one.objective} {significant(one.best_objective)} (trial {one.best_trial})"


def _trials(results: Results) -> Table:
    """Every trial that was suggested, in the order of the searches."""
    trials = [(one, trial) for one in _by_scenario(results) for trial in one.trials]
    parameters = list(dict.fromkeys(name for _, trial in trials for name in trial.values))
    columns = {
        "Energy": [trial.energy_wh for _, trial in trials],
        "Induced": [trial.induced_energy_wh for _, trial in trials],
        "Duration": [trial.duration_s for _, trial in trials],
    }
    scales = {title: scale_for(numbers) for title, numbers in columns.items()}
    names, rows = run_names(results), []
    for place, (one, trial) in enumerate(trials):
        values = [_value(trial, name) for name in parameters]
        cells = [bare(numbers[place], scales[title]) for title, numbers in columns.items()]
        run = NOTHING if trial.folder is None else names.get(trial.folder, trial.folder).removeprefix("run ")
        start = (one.scenario, str(one.search), str(trial.trial), run)
        rows.append(Row((*start, *values, _objective(one, trial), *cells)))
    heads = [Head("Scenario", False), Head("Search"), Head("Trial"), Head("Run")]
    heads += [*map(Head, parameters), Head("Objective", prose=True, numeric=False)]
    heads += [Head(scale.axis(title)) for title, scale in scales.items()]
    return Table("trials", "Trials of the searches", tuple(heads), tuple(rows), folded=True)


def _value(trial: TrialResult, name: str) -> str:
    value = trial.values.get(name)
    return NOTHING if value is None else significant(value) if isinstance(value, float) else as_text(value)


def _objective(one: SearchResult, trial: TrialResult) -> str:
    if trial.objective is not None:
        return significant(trial.objective) + (" (best)" if trial.trial == one.best_trial else "")
    return trial.reason or NOTHING


def _cut(results: Results) -> Table | None:
    """Attempts that do not count, and what they took."""
    attempts = [(one, cut) for one in results.searches for cut in one.cut]
    if not attempts:
        return None
    energies, induced = [cut.energy_wh for _, cut in attempts], [cut.induced_energy_wh for _, cut in attempts]
    gross, net, names = scale_for(energies), scale_for(induced), run_names(results)
    rows = [
        Row((
            one.scenario, str(one.search), str(cut.trial), names.get(cut.folder, cut.folder).removeprefix("run "),
            cut.reason or NOTHING, bare(cut.duration_s, Scale("s")), bare(cut.energy_wh, gross),
            bare(cut.induced_energy_wh, net),
        ))
        for one, cut in attempts
    ]  # fmt: skip
    heads = (
        Head("Scenario", False), Head("Search"), Head("Trial"), Head("Run"), Head("Why", prose=True, numeric=False),
        Head("Recorded / s"), Head(gross.axis("Energy")), Head(net.axis("Induced")),
    )  # fmt: skip
    note = "As far as they were recorded: what the machine did after the host was gone no meter's reading shows."
    return Table("cut-attempts", "Attempts at trials that do not count", heads, tuple(rows), note)
