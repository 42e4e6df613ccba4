"""A witness for synthetic campaigns: receives every head at its stamp, by the real receiver, without a second account.

Knows the receiver and the campaign's log. What a second account adds, tests/attest shows.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from harness.attest import receiver
from harness.attest.witness import tellings_of
from harness.record.campaign_folder import CAMPAIGN, RECEIPTS, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import Receipt, of
from tests.evidence.forger import unlock

AT_ONCE_S = 0.3


def receive(
    campaign: Path,
    log: Path,
    *,
    delays_s: Callable[[Json], float | None] = lambda telling: AT_ONCE_S,
    key: Path | None = None,
) -> None:
    """Tell the witness every head that it has not heard, so many seconds after its entry (None: never), and keep the
    receipts."""
    folder = CampaignFolder(campaign)
    stamps = {entry.seq: datetime.fromisoformat(entry.utc) for entry in folder.entries()}
    known = {(receipt.of, receipt.head) for receipt in of(Receipt, folder.receipts.entries())}
    for telling in tellings_of(folder):
        delay_s = delays_s(telling)
        if delay_s is None or (telling["seq"], telling["head"]) in known:
            continue
        utc = (stamps[telling["seq"]] + timedelta(seconds=delay_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        with mock.patch.object(receiver, "now", lambda utc=utc: utc):
            line = receiver.received(str(log), telling, "lab")
        signature = receiver.signature_of(line, None if key is None else str(key))
        body = {"of": telling["seq"], "head": telling["head"], "line": line.decode(), "signature": signature}
        folder.receipts.append("receipt", utc, body)


def cut_back(campaign: Path, folder: str) -> list[dict[str, Any]]:
    """Cut the log back to before a run, remove its folder and what the witness had answered since; what was cut off."""
    unlock(campaign)
    log = CampaignFolder(campaign)
    entries, lines = [entry.raw for entry in log.entries()], log.log.lines()
    at = next(place for place, entry in enumerate(entries) if entry.get("folder") == folder)
    (campaign / CAMPAIGN).write_bytes(b"".join(line + b"\n" for line in lines[:at]))
    rewrite_receipts(campaign, [receipt.raw for receipt in of(Receipt, log.receipts.entries()) if receipt.of <= at])
    return entries[at:]


def rewrite_receipts(campaign: Path, receipts: Sequence[dict[str, Any]]) -> None:
    """Other receipts, chained as they should be."""
    (campaign / RECEIPTS).unlink(missing_ok=True)
    log = CampaignFolder(campaign).receipts
    for one in receipts:
        body = {key: one[key] for key in one if key not in ("seq", "prev", "utc", "type", "line_sha256")}
        log.append(one["type"], one["utc"], body)
