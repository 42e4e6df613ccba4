"""Whether one side uses more energy than another, by more than a margin: shown, shown not to be, or neither.

Knows two sides and `contrast.py`. Knows no archive and no page.

As in `compare`: Welch's t on the runs, with everything that both sides have in common (decisions 7 and 5). The question
has one side. A regression is shown where the interval lies above the margin, and that there is none where it lies below
it; an interval that holds the margin says neither, however large p is.

Asked N times, each p counts N-fold (Bonferroni): then N questions together give at most one false alarm in twenty,
whatever they have in common, such as a reference that was measured once (`tests/benchmarks/bench_regression.py`).
"""

from collections.abc import Sequence

from reports.comparison.campaign import read_campaigns, worst_origin
from reports.comparison.design import pairing
from reports.comparison.keys import keys_of
from reports.comparison.pair import headline
from reports.comparison.refusals import refuse_other_work, refuse_to_pool, refuse_unknown_declarations
from reports.comparison.selection import Part, line_up
from reports.comparison.side import Side
from reports.comparison.significance import reason_of
from reports.inference.contrast import Contrast, Limit
from reports.results.compared_pair import Headline
from reports.results.comparison import Key, Margin
from reports.results.regression import Regression, RegressionWord, ReleaseSide

OF_A_RELEASE = ("program", "environment", "weights", "command")
"""What of the work a release may change without being other work."""
SHOWN = 0.05


def regression(
    sides: tuple[Sequence[Part], Sequence[Part]], releases: tuple[str, str], sut: str, margin: Margin, looks: int,
    differs: Sequence[str] = (), quantity: Headline | None = None,
) -> Regression:  # fmt: skip
    """The second side held against the first; each part names its scenario. `looks`: how often it is asked; `quantity`:
    which energy, else the induced one where both sides have it.

    Raises:
        AnalysisError: the sides did different work beyond a release's, or cannot be pooled.
    """
    campaigns = read_campaigns([part.folder for side in sides for part in side])
    ((_, (first, second)),) = line_up(sides, campaigns, releases)
    keys = _keys(first, second, differs)
    name = quantity or headline(first, second)
    contrast = _contrast(first, second, name)
    limit = 1 + margin.value if margin.relative else margin.value
    told = None if contrast is None else contrast.at_limit(limit, relative=margin.relative)
    ratio = None if contrast is None else contrast.ratio(complete=True)
    level = 1 - SHOWN / looks
    return Regression(
        scenario=str(sides[0][0].scenario), sut=sut, quantity=name, margin=margin, looks=looks,
        reference=_side(first, name), newest=_side(second, name), verdict=verdict(told, looks),
        reason=_reason(contrast, told), ratio=None if ratio is None else ratio.value,
        ratio_interval=None if contrast is None else contrast.interval_of_ratio(complete=True),
        difference_wh=None if contrast is None else contrast.difference(complete=True).value,
        difference_interval_wh=None if contrast is None else contrast.interval(complete=True),
        level=level, deciding_interval=None if contrast is None else _deciding(contrast, margin, level),
        p_more=None if told is None else min(1.0, looks * told.above),
        p_not_more=None if told is None else min(1.0, looks * told.below),
        origin=worst_origin(campaign for side in (first, second) for campaign, _ in side.parts),
        differing=tuple(key.name for key in keys if key.differs and key.kind != "seeds"),
    )  # fmt: skip


def verdict(told: Limit | None, looks: int) -> RegressionWord:
    """What is shown of one that is asked so often."""
    if told is None:
        return "undecided"
    if told.above * looks < SHOWN:
        return "regression"
    return "not-worse" if told.below * looks < SHOWN else "undecided"


def _deciding(contrast: Contrast, margin: Margin, level: float) -> tuple[float, float] | None:
    """The interval on one side of which the margin has to lie: of the ratio, or of the difference in Wh."""
    found = contrast.interval_of_ratio if margin.relative else contrast.interval
    return found(complete=True, level=level)


def _keys(first: Side, second: Side, differs: Sequence[str]) -> Sequence[Key]:
    """What both sides have in common, or not; refused where that is more than a release changes."""
    for side in (first, second):
        if len(side.parts) > 1:
            refuse_to_pool(keys_of([group.runs for group in side.groups]), side.names_of_parts)
    keys = keys_of([first.runs, second.runs], [*OF_A_RELEASE, *differs])
    refuse_unknown_declarations(keys, differs)
    refuse_other_work(keys, [first.label, second.label])
    return keys


def _contrast(first: Side, second: Side, name: Headline) -> Contrast | None:
    means = [side.quantities[name].mean for side in (first, second)]
    if means[0] is None or means[1] is None:
        return None
    return Contrast(means[0], means[1], pairing(first, second)[0])


def _reason(contrast: Contrast | None, told: Limit | None) -> str | None:
    if contrast is None:
        return "no-baseline"
    return None if told is not None else reason_of(contrast) or "reference-not-told-from-zero"


def _side(side: Side, name: Headline) -> ReleaseSide:
    mean = side.quantities[name].mean
    return ReleaseSide(
        release=side.label, campaigns=tuple(campaign.name for campaign, _ in side.parts), n_runs=len(side.runs),
        energy_wh=None if mean is None else mean.estimate.value,
        U_energy_wh=None if mean is None else mean.estimate.expanded,
        verdicts=tuple(campaign.verdict_on(scenario) for campaign, scenario in side.parts),
    )  # fmt: skip
