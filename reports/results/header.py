"""What a campaign is, as results.json has it: names, plan, source, attachments, remarks of preflight, lost runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.record.documents import Json
from reports.results.codec import keyed


@dataclass(frozen=True, slots=True)
class Source:
    """What an import was made of."""

    format: str | None
    """Name of the importer."""
    files: Mapping[str, str]
    """File -> SHA-256."""
    note: str
    """What the importer says of it."""
    clock: Literal["utc", "local"] = field(default="local", metadata=keyed(left_out=True))
    """Whose time its stamps are: UTC, or the local time of the source."""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that was attached to the campaign."""

    path: str | None
    """Within the campaign folder."""
    sha256: str | None
    """Its digest."""
    note: str | None
    """What it is."""
    run: str | None
    """The run folder that it is about; null unless it is of one run."""


@dataclass(frozen=True, slots=True)
class PreflightRemark:
    """What preflight did not find in order, each remark once."""

    severity: str
    """`refuse`, `warn` or `unknown`."""
    subject: str
    """What it is about."""
    text: str
    """The sentence."""
    utc: str
    """When it was first said, ISO 8601."""
    times: int
    """How often."""


@dataclass(frozen=True, slots=True)
class LostRun:
    """A run that was begun and of which nothing is left."""

    ordinal: int | None
    """Its number in the plan."""
    attempt: int | None
    """1 for the first try."""
    kind: str | None
    """As planned."""
    scenario: str | None
    """As planned."""
    repetition: int | None
    """As planned."""
    folder: str
    """Name that the run folder had."""
    begun_utc: str | None
    """When it was begun, ISO 8601."""
    reason: str | None
    """Why it is lost."""


@dataclass(frozen=True, slots=True)
class CampaignHeader:
    """What was measured, by whom, when, by which plan."""

    name: str
    """Name of the campaign."""
    uid: str | None
    """Its id."""
    seed: int | None
    """What the order of runs was drawn with."""
    design: str | None
    """How it was drawn, in words."""
    customer: str | None
    """For whom."""
    lab: str
    """Name of the laboratory."""
    place: str
    """Where it is."""
    operator: str
    """Who ran it."""
    software: Json
    """The wattlab that measured it."""
    created_utc: str | None
    """ISO 8601."""
    first_utc: str
    """Start of the first run, ISO 8601."""
    last_utc: str
    """End of the last run, ISO 8601."""
    config: Json | None
    """lab.toml, resolved."""
    source: Source | None
    """Of an import; null otherwise."""
    plan: int | None
    """Number of planned runs."""
    attachments: tuple[AttachedFile, ...]
    """Files that were attached."""
    preflight: tuple[PreflightRemark, ...]
    """What was remarked before the start."""
    lost: tuple[LostRun, ...]
    """Runs of which nothing is left."""

    @property
    def is_utc(self) -> bool:
        """Whether its moments are UTC."""
        return self.source is None or self.source.clock == "utc"
