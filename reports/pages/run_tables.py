"""Tables of every run and baseline block, and of their durations.

Knows results.json and the rounding rule. Knows no figure, no HTML.
"""

import re
from collections.abc import Mapping, Sequence
from statistics import mean, median, stdev

from reports.pages.baseline_state import state_of
from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.lookup import enumerated_runs, run_names
from reports.pages.numbers import (
    DECIMALS_OF_SECONDS,
    NOTHING,
    Scale,
    alike,
    bare,
    decimals_for,
    fixed,
    full,
    scale_for,
)
from reports.pages.plain_words import as_text
from reports.pages.planned import wait_words
from reports.pages.result_tables import FEW_EPOCHS, u_note
from reports.results.document import Results
from reports.results.finding_kinds import kind_of
from reports.results.run import RunResult
from reports.results.uncertainty import Number

BOARD = "GPU, own reading"
"""Head of what the boards say of themselves: a figure beside the meter's that is not the meter's."""


def start_head(results: Results) -> Head:
    """Head of the column of moments at which runs began."""
    return Head("Start (UTC)" if results.campaign.is_utc else "Start (local time)", numeric=False, keep=True)


def start_text(utc: str) -> str:
    """A moment as a table has it: a date and a time of day."""
    return utc.removesuffix("Z").replace("T", " ", 1)


def baseline_table(results: Results) -> list[Block]:
    """Baseline: pooled, drift, without outliers, and every block."""
    baseline = results.baseline
    if baseline is None:
        return [Paragraph("There is no baseline in this campaign; no induced energy can be given.", "note")]
    items = [("Blocks", bare(baseline.n_blocks, Scale("")))]
    items += [("State of the machine", state)] if (state := state_of(results)) is not None else []
    named = (
        ("Mean power", baseline.mean_power_w),
        ("without outlying blocks", baseline.without_outliers),
        ("Duration of a block", baseline.duration_s),
        ("GPU power, own reading", baseline.gpu_power_w),
    )
    items += [(title, full(number)) for title, number in named if number is not None]
    if (drift := baseline.drift_w) is not None:
        scale = scale_for([drift])
        items.append(("Drift, last block minus first", f"{alike(drift, baseline.mean_power_w, scale)}{scale.suffix}"))
    power = scale_for(block.mean_power_w for block in baseline.blocks)
    rows = []
    for block in baseline.blocks:
        shown = alike(block.mean_power_w, baseline.mean_power_w, power)
        z = NOTHING if block.modified_z is None else fixed(block.modified_z, 2)
        place = (str(block.ordinal), start_text(block.start_utc), bare(block.duration_s, Scale("s")))
        rows.append(Row((*place, shown, z, "outlier" if block.outlier else "")))
    heads = [Head("Run"), start_head(results), Head("Duration / s"), Head(power.axis("Mean power"))]
    heads += [Head("Modified z"), Head("Remark", False)]
    table = Table("baseline-blocks", "Baseline blocks", tuple(heads), tuple(rows), folded=len(rows) > FEW_EPOCHS)
    return [Facts("Baseline", tuple(items)), table]


def run_table(results: Results) -> Table:
    """Every run in the order it was begun; excluded ones with the reason."""
    runs = results.runs
    columns: dict[str, list[Number | None]] = {
        "Duration": [run.duration_s for run in runs],
        "Mean power": [run.mean_power_w for run in runs],
        "Energy": [run.energy_wh for run in runs],
        "Induced": [run.induced_energy_wh for run in runs],
        BOARD: [run.gpu_energy_wh for run in runs],
        "In gaps": [run.gap_energy_wh for run in runs],
    }
    shown = {title: numbers for title, numbers in columns.items() if any(number and number.value for number in numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    codes = [[code for code in run.findings if not kind_of(code).is_of_page] for run in runs]
    waits, names = [wait_words(run) for run in runs], run_names(results)
    common = _common(runs, codes, names)
    rows, anchors = [], set[str]()
    for place, (run, own_codes, waited) in enumerate(zip(runs, codes, waits, strict=True)):
        texts = [bare(numbers[place], scales[title]) for title, numbers in shown.items()]
        why = ""
        if not run.included:
            texts = [text if text == NOTHING else f"({text})" for text in texts]
            why = f"excluded: {run.excluded_because or run.reason or 'not stated'}"
        remarks = [why, ", ".join(code for code in own_codes if code not in common)]
        cells = (
            names[run.folder].removeprefix("run "), run.scenario, *texts, "yes" if run.included else "no",
            "; ".join(filter(None, remarks)), *([waited] if any(waits) else []), start_text(run.start_utc),
        )  # fmt: skip
        anchor = run_anchor(names[run.folder])
        rows.append(Row(cells, "" if run.included else "excluded", "" if anchor in anchors else anchor))
        anchors.add(anchor)
    for lost in results.campaign.lost:
        start = (as_text(lost.ordinal), as_text(lost.scenario), *[NOTHING] * len(shown))
        middle = ("no", f"lost: {lost.reason}", *([""] if any(waits) else []))
        rows.append(Row((*start, *middle, start_text(as_text(lost.begun_utc))), "excluded"))
    heads = [Head("Run"), Head("Scenario", False)]
    heads += [Head(scale.axis(title)) for title, scale in scales.items()]
    heads += [Head("In the means", False), Head("Reason, findings", False, prose=True)]
    heads += [Head("Waited", False, keep=True)] if any(waits) else []
    heads += [start_head(results)]
    note = f"U of a single run holds the errors of meter, clocks and edges, and its baseline's. {u_note(results, rows)}"
    note += " GPU figures are the board's own reading, not the meter's." if BOARD in shown else ""
    if any(row.tone for row in rows):
        note += " Values in brackets belong to excluded runs: they enter no mean, and their U leaves the reason out."
    shared = ", ".join(f"{code} ({where})" for code, where in common.items())
    note += f" What most runs have is said here and not in their rows: {shared}." if shared else ""
    return Table("runs-table", "All runs, in the order they were begun", tuple(heads), tuple(rows), note, of_runs=True)


def run_anchor(name: str) -> str:
    """Where a run stands on the page: 'run-7', 'run-7-attempt-2'."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def _common(runs: Sequence[RunResult], codes: Sequence[Sequence[str]], names: Mapping[str, str]) -> dict[str, str]:
    """The findings that more than half of the runs have, which the note says once, and the runs that have them."""
    every = dict.fromkeys(code for own in codes for code in own)
    having = {code: [run.folder for run, own in zip(runs, codes, strict=True) if code in own] for code in every}
    return {
        code: enumerated_runs([names.get(folder, folder) for folder in folders])
        for code, folders in having.items()
        if 2 * len(folders) > len(runs) > 1
    }


def duration_table(results: Results) -> Table | None:
    """Number, mean, SD, median, least and greatest duration of the runs."""
    groups: dict[str, list[float]] = {}
    for run in results.runs:
        if run.included and run.duration_s is not None:
            groups.setdefault(run.scenario, []).append(run.duration_s.value)
    rows = [Row((name, *_five(values))) for name, values in groups.items()]
    heads = ("Scenario", "Runs", "Mean", "SD", "Median", "Least", "Greatest")
    return (
        Table("durations", "Durations of the runs / s", tuple(Head(h, i > 0) for i, h in enumerate(heads)), tuple(rows))
        if rows
        else None
    )


def _five(values: Sequence[float]) -> tuple[str, ...]:
    """n, mean, SD, median, least and greatest: to the digits of the spread, without one to a thousandth."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    places = min(decimals_for(deviation), DECIMALS_OF_SECONDS) if deviation > 0 else DECIMALS_OF_SECONDS
    shown = fixed(deviation, places) if round(deviation, places) > 0 else NOTHING
    others = (fixed(value, places) for value in (median(values), min(values), max(values)))
    return str(len(values)), fixed(mean(values), places), shown, *others
