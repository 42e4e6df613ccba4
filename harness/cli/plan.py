"""`wattlab plan`: show every run of the campaign, in order, before anything is started; or how many a wanted half-width
needs."""

import argparse

from rich.console import Console
from rich.table import Table

from harness.cli.run import UNREACHABLE
from harness.cli.types import Verbs, add_lab_argument
from harness.config import LabConfig, load
from harness.errors import ConfigError
from harness.plan import make_plan
from harness.preflight import of_files, require_ready
from reports.analysis.planning import LEAST_PILOT_RUNS, Wanted, pilots_of, sizes
from reports.analysis.results import analyse


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("plan", help="list every planned run", description="List every planned run, in order.")
    add_lab_argument(verb)
    verb.add_argument(
        "--half-width",
        metavar="PERCENT",
        help="size a campaign from the runs made so far, for this relative half-width, such as 5%%",
    )
    verb.add_argument("--share", default="90", metavar="PERCENT", help="in how many of 100 campaigns (default: 90)")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the plan as a table, then what the files beside lab.toml have against a start.

    Raises:
        LabNotReady: they have something.
    """
    config = load(arguments.lab)
    if arguments.half_width is not None:
        return show_sizes(config, _percent("--half-width", arguments.half_width), _percent("--share", arguments.share))
    runs = make_plan(config)
    table = Table(title=f"Campaign {config.file.campaign.name}, seed {config.file.campaign.seed}")
    for heading in ("run", "kind", "scenario", "repetition", "seed"):
        table.add_column(heading, justify="left" if heading in ("kind", "scenario") else "right")
    for run in runs:
        table.add_row(str(run.ordinal), run.kind, run.scenario, str(run.repetition), str(run.seed))
    console = Console()
    console.print(table)
    console.print(f"{len(runs)} runs into {config.campaign_folder}; at least {_known_minutes(config):.0f} min")
    require_ready(of_files(config), "this plan cannot be started")
    return 0


def _known_minutes(config: LabConfig) -> float:
    """What is known beforehand: baseline blocks, stabilization, supplementary and pauses. Workloads come on top."""
    campaign, runs = config.file.campaign, len(make_plan(config))
    around_s = campaign.stabilization_s + campaign.supplementary_s + campaign.pause_s
    return (runs * around_s + config.file.baseline.blocks * config.file.baseline.duration_s) / 60


def show_sizes(config: LabConfig, half_width: float, share: float) -> int:
    """Print the runs and baseline blocks that a new campaign needs, with those made so far as its pilot."""
    limits = config.file.campaign.two_stage
    wanted = Wanted(half_width, share, limits.most_repetitions, limits.most_blocks, keeps_pilot=False)
    measured = analyse(config.campaign_folder)
    pilots, baseline = pilots_of(measured.baseline, measured.scenarios)
    found = sizes(pilots, baseline, wanted)
    table = Table(title=f"For ±{100 * half_width:.3g} % of the induced energy in {100 * share:.3g} % of campaigns")
    for heading in ("scenario", "pilot", "runs"):
        table.add_column(heading, justify="left" if heading == "scenario" else "right")
    table.add_row(config.baseline.name, str(baseline.blocks), str(found.blocks))
    for name, pilot in pilots.items():
        runs = str(found.runs[name]) if name in found.runs else UNREACHABLE[found.unreachable[name]]
        table.add_row(name, str(pilot.runs), runs)
    console = Console()
    console.print(table)
    small = [name for name, pilot in pilots.items() if pilot.runs < LEAST_PILOT_RUNS]
    if small:
        console.print(f"Fewer than {LEAST_PILOT_RUNS} pilot runs: {', '.join(small)}. Their spread is hardly known.")
    console.print(f"{found.hours:.1f} h of rating intervals. Write the numbers into lab.toml of a new campaign.")
    return 0


def _percent(option: str, text: str) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not 0 < value < 100:
        raise ConfigError(f"{option} {text!r}: expected a percentage between 0 and 100, such as 5%")
    return value / 100
