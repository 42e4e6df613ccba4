"""A witness's log and its receipts, read as they come from the witness: form, chain, and what they say of a campaign.

Knows the line that `receiver` writes. Checks no signature (`signer` does) and asks nobody.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.attest.receiver import GENESIS, TELLING, good_lines
from harness.record import entries
from harness.record.documents import Json
from harness.record.entries import Entry, of
from harness.record.errors import WitnessError, why
from harness.record.plain_files import read_plain

MOST_BYTES = 256 << 20
BACK_S = 1.0
"""A witness's clock may go back by as much between two receipts: it is slewed, and stamps have milliseconds."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One line of a witness's log: what it was told, and when; `number` counts the campaign's receipts, `before` is the
    digest of its last line before (None: the first)."""

    line: bytes
    seq: int
    prev: str
    utc: str
    whose: str
    number: int
    before: str | None
    statement: Json

    @property
    def sha256(self) -> str:
        """Digest of the line."""
        return hashlib.sha256(self.line).hexdigest()

    def of(self, campaign: str) -> bool:
        """Whether it is of the campaign whose log begins with a line of this digest."""
        return bool(self.statement["campaign"] == campaign)


@dataclass(frozen=True, slots=True)
class WitnessLog:
    """The receipts of a witness's own log, in order, and where it is not as the witness wrote it."""

    path: Path
    receipts: tuple[Receipt, ...]
    problems: tuple[str, ...]


def receipt_of(line: bytes) -> Receipt:
    """A receipt from its line.

    Raises:
        WitnessError: the line does not fit its own digest, or is no receipt.
    """
    try:
        [(_, found)] = good_lines(line)
        told = found["statement"]
        is_utc = datetime.fromisoformat(found["utc"]).utcoffset() is not None
        fields = (found["seq"], found["prev"], found["utc"], str(found["from"]), found["number"], found["before"])
        is_whole = told.keys() == TELLING.keys() and all(fits(told[name]) for name, fits in TELLING.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise WitnessError("no receipt, or not as the witness wrote it: it does not fit its own digest") from None
    if not is_whole or not is_utc or type(found["seq"]) is not int or type(found["number"]) is not int:
        raise WitnessError("no receipt of a head")
    return Receipt(line, *fields, told)


def read_log(path: Path) -> WitnessLog:
    """A witness's log. A line that was cut off when it was written is passed over: the chain goes on behind it.

    Raises:
        WitnessError: the file cannot be read, or holds no receipt.
    """
    try:
        content = read_plain(path)
    except OSError as error:
        raise WitnessError(f"{path}: cannot read the witness's log ({why(error)})") from None
    found, problems = [], []
    for line, _ in good_lines(content):
        try:
            found.append(receipt_of(line))
        except WitnessError as error:
            problems.append(f"{path}: {error}")
    if not found:
        raise WitnessError(f"{path}: holds no receipt; expected the log that the receiver writes (--log)")
    return WitnessLog(path, tuple(found), (*problems, *_breaks(path, found)))


def _breaks(path: Path, receipts: Sequence[Receipt]) -> list[str]:
    """Where the chain does not hold, or the witness's clock went back."""
    problems, prev, latest = [], GENESIS, ""
    for number, receipt in enumerate(receipts, 1):
        if (receipt.seq, receipt.prev) != (number, prev):
            problems.append(f"{path}: the chain is broken at receipt {receipt.seq}: one was changed, removed or added")
        if latest and _seconds_before(receipt.utc, latest) > BACK_S:
            problems.append(f"{path}: receipt {receipt.seq} is stamped {receipt.utc}, before the one before it")
        prev, latest = receipt.sha256, receipt.utc
    return problems


def _seconds_before(stamp: str, other: str) -> float:
    return (datetime.fromisoformat(other) - datetime.fromisoformat(stamp)).total_seconds()


def breaks_of_campaign(receipts: Sequence[Receipt]) -> list[str]:
    """Where a campaign's own receipts do not follow one another: the witness numbers them, and each names the one
    before."""
    by_number = {receipt.number: receipt for receipt in receipts}
    problems = []
    for number in range(1, max(by_number, default=0) + 1):
        receipt, before = by_number.get(number), by_number.get(number - 1)
        if receipt is None:
            problems.append(f"receipt {number} is not here")
        elif before is not None and receipt.before != before.sha256:
            problems.append(f"receipt {number} does not follow receipt {number - 1}")
        elif number == 1 and receipt.before is not None:
            problems.append("receipt 1 is not the first")
    return problems


def lines_of(written: Sequence[Entry]) -> list[bytes]:
    """The witness's lines among the entries of receipts.jsonl."""
    return [receipt.line.encode(errors="replace") for receipt in of(entries.Receipt, written)]


def told_in(statement: Json) -> str:
    """What was told, in words."""
    what = "the begin" if statement["event"] == "run-begin" else "the seal"
    return f"{what} of run {statement['ordinal']} ({json.dumps(statement['folder'])[1:-1]:.120})"
