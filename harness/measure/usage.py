"""A scenario in which a service is used: its population, the service, and the files that a run keeps of both.

Knows the keys `population` and `service` of lab.toml and scenario.toml. Knows no connection and no process: what they
say is done by `harness.measure.rating.users`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from harness.record.codec import Mistakes
from harness.record.documents import Json
from harness.record.errors import ConfigError, why
from harness.record.plain_files import read_named
from harness.record.population import Population, read_population
from harness.record.tasks import POPULATION
from harness.station.consistency import of_name
from harness.station.station import APPLICATION

BaselineState: TypeAlias = Literal["os", "service-started", "model-loaded", "gpu-context"]
"""What runs on the SUT in a baseline block: the operating system alone; the service started; its model loaded; and each
task type done, by which a GPU has its context."""
TAKEN = ("lab.toml", "campaign.toml", "scenario.toml", "agent.py", POPULATION, "instruments.toml", "check-loads.jsonl")
"""Names that a run's inputs have already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSection:
    """The service that a population uses; `command` starts it on the SUT."""

    port: int = field(default=0, metadata={"minimum": 0, "maximum": 65535})
    """Where `command` listens, on the SUT's loopback; it is reached through an SSH forward, or straight where the SUT
    is this machine."""
    address: str = ""
    """Where it is reached instead: `http://10.0.0.5:8000` or `https://...`; without a `command` it runs already."""
    live: str = ""
    """A path that is answered as soon as it is started; empty: it listens."""
    ready: str = ""
    """A path that is answered (200 to 299) as soon as its model is loaded; empty: as `live`."""
    ready_within_s: float = field(default=120.0, metadata={"minimum": 0.1, "maximum": 86400})
    """Later than that it is given up, and the run has failed."""

    @property
    def listening_port(self) -> int:
        """`port`, or that of `address`."""
        split = urlsplit(self.address)
        return self.port or split.port or (443 if split.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class Usage:
    """A population and the service that it uses. `inputs`: files that a run keeps of it, by name."""

    name: str
    """The population's: the stem of its file."""
    population: Population
    service: ServiceSection
    inputs: Mapping[str, bytes]

    def to_json(self) -> Json:
        """For the start document."""
        return {"population": self.name, "service": asdict(self.service)}


def usage_of(
    where: str, base: Path, named: str, service: ServiceSection | None, command: list[str], mistakes: Mistakes
) -> Usage | None:
    """The usage that a table describes; None where it has none, or something is wrong with it. `where`: file and TOML
    path of the table; `base`: the folder that the population's path is relative to, unless it is one of wattlab's."""
    if not named:
        if service is not None:
            mistakes.extend([f"{where}service: nobody uses it; name its users in `population`"])
        return None
    wrong = [*_of_service(where, service, command)]
    path = next((path for root in (base, APPLICATION) if (path := (root / named).resolve()).is_file()), base / named)
    try:
        population, source = read_population(path)
        inputs = {POPULATION: source} | _beside(path, population)
    except ConfigError as error:
        wrong.append(str(error))
    else:
        wrong += of_name(f"{where}population", path.stem)
        wrong += [
            f"{path}: a run keeps a file of its own under the name {name}; give this one another"
            for name in inputs.keys() & set(TAKEN) - {POPULATION}
        ]
    mistakes.extend(wrong)
    return None if wrong or service is None else Usage(path.stem, population, service, inputs)


class _Using(Protocol):
    """A table of lab.toml, or a scenario.toml."""

    @property
    def population(self) -> str:
        """A population file."""

    @property
    def service(self) -> ServiceSection | None:
        """The service that it uses."""

    @property
    def command(self) -> list[str]:
        """What starts it."""


def used_in_folder(table: tuple[str, Path, _Using], file: tuple[str, Path, _Using], mistakes: Mistakes) -> Usage | None:
    """The usage of a scenario in a folder: its table in lab.toml may name another population, and another service. Both
    as (place, folder that paths are relative to, what is written there)."""
    where, base, section = table
    toml, folder, written = file
    service, command = section.service or written.service, written.command
    if section.population:
        return usage_of(where, base, section.population, service, command, mistakes)
    return usage_of(toml if section.service is None else where, folder, written.population, service, command, mistakes)


def _of_service(where: str, service: ServiceSection | None, command: list[str]) -> Iterator[str]:
    if service is None:
        yield f"{where}service: missing; a population needs a service: its `port`, or its `address`"
        return
    if bool(service.port) == bool(service.address):
        yield f"{where}service.port: needs either `port` (of `command`, on the SUT) or `address`, not both"
    if service.port and not command:
        yield f"{where}command: missing; it starts the service that listens on port {service.port}"
    for key in ("live", "ready"):
        path = getattr(service, key)
        if path and (not path.startswith("/") or not path.isprintable() or " " in path):
            yield f"{where}service.{key}: found {path!r}, expected a path that begins with /"
    if service.address:
        yield from _of_address(f"{where}service.address", service.address)


def _of_address(where: str, address: str) -> Iterator[str]:
    try:
        split = urlsplit(address)
        port = split.port
    except ValueError:
        split, port = urlsplit(""), None
    if split.scheme not in ("http", "https") or not split.hostname or port == 0:
        yield f"{where}: found {address!r}, expected such as http://10.0.0.5:8000"
    elif split.username or split.password or split.query or split.fragment or split.path not in ("", "/"):
        yield f"{where}: found more than scheme, host and port in it; paths stand in the population, keys in neither"


def _beside(path: Path, population: Population) -> dict[str, bytes]:
    """The files that a population names: the recorded arrivals and bodies.

    Raises:
        ConfigError: one cannot be read, or is no file beside the population.
    """
    names = [activity.body_file for activity in population.activities.values()]
    names += [] if population.load is None else [population.load.trace]
    found = {}
    for name in filter(None, names):
        if Path(name).name != name:
            raise ConfigError(f"{path}: found {name!r}, expected the name of a file beside this one")
        try:
            found[name] = read_named(path.parent / name)
        except OSError as error:
            raise ConfigError(f"{path}: {path.parent / name} cannot be read ({why(error)})") from None
    return found
