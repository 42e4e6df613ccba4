"""`--scheduler ADDRESS`, `--tls FOLDER` and `--open`: how a verb reaches the scheduler of a fleet."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.fleet.cluster import Link


def add_scheduler_arguments(verb: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    """The three; `what` the scheduler is for."""
    verb.add_argument(
        "--scheduler", required=required, metavar="ADDRESS", help=f"HOST or HOST:PORT of the scheduler {what}"
    )
    add_keys_arguments(verb)


def add_keys_arguments(verb: argparse.ArgumentParser) -> None:
    """`--tls FOLDER` and `--open`."""
    verb.add_argument(
        "--tls", type=Path, metavar="FOLDER", help="this machine's certificate, as `wattlab fleet certificates` made it"
    )
    verb.add_argument("--open", action="store_true", help="without TLS; on loopback only")


def link_of_arguments(arguments: argparse.Namespace) -> "Link":
    """The scheduler that was named.

    Raises:
        FleetError: Dask is missing, or the address or the certificate cannot be used.
    """
    from harness.fleet.cluster import link_of

    return link_of(arguments.scheduler, arguments.tls, is_open=arguments.open)
