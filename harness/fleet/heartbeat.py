"""What a station says with every heartbeat: its meters, its certificate, what it measures and for how long.

Lab.toml and register are read anew every few seconds, the campaign's log each time.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from harness.fleet.readiness import meters_of, refusal
from harness.fleet.station import RATED, Station, words_of
from harness.fleet.station_report import MeterStanding, RunUnderway, StationReport
from harness.measure.agenda import estimate_s, planned_runs, remaining_runs
from harness.measure.lab_file import LabConfig, load_station
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import Entry, RunBegin, RunEnd, of
from harness.record.errors import LabError

REREAD_S = 10.0


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
                handing_in=station.handing_in,
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
