"""Two or more campaigns or scenarios beside each other: comparison.json as a record (docs/comparing.md).

Knows which sides stand beside each other and what the document is made of. Computes no energy (`side.py`), no interval
(`contrast.py`) and no difference (`pair.py`).

p values of three or more sides are adjusted after Holm, over the pairs of one quantity; intervals hold for each pair by
itself.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from harness.record.errors import AnalysisError
from reports.comparison.campaign import Campaign, read_campaigns, worst_origin
from reports.comparison.keys import keys_of
from reports.comparison.pair import compared_pair
from reports.comparison.refusals import refuse_other_work, refuse_to_pool, refuse_unknown_declarations
from reports.comparison.selection import Part, line_up
from reports.comparison.side import Side
from reports.comparison.side_entry import side_entry
from reports.inference.contrast import holm
from reports.results.compared_pair import ComparedPair, PairQuantity, PairTest
from reports.results.comparison import SCHEMA, ComparedCampaign, ComparedSet, Comparison, NamedPart, Options
from reports.results.software import Software


def compare(sides: Sequence[Sequence[Part]], options: Options, software: Software, into: Path) -> Comparison:
    """The comparison of two or more sides; `software` is what compares them, `into` the folder it is meant for: where
    the campaigns lie is written as seen from there.

    Raises:
        AnalysisError: sides did different work that was not declared, cannot be pooled, or hold nothing to compare.
    """
    if len(sides) < 2:
        raise AnalysisError("one side alone cannot be compared; name two or more")
    campaigns = read_campaigns([part.folder for side in sides for part in side])
    lines = line_up(sides, campaigns, options.labels)
    sets = tuple(_set(name, of_set, options) for name, of_set in lines)
    refuse_unknown_declarations([key for of_set in sets for key in of_set.keys], options.differs)
    compared = [campaign for _, of_set in lines for side in of_set for campaign, _ in side.parts]
    return Comparison(
        schema=SCHEMA,
        kind="comparison",
        options=options,
        origin=worst_origin(compared),
        software=software,
        inputs=_inputs(compared),
        sides=tuple(tuple(_named(part, campaigns[part.folder].name, into) for part in side) for side in sides),
        sets=sets,
    )


def _named(part: Part, name: str, into: Path) -> NamedPart:
    return NamedPart(name, os.path.relpath(part.folder.resolve(), into.resolve()), part.scenario)


def _inputs(campaigns: Iterable[Campaign]) -> tuple[ComparedCampaign, ...]:
    """Every campaign once."""
    return tuple({campaign.head: campaign.entry for campaign in campaigns}.values())


def _set(name: str, sides: Sequence[Side], options: Options) -> ComparedSet:
    for side in sides:
        if len(side.parts) > 1:
            refuse_to_pool(keys_of([group.runs for group in side.groups]), side.names_of_parts)
    keys = keys_of([side.runs for side in sides], options.differs)
    refuse_other_work(keys, [side.label for side in sides])
    pairs = [compared_pair(sides, places, keys, options) for places in combinations(range(len(sides)), 2)]
    return ComparedSet(name, tuple(map(side_entry, sides)), keys, _adjusted(pairs))


def _adjusted(pairs: Sequence[ComparedPair]) -> tuple[ComparedPair, ...]:
    """The pairs with p adjusted after Holm over the pairs of one quantity."""
    names = dict.fromkeys(name for pair in pairs for name in pair.quantities)
    families = {name: holm(_p_values(name, pairs)) for name in names}
    return tuple(
        replace(pair, quantities={
            name: _with_adjusted_p(quantity, families[name].get((pair.first, pair.second)))
            for name, quantity in pair.quantities.items()
        })
        for pair in pairs
    )  # fmt: skip


def _p_values(name: str, pairs: Sequence[ComparedPair]) -> dict[tuple[int, int], float]:
    tests = {(pair.first, pair.second): _test(pair, name) for pair in pairs}
    return {places: test.p for places, test in tests.items() if test is not None and test.p is not None}


def _test(pair: ComparedPair, name: str) -> PairTest | None:
    quantity = pair.quantities.get(name)
    return None if quantity is None else quantity.test


def _with_adjusted_p(quantity: PairQuantity, p: float | None) -> PairQuantity:
    return quantity if quantity.test is None else replace(quantity, test=replace(quantity.test, p_adjusted=p))
