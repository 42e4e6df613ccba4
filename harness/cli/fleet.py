"""`wattlab fleet ...`: planned runs of several stations."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.fleet_display import FleetDisplay, in_words
from harness.cli.progress import at_work
from harness.cli.scheduler import add_keys_arguments, link_of_arguments
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import Parser, add_json_argument, at_least, seconds
from harness.fleet.station_report import OTHER_VERSION, StationReport
from harness.record.errors import FleetError, LabError

if TYPE_CHECKING:
    from harness.fleet.connection import Connection
    from harness.fleet.fleet_file import Fleet

DAYS = 366
WAIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCertificates(Document):
    """Certificates that were made."""

    authority: str
    """The folder of the fleet's authority; its key stays there."""
    machines: Mapping[str, str]
    """Name -> the folder that belongs onto that machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLine:
    """A run of the plan of a station."""

    station: str
    """The station's name."""
    campaign: str
    """The campaign file."""
    ordinal: int
    """Its number in the campaign's plan."""
    scenario: str
    """What is run."""
    repetition: int
    """Which repetition."""
    is_made: bool
    """Whether it is made already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan(Document):
    """The plan of a fleet."""

    lines: tuple[FleetLine, ...]
    """Every planned run of every station that could be asked."""
    problems: Mapping[str, str]
    """Station, or station and campaign -> why nothing can be measured there; with one the exit code is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCampaign:
    """A campaign of a station, as far as it was brought."""

    station: str
    """The station's name."""
    campaign: str
    """The campaign file."""
    folder: str
    """Its folder at the station; empty where that is not known."""
    made: int
    """Planned runs that are made."""
    planned: int
    """Planned runs."""
    is_archived: bool
    """Whether the archive has what is made."""
    problem: str | None
    """Why it is not complete, or not archived; null: it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFleet(Document):
    """A fleet that was measured."""

    campaigns: tuple[FleetCampaign, ...]
    """Every campaign; with a `problem` the exit code is 1."""
    archive: str
    """Where they were handed in; empty: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus(Document):
    """The stations of a fleet."""

    stations: tuple[StationReport, ...]
    """Those that are connected."""
    away: tuple[str, ...]
    """Those of the fleet file that are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedFleet(Document):
    """What was ended."""

    stopped: Mapping[str, str]
    """Station -> the folder of the campaign whose run was cut; empty where nothing was measured."""


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = "Several stations measure their planned runs, through Dask (docs/fleet.md)."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = actions.add_parser("certificates", help="make the certificates of its machines")
    made.add_argument("folder", type=Path, help="folder of the fleet's authority; it is made where it is none")
    made.add_argument("names", nargs="+", metavar="NAME", help="a machine: a folder for it is made there")
    made.add_argument("--days", type=at_least(1), default=DAYS, metavar="N", help=f"valid so long (default: {DAYS})")
    add_json_argument(made, "what was made", FleetCertificates)
    made.set_defaults(call=call_certificates)
    scheduler = actions.add_parser("scheduler", help="be the scheduler of a fleet until ended")
    scheduler.add_argument(
        "--listen", dest="scheduler", required=True, metavar="ADDRESS", help="HOST or HOST:PORT of this machine"
    )
    add_keys_arguments(scheduler)
    scheduler.set_defaults(
        call=call_scheduler, interrupted="stations and clients come back when a scheduler is there again"
    )
    planned = actions.add_parser("plan", help="which runs each station has, and which are made")
    measured = actions.add_parser("run", help="have every run measured that is not made yet, and handed in")
    shown = actions.add_parser("status", help="stations, their meters, what they measure and for how long")
    stopped = actions.add_parser("stop", help="end what stations measure, as Ctrl-C there does")
    for each in (planned, measured, shown, stopped):
        each.add_argument("file", type=Path, metavar="FLEET.toml", help="the fleet file")
    measured.add_argument(
        "--wait", type=seconds, default=WAIT_S, metavar="S",
        help=f"wait so long for a station or a scheduler that is away (default: {WAIT_S:g})",
    )  # fmt: skip
    stopped.add_argument("stations", nargs="*", default=[], metavar="STATION", help="these only")
    add_json_argument(planned, "the plan", FleetPlan)
    add_json_argument(measured, "what became of each campaign", MeasuredFleet, tells_beside=True)
    add_json_argument(shown, "the stations", FleetStatus)
    add_json_argument(stopped, "what was ended", StoppedFleet)
    planned.set_defaults(call=call_plan)
    shown.set_defaults(call=call_status)
    stopped.set_defaults(call=call_stop)
    measured.set_defaults(call=call_run)


def call_certificates(arguments: argparse.Namespace) -> int:
    """Make them; say what belongs where."""
    from harness.fleet.certificates import AUTHORITY_KEY, make
    from harness.fleet.names import NAME, NAME_FORM

    for name in arguments.names:
        if not NAME.fullmatch(name):
            raise FleetError(f"{name!r} is no name of a machine, expected {NAME_FORM}")
    made = make(arguments.folder, arguments.names, arguments.days)
    console = Console()
    for folder in made:
        print(f"made  {folder}")
    say(
        console,
        "Copy each folder to its machine by a way that nobody reads, and name it there by --tls. Whoever has one can "
        f"run commands on every station. {AUTHORITY_KEY} makes more of them: keep {arguments.folder} where no station "
        "reaches it.",
    )
    arguments.answer = FleetCertificates(
        authority=str(arguments.folder), machines={folder.name: str(folder) for folder in made}
    )
    return 0


def call_scheduler(arguments: argparse.Namespace) -> int:
    """Serve until a signal."""
    link = link_of_arguments(arguments)
    from harness.fleet.service import scheduler_service

    with scheduler_service(link) as service:
        print(f"Scheduler of a fleet at {service.address()}, until Ctrl-C.", flush=True)
        service.wait()
        service.require_going()
    return 1


def _read(path: Path) -> "Fleet":
    from harness.fleet.fleet_file import read_fleet
    from reports.archive.store import require_lasting

    fleet = read_fleet(path)
    require_lasting(fleet.file.archive)
    return fleet


def _connected(path: Path) -> "tuple[Fleet, Connection]":
    from harness.fleet.connection import Connection

    fleet = _read(path)
    with at_work(f"{fleet.link.address}: connecting"):
        return fleet, Connection(fleet.link)


def call_plan(arguments: argparse.Namespace) -> int:
    """A line a run; 1 where a station cannot measure."""
    from harness.fleet import tasks
    from harness.fleet.claims import Claims

    fleet, connection = _connected(arguments.file)
    lines: list[FleetLine] = []
    problems: dict[str, str] = {}
    claims = Claims(fleet.file.archive)
    try:
        present = connection.stations()
        for name, station in fleet.file.stations.items():
            if name not in present:
                problems[name] = "it is not connected; start `wattlab station serve` there"
                continue
            if not present[name].is_understood:
                problems[name] = str(present[name].refused)
                continue
            for file in station.campaigns:
                try:
                    found = connection.to_ask(name, tasks.agenda, file).answer()
                except LabError as error:
                    problems[f"{name} {file}"] = str(error)
                    continue
                if found["refused"]:
                    problems[name] = found["refused"]
                if problem := claims.refusal(name, file, found) or found.get("otherwise", OTHER_VERSION):
                    problems[f"{name} {file}"] = problem
                to_be_made = set(found["left"])
                lines += (
                    FleetLine(
                        station=name, campaign=file, ordinal=run["ordinal"], scenario=run["scenario"],
                        repetition=run["repetition"], is_made=run["ordinal"] not in to_be_made,
                    )
                    for run in found["runs"]
                )  # fmt: skip
    finally:
        connection.close()
    console = Console()
    console.print(plan_sheet(lines))
    for place, problem in problems.items():
        say(console, f"{place}: {problem}", "yellow")
    left = sum(not line.is_made for line in lines)
    follows = f" Next: {command('fleet', 'run', arguments.file)}." if left else ""
    say(console, f"{counted(len(lines), 'run')}, {left} to be made.{follows}")
    arguments.answer = FleetPlan(lines=tuple(lines), problems=problems)
    return 1 if problems else 0


def plan_sheet(lines: Sequence[FleetLine]) -> Sheet:
    """A line a run."""
    rows = [
        (
            line.station, line.campaign, str(line.ordinal), line.scenario, str(line.repetition),
            "made" if line.is_made else "",
        )
        for line in lines
    ]  # fmt: skip
    heads = ("station", "campaign", "run", "scenario", "repetition", "")
    return Sheet(columns(*heads, numbers=("run", "repetition")), rows)


def call_run(arguments: argparse.Namespace) -> int:
    """Measure; 1 where a campaign is not complete."""
    fleet, console = _read(arguments.file), Console()
    from harness.fleet.queue import run  # needs Dask

    again, stop = (command("fleet", action, arguments.file) for action in ("run", "stop"))
    arguments.interrupted = f"the stations go on with what they measure; {again} follows them again, {stop} ends them"
    with FleetDisplay(list(fleet.file.stations)) as display:
        done = run(fleet, display.say, display.show, arguments.wait)
    told = tuple(
        FleetCampaign(
            station=one.station, campaign=one.campaign, folder=one.folder, made=one.made, planned=one.planned,
            is_archived=one.is_archived, problem=one.problem,
        )
        for one in done
    )  # fmt: skip
    arguments.answer = MeasuredFleet(campaigns=told, archive=fleet.file.archive)
    for one in told:
        state = one.problem or ("complete, and in the archive" if one.is_archived else "complete")
        say(console, f"{one.station}: {one.campaign}: {one.made} of {counted(one.planned, 'run')}: {state}.")
    if any(one.problem for one in told):
        say(console, f"See to what is said above; {again} goes on.", "yellow")
        return 1
    if fleet.file.archive:
        say(console, f"Next: {command('archive', 'list', fleet.file.archive)}.")
    return 0


def call_status(arguments: argparse.Namespace) -> int:
    """Each station; 1 where one is away or may not measure."""
    fleet, connection = _connected(arguments.file)
    try:
        present = connection.stations()
    finally:
        connection.close()
    away = [name for name in fleet.file.stations if name not in present]
    console = Console()
    reports = sorted(present.values(), key=lambda report: [*fleet.file.stations, report.station].index(report.station))
    for report in reports:
        console.print(station_sheet(report))
        say(console, f"{report.station}: {in_words(report)}\n")
    for name in away:
        say(console, f"{name}: away.", "yellow")
    arguments.answer = FleetStatus(stations=tuple(reports), away=tuple(away))
    return 1 if away or any(report.refused for report in present.values()) else 0


def station_sheet(report: StationReport) -> Sheet:
    """A station's meters."""
    rows = [
        (
            one.name, one.driver, one.instrument or "not in the register",
            f"{one.certificate}, until {one.expires}" if one.certificate else "none",
            "never" if one.check_load is None else f"{one.check_load[:10]} {'passed' if one.passed else 'FAILED'}",
        )
        for one in report.meters
    ]  # fmt: skip
    until = f", certificate of the fleet until {report.certificate_until}" if report.certificate_until else ", open"
    return Sheet(
        columns("meter", "driver", "instrument", "calibration certificate", "check load"),
        rows,
        title=f"{report.station} at {report.machine} ({report.software}{until})",
    )


def call_stop(arguments: argparse.Namespace) -> int:
    """End what is measured."""
    from harness.fleet import tasks

    fleet, connection = _connected(arguments.file)
    wanted = arguments.stations or list(fleet.file.stations)
    stopped: dict[str, str] = {}
    try:
        present = connection.stations()
        for name in wanted:
            if name not in fleet.file.stations:
                raise FleetError(f"{fleet.path}: no station {name!r}, it has {', '.join(fleet.file.stations)}")
            if name not in present:
                raise FleetError(f"{name}: is away; end it there, by Ctrl-C")
            stopped[name] = connection.to_ask(name, tasks.stop).answer()
            print(f"{name}: {stopped[name] or 'measured nothing'}")
    finally:
        connection.close()
    arguments.answer = StoppedFleet(stopped=stopped)
    return 0
