"""`wattlab sut prepare`: everything a SUT needs before it can be measured."""

import argparse

from rich.console import Console

from harness.cli.called import command
from harness.cli.screen import say
from harness.cli.types import add_lab_argument, lab_words
from harness.measure.embedded import open_wires
from harness.measure.lab_file import LabConfig, load
from harness.measure.material import needs_of
from harness.station.station import SutSection
from harness.sut.machine import Sut
from harness.sut.prepare import prepare as prepare_sut


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "The system under test."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser(
        "prepare",
        help="what agent and scenarios need onto the SUT",
        description="Put onto the SUT what the agent and the scenarios of lab.toml need: Python packages, data, "
        "weights. Does only what is missing.",
    )
    add_lab_argument(action)
    action.set_defaults(call=call, interrupted="the same command does what is still missing")


def call(arguments: argparse.Namespace) -> int:
    """Prepare the SUT of lab.toml."""
    config = load(arguments.lab)
    with open_wires(config) as wires:
        prepare(config, wires.sut)
    say(Console(), f"Next: {command('check', *lab_words(arguments))}.")
    return 0


def prepare(config: LabConfig, wire: SutSection) -> None:
    """Prepare one SUT for a lab's scenarios, its progress lines passed through."""
    with Sut.connect(wire) as sut:
        prepare_sut(sut, needs_of(config), lambda line: print(f"SUT      {line}"))
