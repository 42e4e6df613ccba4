"""The section on services under load, block by block. Knows the order of the blocks, not what they say."""

from reports.pages.baseline_state import machine_of
from reports.pages.blocks import Block, Paragraph
from reports.pages.ratings import figures, tables
from reports.pages.ratings.words import ABOUT
from reports.results.document import Results


def ratings_blocks(results: Results, stamp: str) -> list[Block]:
    """The whole section; empty where no service was driven."""
    blocks: list[Block | None] = []
    for place, (name, part) in enumerate(results.scenarios.items()):
        if (own := part.ratings) is None:
            continue
        blocks += [
            figures.population_figure(name, own, stamp),
            tables.ratings_table(name, place, own),
            tables.tasks_table(name, place, own),
            figures.rates_figure(name, own, stamp),
            figures.latency_figure(name, own, stamp),
            tables.latency_table(name, place, own),
            tables.energy_table(name, place, own, machine_of(results)),
            *([] if own.batches is None else tables.batch_blocks(name, place, own.batches)),
        ]
    if any(run.stimulus is not None for run in results.runs):
        blocks = [Paragraph(ABOUT), *blocks, tables.stimulus_table(results)]
    return [block for block in blocks if block is not None]
