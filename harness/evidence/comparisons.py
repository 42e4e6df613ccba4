"""`verify` of a sealed comparison: its seal, its page, and its numbers recomputed from the campaigns.

Knows what stands in a comparison's folder and where its campaigns lay. Knows no key: a comparison is not signed, the
campaigns it rests on are, each by itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.changes import moved_since, rules_of, unlike, writer_of_sealed
from harness.evidence.recomputed import FORGED, SHOWN, check_page
from harness.evidence.verification import Outcome
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, load_object
from harness.record.errors import LabError
from harness.record.plain_files import read_plain
from harness.record.verify import Check, verify_sealed
from reports.comparison.comparison import COMPARISON, Options, compare, comparison_text
from reports.comparison.sides import Part
from reports.inference import statistics
from reports.render import REPORT, comparison_html
from reports.results.rules import as_before

UNSIGNED = "Nothing proves who made this comparison: a comparison is not signed."


def verify_comparison(path: Path) -> Outcome:
    """Every check of a comparison's folder; nothing is written."""
    checks = verify_sealed(path)
    try:
        written = load_object(read_plain(path / COMPARISON), COMPARISON)
        checks.append(_check_report(path, written))
        absent = [place for place in _places(written) if not (path / place).is_dir()]
        if absent:
            note = f"{COMPARISON} was not recomputed: there is no campaign at {', '.join(absent)} (seen from {path})."
            return Outcome(checks, [note, UNSIGNED])
        checks += _check_campaigns(path, written)
        checks.append(_check_numbers(path, written))
    except (OSError, LabError, *FORGED) as error:
        detail = f"cannot be recomputed ({type(error).__name__}: {error})"
        return Outcome([*checks, Check(COMPARISON, "comparison", False, detail)], [])
    notes = list(filter(None, [_today(path, written) if checks[-1].passed else None]))
    notes += ["The campaigns themselves were not verified: `wattlab verify` on each does that."]
    if (why := statistics.available()) is not None:
        notes.append(f"Effect sizes and rank tests were not recomputed: {why}")
    return Outcome(checks, [*notes, UNSIGNED])


def _places(written: Json) -> list[str]:
    return list(dict.fromkeys(str(part["place"]) for side in written["sides"] for part in side))


def _check_campaigns(path: Path, written: Json) -> Iterator[Check]:
    """Each campaign's log ends where it ended when it was compared."""
    heads = {str(entry["folder"]): str(entry["chain_head"]) for entry in written["inputs"]}
    named = {str(part["folder"]): str(part["place"]) for side in written["sides"] for part in side}
    for name, place in named.items():
        head = CampaignFolder(path / place).head()
        same = head == heads[name]
        found = "as when it was compared" if same else f"its log ends with {head}, it ended with {heads[name]}"
        yield Check(name, "campaign", same, found)


def _check_numbers(path: Path, written: Json) -> Check:
    """Every number, by the rules of the version that wrote it."""
    writer = writer_of_sealed(written)
    with as_before(rules_of(writer)):
        fresh = _compared(path, written)
    if statistics.available() is not None:
        written, fresh = _without_r(written), _without_r(fresh)
    found = [str(one) for one in unlike(written, fresh)[:SHOWN]]
    same = f"every number as wattlab {writer} computes it from the campaigns' raw data"
    return Check(COMPARISON, "comparison", not found, "; ".join(found) or same)


def _compared(path: Path, written: Json) -> Json:
    sides = [[Part(path / part["place"], part["scenario"]) for part in side] for side in written["sides"]]
    compared = compare(sides, Options.from_json(written["options"]), written["software"], path)
    fresh: Json = json.loads(comparison_text(compared))
    return fresh


def _today(path: Path, written: Json) -> str | None:
    """What today's rules make of a comparison that an older version wrote."""
    try:
        return moved_since(written, lambda: _compared(path, written))
    except LabError as error:
        return f'By today\'s rules ("Changes to results") it cannot be made: {error}'


def _without_r(document: Json) -> Json:
    """The document without what R computed."""
    plain: Json = json.loads(json.dumps(document))
    rank = plain["options"]["test"] == "rank"
    for quantity in (q for one in plain["sets"] for pair in one["pairs"] for q in pair["quantities"].values()):
        quantity.pop("effects")
        if rank:
            quantity.pop("test")
    return plain


def _check_report(path: Path, written: Json) -> Check:
    """The page against one rendered now from comparison.json as written, which another check judges."""
    page = read_plain(path / REPORT).decode()
    return check_page(REPORT, page, writer_of_sealed(written), COMPARISON, lambda: comparison_html(written))
