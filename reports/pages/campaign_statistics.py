"""Scenarios of a campaign beside each other: the section "Statistics" of its report, item 12 of the audit report.

Knows the record of `statistics` (reports/results/statistics.py) and the words for it. Computes no result.
"""

from collections.abc import Iterable, Iterator, Mapping

from markupsafe import Markup

from reports.figures import scatter
from reports.figures.scatter import Points, ScatterPanel, Straight
from reports.figures.sheet import Labelled
from reports.pages import core_study
from reports.pages.blocks import Block, Figure, Fold, Head, Paragraph, Row, Table
from reports.pages.declared import Vocabulary, capitalized, vocabulary
from reports.pages.numbers import (
    NOTHING,
    Scale,
    alike,
    bare,
    quantity,
    scale_for,
    significant,
    spread,
)
from reports.pages.plain_words import as_text
from reports.pages.result_tables import has_u
from reports.pages.statistics_tables import (
    NEVER_CHOSEN,
    POST_HOC,
    TEST_HEADS,
    TEST_NOTE,
    counts_text,
    effect_text,
    interval_text,
    p_text,
    pair_heads,
    pair_row,
    refusal,
    statistic_text,
    test_row,
    why,
)
from reports.results.document import Results
from reports.results.inference import Pair, Test
from reports.results.question import TestChoice
from reports.results.statistics import (
    Absence,
    Correlations,
    Declared,
    Detectable,
    LevelResult,
    ResponseResult,
    RunCorrelation,
    ScenarioPair,
    Statistics,
    Unreachable,
)

DECLARED: Mapping[Declared, TestChoice] = {"welch": "welch", "rank": "kruskal"}
"""`[analysis] test` of lab.toml -> the test as the words of statistics_tables know it."""
DECLARES = "[analysis] of lab.toml (Welch where it says nothing)"
PAIRS: Mapping[Declared, tuple[str, str]] = {
    "welch": (POST_HOC["games-howell"], "t"),
    "rank": (POST_HOC["dunn-holm"], "z"),
}
"""Declared test -> what compares every pair, and its statistic."""
ALPHA = 0.05
PERCENT = Scale("%", 100.0)
FOLD_FROM = 16
NO_R = (
    "No test was made: that takes R, which was not installed where this report was written. It is installed by "
    "apt-get install r-base-core (as root), or by ./lab; wattlab report then adds this section. No other number needs "
    "it."
)
R_FAILED = (
    "No test was made: that takes R, which was there where this report was written and did not start; the command that "
    "wrote it said why. When the cause is gone, wattlab report adds this section. No other number needs it."
)
NOTHING_SHOWN = (
    "No test of these runs is below 5 %: they show no difference and no correlation, which is no proof that there is "
    "none."
)
NOTHING_TESTED = (
    "Nothing was tested: a test takes two scenarios with two runs each that enter the means, or enough runs of one "
    "with values that differ. So nothing is said of differences and correlations."
)
NOTHING_TO_TEST = (
    "There is nothing to test: that takes two scenarios with two runs each that enter the means, or three runs of one."
)
ABSENT: Mapping[Absence, str] = {"r-missing": NO_R, "r-failed": R_FAILED, "nothing-to-test": NOTHING_TO_TEST}
"""Why no test was made."""
REPLICATE = (
    "One run is one replicate: n counts runs, never seconds or epochs. Excluded runs enter no test; the baseline is "
    "what is subtracted, no level. p knows the spread of the runs alone. What all runs share, such as the meter's "
    "limits of error and the error of the baseline, is part of U and not of p."
)
OF_PAIRS = "p and intervals are valid for all pairs of the table at once."
OF_POWER = (
    "Smallest difference to be shown: a two-sided test at 5 % finds a difference of this size with a probability of 80 "
    "%, at the n and SD of this campaign. Cliff's δ: how much more often a value of the first scenario is above one of "
    "the second than below it; it assumes no distribution."
)
UNREACHABLE: Mapping[Unreachable, str] = {
    "not-above-zero": "its induced energy cannot be told from zero yet, so the number of runs is not known",
    "too-many": "it would take more than 500 runs",
}
OF_RUNS = (
    "Runs of one scenario resemble each other, so that over all runs a p can be tiny where few scenarios differ by "
    "chance; therefore the table also gives the test over the medians of the scenarios, one point each. All tests are "
    "two-sided."
)
MOST_PANELS = 9


def is_blocked(results: Results) -> bool:
    """Whether the runs of several scenarios were made in drawn order."""
    config = results.campaign.config or {}
    return config.get("campaign", {}).get("order") == "shuffled" and len(results.scenarios) > 1


def statistics_blocks(part: Statistics, declared: Vocabulary, stamp: str, *, blocked: bool) -> list[Block]:
    """The tests, what they rest on, what they could have shown, and correlations over runs. `blocked`: as
    `is_blocked`."""
    if part.reason is not None:
        return [Paragraph(ABSENT[part.reason]), *_planned(part)]
    titles = declared.responses()
    figure = quantile_figure(part, titles, stamp)
    blocks = [
        Paragraph(f"{why(DECLARED[part.test], subject=DECLARES)} {NEVER_CHOSEN}"),
        Paragraph(f"{REPLICATE} {_blocks(part) if blocked else ''}".strip()),
        *filter(None, [_omnibus(part, titles)]),
        *_pairs(part, titles),
        *filter(None, [_detectable(part, titles)]),
        _levels(part, titles),
        *([figure] if figure else []),
        *_planned(part),
        *_of_runs(part, declared),
    ]
    known = [test.p for test in _tests(part) if test.p is not None]
    if any(p < ALPHA for p in known):
        return blocks
    planned = list(_planned(part))
    tested = tuple(block for block in blocks if block not in planned)
    if not known:
        return [Paragraph(NOTHING_TESTED), Fold("What a test would rest on", tested), *planned]
    return [Paragraph(NOTHING_SHOWN), Fold("What was tested, and how", tested), *planned]


def _tests(part: Statistics) -> Iterator[Test | Pair]:
    """Every test of the section of which one below 5 % shows something."""
    for response in part.responses.values():
        yield from [] if response.omnibus is None else [response.omnibus]
        yield from response.post_hoc
    for row in part.runs:
        for tests in (*row.scenarios.values(), row.all_runs, row.medians):
            yield from (tests.pearson, tests.spearman)


def _blocks(part: Statistics) -> str:
    """What the order of the runs was, and that the tests do not use it."""
    if part.blocks is None:
        return ""
    return (
        f"Each repetition is a block: one run of every scenario, in drawn order, with one seed; {part.blocks.complete} "
        f"of {part.blocks.begun} blocks are complete. The tests do not use the blocks, which costs power and no "
        "validity."
    )


def _scale(response: ResponseResult) -> Scale:
    return scale_for(level.mean for level in response.levels.values())


def _omnibus(part: Statistics, titles: Mapping[str, str]) -> Table | None:
    """The tests over all scenarios, and Levene's, each with its n."""
    rows = [
        test_row(f"{titles[key]}: {what}", test)
        for key, response in part.responses.items()
        for what, test in (("location", response.omnibus), ("spread", response.levene))
        if test is not None
    ]
    if not rows:
        return None
    return Table("tests", "Do the scenarios differ?", TEST_HEADS, tuple(rows), TEST_NOTE)


def _pairs(part: Statistics, titles: Mapping[str, str]) -> Iterable[Block]:
    """Every pair of scenarios; open is the table of the headline, the others are folded."""
    made_by, statistic = PAIRS[part.test]
    for key, response in part.responses.items():
        if not response.post_hoc:
            continue
        scale = Scale("") if part.test == "rank" else _scale(response)
        heads = pair_heads("mean ranks" if part.test == "rank" else scale.unit, statistic)
        rows = tuple(pair_row(pair, ALPHA, scale) for pair in response.post_hoc)
        caption = f"{titles[key]}: every pair of scenarios ({made_by})"
        yield Table(f"pairs-{key}", caption, heads, rows, OF_PAIRS, folded=key != _headline(part))


def _headline(part: Statistics) -> str | None:
    """The response of the open table and of the Q-Q panels: induced energy, energy where there is none."""
    in_order = ("induced_energy_wh", "energy_wh")
    return next((key for key in in_order if key in part.responses), None)


def _detectable(part: Statistics, titles: Mapping[str, str]) -> Table | None:
    """What these runs could have shown, and Cliff's delta, which assumes no distribution."""
    rows = [
        _power_row(titles[key], pair, detectable, _scale(response))
        for key, response in part.responses.items()
        for pair, detectable in zip(response.post_hoc, response.detectable, strict=True)
    ]
    if not rows:
        return None
    heads = (
        Head("Pair", False), Head("Quantity", False), Head("n"), Head("SD"), Head("Smallest difference to be shown"),
        Head("Cliff's δ, 95 % interval", False),
    )  # fmt: skip
    caption = "What these runs could have shown, and how far the values overlap"
    return Table("power", caption, heads, tuple(rows), OF_POWER, folded=len(rows) >= FOLD_FROM)


def _power_row(title: str, pair: ScenarioPair, detectable: Detectable, scale: Scale) -> Row:
    difference = detectable.difference
    return Row((
        f"{detectable.first} − {detectable.second}", scale.axis(title), counts_text(pair.n),
        significant(detectable.sd * scale.factor, 3),
        NOTHING if difference is None else significant(difference * scale.factor, 3),
        effect_text(pair.cliffs_delta).removeprefix("Cliff's δ = "),
    ))  # fmt: skip


def _levels(part: Statistics, titles: Mapping[str, str]) -> Table:
    """n, mean, median, spread and Shapiro-Wilk of every scenario in every response."""
    rows = [
        _level_row(name, titles[key], level, _scale(response))
        for key, response in part.responses.items()
        for name, level in response.levels.items()
    ]
    heads = (
        Head("Scenario", False), Head("Quantity", False), Head("n"), Head("Mean ± U, type A"), Head("Median"),
        Head("SD"), Head("CV, 95 % interval\u00a0/\u00a0%"), Head("Shapiro-Wilk W"), Head("p"),
    )  # fmt: skip
    left_out = dict.fromkeys(name for response in part.responses.values() for name in response.left_out)
    note = "Mean ± U at 95 %, from the spread of the runs alone. " if has_u(rows) else "No U is known. "
    note += "The tests above use these values. Shapiro-Wilk is "
    note += "shown for information: no test was chosen by it."
    note += f" With a single run, and in no test: {', '.join(left_out)}." if left_out else ""
    return Table("levels", "What the tests rest on", heads, tuple(rows), note, folded=len(rows) >= FOLD_FROM)


def _level_row(name: str, title: str, level: LevelResult, scale: Scale) -> Row:
    ends, shapiro = level.cv.interval, level.shapiro
    return Row((
        name, scale.axis(title), str(level.mean.n), bare(level.mean, scale), alike(level.median, level.mean, scale),
        spread(level.mean, scale),
        interval_text(level.cv.value, None if ends is None else [ends.low, ends.high], PERCENT),
        *((NOTHING, refusal(shapiro.refused)) if shapiro.refused
          else (statistic_text(shapiro.statistic), p_text(shapiro.p))),
    ))  # fmt: skip


def quantile_figure(part: Statistics, titles: Mapping[str, str], stamp: str) -> Figure | None:
    """Q-Q panels of the induced energy, of the energy where there is none."""
    if (key := _headline(part)) is None:
        return None
    response, title = part.responses[key], titles[key].lower()
    scale, panels, spoken = _scale(response), [], []
    for style, (name, level) in enumerate(list(response.levels.items())[:MOST_PANELS]):
        if (plot := level.qq) is not None:
            points = Points("", style, plot.theoretical, [value * scale.factor for value in plot.ordered])
            line = Straight("", plot.slope * scale.factor, plot.intercept * scale.factor, style)
            panels.append(ScatterPanel(name, "normal quantile", scale.axis(title), [points], [line]))
            spoken.append(f"{name}: {len(plot.ordered)} runs, {_line(level.shapiro)}.")
    if not panels:
        return None
    caption = f"Q-Q: {title} of every run against the normal distribution; the line runs through the quartiles."
    svg = scatter.scatters(Labelled("fig-quantiles", caption, " ".join(spoken), stamp), panels, 3)
    return Figure("fig-quantiles", caption, Markup(svg))


def _line(shapiro: Test) -> str:
    return refusal(shapiro.refused) if shapiro.refused else f"Shapiro-Wilk p {p_text(shapiro.p)}"


def _planned(part: Statistics) -> Iterable[Block]:
    """How many runs a stated half-width takes."""
    planned = part.planning
    if planned is None:
        return
    needed = [f"{runs} runs of {name}" for name, runs in planned.runs.items() if runs is not None]
    needed += [f"{planned.blocks} baseline blocks"] if planned.blocks else []
    others = [f"{name}: {UNREACHABLE[reason]}" for name, reason in planned.unreachable.items()]
    percent, share = (significant(number, 3) for number in (planned.half_width_percent, planned.share_percent))
    aim = f"±{percent} % of the induced energy in {share} % of campaigns"
    text = (
        f"A new campaign that is to reach {aim} needs {', '.join(needed)}."
        if needed
        else f"No new campaign can be planned for {aim}."
    )
    yield Paragraph(" ".join([text, *(f"{other}." for other in others)]), "note")


def _of_runs(part: Statistics, declared: Vocabulary) -> list[Block]:
    """Declared metrics against energy: over the runs of each scenario, over all, over the medians."""
    rows = [
        test_row(f"{declared.metric(row.x)} and energy, {name}", test)
        for row in part.runs
        for name, tests in _levels_of_runs(row)
        for test in (tests.pearson, tests.spearman)
    ]
    if not rows:
        return []
    caption = "Do runs that end better use more energy? Where each run ended, against its energy"
    study = core_study.of_runs(name for row in part.runs for name in row.scenarios)
    folded, note = len(rows) >= FOLD_FROM, " ".join(filter(None, (OF_RUNS, study, TEST_NOTE)))
    return [Table("correlations-runs", caption, TEST_HEADS, tuple(rows), note, folded=folded)]


def _levels_of_runs(row: RunCorrelation) -> Iterator[tuple[str, Correlations]]:
    yield from row.scenarios.items()
    if len(row.scenarios) > 1:
        yield from (("all runs", row.all_runs), ("medians of the scenarios", row.medians))


def marginal_table(results: Results) -> Table | None:
    """What one more percentage point of quality took, from level to level."""
    rows = []
    for name, part in results.scenarios.items():
        for step in part.marginal_energy:
            number = step.energy_per_point
            counts = (str(step.n), str(step.n_at_once), str(step.n_not_reached))
            between = f"{as_text(step.low)} → {as_text(step.high)}"
            rows.append(Row((name, between, *counts, quantity(number) if number and number.value else NOTHING)))
    if not rows:
        return None
    declared = vocabulary(results)
    quality, epoch = capitalized(declared.qualities()), declared.repeated()
    heads = (
        Head("Scenario", False), Head(quality, False), Head("Runs"), Head("Both at once"),
        Head("Never reached"), Head("Energy per percentage point"),
    )  # fmt: skip
    with_u = ", U at 95 %" if has_u(rows) else ""
    note = (
        f"Energy (total) from the end of the first {epoch} at one level to the end of the first {epoch} at the next, "
        f"by the percentage points between these two; mean over the runs{with_u}. A run that reached both levels in "
        f"one {epoch} (both at once) does not count. Runs that never reached the higher level do not count either; "
        "with them the energy would be larger."
    )
    return Table("marginal", f"What one more percentage point of {declared.qualities()} took", heads, tuple(rows), note)
