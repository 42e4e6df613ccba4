"""FLEET.toml: which scheduler, which stations, what each of them measures, where the runs go.

Knows the file. Knows no connection: what a campaign is, its station knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.fleet.cluster import Link, link_of
from harness.fleet.names import NAME, NAME_FORM
from harness.record.codec import Mistakes, read_records
from harness.record.errors import FleetError


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStation:
    """What a station measures."""

    campaigns: list[str]
    """Campaign files of the station, relative to its lab.toml, one after the other; `lab.toml` itself where the
    campaign stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFile:
    """FLEET.toml as written."""

    schema: int
    scheduler: str
    """HOST or HOST:PORT."""
    tls: str = ""
    """The folder with this machine's certificate, relative to this file."""
    open: bool = False
    """Without TLS, on loopback only."""
    archive: str = ""
    """Where every station hands its sealed runs in: an absolute path or a URL that all reach; empty: nowhere."""
    stations: dict[str, FleetStation] = field(default_factory=dict)
    """Name, as `wattlab station serve --station` has it -> what it measures."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet file, and how its scheduler is reached."""

    path: Path
    file: FleetFile
    link: Link


def read_fleet(path: Path) -> Fleet:
    """Read FLEET.toml.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected. FleetError: Dask is missing,
            or the certificate cannot be used.
    """

    def check(file: FleetFile, mistakes: Mistakes) -> None:
        mistakes.extend(list(_contradictions(path, file)))

    file, _ = read_records(FleetFile, path, "its form is in docs/fleet.md", check)
    keys = path.parent / Path(file.tls).expanduser() if file.tls else None
    try:
        return Fleet(path, file, link_of(file.scheduler, keys, is_open=file.open))
    except FleetError as error:
        raise FleetError(f"{path}: {error}") from None


def _contradictions(path: Path, file: FleetFile) -> Iterator[str]:
    if not file.stations:
        yield f"{path}: stations: missing; name each in a table [stations.NAME] with its campaigns"
    if file.archive and "://" not in file.archive and not Path(file.archive).is_absolute():
        yield (f"{path}: archive: found {file.archive!r}, expected an absolute path or a URL that all stations reach")
    for name, station in file.stations.items():
        if not NAME.fullmatch(name):
            yield f"{path}: stations.{name}: found {name!r}, expected {NAME_FORM}"
        if not station.campaigns:
            yield f"{path}: stations.{name}.campaigns: found none, expected at least one campaign file"
        for twice in sorted({one for one in station.campaigns if station.campaigns.count(one) > 1}):
            yield f"{path}: stations.{name}.campaigns: {twice!r} stands there twice; name it once"
