"""`wattlab witness receiver|send|show`: what a witness needs, what it has not heard yet, what it has in its log."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.called import as_called
from harness.cli.documents import Document
from harness.cli.screen import Sheet, columns, say
from harness.cli.types import add_json_argument, add_lab_argument
from harness.record.errors import WitnessError

if TYPE_CHECKING:
    from harness.attest.receipts import Receipt

RECEIVER = "wattlab-witness.py"
STEPS = """\
{file} written: it needs python3 and nothing else.
At the witness, as an account that the operator has no other way into:
  1. put it into the account's home folder
  2. add this line to ~/.ssh/authorized_keys there:
{line}
In lab.toml: [witness] ssh = "ACCOUNT@HOST", key_file = the private half of that key; then `wattlab check`.
With a key of its own for the receipts: add `--key /home/ACCOUNT/KEY` to the command; who verifies gets KEY.pub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessProgram(Document):
    """The program that a witness runs."""

    file: str
    """Where it was written."""
    authorized_keys_line: str
    """What belongs into ~/.ssh/authorized_keys at the witness; ACCOUNT stands for its account."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the witnesses have heard of one campaign."""

    campaign_folder: str
    """The campaign."""
    problems: Mapping[str, str]
    """Witness -> why it has not heard everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries(Document):
    """What was sent to the witnesses of lab.toml."""

    witnesses: tuple[str, ...]
    """Their names."""
    campaigns: tuple[Delivery, ...]
    """Of each SUT; where one has a problem the exit code is 1."""


@dataclass(frozen=True, slots=True)
class ReceivedHead:
    """One line of a witness's log."""

    utc: str
    """When it was received, by the witness's clock."""
    sender: str
    """The key, or the account, it came from."""
    campaign: str
    """Name of the campaign."""
    event: str
    """What had happened to it."""
    run: str
    """Folder of the run; empty where it is about the whole campaign."""
    head: str
    """Digest of the last line of the campaign's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedHeads(Document):
    """A witness's own log."""

    receipts: tuple[ReceivedHead, ...]
    """In the log's order."""
    problems: tuple[str, ...]
    """Where it is not as the witness wrote it; with one the exit code is 3."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "A witness is told at once what was begun and sealed, and keeps a log of its own (docs/evidence.md)."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    receiver = actions.add_parser(
        "receiver",
        help="write the program that the witness runs, and say how",
        description="Write the one file that runs at the witness, and print the line of authorized_keys that forces it "
        "on the operator's key.",
    )
    receiver.add_argument("--operator-key", type=Path, required=True, metavar="K.pub", help="the operator's public key")
    receiver.add_argument("--into", type=Path, default=Path(RECEIVER), metavar="FILE", help=f"default: {RECEIVER}")
    add_json_argument(receiver, "the file and the line of authorized_keys", WitnessProgram)
    receiver.set_defaults(call=write_receiver)
    sender = actions.add_parser(
        "send",
        help="tell the witnesses of lab.toml what they have not heard yet",
        description="Tell the witnesses of lab.toml every head of its campaign that they have not given a receipt for.",
    )
    add_lab_argument(sender, "of several, where none is named, each that was begun")
    add_json_argument(sender, "which witness has not heard everything", Deliveries)
    sender.set_defaults(call=send, interrupted="the same command sends what was not received yet")
    shower = actions.add_parser(
        "show", help="a witness's log as a table", description="Check a witness's own log and print it as a table."
    )
    shower.add_argument("log", type=Path, help="the log, from the witness")
    add_json_argument(shower, "the receipts", ReceivedHeads)
    shower.set_defaults(call=show)


def write_receiver(arguments: argparse.Namespace) -> int:
    """Write the receiver to a new file, and print the steps.

    Raises:
        WitnessError: the file exists, or cannot be written. SigningError: no public key.
    """
    from harness.attest import receiver
    from harness.attest.signer import read_public_key

    key, file = read_public_key(arguments.operator_key), arguments.into
    try:
        with file.open("xb") as target:
            target.write(Path(receiver.__file__).read_bytes())
    except OSError as error:
        raise WitnessError(f"{file}: cannot write the receiver ({error.strerror}); name another with --into") from None
    command = shlex.join(["python3", "-I", f"/home/ACCOUNT/{file.name}", "--log", "/home/ACCOUNT/heads.jsonl"])
    line = f'restrict,command="{command}" {key.text}'
    arguments.answer = WitnessProgram(file=str(file), authorized_keys_line=line)
    print(as_called(STEPS.format(file=file, line=line)))
    return 0


def send(arguments: argparse.Namespace) -> int:
    """Tell what is missing; 1 where a witness still has not heard all.

    Raises:
        WitnessError: lab.toml names no witness. RunFolderError: there is no campaign, or it is being measured.
    """
    from harness.attest.witness import channels_of, deliver
    from harness.measure.campaign_lock import locked
    from harness.measure.lab_file import load_each
    from harness.record.campaign_folder import CAMPAIGN, CampaignFolder

    configs, console = load_each(arguments.lab, arguments.campaign, arguments.sut), Console()
    channels = channels_of(configs[0].station)
    if not channels:
        raise WitnessError(f"{configs[0].path}: no witness; name one in [witness]: ssh or rfc3161")
    folders = [config.campaign_folder for config in configs]
    deliveries = []
    for folder in [folder for folder in folders if (folder / CAMPAIGN).is_file()] or folders[:1]:
        campaign = CampaignFolder(folder)
        with locked(campaign):
            problems = deliver(campaign, channels)
        for problem in problems.values():
            say(console, problem)
        if not problems:
            names = ", ".join(channel.name for channel in channels)
            say(console, f"{names}: every head of {campaign.path} is received.")
        deliveries.append(Delivery(str(campaign.path), {name: str(problem) for name, problem in problems.items()}))
    arguments.answer = Deliveries(witnesses=tuple(channel.name for channel in channels), campaigns=tuple(deliveries))
    return 1 if any(each.problems for each in deliveries) else 0


def show(arguments: argparse.Namespace) -> int:
    """Print what the log holds; 3 where it is not as the witness wrote it."""
    from harness.attest.receipts import read_log

    log = read_log(arguments.log)
    arguments.answer = ReceivedHeads(receipts=tuple(map(_head, log.receipts)), problems=log.problems)
    console = Console()
    console.print(receipts_sheet(log.receipts))
    for problem in log.problems:
        say(console, problem, "bold red")
    return 3 if log.problems else 0


def _head(receipt: "Receipt") -> ReceivedHead:
    told = (str(receipt.statement[key]) for key in ("name", "event", "folder", "head"))
    return ReceivedHead(receipt.utc, receipt.whose, *told)


def receipts_sheet(receipts: "Sequence[Receipt]") -> Sheet:
    """A line for each head that was received."""
    rows = [astuple(_head(receipt)) for receipt in receipts]
    return Sheet(columns("received", "from", "campaign", "what", "run", "head"), rows)
