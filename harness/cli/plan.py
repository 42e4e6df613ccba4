"""`wattlab plan`: show every run of the campaign, in order, before anything is started; or how many a wanted half-width
needs."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.run import UNREACHABLE
from harness.cli.screen import Sheet, columns, counted, lasting, say
from harness.cli.types import add_json_argument, add_lab_argument, lab_words
from harness.measure.lab_file import LabConfig, load, load_each
from harness.measure.plan import PlannedRun, make_plan
from harness.measure.preflight import of_files, require_ready
from harness.measure.reason import Reason
from harness.measure.scenario import Scenario
from harness.measure.search_section import rounds_of
from harness.record.errors import ConfigError
from harness.record.levels import level_text
from reports.campaign.analyse import analyse
from reports.inference.planning import LEAST_PILOT_RUNS, Wanted, pilots_of, sizes
from reports.results.statistics import Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCampaign(Document):
    """Every planned run."""

    campaign: str
    """Its name in lab.toml."""
    seed: int
    """Of the order of the runs, and of their own seeds."""
    folders: Mapping[str, str]
    """SUT -> where its runs go; the name is empty where lab.toml has one SUT without a name."""
    least_minutes: float
    """What baseline, pauses and what stands around the runs take; the workloads' own time comes on top."""
    runs: tuple[PlannedRun, ...]
    """In the order in which they are made; the same on each SUT."""
    reasons: tuple[Reason, ...]
    """What the files beside lab.toml have against a start; with one of severity `refuse` the exit code is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededSizes(Document):
    """What a wanted half-width needs."""

    half_width_percent: float
    """Of the interval around the induced energy, relative to it."""
    share_percent: float
    """In how many of 100 campaigns it is to be reached."""
    blocks: int
    """Baseline blocks."""
    runs: Mapping[str, int]
    """Scenario -> runs, of those that can reach it."""
    unreachable: Mapping[str, Unreachable]
    """Scenario -> why it cannot reach it."""
    rating_hours: float
    """The rating intervals of all of them together."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "List every planned run, in order."
    add_lab_argument(verb, "of several, where none is named, each")
    verb.add_argument(
        "--half-width",
        metavar="PERCENT",
        help="size a campaign from the runs made so far, for this relative half-width, such as 5%%",
    )
    verb.add_argument("--share", default="90", metavar="PERCENT", help="in how many of 100 campaigns (default: 90)")
    add_json_argument(verb, "the planned runs, or the sizes,", PlannedCampaign, {"--half-width": NeededSizes})
    verb.set_defaults(call=call, interrupted="nothing was started")


def call(arguments: argparse.Namespace) -> int:
    """Print the plan as a table, then what the files beside lab.toml have against a start.

    Raises:
        LabNotReady: they have something.
    """
    if arguments.half_width is not None:
        config = load(arguments.lab, arguments.campaign, arguments.sut)
        wanted = _wanted(config, _percent("--half-width", arguments.half_width), _percent("--share", arguments.share))
        arguments.answer = show_sizes(config, wanted)
        return 0
    configs = load_each(arguments.lab, arguments.campaign, arguments.sut)
    config = configs[0]  # a plan is the same for every SUT
    runs, minutes, campaign = make_plan(config), _known_minutes(config), config.file.campaign
    folders = {each.sut_name: str(each.campaign_folder) for each in configs}
    reasons = list(dict.fromkeys(reason for each in configs for reason in of_files(each)))
    if arguments.json:
        arguments.answer = PlannedCampaign(
            campaign=campaign.name, seed=campaign.seed, folders=folders, least_minutes=minutes, runs=tuple(runs),
            reasons=tuple(reasons),
        )  # fmt: skip
        return 1 if any(reason.severity == "refuse" for reason in reasons) else 0
    console = Console()
    if any(scenario.cell for scenario in config.scenarios):
        console.print(cells_sheet(config.scenarios))
    console.print(runs_sheet(runs, f"Campaign {campaign.name}, seed {campaign.seed}"))
    same = "" if len(configs) == 1 else f" (the same on each of the SUTs {', '.join(folders)})"
    say(
        console,
        f"{counted(len(runs), 'run')} into {', '.join(folders.values())}{same}; baseline, pauses and "
        f"what stands around the runs take {lasting(60 * minutes)}; the workloads' own time comes on top, and some "
        "seconds to begin each run.",
    )
    for reason in reasons:
        if reason.severity == "warn":
            say(console, f"{reason.subject}: {reason.text}", "yellow")
    require_ready(reasons, "this plan cannot be started")
    for each in configs:
        say(console, f"Next: {command('run', *lab_words(arguments, each.sut_name))}.")
    return 0


def cells_sheet(scenarios: Sequence[Scenario]) -> Sheet:
    """A line for each scenario: the level of every factor that it has, and how many runs it gets."""
    factors = list(dict.fromkeys(factor for scenario in scenarios for factor in scenario.cell or {}))
    rows = []
    for scenario in scenarios:
        levels = scenario.cell or {}
        texts = (level_text(levels[factor]) if factor in levels else "" for factor in factors)
        rows.append((scenario.name, *texts, str(scenario.repetitions * rounds_of(scenario.search))))
    return Sheet(columns("scenario", *factors, "runs", numbers=("runs",)), rows, "Cells: the levels of each scenario")


def runs_sheet(runs: Sequence[PlannedRun], title: str) -> Sheet:
    """A line for each planned run, in order; of trials which of which search they are."""
    numbers = ("run", "repetition", "search", "trial", "seed")
    searching = ("search", "trial") if any(run.trial for run in runs) else ()
    rows = []
    for run in runs:
        place = [str(number or "") for number in (run.search, run.trial)] if searching else []
        rows.append((str(run.ordinal), run.kind, run.scenario, str(run.repetition), *place, str(run.seed)))
    return Sheet(columns("run", "kind", "scenario", "repetition", *searching, "seed", numbers=numbers), rows, title)


def _known_minutes(config: LabConfig) -> float:
    """What is known beforehand: baseline blocks, stabilization, supplementary and pauses. Workloads come on top."""
    campaign, runs = config.file.campaign, len(make_plan(config))
    around_s = campaign.stabilization_s + campaign.supplementary_s + campaign.pause_s
    return (runs * around_s + config.file.baseline.blocks * config.file.baseline.duration_s) / 60


def _wanted(config: LabConfig, half_width: float, share: float) -> Wanted:
    limits = config.file.campaign.two_stage
    return Wanted(half_width, share, limits.most_repetitions, limits.most_blocks, keeps_pilot=False)


def show_sizes(config: LabConfig, wanted: Wanted) -> NeededSizes:
    """Print and return the runs and baseline blocks that a new campaign needs, with those made so far as its pilot."""
    with at_work("reading the runs made so far"):
        measured = analyse(config.campaign_folder).numbers
        pilots, baseline = pilots_of(measured.baseline, measured.scenarios)
        needed = sizes(pilots, baseline, wanted)
    rows = [(config.baseline.name, str(baseline.blocks), str(needed.blocks))]
    for name, pilot in pilots.items():
        runs = str(needed.runs[name]) if name in needed.runs else UNREACHABLE[needed.unreachable[name]]
        rows.append((name, str(pilot.runs), runs))
    console = Console()
    console.print(sizes_sheet(rows, wanted))
    small = [name for name, pilot in pilots.items() if pilot.runs < LEAST_PILOT_RUNS]
    if small:
        say(console, f"{', '.join(small)}: fewer than {LEAST_PILOT_RUNS} runs were made, so their spread is hardly "
                     "known.", "yellow")  # fmt: skip
    say(
        console,
        f"These rating intervals take {needed.hours:.1f} h together. Write the numbers into the lab.toml of a new "
        "campaign.",
    )
    return NeededSizes(
        half_width_percent=100 * wanted.half_width, share_percent=100 * wanted.share, blocks=needed.blocks,
        runs=needed.runs, unreachable=needed.unreachable, rating_hours=needed.hours,
    )  # fmt: skip


def sizes_sheet(rows: Sequence[tuple[str, str, str]], wanted: Wanted) -> Sheet:
    """Of the baseline and each scenario: what was made so far, and what is needed."""
    title = (
        f"Needed for an interval of ±{100 * wanted.half_width:.3g} % around the induced energy, reached in "
        f"{100 * wanted.share:.3g} of 100 campaigns"
    )
    return Sheet(columns("scenario", "made so far", "needed", numbers=("made so far",)), rows, title)


def _percent(option: str, text: str) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not 0 < value < 100:
        raise ConfigError(f"{option} {text!r}: expected a percentage between 0 and 100, such as 5%")
    return value / 100
