"""An adversary without the lab's key: edits a campaign and recomputes every digest, chain and document after it.

Knows the form of a campaign as a forger must. What it leaves behind is consistent in itself; only a signature, the
plan, the clocks or the raw bytes can tell.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.chain import ChainedLog, line_of
from harness.record.documents import dump
from harness.record.plain_files import sha256_of
from harness.record.run_folder import JOURNAL
from harness.record.seal import MANIFEST, seal_folder
from tests.documents import write_results
from tests.reports.make_campaign import wire_log

Edit = Callable[[Path], None]
Journal = list[dict[str, Any]]


def unlock(path: Path) -> None:
    """Give back the write permission that the seal dropped."""
    for item in [path, *path.rglob("*")]:
        item.chmod(0o755 if item.is_dir() else 0o644)


def journal_of(run: Path) -> Journal:
    """Every document of a run, as plain JSON."""
    return [json.loads(line) for line in (run / JOURNAL).read_bytes().splitlines()]


def write_journal(run: Path, documents: Journal) -> None:
    """Put a run's documents back."""
    (run / JOURNAL).write_text("".join(dump(document) + "\n" for document in documents))


def append_plainly(log: ChainedLog, kind: str, utc: object, body: Mapping[str, object]) -> None:
    """As the log appends, whatever stands in it: what no reader takes is refused there."""
    entry = {"seq": len(log.lines()) + 1, "prev": log.head(), "utc": utc, "type": kind, **body}
    with log.path.open("ab") as file:
        file.write(line_of(entry) + b"\n")


def reforge(
    campaign: Path,
    edit: Edit = lambda run: None,
    rewrite: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda entries: entries,
    *,
    results: bool = True,
) -> None:
    """Edit every run and the log's entries, then make every digest, link and document of the campaign fit again."""
    unlock(campaign)
    entries = rewrite([json.loads(line) for line in (campaign / CAMPAIGN).read_bytes().splitlines()])
    manifests: dict[str, str] = {}
    previous = None
    for entry in entries:
        if entry["type"] == "run-begin":
            run = campaign / entry["folder"]
            edit(run)
            previous = manifests[entry["folder"]] = _reseal(run, previous)
    (campaign / CAMPAIGN).write_bytes(b"")
    log = CampaignFolder(campaign)
    for entry in entries:
        if entry["type"] == "run-end":
            entry["manifest"] = manifests[entry["folder"]]
        if entry["type"] == "run-start":
            entry["start"] = sha256((campaign / entry["folder"] / JOURNAL).read_bytes().split(b"\n", 1)[0]).hexdigest()
        body = {key: entry[key] for key in entry if key not in ("seq", "prev", "utc", "type", "line_sha256")}
        append_plainly(log.log, str(entry["type"]), entry["utc"], body)
    if results:
        write_results(campaign)


def _reseal(run: Path, previous: str | None) -> str:
    documents = journal_of(run)
    documents[0]["previous_manifest"] = previous
    for name, summary in documents[-1].get("streams", {}).items():
        content = (run / name).read_bytes()
        summary |= {"sha256": sha256_of(run / name), "rows": content.count(b"\n") - name.endswith(".csv")}
    write_journal(run, documents)
    (run / MANIFEST).unlink(missing_ok=True)
    return seal_folder(run)


def copied(campaign: Path, into: Path) -> Path:
    """A campaign of its own for one attack, write permission given back."""
    target = into / campaign.name
    shutil.copytree(campaign, target)
    unlock(target)
    return target


def edit_rows(run: Path, change: Callable[[int, list[str]], list[str] | None], *, wire: bool = False) -> None:
    """Rewrite the rows of the power stream (None takes one out), and with `wire` the bytes that say so."""
    stream = run / "readings-wall.csv"
    head, *rows = stream.read_text().splitlines()
    changed = [change(index, row.split(",")) for index, row in enumerate(rows)]
    stream.write_text("\n".join([head, *(",".join(row) for row in changed if row is not None), ""]))
    if wire:
        log = run / "wire-wall.log"
        log.write_bytes(wire_log(stream.read_bytes(), int(log.read_bytes().split(b" ")[0]) - 1))
