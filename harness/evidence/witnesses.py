"""What a witness says of a campaign, against the campaign: receipts, time stamps, and its own log where it is given.

Knows the witness's log, its key, an authority's certificate: whatever of them the verifier has, from the witness and
not from the lab. Only the log shows what the lab threw away; a key shows that the receipts are the witness's, and by
their numbers that none of them is missing; a certificate shows that the stamps are the authority's.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.attest.receipts import Receipt, WitnessLog, breaks_of_campaign, lines_of, read_log, receipt_of, told_in
from harness.attest.signer import OF_RECEIPT, PUBLIC_KEY, PublicKey, read_public_key, signer_of
from harness.attest.timestamps import problem_of, stamped_at
from harness.record import entries
from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import Entry, of
from harness.record.errors import WitnessError, why
from harness.record.plain_files import open_plain
from harness.record.verify import Check, Examination

SHOWN = 5
CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the verifier has of the witnesses."""

    logs: tuple[WitnessLog, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    authorities: tuple[Path, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.logs or self.keys or self.authorities)


def read_witnesses(files: Sequence[Path]) -> Witnesses:
    """Each file for what it is: a witness's log, its public key, the certificate (PEM) of an authority.

    Raises:
        WitnessError: a file is none of them.
    """
    logs, keys, authorities = [], [], []
    for path in files:
        try:
            with open_plain(path) as file:
                head = file.read(1 << 16).decode(errors="replace")
        except OSError as error:
            raise WitnessError(f"{path}: cannot read ({why(error)})") from None
        if CERTIFICATE in head:
            authorities.append(path)
        elif any(PUBLIC_KEY.fullmatch(line.strip()) for line in head.splitlines()):
            keys.append(read_public_key(path))
        else:
            logs.append(read_log(path))
    return Witnesses(tuple(logs), tuple(keys), tuple(authorities))


def check_witnesses(path: Path, seen: Examination, witnesses: Witnesses) -> tuple[list[Check], list[str]]:
    """Every check of the receipts, and what they do not prove."""
    campaign = CampaignFolder(path)
    found, problems = _own_receipts(seen)
    stamps = of(entries.Timestamp, seen.receipts)
    numbered = _summed(path.name, "receipt numbers", problems, f"{len(found)}, none missing")
    checks = [numbered] if found or problems else []
    notes: list[str] = []
    if problems:
        notes.append(
            "A receipt that is not here was lost on its way, or taken out: `wattlab witness send` asks for it again; "
            "if it stays away, the witness's log shows what it was."
        )
    for log in witnesses.logs:
        more, remarks = _check_log(campaign, log, found)
        checks += more
        notes += remarks
    if witnesses.keys:
        checks.append(_check_keys(path.name, seen.receipts, witnesses.keys))
    if witnesses.authorities:
        checks.append(_check_stamps(path.name, stamps, witnesses.authorities))
    if seen.receipts and not witnesses.any:
        notes.append(
            "The receipts were not compared with the witness: get its log or key (of an authority its certificate) "
            "from it, not from the lab, and give it with --witness."
        )
    return checks, notes


def _own_receipts(seen: Examination) -> tuple[list[Receipt], list[str]]:
    """The witness's lines among the campaign's receipts, and what is wrong with them."""
    found, problems = [], []
    for line in lines_of(seen.receipts):
        try:
            found.append(receipt_of(line))
        except WitnessError as error:
            problems.append(str(error))
    return found, [*problems, *breaks_of_campaign(found)]


def _check_log(campaign: CampaignFolder, log: WitnessLog, found: Sequence[Receipt]) -> tuple[list[Check], list[str]]:
    """The witness's own log against the campaign: what it received stands in the campaign's log, and the campaign's
    receipts stand in its log."""
    subject, identity = campaign.path.name, campaign.identity
    own = [receipt for receipt in log.receipts if receipt.of(identity)]
    heads = {(n, hashlib.sha256(line).hexdigest()) for n, line in enumerate(campaign.log.lines(), 1)}
    gone = [
        f"at {receipt.utc} it received {told_in(receipt.statement)}, which is not in the log any more"
        for receipt in own
        if (receipt.statement["seq"], receipt.statement["head"]) not in heads
    ]
    forged = [f"receipt {one.number} is not in its log" for one in found if one.line not in {r.line for r in own}]
    strange = [] if own else ["it never heard of this campaign"]
    heard = f"{len(own)} heads that it received stand in the campaign's log"
    checks = [
        _summed(subject, "witness's log", log.problems, f"{len(log.receipts)} receipts, chain as the witness wrote it"),
        _summed(subject, "witness", [*strange, *gone, *forged], heard),
    ]
    lost = len({one.line for one in own} - {one.line for one in found})
    notes = [f"{lost} receipts stand in the witness's log only: the campaign lacks their answers."] if lost else []
    return checks, [*notes, *_namesakes(log, own, identity)]


def _namesakes(log: WitnessLog, own: Sequence[Receipt], identity: str) -> Iterator[str]:
    """Other campaigns of the same name: a campaign that was begun anew is none of this one's evidence, and a stranger
    should ask what became of it."""
    names = {str(receipt.statement["name"]) for receipt in own}
    others: dict[str, Receipt] = {}
    for receipt in log.receipts:
        if not receipt.of(identity) and str(receipt.statement["name"]) in names:
            others.setdefault(str(receipt.statement["campaign"]), receipt)
    if others:
        first = ", ".join(receipt.utc for receipt in list(others.values())[:SHOWN])
        yield f"The witness knows {len(others)} more campaigns of this name, first heard of {first}: ask the lab."


def _check_keys(subject: str, written: Sequence[Entry], keys: Sequence[PublicKey]) -> Check:
    """Every receipt is signed by one of the witnesses' keys."""
    known = {key.fingerprint for key in keys}
    receipts = of(entries.Receipt, written)
    problems = [] if receipts else ["the campaign has no receipt of a witness"]
    for receipt in receipts:
        signer = None
        if receipt.signature is not None:
            line, signature = (text.encode(errors="replace") for text in (receipt.line, receipt.signature))
            signer = signer_of(line, signature, OF_RECEIPT)
        if signer not in known:
            by = "not signed by it" if signer is None else f"signed with another key, {signer}"
            problems.append(f"the receipt of line {receipt.of} is {by}")
    return _summed(subject, "receipt signatures", problems, f"{len(receipts)} receipts signed with {', '.join(known)}")


def _check_stamps(subject: str, stamps: Sequence[entries.Timestamp], authorities: Sequence[Path]) -> Check:
    """Every time stamp is one of an authority, of this head, at this moment."""
    problems = [] if stamps else ["the campaign has no time stamp"]
    for stamp in stamps:
        try:
            token = base64.b64decode(stamp.token, validate=True)
            moment = stamped_at(token, stamp.head)
        except (ValueError, WitnessError) as error:  # binascii.Error is a ValueError
            problems.append(f"the time stamp of line {stamp.of} is none ({error})")
            continue
        reasons = [problem_of(token, stamp.head, authority) for authority in authorities]
        if all(reasons):
            problems.append(f"the time stamp of line {stamp.of} is not the authority's ({reasons[0]})")
        elif moment != stamp.stamp:
            problems.append(f"line {stamp.of} was stamped {moment}, the campaign says {stamp.stamp}")
    return _summed(subject, "time stamps", problems, f"{len(stamps)} time stamps of the authority")


def _summed(subject: str, name: str, problems: Sequence[str], held: str) -> Check:
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return Check(subject, name, not problems, "; ".join(problems[:SHOWN]) + more or held)
