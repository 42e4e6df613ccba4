"""`wattlab estimate fit MODEL.json CAMPAIGN...`: what tells what a training will take (PRE)."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, say
from harness.cli.types import add_json_argument, at_least
from harness.record.errors import LabError, why
from reports.results.estimation import Score
from reports.results.pre_model import PreModel

SOURCES = ("meter", "gpu")
MODELS = ("mean", "linear", "ridge", "kernel-ridge", "svr")
KJ = 1e-3
TARGETS = {"power": "mean power × duration", "epoch": "energy of an epoch × N"}
SPLITS = {"random": "30 %, at random", "configuration": "each scenario", "machine": "each machine"}
REFUSED = {
    "too-few-runs": "too few trainings are left", "too-many-runs": "it would take too long",
}  # fmt: skip
ONE_LEVEL = "one-level"
"""Refused of a split: there is one of what would be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedFile(Document):
    """A model that was fitted."""

    file: str
    """Where it was written."""
    model: PreModel
    """What stands there."""


def add_arguments(action: argparse.ArgumentParser) -> None:
    """What the action takes."""
    action.add_argument("model", type=Path, metavar="MODEL.json", help="new file of the model")
    action.add_argument("campaigns", type=Path, nargs="+", metavar="CAMPAIGN", help="campaign folder, imported or not")
    action.add_argument(
        "--of", choices=SOURCES, default="meter", help="whose energy: by the meters (default), or of the GPUs"
    )
    action.add_argument(
        "--facts", type=Path, metavar="TABLE", help="CSV with the column `scenario` and what is known beforehand"
    )
    action.add_argument(
        "--features", default="", metavar="NAME[,NAME]", help="what the model is told (default: all published ones "
        "that are known of every training)",
    )  # fmt: skip
    action.add_argument(
        "--models",
        default=",".join(MODELS),
        metavar="NAME[,NAME]",
        help=f"which are tried (default: {', '.join(MODELS)})",
    )
    action.add_argument(
        "--seed", type=at_least(0), default=1, metavar="N", help="of the random split and of the search (default: 1)"
    )
    add_json_argument(action, "the model and its scores", FittedFile)
    action.set_defaults(call=call, interrupted="nothing was written")


def call(arguments: argparse.Namespace) -> int:
    """Write the model and print its scores.

    Raises:
        LabError: the file is there already, a campaign or the table cannot be read, or there is too little to fit.
    """
    from harness.station.provenance import software_facts
    from harness.station.station import APPLICATION
    from reports.estimation.facts import bytes_of, facts_of
    from reports.estimation.fitting import fitted_model
    from reports.results.codec import decoded, document_text
    from reports.results.software import Software

    path: Path = arguments.model
    if path.exists() or path.suffix != ".json":
        reason = (
            "is there already; name another, or remove it" if path.exists() else "expected a name that ends in .json"
        )
        raise LabError(f"{path}: {reason}")
    features, models = ([name for name in text.split(",") if name] for text in (arguments.features, arguments.models))
    if unknown := [name for name in models if name not in MODELS]:
        raise LabError(f"--models: no model {unknown[0]!r}; expected some of {', '.join(MODELS)}")
    for campaign in arguments.campaigns:
        if not campaign.is_dir():
            raise LabError(f"{campaign}: no such folder; give the folder of a campaign")
    facts = None if arguments.facts is None else bytes_of(arguments.facts)
    if facts is not None:
        facts_of(arguments.facts, facts)  # refused by the name that the user knows
    with at_work("reading the runs, fitting"):
        model = fitted_model(
            arguments.campaigns, facts, arguments.of, decoded(Software, software_facts(APPLICATION), "this program"),
            features=features, models=models, seed=arguments.seed,
        )  # fmt: skip
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(document_text(model))
        except OSError as error:
            raise LabError(f"{path}: cannot be written ({why(error)})") from None
    arguments.answer = FittedFile(file=str(path.resolve()), model=model)
    if not arguments.json:
        console = Console()
        console.print(models_sheet(model))
        for sentence in sentences(model):
            say(console, sentence)
        print(f"model    {path.resolve()}")
    return 0


def models_sheet(model: PreModel) -> Sheet:
    """Every model of both targets, on trainings that it had not seen."""
    rows = [
        (TARGETS[name], one.model, SPLITS[one.split], *_cells(one.score, REFUSED.get(one.refused or "", "")))
        for name, target in model.targets.items() for one in target.scores if one.refused != ONE_LEVEL
    ]  # fmt: skip
    numbers = ("n", "RMSE kJ", "MAE kJ", "MAPE %", "R²")
    caption = (
        "Not seen: what the model was fitted without. At random, repetitions of what is scored have told the answer. "
        "The energy is scored, the duration or N known."
    )
    return Sheet(
        columns("told", "model", "not seen", *numbers, numbers=numbers), rows, "Told beforehand (PRE)", caption
    )


def _cells(score: Score | None, refused: str) -> tuple[str, ...]:
    if score is None:
        return "", "", "", "", refused
    energies = (f"{KJ * value:.4g}" for value in (score.rmse_j, score.mae_j))
    return str(score.n), *energies, f"{score.mape_percent:.3g}", "" if score.r2 is None else f"{score.r2:.3f}"


def sentences(model: PreModel) -> Iterator[str]:
    """What it was told, which model was taken, how far it is off."""
    yield f"Told of {', '.join(model.features)}, of {len(model.trainings)} trainings."
    alone = {one.split for target in model.targets.values() for one in target.scores if one.refused == ONE_LEVEL}
    if "machine" in alone:
        yield "No model is scored on a machine that it has not seen: all trainings were made on one."
    for name, target in model.targets.items():
        yield (
            f"{TARGETS[name]}: {target.model} is nearest for scenarios that it has not seen, of {target.groups}: off "
            f"by {100 * target.relative_spread:.2g} % of the estimate."
        )
