"""Tables of a service under load: ratings, tasks, latencies, energies, batches, the load that was made.

Knows `ratings` of scenarios and `stimulus` of runs in results.json. Knows no figure.
"""

from collections.abc import Iterator, Sequence

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.lookup import run_names
from reports.pages.numbers import NOTHING, Scale, bare, full, scale_for, significant
from reports.pages.ratings.words import BATCH_NAMES, ENERGY_NOTE, EVIDENT, LATENCY_NOTE, REFUSED, SECTIONS
from reports.pages.result_tables import of_many, per_many, times
from reports.results.action import EnergyPerWork
from reports.results.document import Results
from reports.results.ratings import BatchResult, LatencyResult, RatingsResult, Significance, StimulusResult

PLAIN = Scale("")
LEAST_PERCENT = 0.01
MS = Scale("ms", 1e3)
PASSED = {True: "passed", False: "not passed", None: "not rated"}
RATINGS_NOTE = (
    "Throughput B over what users ask for, mean execution time that is admitted over the actual one, timely over all "
    "throughput: passed where each is 1 or more. ± U at 95 % by the runs."
)


def ratings_table(name: str, place: int, result: RatingsResult) -> Table:
    """Every task type: its three ratings, whether it passed, whether its mean is significant."""
    rows = [
        Row((
            task_type, bare(own.throughput_rating, PLAIN), bare(own.execution_rating, PLAIN),
            bare(own.timeliness_rating, PLAIN), PASSED[own.passed], _significance(own.significance),
        ))
        for task_type, own in result.task_types.items()
    ]  # fmt: skip
    heads = (
        Head("Task type", False), Head("R_TH throughput"), Head("R_ME execution time"), Head("R_TI timeliness"),
        Head("Result", False, keep=True), Head("Half width of T_ME / %", False),
    )  # fmt: skip
    return Table(f"ratings-{place}", f"Ratings of {name}: {PASSED[result.passed]}", heads, tuple(rows), RATINGS_NOTE)


def _significance(own: Significance) -> str:
    if own.reason == EVIDENT:
        return "not judged: planned runs are missing"
    widths = ((own.half_width_percent, "by runs"), (own.half_width_of_tasks_percent, "by tasks"))
    known = ", ".join(f"{_width(width)} {how}" for width, how in widths if width is not None)
    word = "significant" if own.met else f"not significant (needs {own.limit_percent:g} %, {own.least} tasks)"
    return f"{known}: {word}" if known else word


def _width(percent: float) -> str:
    return significant(percent, 2) if percent >= LEAST_PERCENT else f"below {LEAST_PERCENT:g}"


def tasks_table(name: str, place: int, result: RatingsResult) -> Table:
    """What the ratings are made of."""
    rows = [
        Row((
            task_type, bare(own.submitted, PLAIN), bare(own.done, PLAIN), bare(own.throughput, PLAIN),
            _plain(own.reference_throughput), bare(own.mean_execution_s, Scale("s")), _plain(own.reference_s),
            bare(own.timely_throughput, PLAIN), bare(own.goodput, PLAIN),
        ))
        for task_type, own in result.task_types.items()
    ]  # fmt: skip
    heads = tuple(
        Head(text, numeric=bool(at)) for at, text in enumerate((
            "Task type", "b submitted", "done", "B / 1/s", "B_Ref / 1/s", "T_ME / s", "T_Ref / s", "E / 1/s",
            "Goodput / 1/s",
        ))
    )  # fmt: skip
    failed = {word: 0 for own in result.task_types.values() for word in own.reasons}
    for own in result.task_types.values():
        for word, count in own.reasons.items():
            failed[word] += count
    note = f"T_R, all rating intervals together: {full(result.rated_s)}, {result.n_runs} runs."
    note += f" Tasks that failed: {', '.join(f'{count} {word}' for word, count in failed.items())}." if failed else ""
    return Table(f"tasks-{place}", f"Tasks of {name}", heads, tuple(rows), note)


def _plain(value: float | None) -> str:
    return NOTHING if value is None else significant(value)


def latency_table(name: str, place: int, result: RatingsResult) -> Table | None:
    """Percentiles, mean and largest value of execution times and of streamed answers."""
    found = [(task_type, what, own) for task_type, what, own in _latencies(result) if own is not None]
    if not found:
        return None
    percents = [one.percent for one in found[0][2].percentiles]
    rows = [
        Row((
            task_type, what, str(own.n), bare(own.mean_s, MS),
            *(bare(one.value_s, MS) for one in own.percentiles), significant(1e3 * own.largest_s),
        ))
        for task_type, what, own in found
    ]  # fmt: skip
    heads = [Head("Task type", False), Head("Time", False), Head("n"), Head("Mean / ms")]
    heads += [Head(f"{percent:g} % / ms") for percent in percents] + [Head("Largest / ms")]
    dropped = sum(own.dropped for _, _, own in found)
    note = " ".join([LATENCY_NOTE, *sorted({SECTIONS[own.sections] for _, _, own in found})])
    note += f" {dropped} above an hour, which the histogram does not hold." if dropped else ""
    return Table(f"latency-{place}", f"Latencies of {name}", tuple(heads), tuple(rows), note)


def _latencies(result: RatingsResult) -> Iterator[tuple[str, str, LatencyResult | None]]:
    for task_type, own in result.task_types.items():
        yield task_type, "execution", own.latency
        yield task_type, "to the first token", own.first_token
        yield task_type, "between tokens", own.per_token


def energy_table(name: str, place: int, result: RatingsResult, machine: str) -> Table | None:
    """Energy of one of each kind of work, by our rating interval and by the window of others; `machine`: beyond which
    energy is induced."""
    steady = result.steady_state
    kinds = [("rating interval", result.energy_per), *([("steady state", steady.energy_per)] if steady else [])]
    rows = [row for rule, parts in kinds for row in _energies(rule, parts)]
    heads = [Head("Energy of", False), Head("Counted over", False), Head("Amount per run"), Head("Unit", False)]
    heads += [Head("Induced energy"), Head("Total energy")]
    note = f"{ENERGY_NOTE} Induced: beyond what {machine} takes." + (
        f" Steady state: {steady.rule}." if steady is not None else ""
    )
    caption = f"Energy of a task, request, image, token: {name}"
    return Table(f"energy-per-{place}", caption, tuple(heads), tuple(rows), note) if rows else None


def _energies(rule: str, parts: Sequence[EnergyPerWork]) -> Iterator[Row]:
    for work in parts:
        numbers = [times(number, per_many(work)) for number in (work.induced_energy_wh, work.energy_wh)]
        scale = scale_for(numbers)
        yield Row((of_many(work), rule, bare(work.amount, PLAIN), scale.unit, *(bare(one, scale) for one in numbers)))


def batch_blocks(name: str, place: int, batches: BatchResult) -> list[Block]:
    """Energy of a batch by size, and of what no batch took; or why there is none."""
    if batches.refused is not None:
        why = REFUSED.get(batches.refused, batches.refused)
        return [Paragraph(f"{name}: no energy of a batch can be given: {why} ({batches.refused}).", "note")]
    rows = [
        Row((
            BATCH_NAMES.get(one.name, f"batch of {one.name}"), one.value.unit, bare(one.value, PLAIN),
            bare(one.per_item, PLAIN),
        ))
        for one in batches.sizes
    ]  # fmt: skip
    heads = (Head("What", False), Head("Unit", False), Head("Energy, power"), Head("Each item"))
    note = f"Regression over {batches.n_windows} windows of the meter with {batches.n_batches} batches"
    note += "" if batches.mean_size is None else f" of {significant(batches.mean_size)} items in the mean"
    note += "" if batches.lag_s is None else f"; batches were stamped {1e3 * batches.lag_s:.1f} ms later than it"
    blocks: list[Block] = [Table(f"batches-{place}", f"Energy of a batch, {name}", heads, tuple(rows), f"{note}.")]
    if (parts := batches.parts) is not None:
        named = (
            ("what batches took", parts.attributed_j), ("with nothing to do", parts.idle_j),
            ("while requests were held", parts.queue_j), ("above the baseline, measured", parts.induced_j),
            ("sum of the parts less that", parts.difference_j),
        )  # fmt: skip
        scale = scale_for([parts.induced_j])
        part_rows = tuple(Row((title, bare(number, scale))) for title, number in named)
        closes = abs(parts.difference_j.value) <= (parts.difference_j.expanded or 0.0)
        word = "The parts and the whole agree within U." if closes else "The parts and the whole do not agree within U."
        parts_heads = (Head("Part", False), Head(scale.axis("Energy")))
        note = f"Each part is computed of readings of its own, all runs together. {word}"
        blocks.append(Table(f"batch-parts-{place}", f"Where the energy of {name} went", parts_heads, part_rows, note))
    return blocks


def stimulus_table(results: Results) -> Table | None:
    """The load of every run beside what it was to be."""
    names = run_names(results)
    rows = [
        Row(
            (names.get(run.folder, run.folder), run.scenario, *_stimulus(run.stimulus)),
            "" if run.included else "excluded",
        )
        for run in results.runs
        if run.stimulus is not None
    ]
    heads = [Head("Run", False), Head("Scenario", False)]
    heads += [Head(text) for text in (
        "To be submitted", "Submitted", "Done", "q away / %", "h away / %", "s away / %", "Late, 99 % / ms",
        "CPU of one / %",
    )]  # fmt: skip
    note = (
        "Tasks of the rating interval. q: relative frequency of a chain; h, s: mean and standard deviation of a "
        "preparation time, as the stamps show it; the largest distance from the parameter set of each. Late: 99 % of "
        "the tasks were submitted no later than this."
    )
    return Table("stimulus", "The load that was made", tuple(heads), tuple(rows), note, of_runs=True) if rows else None


def _stimulus(own: StimulusResult) -> Iterator[str]:
    yield from (str(count) for count in (own.intended, own.submitted, own.done))
    q = [abs(one.observed - one.expected) / one.expected for one in own.frequencies if one.expected]
    h = [abs(one.mean_s - one.expected_mean_s) / one.expected_mean_s for one in own.preparation if one.expected_mean_s]
    s = [abs(one.sd_s - one.expected_sd_s) / one.expected_sd_s for one in own.preparation if one.expected_sd_s]
    yield from (significant(100 * max(part), 2) if part else NOTHING for part in (q, h, s))
    yield significant(1e3 * own.lag_p99_s, 3)
    yield NOTHING if own.cpu_percent is None else significant(own.cpu_percent, 3)
