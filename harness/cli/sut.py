"""`wattlab sut prepare`: everything a SUT needs before it can be measured."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.screen import say
from harness.cli.types import add_json_argument, add_lab_argument, lab_words
from harness.measure.embedded import open_wires
from harness.measure.lab_file import LabConfig, load_each
from harness.measure.material import needs_of
from harness.record.errors import Interrupted, LabError
from harness.station.station import SutSection
from harness.sut.machine import Sut
from harness.sut.prepare import prepare as prepare_sut


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation(Document):
    """What was done on each SUT."""

    steps: Mapping[str, tuple[str, ...]]
    """SUT -> what was found or done there, in order; the name is empty where lab.toml has one SUT without a name."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "The system under test."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser(
        "prepare",
        help="what agent and scenarios need onto the SUT",
        description="Put onto the SUT what the agent and the scenarios of lab.toml need: Python packages, data, "
        "weights, and nothing else. Does only what is missing.",
    )
    exact = "remove from wattlab's environment there what no scenario of this campaign needs"
    action.add_argument("--exact", action="store_true", help=exact)
    add_lab_argument(action, "of several, where none is named, each")
    add_json_argument(action, "what was done on which SUT", Preparation, tells_beside=True)
    action.set_defaults(call=call, interrupted="the same command does what is still missing")


def call(arguments: argparse.Namespace) -> int:
    """Prepare the SUT of lab.toml, or each of several; one that cannot be prepared does not keep the others from it.

    Raises:
        LabError: the only one cannot be prepared, or the last of those that cannot.
    """
    configs, console = load_each(arguments.lab, arguments.campaign, arguments.sut), Console()
    problem: LabError | None = None
    steps: dict[str, tuple[str, ...]] = {}
    for config in configs:
        try:
            with open_wires(config) as wires:
                steps[config.sut_name] = tuple(prepare(config, wires.sut, exact=arguments.exact))
        except Interrupted:
            raise
        except LabError as error:
            if problem is not None:
                say(console, str(problem), "bold red")
            problem = error if len(configs) == 1 else LabError(f"SUT {config.sut_name}: {error}")
    if problem is not None:
        raise problem
    arguments.answer = Preparation(steps=steps)
    say(console, f"Next: {command('check', *lab_words(arguments))}.")
    return 0


def prepare(config: LabConfig, wire: SutSection, *, exact: bool = False) -> list[str]:
    """Prepare one SUT for a lab's scenarios, its progress lines passed through and returned."""
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        print(f"{name} {line}")

    name = f"SUT {config.sut_name}" if config.sut_name else "SUT     "
    with Sut.connect(wire) as sut:
        prepare_sut(sut, needs_of(config), tell, exact=exact)
    return lines
