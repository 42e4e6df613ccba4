"""`wattlab sut prepare`: everything a SUT needs before it can be measured."""

import argparse

from harness.cli.types import Verbs, add_lab_argument
from harness.config import load
from harness.demo import open_wires
from harness.sut import Sut, SutConfig


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("sut", help="prepare the system under test", description="The system under test.")
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser(
        "prepare",
        help="agent, requirements, data and weights onto the SUT",
        description="Put agent, Python requirements, data and weights onto the SUT. Does only what is missing.",
    )
    add_lab_argument(action)
    action.set_defaults(call=call, interrupted="the same command does what is still missing")


def call(arguments: argparse.Namespace) -> int:
    """Prepare the SUT of lab.toml."""
    with open_wires(load(arguments.lab)) as wires:
        prepare(wires.sut)
    return 0


def prepare(wire: SutConfig) -> None:
    """Prepare one SUT, its progress lines passed through."""
    with Sut.connect(wire) as sut:
        sut.prepare(lambda line: print(f"SUT      {line}"))
