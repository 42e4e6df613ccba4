"""Scenarios of a campaign beside each other: the section "Statistics" of its report, item 12 of the audit report, and
the correlations beside the figure of the epochs.

Knows `statistics` of results.json (docs/results.md) and the words for it. Computes no result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from reports.figures import statistics as statistics_figures
from reports.figures.sheet import Labelled
from reports.figures.statistics import Points, ScatterPanel, Straight
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.lookup import Results, listed, number_at, pick, scenarios, words
from reports.pages.numbers import (
    NOTHING,
    Scale,
    alike,
    bare,
    fixed,
    is_finite,
    quantity,
    scale_for,
    significant,
    spread,
    value_of,
)
from reports.pages.statistics_tables import (
    NEVER_CHOSEN,
    TEST_HEADS,
    TEST_NOTE,
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
from reports.pages.tables import as_text

Part = Mapping[str, Any]
RESPONSES = {
    "energy_wh": "Energy",
    "induced_energy_wh": "Induced energy",
    "duration_s": "Duration",
    "val_accuracy_per_induced_wh": "Validation accuracy by induced energy",
}
DECLARED = {"welch": "welch", "rank": "kruskal"}
"""`[analysis] test` of lab.toml -> the test as the words of statistics_tables know it."""
DECLARES = "[analysis] of lab.toml (Welch where it says nothing)"
POST_HOC = {"welch": "Games-Howell", "rank": "Dunn, p by Holm"}
STATISTIC = {"welch": "t", "rank": "z"}
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
ABSENT = {"r-missing": NO_R, "r-failed": R_FAILED}
"""Why no test was made where one could have been."""
NOTHING_SHOWN = (
    "No test of these runs is below 5 %: they show no difference and no correlation, which is no proof that there is "
    "none. What was tested is folded."
)
NOTHING_TO_TEST = (
    "There is nothing to test: that takes two scenarios with two runs each that enter the means, or three runs of one."
)
REPLICATE = (
    "One run is one replicate: n counts runs, never seconds or epochs. Excluded runs enter no test; the baseline is "
    "what is subtracted, no level. p rests on the spread of the runs alone: what all runs share, such as the meter's "
    "limits of error and the error of the baseline, stands in U and not in p."
)
OF_PAIRS = "p and interval hold for all pairs of the table together."
OF_POWER = (
    "Smallest difference to be shown: what a two-sided test of these two at 5 % finds with a probability of 80 %, at "
    "the n and SD of this campaign. Cliff's δ: how much more often a value of the first is above one of the second "
    "than below; it assumes no distribution."
)
UNREACHABLE = {
    "not-above-zero": "its induced energy cannot be told from zero yet, so the number of runs is not known",
    "too-many": "it would take more than 500 runs",
}
TEMPERATURE = "gpu_temperature_c"
COURSES = {TEMPERATURE: "GPU temperature", "val_accuracy": "validation accuracy", "val_loss": "validation loss"}
OF_EPOCHS = (
    "All epochs: one coefficient over the epochs of all runs; no p is given, because epochs of one run are not "
    "independent. Within runs: mean over the runs' own coefficients, with Student's interval over the runs. Time out: "
    "of what a straight line in the time of the run leaves of both. Same epoch: epoch k of a run against epoch k "
    "of the others, which takes out every course that the runs share, straight or not. Run means: a run is one point."
)
CONFOUNDED = (
    "Temperature and energy both change with the time in the run, so that a coefficient near 1 need not mean that a "
    "warmer GPU uses more: what is left when time is taken out, or between the same epochs, says that."
)
GULDNER = (
    "For context: the core study prints r = .98 between the energy of an epoch and the GPU's temperature, without "
    "taking out the time. Its epochs of .448 Wh in 29.95 s (transfer) and .423 Wh in 28.304 s (from scratch) are "
    "totals, both 53.8 W: they differ in duration only."
)
OF_RUNS = (
    "Runs of one scenario resemble each other, so that over all runs a p can be tiny where few scenarios differ by "
    "chance; therefore the table also gives the test over the medians of the scenarios, one point each. All tests are "
    "two-sided. The core study found neither loss nor accuracy correlated with energy."
)
MOST_PANELS = 9


def statistics_blocks(results: Results, stamp: str) -> list[Block]:
    """The tests, what they rest on, what they could have shown, and correlations over runs."""
    part = pick(results, "statistics")
    if not isinstance(part, Mapping):
        return []
    if not part["available"]:
        return [Paragraph(ABSENT.get(str(part["reason"]), NOTHING_TO_TEST)), *_planned(part)]
    figure, shows = quantile_figure(part, stamp), _shows(part)
    blocks = [
        Paragraph(why({"test": DECLARED.get(str(part["test"]), str(part["test"]))}, DECLARES) + " " + NEVER_CHOSEN),
        Paragraph(f"{REPLICATE} {_blocks(results, part)}".strip()),
        *filter(None, [_omnibus(part)]),
        *_pairs(part),
        *filter(None, [_detectable(part)]),
        _levels(part),
        *([figure] if figure else []),
        *_planned(part),
        *_of_runs(part),
    ]
    if shows:
        return blocks
    return [Paragraph(NOTHING_SHOWN), *(_folded(block) for block in blocks)]


def _folded(block: Block) -> Block:
    """A block of a section that shows nothing; what a new campaign takes stays open."""
    if isinstance(block, Table | Figure):
        return replace(block, folded=True)
    if isinstance(block, Paragraph) and not block.tone:
        return replace(block, summary="What was tested" if REPLICATE in block.text else "Which test, and why")
    return block


def _shows(part: Part) -> bool:
    """Whether any test of the section is below 5 %."""
    tests = [response["omnibus"] for response in part["responses"].values()]
    tests += [pair for response in part["responses"].values() for pair in response["post_hoc"]]
    tests += [of for one in part["runs"] for levels in (*one["scenarios"].values(), one["all_runs"], one["medians"])
              for of in levels.values()]  # fmt: skip
    return any(test and is_finite(test.get("p")) and test["p"] < ALPHA for test in tests)


def _blocks(results: Results, part: Part) -> str:
    """What the order of the runs was, and that the tests do not use it."""
    if pick(results, "campaign", "config", "campaign", "order") != "shuffled" or len(scenarios(results)) < 2:
        return ""
    found = part["blocks"]
    return (
        f"Each repetition is a block: one run of every scenario, in drawn order, with one seed; {found['complete']} of "
        f"{found['begun']} blocks are complete. The tests do not use the blocks, which costs power and no validity."
    )


def _title(key: str) -> str:
    return RESPONSES.get(key, words(key))


def _scale(response: Part) -> Scale:
    return scale_for(number_at(level, "mean") for level in response["levels"].values())


def _omnibus(part: Part) -> Table | None:
    """The tests over all scenarios, and Levene's, each with its n."""
    rows = []
    for key, response in part["responses"].items():
        if response["omnibus"]:
            rows += [test_row(f"{_title(key)}: location", response["omnibus"]),
                     test_row(f"{_title(key)}: spread", response["levene"])]  # fmt: skip
    if not rows:
        return None
    return Table("tests", "Do the scenarios differ?", TEST_HEADS, tuple(rows), TEST_NOTE)


def _pairs(part: Part) -> Iterable[Block]:
    """Every pair of scenarios; open is the table of the headline, the others are folded."""
    declared = str(part["test"])
    for key, response in part["responses"].items():
        if not response["post_hoc"]:
            continue
        scale = Scale("") if declared == "rank" else _scale(response)
        heads = pair_heads("mean ranks" if declared == "rank" else scale.unit, STATISTIC.get(declared, "Statistic"))
        rows = tuple(pair_row(pair, ALPHA, scale) for pair in response["post_hoc"])
        caption = f"{_title(key)}: every pair of scenarios ({POST_HOC.get(declared, declared)})"
        yield Table(f"pairs-{key}", caption, heads, rows, OF_PAIRS, folded=key != _headline(part))


def _headline(part: Part) -> str | None:
    """The response of the open table and of the Q-Q panels: induced energy, energy where there is none."""
    return next((key for key in ("induced_energy_wh", "energy_wh") if key in part["responses"]), None)


def _detectable(part: Part) -> Table | None:
    """What these runs could have shown, and Cliff's delta, which assumes no distribution."""
    rows = []
    for key, response in part["responses"].items():
        scale = _scale(response)
        for pair, found in zip(response["post_hoc"], response["detectable"], strict=True):
            difference = found["difference"]
            shown = significant(difference * scale.factor, 3) if is_finite(difference) else NOTHING
            delta = effect_text(pair["cliffs_delta"]).removeprefix("Cliff's δ = ")
            counts = " + ".join(str(n) for n in pair["n"])
            sd = significant(found["sd"] * scale.factor, 3)
            rows.append(
                Row((f"{found['first']} − {found['second']}", scale.axis(_title(key)), counts, sd, shown, delta))
            )
    if not rows:
        return None
    heads = (
        Head("Pair", False), Head("Quantity", False), Head("n"), Head("SD"), Head("Smallest difference to be shown"),
        Head("Cliff's δ, 95 % interval", False),
    )  # fmt: skip
    caption = "What these runs could have shown, and how far the values overlap"
    return Table("power", caption, heads, tuple(rows), OF_POWER, folded=len(rows) >= FOLD_FROM)


def _levels(part: Part) -> Table:
    """n, mean, median, spread and Shapiro-Wilk of every scenario in every response."""
    rows = []
    for key, response in part["responses"].items():
        scale = _scale(response)
        for name, level in response["levels"].items():
            mean, shapiro, cv = number_at(level, "mean"), level["shapiro"], level["cv"]
            ends = pick(cv, "interval")
            test = (
                (NOTHING, refusal(shapiro["refused"]))
                if shapiro["refused"]
                else (statistic_text(shapiro["statistic"]), p_text(shapiro["p"]))
            )
            rows.append(Row((
                name, scale.axis(_title(key)), str(pick(mean, "n")), bare(mean, scale),
                alike(number_at(level, "median"), mean, scale), spread(mean, scale),
                interval_text(cv["value"], None if ends is None else [ends["low"], ends["high"]], PERCENT), *test,
            )))  # fmt: skip
    heads = (
        Head("Scenario", False), Head("Quantity", False), Head("n"), Head("Mean ± U, type A"), Head("Median"),
        Head("SD"), Head("CV, 95 % interval\u00a0/\u00a0%"), Head("Shapiro-Wilk W"), Head("p"),
    )  # fmt: skip
    left_out = {name: None for response in part["responses"].values() for name in response["left_out"]}
    note = "Mean ± U at 95 %, from the spread of the runs alone. The very values of the tests above; Shapiro-Wilk is "
    note += "for information: no test was chosen by it."
    note += f" With a single run, and in no test: {', '.join(left_out)}." if left_out else ""
    return Table("levels", "What the tests rest on", heads, tuple(rows), note, folded=len(rows) >= FOLD_FROM)


def quantile_figure(part: Part, stamp: str) -> Figure | None:
    """Q-Q panels of the induced energy, of the energy where there is none."""
    if (key := _headline(part)) is None:
        return None
    response = part["responses"][key]
    scale, panels, spoken = _scale(response), [], []
    for style, (name, level) in enumerate(list(response["levels"].items())[:MOST_PANELS]):
        if found := level["qq"]:
            points = Points("", style, found["theoretical"], [value * scale.factor for value in found["ordered"]])
            line = Straight("", found["slope"] * scale.factor, found["intercept"] * scale.factor, style)
            panels.append(ScatterPanel(name, "normal quantile", scale.axis(_title(key).lower()), [points], [line]))
            spoken.append(f"{name}: {len(found['ordered'])} runs, {_line(level['shapiro'])}.")
    if not panels:
        return None
    caption = (
        f"Q-Q: {_title(key).lower()} of every run against the normal distribution; the line runs through the quartiles."
    )
    svg = statistics_figures.scatters(Labelled("fig-quantiles", caption, " ".join(spoken), stamp), panels, 3)
    return Figure("fig-quantiles", caption, Markup(svg))


def _line(shapiro: Part) -> str:
    return refusal(shapiro["refused"]) if shapiro["refused"] else f"Shapiro-Wilk p {p_text(shapiro['p'])}"


def _planned(part: Part) -> Iterable[Block]:
    """How many runs a stated half-width takes."""
    found = part["planning"]
    if not found:
        return
    needed = [f"{name} {runs} runs" for name, runs in found["runs"].items() if runs is not None]
    needed += [f"{found['blocks']} baseline blocks"] if found["blocks"] else []
    others = [f"{name}: {UNREACHABLE.get(str(reason), reason)}" for name, reason in found["unreachable"].items()]
    percent, share = (significant(float(found[key]), 3) for key in ("half_width_percent", "share_percent"))
    aim = f"±{percent} % of the induced energy in {share} % of campaigns"
    text = (
        f"A new campaign reaches {aim} with {', '.join(needed)}."
        if needed
        else f"No new campaign can be planned for {aim}."
    )
    yield Paragraph(" ".join([text, *(f"{other}." for other in others)]), "note")


def _of_runs(part: Part) -> list[Block]:
    """Loss and accuracy against energy: over the runs of each scenario, over all, over the medians."""
    rows = []
    for found in part["runs"]:
        title = f"{COURSES.get(str(found['x']), words(str(found['x'])))} and energy"
        several = len(found["scenarios"]) > 1
        levels = [(name, tests) for name, tests in found["scenarios"].items()]
        levels += [("all runs", found["all_runs"]), ("medians of the scenarios", found["medians"])] if several else []
        for name, tests in levels:
            rows += [test_row(f"{title}, {name}", tests[kind]) for kind in ("pearson", "spearman")]
    if not rows:
        return []
    caption = "Does a better trained net use more energy? Where each training ended, against the energy of its run"
    folded = len(rows) >= FOLD_FROM
    return [Table("correlations-runs", caption, TEST_HEADS, tuple(rows), f"{OF_RUNS} {TEST_NOTE}", folded=folded)]


def epoch_correlation_blocks(results: Results) -> list[Block]:
    """The energy of an epoch with the GPU's temperature, accuracy and loss: raw, and with the time taken out."""
    part = pick(results, "statistics")
    found: Sequence[Part] = listed(part, "epochs")
    if not found:
        return []
    of_heat = [one for one in found if one["x"] == TEMPERATURE]
    of_learning = [one for one in found if one["x"] != TEMPERATURE]
    blocks: list[Block] = []
    if of_heat:
        blocks.append(_correlations("heat", "Energy of an epoch and GPU temperature", of_heat))
        known = {"cnn", "transfer"} & set(scenarios(results))
        blocks.append(Paragraph(f"{CONFOUNDED} {GULDNER}" if known else CONFOUNDED, "note"))
    if of_learning:
        caption = "Energy of an epoch and what was learned by its end"
        blocks.append(_correlations("learning", caption, of_learning, folded=True))
    return blocks


def _correlations(name: str, caption: str, found: Iterable[Part], *, folded: bool = False) -> Table:
    rows = [
        Row((
            str(one["scenario"]), COURSES.get(str(one["x"]), str(one["x"])), f"{one['n_runs']}; {one['n_epochs']}",
            f"{_r(pick(one, 'all_epochs', 'pearson'))}; {_r(pick(one, 'all_epochs', 'spearman'))}",
            _r(pick(one, "all_epochs", "partial")), _over_runs(one["within_runs"]["raw"]),
            _over_runs(one["within_runs"]["partial"]), _r(pick(one, "same_epoch", "value")), _means(one["run_means"]),
        ))
        for one in found
    ]  # fmt: skip
    heads = (
        Head("Scenario", False), Head("With", False), Head("Runs; epochs"), Head("All epochs: r; ρ"),
        Head("Time out: r"), Head("Within runs: r"), Head("Time out: r"), Head("Same epoch: r"),
        Head("Run means: r", False),
    )  # fmt: skip
    return Table(f"correlations-{name}", caption, heads, tuple(rows), OF_EPOCHS, folded)


def _r(value: object) -> str:
    return fixed(float(value), 2) if isinstance(value, int | float) and is_finite(value) else NOTHING


def _over_runs(found: Part) -> str:
    if found["mean"] is None:
        return NOTHING
    return interval_text(found["mean"], found["interval"]) + ("" if found["interval"] else f" (n = {found['n']})")


def _means(test: Part) -> str:
    if test["refused"]:
        return refusal(test["refused"])
    return f"{interval_text(test['effect']['value'], test['effect']['interval'])}, p = {p_text(test['p'])}"


def marginal_table(results: Results) -> Table | None:
    """What one more percentage point of validation accuracy took, from level to level."""
    rows = []
    for name, part in scenarios(results).items():
        for step in listed(part, "marginal_energy"):
            number = number_at(step, "energy_per_point")
            counts = (str(step["n"]), str(step["n_at_once"]), str(step["n_not_reached"]))
            between = f"{as_text(step['low'])} → {as_text(step['high'])}"
            rows.append(Row((name, between, *counts, quantity(number) if value_of(number, Scale("")) else NOTHING)))
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Validation accuracy", False), Head("Runs"), Head("Both at once"),
        Head("Never reached"), Head("Energy per percentage point"),
    )  # fmt: skip
    note = (
        "Energy (total) from the end of the first epoch at one level to the end of the first epoch at the next, by the "
        "percentage points between these two epochs; mean over the runs, U at 95 %. A run that reached both levels in "
        "one epoch (both at once) does not count. Runs that never reached the higher level do not count either; with "
        "them the energy would be larger."
    )
    return Table("marginal", "What one more percentage point of accuracy took", heads, tuple(rows), note)
