"""results.json with report.html, audit.html and summary.html: the kind of derived document that a campaign has.

Knows results.json, and that another version or a machine without R made some of them. Knows no keys and no change:
which differences of another version are predicted is said by `changes`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from harness.evidence.changes import (
    ABSENT,
    ADDED_WITHIN,
    FIRST,
    PROBABILITY,
    STATISTICS,
    Case,
    Difference,
    compare,
    differences_of,
    precedes,
    writer_of,
)
from harness.evidence.derived import SHOWN, Derived, Recomputed
from harness.record.campaign_folder import DERIVED
from harness.record.documents import VERSION, Json
from harness.record.verify import Check, Examination, examine
from reports.campaign.analyse import analyse
from reports.inference import r_session
from reports.readings.outline import Outline
from reports.render import AUDIT, REPORT, SUMMARY, audit_html, report_html, summary_html
from reports.results.codec import document_text
from reports.results.document import RESULTS, Results, results_in
from reports.results.rules import Rule, as_before

WRITER = "computed_by"
CHECKOUT = ("commit", "dirty")
"""Of `computed_by`: which state of the program computed it."""
SAME = "every number as recomputed from the raw data"
CHANGE = "change"
"""The check that names what a listed change moved."""
NO_R = ("r-missing", "r-failed")
NOT_ASKED = "not "
"""So begins what is said of statistics that R did not compute on both sides."""


@dataclass(frozen=True)
class CampaignInputs:
    """A campaign's folder; `checkout`: commit of the program that computes, and whether it was changed, where that is
    to stand in results.json."""

    path: Path
    checkout: Json | None = None
    examination: Examination | None = None
    """What `examine` found, where it was called before."""
    outlines: dict[str, Outline] = field(default_factory=dict)
    """What pages draw of the runs, by folder: filled by `compute`, so that no page reads them again."""

    @cached_property
    def seen(self) -> Examination:
        """The campaign, read once."""
        return self.examination or examine(self.path)


def _compute(inputs: CampaignInputs) -> Results:
    analysis = analyse(inputs.path, inputs.seen)
    inputs.outlines.update(analysis.outlines)
    results = analysis.results
    if inputs.checkout is None:
        return results
    commit, dirty = inputs.checkout["commit"], inputs.checkout["dirty"]
    return replace(results, computed_by=replace(results.computed_by, commit=commit, dirty=dirty))


def _numbers_without(inputs: CampaignInputs, rule: Rule) -> Json:
    """All but the statistics, by today's rules without one change."""
    with as_before((rule,)):
        text = document_text(analyse(inputs.path, inputs.seen).numbers)
    numbers: Json = json.loads(text)
    return numbers


def _writer(written: Json, inputs: CampaignInputs) -> str:
    """The version that wrote results.json. None older than what measured a run can have: such results are taken as of
    today, and then differ."""
    measured = [str(run.start.software.get("version")) for run in inputs.seen.runs.values()]
    writer = writer_of(written)
    return VERSION if any(precedes(writer, version) for version in measured) else writer


def _judge(kind: Derived[Any, Any], written: Json, computed: Recomputed, inputs: CampaignInputs) -> Iterable[Check]:
    """The file against the recomputed numbers, its findings against the re-evaluated ones."""
    subject = kind.subject
    if WRITER in written and writer_of(written) == FIRST:
        detail = f"computed_by is {written['computed_by']!r:.80}, which no wattlab writes"
        return [Check(subject, "results", False, detail)]
    if computed.is_older:
        return _check_older(subject, written, computed, inputs)
    return _check_own(subject, written, computed.now)


def _check_own(subject: str, written: Json, computed: Json) -> Iterator[Check]:
    """Results of this version: they differ in nothing."""
    known = {key: value for key, value in computed.items() if key in written or key not in ADDED_WITHIN}
    yield Check(subject, "results", *_compared(differences_of(_plain(written), _plain(known))))
    yield _check_findings(subject, written.get("findings"), computed["findings"])
    here, there = written.get(STATISTICS, ABSENT), computed[STATISTICS]
    why = _not_recomputed(here, there)
    outcome = _compared(differences_of(here, there, STATISTICS, PROBABILITY)) if why is None else (True, why)
    yield Check(subject, STATISTICS, *outcome)


def _check_older(subject: str, written: Json, computed: Recomputed, inputs: CampaignInputs) -> Iterator[Check]:
    """Results of an older version: as its own rules give them, and moved since by nothing that is not listed."""
    why = _not_recomputed(written.get(STATISTICS), computed.then[STATISTICS])
    unlike: Json = {} if why is None else {STATISTICS: {"available": False}}
    parts = (written | unlike, computed.then | unlike, computed.now | unlike)
    found = compare(Case(*parts, lambda rule: _numbers_without(inputs, rule)))
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


def check_validity(subject: str, computed: Recomputed) -> Check:
    """Whether the verdict, given anew, calls the campaign invalid; of an older version's results by its rules and by
    today's: what a change made invalid was not, and what it made valid is."""
    word, today = (one["verdict"]["word"] for one in (computed.then, computed.now))
    heaviest = [reason for reason in computed.then["verdict"]["reasons"] if reason["weighs"] == word]
    named = [f"{one['code']} ({', '.join(one['subjects'][:SHOWN])})" for one in heaviest]
    changed = f"; by today's rules {today}" if today != word else ""
    invalid = word == today == "invalid"
    return Check(subject, "validity", not invalid, (f"{word}: {'; '.join(named)}" if named else word) + changed)


def _report(results: Results, _: str, inputs: CampaignInputs) -> str:
    return report_html(inputs.path, results, inputs.outlines)


def _audit(_: Results, text: str, inputs: CampaignInputs) -> str:
    """Its id holds the digest of that very text."""
    return audit_html(inputs.path, text, inputs.outlines)


def _summary(_: Results, text: str, __: CampaignInputs) -> str:
    """It holds the digest of that very text."""
    return summary_html(text)


RESULTS_DOCUMENT: Derived[CampaignInputs, Results] = Derived(
    name=RESULTS,
    folder=DERIVED,
    verb="report",
    read=results_in,
    writer_key=WRITER,
    writer=_writer,
    inputs=lambda folder, _: CampaignInputs(folder),
    digests=lambda results: results.inputs,
    digests_now=lambda results, inputs: {name: inputs.seen.runs[name].manifest_sha256 for name in results.inputs},
    input_check="",  # results.json is recomputed with the digests of its runs
    compute=_compute,
    computed_from="the raw data",
    pages={REPORT: _report, AUDIT: _audit, SUMMARY: _summary},
    on_request=frozenset({AUDIT, SUMMARY}),
    checks=("results", "findings", STATISTICS),
    judge=_judge,
)
"""A campaign's own document. Its audit report and its summary are written where they are asked for."""
