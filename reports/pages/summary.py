"""View model of the summary: one page for the customer, who asks what it took and how sure that is.

Knows results.json and the words. Knows no run folder, no HTML, and computes no result. What has no room on the page is
counted, and stands in the report.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports.pages import meters, plots, result_tables
from reports.pages.baseline_state import machine_of
from reports.pages.blocks import Figure, Head, Reason, Remark, Row, Table, css_text
from reports.pages.campaign import CLAIM, HEADS
from reports.pages.document import NOT_STATED, stamp_of
from reports.pages.few import few_lines, induced_of_one
from reports.pages.numbers import NOTHING, Scale, bare, in_page_units, quantity, scale_for
from reports.pages.proof import not_proved
from reports.pages.remarks import remarks
from reports.pages.sut_name import name_of_sut
from reports.pages.verdict import reasons_of, verdict_head, verdict_says
from reports.results.document import Results
from reports.results.kinds.kind import SEVERITIES
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number

ONLY = "Results relate only to the items measured."
MOST_SCENARIOS, MOST_SAID, MOST_REASONS, MOST_WARNINGS = 8, 4, 3, 3
"""What has room on one page."""
TOO_FEW = ("few-runs", "few-baseline-runs", "few-baseline-blocks")
"""Findings that weigh on every number of the page."""
MOST_DRAWN = 6
"""Scenarios of which bars are drawn."""


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """Everything templates/summary.html.j2 prints. The `css_` texts are escaped for a CSS string."""

    title: str
    stamp: str
    stamp_sentence: str
    css_stamp: str
    css_identity: str
    identity: tuple[str, ...]
    answers: tuple[str, ...]
    table: Table | None
    figure: Figure | None
    verdict: str
    verdict_says: str
    reasons: tuple[Reason, ...]
    decision: str
    warnings: tuple[str, ...]
    how: tuple[str, ...]
    colophon: tuple[str, ...]
    sections: tuple[()] = ()


def summary_page(results: Results, digest: str) -> SummaryPage:
    """The summary of one campaign. `digest`: SHA-256 of its results.json."""
    results = in_page_units(results, *HEADS)
    stamp, sentence = stamp_of(results.measurement)
    name = results.campaign.name or "campaign"
    decision = results.verdict.decision
    return SummaryPage(
        title=f"Summary: {name}",
        stamp=stamp,
        stamp_sentence=sentence,
        css_stamp=css_text(stamp),
        css_identity=css_text(f"{name} {results.campaign.uid or ''}"[:60]),
        identity=tuple(_identity(results)),
        answers=tuple(_shortened(_answers(results), MOST_SAID, "scenario")),
        table=_table(results),
        figure=_figure(results, stamp),
        verdict=verdict_head(results),
        verdict_says=verdict_says(results),
        reasons=tuple(reasons_of(results))[:MOST_REASONS],
        decision="" if decision else "No limit was stated, so nothing was decided.",
        warnings=tuple(_shortened(_warnings(results), MOST_WARNINGS, "warning")),
        how=tuple(_how(results)),
        colophon=tuple(_colophon(results, digest)),
    )


def _identity(results: Results) -> Iterable[str]:
    campaign = results.campaign
    named = (("Customer", campaign.customer), ("Laboratory", campaign.lab), ("Place", campaign.place),
             ("Operator", campaign.operator))  # fmt: skip
    yield " · ".join(f"{title}: {value or NOT_STATED}" for title, value in named)
    zone = "UTC" if campaign.is_utc else "local time of the source"
    yield f"Measured {campaign.first_utc} to {campaign.last_utc} ({zone}) on {name_of_sut(results)}. {ONLY}"


def _answers(results: Results) -> Iterable[str]:
    """One sentence a scenario: what a run of it took."""
    for name, part in results.scenarios.items():
        yield f"{name}: {_answer(part, induced_of_one(results, name), machine_of(results))}"
    if not results.scenarios:
        yield "This campaign holds no scenario run, so there is no result."


def _answer(part: ScenarioResult, of_one: Number | None, machine: str) -> str:
    """`of_one`: the induced energy of its one run with the U of meter and edges, where there is one run; `machine`:
    beyond which energy is induced."""
    induced, energy = part.induced_energy_wh, part.energy_wh
    if induced is not None and induced.expanded is None and of_one is not None:
        induced = of_one
    if part.invalid_because:
        return f"no valid result ({', '.join(part.invalid_because)})."
    if induced is None and energy is None:
        return "no run succeeded, so there is no result."
    if induced is None:
        return f"one run took {quantity(energy)}, the idle machine's share included; its own share is not known."
    if induced.expanded is not None and induced.expanded >= abs(induced.value):
        return f"what one run took beyond {machine}, {quantity(induced)}, cannot be told from zero."
    return f"one run took {quantity(induced)} more than {machine} takes in the same time{_of_all(part)}."


def _of_all(part: ScenarioResult) -> str:
    return "" if part.energy_wh is None else f", of {quantity(part.energy_wh)} in all"


def _table(results: Results) -> Table | None:
    parts = list(results.scenarios.items())[:MOST_SCENARIOS]
    if not parts:
        return None
    columns: dict[str, list[Number | None]] = {
        "Induced energy": [part.induced_energy_wh for _, part in parts],
        "Energy": [part.energy_wh for _, part in parts],
        "Mean power": [part.mean_power_w for _, part in parts],
        "Duration": [part.duration_s for _, part in parts],
    }
    shown = {title: numbers for title, numbers in columns.items() if any(numbers)}
    scales = {title: scale_for(numbers) for title, numbers in shown.items()}
    rows = tuple(
        Row((name, *(bare(numbers[place], scales[title]) for title, numbers in shown.items()),
             bare(part.n_runs, Scale("")) if part.n_runs else NOTHING))
        for place, (name, part) in enumerate(parts)
    )  # fmt: skip
    heads = (Head("Scenario", False), *(Head(scale.axis(title)) for title, scale in scales.items()), Head("Runs"))
    more = len(results.scenarios) - len(parts)
    interval = "Means over the runs ± U: the true value lies in this interval with a probability of about 95 %. "
    note = interval if result_tables.has_u(rows) else f"{result_tables.no_u(results)} "
    note += f"Induced energy: what a run took beyond {machine_of(results)}."
    note += f" {more} more scenarios stand in the report." if more > 0 else ""
    return Table("summary-table", "Results of one run", heads, rows, note)


def _figure(results: Results, stamp: str) -> Figure | None:
    if len(results.scenarios) > MOST_DRAWN:
        return None
    figure = plots.headline_figure(results, stamp)
    return None if figure is None else replace(figure, number=1)


def _warnings(results: Results) -> Iterable[str]:
    """What one run or one block does not show, and that runs or blocks are too few; then the sentences of what is
    heavier than a remark, each once, without what already made the verdict."""
    yield from few_lines(results)
    said = {reason.code for reason in results.verdict.reasons[:MOST_REASONS]}
    found = remarks(results)
    few = [_sentence(remark) for remark in found if remark.code in TOO_FEW and remark.code not in said]
    if few:
        yield " ".join(few)
    made = {reason.code for reason in results.verdict.reasons if reason.weighs == results.verdict.word}
    for remark in found:
        if remark.severity != SEVERITIES["info"] and remark.code not in (*TOO_FEW, *made):
            yield _sentence(remark)


def _sentence(remark: Remark) -> str:
    return f"{remark.meaning.partition('. ')[0].rstrip('.')} ({remark.subjects})."


def _shortened(sentences: Iterable[str], most: int, noun: str) -> Iterable[str]:
    told = list(sentences)
    yield from told[:most]
    more = len(told) - most
    if more > 0:
        yield f"{more} more {noun}{'' if more == 1 else 's'}: see the report."


def _how(results: Results) -> Iterable[str]:
    sources = "; ".join(meters.named(meter) for meter in results.meters) or "no meter"
    counted = f"{sum(run.included for run in results.runs)} of {len(results.runs)} runs enter the means"
    yield f"Power was read by: {sources}. {counted}. {results.measurement.sentence}"
    yield CLAIM
    yield not_proved(results.evidence)


def _colophon(results: Results, digest: str) -> Iterable[str]:
    yield "The report beside this page, report.html, has every run, the uncertainty budget and all findings."
    yield f"All numbers: results.json, SHA-256 {digest}. Campaign {results.campaign.uid or NOT_STATED}."
