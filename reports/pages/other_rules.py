"""Tables of the same runs by other rules: OSCAR's, a publisher's own window, what was left out or kept otherwise.

Knows results.json and the rounding rule. Knows no figure, no HTML, and computes nothing but differences in percent.
"""

from collections.abc import Iterable

from reports.pages.blocks import Block, Head, Row, Table
from reports.pages.lookup import words
from reports.pages.numbers import NOTHING, alike, bare, fixed, scale_for, significant
from reports.results.document import Results
from reports.results.scenario import OscarResult, ScenarioResult
from reports.results.uncertainty import Number

FOLDED = 24
"""More rows than these are folded."""


COUNTED = "What only counts up has no mean, and stands in no row: seconds that a CPU was busy, for one."


def oscar_table(results: Results) -> list[Block]:
    """Values by the OSCAR window rule and by the method's alternatives, each with the one of this page; the hardware
    is folded."""
    energies: list[Row] = []
    hardware: list[Row] = []
    notes: list[str] = []
    for name, part in results.scenarios.items():
        if (oscar := part.oscar) is not None:
            energies += _oscar_rows(name, part, oscar)
            hardware += _oscar_hardware(name, part, oscar)
            reason = f" ({oscar.reason})" if oscar.reason else ""
            notes.append(f"{name}: N = {oscar.seconds}{reason}")
        for other in part.alternatives:
            title = other.name.replace("-", " ")
            energies.append(_compared(name, title, "Induced energy", part.induced_energy_wh, other.induced_energy_wh))
    if not energies:
        return []
    heads = (Head("Scenario", False), Head("Rule", False), Head("Quantity", False), Head("This page"),
             Head("By that rule"), Head("Difference"))  # fmt: skip
    tables = [Table("oscar", "The same readings by other rules", heads, tuple(energies), _rule_note(results, notes))]
    if hardware:
        caption = "Hardware indicators by the OSCAR rule"
        tables.append(Table("oscar-hardware", caption, heads, tuple(hardware), COUNTED, folded=True))
    return [*tables]


def _rule_note(results: Results, counted: Iterable[str]) -> str:
    """What every rule of the table does, each said once."""
    parts = results.scenarios.values()
    rules = dict.fromkeys(part.oscar.rule for part in parts if part.oscar is not None)
    others = dict.fromkeys(
        f"{other.name.replace('-', ' ').capitalize()}: {other.sentence}"
        for part in parts
        for other in part.alternatives
    )
    texts = [f"The OSCAR rule takes the {rule}." for rule in rules]
    texts += [f"Rows that it counts: {'; '.join(counted)}."] if rules else []
    texts += [f"{text.rstrip('.')}." for text in others]
    return " ".join(
        [*texts, "Values have the digits that their U or their spread leaves; results.json has all digits."]
    )


def publisher_table(results: Results) -> Table | None:
    """Every run that its publisher states a window of: by the publisher's rule, by exact overlap, the whole record."""
    rows, rules = [], []
    has_stated = any(run.publisher is not None and run.publisher.stated_energy_wh is not None for run in results.runs)
    for run in results.runs:
        if (window := run.publisher) is None:
            continue
        rules.append(f"{window.publisher}: {window.sentence}")
        record = window.record
        numbers = (
            window.duration_s, window.rows, window.mean_power_w, window.energy_wh, window.spanned_energy_wh,
            run.mean_power_w, run.energy_wh, record.duration_s, record.mean_power_w, record.energy_wh,
        )  # fmt: skip
        cells = (str(run.ordinal), run.scenario, window.begin_utc, *map(plain_digits, numbers))
        cells += (plain_digits(window.stated_energy_wh),) if has_stated else ()
        rows.append(Row(cells, "" if run.included else "excluded"))
    if not rows:
        return None
    heads = [Head("Run"), Head("Scenario", False), Head("Window from", numeric=False, keep=True), Head("Window / s")]
    heads += [Head("Rows"), Head("Mean / W"), Head("Rows' energy / Wh"), Head("Mean × window / Wh")]
    heads += [Head("Overlap / W"), Head("Overlap / Wh"), Head("Record / s"), Head("Record / W"), Head("Record / Wh")]
    heads += [Head("Stated / Wh")] if has_stated else []
    note = (
        " ".join(f"{rule}." for rule in dict.fromkeys(rules)) + " Overlap: every sample for the part of its interval "
    )
    note += "that lies in the window; this is the run's energy everywhere else on this page, with its U. Record: all "
    note += "that was recorded, waiting before and after the window included."
    note += " Stated: what the publisher itself prints." if has_stated else ""
    return Table("publisher", "By the publisher's own window, and the whole record", tuple(heads), tuple(rows), note)


def circuits_table(results: Results) -> Table | None:
    """What the publisher's rule counts of each circuit of the runs that have several."""
    rows = []
    for run in results.runs:
        if run.publisher is None or run.publisher.circuits is None:
            continue
        for circuit, part in run.publisher.circuits.items():
            numbers = (part.rows, part.energy_wh, part.overlap_energy_wh)
            cells = (str(run.ordinal), run.scenario, circuit, *map(plain_digits, numbers))
            rows.append(Row(cells, "" if run.included else "excluded"))
    if not rows:
        return None
    heads = (Head("Run"), Head("Scenario", False), Head("Circuit", numeric=False, keep=True), Head("Rows"),
             Head("Rows' energy / Wh"), Head("Overlap / Wh"))  # fmt: skip
    caption = "By the publisher's rule, circuit by circuit"
    return Table("publisher-circuits", caption, heads, tuple(rows), folded=len(rows) > FOLDED)


def plain_digits(number: Number | None) -> str:
    """A value as a publisher prints it: two decimals, below ten four significant digits, whole numbers whole."""
    if number is None:
        return NOTHING
    value = number.value
    return significant(value) if abs(value) < 10 or value.is_integer() else fixed(value, 2)


def _oscar_rows(name: str, part: ScenarioResult, oscar: OscarResult) -> list[Row]:
    rows = [
        _compared(name, "OSCAR", "Mean power", part.mean_power_w, oscar.mean_power_w),
        _compared(name, "OSCAR", "Energy", part.energy_wh, oscar.energy_wh),
        _compared(name, "OSCAR", "Induced energy", part.induced_energy_wh, oscar.induced_energy_wh),
    ]
    lone = {
        "Mean power of the baseline": oscar.baseline_mean_power_w,
        "SD across the runs, mean over the seconds": oscar.sd_over_runs_w,
    }
    for title, number in lone.items():
        if number is not None:
            scale = scale_for([number])
            rows.append(Row((name, "OSCAR", scale.axis(title), "", alike(number, part.mean_power_w, scale), "")))
    return rows


def _oscar_hardware(name: str, part: ScenarioResult, oscar: OscarResult) -> list[Row]:
    """What this page has a mean of, too: the rule takes every column for one."""
    shown = {key: use for key in oscar.hardware if (use := part.hardware.get(key)) is not None}
    return [_compared(name, "OSCAR", words(key), use.mean, oscar.hardware[key]) for key, use in shown.items()]


def _compared(name: str, rule: str, title: str, ours: Number | None, theirs: Number | None) -> Row:
    scale = scale_for([ours or theirs])
    shown = (bare(ours, scale), alike(theirs, ours, scale), _difference(ours, theirs))
    return Row((name, rule, scale.axis(title), *shown))


def _difference(ours: Number | None, theirs: Number | None) -> str:
    if ours is None or theirs is None or not ours.value:
        return NOTHING
    percent = 100 * (theirs.value - ours.value) / abs(ours.value)
    return ("+" if percent > 0 else "") + f"{fixed(percent, 2)} %"
