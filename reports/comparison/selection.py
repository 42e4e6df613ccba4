"""From the campaigns and scenarios that a user names to the sides that are compared.

Knows campaigns and their scenarios by name. Knows no quantity and no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from harness.record.errors import AnalysisError
from reports.comparison.campaign import Campaign
from reports.comparison.refusals import same_run
from reports.comparison.side import Side


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a side as the user names it: a campaign folder, and one of its scenarios (None: each of them)."""

    folder: Path
    scenario: str | None = None


def line_up(
    sides: Sequence[Sequence[Part]], campaigns: Mapping[Path, Campaign], labels: Sequence[str] = ()
) -> list[tuple[str, list[Side]]]:
    """(name, sides) of every comparison that is meant: one where every part names its scenario, else one for each
    scenario that all campaigns have. `labels`: what each side is called, empty where its campaigns say it.

    Raises:
        AnalysisError: a scenario is not there, nothing is common, or a run stands there twice.
    """
    called = list(zip(sides, labels or [""] * len(sides), strict=True))
    sets = [
        (scenario or "", [_side(side, campaigns, scenario, label) for side, label in called])
        for scenario in _scenarios([part for side in sides for part in side], campaigns)
    ]
    for _, of_set in sets:
        _refuse_a_run_twice(of_set)
    return sets


def _scenarios(parts: Sequence[Part], campaigns: Mapping[Path, Campaign]) -> list[str | None]:
    """The scenarios that are compared one by one; None: the one that each part names."""
    unnamed = [part for part in parts if part.scenario is None]
    if not unnamed:
        return [None]
    if len(unnamed) < len(parts):
        without = unnamed[0]
        raise AnalysisError(
            f"{without.folder}: no scenario is named while another side names one; write {without.folder}:SCENARIO "
            f"(it has {_names(campaigns[without.folder])}), or name none anywhere to compare every scenario that all "
            "have"
        )
    first, *others = (campaigns[part.folder].scenarios for part in parts)
    common: list[str | None] = [name for name in first if all(name in names for names in others)]
    if not common:
        have = "; ".join(f"{part.folder} has {_names(campaigns[part.folder])}" for part in parts)
        raise AnalysisError(f"no scenario is in all of these campaigns: {have}; name them as FOLDER:SCENARIO")
    return common


def _side(parts: Sequence[Part], campaigns: Mapping[Path, Campaign], scenario: str | None, called: str) -> Side:
    chosen = []
    for part in parts:
        campaign, name = campaigns[part.folder], part.scenario or scenario or ""
        if name not in campaign.scenarios:
            raise AnalysisError(
                f"{part.folder}: no run of a scenario {name!r} is in its means; it has {_names(campaign)} "
                f"(`wattlab report {quote(str(part.folder))}` lists every run)"
            )
        chosen.append((campaign, name))
    label = "+".join(campaign.name if scenario else f"{campaign.name}:{name}" for campaign, name in chosen)
    return Side(called or label, tuple(chosen))


def _refuse_a_run_twice(sides: Sequence[Side]) -> None:
    parts = [
        (label, group.runs) for side in sides for label, group in zip(side.names_of_parts, side.groups, strict=True)
    ]
    if (twice := same_run(parts)) is not None:
        raise AnalysisError(f"{twice}; name each campaign and scenario once")


def _names(campaign: Campaign) -> str:
    return ", ".join(campaign.scenarios) or "none"
