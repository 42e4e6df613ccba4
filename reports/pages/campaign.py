"""View model of a campaign's report: which sections there are, in which order, with which words.

Knows results.json and the blocks of a page. Knows no run folder, no HTML, and computes no result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.figures import TracePanel
from reports.pages import plots, tables
from reports.pages.blocks import (
    Block,
    Box,
    Card,
    Diagram,
    Facts,
    Paragraph,
    Remark,
    Remarks,
    Section,
)
from reports.pages.budgets import budget_blocks, incomplete
from reports.pages.campaign_statistics import epoch_correlation_blocks, marginal_table, statistics_blocks
from reports.pages.document import STAMPS, DocumentPage, css_text, numbered, section_of
from reports.pages.lookup import Results, listed, number_at, pick, scenarios, words
from reports.pages.numbers import NOTHING, Scale, bare, claim, energy_like, in_page_units, quantity
from reports.pages.planned import planned_blocks
from reports.pages.proof import proof_of
from reports.pages.sentences import ADVICE, GLOSSARY, SEVERITIES, UNKNOWN, VERDICTS
from reports.pages.tables import as_text, claim_of, kind_in_words
from reports.pages.trackers import tracker_blocks

HEADS = ("scenarios", "baseline")
"""Parts of results.json whose largest numbers choose the units of a page."""
EVIDENCE_DIGITS = 4
"""Of the numbers behind a finding."""
BOX_WIDTH, BOX_LINES = 34, 6
SUBJECTS_SHOWN = 6
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
    verdict_reasons: str
    glossary: tuple[tuple[str, str], ...]


def campaign_page(results: Results, traces: Sequence[TracePanel], trace_note: str, command: str) -> CampaignPage:
    """The page of one campaign. `traces`: power over time; `command`: what recomputes the page."""
    results = in_page_units(results, *HEADS)
    origin = str(pick(results, "measurement", "origin") or "none")
    stamp, sentence = STAMPS.get(origin, ("", ""))
    name = str(pick(results, "campaign", "name") or "campaign")
    return CampaignPage(
        title=f"Energy efficiency report: {name}",
        stamp=stamp,
        stamp_sentence=sentence,
        css_stamp=css_text(stamp),
        css_identity=css_text(f"{name} {pick(results, 'campaign', 'uid') or ''}"[:60]),
        identity=tuple(_identity(results)),
        verdict=verdict_head(results),
        verdict_reasons=verdict_reasons(results),
        answer=_answer(results),
        cards=tuple(_cards(results)),
        opening=tuple(_opening(results)),
        sections=tuple(_sections(results, stamp, traces, trace_note, command)),
        glossary=GLOSSARY,
        colophon=tuple(_colophon(results, command)),
    )


def _identity(results: Results) -> Iterable[str]:
    campaign = pick(results, "campaign") or {}
    lab = ", ".join(str(campaign[key]) for key in ("lab", "place") if campaign.get(key))
    people = [
        f"{title}: {campaign[key]}"
        for title, key in (("Operator", "operator"), ("Customer", "customer"))
        if campaign.get(key)
    ]
    yield " · ".join([lab or "Laboratory not named", *people])
    first, last = campaign.get("first_utc"), campaign.get("last_utc")
    if first:
        stamps = "local time of the source" if campaign.get("source") else "UTC"
        yield " · ".join(filter(None, (f"Measured {first} to {last} ({stamps})", as_text(campaign.get("uid")))))
        yield "Results relate only to the items measured."
    if design := campaign.get("design"):
        yield f"Design: {design}" + ("" if campaign.get("seed") is None else f"; seed {campaign['seed']}")
    yield CLAIM


def verdict_in_words(word: str) -> str:
    """A verdict of results.json as it is printed."""
    return VERDICTS[word].meaning if word in VERDICTS else word


def verdict_head(results: Results) -> str:
    """The verdict in one short sentence; empty where results.json has none."""
    word = pick(results, "verdict", "word")
    return f"Verdict: {verdict_in_words(str(word))}." if word else ""


def verdict_reasons(results: Results) -> str:
    """What the verdict says, the findings that made it and, where a limit was stated, the decision."""
    word = str(pick(results, "verdict", "word"))
    reasons = listed(results, "verdict", "reasons")
    found = [str(reason.get("code")) for reason in reasons if reason.get("weighs") == word]
    more = f" and {len(found) - SUBJECTS_SHOWN} more" if len(found) > SUBJECTS_SHOWN else ""
    sentences = [VERDICTS[word].remedy] if word in VERDICTS else []
    sentences += [f"Because of: {', '.join(found[:SUBJECTS_SHOWN])}{more}."] if found else []
    sentences += list(invalid_alone(results))
    decision = pick(results, "verdict", "decision")
    return " ".join([*sentences, *([_decided(results, decision)] if decision else [])])


def invalid_alone(results: Results) -> Iterable[str]:
    """Scenarios that are invalid while another one stands."""
    parts = scenarios(results)
    invalid = {name: listed(part, "invalid_because") for name, part in parts.items() if listed(part, "invalid_because")}
    stands = [name for name, part in parts.items() if name not in invalid and pick(part, "n_runs", "value")]
    if invalid and stands:
        named = "; ".join(f"{name} ({', '.join(map(str, codes))})" for name, codes in invalid.items())
        yield f"Invalid, its values may not be used: {named}. The verdict is on what stands: {', '.join(stands)}."


def verdict_line(results: Results) -> str:
    """The verdict with its reasons; empty where results.json has none."""
    head = verdict_head(results)
    return f"{head} {verdict_reasons(results)}" if head else ""


def _decided(results: Results, decision: Results) -> str:
    """The decision about the stated limit in one sentence."""
    limit, risk = quantity(energy_like(results, decision["limit_wh"])), decision.get("risk")
    what = f"{words(str(decision.get('quantity')))} of {decision.get('scenario')} against the limit of {limit}"
    if risk is None:
        why = (
            "this scenario is invalid"
            if decision.get("because") == "scenario-invalid"
            else "its uncertainty is not known"
        )
        return f"{what}: not accepted, for {why}."
    word = "accepted" if decision.get("accepted") else "not accepted"
    band = quantity(energy_like(results, decision["guard_band_wh"]))
    return f"{what}: {word} with a guard band of {band}; risk of {decision.get('risk_of')} {float(risk):.2g}."


def _answer(results: Results) -> str:
    parts = scenarios(results)
    host = as_text(pick(results, "sut", "hostname")) or "the system under test"
    measured = {name: part for name, part in parts.items() if pick(part, "n_runs", "value")}
    if not parts and any(run.get("kind") == "ranging" for run in listed(results, "runs")):
        return "This campaign holds ranging runs only: they show which ranges a meter needs and enter no mean."
    if not parts:
        return f"This campaign holds no scenario run yet: only the baseline of {host}."
    if not measured:
        return "No scenario run succeeded, so there is no result. Every run is listed below with its reason."
    if not any(number_at(part, "induced_energy_wh") for part in measured.values()):
        return f"Energy per run on {host}. Without a baseline the part that the software itself caused is not known."
    meant = "would have caused" if pick(results, "measurement", "origin") == "emulated" else "itself caused"
    failed = ", ".join(name for name in parts if name not in measured)
    missing = f" No run of {failed} succeeded." if failed else ""
    answer = (
        f"Energy that each scenario {meant} on {host}, per run, the idle machine's share subtracted (induced energy)."
    )
    return " ".join([answer, SCOPE_OF_U, *incomplete(results)]) + missing


def _cards(results: Results) -> Iterable[Card]:
    for style, (name, part) in enumerate(scenarios(results).items()):
        induced, total = number_at(part, "induced_energy_wh"), number_at(part, "energy_wh")
        head, what = (induced, "induced energy per run") if induced else (total, "energy per run, baseline included")
        lines = [f"{title}: {quantity(number)}" for title, number in
                 (("energy", total if induced else None), ("mean power", number_at(part, "mean_power_w")),
                  ("duration", number_at(part, "duration_s"))) if number]  # fmt: skip
        lines += publisher_lines(part)
        lines += _efficiency_lines(part)
        claimed = claim_of(head, what) if head else "no successful run"
        if codes := listed(part, "invalid_because"):
            claimed = f"invalid ({', '.join(map(str, codes))}): {claimed}"
        title = name if part.get("title") in (None, "", name) else f"{name}: {part['title']}"
        yield Card(title, quantity(head) if head else NOTHING, claimed, tuple(lines), style % 6)


def publisher_lines(part: object) -> list[str]:
    """A scenario by its publisher's window and rule, by exact overlap, and over the whole record; empty without one."""
    told = pick(part, "publisher")
    if not told:
        return []
    runs = "" if told["n"] == 1 else f", means of {told['n']} runs"
    watts, rows, energy = (tables.plain_digits(number_at(told, key)) for key in ("mean_power_w", "rows", "energy_wh"))
    overlap = tables.plain_digits(number_at(part, "energy_wh"))
    whole = [tables.plain_digits(number_at(told, "record", key)) for key in ("duration_s", "mean_power_w", "energy_wh")]
    return [
        f"by the window of {told['publisher']}{runs}: {watts} W ({rows} rows), {energy} Wh by its rule, "
        f"{overlap} Wh by exact overlap",
        f"whole record: {whole[0]} s, {whole[1]} W, {whole[2]} Wh",
    ]


def _efficiency_lines(part: object) -> list[str]:
    factors = pick(part, "efficiency", "per_induced") or {}
    for kind in ("val_accuracy_per_wh", *factors):
        if number := number_at(factors, kind):
            basis = claim(number)
            unit = f", {basis}" if basis else ""
            return [f"efficiency by induced energy: {bare(number, Scale(''))} {kind_in_words(kind)}{unit}"]
    reason = pick(part, "efficiency", "suppressed")
    return [f"no efficiency factor: {reason}"] if reason else []


def _opening(results: Results) -> Iterable[Block]:
    counts = {
        severity: sum(f.get("severity") == severity for f in listed(results, "findings")) for severity in SEVERITIES
    }
    plural = [
        f"{count} {SEVERITIES[severity]}{'s' if count != 1 and severity != 'invalid' else ''}"
        for severity, count in counts.items()
        if count
    ]
    yield Paragraph(
        f"Findings: {', '.join(plural) or 'none'}. {pick(results, 'measurement', 'sentence') or ''}".strip()
    )
    if counts["invalid"]:
        yield Paragraph("Findings that make results, or single runs, invalid:")
        yield Remarks(tuple(remark for remark in remarks(results) if remark.severity == "invalid"))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 or noun == "invalid" else f"{count} {noun}s"


def _sections(
    results: Results, stamp: str, traces: Sequence[TracePanel], trace_note: str, command: str
) -> Iterable[Section]:
    section = section_of
    found = [
        section("results", "Results", tables.result_table(results), plots.energy_figure(results, stamp),
                plots.induced_figure(results, stamp), plots.trace_figure(traces, stamp, trace_note)),
        section("efficiency-factors", "Efficiency", plots.epoch_figure(results, stamp),
                epoch_correlation_blocks(results), plots.efficiency_figure(results, stamp),
                tables.efficiency_table(results), tables.success_table(results), marginal_table(results),
                plots.cumulative_figure(results, stamp)),
        section("statistics", "Statistics", statistics_blocks(results, stamp)),
        section("trackers", "Trackers beside the meter", tracker_blocks(results, stamp)),
        section("uncertainty", "Uncertainty budget", budget_blocks(results, stamp)),
        section("epochs", "Epochs", tables.action_tables(results, "epochs", "Epochs")),
        section("actions", "Actions", tables.action_tables(results, "actions", "Actions")),
        section("hardware", "Hardware use", plots.hardware_figure(results, stamp), tables.hardware_tables(results)),
        section("history", "Training history", plots.history_figure(results, stamp)),
        section("duration", "Durations", tables.duration_table(results), plots.duration_figure(results, stamp)),
        section("baseline", "Baseline", tables.baseline_table(results), plots.baseline_figure(results, stamp)),
        section("rules", "Other rules and conventions", tables.publisher_table(results), tables.oscar_table(results)),
        section("runs", "All runs", tables.run_table(results)),
        section("planned", "Around the runs", planned_blocks(results)),
        section("findings", "Findings and remarks", findings_blocks(results)),
        section("set-up", "Set-up", setup_diagram(results, stamp), tables.sut_facts(results),
                tables.meter_table(results), tables.cross_check_table(results),
                tables.preflight_table(results), tables.indicator_table(results)),
        section("material", "Data, weights and parameters", tables.material_table(results), parameters(results)),
        section("evidence", "Evidence", _evidence(results, command), tables.manifest_table(results)),
    ]  # fmt: skip
    yield from numbered(part for part in found if part is not None)


def setup_diagram(results: Results, stamp: str) -> Diagram:
    """Figure 1 with this campaign's own names."""
    imported = pick(results, "campaign", "source") is not None
    meter_lines = _meter_lines(results)
    sut_lines = _sut_lines(results)
    host = as_text(pick(results, "host", "hostname"))
    generator = ["another lab (imported)"] if imported else [host, "wattlab run: plan, driver, clock"]
    version = as_text(pick(results, "campaign", "software", "version"))
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


def _meter_lines(results: Results) -> list[str]:
    lines = []
    for meter in listed(results, "meters"):
        lines += [f"{meter.get('meter')}: {as_text(pick(meter, 'identity', 'model'))}"]
        lines += [f"at {as_text(meter.get('circuit'))}, {as_text(meter.get('origin'))}"]
    return lines


def _sut_lines(results: Results) -> list[str]:
    sut = pick(results, "sut") or {}
    gpus = [as_text(pick(gpu, "name")) for gpu in sut.get("gpus") or []]
    lines = [as_text(sut.get("hostname")), as_text(sut.get("cpu")), *gpus, as_text(sut.get("os"))]
    return [*filter(None, lines), f"scenarios: {', '.join(scenarios(results)) or 'none'}"]


def _box(role: str, lines: Iterable[str]) -> Box:
    short = [line if len(line) <= BOX_WIDTH else line[: BOX_WIDTH - 1] + "…" for line in lines if line]
    return Box(role, tuple(short if len(short) <= BOX_LINES else [*short[: BOX_LINES - 1], "…"]))


def remarks(results: Results) -> list[Remark]:
    """Findings in words, worst first; those that share code and severity stand together."""
    grouped: dict[tuple[str, str], list[dict[str, object]]] = {}
    for finding in listed(results, "findings"):
        grouped.setdefault((str(finding.get("severity")), str(finding.get("code"))), []).append(finding)
    order = [*SEVERITIES, *sorted({severity for severity, _ in grouped} - set(SEVERITIES))]
    found = []
    for (severity, code), group in sorted(grouped.items(), key=lambda item: order.index(item[0][0])):
        advice, shown = ADVICE.get(code, UNKNOWN), group[:SUBJECTS_SHOWN]
        named = ", ".join(filter(None, (as_text(finding.get("subject")) for finding in shown)))
        more = f" and {len(group) - len(shown)} more" if len(group) > len(shown) else ""
        own = [dict(evidence) for finding in shown if isinstance(evidence := finding.get("evidence"), dict)]
        remedies = [str(text) for evidence in own for text in evidence.pop("remedy", [])]
        remedy = f"{'; '.join(remedies)}." if remedies else advice.remedy
        evidence = dict.fromkeys(filter(None, (as_text(one, EVIDENCE_DIGITS) for one in own)))
        word = SEVERITIES.get(severity, severity)
        found.append(Remark(word, code, named + more, advice.meaning, "; ".join(evidence).rstrip("."), remedy))
    return found


def findings_blocks(results: Results) -> list[Block]:
    """Every finding in words, and the limits that were applied."""
    found = remarks(results)
    first = Remarks(tuple(found)) if found else Paragraph("No finding. Every threshold of the method was applied.")
    thresholds = pick(results, "thresholds") or {}
    limits = tuple((str(key).replace("_", " "), as_text(value)) for key, value in thresholds.items())
    return [first, *([Facts("Limits that were applied", limits)] if limits else [])]


def parameters(results: Results) -> Facts | None:
    """The parameters of every scenario."""
    items = [(name, text) for name, part in scenarios(results).items() if (text := as_text(part.get("parameters")))]
    return Facts("Parameters of the scenarios", tuple(items)) if items else None


UNSHOWN = frozenset({"tls_certificate", "lacks", "remedy"})
"""Evidence that is not for reading, or stands in the findings."""


def _evidence(results: Results, command: str) -> list[Block]:
    campaign = pick(results, "campaign") or {}
    software, runs = campaign.get("software") or {}, listed(results, "runs")
    state = ", with uncommitted changes" if software.get("dirty") else ""
    version = f"wattlab {as_text(software.get('version'))}, commit {as_text(software.get('commit'))}{state}"
    counted = f"{sum(bool(run.get('included')) for run in runs)} in the means of {len(runs)} begun"
    planned = f"; {campaign['plan']} planned" if campaign.get("plan") else ""
    items = [("Measured with", version), ("Runs", counted + planned), ("Recompute this page", command)]
    for meter in listed(results, "measurement", "meters"):
        shown = {key: value for key, value in (meter.get("evidence") or {}).items() if key not in UNSHOWN}
        parts = (as_text(meter.get("sentence")), as_text(shown))
        items.append((f"Meter {meter.get('meter')}", ". ".join(filter(None, parts))))
    if source := campaign.get("source"):
        items += [("Imported from", as_text(source.get("format"))), ("Note of the import", as_text(source.get("note")))]
        items += [(f"Source {name}", as_text(digest)) for name, digest in (source.get("files") or {}).items()]
    for attached in listed(campaign, "attachments"):
        text = f"{as_text(attached.get('note'))} (SHA-256 {attached.get('sha256')})"
        items.append((f"Attachment {attached.get('path')}", text))
    return [
        Paragraph(f"{EVIDENCE} {proof_of(results)}"),
        Facts("Origin and software", tuple((name, value) for name, value in items if value)),
    ]


def _colophon(results: Results, command: str) -> Iterable[str]:
    yield f"Computed by wattlab from {len(pick(results, 'inputs') or {})} run folders; rebuild with: {command}"
    yield f"results.json, schema {as_text(pick(results, 'schema'))}"
