"""`wattlab sign CAMPAIGN --key K`: an OpenSSH signature over a campaign that verifies."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import counted, say
from harness.cli.types import add_json_argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Document):
    """What was signed, with which key."""

    campaign: str
    """Its name."""
    campaign_folder: str
    """Where it lies."""
    runs: int
    """How many were signed."""
    fingerprint: str
    """Of the key, as `ssh-keygen -l` prints it."""
    incomplete: str | None
    """Why it was signed although planned runs are missing; null: none is missing."""
    not_recomputed: tuple[str, ...]
    """Derived files that were signed as they stood."""
    statement: str
    """The file that was signed."""
    signature: str
    """The file of its signature."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Verify a campaign, then sign it with an OpenSSH key (`ssh-keygen -Y sign`). The signed statement "
        "and its signature are written beside the campaign's log; the key is never copied."
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("--key", type=Path, required=True, help="private key (or its public half, with an agent)")
    verb.add_argument(
        "--incomplete", metavar="REASON", help="sign although planned runs are missing; the statement says so"
    )
    add_json_argument(verb, "what was signed with which key", Signed)
    verb.set_defaults(call=call, interrupted="the campaign was not signed")


def call(arguments: argparse.Namespace) -> int:
    """Sign, and print what was signed and how it is checked.

    Raises:
        SigningError: no such key, or the campaign may not be signed.
    """
    from harness.attest.signer import require_key

    require_key(arguments.key)  # before the campaign is verified, which takes its time
    with at_work("verifying the campaign before it is signed"):
        from harness.evidence.statement import SIGNATURE
        from harness.evidence.verification import sign_campaign
        from harness.record.campaign_folder import STATEMENT

        statement = sign_campaign(arguments.campaign, arguments.key, arguments.incomplete)
    key = statement["signer"]["fingerprint"]
    arguments.answer = Signed(
        campaign=statement["campaign"],
        campaign_folder=str(arguments.campaign),
        runs=statement["n_runs"],
        fingerprint=key,
        incomplete=statement["incomplete"],
        not_recomputed=tuple(statement["not_recomputed"]),
        statement=str(arguments.campaign / STATEMENT),
        signature=str(arguments.campaign / SIGNATURE),
    )
    console = Console()
    say(console, f"You signed {counted(statement['n_runs'], 'run')} of {statement['campaign']} with {key}.")
    if statement["incomplete"]:
        say(console, f"The statement says that the campaign is incomplete: {statement['incomplete']}.")
    if statement["not_recomputed"]:
        say(console, f"Signed as they stood, and recomputed by nobody: {', '.join(statement['not_recomputed'])}.")
    print(f"statement  {arguments.campaign / STATEMENT}\nsignature  {arguments.campaign / SIGNATURE}")
    say(
        console,
        "Give others your public key by another way than this folder; they check with "
        f"{command('verify', arguments.campaign, '--public-key', 'K.pub')}.",
    )
    return 0
