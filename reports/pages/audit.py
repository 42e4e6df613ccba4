"""View model of the audit report: the sixteen blocks of formats.md (ISO/IEC 17025, 7.8.2.1), each from results.json.

Knows which block holds what, and the words. Knows no run folder, no HTML, and computes no result. What the results do
not say is printed as not stated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.record.run_folder import UNENDED
from reports.figures.campaign import TracePanel
from reports.pages import meters, other_rules, plots, recorded, result_tables, run_tables, set_up_tables
from reports.pages.blocks import Block, Facts, Head, Paragraph, Photo, Reason, Row, Section, Table, css_text
from reports.pages.budgets import budget_blocks
from reports.pages.campaign import CLAIM, HEADS, parameters
from reports.pages.campaign_statistics import is_blocked, marginal_table, statistics_blocks
from reports.pages.declared import vocabulary
from reports.pages.document import NOT_STATED, numbered, section_of, stamp_of
from reports.pages.epoch_correlations import epoch_correlation_blocks
from reports.pages.few import few_lines
from reports.pages.labels import label_blocks
from reports.pages.lookup import words
from reports.pages.numbers import (
    NOTHING,
    bare,
    energy_like,
    fixed,
    in_page_units,
    quantity,
    scale_for,
    significant,
    spread,
)
from reports.pages.plain_words import as_text
from reports.pages.planned import planned_blocks
from reports.pages.proof import not_proved
from reports.pages.raw_files import EmbeddedPhoto, RawFile
from reports.pages.remarks import (
    findings_blocks,
    findings_line,
    limits_table,
    remarks,
    severity_in_words,
    subjects_in_words,
)
from reports.pages.sentences import VERDICTS
from reports.pages.set_up_diagram import setup_diagram
from reports.pages.sut_name import name_of_sut
from reports.pages.trackers.section import tracker_blocks
from reports.pages.verdict import decided, invalid_alone, reasons_of, verdict_in_words
from reports.results.document import Results
from reports.results.finding_kinds import kind_of
from reports.results.header import LostRun
from reports.results.run import RunResult
from reports.results.uncertainty import Number
from reports.results.verdict import Decision

ONLY = "Results relate only to the items measured."
RULE = (
    "Decision rule: a result is accepted where value ≤ limit − guard band, guard band = factor × U (JCGM 106, 8.3.2). "
    "The risk is the probability that the decision is wrong."
)
INTERVALS = (
    "n is the number of runs (of a baseline: blocks), never of seconds; intervals are Student's t at the degrees of "
    "freedom given."
)
RECOMPUTE = "Every number of this report stands in results.json and is recomputed from the raw files listed here by:"
MANY = 1000


@dataclass(frozen=True, slots=True)
class Issue:
    """What identifies one issue of the report: its id, the digests behind it, the commands that belong to it."""

    report_id: str
    chain_head: str
    results_sha256: str
    command: str
    oscar_command: str
    verify_command: str


@dataclass(frozen=True, slots=True)
class Material:
    """What the page shows beside results.json."""

    traces: Sequence[TracePanel]
    trace_note: str
    photos: Sequence[EmbeddedPhoto]
    files: Sequence[RawFile]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Everything templates/audit.html.j2 prints. The `css_` texts are escaped for a CSS string."""

    title: str
    report_id: str
    stamp: str
    stamp_sentence: str
    css_stamp: str
    css_identity: str
    css_only: str
    only: str
    claim: str
    summary: tuple[tuple[str, str], ...]
    reasons: tuple[Reason, ...]
    findings_line: str
    missing: tuple[str, ...]
    sections: tuple[Section, ...]
    signature: tuple[str, ...]
    annexes: tuple[Section, ...]


def audit_page(results: Results, issue: Issue, material: Material) -> AuditPage:
    """The audit report of one campaign."""
    results = in_page_units(results, *HEADS)
    stamp, sentence = stamp_of(results.measurement)
    name = results.campaign.name or "campaign"
    return AuditPage(
        title=f"Audit report: {name}",
        report_id=issue.report_id,
        stamp=stamp,
        stamp_sentence=sentence,
        css_stamp=css_text(stamp),
        css_identity=css_text(f"Report {issue.report_id}"),
        css_only=css_text(ONLY),
        only=ONLY,
        claim=CLAIM,
        summary=tuple(_summary(results)),
        reasons=tuple(reasons_of(results)),
        findings_line=findings_line(results),
        missing=tuple(missing_particulars(results)),
        sections=tuple(numbered(_sections(results, issue, material, stamp))),
        signature=("Authorised by (name, function)", "Place and date of issue", "Signature"),
        annexes=tuple(_annexes(results, material)),
    )


PARTICULARS = {
    "place": ("the place of measurement", "7.8.2.1 c", "`place` in [lab]"),
    "customer": ("the customer", "7.8.2.1 e", "`customer` in [lab]"),
    "operator": ("the operator", "7.5.1", "`operator` in [lab]"),
}
"""What ISO/IEC 17025 has in reports and records and this campaign may not: key -> words, clause, where to state it."""


def missing_particulars(results: Results) -> list[str]:
    """One sentence for each particular that ISO/IEC 17025 asks of a report and that lab.toml left out."""
    return [
        f"The report does not name {words}, which ISO/IEC 17025 ({clause}) asks for: state {where} of lab.toml before "
        "the next campaign."
        for key, (words, clause, where) in PARTICULARS.items()
        if not getattr(results.campaign, key)
    ]


def _summary(results: Results) -> Iterable[tuple[str, str]]:
    """What the first page says: the item, every result with U and k, the verdict, the decision."""
    yield "Item measured", _item(results)
    yield "Measured", _dates(results)
    for name, part in results.scenarios.items():
        named = (("induced energy per run", part.induced_energy_wh), ("energy per run", part.energy_wh))
        texts = [f"{title}: {_with_factor(number)}" for title, number in named if number is not None]
        if part.invalid_because:
            texts.insert(0, f"INVALID ({', '.join(part.invalid_because)})")
        yield name, "; ".join(texts) or "no result: no run of it enters a mean"
    if sentences := list(few_lines(results)):
        yield "Few runs or blocks", " ".join(sentences)
    word, decision = results.verdict.word, results.verdict.decision
    yield "Verdict", f"{verdict_in_words(word)}. {VERDICTS[word].remedy}"
    yield "Decision", decided(results, decision) if decision else "No limit was stated, so nothing was decided."


def _with_factor(number: Number) -> str:
    """A result with its expanded uncertainty and what that rests on: '(0.59 ± 0.28) Wh, k = 4.3, n = 3'."""
    expanded, u = number.expanded, number.estimate.u
    none = "no U: one run" if number.n == 1 else "no U"
    factor = f"k\u00a0=\u00a0{fixed(expanded / u, 2)} (95 %)" if expanded and u else none
    runs = "" if number.n is None else f"n\u00a0=\u00a0{number.n}"
    return ", ".join(filter(None, (quantity(number), factor, runs)))


def _annexes(results: Results, material: Material) -> Iterable[Section]:
    """What is looked up and not read: the limits that were applied, the digests of all raw files."""
    annexes = [("limits", "Limits that were applied", limits_table(results)),
               ("digests", "Digests of the raw files", _raw_files(material.files))]  # fmt: skip
    present = [(anchor, title, table) for anchor, title, table in annexes if table is not None]
    for letter, (anchor, title, table) in zip("AB", present, strict=False):
        yield Section(f"annex-{anchor}", f"Annex {letter} {title}", (table,))


def _sections(results: Results, issue: Issue, material: Material, stamp: str) -> Iterable[Section]:
    blocks: list[tuple[str, str, Sequence[Block | Sequence[Block] | None]]] = [
        ("identification", "Identification", [_identification(results, issue)]),
        ("sut", "System under test", [set_up_tables.sut_facts(results)]),
        ("meters", "Measuring instruments", [meters.meter_table(results.meters),
                                             meters.check_load_table(results.meters),
                                             meters.cross_check_table(results.cross_checks)]),
        ("set-up", "Set-up", [setup_diagram(results, stamp), _photos(material.photos)]),
        ("conditions", "Supply and room", [recorded.conditions(results.records)]),
        ("clocks", "Clocks", [recorded.clocks(results, results.records.clocks), planned_blocks(results)]),
        ("workload", "Workload and its materials", [parameters(results), set_up_tables.material_table(results),
                                                    recorded.files(results.records.inputs),
                                                    recorded.programs(results.records.programs),
                                                    _environment(results),
                                                    *recorded.environments(results.records.environments)]),
        ("runs", "Phases and all runs", [_planned(results), run_tables.run_table(results),
                                                 recorded.phases(results, results.records.phases)]),
        ("validity", "Validity", [_seal(results), set_up_tables.preflight_table(results), findings_blocks(results)]),
        ("results", "Results", _results(results, material, stamp)),
        ("uncertainty", "Uncertainty budget", [budget_blocks(results, stamp) or _not_stated("Uncertainty budget")]),
        ("statistics", "Statistics", [Paragraph(INTERVALS), _statistics(results), _tests(results, stamp),
                                      epoch_correlation_blocks(results.statistics, vocabulary(results),
                                                               results.scenarios)]),
        ("deviations", "Deviations from the method and from the plan", [_deviations(results)]),
        ("decision", "Decision rule and verdict", [_verdict(results)]),
        ("raw-data", "Raw data and recomputation", [_recompute(results, issue)]),
        ("oscar-export", "OSCAR export", [_oscar(results, issue)]),
    ]  # fmt: skip
    for number, (anchor, title, parts) in enumerate(blocks, 1):
        section = section_of(anchor, f"{number} {title}", *parts)
        yield section or Section(anchor, f"{number} {title}", (_not_stated(title),))


def _not_stated(what: str) -> Paragraph:
    return Paragraph(f"{what}: {NOT_STATED}.", "note")


def _identification(results: Results, issue: Issue) -> list[Block]:
    campaign, source = results.campaign, results.campaign.source
    outside = f"all readings: imported from {source.format} files of another laboratory" if source else "none"
    items = [
        ("Report", issue.report_id), ("Laboratory", campaign.lab),
        ("Place of measurement", campaign.place), ("Customer", campaign.customer),
        ("Operator", campaign.operator),
        ("Method", CLAIM), ("Design", campaign.design), ("Seed", as_text(campaign.seed)),
        ("Item measured", _item(results)),
        ("Dates of measurement", _dates(results)), ("External contributions", outside),
        ("Campaign", f"{campaign.name}, uid {campaign.uid}"),
        ("Head of the campaign's chain", issue.chain_head),
        ("Authorised by, date of issue", "see the signature at the end of the report"),
    ]  # fmt: skip
    facts = Facts("Identification", tuple((name, str(value or NOT_STATED)) for name, value in items))
    return [facts, Paragraph(ONLY), Paragraph(results.measurement.sentence)]


def _item(results: Results) -> str:
    return f"{name_of_sut(results)}, running: {', '.join(results.scenarios) or 'nothing but its operating system'}"


def _dates(results: Results) -> str:
    zone = "UTC" if results.campaign.is_utc else "local time of the source"
    return f"{results.campaign.first_utc} to {results.campaign.last_utc} ({zone})"


def _photos(found: Sequence[EmbeddedPhoto]) -> list[Block]:
    if not found:
        return [Paragraph(f"Photograph of the set-up: {NOT_STATED}.", "note")]
    blocks: list[Block] = []
    for index, photo in enumerate(found):
        if photo.data_uri:
            text = f"Photograph of the set-up, file {photo.name}"
            blocks.append(Photo(f"photo-{index}", f"Set-up as it was built: {photo.name}", text, photo.data_uri))
        else:
            blocks.append(Paragraph(f"Photograph {photo.name}: not shown, {photo.reason}.", "note"))
    return blocks


def _environment(results: Results) -> Facts:
    sut, software = results.sut, results.campaign.software
    items = (
        ("Python of the SUT", as_text(sut.get("python"))), ("psutil of the SUT", as_text(sut.get("psutil"))),
        ("wattlab", as_text(software.get("version"))), ("Commit", as_text(software.get("commit"))),
        ("With uncommitted changes", as_text(software.get("dirty"))),
    )  # fmt: skip
    return Facts("Environment", tuple((name, value or NOT_STATED) for name, value in items))


def _planned(results: Results) -> Paragraph:
    runs = results.runs
    included = sum(run.included for run in runs)
    planned, lost = results.campaign.plan, len(results.campaign.lost)
    plan = f"{planned} runs were planned, " if planned else ""
    gone = f" {lost} more {'was' if lost == 1 else 'were'} begun and removed: see the findings." if lost else ""
    text = (
        f"{plan}{len(runs)} were begun, {included} enter the means. Every run is listed; excluded ones with the reason."
        f"{gone}"
    )
    return Paragraph(text[0].upper() + text[1:])


def _seal(results: Results) -> list[Block]:
    broken = [finding for finding in results.findings if finding.code == "broken-seal"]
    checked = "Seals of all run folders, the chain of runs and of the log were checked when the results were computed: "
    waiting = "" if not any(run.reason == UNENDED for run in results.runs) else f" One run is {UNENDED}."
    held = Paragraph(checked + (f"{len(broken)} checks failed, see below." if broken else "all hold.") + waiting)
    return [held, Paragraph(not_proved(results.evidence))]


def _results(results: Results, material: Material, stamp: str) -> list[Block | Sequence[Block] | None]:
    return [
        result_tables.result_table(results), plots.energy_figure(results, stamp), plots.induced_figure(results, stamp),
        plots.trace_figure(results, material.traces, stamp, material.trace_note), run_tables.baseline_table(results),
        result_tables.action_tables(results, "actions", "Actions"),
        result_tables.action_tables(results, "epochs", vocabulary(results).repetitions()),
        result_tables.hardware_tables(results), result_tables.efficiency_table(results),
        result_tables.success_table(results),
        marginal_table(results), other_rules.publisher_table(results),
        other_rules.oscar_table(results), tracker_blocks(results, stamp), label_blocks(results.label),
    ]  # fmt: skip


def _statistics(results: Results) -> Table | None:
    """n, mean, spread and degrees of freedom of the headline quantities."""
    base = results.baseline
    parts: dict[str, dict[str, Number | None]] = {} if base is None else {
        "baseline": {"mean_power_w": base.mean_power_w, "duration_s": base.duration_s}
    }  # fmt: skip
    parts |= {
        name: {
            "energy_wh": part.energy_wh, "induced_energy_wh": part.induced_energy_wh,
            "mean_power_w": part.mean_power_w, "duration_s": part.duration_s,
        }
        for name, part in results.scenarios.items()
    }  # fmt: skip
    rows = []
    for name, numbers in parts.items():
        for key, number in numbers.items():
            if number is not None:
                scale = scale_for([number])
                dof = NOTHING if number.expanded is None else _dof(number.estimate.dof)
                count = NOTHING if number.n is None else str(number.n)
                rows.append(Row((name, scale.axis(words(key)), count, bare(number, scale), spread(number, scale), dof)))
    heads = (Head("Part", False), Head("Quantity", False), Head("n"), Head("Mean ± U (95 %)"), Head("SD"), Head("dof"))
    return Table("statistics-table", "Means over the runs", heads, tuple(rows)) if rows else None


def _tests(results: Results, stamp: str) -> list[Block]:
    return statistics_blocks(results.statistics, vocabulary(results), stamp, blocked=is_blocked(results))


def _dof(value: float | None) -> str:
    """Degrees of freedom; very many of them count as infinitely many, as in the budgets."""
    return "∞" if value is None or value > MANY else significant(value, 3)


def _deviations(results: Results) -> list[Block]:
    """What departed from the method or the plan: from the findings, and every run of the plan that is in no mean."""
    out = _out_of_the_means(results)
    rows = [
        Row((remark.code, remark.subjects, remark.meaning, "; ".join(filter(None, (remark.evidence, remark.more)))))
        for remark in remarks(results)
        if kind_of(remark.code).is_deviation
    ]
    if not rows and out is None:
        return [Paragraph("None was found: every run was made as planned and by the method.")]
    heads = tuple(Head(text, numeric=False) for text in ("Code", "Subject", "Deviation", "Evidence"))
    found = [Table("deviations-table", "Deviations", heads, tuple(rows))] if rows else []
    return [*found, *([out] if out is not None else [])]


def _out_of_the_means(results: Results) -> Table | None:
    """Attempts at planned runs that enter no mean, why, and whether they were made again; None where there is none."""
    everyone: list[RunResult | LostRun] = [*results.runs, *results.campaign.lost]
    begun = [run for run in everyone if run.kind in ("baseline", "scenario")]
    rows = []
    for run in sorted(filter(_is_out, begun), key=lambda run: (run.ordinal or 0, run.attempt or 1)):
        later = [one for one in begun if one.ordinal == run.ordinal and (one.attempt or 1) > (run.attempt or 1)]
        cells = (as_text(run.ordinal), str(run.attempt or 1), as_text(run.scenario), as_text(run.repetition))
        rows.append(Row((*cells, _why_out(run), _made_again(later)), "excluded"))
    heads = (Head("Run"), Head("Attempt"), Head("Scenario", False), Head("Repetition"), Head("Why", False, prose=True),
             Head("Made again", False, prose=True))  # fmt: skip
    return Table("out-of-the-means", "Attempts that enter no mean", heads, tuple(rows)) if rows else None


def _is_out(run: RunResult | LostRun) -> bool:
    return isinstance(run, LostRun) or not run.included


def _why_out(run: RunResult | LostRun) -> str:
    own = run.excluded_because if isinstance(run, RunResult) else None
    return own or run.reason or NOT_STATED


def _made_again(later: Sequence[RunResult | LostRun]) -> str:
    """Whether an attempt was repeated, and whether the repetition counts."""
    if not later:
        return "no"
    last = max(later, key=lambda run: run.attempt or 1)
    counts = "which does not count either" if _is_out(last) else "which enters the means"
    return f"yes, attempt {last.attempt}, {counts}"


def _verdict(results: Results) -> list[Block]:
    blocks: list[Block] = [Paragraph(f"Verdict on the campaign: {verdict_in_words(results.verdict.word)}.")]
    blocks += [Paragraph(text) for text in invalid_alone(results)]
    rows = [
        Row((reason.code, severity_in_words(results, reason.severity, reason.code), verdict_in_words(reason.weighs),
             subjects_in_words(results, reason.subjects)))
        for reason in results.verdict.reasons
    ]  # fmt: skip
    if rows:
        heads = tuple(Head(text, numeric=False) for text in ("Finding", "Severity", "Makes the campaign", "Subjects"))
        blocks.append(Table("verdict-reasons", "Reasons of the verdict, worst first", heads, tuple(rows)))
    decision = results.verdict.decision
    if decision is None:
        return [*blocks, Paragraph("No limit was stated for a result, so no statement of conformity is made."),
                Paragraph(RULE, "note")]  # fmt: skip
    return [*blocks, _decision(results, decision), Paragraph(RULE, "note")]


def _decision(results: Results, decision: Decision) -> Facts:
    def shown(energy_wh: float | None) -> str:
        return NOT_STATED if energy_wh is None else quantity(energy_like(results, energy_wh))

    items = (
        ("Result", f"{words(decision.quantity)} of {decision.scenario}"),
        ("Value", shown(decision.value_wh)), ("U", shown(decision.expanded_wh)), ("Limit", shown(decision.limit_wh)),
        ("Guard band", shown(decision.guard_band_wh)), ("Accepted up to", shown(decision.acceptance_limit_wh)),
        ("Decision", "accepted" if decision.accepted else "not accepted"),
        (f"Risk of {decision.risk_of or 'a wrong decision'}",
         NOT_STATED if decision.risk is None else significant(decision.risk, 2)),
    )  # fmt: skip
    return Facts("Decision", items)


def _recompute(results: Results, issue: Issue) -> list[Block]:
    software = results.campaign.software
    items = (
        ("Recompute results and this report", issue.command), ("Check signature, chain, files", issue.verify_command),
        ("SHA-256 of results.json", issue.results_sha256), ("Head of the campaign's chain", issue.chain_head),
        ("Measured with", f"wattlab {as_text(software.get('version'))}, commit {as_text(software.get('commit'))}"),
        ("Schema of results.json", str(results.schema)),
    )  # fmt: skip
    return [Paragraph(RECOMPUTE), Facts("Recomputation", items), Paragraph(not_proved(results.evidence))]


def _raw_files(files: Sequence[RawFile]) -> Table:
    rows = tuple(Row((file.path, file.sha256)) for file in files)
    heads = (Head("File", False), Head("SHA-256", False, keep=True))
    return Table(
        "raw-files", f"Raw files of the campaign ({len(rows)})", heads, rows, folded=len(rows) > recorded.LONG_TABLE
    )


def _oscar(results: Results, issue: Issue) -> list[Block]:
    rules = dict.fromkeys(part.oscar.rule for part in results.scenarios.values() if part.oscar is not None)
    rule = "; ".join(rules) or NOT_STATED
    text = "Power, actions and hardware of every run that enters the means, in the forms OSCAR reads, are written by:"
    items = (("Command", issue.oscar_command), ("Window rule of OSCAR", rule))
    return [Paragraph(text), Facts("OSCAR export", items)]
