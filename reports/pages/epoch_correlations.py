"""Energy of an epoch (the action that repeats) with temperature and metrics: tables beside the figure of the epochs.

Knows the records of `statistics.epochs` and the words for them. Computes no result.
"""

from collections.abc import Iterable, Sequence

from reports.pages import core_study
from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.declared import Vocabulary
from reports.pages.numbers import NOTHING, fixed
from reports.pages.statistics_tables import interval_text, p_text, refusal
from reports.results.inference import Test
from reports.results.statistics import EpochCorrelation, OverRuns, Statistics

TEMPERATURE = "gpu_temperature_c"
OF_EPOCHS = (
    "All {epochs}: one coefficient over those of all runs; no p is given, because those of one run are not "
    "independent. Within runs: mean over the runs' own coefficients, with Student's interval over the runs. Time out: "
    "of what a straight line in the time of the run leaves of both. Same {epoch}: {epoch} k of a run against {epoch} k "
    "of the others, which takes out every course that the runs share, straight or not. Run means: a run is one point."
)
CONFOUNDED = (
    "Temperature and energy both change with the time in the run, so that a coefficient near 1 need not mean that a "
    "warmer GPU uses more: what is left when time is taken out, or between the same epochs, says that."
)


def epoch_correlation_blocks(part: Statistics, declared: Vocabulary, named: Iterable[str]) -> list[Block]:
    """The energy of an epoch with the GPU's temperature and the declared metrics: raw, and with the time taken out.
    `named`: the scenarios of the campaign."""
    of_heat = [row for row in part.epochs if row.x == TEMPERATURE]
    of_learning = [row for row in part.epochs if row.x != TEMPERATURE]
    time = declared.time()
    blocks: list[Block] = []
    if of_heat:
        blocks.append(_correlations("heat", f"Energy of {time} and GPU temperature", of_heat, declared))
        blocks.append(Paragraph(" ".join(filter(None, (CONFOUNDED, core_study.of_epochs(named)))), "note"))
    if of_learning:
        caption = f"Energy of {time} and what was reached by its end"
        blocks.append(_correlations("learning", caption, of_learning, declared, folded=True))
    return blocks


def _correlations(
    name: str, caption: str, rows: Sequence[EpochCorrelation], declared: Vocabulary, *, folded: bool = False
) -> Table:
    many = declared.repetitions().lower()
    heads = (
        Head("Scenario", False), Head("With", False), Head(f"Runs; {many}"), Head(f"All {many}: r; ρ"),
        Head("Time out: r"), Head("Within runs: r"), Head("Time out: r"), Head(f"Same {declared.repeated()}: r"),
        Head("Run means: r", False),
    )  # fmt: skip
    note = OF_EPOCHS.format(epoch=declared.repeated(), epochs=many)
    shown = tuple(_correlation_row(row, declared) for row in rows)
    return Table(f"correlations-{name}", caption, heads, shown, note, folded)


def _correlation_row(row: EpochCorrelation, declared: Vocabulary) -> Row:
    everything, within, same = row.all_epochs, row.within_runs, row.same_epoch
    return Row((
        row.scenario, declared.metric(row.x), f"{row.n_runs}; {row.n_epochs}",
        f"{_r(everything.pearson)}; {_r(everything.spearman)}", _r(everything.partial), _over_runs(within.raw),
        _over_runs(within.partial), _r(None if same is None else same.value), _means(row.run_means),
    ))  # fmt: skip


def _r(value: float | None) -> str:
    return NOTHING if value is None else fixed(float(value), 2)


def _over_runs(runs: OverRuns) -> str:
    if runs.mean is None:
        return NOTHING
    return interval_text(runs.mean, runs.interval) + ("" if runs.interval else f" (n = {runs.n})")


def _means(test: Test) -> str:
    if test.refused:
        return refusal(test.refused)
    if test.effect is None:
        return NOTHING
    return f"{interval_text(test.effect.value, test.effect.interval)}, p = {p_text(test.p)}"
