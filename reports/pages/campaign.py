"""View model of a campaign's report: which sections there are, in which order, with which words.

Knows results.json and the blocks of a page. Knows no run folder, no HTML, and computes no result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.record.documents import Json
from reports.figures.campaign import TracePanel
from reports.pages import meters, other_rules, plots, result_tables, run_tables, set_up_tables
from reports.pages.baseline_state import machine_of
from reports.pages.blocks import Block, Card, Facts, Paragraph, Reason, Remarks, Section, css_text
from reports.pages.budgets import budget_blocks, incomplete
from reports.pages.campaign_statistics import is_blocked, marginal_table, statistics_blocks
from reports.pages.declared import Vocabulary, vocabulary
from reports.pages.document import DocumentPage, numbered, section_of, stamp_of
from reports.pages.epoch_correlations import epoch_correlation_blocks
from reports.pages.few import few_lines, induced_of_one
from reports.pages.numbers import NOTHING, Scale, bare, claim, full, in_page_units, quantity
from reports.pages.other_circuits import other_circuit_blocks
from reports.pages.plain_words import as_text, claim_of
from reports.pages.planned import planned_blocks
from reports.pages.proof import not_proved
from reports.pages.ratings.section import ratings_blocks
from reports.pages.remarks import findings_blocks, findings_line, limits_table, remarks
from reports.pages.searches import search_blocks
from reports.pages.sentences import GLOSSARY, UNCOUNTED
from reports.pages.set_up_diagram import setup_diagram
from reports.pages.single_runs import single_runs
from reports.pages.sut_name import name_of_sut
from reports.pages.trackers.section import tracker_blocks
from reports.pages.verdict import reasons_of, verdict_head, verdict_says
from reports.results.action import EnergyPerWork
from reports.results.document import Results
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number

HEADS = ("scenarios", "baseline")
"""Parts of results.json whose largest numbers choose the units of a page."""
EVIDENCE = (
    "Every number on this page stands in results.json beside it and can be recomputed from the sealed run folders "
    "named below."
)
CLAIM = "Structured after ISO/IEC 14756 and after DE-UZ 215; conformity with either is not claimed."
SCOPE_OF_U = "U holds the spread of the runs and of the baseline, and what is known of the errors of meter and clocks."


@dataclass(frozen=True, slots=True)
class CampaignPage(DocumentPage):
    """Everything templates/campaign.html.j2 prints."""

    verdict: str
    verdict_says: str
    reasons: tuple[Reason, ...]
    findings_line: str
    glossary: tuple[tuple[str, str], ...]
    runs: Json


def campaign_page(results: Results, traces: Sequence[TracePanel], trace_note: str, command: str) -> CampaignPage:
    """The page of one campaign. `traces`: power over time; `command`: what recomputes the page."""
    results = in_page_units(results, *HEADS)
    stamp, sentence = stamp_of(results.measurement)
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
        numbers="results.json",
        glossary=GLOSSARY,
        runs=single_runs(results, stamp),
        colophon=tuple(_colophon(results, command)),
    )


def _identity(results: Results) -> Iterable[str]:
    campaign = results.campaign
    lab = ", ".join(filter(None, (campaign.lab, campaign.place)))
    named = (("Operator", campaign.operator), ("Customer", campaign.customer))
    yield " · ".join([lab or "Laboratory not named", *(f"{title}: {name}" for title, name in named if name)])
    stamps = "UTC" if campaign.is_utc else "local time of the source"
    span = f"Measured {campaign.first_utc} to {campaign.last_utc} ({stamps})"
    yield " · ".join(filter(None, (span, f"campaign {campaign.uid}" if campaign.uid else "")))
    yield "Results relate only to the items measured."


def _answer(results: Results) -> str:
    parts = results.scenarios
    host = name_of_sut(results)
    measured = {name: part for name, part in parts.items() if part.n_runs.value}
    if not parts and any(run.kind == "ranging" for run in results.runs):
        return "This campaign holds ranging runs only: they show which ranges a meter needs and enter no mean."
    if not parts:
        return f"This campaign holds no scenario run yet: only the baseline of {host}."
    if not measured:
        return "No scenario run succeeded, so there is no result. Every run is listed below with its reason."
    cards = "Each card shows" if len(parts) > 1 else "The card shows"
    if all(part.induced_energy_wh is None for part in measured.values()):
        return (
            f"{cards} the energy that one run of a scenario took on {host}, the idle machine's share included: "
            "no baseline was measured, so the share that the software caused is not known."
        )
    failed = ", ".join(name for name in parts if name not in measured)
    missing = f" No run of {failed} succeeded." if failed else ""
    emulated = " The meter was emulated, so these energies were computed and not measured."
    estimated = " Software estimated the power, so no meter measured these energies."
    if results.measurement.certificate is not None:
        estimated = " A qualified software meter estimated the power, so no meter measured these energies."
    answer = (
        f"{cards} the energy that one run of a scenario took on {host} beyond what {machine_of(results)} "
        "takes in the same time (induced energy)."
    ) + {"emulated": emulated, "estimated": estimated}.get(results.measurement.origin, "")
    return " ".join([answer, *incomplete(results)]) + missing


def _cards(results: Results) -> Iterable[Card]:
    for style, (name, part) in enumerate(results.scenarios.items()):
        induced, total = part.induced_energy_wh, part.energy_wh
        head, what = (induced, "induced energy per run") if induced else (total, "energy per run, baseline included")
        of_one = induced_of_one(results, name)
        if induced and of_one and not induced.expanded:
            head, what = of_one, "induced energy of its one run; U of meter and edges alone"
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
    energy; and what each unit of work takes that the program marks."""
    return [*_factors(part, declared), *(_work_line(work) for work in part.energy_per_work)]


def _work_line(work: EnergyPerWork) -> str:
    induced = work.induced_energy_wh is not None
    number = result_tables.times(work.induced_energy_wh if induced else work.energy_wh, result_tables.per_many(work))
    return f"{'induced energy' if induced else 'energy'} of {result_tables.of_many(work)}: {full(number)}"


def _factors(part: ScenarioResult, declared: Vocabulary) -> list[str]:
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
    for sentence in few_lines(results):
        yield Paragraph(sentence, "note")
    found = remarks(results)
    invalid = tuple(remark for remark in found if remark.severity in UNCOUNTED)
    if invalid:
        yield Paragraph("These findings make results invalid, or exclude single runs:")
        yield Remarks(invalid, linked=True)


def _sections(
    results: Results, stamp: str, traces: Sequence[TracePanel], trace_note: str, command: str
) -> Iterable[Section]:
    section, statistics, declared = section_of, results.statistics, vocabulary(results)
    repeated = declared.repetitions()
    found = [
        section("findings", "Findings", findings_blocks(results)),
        section("results", "Results", result_tables.result_table(results), plots.energy_figure(results, stamp),
                plots.induced_figure(results, stamp), plots.trace_figure(results, traces, stamp, trace_note)),
        section("searches", "Searches", search_blocks(results, stamp)),
        section("runs", "All runs", run_tables.run_table(results)),
        section("service", "Service under load", ratings_blocks(results, stamp)),
        section("trackers", "Trackers beside the meter", tracker_blocks(results, stamp)),
        section("other-circuits", "Meters on other circuits", other_circuit_blocks(results, stamp)),
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
        section("history", "History", plots.history_figure(results, stamp)),
        section("duration", "Durations", run_tables.duration_table(results), plots.duration_figure(results, stamp)),
        section("baseline", "Baseline", run_tables.baseline_table(results), plots.baseline_figure(results, stamp)),
        section("planned", "Around the runs", planned_blocks(results)),
        section("set-up", "Set-up", setup_diagram(results, stamp), set_up_tables.sut_facts(results),
                meters.meter_table(results.meters), meters.cross_check_table(results.cross_checks),
                set_up_tables.preflight_table(results), set_up_tables.indicator_table(results),
                summary="the machine, the meters, what was checked before the start"),
        section("material", "Data, weights and parameters", set_up_tables.material_table(results), parameters(results),
                summary="what the scenarios worked on, with digests"),
        section("rules", "Other rules and conventions", other_rules.publisher_table(results),
                other_rules.circuits_table(results), other_rules.oscar_table(results),
                summary="the same readings evaluated in other ways"),
        section("limits-applied", "Limits of the method", limits_table(results),
                summary="the thresholds that findings were judged by"),
        section("evidence", "Evidence", _evidence(results, command), set_up_tables.manifest_table(results),
                summary="who measured with what, the digests, how to compute this page again"),
    ]  # fmt: skip
    yield from numbered(part for part in found if part is not None)


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
    yield f"wattlab computed this page from {len(results.inputs)} run folders; {command} computes it again."
    yield f"results.json, schema {results.schema}"
