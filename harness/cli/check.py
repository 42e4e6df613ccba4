"""`wattlab check`: every reason not to start, as one list; `--check-load` tries the meters with a known load."""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness.cli import check_load
from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument, add_lab_argument, lab_words
from harness.measure.agenda import is_done
from harness.measure.campaign_lock import in_use
from harness.measure.embedded import Wires, open_wires
from harness.measure.lab_file import LabConfig, load_each, load_station
from harness.measure.preflight import check_lab
from harness.measure.reason import Reason, Severity
from harness.record.errors import Interrupted, LabError

SIGNS = {
    "refuse": ("REFUSED", "bold red"),
    "warn": ("remark", "yellow"),
    "unknown": ("?", "dim"),
    "ok": ("ok", "green"),
}
QUIET: tuple[Severity, ...] = ("ok", "unknown")
"""What is counted, and listed only where all is asked for."""


@dataclass(frozen=True, slots=True)
class SutReadiness:
    """Whether the campaign can start on one SUT."""

    sut: str
    """Its name in lab.toml; empty where lab.toml has one SUT without a name."""
    campaign_folder: str
    """Where its runs go."""
    ready: bool
    """No reason is of severity `refuse`."""
    reasons: tuple[Reason, ...]
    """Every line of the list, also what is in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness(Document):
    """Every reason not to start a campaign."""

    ready: bool
    """It can start on every SUT."""
    suts: tuple[SutReadiness, ...]
    """The SUT that was named, or each that lab.toml has."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Ask disk, host, campaign, meters and SUT for every reason not to start. What is in order, and "
        "what nobody can find out, is counted. Exit code 1 when there is a reason not to start."
    )
    add_lab_argument(verb, "of several, where none is named, each")
    verb.add_argument("--all", action="store_true", help="list also what is in order and what is not known")
    add_json_argument(
        verb, "whether a campaign can start, with every line of the list,", Readiness,
        {"--check-load": check_load.CheckLoadTrial}, tells_beside=True,
    )  # fmt: skip
    check_load.add_arguments(verb)
    verb.set_defaults(call=call, interrupted="nothing was started")


def call(arguments: argparse.Namespace) -> int:
    """Print the list, of several SUTs one after the other, or try a check load."""
    if arguments.check_load is not None:
        return check_load.call(load_station(arguments.lab), arguments)
    configs, console = load_each(arguments.lab, arguments.campaign, arguments.sut), Console()
    found: list[SutReadiness] = []
    for config in configs:
        reasons = _reasons(config, alone=len(configs) == 1)
        ready = not _refusals(reasons)
        found.append(SutReadiness(config.sut_name, str(config.campaign_folder), ready, tuple(reasons)))
        if not arguments.json:
            if len(configs) > 1:
                say(console, f"SUT {config.sut_name}", "bold")
            show(reasons, everything=arguments.all)
            _conclude(console, config, reasons, arguments)
    arguments.answer = Readiness(ready=all(each.ready for each in found), suts=tuple(found))
    return 0 if arguments.answer.ready else 1


def _reasons(config: LabConfig, *, alone: bool) -> list[Reason]:
    """The whole list of one SUT; one of several that is embedded and in use is a reason of its own."""
    try:
        with open_wires(config) as wires:
            return [*in_use(config), *check_lab(config, wires.sut, wires.openers), *of_certificate(config, wires)]
    except Interrupted:
        raise
    except LabError as error:
        if alone:
            raise
        return [Reason("refuse", "in use", str(error))]


def of_certificate(config: LabConfig, wires: Wires) -> list[Reason]:
    """What the certificate of the SUT's software meters has against a start; nothing where it has a meter."""
    if config.certificate_source is None:
        return []
    with at_work("verifying the certificate of the software meters"):
        from harness.evidence.certificates import check_certificate  # computes: what others need not pay

        return check_certificate(config, wires.sut)


def _refusals(reasons: Sequence[Reason]) -> list[Reason]:
    return [reason for reason in reasons if reason.severity == "refuse"]


def _conclude(console: Console, config: LabConfig, reasons: Sequence[Reason], arguments: argparse.Namespace) -> None:
    """Say whether the campaign can start, and what comes next."""
    if refusals := _refusals(reasons):
        say(console, f"{counted(len(refusals), 'reason')} not to start.", "bold red")
    else:
        say(console, f"Nothing stands in the way. {_next(config, arguments)}")


def _next(config: LabConfig, arguments: argparse.Namespace) -> str:
    """What comes next where a campaign may be measured."""
    if is_done(config):
        report = command("report", config.campaign_folder)
        return (
            f"Every run of {config.campaign_folder} is done: {report} shows the results; another campaign needs "
            "another campaign.name."
        )
    return f"Next: {command('run', *lab_words(arguments, config.sut_name))}."


def show(reasons: Sequence[Reason], *, everything: bool = False, hints: bool = True) -> None:
    """Print how many lines are in order or not known, then the others; or all of them. `hints`: say what lists them
    all."""
    console = Console()
    counts = Counter(reason.severity for reason in reasons)
    listed = [reason for reason in reasons if everything or reason.severity not in QUIET]
    is_said = hints and not everything and any(counts[quiet] for quiet in QUIET)
    hint = " (`wattlab check --all` lists them)" if is_said else ""
    say(console, f"{counts['ok']} ok, {counts['unknown']} not known{hint}")
    rows = [(Text(*SIGNS[reason.severity]), reason.subject, reason.text) for reason in listed]
    if rows:
        console.print(Sheet(columns("", "", ""), rows, heads=False))
