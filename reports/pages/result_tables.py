"""Tables of results: per scenario energies, hardware, actions and epochs, efficiency, success.

Knows the scenarios of results.json and the rounding rule. Knows no single run, no figure, no HTML.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.pages.baseline_state import state_of
from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.budgets import incomplete
from reports.pages.declared import Vocabulary, capitalized, vocabulary
from reports.pages.few import without_u
from reports.pages.lookup import words
from reports.pages.numbers import Scale, bare, fixed, full, quantity, scale_for
from reports.pages.plain_words import as_text
from reports.results.action import ActionResult, EnergyPerWork
from reports.results.document import Results
from reports.results.uncertainty import Estimate, Number

MANY = 1000.0
FEW_EPOCHS = 12
"""A longer table is folded on screen."""

INDUCED_NOTE = (
    " Induced energy is the energy of a run less the baseline's power over its duration: that of the straight line "
    "between the blocks before and after it, the pooled one where it does not lie between two."
)

U_NOTE = "Value ± U at 95 %."

BUDGET_NOTE = "The uncertainty budget lists what U of an energy is made of."

SPREAD_NOTE = "Value ± U at 95 %; U holds only the spread of the runs (type A)."


def u_note(results: Results, rows: Sequence[Row]) -> str:
    """What the U of a table holds, and what it lacks; where no cell has one, that and why."""
    return " ".join([U_NOTE, *incomplete(results)]) if has_u(rows) else no_u(results)


def has_u(rows: Sequence[Row]) -> bool:
    """Whether a cell shows an interval."""
    return any("±" in cell for row in rows for cell in row.cells)


def no_u(results: Results) -> str:
    """That a table or a figure shows no U, and why where it is for want of a second run."""
    return "No U: one run does not show how far runs differ." if without_u(results) else "No U is known."


def result_table(results: Results) -> Table | None:
    """The scenarios side by side: duration, power, energy, induced energy, the GPU's part. None: only a baseline."""
    parts = results.scenarios
    if not parts:
        return None
    gpus = [part.gpu for part in parts.values()]
    columns: dict[str, list[Number | None]] = {
        "Duration": [part.duration_s for part in parts.values()],
        "Mean power": [part.mean_power_w for part in parts.values()],
        "Energy": [part.energy_wh for part in parts.values()],
        "Induced energy": [part.induced_energy_wh for part in parts.values()],
        "GPU energy, own reading": [None if gpu is None else gpu.energy_wh for gpu in gpus],
        "GPU induced, own reading": [None if gpu is None else gpu.induced_energy_wh for gpu in gpus],
        "GPU share of energy": [None if gpu is None else gpu.share for gpu in gpus],
    }
    shown = [(title, numbers) for title, numbers in columns.items() if any(numbers)]
    scales = [scale_for(numbers) for _, numbers in shown]
    rows = []
    for place, (name, part) in enumerate(parts.items()):
        cells = (bare(numbers[place], scale) for (_, numbers), scale in zip(shown, scales, strict=True))
        rows.append(Row((name, bare(part.n_runs, Scale("")), *cells)))
    heads = [Head("Scenario", numeric=False), Head("Runs")]
    heads += [Head(scale.axis(title)) for (title, _), scale in zip(shown, scales, strict=True)]
    note = f"Means over the runs. {u_note(results, rows)}"
    note += f" {BUDGET_NOTE}" if has_u(rows) else ""
    if has_u(rows) and (alone := without_u(results)):
        note += f" No U where there is one run: {', '.join(alone)}."
    if "Induced energy" in dict(shown):
        note += INDUCED_NOTE
        note += f" The baseline was measured with the {state}." if (state := state_of(results)) is not None else ""
    labels = sorted({gpu.label for gpu in gpus if gpu is not None})
    if labels:
        note += f" GPU figures ({', '.join(labels)}) are the board's own reading, not the meter's. Its limits of error "
        note += "are unknown, so their U holds only the spread of the runs."
    return Table("results-table", "Result per scenario and run", tuple(heads), tuple(rows), note)


def hardware_tables(results: Results) -> list[Block]:
    """Per scenario: mean, baseline, induced and work of every hardware indicator."""
    blocks: list[Block] = []
    for name, part in results.scenarios.items():
        rows = []
        for key, use in part.hardware.items():
            levels = (use.mean, use.baseline, use.induced)
            scale, of_work = scale_for(levels), scale_for([use.work])
            cells = (bare(level, scale) for level in levels)
            rows.append(Row((words(key), scale.unit, *cells, bare(use.work, of_work), of_work.unit.removeprefix("1·"))))
        if rows:
            heads = tuple(Head(t, numeric=t not in ("Indicator", "Unit", "Unit of work")) for t in
                          ("Indicator", "Unit", "Mean", "Baseline", "Induced", "Work", "Unit of work"))  # fmt: skip
            note = "Induced: mean less baseline. Work: the induced part, summed over the run. "
            note += SPREAD_NOTE if has_u(rows) else no_u(results)
            blocks.append(
                Table(f"hardware-{len(blocks)}", f"Hardware use, {name}", heads, tuple(rows), note, folded=True)
            )
    return blocks


def action_tables(results: Results, key: str, caption: str) -> list[Block]:
    """Per scenario: duration and energy of every action, or of the one that repeats (epochs) with its metrics."""
    blocks: list[Block] = []
    for name, part in results.scenarios.items():
        if records := part.epochs if key == "epochs" else part.actions:
            table = _records(
                f"{key}-{len(blocks)}",
                f"{caption}, {name}",
                records,
                vocabulary(results, name),
                by_index=key == "epochs",
            )
            notes = (*_too_short(results, name, records), u_note(results, table.rows))
            blocks.append(replace(table, note=" ".join(notes)))
    return blocks


def _too_short(results: Results, scenario: str, records: Sequence[ActionResult]) -> Iterator[str]:
    """Why rows of a table of actions have no energy, where that is for their length."""
    found = [one for one in results.findings if (one.code, one.subject) == ("action-too-short", scenario)]
    lacking = [record for record in records if record.energy_wh is None]
    for evidence in (one.evidence for one in found):
        names = dict.fromkeys(record.name for record in lacking if record.name in evidence["actions"])
        if names:
            every = "No energy" if len(lacking) == len(records) else "In some rows no energy"
            yield (
                f"{every}: the meter's readings are momentary, and what is shorter than two of their distances "
                f"({fixed(evidence['needed_s'], 1)} s) is not seen ({', '.join(names)})."
            )


def _records(
    name: str, caption: str, records: Sequence[ActionResult], declared: Vocabulary, *, by_index: bool
) -> Table:
    begins = {} if by_index else {"Begin": [record.begin_s for record in records]}
    columns: dict[str, list[Number | None]] = begins | {
        words("duration_s"): [record.duration_s for record in records],
        words("mean_power_w"): [record.mean_power_w for record in records],
        words("energy_wh"): [record.energy_wh for record in records],
        words("induced_energy_wh"): [record.induced_energy_wh for record in records],
        "GPU temperature": [record.gpu_temperature_c for record in records],
    }
    columns |= _work_columns(records)
    metrics = dict.fromkeys(metric for record in records for metric in record.metrics) if by_index else {}
    columns |= {declared.metric(metric): [record.metrics.get(metric) for record in records] for metric in metrics}
    shown = {title: numbers for title, numbers in columns.items() if any(numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    repeated = {record.name for record in records if record.index}
    rows = []
    for place, record in enumerate(records):
        number = str(record.index)
        title = number if by_index else f"{record.name} {number}" if record.name in repeated else record.name
        cells = (bare(numbers[place], scales[column]) for column, numbers in shown.items())
        rows.append(Row((title, str(record.n), *cells)))
    heads = [Head(capitalized(declared.repeated()) if by_index else "Action", numeric=by_index), Head("Runs")]
    heads += [Head(scale.axis(title)) for title, scale in scales.items()]
    return Table(name, caption, tuple(heads), tuple(rows), folded=len(rows) > FEW_EPOCHS)


def efficiency_table(results: Results) -> list[Block]:
    """Efficiency factors by induced and by total energy; the reason where one is suppressed; energy per unit of work
    that programs mark."""
    blocks: list[Block] = []
    rows = []
    for name, part in results.scenarios.items():
        factors, of_work = part.efficiency, vocabulary(results, name)
        for kind in dict.fromkeys([*factors.per_induced, *factors.per_total]):
            induced, total = factors.per_induced.get(kind), factors.per_total.get(kind)
            scale = scale_for([induced, total])
            rows.append(Row((name, of_work.kind(kind), scale.unit or "1", bare(induced, scale), bare(total, scale))))
        if factors.suppressed:
            blocks.append(Paragraph(f"{name} has no factor by induced energy: {factors.suppressed}.", "note"))
    if rows:
        heads = [Head(t, numeric=False) for t in ("Scenario", "Useful work per energy", "Unit")]
        heads += [Head("by induced energy"), Head("by total energy")]
        note = "Ratio of the means over the runs. With a stop at a target the numerator is nearly constant. "
        note += u_note(results, rows)
        blocks.insert(0, Table("efficiency", "Efficiency factors", tuple(heads), tuple(rows), note))
    of_marks = work_table(results)
    return blocks if of_marks is None else [*blocks, of_marks]


def work_table(results: Results) -> Table | None:
    """Energy per unit of the work that the programs mark, per thousand where a run does thousands; None: none marks."""
    rows = []
    for name, part in results.scenarios.items():
        for work in part.energy_per_work:
            each = per_many(work)
            numbers = [times(number, each) for number in (work.induced_energy_wh, work.energy_wh)]
            scale = scale_for(numbers)
            cells = (bare(number, scale) for number in numbers)
            rows.append(Row((name, bare(work.amount, Scale("")), of_many(work), scale.unit, *cells)))
    heads = [Head("Scenario", numeric=False), Head("Work per run"), Head("Energy of", numeric=False)]
    heads += [Head("Unit", numeric=False), Head("Induced energy"), Head("Total energy")]
    note = "The program counted the work itself. Ratio of the means over the runs. "
    note += u_note(results, rows)
    return Table("work", "Energy per unit of work", tuple(heads), tuple(rows), note) if rows else None


def per_many(work: EnergyPerWork) -> float:
    """Of how many units the energy is told: one, or a thousand where a run does a thousand or more."""
    return MANY if work.amount.value >= MANY else 1.0


def of_many(work: EnergyPerWork) -> str:
    """The units in words: `1000 tokens`, `requests, each`."""
    noun = work.work.replace("_", " ")
    return f"{per_many(work):.0f} {noun}" if per_many(work) > 1 else f"{noun}, each"


def times(number: Number | None, count: float) -> Number | None:
    """The energy of so many units (Wh)."""
    if number is None:
        return None
    one = number.estimate
    estimate = Estimate(one.value * count, None if one.u is None else one.u * count, one.dof)
    return Number(estimate, "Wh", None if number.sd is None else number.sd * count, number.n)


def _work_columns(records: Sequence[ActionResult]) -> dict[str, list[Number | None]]:
    """Induced energy per unit of work, total where there is no baseline, of every action that has some."""
    parts = [part for record in records for part in record.energy_per_work]
    columns: dict[str, list[Number | None]] = {}
    for unit in dict.fromkeys(part.work for part in parts):
        largest = max((part for part in parts if part.work == unit), key=lambda part: part.amount.value)
        own = [next((part for part in record.energy_per_work if part.work == unit), None) for record in records]
        is_induced = any(part is not None and part.induced_energy_wh is not None for part in own)
        title = f"{'Induced energy' if is_induced else 'Energy'} of {of_many(largest)}"
        columns[title] = [
            None if part is None else times(part.induced_energy_wh if is_induced else part.energy_wh, per_many(largest))
            for part in own
        ]
    return columns


def success_table(results: Results) -> Table | None:
    """Scenarios with a target: how many runs reached it, energy per success, energy up to a level of accuracy."""
    rows = []
    for name, part in results.scenarios.items():
        if (success := part.success) is not None:
            counts = str(success.reached), str(success.n)
            rows.append(Row((name, "target reached", *counts, quantity(success.energy_per_success_wh))))
        for level in part.energy_to_accuracy:
            title = f"{vocabulary(results, name).metric(level.metric)} ≥ {as_text(level.level)}"
            rows.append(Row((name, title, str(level.n_reached), str(level.n), full(level.energy_wh))))
    heads = (
        Head("Scenario", False),
        Head("Level", False),
        Head("Runs that reached it"),
        Head("Runs"),
        Head("Energy up to it, or per success"),
    )
    return Table("success", "Targets and the energy to reach them", heads, tuple(rows)) if rows else None
