"""`wattlab sign CAMPAIGN --key K`: an OpenSSH signature over a campaign that verifies."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "sign",
        help="sign a campaign with an OpenSSH key",
        description="Verify a campaign, then sign it with an OpenSSH key (`ssh-keygen -Y sign`). The signed statement "
        "and its signature are written beside the campaign's log; the key is never copied.",
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("--key", type=Path, required=True, help="private key (or its public half, with an agent)")
    verb.add_argument(
        "--incomplete", metavar="REASON", help="sign although planned runs are missing; the statement says so"
    )
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Sign, and print what was signed and how it is checked."""
    from harness.evidence.statement import SIGNATURE
    from harness.evidence.verification import sign_campaign
    from harness.run_folder import STATEMENT

    statement = sign_campaign(arguments.campaign, arguments.key, arguments.incomplete)
    print(f"signed {statement['n_runs']} runs of {statement['campaign']} with {statement['signer']['fingerprint']}")
    if statement["incomplete"]:
        print(f"as incomplete: {statement['incomplete']}")
    if statement["not_recomputed"]:
        print(f"as it stood, recomputed by nobody: {', '.join(statement['not_recomputed'])}")
    print(f"{arguments.campaign / STATEMENT}\n{arguments.campaign / SIGNATURE}")
    print(
        "Give the public key on another way than this folder; `wattlab verify CAMPAIGN --public-key K.pub` checks both."
    )
    return 0
