"""`wattlab observer`: what agent and SSH link themselves add to the SUT's power, measured by the meters."""

import argparse

from harness.cli import report
from harness.cli.display import Display
from harness.cli.run import MeasuredCampaign, check, measured_campaign, open_bench, opened, seal_cut_off
from harness.cli.types import add_json_argument, add_lab_argument
from harness.measure.agenda import OBSERVER
from harness.measure.campaign import Campaign
from harness.measure.embedded import Wires, open_wires
from harness.measure.lab_file import LabConfig, load
from harness.measure.without_meter import require_meter
from harness.record.errors import ConfigError
from reports.campaign.exclusion import exclusion_of

LEAST_BLOCKS, LEAST_S = 2, 2.0


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Measure what the agent and its SSH link add to the SUT's power: blocks with and without them in "
        "the order ABBA, idle and under full load. They become part of the campaign and a line of its budget."
    )
    add_lab_argument(verb)
    verb.add_argument("--blocks", type=int, default=6, help="with, and as many without, idle and loaded (default: 6)")
    verb.add_argument("--seconds", type=float, default=60.0, help="length of a block (default: 60)")
    add_json_argument(verb, "where the campaign lies and what became of it", MeasuredCampaign, tells_beside=True)
    verb.set_defaults(call=call, interrupted="`wattlab observer` continues with the blocks that are not made")


def call(arguments: argparse.Namespace) -> int:
    """Check, measure the blocks, and write the report."""
    if arguments.blocks < LEAST_BLOCKS or arguments.seconds < LEAST_S:
        raise ConfigError(f"wattlab observer: at least {LEAST_BLOCKS} blocks of {LEAST_S:g} s are needed")
    config = load(arguments.lab, arguments.campaign, arguments.sut)
    require_meter(config.path, config.file, "wattlab observer")
    with open_wires(config) as wires:
        campaign = observe(config, wires, arguments.blocks, arguments.seconds)
    code = report.write(config.campaign_folder)
    arguments.answer = measured_campaign(campaign)
    return code


def observe(config: LabConfig, wires: Wires, blocks: int, seconds: float) -> Campaign:
    """Preflight, then the blocks that are planned and not made; without any, `blocks` of `seconds` are planned.

    Raises:
        LabNotReady: preflight found reasons not to start. LabError, MeterError: what ended the campaign.
    """
    with opened(config) as campaign:
        seal_cut_off(campaign)
        campaign.add_observer_blocks(blocks, seconds)
        check(campaign, config, wires)
        with open_bench(config, wires, campaign.sign) as bench, Display(len(campaign.plan)) as display:
            campaign.measure(bench, display.on_progress, exclusion_of, OBSERVER)
    return campaign
