"""A campaign of a comparison: recomputed from its run folders, and what comparison.json says of it.

Knows a campaign as `campaign.analyse` returns it. Knows no side and no other campaign but by its name. What identifies
a campaign is the head of its chained log, so the same campaign in two folders is one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harness.record.campaign_folder import CampaignFolder
from harness.record.verify import examine
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.campaign.meters import ORIGINS
from reports.results.codec import document_text
from reports.results.compared_side import SidePart
from reports.results.comparison import ComparedCampaign
from reports.results.meters import CampaignOrigin
from reports.results.verdict import Word

BLOCKED = "randomised complete blocks"
"""How `campaign.design` begins where runs of one repetition form a block (docs/decisions/0003)."""


@dataclass(frozen=True)
class Campaign:
    """A campaign, recomputed from its run folders."""

    name: str
    head: str
    result: Analysis

    @cached_property
    def text(self) -> str:
        """Its results.json as it would be written now."""
        return document_text(self.result.results)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios of which a run is in the means."""
        return tuple(name for name, group in self.result.groups.items() if group.runs)

    @property
    def is_blocked(self) -> bool:
        """Whether its design declares that runs of one repetition form a block."""
        return (self.result.numbers.campaign.design or "").startswith(BLOCKED)

    @property
    def origin(self) -> CampaignOrigin:
        """Where its readings come from."""
        return self.result.numbers.measurement.origin

    @property
    def entry(self) -> ComparedCampaign:
        """As it stands in `inputs`."""
        numbers = self.result.numbers
        return ComparedCampaign(self.name, numbers.campaign.name, numbers.campaign.uid, self.head, numbers.inputs)

    def part(self, scenario: str) -> SidePart:
        """One of its scenarios as a part of a side."""
        return SidePart(self.name, self.head, scenario, self.result.numbers.scenarios[scenario].title)

    def verdict_on(self, scenario: str) -> Word:
        """The campaign's verdict; `invalid` where this scenario alone is."""
        alone = self.result.numbers.scenarios[scenario].invalid_because
        return "invalid" if alone else self.result.numbers.verdict.word

    def begun(self, scenario: str) -> int:
        """Runs of a scenario that were begun."""
        kinds = [(run.kind, run.scenario) for run in self.result.numbers.runs]
        return kinds.count(("scenario", scenario))


def read_campaign(folder: Path) -> Campaign:
    """Examine and recompute a campaign.

    Raises:
        AnalysisError: it holds no run that can be read. RunFolderError: it is no campaign.
    """
    seen = examine(folder)
    return Campaign(folder.resolve().name, CampaignFolder(folder).head(), analyse(folder, seen))


def read_campaigns(folders: Sequence[Path]) -> dict[Path, Campaign]:
    """The campaign of every folder, each read once; those of one name are called after the folder above them too."""
    by_place = {place: read_campaign(place) for place in dict.fromkeys(folder.resolve() for folder in folders)}
    names = [campaign.name for campaign in by_place.values()]
    for place, campaign in by_place.items():
        if names.count(campaign.name) > 1:
            by_place[place] = replace(campaign, name=f"{place.parent.name}/{campaign.name}")
    return {folder: by_place[folder.resolve()] for folder in folders}


def worst_origin(campaigns: Iterable[Campaign]) -> CampaignOrigin:
    """Where the readings of several campaigns come from: what the worst of them is."""
    origins = {campaign.origin for campaign in campaigns}
    return next((origin for origin in ORIGINS if origin in origins), "none")
