"""What a station says of itself with every heartbeat: its meters, its certificate, what it measures and for how long.

Knows what travels, as plain JSON. Lab.toml and register are read anew every few seconds, the campaign's log each time.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from harness.fleet.readiness import MeterStanding, meters_of, refusal
from harness.fleet.station import RATED, Station, words_of
from harness.measure.agenda import estimate_s, planned_runs, remaining_runs
from harness.measure.lab_file import LabConfig, load_station
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import Entry, RunBegin, RunEnd, of
from harness.record.errors import FleetError, LabError

REREAD_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUnderway:
    """What a station measures now."""

    campaign: str
    """The campaign file, as the fleet file names it."""
    folder: str
    """The campaign's folder at the station."""
    run: str
    """The run in words; empty between two runs."""
    attempt: int | None
    """Which attempt at it; null between two runs."""
    run_left_s: float | None
    """About how long the run still takes; null where nothing tells."""
    done: int
    """Planned runs of the campaign that are made."""
    planned: int
    """Planned runs of the campaign."""
    left_s: float
    """About how long the campaign still takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationReport:
    """A station as it stands."""

    station: str
    """Its name."""
    lab: str
    """Its lab.toml."""
    machine: str
    """The name of its host."""
    software: str
    """Version of its wattlab."""
    certificate_until: str | None
    """When its certificate of the fleet expires; null: its connection is open."""
    meters: tuple[MeterStanding, ...]
    """Its meters."""
    refused: str | None
    """Why it measures nothing; null: it does."""
    underway: RunUnderway | None
    """What it measures now; null: nothing."""

    @classmethod
    def from_json(cls, raw: Json) -> "StationReport":
        """As the station sent it.

        Raises:
            FleetError: another version of wattlab sent it.
        """
        try:
            meters = tuple(MeterStanding(**one) for one in raw["meters"])
            underway = None if raw["underway"] is None else RunUnderway(**raw["underway"])
            rest = {one.name: raw[one.name] for one in fields(cls) if one.name not in ("meters", "underway")}
            return cls(**rest, meters=meters, underway=underway)
        except (KeyError, TypeError) as error:
            raise FleetError(f"a station speaks as another wattlab ({error}); bring both up to date") from None


def reporter(station: Station, software: str, certificate_until: str | None) -> Callable[[object], Json]:
    """What Dask asks with every heartbeat."""
    bench: tuple[tuple[MeterStanding, ...], str | None] = ((), None)
    read_s = -REREAD_S

    def report(_worker: object) -> Json:
        nonlocal bench, read_s
        if time.monotonic() - read_s >= REREAD_S:
            bench, read_s = _bench(station), time.monotonic()
        meters, refused = bench
        return asdict(
            StationReport(
                station=station.name, lab=str(station.lab), machine=socket.gethostname(), software=software,
                certificate_until=certificate_until, meters=meters, refused=refused, underway=_underway(station),
            )
        )  # fmt: skip

    return report


def _bench(station: Station) -> tuple[tuple[MeterStanding, ...], str | None]:
    try:
        config = load_station(station.lab)
        mine = {name: one for name, one in config.file.meters.items() if one.sut in ("", station.sut or one.sut)}
        meters = meters_of(config.station, mine)
    except LabError as error:
        return (), str(error)
    return tuple(meters), refusal(meters)


def _underway(station: Station) -> RunUnderway | None:
    underway = station.underway
    if underway is None or underway.session.is_over:
        return None
    config = underway.config
    try:
        is_begun = (config.campaign_folder / CAMPAIGN).is_file()
        entries = CampaignFolder(config.campaign_folder).entries() if is_begun else []
    except LabError:
        entries = []
    return _told(underway.file, config, entries, datetime.now(UTC))


def _told(file: str, config: LabConfig, entries: list[Entry], now: datetime) -> RunUnderway:
    campaign, ends = config.file.campaign, {end.folder for end in of(RunEnd, entries)}
    planned = {run.ordinal: run for run in planned_runs(entries) if run.kind in RATED}
    left = remaining_runs(entries, campaign.max_failed_attempts, RATED)
    lengths = standing.durations_s(entries)
    known_s = campaign.stabilization_s + config.file.baseline.duration_s + campaign.supplementary_s + standing.BEGIN_S

    begun = next((one for one in reversed(of(RunBegin, entries)) if one.folder not in ends), None)
    began = None if begun is None else standing.moment(begun.utc)
    gone_s = 0.0 if began is None else max(0.0, (now - began).total_seconds())
    run = None if begun is None else planned.get(begun.ordinal)
    one_s = 0.0 if run is None else standing.estimate_s([run.scenario], durations_s=lengths, known_s=known_s, pause_s=0)
    whole_s = estimate_s(left, durations_s=lengths, known_s=known_s, pause_s=campaign.pause_s)
    return RunUnderway(
        campaign=file,
        folder=str(config.campaign_folder),
        run="" if begun is None else "before the plan" if run is None else words_of(run.to_json()),
        attempt=None if begun is None else begun.attempt,
        run_left_s=None if run is None else max(0.0, one_s - gone_s),
        done=len(planned) - len(left),
        planned=len(planned),
        left_s=max(0.0, whole_s - gone_s),
    )
