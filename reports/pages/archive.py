"""View model of an archive: answers to the ready questions -> tables and figures of what a lab looks after.

Knows the answers and the blocks of a page. Asks nothing and computes nothing but where a line is drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from reports.archive.baselines import by_machine, day_of, line_of
from reports.archive.questions import QUESTIONS
from reports.figures.forest import IntervalPanel, Stretch, intervals
from reports.figures.scatter import Line, Points, ScatterPanel, scatters
from reports.figures.sheet import Labelled
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.document import STAMPS, DocumentPage, document_page, section_of
from reports.pages.numbers import NOTHING, significant

MOST_PANELS, MOST_ROWS = 8, 12
"""Panels of a figure, rows of a panel: what there is more stands in the tables."""
ORDER = ("baselines", "releases", "scenarios", "instruments", "check-loads", "campaigns", "findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What an archive answered: its place, the worst origin of its readings, the answer to each ready question, and the
    baselines of every campaign."""

    place: str
    origin: str
    version: str
    answers: Mapping[str, pa.Table]
    baselines: pa.Table


def archive_page(told: Answers) -> DocumentPage:
    """The page of an archive."""
    campaigns = told.answers["campaigns"].num_rows
    stamp = STAMPS.get(told.origin, ("", ""))[0]
    figures = {"baselines": _drifts(told.baselines, stamp), "releases": _releases(told.answers["releases"], stamp),
               "scenarios": _machines(told.answers["scenarios"], stamp)}  # fmt: skip
    return document_page(
        title=f"Archive of {campaigns} campaigns" if campaigns != 1 else "Archive of one campaign",
        origin=told.origin,
        identity=(f"Archive {told.place}",),
        answer=_answer(told),
        sections=(_section(name, told.answers[name], figures.get(name)) for name in ORDER),
        colophon=(f"Asked by wattlab {told.version}; the archive's parts were not verified for it",),
        numbers="",
    )


def _answer(told: Answers) -> str:
    rows = {name: told.answers[name].to_pylist() for name in ("baselines", "instruments", "check-loads")}
    drifting = ", ".join(row["sut"] for row in rows["baselines"] if row["is_drift_shown"])
    late = {str(row["serial"]) for row in rows["instruments"] if row["used_after_expiry"]}
    failed = {str(row["serial"]) for row in rows["check-loads"] if row["check_load_result"] == "failed"}
    said = [
        f"A drift of the baseline is shown of {drifting}." if drifting else "No drift of a baseline is shown.",
        f"Used after the certificate had expired: {', '.join(sorted(late))}." if late else "",
        f"A check load failed of {', '.join(sorted(failed))}." if failed else "",
    ]
    return " ".join(filter(None, said))


def _section(name: str, rows: pa.Table, figure: Figure | None) -> Any:  # noqa: ANN401  a section or None
    question = QUESTIONS[name]
    blocks: list[Block] = [Paragraph(question.note.replace("`", ""), "note")]
    return section_of(name, question.title, *blocks, figure, _table(name, question.title, rows))


def _table(name: str, title: str, rows: pa.Table) -> Table | Paragraph:
    if not rows.num_rows:
        return Paragraph("There is none.")
    kinds = zip(rows.schema.names, map(str, rows.schema.types), strict=True)
    heads = tuple(_head(column, is_numeric=kind in ("double", "int64")) for column, kind in kinds)
    cells = (Row(tuple(map(_cell, row.values()))) for row in rows.to_pylist())
    return Table(f"{name}-rows", title, heads, tuple(cells))


def _head(column: str, *, is_numeric: bool) -> Head:
    return Head(head_of(column), numeric=is_numeric, keep=not is_numeric and column not in PROSE)


PROSE = ("origin", "customer", "scenario")
UNITS = {"wh": "Wh", "w": "W", "s": "s"}


def head_of(column: str) -> str:
    """`slope_expanded_w_in_30_days` -> `slope U / W in 30 days`."""
    words, unit, rest = column.split("_"), "", ""
    for place, word in enumerate(words):
        if word in UNITS and place:
            words, unit, rest = words[:place], UNITS[word], " ".join(words[place + 1 :])
            break
    said = " ".join("U" if word == "expanded" else word for word in words)
    return said if not unit else f"{said} / {unit}{f' {rest}' if rest else ''}"


def _cell(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return significant(value, 5) if isinstance(value, float) else str(value)


def _drifts(rows: pa.Table, stamp: str) -> Figure | None:
    panels = [_drift(sut, of) for sut, of in by_machine(rows).items() if len(of) > 1][:MOST_PANELS]
    if not panels:
        return None
    caption = "Baseline of each machine by campaign; where there is a line, its band holds 95 %"
    return Figure("drifts", caption, Markup(scatters(Labelled("drifts", caption, caption, stamp), panels, columns=1)))


def _drift(sut: str, rows: list[dict[str, Any]]) -> ScatterPanel:
    days, powers_w, line = line_of(rows)
    lines = []
    if line is not None:
        steps = [days[0] + (days[-1] - days[0]) * part / 20 for part in range(21)]
        ends = [line.at(float(day)) for day in steps]
        said = f"{line.slope.value:+.2g} W in 30 days, U {line.slope.expanded:.2g} W"
        lines = [Line(said, steps, [value for value, _ in ends], low=[value - half for value, half in ends],
                      high=[value + half for value, half in ends])]  # fmt: skip
    title = f"{sut}: {lines[0].label}" if lines else f"{sut}: too few campaigns, or less than a week, for a line"
    points = Points("", 0, days.tolist(), powers_w.tolist())
    unnamed = [Line("", line.x, line.y, low=line.low, high=line.high) for line in lines]
    return ScatterPanel(title, f"days after {day_of(rows[0]['begun_utc_ns'])}", "Baseline / W", [points], unnamed)


def _releases(rows: pa.Table, stamp: str) -> Figure | None:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        if row["energy_wh"] is not None:
            groups.setdefault((row["scenario"], row["sut"]), []).append(row)
    several = [(name, of) for name, of in groups.items() if len({row["release"] for row in of}) > 1]
    panels = [_energies(f"{scenario} on {sut}", of) for (scenario, sut), of in several[:MOST_PANELS]]
    if not panels:
        return None
    caption = "Energy of a run by campaign, in order of time, with U (95 %); the first of a release is named"
    return Figure(
        "energies", caption, Markup(scatters(Labelled("energies", caption, caption, stamp), panels, columns=1))
    )


def _energies(title: str, rows: Sequence[dict[str, Any]]) -> ScatterPanel:
    halves = [row["energy_expanded_wh"] for row in rows]
    changes = [place for place, row in enumerate(rows) if not place or row["release"] != rows[place - 1]["release"]]
    tags = [rows[place]["release"] if place in changes else "" for place in range(len(rows))]
    points = Points("", 0, [*range(1, len(rows) + 1)], [row["energy_wh"] for row in rows], (), halves, tags)
    return ScatterPanel(title, "campaign, in order of time", "Energy / Wh", [points], whole_x=True)


def _machines(rows: pa.Table, stamp: str) -> Figure | None:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        if row["energy_wh"] is not None:
            groups.setdefault(row["scenario"], []).append(row)
    several = [(name, of) for name, of in groups.items() if len({row["sut"] for row in of}) > 1][:MOST_PANELS]
    if not several:
        return None
    panels = [IntervalPanel(name, "Energy / Wh", list(_stretches(of[-MOST_ROWS:]))) for name, of in several]
    caption = "The same scenario on every machine: energy of a run with U (95 %)"
    return Figure("machines", caption, Markup(intervals(Labelled("machines", caption, caption, stamp), panels)))


def _stretches(rows: Sequence[dict[str, Any]]) -> Iterator[Stretch]:
    styles = {sut: place for place, sut in enumerate(dict.fromkeys(row["sut"] for row in rows))}
    for row in rows:
        value, half = row["energy_wh"], row["energy_expanded_wh"]
        low, high = (None, None) if half is None else (value - half, value + half)
        yield Stretch(f"{row['sut']} ({row['campaign']})", styles[row["sut"]], value, low, high, significant(value))
