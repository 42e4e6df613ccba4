"""What `analyse` gives: the numbers of a campaign, and what is computed of several campaigns.

Knows the records of results.json. Computes nothing but the statistics of what stands in them.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property

from reports.campaign import statistics
from reports.campaign.group import Group
from reports.readings.outline import Outline
from reports.results.document import CampaignNumbers, Results


@dataclass(frozen=True)
class Analysis:
    """A campaign, computed."""

    numbers: CampaignNumbers
    """All but what R computes."""
    groups: dict[str, Group]
    """Scenario -> its included runs."""
    outlines: dict[str, Outline] = field(default_factory=dict)
    """Folder of a run -> what a picture shows of its power."""

    @cached_property
    def results(self) -> Results:
        """The whole file; `statistics` is computed here, of the rest."""
        parts = {part.name: getattr(self.numbers, part.name) for part in fields(self.numbers)}
        return Results(**parts, statistics=statistics.evaluate(self.numbers))
