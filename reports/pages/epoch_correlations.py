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
    "r and ρ are the coefficients of Pearson and Spearman. All {epochs}: one coefficient over the {epochs} of all "
    "runs; it has no p, because the {epochs} of one run are not independent. Within runs: each run has a coefficient "
    "of its own; the table gives their mean with Student's interval over the runs. Without the time: a straight line "
    "over the time of the run was subtracted from both quantities first. Same {epoch}: {epoch} k of a run is compared "
    "with {epoch} k of the others, which removes whatever course the runs share. Run means: each run is one point."
)
CONFOUNDED = (
    "Temperature and energy both change in the course of a run, so a coefficient near 1 need not mean that a warmer "
    "GPU uses more. The coefficients without the time, and between the same epochs, tell whether it does."
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
        Head("the same without the time: r"), Head("Within runs: r"), Head("the same without the time: r"),
        Head(f"Same {declared.repeated()}: r"),
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
