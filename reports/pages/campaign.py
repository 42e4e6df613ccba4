"""View model of a campaign's report: which sections there are, in which order, with which words.

Knows results.json and the blocks of a page. Knows no run folder, no HTML, and computes no result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.figures.campaign import TracePanel
from reports.figures.sheet import lines_of
from reports.pages import meters, other_rules, plots, result_tables, run_tables, set_up_tables
from reports.pages.blocks import (
    Block,
    Box,
    Card,
    Diagram,
    Facts,
    Head,
    Paragraph,
    Reason,
    Remark,
    Remarks,
    Row,
    Section,
    Table,
    finding_anchor,
)
from reports.pages.budgets import budget_blocks, incomplete
from reports.pages.campaign_statistics import is_blocked, marginal_table, statistics_blocks
from reports.pages.declared import Vocabulary, vocabulary
from reports.pages.document import STAMPS, DocumentPage, css_text, numbered, section_of
from reports.pages.epoch_correlations import epoch_correlation_blocks
from reports.pages.lookup import (
    WORDS,
    enumerated_runs,
    run_names,
    words,
    words_and_unit,
)
from reports.pages.numbers import (
    NOTHING,
    Scale,
    bare,
    claim,
    energy_like,
    in_page_units,
    is_finite,
    page_scale,
    quantity,
    significant,
)
from reports.pages.plain_words import as_text, claim_of
from reports.pages.planned import planned_blocks
from reports.pages.proof import not_proved
from reports.pages.sentences import (
    ADVICE,
    GLOSSARY,
    LIMITS,
    RUN_EXCLUDED,
    SCENARIO_INVALID,
    SEVERITIES,
    UNCOUNTED,
    UNKNOWN,
    VERDICTS,
)
from reports.pages.trackers.section import tracker_blocks
from reports.results.document import Results
from reports.results.finding import Finding
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number
from reports.results.verdict import Decision

HEADS = ("scenarios", "baseline")
"""Parts of results.json whose largest numbers choose the units of a page."""
EVIDENCE_DIGITS = 4
"""Of the numbers behind a finding."""
BOX_WIDTH, BOX_LINES = 34, 6
REASONS_SAID = 3
"""On the terminal; the page lists all of them."""
SUBJECTS_LETTERS = 300
"""Longer lists of what a finding is about are folded."""
EVIDENCE = (
    "Every number on this page stands in results.json beside it and can be recomputed from the sealed run folders "
    "named below."
)
CLAIM = "Structured after ISO/IEC 14756 and after DE-UZ 215; conformity with either is not claimed."
SCOPE_OF_U = "U holds the spread of runs and baseline and what is known of the errors of meter and clocks."


@dataclass(frozen=True, slots=True)
class CampaignPage(DocumentPage):
    """Everything templates/campaign.html.j2 prints."""

    verdict: str
    verdict_says: str
    reasons: tuple[Reason, ...]
    findings_line: str
    glossary: tuple[tuple[str, str], ...]


def campaign_page(results: Results, traces: Sequence[TracePanel], trace_note: str, command: str) -> CampaignPage:
    """The page of one campaign. `traces`: power over time; `command`: what recomputes the page."""
    results = in_page_units(results, *HEADS)
    stamp, sentence = STAMPS.get(results.measurement.origin, ("", ""))
    name = results.campaign.name or "campaign"
    return CampaignPage(
        title=f"Energy efficiency report: {name}",
        stamp=stamp,
        stamp_sentence=sentence,
        css_stamp=css_text(stamp),
        css_identity=css_text(f"{name} {results.campaign.uid or ''}"[:60]),
        identity=tuple(_identity(results)),
        verdict=verdict_head(results),
        verdict_says=verdict_says(results),
        reasons=tuple(reasons_of(results)),
        findings_line=findings_line(results),
        answer=_answer(results),
        cards=tuple(_cards(results)),
        opening=tuple(_opening(results)),
        sections=tuple(_sections(results, stamp, traces, trace_note, command)),
        glossary=GLOSSARY,
        colophon=tuple(_colophon(results, command)),
    )


def _identity(results: Results) -> Iterable[str]:
    campaign = results.campaign
    lab = ", ".join(filter(None, (campaign.lab, campaign.place)))
    named = (("Operator", campaign.operator), ("Customer", campaign.customer))
    yield " · ".join([lab or "Laboratory not named", *(f"{title}: {name}" for title, name in named if name)])
    stamps = "UTC" if campaign.source is None else "local time of the source"
    span = f"Measured {campaign.first_utc} to {campaign.last_utc} ({stamps})"
    yield " · ".join(filter(None, (span, campaign.uid)))
    yield "Results relate only to the items measured."


def verdict_in_words(word: str) -> str:
    """A verdict of results.json as it is printed."""
    return VERDICTS[word].meaning if word in VERDICTS else word


def verdict_head(results: Results) -> str:
    """The verdict in one short sentence."""
    return f"Verdict: {verdict_in_words(results.verdict.word)}."


def verdict_says(results: Results) -> str:
    """What the verdict means, scenarios that are invalid alone and, where a limit was stated, the decision."""
    decision = results.verdict.decision
    decisions = [] if decision is None else [decided(results, decision)]
    return " ".join([VERDICTS[results.verdict.word].remedy, *invalid_alone(results), *decisions])


def reasons_of(results: Results) -> Iterable[Reason]:
    """The findings that made the verdict, each as its sentence with what it is about."""
    names = run_names(results)
    anchors = {remark.anchor for remark in remarks(results)}
    for reason in results.verdict.reasons:
        if reason.weighs == results.verdict.word:
            subjects = [subject for subject in reason.subjects if subject != "campaign"]
            about = f" ({_subjects(subjects, names)})" if subjects else ""
            text = ADVICE.get(reason.code, UNKNOWN).meaning.partition(". ")[0].rstrip(".")
            anchor = finding_anchor(severity_in_words(results, reason.severity, reason.code), reason.code)
            yield Reason(f"{reason.code}{about}: {text}.", anchor if anchor in anchors else "")


def invalid_alone(results: Results) -> Iterable[str]:
    """Scenarios that are invalid while another one stands."""
    parts = results.scenarios
    invalid = {name: part.invalid_because for name, part in parts.items() if part.invalid_because}
    stands = [name for name, part in parts.items() if name not in invalid and part.n_runs.value]
    if invalid and stands:
        named = "; ".join(f"{name} ({', '.join(codes)})" for name, codes in invalid.items())
        yield f"Invalid, its values may not be used: {named}. The verdict is on what stands: {', '.join(stands)}."


def verdict_line(results: Results) -> str:
    """The verdict with its reasons."""
    head, reasons = verdict_head(results), list(reasons_of(results))
    more = f" And {len(reasons) - REASONS_SAID} more reasons." if len(reasons) > REASONS_SAID else ""
    said = " ".join(reason.text for reason in reasons[:REASONS_SAID])
    because = f"{'Reasons' if len(reasons) > 1 else 'Reason'}: {said}{more}" if reasons else ""
    return " ".join(filter(None, (head, verdict_says(results), because)))


def decided(results: Results, decision: Decision) -> str:
    """The decision about the stated limit in one sentence."""
    limit = quantity(energy_like(results, decision.limit_wh))
    what = f"{words(decision.quantity)} of {decision.scenario} against the limit of {limit}"
    if decision.risk is None or decision.guard_band_wh is None:
        is_invalid = decision.because == "scenario-invalid"
        why = "this scenario is invalid" if is_invalid else "its uncertainty is not known"
        return f"{what}: not accepted, for {why}."
    word = "accepted" if decision.accepted else "not accepted"
    band = quantity(energy_like(results, decision.guard_band_wh))
    return f"{what}: {word} with a guard band of {band}; risk of {decision.risk_of} {decision.risk:.2g}."


def _answer(results: Results) -> str:
    parts = results.scenarios
    host = as_text(results.sut.get("hostname")) or "the system under test"
    measured = {name: part for name, part in parts.items() if part.n_runs.value}
    if not parts and any(run.kind == "ranging" for run in results.runs):
        return "This campaign holds ranging runs only: they show which ranges a meter needs and enter no mean."
    if not parts:
        return f"This campaign holds no scenario run yet: only the baseline of {host}."
    if not measured:
        return "No scenario run succeeded, so there is no result. Every run is listed below with its reason."
    if all(part.induced_energy_wh is None for part in measured.values()):
        return (
            f"Each card shows the energy that one run of a scenario took on {host}, the idle machine's share included: "
            "no baseline was measured, so the share that the software caused is not known."
        )
    failed = ", ".join(name for name in parts if name not in measured)
    missing = f" No run of {failed} succeeded." if failed else ""
    emulated = " The meter was emulated, so these energies were computed and not measured."
    answer = (
        f"Each card shows the energy that one run of a scenario took on {host} beyond what the idle machine takes in "
        "the same time (induced energy)."
    ) + (emulated if results.measurement.origin == "emulated" else "")
    return " ".join([answer, *incomplete(results)]) + missing


def _cards(results: Results) -> Iterable[Card]:
    for style, (name, part) in enumerate(results.scenarios.items()):
        induced, total = part.induced_energy_wh, part.energy_wh
        head, what = (induced, "induced energy per run") if induced else (total, "energy per run, baseline included")
        lines = [f"{title}: {quantity(number)}" for title, number in
                 (("energy", total if induced else None), ("mean power", part.mean_power_w),
                  ("duration", part.duration_s)) if number]  # fmt: skip
        lines += publisher_lines(part)
        lines += efficiency_lines(part, vocabulary(results, name))
        claimed = claim_of(head, what) if head else "no successful run"
        if part.invalid_because:
            claimed = f"invalid ({', '.join(part.invalid_because)}): {claimed}"
        title = name if part.title in ("", name) else f"{name}: {part.title}"
        yield Card(title, quantity(head) if head else NOTHING, claimed, tuple(lines), style % 6)


def publisher_lines(part: ScenarioResult) -> list[str]:
    """A scenario by its publisher's window and rule, by exact overlap, and over the whole record; empty without one."""
    counted = part.publisher
    if counted is None:
        return []
    runs = "" if counted.n == 1 else f", means of {counted.n} runs"
    watts, rows, energy = map(other_rules.plain_digits, (counted.mean_power_w, counted.rows, counted.energy_wh))
    record = counted.record
    whole = [other_rules.plain_digits(number) for number in (record.duration_s, record.mean_power_w, record.energy_wh)]
    return [
        f"by the window of {counted.publisher}{runs}: {watts} W ({rows} rows), {energy} Wh by its rule, "
        f"{other_rules.plain_digits(part.energy_wh)} Wh by exact overlap",
        f"whole record: {whole[0]} s, {whole[1]} W, {whole[2]} Wh",
    ]


def efficiency_lines(part: ScenarioResult, declared: Vocabulary) -> list[str]:
    """The headline efficiency factor by induced energy, or why there is none; then, of declared work, that by total
    energy."""
    if lines := _factor_lines("induced", part.efficiency.per_induced, declared):
        return lines
    reason = part.efficiency.suppressed
    lines = [f"no efficiency factor: {reason}"] if reason else []
    return lines + (_factor_lines("total", part.efficiency.per_total, declared) if part.declared else [])


def _factor_lines(energy: str, factors: Mapping[str, Number], declared: Vocabulary) -> list[str]:
    for kind in declared.kinds():
        if (number := factors.get(kind)) is not None:
            basis = claim(number)
            unit = f", {basis}" if basis else ""
            return [f"efficiency by {energy} energy: {bare(number, Scale(''))} {declared.kind(kind)}{unit}"]
    return []


def _opening(results: Results) -> Iterable[Block]:
    induced = (part.induced_energy_wh for part in results.scenarios.values())
    if any(number.expanded for number in induced if number is not None):
        yield Paragraph(SCOPE_OF_U, "note")
    found = remarks(results)
    invalid = tuple(remark for remark in found if remark.severity in UNCOUNTED)
    if invalid:
        yield Paragraph("These findings make results invalid, or exclude single runs:")
        yield Remarks(invalid, linked=True)


def findings_line(results: Results) -> str:
    """How many findings there are, by severity: '15 findings: 5 warnings, 10 remarks'."""
    found = [remark.severity for remark in remarks(results)]
    counted = [_counted(found.count(word), word) for word in dict.fromkeys(found)]
    return f"{_counted(len(found), 'finding')}: {', '.join(counted)}" if found else "no finding"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 or noun in UNCOUNTED else f"{count} {noun}s"


def _sections(
    results: Results, stamp: str, traces: Sequence[TracePanel], trace_note: str, command: str
) -> Iterable[Section]:
    section, statistics, declared = section_of, results.statistics, vocabulary(results)
    repeated = declared.repetitions()
    found = [
        section("results", "Results", result_tables.result_table(results), plots.energy_figure(results, stamp),
                plots.induced_figure(results, stamp), plots.trace_figure(results, traces, stamp, trace_note)),
        section("findings", "Findings and remarks", findings_blocks(results)),
        section("runs", "All runs", run_tables.run_table(results)),
        section("trackers", "Trackers beside the meter", tracker_blocks(results, stamp)),
        section("efficiency-factors", "Efficiency", plots.epoch_figure(results, stamp),
                epoch_correlation_blocks(statistics, declared, results.scenarios),
                plots.efficiency_figure(results, stamp), result_tables.efficiency_table(results),
                result_tables.success_table(results), marginal_table(results),
                plots.cumulative_figure(results, stamp)),
        section("statistics", "Statistics",
                statistics_blocks(statistics, declared, stamp, blocked=is_blocked(results))),
        section("uncertainty", "Uncertainty budget", budget_blocks(results, stamp)),
        section("epochs", repeated, result_tables.action_tables(results, "epochs", repeated)),
        section("actions", "Actions", result_tables.action_tables(results, "actions", "Actions")),
        section("hardware", "Hardware use", plots.hardware_figure(results, stamp),
                result_tables.hardware_tables(results)),
        section("history", "Training history", plots.history_figure(results, stamp)),
        section("duration", "Durations", run_tables.duration_table(results), plots.duration_figure(results, stamp)),
        section("baseline", "Baseline", run_tables.baseline_table(results), plots.baseline_figure(results, stamp)),
        section("planned", "Around the runs", planned_blocks(results)),
        section("set-up", "Set-up", setup_diagram(results, stamp), set_up_tables.sut_facts(results),
                meters.meter_table(results.meters), meters.cross_check_table(results.cross_checks),
                set_up_tables.preflight_table(results), set_up_tables.indicator_table(results)),
        section("material", "Data, weights and parameters", set_up_tables.material_table(results), parameters(results)),
        section("rules", "Other rules and conventions", other_rules.publisher_table(results),
                other_rules.oscar_table(results)),
        section("limits-applied", "Limits of the method", limits_table(results)),
        section("evidence", "Evidence", _evidence(results, command), set_up_tables.manifest_table(results)),
    ]  # fmt: skip
    yield from numbered(part for part in found if part is not None)


def setup_diagram(results: Results, stamp: str) -> Diagram:
    """Figure 1 with this campaign's own names."""
    imported = results.campaign.source is not None
    meter_lines = list(meters.diagram_lines(results.meters))
    sut_lines = _sut_lines(results)
    host = as_text(results.host.get("hostname"))
    generator = ["another lab (imported)"] if imported else [host, "wattlab run: plan, driver, clock"]
    version = as_text(results.campaign.software.get("version"))
    spoken = f"Mains feed the power meter ({'; '.join(meter_lines)}), which feeds the system under test "
    spoken += f"({'; '.join(sut_lines)}). The workload generator starts the runs and records the readings; "
    spoken += "the aggregator computes this report from sealed run folders."
    return Diagram(
        name="fig-setup",
        caption="Set-up of the measurement, after ISO/IEC 14756",
        description=spoken,
        meter=_box("Power meter (PM)", meter_lines or ["none"]),
        sut=_box("System under test (SUT)", sut_lines),
        generator=_box("Workload generator (WG)", generator),
        aggregator=_box("Aggregator (DAE)", [f"wattlab {version}", "wattlab report: this page"]),
        readings_link="imported readings" if imported else "power readings",
        control_link="start, stop" if imported else "SSH: start, stop",
        stamp=stamp,
    )


def _sut_lines(results: Results) -> list[str]:
    sut = results.sut
    gpus = [as_text(gpu.get("name")) for gpu in sut.get("gpus") or []]
    lines = [as_text(sut.get("hostname")), as_text(sut.get("cpu")), *gpus, as_text(sut.get("os"))]
    return [*filter(None, lines), f"scenarios: {', '.join(results.scenarios) or 'none'}"]


def _box(role: str, lines: Iterable[str]) -> Box:
    """A box of the diagram: lines that are too long go on in the next one."""
    folded = [part for line in lines if line for part in lines_of(line, BOX_WIDTH)]
    return Box(
        role, tuple(folded if len(folded) <= BOX_LINES else [*folded[: BOX_LINES - 1], "and more: see the tables"])
    )


def remarks(results: Results) -> list[Remark]:
    """Findings in words, worst first; those that share code and severity stand together."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in results.findings:
        grouped.setdefault((finding.severity, finding.code), []).append(finding)
    order, names = list(SEVERITIES), run_names(results)
    ordered = sorted(grouped.items(), key=lambda item: order.index(item[0][0]))
    return [_remark(results, names, *key, group) for key, group in ordered]


def _remark(results: Results, names: Mapping[str, str], severity: str, code: str, group: Sequence[Finding]) -> Remark:
    """One finding of all its subjects: the evidence of the first, that of the others folded."""
    advice = ADVICE.get(code, UNKNOWN)
    by_evidence: dict[str, list[str]] = {}
    remedies: list[str] = []
    for finding in group:
        own = dict(finding.evidence)
        remedies += [as_text(text) for text in own.pop("remedy", [])]
        text = as_text(_readable(results, names, own), EVIDENCE_DIGITS).rstrip(".")
        by_evidence.setdefault(text, []).append(finding.subject)
    first, *others = by_evidence.items()
    shown = f"{_subjects(first[1], names)}: {first[0]}" if others and first[0] else first[0]
    more = "; ".join(f"{_subjects(subjects, names)}: {text or 'none'}" for text, subjects in others)
    named = _subjects([finding.subject for finding in group], names)
    if len(named) > SUBJECTS_LETTERS:
        more = f"It is about {named}. {more}".rstrip()
        named = f"{named[:SUBJECTS_LETTERS].rpartition(', ')[0]} and more"
    summary = f"evidence of the {_counted(len(others), 'other case')}" if others else "all that it is about"
    return Remark(
        severity_in_words(results, severity, code), code, named, advice.meaning, shown,
        f"{'; '.join(dict.fromkeys(remedies))}." if remedies else advice.remedy,
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


def _subjects(subjects: Iterable[str], names: Mapping[str, str]) -> str:
    """What a finding is about: runs by their numbers, neighbours taken together, the rest by name."""
    told = dict.fromkeys(filter(None, subjects))
    runs = [name for folder, name in names.items() if folder in told]
    others = ["the campaign" if subject == "campaign" else subject for subject in told if subject not in names]
    return ", ".join([*([enumerated_runs(runs)] if runs else []), *others])


def subjects_in_words(results: Results, subjects: Iterable[str]) -> str:
    """What a reason of the verdict is about, as findings say it."""
    return _subjects(subjects, run_names(results))


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
    """Every finding in words."""
    found = remarks(results)
    return [Remarks(tuple(found)) if found else Paragraph("No finding. Every threshold of the method was applied.")]


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


def parameters(results: Results) -> Facts | None:
    """The parameters of every scenario."""
    items = [(name, text) for name, part in results.scenarios.items() if (text := as_text(part.parameters))]
    return Facts("Parameters of the scenarios", tuple(items)) if items else None


def _evidence(results: Results, command: str) -> list[Block]:
    campaign, runs = results.campaign, results.runs
    software = campaign.software
    state = ", with uncommitted changes" if software.get("dirty") else ""
    version = f"wattlab {as_text(software.get('version'))}, commit {as_text(software.get('commit'))}{state}"
    counted = f"{sum(run.included for run in runs)} in the means of {len(runs)} begun"
    planned = f"; {campaign.plan} planned" if campaign.plan else ""
    seed = "" if campaign.seed is None else f"; seed {campaign.seed}"
    items = [("Measured with", version), ("Runs", counted + planned), ("Recompute this page", command)]
    items += [("Design", f"{campaign.design}{seed}")] if campaign.design else []
    items += [("Structure", CLAIM)]
    items += meters.evidence_of(results.measurement.meters)
    if (source := campaign.source) is not None:
        items += [("Imported from", as_text(source.format)), ("Note of the import", source.note)]
        items += [(f"Source {name}", digest) for name, digest in source.files.items()]
    for attached in campaign.attachments:
        items.append((f"Attachment {attached.path}", f"{as_text(attached.note)} (SHA-256 {attached.sha256})"))
    return [
        Paragraph(f"{EVIDENCE} {not_proved(results.evidence)}"),
        Facts("Origin and software", tuple((name, value) for name, value in items if value)),
    ]


def _colophon(results: Results, command: str) -> Iterable[str]:
    yield f"Computed by wattlab from {len(results.inputs)} run folders; rebuild with: {command}"
    yield f"results.json, schema {results.schema}"
