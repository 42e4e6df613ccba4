"""`wattlab study prepare FILE`: what the scenarios of a study need, onto the machines of its environments."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.screen import say
from harness.cli.studies import read_study
from harness.cli.study_run import add_study_arguments, chosen
from harness.cli.sut import prepare
from harness.cli.types import add_json_argument
from harness.measure.embedded import open_wires
from harness.record.errors import Interrupted, LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStudy(Document):
    """What was done in each environment."""

    steps: Mapping[str, tuple[str, ...]]
    """Environment -> what was found or done on its SUT, in order."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Put onto the SUT of each environment what the agent and the scenarios of the study need there: Python "
        "packages, data, weights, and nothing else. Does only what is missing."
    )
    add_study_arguments(verb)
    add_json_argument(verb, "what was done in which environment", PreparedStudy, tells_beside=True)
    verb.set_defaults(call=call, interrupted="the same command does what is still missing")


def call(arguments: argparse.Namespace) -> int:
    """Prepare each SUT; one that cannot be prepared does not keep the others from it.

    Raises:
        LabError: the last of those that cannot.
    """
    study, console = read_study(arguments.file), Console()
    steps, problem = dict[str, tuple[str, ...]](), None
    for campaign in chosen(study, arguments.only):
        say(console, f"{campaign.name}: {campaign.environment.title}")
        try:
            with open_wires(campaign.config) as wires:
                steps[campaign.name] = tuple(prepare(campaign.config, wires.sut))
        except Interrupted:
            raise
        except LabError as error:
            if problem is not None:
                say(console, str(problem), "yellow")
            problem = error
    arguments.answer = PreparedStudy(steps=steps)
    if problem is not None:
        raise problem
    say(console, f"Next: {command('study', 'run', arguments.file)}.")
    return 0
