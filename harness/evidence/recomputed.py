"""results.json, report.html and audit.html against what the raw data give now.

Knows the derived documents, and that another version, another way of drawing or a machine without R made some of them.
Knows no keys and no change: which differences of another version are predicted is said by `changes`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from harness.evidence.changes import (
    ABSENT,
    FIRST,
    PROBABILITY,
    STATISTICS,
    Case,
    Difference,
    compare,
    differences_of,
    precedes,
    rules_of,
    writer_of,
)
from harness.record.campaign_folder import DERIVED
from harness.record.documents import VERSION, Json, load_object
from harness.record.errors import DocumentError, LabError, why
from harness.record.plain_files import read_plain
from harness.record.verify import Check, Examination
from reports.campaign.analyse import analyse
from reports.campaign.document import results_text
from reports.inference import r_session
from reports.readings.outline import Outline
from reports.render import AUDIT, GENERATOR, REPORT, audit_html, report_html
from reports.results.document import RESULTS, results_of
from reports.results.rules import Rule, as_before

WRITER = "computed_by"
CHECKOUT = ("commit", "dirty")
"""Of `computed_by`: which state of the program computed it."""
SHOWN = 5
"""Differences that a message names."""
SAME = "every number as recomputed from the raw data"
CHANGE = "change"
"""The check that names what a listed change moved."""
NO_R = ("r-missing", "r-failed")
NOT_COMPARED = "not compared; nothing but its digest, where that was signed, speaks for what it says"
NOT_ASKED = "not "
"""So begins what is said of statistics that R did not compute on both sides."""
FORGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, TemplateError)
"""What a document that is well-formed and means nonsense raises in analysis and pages: a failed check, not a bug."""
_MAKER = re.compile(r'<meta name="generator" content="([^"]*)">')
_FIGURE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Computed:
    """Results as the raw data give them: by the rules of now, by those of `writer`, the version that wrote results.json
    (the same where it is this one), and `without` one change since."""

    now: Json
    then: Json
    writer: str
    without: Callable[[Rule], Json]
    outlines: Mapping[str, Outline] = field(default_factory=dict)
    """What pages draw of the runs, by folder."""

    @property
    def is_older(self) -> bool:
        """Whether an older version wrote them."""
        return precedes(self.writer, VERSION)


def recompute(campaign: Path, seen: Examination) -> Computed:
    """results.json's content, computed from the raw data in memory.

    Raises:
        AnalysisError: there is nothing to compute.
    """

    outlines: dict[str, Outline] = {}

    def by(rules: Collection[Rule], *, with_statistics: bool = True) -> Json:
        with as_before(rules):
            analysis = analyse(campaign, seen)
            if not rules:
                outlines.update(analysis.outlines)
            text = results_text(analysis.results if with_statistics else analysis.numbers)
        computed: Json = json.loads(text)
        return computed

    now, writer = by(()), _writer(campaign, seen)
    then = by(rules_of(writer)) if precedes(writer, VERSION) else now
    return Computed(now, then, writer, lambda rule: by((rule,), with_statistics=False), outlines)


def _writer(campaign: Path, seen: Examination) -> str:
    """The version that wrote results.json. None older than what measured a run can have: such results are taken as of
    today, and then differ."""
    try:
        written = load_object(read_plain(campaign / DERIVED / RESULTS), RESULTS)
    except (OSError, DocumentError):
        return VERSION
    measured = [str(run.start.software.get("version")) for run in seen.runs.values()]
    writer = writer_of(written)
    return VERSION if any(precedes(writer, version) for version in measured) else writer


def check_results(campaign: Path, computed: Computed) -> list[Check]:
    """The file against the recomputed numbers, its findings against the re-evaluated ones."""
    subject = f"{DERIVED}/{RESULTS}"
    try:
        written = load_object(read_plain(campaign / DERIVED / RESULTS), subject)
    except (OSError, DocumentError) as error:
        return [Check(subject, "results", False, f"cannot be read ({why(error)}); `wattlab report` writes it")]
    if WRITER in written and writer_of(written) == FIRST:
        detail = f"computed_by is {written['computed_by']!r:.80}, which no wattlab writes"
        return [Check(subject, "results", False, detail)]
    if precedes(VERSION, computed.writer):
        detail = f"computed by wattlab {computed.writer}, this is {VERSION}: verify it with that version or a later one"
        return [Check(subject, "results", False, detail)]
    return list((_check_older if computed.is_older else _check_own)(subject, written, computed))


def _check_own(subject: str, written: Json, computed: Computed) -> Iterator[Check]:
    """Results of this version: they differ in nothing."""
    yield Check(subject, "results", *_compared(differences_of(_plain(written), _plain(computed.now))))
    yield _check_findings(subject, written.get("findings"), computed.now["findings"])
    here, there = written.get(STATISTICS, ABSENT), computed.now[STATISTICS]
    why = _not_recomputed(here, there)
    outcome = _compared(differences_of(here, there, STATISTICS, PROBABILITY)) if why is None else (True, why)
    yield Check(subject, STATISTICS, *outcome)


def _check_older(subject: str, written: Json, computed: Computed) -> Iterator[Check]:
    """Results of an older version: as its own rules give them, and moved since by nothing that is not listed."""
    why = _not_recomputed(written.get(STATISTICS), computed.then[STATISTICS])
    unlike: Json = {} if why is None else {STATISTICS: {"available": False}}
    parts = (written | unlike, computed.then | unlike, computed.now | unlike)
    found = compare(Case(*parts, computed.without))
    own: dict[str, list[Difference]] = {"results": [], "findings": [], STATISTICS: []}
    for one in found.unpredicted:
        own[one.place[0] if one.place[0] in own else "results"].append(one)
    said = f"as wattlab {computed.writer} computes it from the raw data"
    for name, differences in own.items():
        detail = why if name == STATISTICS and why is not None else said
        yield Check(subject, name, *_told(differences, detail))
    for change in found.predicted:
        yield Check(subject, CHANGE, True, str(change))


def _told(differences: list[Difference], said: str) -> tuple[bool, str]:
    more = "; and more" if len(differences) > SHOWN else ""
    return not differences, "; ".join(str(one) for one in differences[:SHOWN]) + more or said


def _not_recomputed(written: object, computed: Json) -> str | None:
    """Why the statistics are not compared: R was there when they were written, or is here now, and not both."""
    if not isinstance(written, dict):
        return None
    if computed["reason"] in NO_R and written.get("available") is True:
        return f"not recomputed, every other number was: {r_session.available()}"
    if written.get("reason") in NO_R and (
        computed["available"] or computed["reason"] in set(NO_R) - {written["reason"]}
    ):
        return "not compared: the file was written where R was not there, or did not start; `wattlab report` adds them"
    return None


def _compared(differences: Iterator[str]) -> tuple[bool, str]:
    found = list(islice(differences, SHOWN + 1))
    more = "; and more" if len(found) > SHOWN else ""
    return not found, "; ".join(found[:SHOWN]) + more or SAME


def _plain(results: Json) -> Json:
    """What is compared: without findings and statistics, which are by themselves, and without the commit that wrote it,
    which is no result."""
    own = results.get(WRITER)
    writer = {key: own[key] for key in own if key not in CHECKOUT} if isinstance(own, dict) else own
    return {key: value for key, value in results.items() if key not in ("findings", STATISTICS)} | {WRITER: writer}


def _check_findings(subject: str, written: object, computed: list[Json]) -> Check:
    """Every finding that is evaluated now stands in the file, and no other."""
    there = written if isinstance(written, list) else []
    lost = _named(computed) - _named(there)
    made_up = _named(there) - _named(computed)
    problems = [f"{name} was found and is not in the file" for name in lost.elements()]
    problems += [f"{name} is in the file and was not found" for name in made_up.elements()]
    if not problems:
        places = differences_of(there, computed, "findings")
        problems = list(islice(places, SHOWN))
    return Check(subject, "findings", not problems, "; ".join(problems) or f"{len(computed)} as re-evaluated")


def _named(findings: list[Any]) -> Counter[str]:
    return Counter(
        f"{one.get('code')} ({one.get('severity')}, {one.get('subject')})" if isinstance(one, dict) else repr(one)
        for one in findings
    )


def check_validity(subject: str, computed: Computed) -> Check:
    """Whether the verdict, given anew, calls the campaign invalid; of an older version's results by its rules and by
    today's: what a change made invalid was not, and what it made valid is."""
    word, today = (one["verdict"]["word"] for one in (computed.then, computed.now))
    heaviest = [reason for reason in computed.then["verdict"]["reasons"] if reason["weighs"] == word]
    named = [f"{one['code']} ({', '.join(one['subjects'][:SHOWN])})" for one in heaviest]
    changed = f"; by today's rules {today}" if today != word else ""
    invalid = word == today == "invalid"
    return Check(subject, "validity", not invalid, (f"{word}: {'; '.join(named)}" if named else word) + changed)


def check_report(campaign: Path, outlines: Mapping[str, Outline] | None = None) -> Check:
    """The page against one rendered now from results.json as written, which `check_results` judges. Runs in `outlines`
    are not read again."""
    return _check_page(campaign, REPORT, lambda text: report_html(campaign, results_of(text), outlines))


def check_audit(campaign: Path, outlines: Mapping[str, Outline] | None = None) -> Check:
    """The audit report likewise: its id holds the digest of that very file."""
    return _check_page(campaign, AUDIT, lambda text: audit_html(campaign, text, outlines))


def _check_page(campaign: Path, name: str, rendered: Callable[[str], str]) -> Check:
    subject = f"{DERIVED}/{name}"
    try:
        page = read_plain(campaign / DERIVED / name).decode()
        text = read_plain(campaign / DERIVED / RESULTS).decode()
        return check_page(subject, page, writer_of(load_object(text, RESULTS)), RESULTS, lambda: rendered(text))
    except (OSError, LabError, *FORGED) as error:
        return Check(subject, "report", False, f"cannot be compared ({type(error).__name__}: {error})")


def check_page(subject: str, page: str, writer: str, document: str, rendered: Callable[[], str]) -> Check:
    """A page against one rendered now from `document` as written, which `writer` wrote."""
    other = _other_version(page, writer, document)
    return Check(subject, "report", *(_same_page(page, rendered()) if other is None else other))


def _other_version(page: str, writer: str, document: str) -> tuple[bool, str] | None:
    """What is said of a page that another version wrote; None where it is this one's."""
    maker = maker_of(page)
    version = maker.split(";")[0].removeprefix("wattlab ")
    if version != writer:
        return False, f"it says that {maker or 'nobody'} wrote it, {document} that wattlab {writer} did"
    if version == VERSION:
        return None
    return True, f"written by wattlab {version}, this is {VERSION}: {NOT_COMPARED}"


def maker_of(page: str) -> str:
    """What a page says of who wrote it."""
    found = _MAKER.search(page)
    return "" if found is None else found[1]


def _same_page(written: str, fresh: str) -> tuple[bool, str]:
    """The bytes; where the figures were drawn in another way, all but the figures."""
    if written == fresh:
        return True, "as rendered now"
    maker = maker_of(written)
    if maker != GENERATOR:
        rest, fresh_rest = (_MAKER.sub("", _FIGURE.sub("<svg/>", page)) for page in (written, fresh))
        if rest == fresh_rest:
            return True, f"text as rendered now; figures drawn by {maker}, this is {GENERATOR}: {NOT_COMPARED}"
    # Not by splitlines: it takes CRLF for LF, and a line end more for none.
    lines = zip_longest(written.split("\n"), fresh.split("\n"), fillvalue="(no line)")
    number, (old, new) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    return False, f"line {number} is {_around(old, new)}, rendered now {_around(new, old)}"


def _around(line: str, other: str) -> str:
    """The part of a line where it begins to differ from another."""
    first = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    return repr(line[max(0, first - 20) : first + 40])
