"""comparison.json with its report.html: the kind of derived document that two or more campaigns have, sealed.

Knows what stands in a comparison's folder and where its campaigns lay. Knows no key: a comparison is not signed, the
campaigns it rests on are, each by itself.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.evidence.changes import Difference, writer_of_sealed
from harness.evidence.derived import CheckOrNote, Derived, Digests, NotRecomputed, Recomputed, judge_numbers
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from reports.comparison.comparison import compare
from reports.comparison.selection import Part
from reports.inference import r_session
from reports.render import REPORT, comparison_html
from reports.results.comparison import COMPARISON, Comparison, Options, comparison_of
from reports.results.software import Software

DEPTH = len(("sets", "0", "pairs", "0", "quantities", "energy_wh"))
"""How deep a quantity of a pair stands in the document."""


@dataclass(frozen=True, slots=True)
class ComparisonInputs:
    """The sides, what was declared of them, what compares them, and the folder that the comparison lies in or is meant
    for."""

    sides: Sequence[Sequence[Part]]
    options: Options
    software: Software
    into: Path


def _inputs(folder: Path, written: Json) -> ComparisonInputs:
    document = comparison_of(written)
    sides = [[Part(folder / part.place, part.scenario) for part in side] for side in document.sides]
    return ComparisonInputs(sides, document.options, document.software, folder)


def _compute(inputs: ComparisonInputs) -> Comparison:
    parts = [part for side in inputs.sides for part in side]
    places = dict.fromkeys(os.path.relpath(part.folder, inputs.into) for part in parts if not part.folder.is_dir())
    if places:
        raise NotRecomputed(f"there is no campaign at {', '.join(places)} (seen from {inputs.into}).")
    return compare(inputs.sides, inputs.options, inputs.software, inputs.into)


def _heads(document: Comparison) -> Digests:
    return {campaign.folder: campaign.chain_head for campaign in document.inputs}


def _heads_now(document: Comparison, inputs: ComparisonInputs) -> Digests:
    """Where each log ends now. Of a campaign that lies in two folders the document has one."""
    places = {part.folder: part.place for side in document.sides for part in side}
    folders = {name: os.path.normpath(inputs.into.resolve() / places[name]) for name in _heads(document)}
    return {name: CampaignFolder(Path(folder)).head() for name, folder in folders.items()}


def _judge(
    kind: Derived[Any, Any], written: Json, computed: Recomputed, inputs: ComparisonInputs
) -> Iterator[CheckOrNote]:
    """Every number; where there is no R, but for what it computes."""
    without_r = r_session.available()
    yield from judge_numbers(
        kind, written, computed, inputs,
        leaves_out=lambda difference: without_r is not None and _is_of_r(difference, inputs.options),
    )  # fmt: skip


def _is_of_r(difference: Difference, options: Options) -> bool:
    """Whether R computed what differs: an effect size, a rank test."""
    own = ("effects", "test") if options.test == "rank" else ("effects",)
    return len(difference.place) > DEPTH and difference.place[DEPTH] in own


def _further(_: ComparisonInputs) -> Iterator[CheckOrNote]:
    yield "The campaigns themselves were not verified: `wattlab verify` on each does that."
    if (without_r := r_session.available()) is not None:
        yield f"Effect sizes and rank tests were not recomputed: {without_r}"


COMPARISON_DOCUMENT: Derived[ComparisonInputs, Comparison] = Derived(
    name=COMPARISON,
    verb="compare",
    read=comparison_of,
    writer=lambda written, _: writer_of_sealed(written),
    inputs=_inputs,
    digests=_heads,
    digests_now=_heads_now,
    input_check="campaign",
    input_words=("as when it was compared", "its log ends with {now}, it ended with {then}"),
    compute=_compute,
    computed_from="the campaigns' raw data",
    pages={REPORT: lambda comparison, _text, _inputs: comparison_html(comparison)},
    checks=("comparison",),
    judge=_judge,
    further=_further,
)
"""Campaigns beside each other."""
