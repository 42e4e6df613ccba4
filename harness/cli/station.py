"""`wattlab station serve`: this bench as a station of a fleet."""

import argparse
from pathlib import Path

from rich.console import Console

from harness.cli.scheduler import add_scheduler_arguments, link_of_arguments
from harness.cli.screen import say
from harness.cli.types import Parser, add_station_argument, at_least
from harness.record.errors import FleetError


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = "A bench of a fleet: it measures the planned runs that the fleet asks for (docs/fleet.md)."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    served = actions.add_parser("serve", help="be a station until ended")
    served.add_argument("--station", required=True, metavar="NAME", help="its name, as the fleet file has it")
    add_scheduler_arguments(served, "of the fleet")
    add_station_argument(served)
    served.add_argument(
        "--port", type=at_least(0), default=0, metavar="N",
        help="the scheduler reaches it at this port (default: any that is free)",
    )  # fmt: skip
    served.add_argument("--sut", metavar="NAME", help="the system under test, where lab.toml declares several")
    served.set_defaults(
        call=serve, interrupted="what was measured is sealed as cut; `wattlab station serve` goes on with it"
    )


def serve(arguments: argparse.Namespace) -> int:
    """Serve until a signal."""
    from harness.fleet.certificates import require_usable
    from harness.fleet.names import NAME, NAME_FORM
    from harness.measure.lab_file import load_station
    from harness.station.provenance import in_words, software_facts
    from harness.station.station import APPLICATION

    link = link_of_arguments(arguments)
    name = str(arguments.station)
    if not NAME.fullmatch(name):
        raise FleetError(f"--station: found {name!r}, expected {NAME_FORM}")
    load_station(arguments.lab)
    until = None if link.keys is None else require_usable(link.keys).date().isoformat()

    from harness.fleet.heartbeat import reporter
    from harness.fleet.service import station_service
    from harness.fleet.station import Station

    console = Console()

    def tell(sentence: str) -> None:
        say(console, sentence)
        console.file.flush()  # a service's output is a file or a pipe

    station = Station(name, Path(arguments.lab), arguments.sut, tell)
    with station.alone():
        report = reporter(station, in_words(software_facts(APPLICATION)), until)
        with station_service(station, link, arguments.port, report, tell) as service:
            station.serve(lambda: service.is_over)
            service.require_going()
    return 1
