"""`wattlab plan`: show every run of the campaign, in order, before anything is started."""

import argparse

from rich.console import Console
from rich.table import Table

from harness.cli.types import Verbs, add_lab_argument
from harness.config import LabConfig, load
from harness.plan import make_plan


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("plan", help="list every planned run", description="List every planned run, in order.")
    add_lab_argument(verb)
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the plan as a table."""
    config = load(arguments.lab)
    runs = make_plan(config)
    table = Table(title=f"Campaign {config.file.campaign.name}, seed {config.file.campaign.seed}")
    for heading in ("run", "kind", "scenario", "repetition", "seed"):
        table.add_column(heading, justify="left" if heading in ("kind", "scenario") else "right")
    for run in runs:
        table.add_row(str(run.ordinal), run.kind, run.scenario, str(run.repetition), str(run.seed))
    console = Console()
    console.print(table)
    console.print(f"{len(runs)} runs into {config.campaign_folder}; at least {_known_minutes(config):.0f} min")
    return 0


def _known_minutes(config: LabConfig) -> float:
    """What is known beforehand: baseline blocks, stabilization, supplementary and pauses. Workloads come on top."""
    campaign, runs = config.file.campaign, len(make_plan(config))
    around_s = campaign.stabilization_s + campaign.supplementary_s + campaign.pause_s
    return (runs * around_s + config.file.baseline.blocks * config.file.baseline.duration_s) / 60
