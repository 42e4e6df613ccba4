"""Software trackers beside the meter: the section of the campaign's report and of the audit report.

Knows `trackers` of results.json (docs/results.md) and the words for its codes. Computes no result.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from reports.figures import statistics as statistics_figures
from reports.figures.palette import BASELINE
from reports.figures.sheet import Labelled
from reports.figures.statistics import GroupedPanel, Line, Points, ScatterPanel, Series
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.lookup import Results, listed, number_at, pick, run_name
from reports.pages.numbers import (
    NOTHING,
    Number,
    Scale,
    alike,
    bare,
    decimals_for,
    fixed,
    half_width_of,
    is_finite,
    page_scale,
    quantity,
    scale_for,
    value_of,
)
from reports.pages.tables import as_text

NAMES = {
    "codecarbon": "CodeCarbon",
    "carbontracker": "carbontracker",
    "eit": "experiment-impact-tracker",
    "nvml-rapl": "NVML and RAPL directly",
}
IMPORTED = "-imported"
PARTS = {"cpu": "CPU", "gpu": "GPU", "ram": "RAM", "unassigned": "not assigned to a part"}
PERCENT = Scale("%", 100.0)
ABOUT = (
    "Each tracker ran in the same runs as the meter. Its figure stands against the gross energy (with the idle "
    "machine's share) that the meter measured over the tracker's own interval; a data centre's factor (PUE) is undone. "
    "In brackets stands the 95 % interval; n counts runs."
)
CONTEXT = (
    "For context only, from other machines: CodeCarbon showed about 78 % of a meter (Guldner 2021; GPU read, CPU not), "
    "experiment-impact-tracker 0 in idle while it added about 0.49 Wh itself."
)
UNSPLIT = (
    "That is lost in the power supply or taken by components that it does not cover; to tell the two apart, "
    "state psu_efficiency_percent in [sut] of lab.toml"
)
MODELLED = ("constant", "estimation", "cpu_load", "tdp", "model")
"""Words in a tracker's method that say that nothing was read."""
REFUSED = {
    "too-few-runs": "fewer than two runs",
    "not-positive": "a figure of 0 has no logarithm",
    "too-few-scenarios": "fewer than five scenarios",
    "no-partner": "there is no scenario of the same folder and parameters without trackers",
    "epochs-not-fixed": "training could end at its target accuracy; set fixed_epochs in both scenarios",
    "no-pairs": "no repetition succeeded in both",
    "seeds-differ": "the repetitions had different seeds",
    "no-baseline": "there is no baseline, so there is no induced energy",
    "run-excluded": "the run enters no mean",
    "no-number": "it gave no energy",
    "negative": "its energy is below 0",
    "unplaced": "its interval cannot be put on the run's clock",
    "outside-record": "its interval reaches beyond the meter's readings",
    "too-short": "its interval, or a stretch of it, is shorter than the meter resolves",
    "no-energy": "the meter shows no energy in its interval",
    "no-artefact": "it left no file",
    "unreadable": "its file cannot be read",
}
"""Code of a refusal -> why, in words."""
MANY = 12
"""Longer tables are folded."""


def tracker_blocks(results: Results, stamp: str) -> list[Block]:
    """The whole section; empty where no run had a tracker."""
    told = pick(results, "trackers")
    if not told:
        return []
    found: list[Block | None] = [
        Paragraph(ABOUT),
        *_sentences(results, told),
        Paragraph(CONTEXT, "note"),
        _bars(told, stamp),
        _ratios(told),
        _agreement_figure(results, told, stamp),
        _agreements(told),
        _decomposition(told),
        _stretches(told),
        _costs(told),
        _runs(results, told),
    ]
    return [block for block in found if block is not None]


def answers(results: Results) -> list[str]:
    """For the terminal: what each tracker reported against the meter, and what it cost itself; a sentence each."""
    told = pick(results, "trackers")
    if not told:
        return []
    sentences = [_share_sentence(results, told, key) for key in _keys(told)]
    sentences += [f"{name_of(key)} cannot be compared: {REFUSED.get(why, why)}." for key, why in _silent(told)]
    for cost in listed(told, "own_induced"):
        if not cost.get("refused"):
            names = " + ".join(name_of(str(key)) for key in listed(cost, "trackers"))
            pairs = f"n\u00a0=\u00a0{as_text(pick(cost, 'n', 'value'))}"
            sentences.append(
                f"{names} itself added {quantity(number_at(cost, 'induced_energy_wh'))} to a run of "
                f"{as_text(cost.get('with'))}, against {as_text(cost.get('without'))} ({pairs})."
            )
    return sentences


def name_of(key: str) -> str:
    """A tracker's name in words."""
    plain = key.removesuffix(IMPORTED)
    return NAMES.get(plain, plain) + (" (imported file)" if key.endswith(IMPORTED) else "")


def _keys(told: Results) -> list[str]:
    """Trackers in the order of their names."""
    every = {key: None for of in (pick(told, "scenarios") or {}).values() for key in of}
    return sorted(every)


def _of(told: Results, key: str) -> dict[str, Any]:
    """Scenario -> that tracker's comparison."""
    return {str(name): of[key] for name, of in (pick(told, "scenarios") or {}).items() if key in of}


def _sentences(results: Results, told: Results) -> Iterator[Paragraph]:
    """What a user asks, of each tracker: how far off is it; then what stands behind its figure, and what it misses."""
    for key in _keys(told):
        parts = _of(told, key)
        yield Paragraph(_share_sentence(results, told, key))
        first = next(iter(parts.values()))
        said = list(_behind(first)) + list(_unseen(parts)) + list(_factors(first))
        if any(not one.get("complete") for one in parts.values()):
            said.append(
                "The meter's limits of error are not all known: the intervals below hold what is assumed of it."
            )
        problems = dict.fromkeys(str(text).rstrip(".") for one in parts.values() for text in listed(one, "problems"))
        said += [f"It noted: {'; '.join(problems)}."] if problems else []
        yield Paragraph(" ".join(said), "note")
    for (key, reason), texts in _silent(told).items():
        noted = f" It noted: {'; '.join(texts)}." if texts else ""
        yield Paragraph(f"{name_of(key)} cannot be compared: {REFUSED.get(reason, reason)}.{noted}")


def _share_sentence(results: Results, told: Results, key: str) -> str:
    """How far one tracker is off."""
    parts = _of(told, key)
    shares = [f"{_share_of(told, key, scenario, one)} in {scenario}" for scenario, one in parts.items()]
    doubt = "" if all(one.get("complete") for one in parts.values()) else f"; {_whose(results)} own error is unknown"
    return f"{name_of(key)} reported {_enumerated(shares)} of what the meter measured{doubt}."


def _silent(told: Results) -> dict[tuple[str, str], list[str]]:
    """Trackers without any comparison and why, with what they noted."""
    compared = _keys(told)
    found: dict[tuple[str, str], list[str]] = {
        (str(row["tracker"]), str(row["reason"])): []
        for row in listed(told, "missing")
        if row["tracker"] not in compared
    }
    for row in listed(told, "runs"):
        if not row.get("included") and row.get("tracker") not in compared:
            noted = [str(text).rstrip(".") for text in listed(row, "problems")]
            found.setdefault((str(row["tracker"]), str(row["excluded_because"])), noted)
    return found


def _behind(one: Results) -> Iterator[str]:
    """How the tracker has its figure, part by part; what is modelled is said to be no measurement."""
    methods: dict[str, list[str]] = pick(one, "methods") or {}
    for part, how in methods.items():
        text, name = "; ".join(how), PARTS.get(part, part)
        if any(word in text.lower() for word in MODELLED):
            yield f"Its {name} figure is a model, not a measurement: {text}."
        elif text.startswith("not stated"):
            yield f"How it has its {name} figure is {text}."
        elif text and text != "none":
            yield f"Its {name} figure: {text}."
    unseen = [PARTS.get(part, part) for part, how in methods.items() if how == ["none"]]
    if unseen:
        yield f"No figure of {_enumerated(unseen)}."


def _factors(one: Results) -> Iterator[str]:
    for factor in listed(one, "factors"):
        if factor.get("factor") != 1:
            why = f" ({factor['reason']})" if factor.get("reason") else ""
            yield f"It multiplies by {as_text(factor['factor'])}{why}; undone here."


def _share(one: Results) -> str:
    """'78.0 % [76.7, 79.4]'; '(78.0 ± 1.4) %' where Fieller's interval is unbounded."""
    number, interval = number_at(one, "ratio"), pick(one, "interval")
    places = _places(number)
    if not interval:
        return quantity(number, PERCENT)
    return f"{_percent(pick(number, 'value'), places)} % {_bracket(interval, places)}"


def _whose(results: Results) -> str:
    """What kind of meter it is whose error is not known."""
    tiers = {str(meter.get("tier")) for meter in listed(results, "meters") if meter.get("role") == "headline"}
    return "the plug's" if tiers == {"uncalibrated"} else "the meter's"


def _share_of(told: Results, key: str, scenario: str, one: Results) -> str:
    """The same with the number of runs; of a single run with what is known of the meter's error; of a meter whose error
    is not known in whole percent, without an interval."""
    runs = as_text(pick(one, "n", "value"))
    if not one.get("complete"):
        return f"{_percent(pick(one, 'ratio', 'value'), 0)} % (n\u00a0=\u00a0{runs})"
    if runs != "1":
        return f"{_share(one)} (n\u00a0=\u00a0{runs})"
    rows = (row for row in listed(told, "runs") if row.get("included"))
    row = next(row for row in rows if (row.get("scenario"), row.get("tracker")) == (scenario, key))
    return f"{quantity(number_at(row, 'ratio'), PERCENT)} (one run, U by the meter alone)"


def _places(number: Number | None) -> int:
    expanded = half_width_of(number, PERCENT)
    return decimals_for(expanded) if expanded else 1


def _percent(value: object, places: int) -> str:
    return fixed(float(value) * PERCENT.factor, places) if isinstance(value, int | float) else NOTHING


def _bracket(interval: Any, places: int) -> str:  # noqa: ANN401  decoded JSON
    return f"[{', '.join(_percent(end, places) for end in interval)}]" if interval else NOTHING


def _enumerated(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _unseen(parts: dict[str, Any]) -> Iterator[str]:
    """What is left of the meter's energy."""
    over = [name for name, one in parts.items() if pick(one, "rest", "share", "value") < 0]
    if over:
        yield f"In {_enumerated(over)} it says more than the machine took from the mains: what it models is too high."
    rests = [
        f"{quantity(number_at(one, 'rest', 'share'), PERCENT)} in {name}"
        for name, one in parts.items()
        if name not in over
    ]
    if not rests:
        return
    losses = dict.fromkeys(quantity(number_at(one, "supply", "loss", "share"), PERCENT) for one in parts.values())
    known = [loss for loss in losses if loss != NOTHING]
    split = UNSPLIT
    if known:
        split = f"Of that the power supply loses {known[0]}; components that it does not cover take the rest"
    yield f"It leaves out {_enumerated(rests)} of what the meter measured. {split}."


def _bars(told: Results, stamp: str) -> Figure | None:
    """Figure 9: the meter and the trackers, by scenario; where no scenario has two trackers, a panel for each."""
    of = pick(told, "scenarios") or {}
    if not of:
        return None
    caption = "Energy of a run by the meter and by each tracker, gross. Whiskers: U at 95 %."
    if any(len(by_tracker) > 1 for by_tracker in of.values()):
        caption += (
            " The meter's bar is over the interval of the tracker named first in the scenario; every tracker's own "
            "interval stands in the table."
        )
        panels = [_bar_panel(told, "Meter and trackers", list(of), _keys(told))]
    else:
        panels = [_bar_panel(told, name_of(key), list(_of(told, key)), [key]) for key in _keys(told)]
    spoken = " ".join(
        f"{panel.title}, {panel.axis}: {group}, {one.label} {one.texts[i]}."
        for panel in panels for i, group in enumerate(panel.groups) for one in panel.series
        if one.values[i] is not None
    )  # fmt: skip
    svg = statistics_figures.grouped(Labelled("fig-trackers", caption, spoken, stamp), panels)
    return Figure("fig-trackers", caption, Markup(svg))


def _bar_panel(told: Results, title: str, groups: Sequence[str], keys: Sequence[str]) -> GroupedPanel:
    of, style_of = pick(told, "scenarios"), {key: style for style, key in enumerate(_keys(told))}
    meter = [number_at(next(one for key, one in of[name].items() if key in keys), "meter_wh") for name in groups]
    columns = {key: [number_at(of[name], key, "tracker_wh") for name in groups] for key in keys}
    scale = scale_for([*meter, *(number for numbers in columns.values() for number in numbers)])
    series = [_series("meter", BASELINE, meter, scale)]
    series += [_series(key, style_of[key], numbers, scale) for key, numbers in columns.items()]
    return GroupedPanel(title, scale.axis("energy"), groups, series)


def _series(key: str, style: int, numbers: Sequence[Number | None], scale: Scale) -> Series:
    values = [value_of(number, scale) for number in numbers]
    halves = [half_width_of(number, scale) for number in numbers]
    ends = [
        (None, None) if value is None or half is None else (value - half, value + half)
        for value, half in zip(values, halves, strict=True)
    ]
    texts = [bare(number, scale).split(" ±")[0] for number in numbers]
    return Series(name_of(key), style, values, texts, [low for low, _ in ends], [high for _, high in ends])


def _ratios(told: Results) -> Table | None:
    """One row for each scenario and tracker."""
    rows = []
    for scenario, of in (pick(told, "scenarios") or {}).items():
        for key, one in of.items():
            both = [number_at(one, "tracker_wh"), number_at(one, "meter_wh")]
            scale, ratio = scale_for(both), number_at(one, "ratio")
            shown = (f"{bare(number, scale)}{scale.suffix}" for number in both)
            duration = bare(number_at(one, "duration_s"), Scale("s"))
            share, interval = bare(ratio, PERCENT), _bracket(pick(one, "interval"), _places(ratio))
            rows.append(
                Row((scenario, name_of(key), as_text(pick(one, "n", "value")), duration, *shown, share, interval))
            )
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
    return Table("tracker-ratios", "Trackers against the meter, gross energy", heads, tuple(rows), note)


def _agreement_figure(results: Results, told: Results, stamp: str) -> Figure | None:
    """Bland and Altman: every run's ratio over its size, with bias and limits of agreement of each scenario."""
    scale = page_scale(results, "Wh")
    names = list(pick(told, "scenarios") or {})
    panels, spoken = [], []
    for key in _keys(told):
        points, lines = [], []
        for style, scenario in enumerate(names):
            rows = [
                row for row in listed(told, "runs")
                if row.get("included") and row.get("scenario") == scenario and row.get("tracker") == key
                and is_finite(row.get("pair_mean_wh"))
            ]  # fmt: skip
            if not rows:
                continue
            x = [float(row["pair_mean_wh"]) * scale.factor for row in rows]
            points.append(Points(scenario, style, x, [float(row["ratio"]["value"]) for row in rows]))
            agreed = pick(_of(told, key)[scenario], "agreement")
            lines += list(_lines(agreed, x, style))
            spoken.append(f"{name_of(key)}, {scenario}: {_agreed(agreed)}.")
        if points:
            panels.append(ScatterPanel(name_of(key), scale.axis("mean of both"), "tracker / meter", points, lines))
    if not panels:
        return None
    caption = (
        "Bland-Altman: tracker over meter of every run, against the geometric mean of both. Lines of each scenario: "
        "its bias, and outside of it the 95 % limits of agreement."
    )
    label = Labelled("fig-agreement", caption, " ".join(spoken), stamp)
    return Figure("fig-agreement", caption, Markup(statistics_figures.scatters(label, panels)))


def _lines(agreed: Any, x: Sequence[float], style: int) -> Iterator[Line]:  # noqa: ANN401  decoded JSON
    """Bias and limits over the stretch that the scenario's runs take."""
    reach = (min(x), max(x))
    for path, dashed in ((("bias", "value"), False), (("low", "value"), True), (("high", "value"), True)):
        value = pick(agreed, *path)
        if is_finite(value):
            yield Line("", reach, (float(value), float(value)), style, dashed)


def _agreed(one: Any) -> str:  # noqa: ANN401  decoded JSON
    """Bias and limits in one clause."""
    if refused := pick(one, "refused"):
        return f"not given, {REFUSED.get(refused, refused)}"
    places = _places(number_at(one, "bias"))
    text = f"bias {_percent(pick(one, 'bias', 'value'), places)} % {_bracket(pick(one, 'interval'), places)}"
    if pick(one, "low") is None:
        return f"{text}; limits of agreement not given, fewer than three runs"
    ends = (f"{_percent(pick(one, k, 'value'), places)} % {_bracket(pick(one, k, 'interval'), places)}"
            for k in ("low", "high"))  # fmt: skip
    return f"{text}; limits of agreement {' to '.join(ends)}"


def _agreements(told: Results) -> Table | None:
    rows = []
    for scenario, of in (pick(told, "scenarios") or {}).items():
        rows += [_agreement_row(scenario, key, pick(one, "agreement")) for key, one in of.items()]
    for key, one in (pick(told, "agreement") or {}).items():
        rows.append(_agreement_row("over scenarios", key, one))
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


def _agreement_row(scenario: str, key: str, one: Any) -> Row:  # noqa: ANN401  decoded JSON
    start = (scenario, name_of(key), as_text(pick(one, "n")))
    if refused := pick(one, "refused"):
        return Row((*start, REFUSED.get(refused, str(refused)), NOTHING, NOTHING))
    places = _places(number_at(one, "bias"))
    limits = (
        f"{_percent(pick(one, k, 'value'), places)} {_bracket(pick(one, k, 'interval'), places)}"
        if pick(one, k) else NOTHING
        for k in ("low", "high")
    )  # fmt: skip
    bias = f"{_percent(pick(one, 'bias', 'value'), places)} {_bracket(pick(one, 'interval'), places)}"
    return Row((*start, bias, *limits))


def _decomposition(told: Results) -> Table | None:
    """The meter's energy: what the tracker reports, what it does not."""
    rows: list[Row] = []
    for scenario, of in (pick(told, "scenarios") or {}).items():
        for key, one in of.items():
            rows += _decomposed(scenario, name_of(key), one)
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
    folded = len(rows) > MANY
    return Table("tracker-parts", "What the meter's energy is made of", heads, tuple(rows), note, folded=folded)


def _decomposed(scenario: str, tracker: str, one: Any) -> Iterator[Row]:  # noqa: ANN401  decoded JSON
    methods, scale = pick(one, "methods") or {}, scale_for([number_at(one, "meter_wh")])

    def row(part: str, entry: Any, how: str) -> Row:  # noqa: ANN401
        energy = f"{bare(number_at(entry, 'energy_wh'), scale)}{scale.suffix}"
        return Row((scenario, tracker, part, energy, bare(number_at(entry, "share"), PERCENT), how))

    for part, entry in (pick(one, "parts") or {}).items():
        yield row(PARTS.get(part, part), entry, "; ".join(listed(methods, part)))
    if gpu := pick(one, "gpu"):
        ratio = number_at(gpu, "ratio")
        told = f"the tracker's figure is {_share(gpu)} of it" if ratio else "the tracker gives no GPU figure"
        energy = f"{bare(number_at(gpu, 'energy_wh'), scale)}{scale.suffix}"
        yield Row((scenario, tracker, f"GPU by the agent ({gpu.get('method')})", energy, NOTHING, told))
    yield row("not reported", pick(one, "rest"), "meter minus tracker")
    if supply := pick(one, "supply"):
        yield row("… loss of the power supply", pick(supply, "loss"), "by the efficiency that lab.toml states")
        yield row("… components out of scope", pick(supply, "out_of_scope"), "the rest of it")


def _stretches(told: Results) -> Table | None:
    """Phases and epochs, where a tracker gives them."""
    rows = []
    for scenario, of in (pick(told, "scenarios") or {}).items():
        for key, one in of.items():
            for part in listed(one, "intervals"):
                index = "all, summed by run" if part.get("index") is None else str(int(part["index"]) + 1)
                both = [number_at(part, "tracker_wh"), number_at(part, "meter_wh")]
                scale, ratio = scale_for(both), number_at(part, "ratio")
                shown = (f"{bare(number, scale)}{scale.suffix}" for number in both)
                start = (scenario, name_of(key), as_text(part.get("name")), index, as_text(part.get("n")))
                interval = _bracket(pick(part, "interval"), _places(ratio))
                rows.append(Row((*start, *shown, bare(ratio, PERCENT), interval)))
    if not rows:
        return None
    heads = (
        Head("Scenario", False), Head("Tracker", False), Head("Interval", False), Head("No."), Head("n"),
        Head("Tracker"), Head("Meter"), Head("Tracker / meter in %"), Head("95 %"),
    )  # fmt: skip
    note = "n counts runs. Epochs of one run are no independent cases: all together, each run counts once."
    return Table("tracker-intervals", "Phases and epochs", heads, tuple(rows), note, folded=True)


def _costs(told: Results) -> Table | Paragraph | None:
    """What the trackers themselves cost."""
    costs = listed(told, "own_induced")
    if not costs:
        return None
    rows = []
    for cost in costs:
        names = " + ".join(name_of(str(key)) for key in listed(cost, "trackers"))
        start = (names, as_text(cost.get("with")), as_text(cost.get("without")) or NOTHING)
        if refused := cost.get("refused"):
            rows.append(Row((*start, NOTHING, NOTHING, NOTHING, f"not given: {REFUSED.get(refused, refused)}")))
            continue
        induced, longer = number_at(cost, "induced_energy_wh"), number_at(cost, "duration_s")
        remark = "not interleaved: time may have made this difference" if cost.get("order_confounded") else ""
        runs = as_text(pick(cost, "n", "value"))
        rows.append(Row((*start, runs, quantity(induced), bare(longer, Scale("s")), remark)))
    heads = (
        Head("Trackers", False), Head("With", False), Head("Without", False), Head("Pairs"), Head("Own induced energy"),
        Head("Longer by\u00a0/\u00a0s"), Head("Remark", False),
    )  # fmt: skip
    note = "Mean of the paired differences of induced energy, with minus without, by repetition (same seed)."
    return Table("tracker-cost", "What the trackers themselves add to a run", heads, tuple(rows), note)


def _runs(results: Results, told: Results) -> Table | None:
    rows = []
    for row in listed(told, "runs"):
        meter, ratio = number_at(row, "meter_wh"), number_at(row, "ratio")
        scale = scale_for([meter])
        said = row.get("energy_wh")
        energy = f"{alike({'value': said, 'unit': 'Wh'}, meter, scale)}{scale.suffix}" if is_finite(said) else NOTHING
        because = str(row.get("excluded_because") or "")
        cells = (
            run_name(results, row.get("folder")), str(row.get("scenario")), name_of(str(row.get("tracker"))),
            as_text(row.get("begin_s")), as_text(row.get("duration_s")), as_text(row.get("reported_wh")),
            as_text(row.get("factor")), energy, f"{bare(meter, scale)}{scale.suffix}", bare(ratio, PERCENT),
            as_text(row.get("polls")), REFUSED.get(because, because) or _of_what(row),
        )  # fmt: skip
        rows.append(Row(cells, "" if row.get("included") else "excluded"))
    for none in listed(told, "missing"):
        start = (run_name(results, none.get("folder")), "", name_of(str(none.get("tracker"))))
        rows.append(Row((*start, *([NOTHING] * 8), REFUSED.get(str(none.get("reason")), "")), "excluded"))
    if not rows:
        return None
    heads = (
        Head("Run", False), Head("Scenario", False), Head("Tracker", False), Head("Begins after\u00a0/\u00a0s"),
        Head("Lasts\u00a0/\u00a0s"), Head("Reported\u00a0/\u00a0Wh"), Head("Factor"), Head("Without factor"),
        Head("Meter"), Head("Tracker / meter in %"), Head("Polls"), Head("Remark", False),
    )  # fmt: skip
    note = "± U at 95 % of a single run's energy by the meter."
    return Table("tracker-runs", "Every run with a tracker", heads, tuple(rows), note, folded=True)


def _of_what(row: Results) -> str:
    """What an imported figure was lined up by."""
    if row.get("clock") == "run":
        return "over the run's own interval, as the operator said; its file's duration is not that of its energy"
    if not row.get("imported"):
        return ""
    spans = f", {row['spans']} stretches added" if row.get("spans") else ""
    return f"lined up by wall clock{spans}"
