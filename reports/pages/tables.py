"""Tables of the campaign's report: parts of results.json -> blocks, every number rounded, every column with its unit.

Knows results.json (docs/results.md) and the rounding rule. Knows no figure, no run folder, no HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median, stdev

from harness.record.documents import Json, facts_of_sut
from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.budgets import incomplete
from reports.pages.declared import Vocabulary, capitalized, vocabulary
from reports.pages.lookup import (
    enumerated_runs,
    run_names,
    words,
    words_and_unit,
)
from reports.pages.numbers import (
    DECIMALS_OF_SECONDS,
    NOTHING,
    Scale,
    alike,
    bare,
    claim,
    decimals_for,
    fixed,
    full,
    is_finite,
    quantity,
    scale_for,
    significant,
)
from reports.pages.planned import wait_words
from reports.results.action import ActionResult
from reports.results.document import Results
from reports.results.run import RunResult
from reports.results.scenario import OscarResult, ScenarioResult
from reports.results.uncertainty import Number

FEW_EPOCHS = 12
"""A longer table is folded on screen."""
LONG_TABLE = 40
START = Head("Start (stamp)", numeric=False, keep=True)
U_NOTE = "Value ± U at 95 %."
BUDGET_NOTE = "The uncertainty budget lists what U of an energy is made of."
OF_ALL = frozenset({"emulated", "imported", "unattested"})
"""Findings that the whole page says."""
SUT_WORDS = {
    "machine": "Architecture", "cpu_governor": "CPU governor", "cpu_max_khz": "Highest CPU frequency / kHz",
    "turbo_disabled": "Turbo disabled", "system": "System", "firmware": "Firmware",
    "gpu_problem": "GPU not read because",    "python_executable": "Python, executable",
    "psutil": "psutil", "psutil_problem": "psutil not read because",
}  # fmt: skip
MEANINGLESS = frozenset({"sut_ns", "sut_wall_ns", "uptime_s", "load_average", "disk_free_bytes"})
"""What a SUT says of the moment it was asked, which is no property of the machine."""
SPREAD_NOTE = "Value ± U at 95 %, from the spread alone (type A)."


def u_note(results: Results) -> str:
    """What the U of a table holds, and what it lacks."""
    return " ".join([U_NOTE, *incomplete(results)])


def sut_facts(results: Results) -> Facts:
    """Table 1: the system under test as it described itself, and what the operator added."""
    sut = facts_of_sut(results.sut)
    named = [
        ("Host name", "hostname"), ("Operating system", "os"), ("Kernel", "kernel"), ("Processor", "cpu"),
        ("Logical CPUs", "cpu_count"), ("Board", "board"), ("Python", "python"), ("Boot id", "boot_id"),
    ]  # fmt: skip
    items = [(title, as_text(sut.pop(key))) for title, key in named if sut.get(key) not in (None, "")]
    memory = sut.pop("memory_kib", None)
    if is_finite(memory):
        items.insert(5, ("Memory", f"{fixed(memory / 2**20, 1)} GiB"))
    gpus = sut.pop("gpus", None)
    none = "not stated" if gpus is None else "none"
    items += [(f"GPU {i}", as_text(gpu)) for i, gpu in enumerate(gpus or [])] or [("GPU", none)]
    described = (results.campaign.config or {}).get("sut", {}).get("description") or {}
    items += [(f"{words(str(key))} (operator)", as_text(value)) for key, value in described.items()]
    others = ((str(key), value) for key, value in sut.items() if key not in MEANINGLESS)
    items += [
        (SUT_WORDS.get(key, words(key)), as_text(value)) for key, value in others if value not in (None, "", [], {})
    ]
    return Facts("System under test", tuple(items))


def preflight_table(results: Results) -> Table | None:
    """What `wattlab check` remarked before the campaign; None where it remarked nothing or was never asked."""
    said = {"refuse": "not started", "warn": "remark", "unknown": "not known"}
    rows = [
        Row((said.get(remark.severity, ""), remark.subject, remark.text, remark.utc))
        for remark in results.campaign.preflight
    ]
    heads = tuple(Head(text, numeric=False) for text in ("", "Where", "What was found before the start", "First"))
    note = "Asked of host, meters and SUT before each start; `wattlab check` asks again."
    return Table("preflight", "Before the start", heads, tuple(rows), note) if rows else None


def indicator_table(results: Results) -> Table:
    """Table 2: hardware indicators with unit and method."""
    rows = [
        Row((words(str(row.name)), as_text(row.quantity), as_text(row.unit), as_text(row.method)))
        for row in results.indicators
    ]
    heads = tuple(Head(text, numeric=False) for text in ("Indicator", "Quantity", "Unit", "Method"))
    return Table("indicators", "Hardware indicators", heads, tuple(rows), folded=len(rows) > LONG_TABLE)


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
        "GPU energy": [None if gpu is None else gpu.energy_wh for gpu in gpus],
        "GPU, induced": [None if gpu is None else gpu.induced_energy_wh for gpu in gpus],
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
    note = f"Means over the runs. {u_note(results)} {BUDGET_NOTE}"
    labels = sorted({gpu.label for gpu in gpus if gpu is not None})
    if labels:
        note += f" GPU figures: {', '.join(labels)}; the board's own reading, not the meter's; "
        note += "its limits of error are unknown, U is from the spread."
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
            rows.append(Row((words(key), scale.unit or "1", *cells, bare(use.work, of_work), of_work.unit)))
        if rows:
            heads = tuple(Head(t, numeric=t not in ("Indicator", "Unit", "Unit of work")) for t in
                          ("Indicator", "Unit", "Mean", "Baseline", "Induced", "Work", "Unit of work"))  # fmt: skip
            note = "Induced: mean minus baseline. Work: the induced part summed over the run. " + SPREAD_NOTE
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
            blocks.append(replace(table, note=u_note(results)))
    return blocks


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
    metrics = dict.fromkeys(metric for record in records for metric in record.metrics) if by_index else {}
    columns |= {declared.metric(metric): [record.metrics.get(metric) for record in records] for metric in metrics}
    shown = {title: numbers for title, numbers in columns.items() if any(numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    repeated = {record.name for record in records if record.index}
    rows = []
    for place, record in enumerate(records):
        number = str(record.index + 1)
        title = number if by_index else f"{record.name} {number}" if record.name in repeated else record.name
        cells = (bare(numbers[place], scales[column]) for column, numbers in shown.items())
        rows.append(Row((title, str(record.n), *cells)))
    heads = [Head(capitalized(declared.repeated()) if by_index else "Action", numeric=by_index), Head("Runs")]
    heads += [Head(scale.axis(title)) for title, scale in scales.items()]
    return Table(name, caption, tuple(heads), tuple(rows), folded=len(rows) > FEW_EPOCHS)


def efficiency_table(results: Results) -> list[Block]:
    """Efficiency factors by induced and by total energy; the reason where one is suppressed."""
    blocks: list[Block] = []
    rows = []
    for name, part in results.scenarios.items():
        factors, of_work = part.efficiency, vocabulary(results, name)
        for kind in dict.fromkeys([*factors.per_induced, *factors.per_total]):
            induced, total = factors.per_induced.get(kind), factors.per_total.get(kind)
            scale = scale_for([induced, total])
            rows.append(Row((name, of_work.kind(kind), scale.unit or "1", bare(induced, scale), bare(total, scale))))
        if factors.suppressed:
            blocks.append(Paragraph(f"{name}: no factor by induced energy, {factors.suppressed}.", "note"))
    if rows:
        heads = [Head(t, numeric=False) for t in ("Scenario", "Useful work per energy", "Unit")]
        heads += [Head("by induced energy"), Head("by total energy")]
        note = "Ratio of the means over the runs. With a stop at a target accuracy the numerator is nearly constant. "
        blocks.insert(0, Table("efficiency", "Efficiency factors", tuple(heads), tuple(rows), note + u_note(results)))
    return blocks


def success_table(results: Results) -> Table | None:
    """Scenarios with a target: how many runs reached it, energy per success, energy up to a level of accuracy."""
    rows = []
    for name, part in results.scenarios.items():
        if (success := part.success) is not None:
            reached = f"{success.reached} of {success.n}"
            rows.append(Row((name, "target reached", reached, quantity(success.energy_per_success_wh))))
        for level in part.energy_to_accuracy:
            title = f"{vocabulary(results, name).metric(level.metric)} ≥ {as_text(level.level)}"
            rows.append(Row((name, title, f"{level.n_reached} of {level.n}", full(level.energy_wh))))
    heads = (
        Head("Scenario", False),
        Head("Level", False),
        Head("Runs that reached it"),
        Head("Energy up to it, or per success"),
    )
    return Table("success", "Targets and the energy to reach them", heads, tuple(rows)) if rows else None


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
        tables.append(Table("oscar-hardware", caption, heads, tuple(hardware), folded=True))
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
        [*texts, "Values are rounded to the digits that their U or their spread leaves; results.json has all."]
    )


def publisher_table(results: Results) -> Table | None:
    """Every run that its publisher states a window of: by the publisher's rule, by exact overlap, the whole record."""
    rows, rules = [], []
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
        rows.append(Row(cells, "" if run.included else "excluded"))
    if not rows:
        return None
    heads = [Head("Run"), Head("Scenario", False), Head("Window from", numeric=False, keep=True), Head("Window / s")]
    heads += [Head("Rows"), Head("Mean / W"), Head("Rows' energy / Wh"), Head("Mean × window / Wh")]
    heads += [Head("Overlap / W"), Head("Overlap / Wh"), Head("Record / s"), Head("Record / W"), Head("Record / Wh")]
    note = (
        " ".join(f"{rule}." for rule in dict.fromkeys(rules)) + " Overlap: every sample for the part of its interval "
    )
    note += "that lies in the window; this is the run's energy everywhere else on this page, with its U. Record: all "
    note += "that was recorded, waiting before and after the window included."
    return Table("publisher", "By the publisher's own window, and the whole record", tuple(heads), tuple(rows), note)


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
    uses = {key: part.hardware.get(key) for key in oscar.hardware}
    return [
        _compared(name, "OSCAR", words(key), None if use is None else use.mean, oscar.hardware[key])
        for key, use in uses.items()
    ]


def _compared(name: str, rule: str, title: str, ours: Number | None, theirs: Number | None) -> Row:
    scale = scale_for([ours or theirs])
    shown = (bare(ours, scale), alike(theirs, ours, scale), _difference(ours, theirs))
    return Row((name, rule, scale.axis(title), *shown))


def _difference(ours: Number | None, theirs: Number | None) -> str:
    if ours is None or theirs is None or not ours.value:
        return NOTHING
    percent = 100 * (theirs.value - ours.value) / abs(ours.value)
    return ("+" if percent > 0 else "") + f"{fixed(percent, 2)} %"


def baseline_table(results: Results) -> list[Block]:
    """Baseline: pooled, drift, without outliers, and every block."""
    baseline = results.baseline
    if baseline is None:
        return [Paragraph("There is no baseline in this campaign; no induced energy can be given.", "note")]
    items = [("Blocks", bare(baseline.n_blocks, Scale("")))]
    named = (
        ("Mean power", baseline.mean_power_w),
        ("without outlying blocks", baseline.without_outliers),
        ("Duration of a block", baseline.duration_s),
        ("GPU power", baseline.gpu_power_w),
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
        place = (str(block.ordinal), block.start_utc, bare(block.duration_s, Scale("s")))
        rows.append(Row((*place, shown, z, "outlier" if block.outlier else "")))
    heads = [Head("Run"), START, Head("Duration / s"), Head(power.axis("Mean power"))]
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
        "GPU": [run.gpu_energy_wh for run in runs],
        "In gaps": [run.gap_energy_wh for run in runs],
    }
    shown = {title: numbers for title, numbers in columns.items() if any(number and number.value for number in numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    codes = [[code for code in run.findings if code not in OF_ALL] for run in runs]
    waits, names = [wait_words(run) for run in runs], run_names(results)
    common = _common(runs, codes, names)
    rows = []
    for place, (run, own_codes, waited) in enumerate(zip(runs, codes, waits, strict=True)):
        texts = [bare(numbers[place], scales[title]) for title, numbers in shown.items()]
        why = ""
        if not run.included:
            texts = [text if text == NOTHING else f"({text})" for text in texts]
            why = f"excluded: {run.excluded_because or run.reason or 'not stated'}"
        remarks = [why, ", ".join(code for code in own_codes if code not in common)]
        cells = (
            names[run.folder].removeprefix("run "), run.scenario, *texts, "yes" if run.included else "no",
            "; ".join(filter(None, remarks)), *([waited] if any(waits) else []), run.start_utc, run.folder,
        )  # fmt: skip
        rows.append(Row(cells, "" if run.included else "excluded"))
    for lost in results.campaign.lost:
        start = (as_text(lost.ordinal), as_text(lost.scenario), *[NOTHING] * len(shown))
        middle = ("no", f"lost: {lost.reason}", *([""] if any(waits) else []))
        rows.append(Row((*start, *middle, as_text(lost.begun_utc), lost.folder), "excluded"))
    heads = [Head("Run"), Head("Scenario", False)]
    heads += [Head(scale.axis(title)) for title, scale in scales.items()]
    heads += [Head("In the means", False), Head("Reason, findings", False, prose=True)]
    heads += [Head("Waited", False, keep=True)] if any(waits) else []
    heads += [START, Head("Folder", False, keep=True)]
    note = "A single run's U holds the errors of meter, clocks and edges, and its baseline's. " + u_note(results)
    if any(row.tone for row in rows):
        note += " Values in brackets are of excluded runs: they enter no mean, and their U knows nothing of the reason."
    note += "".join(f" Finding {code}: {where}." for code, where in common.items())
    return Table("runs-table", "All runs, in the order they were begun", tuple(heads), tuple(rows), note)


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


def material_table(results: Results) -> Table | None:
    """Data and weights that the runs used, with their digests, as the workload's summary names them."""
    used: dict[tuple[str, ...], int] = {}
    for run in results.runs:
        for kind in ("data", "weights"):
            for text in _materials(run.final_metrics, kind):
                key = (run.scenario, kind, text)
                used[key] = used.get(key, 0) + 1
    rows = [Row((*key, str(count))) for key, count in used.items()]
    heads = (Head("Scenario", False), Head("What", False), Head("Kind and digest", False), Head("Runs"))
    return Table("materials", "Data and weights used", heads, tuple(rows)) if rows else None


def _materials(summary: Json, kind: str) -> Iterable[str]:
    if isinstance(part := summary.get(kind), dict) and part:
        yield as_text(part)
    flat = {key: value for key, value in summary.items() if key.startswith(f"{kind}_") and value not in (None, "")}
    if flat:
        yield as_text(flat)


def manifest_table(results: Results) -> Table:
    """The digest of every run's manifest: what this page was computed from."""
    rows = tuple(Row((name, digest or "not sealed")) for name, digest in results.inputs.items())
    heads = (Head("Run folder", False), Head("SHA-256 of its MANIFEST.sha256", False, keep=True))
    return Table("manifests", "Raw data: manifest of every run", heads, rows, folded=True)


def as_text(value: object, digits: int | None = None) -> str:
    """A decoded JSON value on one line, empty for null; `digits`: numbers that are no integers as readers want them, to
    so many digits, else as they are, to six."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_finite(value):
        assert isinstance(value, int | float)
        if not isinstance(value, float):
            return str(value)
        return f"{value:.6g}" if digits is None else significant(value, digits)
    if isinstance(value, dict):
        return ", ".join(_named(str(key), part, digits) for key, part in value.items() if part not in (None, ""))
    if isinstance(value, list):
        return ", ".join(as_text(part, digits) for part in value)
    return str(value)


def _named(key: str, part: object, digits: int | None) -> str:
    """One entry of an object: its name, its value, and its unit where the name holds one and the value is a number."""
    name, unit = words_and_unit(key)
    numeric = is_finite(part) or (isinstance(part, list) and part and all(is_finite(one) for one in part))
    text = as_text(part, digits)
    return f"{name}: {text} {unit}" if unit and numeric else f"{words(key)}: {text}"


def claim_of(number: Number | None, what: str) -> str:
    """'induced energy per run, 95 %, n = 30'."""
    words_of_claim = claim(number)
    return f"{what}, {words_of_claim}" if words_of_claim else what
