"""`wattlab estimate predict MODEL.json`: what planned trainings will take, by a model that was fitted (PRE)."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import LabError, why

if TYPE_CHECKING:
    from reports.estimation.facts import Facts
    from reports.estimation.step import Estimate
    from reports.results.pre_model import PreModel

WH = 3600.0
RUNS = "runs"
NO_LENGTH = "neither `epochs` nor `duration_s` is known, so there is no energy of a run"


@dataclass(frozen=True, slots=True)
class Energy:
    """An energy that is estimated."""

    energy_wh: float
    """Of one run, Wh."""
    half_width_wh: float
    """Half the width of its 95 % interval, Wh."""


@dataclass(frozen=True, slots=True)
class ToldTraining:
    """What one training will take."""

    scenario: str
    """Its scenario."""
    runs: int
    """How many are planned."""
    refused: tuple[str, ...]
    """Why it is not told, or with `--extrapolate` why the interval does not hold; empty: neither."""
    power_w: float | None
    """Mean power, W; null where it is not told."""
    epoch_wh: float | None
    """Energy of an epoch, Wh; null where it is not told."""
    by_epoch: Energy | None
    """Of one run by its number of epochs; null where that is not known."""
    by_power: Energy | None
    """Of one run by its duration; null where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions(Document):
    """What trainings will take, estimated before they begin; nothing of it is measured."""

    model: str
    """The file of the model."""
    trainings: tuple[ToldTraining, ...]
    """Each of them; where one has no estimate the exit code is 1."""
    total: Energy | None
    """All runs together, their errors added as they are; null where one has no estimate."""


def add_arguments(action: argparse.ArgumentParser) -> None:
    """What the action takes."""
    action.add_argument("model", type=Path, metavar="MODEL.json", help="the model (`wattlab estimate fit`)")
    action.add_argument(
        "--facts", type=Path, metavar="TABLE", help="CSV with the column `scenario`, the features, `epochs` or "
        "`duration_s`, and `runs`",
    )  # fmt: skip
    action.add_argument(
        "--plan", type=Path, metavar="LAB", help="lab.toml: its scenarios, with their repetitions and parameters"
    )
    action.add_argument(
        "--campaign", type=Path, metavar="FILE", help="with --plan: the campaign, where it does not stand in lab.toml"
    )
    action.add_argument(
        "--extrapolate", action="store_true", help="also where nobody measured such a thing, with a warning"
    )
    add_json_argument(action, "the estimates", Predictions)
    action.set_defaults(call=call, interrupted="nothing was written")


def call(arguments: argparse.Namespace) -> int:
    """Print the estimates; 1 where a training has none.

    Raises:
        LabError: the model, the table or lab.toml cannot be read, or neither is given.
    """
    with at_work("reading the model"):
        from harness.record.documents import load_object
        from reports.results.pre_model import pre_model_of

        try:
            text = arguments.model.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"{arguments.model}: cannot be read ({why(error)})") from None
        model = pre_model_of(load_object(text, str(arguments.model)), str(arguments.model))
        planned = list(_planned(arguments.facts, arguments.plan, arguments.campaign))
        told = tuple(_told(model, *one, extrapolate=arguments.extrapolate) for one in planned)
    whole = total(model, told)
    arguments.answer = Predictions(model=str(arguments.model.resolve()), trainings=told, total=whole)
    if not arguments.json:
        _show(model, told, whole)
    return 1 if any(best(model, one) is None for one in told) else 0


def _planned(facts: Path | None, plan: Path | None, campaign: Path | None) -> "Iterator[tuple[str, int, Facts]]":
    """Scenario, number of runs, what is known of it."""
    if campaign is not None and plan is None:
        raise LabError(f"--campaign {campaign}: name the lab.toml that it is measured in, too (--plan lab.toml)")
    from reports.estimation.facts import FactTable, own_facts, read_facts

    table = FactTable() if facts is None else read_facts(facts)
    if plan is not None:
        from harness.measure.lab_file import load

        for scenario in load(plan, campaign).scenarios:
            yield scenario.name, scenario.repetitions, {**own_facts(scenario.parameters), **table.of(scenario.name, 0)}
    elif facts is None:
        raise LabError("what is to be told? Give a table of scenarios (--facts), a lab.toml (--plan), or both")
    else:
        for name in dict.fromkeys(name for name, _ in table.of_run):
            known = table.of(name, 0)
            yield name, _runs(facts, name, known.get(RUNS, 1.0)), known


def _runs(path: Path, scenario: str, value: float) -> int:
    if value < 1 or value != int(value):
        raise LabError(f"{path}: {scenario}: found {value:g} runs, expected a whole number above 0")
    return int(value)


def _told(model: "PreModel", scenario: str, runs: int, facts: "Facts", *, extrapolate: bool) -> ToldTraining:
    from reports.estimation.pre import filled, outside, predict

    facts = filled(model, facts)
    refused = tuple(outside(model, facts))
    if any(name not in facts for name in model.features) or (refused and not extrapolate):
        return ToldTraining(scenario, runs, refused, None, None, None, None)
    found = predict(model, facts)
    if found.by_epoch is None and found.by_power is None:
        refused = (*refused, NO_LENGTH)
    return ToldTraining(
        scenario, runs, refused, found.power_w, found.epoch_j / WH, _energy(found.by_epoch), _energy(found.by_power)
    )


def _energy(estimate: "Estimate | None") -> Energy | None:
    return None if estimate is None else Energy(estimate.energy_j / WH, estimate.half_width_j / WH)


def best(model: "PreModel", told: ToldTraining) -> Energy | None:
    """The energy of one run by the target that is nearest, of those that are known."""
    energies = {"epoch": told.by_epoch, "power": told.by_power}
    nearest = sorted(model.targets, key=lambda name: model.targets[name].relative_spread)
    return next((energy for name in nearest if (energy := energies[name]) is not None), None)


def total(model: "PreModel", told: tuple[ToldTraining, ...]) -> Energy | None:
    """All runs together: a model that is off is so for each of them, so half-widths add up."""
    pairs = [(one.runs, best(model, one)) for one in told]
    known = [(runs, energy) for runs, energy in pairs if energy is not None]
    if len(known) < len(pairs):
        return None
    return Energy(
        sum(runs * energy.energy_wh for runs, energy in known),
        sum(runs * energy.half_width_wh for runs, energy in known),
    )


def _show(model: "PreModel", told: tuple[ToldTraining, ...], whole: Energy | None) -> None:
    from reports.pages.document import STAMPS

    console = Console()
    console.print(told_sheet(told))
    for one in told:
        for reason in one.refused:
            say(console, f"{one.scenario}: {reason}.", "yellow")
    if whole is not None:
        runs = counted(sum(one.runs for one in told), "run")
        say(console, f"Together {whole.energy_wh:.3g} ± {whole.half_width_wh:.2g} Wh for {runs}.")
    what = {"meter": "what the power meters read", "gpu": "the GPUs alone"}[model.source]
    say(console, f"All of this is estimated, and none of it measured; it is of {what}.")
    for origin in (origin for origin in STAMPS if origin in model.origins):
        say(console, f"{STAMPS[origin][0]}: the trainings it rests on. {STAMPS[origin][1]}", "yellow")


def told_sheet(told: tuple[ToldTraining, ...]) -> Sheet:
    """What each training will take."""
    rows = [
        (
            one.scenario, str(one.runs), _wh(one.by_epoch), _wh(one.by_power),
            "" if one.power_w is None else f"{one.power_w:.3g}", "" if one.epoch_wh is None else f"{one.epoch_wh:.3g}",
        )
        for one in told
    ]  # fmt: skip
    numbers = ("runs", "Wh a run\nby epochs", "Wh a run\nby power", "W", "Wh\nan epoch")
    caption = "Estimate ± half of the 95 % interval, by the errors for scenarios that the model had not seen."
    return Sheet(columns("scenario", *numbers, numbers=numbers), rows, "What trainings will take (PRE)", caption)


def _wh(energy: Energy | None) -> str:
    return "" if energy is None else f"{energy.energy_wh:.3g} ± {energy.half_width_wh:.2g}"
