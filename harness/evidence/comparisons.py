"""`verify` of a sealed comparison: its seal, its page, and its numbers recomputed from the campaigns.

Knows what stands in a comparison's folder and where its campaigns lay. Knows no key: a comparison is not signed, the
campaigns it rests on are, each by itself. Numbers are compared as they are written: a record would compute U anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.changes import Difference, moved_since, rules_of, unlike
from harness.evidence.recomputed import FORGED, SHOWN, check_page
from harness.evidence.verification import Outcome
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, load_object
from harness.record.errors import LabError
from harness.record.plain_files import read_plain
from harness.record.verify import Check, verify_sealed
from reports.comparison.comparison import compare, comparison_text
from reports.comparison.selection import Part
from reports.inference import r_session
from reports.render import REPORT, comparison_html
from reports.results.comparison import COMPARISON, Comparison, comparison_of
from reports.results.rules import as_before

UNSIGNED = "Nothing proves who made this comparison: a comparison is not signed."
DEPTH = len(("sets", "0", "pairs", "0", "quantities", "energy_wh"))
"""How deep a quantity of a pair stands in the document."""


def verify_comparison(path: Path) -> Outcome:
    """Every check of a comparison's folder; nothing is written."""
    checks = verify_sealed(path)
    try:
        written = load_object(read_plain(path / COMPARISON), COMPARISON)
        document = comparison_of(written)
        checks.append(_check_report(path, document))
        absent = [place for place in _places(document) if not (path / place).is_dir()]
        if absent:
            note = f"{COMPARISON} was not recomputed: there is no campaign at {', '.join(absent)} (seen from {path})."
            return Outcome(checks, [note, UNSIGNED])
        checks += _check_campaigns(path, document)
        checks.append(_check_numbers(path, document, written))
    except (OSError, LabError, *FORGED) as error:
        detail = f"cannot be recomputed ({type(error).__name__}: {error})"
        return Outcome([*checks, Check(COMPARISON, "comparison", False, detail)], [])
    notes = list(filter(None, [_today(path, document, written) if checks[-1].passed else None]))
    notes += ["The campaigns themselves were not verified: `wattlab verify` on each does that."]
    if (why := r_session.available()) is not None:
        notes.append(f"Effect sizes and rank tests were not recomputed: {why}")
    return Outcome(checks, [*notes, UNSIGNED])


def _places(document: Comparison) -> list[str]:
    return list(dict.fromkeys(part.place for side in document.sides for part in side))


def _check_campaigns(path: Path, document: Comparison) -> Iterator[Check]:
    """Each campaign's log ends where it ended when it was compared."""
    heads = {campaign.folder: campaign.chain_head for campaign in document.inputs}
    named = {part.folder: part.place for side in document.sides for part in side}
    for name, place in named.items():
        head = CampaignFolder(path / place).head()
        same = head == heads[name]
        detail = "as when it was compared" if same else f"its log ends with {head}, it ended with {heads[name]}"
        yield Check(name, "campaign", same, detail)


def _check_numbers(path: Path, document: Comparison, written: Json) -> Check:
    """Every number, by the rules of the version that wrote it."""
    writer = document.software.version
    with as_before(rules_of(writer)):
        differences = unlike(written, _compared(path, document))
    if r_session.available() is not None:
        differences = [difference for difference in differences if not _is_of_r(difference, document)]
    same = f"every number as wattlab {writer} computes it from the campaigns' raw data"
    return Check(COMPARISON, "comparison", not differences, "; ".join(map(str, differences[:SHOWN])) or same)


def _compared(path: Path, document: Comparison) -> Json:
    """The document as it would be written now."""
    sides = [[Part(path / part.place, part.scenario) for part in side] for side in document.sides]
    fresh: Json = json.loads(comparison_text(compare(sides, document.options, document.software, path)))
    return fresh


def _today(path: Path, document: Comparison, written: Json) -> str | None:
    """What today's rules make of a comparison that an older version wrote."""
    try:
        return moved_since(written, lambda: _compared(path, document))
    except LabError as error:
        return f'By today\'s rules ("Changes to results") it cannot be made: {error}'


def _is_of_r(difference: Difference, document: Comparison) -> bool:
    """Whether R computed what differs: an effect size, a rank test."""
    own = ("effects", "test") if document.options.test == "rank" else ("effects",)
    return len(difference.place) > DEPTH and difference.place[DEPTH] in own


def _check_report(path: Path, document: Comparison) -> Check:
    """The page against one rendered now from comparison.json as written, which another check judges."""
    page = read_plain(path / REPORT).decode()
    return check_page(REPORT, page, document.software.version, COMPARISON, lambda: comparison_html(document))
