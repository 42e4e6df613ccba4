"""Whose word stands behind a campaign beside the operator's: seals that were signed when they were made, and receipts
of a witness, with the span in which nobody else knew.

Knows the entries of the campaign's log and of its receipts. Checks no signature and no witness's own log
(`harness.evidence.witnesses` does): what a receipt says is taken as it stands, and belongs to a line of the log
(`run_folder.examine` checked that).

A head covers every line before it, so of an entry whose own receipt is missing the next receipt says since when it
stood: the span reaches from the entry's stamp (the host's clock) to that receipt's (the witness's).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.record.documents import Json, Thresholds, load_object
from harness.record.errors import DocumentError
from harness.record.run_folder import RECEIPT_OF, WITNESSED
from reports.results.finding import Finding

CLOCK_S = 5.0
"""A receipt stamped so long before its entry says that the clocks of host and witness disagree."""


@dataclass(frozen=True, slots=True)
class Told:
    """One head that one witness is told: the log's entry, and when the witness had it (s after the entry), itself or by
    a later head; None: never."""

    entry: Json
    kind: str
    received: bool
    after_s: float | None


def evaluate(entries: Sequence[Json], receipts: Sequence[Json], limits: Thresholds) -> Json:
    """`evidence` of results.json."""
    seals = sealed(entries)
    told = list(told_heads(entries, receipts))
    spans_s = [one.after_s for one in told if one.after_s is not None]
    late = [one for one in told if one.received and is_late(one, limits)]
    return {
        "seals": {
            "n": len(seals), "signed": sum(bool(e.get("signature")) for e in seals), "declared": signs_seals(entries),
        },
        "witness": {
            "kinds": declared(entries), "expected": len(told), "received": sum(one.received for one in told),
            "late": len(late), "longest_s": max(spans_s, default=None), "shortest_s": min(spans_s, default=None),
        },
    }  # fmt: skip


def sealed(entries: Sequence[Json]) -> list[Json]:
    """The ends of the runs of which there is a seal."""
    return [entry for entry in entries if entry.get("type") == "run-end" and entry.get("manifest") is not None]


def declared(entries: Sequence[Json]) -> list[str]:
    """The kinds of witness that lab.toml named when the campaign was begun."""
    return [kind for kind in RECEIPT_OF if _configured(entries, "witness", kind)]


def signs_seals(entries: Sequence[Json]) -> bool:
    """Whether lab.toml named a key that signs the seals."""
    return _configured(entries, "seal", "key")


def _configured(entries: Sequence[Json], table: str, key: str) -> bool:
    header = next((entry for entry in entries if entry.get("type") == "campaign"), {})
    config = header.get("config")
    section = config.get(table) if isinstance(config, dict) else None
    return isinstance(section, dict) and bool(section.get(key))


def told_heads(entries: Sequence[Json], receipts: Sequence[Json]) -> Iterator[Told]:
    """Every head that a declared witness is told, in the log's order."""
    for kind in declared(entries):
        stamps = _stamps(receipts, RECEIPT_OF[kind])
        for entry in entries:
            if entry.get("type") in WITNESSED and isinstance(number := entry.get("seq"), int):
                covered = next((stamp for of, stamp in stamps.items() if of >= number), None)
                at = seconds(entry.get("utc"))
                after_s = None if covered is None or at is None else covered - at
                yield Told(entry, kind, number in stamps, after_s)


def _stamps(receipts: Sequence[Json], kind: str) -> dict[int, float]:
    """Line of the log -> when the witness first had its head, in the log's order."""
    found: dict[int, float] = {}
    for receipt in receipts:
        number, at = receipt.get("of"), seconds(stamp_of(receipt))
        if receipt.get("type") == kind and isinstance(number, int) and at is not None:
            found[number] = min(at, found.get(number, at))
    return dict(sorted(found.items()))


def stamp_of(receipt: Json) -> object:
    """When the witness says that it had it."""
    if receipt.get("type") == "timestamp":
        return receipt.get("stamp")
    try:
        return load_object(str(receipt.get("line")), "receipt").get("utc")
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


def findings_of(entries: Sequence[Json], receipts: Sequence[Json], limits: Thresholds) -> Iterator[Finding]:
    """`seal-unsigned`, `receipt-missing`, `receipt-late`, `witness-clock`."""
    for entry in sealed(entries) if signs_seals(entries) else ():
        if not entry.get("signature"):
            yield Finding("seal-unsigned", "warn", str(entry.get("folder")), {"reason": entry.get("unsigned")})
    for told in told_heads(entries, receipts):
        what = {"witness": told.kind, "event": told.entry["type"], "utc": told.entry.get("utc"), "span_s": told.after_s}
        subject = str(told.entry.get("folder"))
        if not told.received:
            yield Finding("receipt-missing", "warn", subject, what)
        elif is_late(told, limits):
            yield Finding("receipt-late", "warn", subject, what | {"limit_s": limits.receipt_late_s})
        elif told.after_s is not None and told.after_s < -CLOCK_S:
            yield Finding("witness-clock", "warn", subject, what)
