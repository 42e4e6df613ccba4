"""`wattlab sign CAMPAIGN --key K`: an OpenSSH signature over a campaign that verifies."""

import argparse
from pathlib import Path

from rich.console import Console

from harness.cli.called import command
from harness.cli.progress import at_work
from harness.cli.screen import counted, say


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
