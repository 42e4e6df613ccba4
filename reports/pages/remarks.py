"""Findings in words: remarks grouped by code, their evidence, the limits that judged them.

Knows the findings of results.json and the sentences. Knows no rule, no HTML.
"""

from collections.abc import Iterable, Mapping, Sequence

from reports.pages.blocks import Block, Fold, Head, Paragraph, Remark, Remarks, Row, Table
from reports.pages.lookup import WORDS, enumerated_runs, run_names, words, words_and_unit
from reports.pages.numbers import is_finite, page_scale, significant
from reports.pages.plain_words import as_text
from reports.pages.sentences import LIMITS, RUN_EXCLUDED, SCENARIO_INVALID, UNCOUNTED
from reports.results.document import Results
from reports.results.finding import Finding
from reports.results.finding_kinds import kind_of
from reports.results.kinds.kind import SEVERITIES

EVIDENCE_DIGITS = 4
"""Of the numbers behind a finding."""

SUBJECTS_LETTERS = 300
"""Longer lists of what a finding is about are folded."""


def remarks(results: Results) -> list[Remark]:
    """Findings in words, worst first; those that share code and severity stand together."""
    global _last
    if results is not _last[0]:
        _last = results, _remarks(results)
    return list(_last[1])


_last: tuple[Results | None, Sequence[Remark]] = (None, ())
"""The results that were asked last, and their remarks: a page asks four times."""


def _remarks(results: Results) -> list[Remark]:
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in results.findings:
        grouped.setdefault((finding.severity, finding.code), []).append(finding)
    order, names = list(SEVERITIES), run_names(results)
    ordered = sorted(grouped.items(), key=lambda item: order.index(item[0][0]))
    return [_remark(results, names, *key, group) for key, group in ordered]


def _remark(results: Results, names: Mapping[str, str], severity: str, code: str, group: Sequence[Finding]) -> Remark:
    """One finding of all its subjects: the evidence of the first, that of the others folded."""
    kind = kind_of(code)
    by_evidence: dict[str, list[str]] = {}
    remedies: list[str] = []
    for finding in group:
        own = dict(finding.evidence)
        remedies += [as_text(text) for text in own.pop("remedy", [])]
        text = as_text(_readable(results, names, own), EVIDENCE_DIGITS).rstrip(".")
        by_evidence.setdefault(text, []).append(finding.subject)
    first, *others = by_evidence.items()
    shown = f"{named_subjects(first[1], names)}: {first[0]}" if others and first[0] else first[0]
    more = "; ".join(f"{named_subjects(subjects, names)}: {text or 'none'}" for text, subjects in others)
    named = named_subjects([finding.subject for finding in group], names)
    if len(named) > SUBJECTS_LETTERS:
        more = f"It is about {named}. {more}".rstrip()
        named = f"{named[:SUBJECTS_LETTERS].rpartition(', ')[0]} and more"
    summary = f"evidence of the {_counted(len(others), 'other case')}" if others else "all that it is about"
    return Remark(
        severity_in_words(results, severity, code), code, named, kind.meaning, shown,
        f"{'; '.join(dict.fromkeys(remedies))}." if remedies else kind.remedy,
        f"{more}." if more else "", summary if more else "",
    )  # fmt: skip


def severity_in_words(results: Results, severity: str, code: str) -> str:
    """What a finding is called by its weight. One that says a result is wrong is no `invalid` of the campaign where it
    took its runs out of the means, or is about a scenario that others do not depend on."""
    reasons = (reason for reason in results.verdict.reasons if (reason.code, reason.severity) == (code, severity))
    weighs = next((reason.weighs for reason in reasons), severity)
    if severity != "invalid" or weighs == "invalid":
        return SEVERITIES.get(severity, severity)
    is_of_scenario = any(code in part.invalid_because for part in results.scenarios.values())
    return SCENARIO_INVALID if is_of_scenario else RUN_EXCLUDED


def named_subjects(subjects: Iterable[str], names: Mapping[str, str]) -> str:
    """What a finding is about: runs by their numbers, neighbours taken together, the rest by name."""
    told = dict.fromkeys(filter(None, subjects))
    runs = [name for folder, name in names.items() if folder in told]
    others = ["the campaign" if subject == "campaign" else subject for subject in told if subject not in names]
    return ", ".join([*([enumerated_runs(runs)] if runs else []), *others])


def subjects_in_words(results: Results, subjects: Iterable[str]) -> str:
    """What a reason of the verdict is about, as findings say it."""
    return named_subjects(subjects, run_names(results))


def _readable(results: Results, names: Mapping[str, str], evidence: object, key: str = "") -> object:
    """Evidence with energies in the page's unit, quantities in words, and runs called as they are on the page."""
    if isinstance(evidence, Mapping):
        read = {str(name): _readable(results, names, part, str(name)) for name, part in evidence.items()}
        return {_named_alone(name) if isinstance(part, str) else name: part for name, part in read.items()}
    if isinstance(evidence, list):
        return [_readable(results, names, part, key) for part in evidence]
    if isinstance(evidence, int | float) and is_finite(evidence) and words_and_unit(key)[1] == "Wh":
        scale = page_scale(results, "Wh")
        return f"{significant(float(evidence) * scale.factor, EVIDENCE_DIGITS)}{scale.suffix}"
    if isinstance(evidence, str):
        return names.get(evidence, words(evidence).lower() if key == "quantity" else evidence)
    return evidence


def _named_alone(key: str) -> str:
    """A key whose value is printed with its unit: without the unit."""
    return key.removesuffix("_wh") if key not in WORDS else key


def findings_blocks(results: Results) -> list[Block]:
    """Every finding in words; what touches no result is folded."""
    found = remarks(results)
    if not found:
        return [Paragraph("No finding. Every threshold of the method was applied.")]
    harmless = SEVERITIES["info"]
    heavy = tuple(remark for remark in found if remark.severity != harmless)
    light = tuple(remark for remark in found if remark.severity == harmless)
    open_blocks: list[Block] = [Remarks(heavy)] if heavy else [Paragraph("No warning.")]
    folded = Fold(f"{_counted(len(light), harmless)}: good to know, they put no result in doubt", (Remarks(light),))
    return [*open_blocks, folded] if light else open_blocks


def findings_line(results: Results) -> str:
    """How many findings there are, by severity: '15 findings: 5 warnings, 10 remarks'."""
    found = [remark.severity for remark in remarks(results)]
    counted = [_counted(found.count(word), word) for word in dict.fromkeys(found)]
    return f"{_counted(len(found), 'finding')}: {', '.join(counted)}" if found else "no finding"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 or noun in UNCOUNTED else f"{count} {noun}s"


def limits_table(results: Results) -> Table | None:
    """The limits that the findings were judged by: what each is about, its value, its unit."""
    rows = []
    for key, value in results.thresholds.items():
        said, unit = LIMITS.get(key) or words_and_unit(key)
        rows.append(Row((said, as_text(value), unit)))
    if not rows:
        return None
    heads = (Head("What is judged", False), Head("Limit"), Head("Unit", False))
    note = "The limits of method and lab.toml ([thresholds]) at the time of the measurement."
    return Table("limits", "Limits that were applied", heads, tuple(rows), note)
