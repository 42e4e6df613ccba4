"""What is not proved of a campaign, in one sentence, by whose word stands behind it beside the operator's.

Knows `evidence` of results.json. Knows no key and no witness: what a signature or a receipt is worth, `wattlab verify`
finds out.
"""

from collections.abc import Sequence

from reports.results.witness import Witness, WitnessedEvidence

NOBODY = "so nobody but the laboratory can say when this was measured, or whether a run was"
METER = "that the bytes of the meter are true"


def not_proved(evidence: WitnessedEvidence) -> str:
    """The sentence for `evidence` of results.json."""
    witness, n, signed = evidence.witness, evidence.seals.n, evidence.seals.signed
    if witness.kinds:
        return f"{_received(witness)} {_left_open(witness.kinds)}"
    if n and signed == n:
        return (
            "A key that the operator can use signed each seal when it was made, which proves the key and not the time; "
            f"no witness received the seals, {NOBODY} measured again or removed before the campaign was signed."
        )
    key = f"A key signed {signed} of {n} seals" if signed else "No key signed the seals"
    return (
        f"{key} and no witness received them, {NOBODY} changed, measured again or removed before the campaign was "
        "signed."
    )


def _received(witness: Witness) -> str:
    """How much of it the witness had, and how much in time."""
    who = "A witness" if "ssh" in witness.kinds else "A time-stamping authority"
    heads = f"{witness.received} of {witness.expected} heads of this campaign"
    return f"{who} received {heads}, {witness.late or 'none'} of them late."


def _left_open(kinds: Sequence[str]) -> str:
    """What even then is not proved."""
    if "ssh" in kinds:
        return f"`wattlab verify --witness` finds out whether its own log agrees. It is not proved {METER}."
    return (
        "`wattlab verify --witness` finds out whether the stamps are its own. It keeps no list of them, so it is not "
        f"proved that no run was measured again or removed together with its stamps, nor {METER}."
    )
