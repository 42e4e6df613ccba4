"""`wattlab estimate score CAMPAIGN...`: how well estimators would have told what trainings took."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument, at_least
from reports.results.estimation import Assessment, Score, ScoredEstimator

KJ = 1e-3
NAMES = {
    "step-power": "STEP, power", "step-epoch": "STEP, energy of epochs",
    "step-power-settled": "STEP, power, once settled", "step-epoch-settled": "STEP, epochs, once settled",
    "mean-epoch": "mean epoch (carbontracker)",
    "green-algorithms": "Green Algorithms", "mlco2": "MLCO2",
}  # fmt: skip
PROXIES = {
    "flops": "FLOPs", "tdp": "TDP", "gpu-use": "GPU use", "time": "time", "tdp-time": "TDP × time",
    "use-time": "GPU use × time", "tdp-use-time": "TDP × GPU use × time",
}  # fmt: skip
SOURCES = {"meter": "the energy of the power meters", "gpu": "the energy of the GPUs by NVML"}
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorScores(Document):
    """Estimators beside what was measured."""

    assessment: Assessment
    """Scores, curves, trainings."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "Estimate of its first epochs what a training will have taken, and say how good that is."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser(
        "score",
        help="estimators beside what was measured",
        description="Estimate every training of the campaigns as STEP, carbontracker, Green Algorithms and MLCO2 do, "
        "and say how far that lies from what was measured: told how long the training was, and not told.",
    )
    action.add_argument("campaigns", type=Path, nargs="+", metavar="CAMPAIGN", help="campaign folder, imported or not")
    action.add_argument(
        "--of",
        choices=tuple(SOURCES),
        default="meter",
        help="whose energy: by the meters (default), or of the GPUs",
    )
    action.add_argument(
        "--start", type=at_least(0), default=10, metavar="S", help="the first epoch that STEP counts (default: 10)"
    )
    action.add_argument(
        "--window", type=at_least(1), default=5, metavar="W", help="how many epochs STEP counts (default: 5)"
    )
    action.add_argument(
        "--facts", type=Path, metavar="TABLE",
        help="CSV with the column `scenario`, and of `repetition`, `epochs`, `tdp_w`, `memory_gb` those that are known",
    )  # fmt: skip
    add_json_argument(action, "scores, curves and trainings", EstimatorScores)
    action.set_defaults(call=call, interrupted="nothing was written")


def call(arguments: argparse.Namespace) -> int:
    """Print the scores.

    Raises:
        LabError: a campaign or the table cannot be read, or nothing in them is a training.
    """
    with at_work("reading the runs"):
        from reports.estimation.assessment import assess  # numpy and scipy cost what other verbs need not pay
        from reports.estimation.cases import cases_of
        from reports.estimation.facts import FactTable, read_facts

        facts = FactTable() if arguments.facts is None else read_facts(arguments.facts)
        cases, left_out = cases_of(arguments.campaigns, arguments.of, facts)
        found = assess(cases, arguments.of, left_out, arguments.start, arguments.window)
    arguments.answer = EstimatorScores(assessment=found)
    if not arguments.json:
        _show(found)
    return 0


def _show(found: Assessment) -> None:
    console = Console()
    console.print(scores_sheet(found))
    if any(scored.score is not None for scored in found.proxies):
        console.print(proxies_sheet(found))
    if found.source == "meter":
        say(console, f"The readings are of {', '.join(found.circuits)}.")
    for sentence in unscored(found):
        say(console, sentence, "yellow")
    if sentence := settles(found):
        say(console, sentence)
    uniform = sum(training.is_uniform for training in found.trainings)
    if uniform:
        say(
            console,
            f"{counted(uniform, 'training')} of {len(found.trainings)} mark no epochs; their time was shared out.",
            "yellow",
        )
    for run, why in list(found.left_out.items())[:SHOWN]:
        say(console, f"{run} was left out: {why}.", "yellow")
    if len(found.left_out) > SHOWN:
        say(console, f"{len(found.left_out) - SHOWN} more runs were left out; --json names all of them.", "yellow")


def settles(found: Assessment) -> str:
    """By when the power of most trainings has settled; empty where none does."""
    if found.settled is None:
        return ""
    n = sum(training.settling is not None for training in found.trainings)
    return f"By epoch {found.settled} the power of nine tenths of {counted(n, 'training')} has settled (FLUSS)."


def unscored(found: Assessment) -> Iterator[str]:
    """Why an estimator has no score, and what would give it one."""
    none = {scored.estimator for scored in found.scores if scored.extent == "known" and scored.score is None}
    longest = max(training.epochs for training in found.trainings)
    if "step-epoch" in none:
        yield (
            f"STEP counts up to epoch {found.start + found.window}, and no training has more than {longest}: "
            "choose other epochs with --start and --window."
        )
    if "mean-epoch" in none:
        yield f"The window of {found.window} epochs is longer than every training: choose a shorter one with --window."
    if "mlco2" in none:
        yield "Green Algorithms and MLCO2 need the TDP of the GPUs: give a table with the column `tdp_w` (--facts)."
    elif "green-algorithms" in none:
        yield "Green Algorithms needs the use of a GPU, which no run recorded."
    if len(found.trainings) == 1:
        yield "One training alone has none beside it from which its length could be predicted."


def scores_sheet(found: Assessment) -> Sheet:
    """A line for each estimator, told the length of the training and not told."""
    rows = [_row(scored) for scored in found.scores if scored.score is not None]
    numbers = ("n", "RMSE kJ", "MAE kJ", "MAPE %", "bias kJ", "R²", "held")
    caption = (
        f"STEP counts the epochs {found.start} to {found.start + found.window - 1}. Length: whether the estimator was "
        "told how long the training was, which nobody knows before its end where it may stop early. "
        "Held: 95 % intervals in which the measured energy lies."
    )
    title = f"Estimates beside {SOURCES[found.source]}"
    return Sheet(columns("estimator", "length", *numbers, numbers=numbers), rows, title, caption)


def _row(scored: ScoredEstimator) -> tuple[str, ...]:
    assert scored.score is not None
    held = f"{scored.score.intervals_held}/{scored.score.intervals}" if scored.score.intervals else ""
    return NAMES[scored.estimator], scored.extent, *_cells(scored.score), held


def _cells(score: Score) -> tuple[str, ...]:
    energies = (f"{KJ * value:.4g}" for value in (score.rmse_j, score.mae_j))
    r2 = "" if score.r2 is None else f"{score.r2:.3f}"
    return str(score.n), *energies, f"{score.mape_percent:.3g}", f"{KJ * score.bias_j:+.4g}", r2


def proxies_sheet(found: Assessment) -> Sheet:
    """A line for each proxy, its factor fitted without the training, without its scenario, without its machine."""
    rows = [
        (PROXIES[scored.proxy], scored.without, *_cells(scored.score))
        for scored in found.proxies if scored.score is not None
    ]  # fmt: skip
    numbers = ("n", "RMSE kJ", "MAE kJ", "MAPE %", "bias kJ", "R²")
    caption = (
        "The energy taken as a multiple of one amount, the length known. Without: what the factor was fitted without. "
        "Without the training alone, its repetitions have told the answer."
    )
    return Sheet(columns("proxy", "without", *numbers, numbers=numbers), rows, "Proxies as estimators", caption)
