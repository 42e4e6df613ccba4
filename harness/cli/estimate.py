"""`wattlab estimate score CAMPAIGN...`: how well estimators would have told what trainings took."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli import estimate_fit, estimate_predict
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Column, Sheet, counted, say
from harness.cli.types import add_json_argument, at_least
from harness.record.errors import LabError
from reports.results.estimation import Assessment

SOURCES = ("meter", "gpu")

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorScores(Document):
    """Estimators beside what was measured."""

    assessment: Assessment
    """Scores, curves, trainings."""
    folder: str | None
    """The sealed folder with the page; null: none was asked for (`--into`)."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Estimate what a training will take, of its first epochs or before it begins, and say how good that is."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser(
        "score",
        help="estimators beside what was measured",
        description="Estimate every training of the campaigns as STEP, carbontracker, Green Algorithms and MLCO2 do, "
        "and say how far that lies from what was measured: told how long the training was, and not told. FLOPs, TDP "
        "and GPU use are scored beside them.",
    )
    action.add_argument("campaigns", type=Path, nargs="+", metavar="CAMPAIGN", help="campaign folder, imported or not")
    action.add_argument(
        "--of",
        choices=SOURCES,
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
        help="CSV with the column `scenario`, and of `repetition`, `epochs`, `tdp_w`, `memory_gb`, `gflops`, "
        "`train_size` those that are known",
    )  # fmt: skip
    action.add_argument(
        "--into", type=Path, metavar="DIR", help="write a new sealed folder with the page, its figures and numbers"
    )
    add_json_argument(action, "scores, curves and trainings", EstimatorScores)
    action.set_defaults(call=call, interrupted="nothing was written")
    fit = actions.add_parser(
        "fit",
        help="a model that tells trainings before they begin",
        description="Fit PRE to the trainings of the campaigns: mean power and energy of an epoch, of what is known "
        "beforehand of network and machine. Scored on scenarios and machines that it had not seen, and at random.",
    )
    estimate_fit.add_arguments(fit)
    predict = actions.add_parser(
        "predict",
        help="what planned trainings will take, by such a model",
        description="Estimate what trainings will take before they begin. Refused where nobody measured such a thing. "
        "Exit code 1 when a training has no estimate.",
    )
    estimate_predict.add_arguments(predict)


def call(arguments: argparse.Namespace) -> int:
    """Print the scores.

    Raises:
        LabError: a campaign or the table cannot be read, or nothing in them is a training.
    """
    from harness.evidence.derived import write
    from harness.evidence.estimations import ESTIMATION_DOCUMENT, EstimationInputs
    from harness.record.documents import load_object
    from harness.station.provenance import software_facts
    from harness.station.station import APPLICATION
    from reports.estimation.facts import bytes_of, facts_of
    from reports.render import REPORT
    from reports.results.codec import decoded
    from reports.results.estimation import ESTIMATION, FACTS, estimation_of
    from reports.results.software import Software

    into: Path | None = arguments.into
    for campaign in arguments.campaigns:
        if not campaign.is_dir():
            raise LabError(f"{campaign}: no such folder; give the folder of a campaign")
        if into is not None and into.resolve().is_relative_to(campaign.resolve()):
            raise LabError(f"{into}: lies in the campaign {campaign}, which is sealed; name another with --into")
    facts = None if arguments.facts is None else bytes_of(arguments.facts)
    if facts is not None:
        facts_of(arguments.facts, facts)  # refused by the name that the user knows
    inputs = EstimationInputs(
        arguments.campaigns, facts, arguments.of, arguments.start, arguments.window,
        decoded(Software, software_facts(APPLICATION), "this program"), into or Path(),
    )  # fmt: skip
    with at_work("reading the runs"):
        if into is None:
            found = ESTIMATION_DOCUMENT.compute(inputs).assessment
        else:
            kept = {} if facts is None else {FACTS: facts}
            written = write(ESTIMATION_DOCUMENT, inputs, into, files=kept)
            found = estimation_of(load_object(written.read_text(encoding="utf-8"), ESTIMATION)).assessment
    arguments.answer = EstimatorScores(assessment=found, folder=None if into is None else str(into.resolve()))
    if not arguments.json:
        _show(found)
        if into is not None:
            print(f"report   {(into / REPORT).resolve()}")
            print(f"numbers  {(into / ESTIMATION).resolve()}")
    return 0


def _show(found: Assessment) -> None:
    from reports.pages.estimation.words import settles, unscored

    console = Console()
    console.print(scores_sheet(found))
    if (proxies := proxies_sheet(found)) is not None:
        console.print(proxies)
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


def scores_sheet(found: Assessment) -> Sheet:
    """A line for each estimator, told the length of the training and not told."""
    from reports.pages.estimation.tables import scores_table

    shown = scores_table(found)
    heads = [Column(head.text, head.numeric) for head in shown.heads]
    return Sheet(heads, [row.cells for row in shown.rows], shown.caption, shown.note)


def proxies_sheet(found: Assessment) -> Sheet | None:
    """A line for each proxy, its factor fitted without the training, without its scenario, without its machine."""
    from reports.pages.estimation.tables import proxies_table

    if (shown := proxies_table(found)) is None:
        return None
    heads = [Column(head.text, head.numeric) for head in shown.heads]
    return Sheet(heads, [row.cells for row in shown.rows], shown.caption, shown.note)
