"""The catalogue of findings: every code, what it means, what to do, and what follows from it.

Knows the entries (`kinds/`) and the groups in which docs/ shows them. Knows no rule that finds one
(`reports.findings`), no page and no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.results.kinds import (
    baseline,
    campaign,
    evidence,
    meters,
    origins,
    publishers,
    readings,
    remarks,
    runs,
    stimulus,
    surroundings,
    time,
    trackers,
)
from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import UNKNOWN, FindingKind


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of findings that are about one thing."""

    title: str
    kinds: Mapping[FindingCode, FindingKind]


GROUPS = (
    Group("Whose readings these are", origins.KINDS),
    Group("The rules of an imported run's publisher", publishers.KINDS),
    Group("Runs that did not end as planned", runs.KINDS),
    Group("The load that an emulator made", stimulus.KINDS),
    Group("Seals and witnesses", evidence.KINDS),
    Group("Readings of the meter", readings.KINDS),
    Group("The meter as an instrument", meters.KINDS),
    Group("What surrounds a run", surroundings.KINDS),
    Group("Clocks, markers and standstills", time.KINDS),
    Group("The baseline and the induced energy", baseline.KINDS),
    Group("The campaign as a whole", campaign.KINDS),
    Group("Software trackers beside the meter", trackers.KINDS),
    Group("What people and wattlab noted", remarks.KINDS),
)
KINDS: Mapping[str, FindingKind] = {code: kind for group in GROUPS for code, kind in group.kinds.items()}
"""Code -> kind."""


def kind_of(code: str) -> FindingKind:
    """The kind of a code; of one that only another version of wattlab has, `UNKNOWN`."""
    return KINDS.get(code, UNKNOWN)
