"""The section on trackers, block by block.

Knows the order of the blocks. Does not know what they say.
"""

from reports.pages.blocks import Block, Paragraph
from reports.pages.lookup import Results
from reports.pages.trackers import figures, tables
from reports.pages.trackers.sentences import ABOUT, CONTEXT, opening
from reports.results.trackers import Trackers


def tracker_blocks(results: Results, stamp: str) -> list[Block]:
    """The whole section; empty where no run had a tracker."""
    trackers: Trackers | None = results["trackers"]
    if trackers is None:
        return []
    blocks: list[Block | None] = [
        Paragraph(ABOUT),
        *opening(results, trackers),
        Paragraph(CONTEXT, "note"),
        figures.bars(trackers, stamp),
        tables.ratios(trackers),
        figures.agreement_figure(results, trackers, stamp),
        tables.agreements(trackers),
        tables.decomposition(trackers),
        tables.stretches(trackers),
        tables.costs(trackers),
        tables.runs(results, trackers),
    ]
    return [block for block in blocks if block is not None]
