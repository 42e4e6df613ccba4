"""`wattlab annotate CAMPAIGN [RUN] --text ...`: the operator's chained note beside the runs; can take a run out."""

import argparse
import getpass
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.screen import say
from harness.cli.types import add_json_argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Document):
    """What was noted."""

    campaign_folder: str
    """The campaign."""
    run: str | None
    """Folder of the run that the note is on; null: it is on the campaign."""
    operator: str
    """Who noted it."""
    text: str
    """What happened."""
    excluded_because: str | None
    """The reason for which the run enters no mean; null: it is not excluded by this note."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Append a note to annotations.jsonl, a chained log beside the runs; a sealed run is never touched. "
        "An excluded run enters no mean; the report says who excluded it, when and why."
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("run", nargs="?", help="a run's folder, or its ordinal; without it the note is on the campaign")
    verb.add_argument("--text", required=True, help="what happened")
    verb.add_argument("--exclude", metavar="REASON", help="take the run out of the means, for this technical reason")
    verb.add_argument(
        "--operator", default=getpass.getuser(), metavar="NAME", help="who notes it (default: %(default)s)"
    )
    add_json_argument(verb, "what was noted", Note)
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Append the note and say what comes next."""
    from harness.evidence.annotations import annotate

    about = annotate(
        arguments.campaign,
        arguments.run,
        operator=arguments.operator,
        text=arguments.text,
        exclude=arguments.exclude,
    )
    arguments.answer = Note(
        campaign_folder=str(arguments.campaign), run=about, operator=arguments.operator, text=arguments.text,
        excluded_because=arguments.exclude,
    )  # fmt: skip
    say(
        Console(),
        f"The note is on {about or 'the campaign'}. Next: {command('report', arguments.campaign)} takes it up; sign "
        "again what was signed before.",
    )
    return 0
