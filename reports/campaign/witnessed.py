"""Whose word stands behind a campaign beside the operator's: seals that were signed when they were made, and receipts
of a witness, with the span in which nobody else knew.

Knows the entries of the campaign's log and of its receipts. Checks no signature and no witness's own log
(`harness.evidence.witnesses` does): what a receipt says is taken as it stands, and belongs to a line of the log
(`record.verify.examine` checked that).

A head covers every line before it, so of an entry whose own receipt is missing the next receipt says since when it
stood: the span reaches from the entry's stamp (the host's clock) to that receipt's (the witness's).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.record.documents import Thresholds, load_object
from harness.record.entries import RECEIPT_OF, WITNESSED, Entry, Receipt, RunBegin, RunEnd, Timestamp, header_of, of
from harness.record.errors import DocumentError
from reports.results.finding import Finding
from reports.results.witness import Seals, Witness, WitnessedEvidence

CLOCK_S = 5.0
"""A receipt stamped so long before its entry says that the clocks of host and witness disagree."""


@dataclass(frozen=True, slots=True)
class Told:
    """One head that one witness is told: the log's entry, and when the witness had it (s after the entry), itself or by
    a later head; None: never."""

    entry: RunBegin | RunEnd
    kind: str
    received: bool
    after_s: float | None


def evaluate(entries: Sequence[Entry], receipts: Sequence[Entry], limits: Thresholds) -> WitnessedEvidence:
    """`evidence` of results.json."""
    seals = sealed(entries)
    told = list(told_heads(entries, receipts))
    spans_s = [one.after_s for one in told if one.after_s is not None]
    late = [one for one in told if one.received and is_late(one, limits)]
    return WitnessedEvidence(
        Seals(len(seals), sum(bool(end.signature) for end in seals), signs_seals(entries)),
        Witness(
            tuple(declared(entries)), len(told), sum(head.received for head in told), len(late),
            max(spans_s, default=None), min(spans_s, default=None),
        ),
    )  # fmt: skip


def sealed(entries: Sequence[Entry]) -> list[RunEnd]:
    """The ends of the runs of which there is a seal."""
    return [end for end in of(RunEnd, entries) if end.manifest is not None]


def declared(entries: Sequence[Entry]) -> list[str]:
    """The kinds of witness that lab.toml named when the campaign was begun."""
    return [kind for kind in RECEIPT_OF if _configured(entries, "witness", kind)]


def signs_seals(entries: Sequence[Entry]) -> bool:
    """Whether lab.toml named a key that signs the seals."""
    return _configured(entries, "seal", "key")


def _configured(entries: Sequence[Entry], table: str, key: str) -> bool:
    header = header_of(entries)
    section = None if header is None or header.config is None else header.config.get(table)
    return isinstance(section, dict) and bool(section.get(key))


def told_heads(entries: Sequence[Entry], receipts: Sequence[Entry]) -> Iterator[Told]:
    """Every head that a declared witness is told, in the log's order."""
    for kind in declared(entries):
        stamps = _stamps(receipts, RECEIPT_OF[kind])
        for entry in entries:
            if isinstance(entry, WITNESSED):
                covered = next((stamp for line, stamp in stamps.items() if line >= entry.seq), None)
                at = seconds(entry.utc)
                after_s = None if covered is None or at is None else covered - at
                yield Told(entry, kind, entry.seq in stamps, after_s)


def _stamps(receipts: Sequence[Entry], kind: type[Receipt] | type[Timestamp]) -> dict[int, float]:
    """Line of the log -> when the witness first had its head, in the log's order."""
    first: dict[int, float] = {}
    for receipt in of(kind, receipts):
        if (at := seconds(stamp_of(receipt))) is not None:
            first[receipt.of] = min(at, first.get(receipt.of, at))
    return dict(sorted(first.items()))


def stamp_of(receipt: Receipt | Timestamp) -> object:
    """When the witness says that it had it."""
    if isinstance(receipt, Timestamp):
        return receipt.stamp
    try:
        return load_object(receipt.line, "receipt").get("utc")
    except DocumentError:
        return None


def seconds(stamp: object) -> float | None:
    """An ISO stamp as seconds since 1970; None where it is none."""
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except (ValueError, OverflowError):
        return None


def is_late(told: Told, limits: Thresholds) -> bool:
    """Whether the witness had it later than at once."""
    return told.after_s is None or told.after_s > limits.receipt_late_s


def findings_of(entries: Sequence[Entry], receipts: Sequence[Entry], limits: Thresholds) -> Iterator[Finding]:
    """`seal-unsigned`, `receipt-missing`, `receipt-late`, `witness-clock`."""
    for end in sealed(entries) if signs_seals(entries) else ():
        if not end.signature:
            yield Finding("seal-unsigned", "warn", end.folder, {"reason": end.unsigned})
    for told in told_heads(entries, receipts):
        what = {"witness": told.kind, "event": told.entry.TYPE, "utc": told.entry.utc, "span_s": told.after_s}
        subject = told.entry.folder
        if not told.received:
            yield Finding("receipt-missing", "warn", subject, what)
        elif is_late(told, limits):
            yield Finding("receipt-late", "warn", subject, what | {"limit_s": limits.receipt_late_s})
        elif told.after_s is not None and told.after_s < -CLOCK_S:
            yield Finding("witness-clock", "warn", subject, what)
