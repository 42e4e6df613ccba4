"""Meters on the networks of this host that let themselves be found, and the lines of lab.toml for each.

Knows: the search with its progress, who answers there when its driver asks. Knows no protocol of a search.
Nobody who was only found gets a password: whoever announces himself as a meter would have it.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console

from harness.cli.ports import who
from harness.cli.screen import Sheet, columns, say
from harness.record.errors import printable
from meters import registry
from meters.discovery.found import Found
from meters.discovery.search import interfaces, search
from meters.meter import MeterError
from meters.reading import OriginKind

SEARCH_S = 6.0
"""myStrom's switches speak each five seconds."""
NOTHING = (
    "No meter on a network answered. Devices in another network are not found, nor kinds that cannot be searched for "
    "(docs/meters.md), nor any where a firewall of this host drops answers (UDP). A meter whose address is known: "
    "`wattlab meter list --probe --port http://ADDRESS`."
)
NO_INTERFACE = "No interface of this host is up, loopback aside, so that no network can be searched: connect it to one."


@dataclass(frozen=True, slots=True)
class NetworkMeter:
    """A meter, or what one is read through, that was found on a network."""

    driver: str
    """By which it is read; `driver` of lab.toml."""
    port: str
    """Where it is; `port` of lab.toml, empty where only the lab knows it."""
    says: str
    """What it says of itself."""
    found_by: str
    """The protocol by which it was found."""
    answers: str | None
    """What its driver was answered there, in words; null: it was not asked, as something is needed first."""
    origin: OriginKind | None
    """What the port proves of the meter that answered; null: none did."""
    needs: tuple[str, ...]
    """What is needed before it can be read."""
    lab_toml: str
    """The lines for lab.toml."""


def network_meters(drivers: Sequence[str]) -> tuple[list[NetworkMeter], list[str]]:
    """Look for meters of these drivers, and ask those of which nothing is needed who they are; the second list is what
    could not be searched, in sentences."""
    from rich.progress import Progress

    on = interfaces()
    if not on:
        return [], [NO_INTERFACE]
    places = ", ".join(f"{interface.name} {interface.address}" for interface in on)
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"searching on {places}", total=SEARCH_S)

        def tell(gone_s: float, count: int) -> None:
            progress.update(task, completed=gone_s, description=f"searching on {places}: {count} found")

        findings = search(on, frozenset(drivers), SEARCH_S, tell)
        found = sorted(findings.found, key=lambda one: (one.driver, one.port, one.says))
        names = [*_names(found)]
        meters = []
        for one, name in zip(found, names, strict=True):
            progress.update(task, description=f"asking {one.port or one.says} as {one.driver}")
            meters.append(_asked(one, name))
    return meters, [printable(remark) for remark in findings.remarks]


def _names(found: Sequence[Found]) -> Iterator[str]:
    """A name for each that no other has."""
    counts: dict[str, int] = {}
    for one in found:
        number = counts[one.driver] = counts.get(one.driver, 0) + 1
        yield one.driver if number == 1 else f"{one.driver}-{number}"


def _asked(one: Found, name: str) -> NetworkMeter:
    answers: str | None = None
    origin: OriginKind | None = None
    if one.port and not one.needs:
        try:
            meter = registry.open_meter(one.driver, one.port, capture=io.BytesIO(), options=one.options)
        except MeterError as error:
            answers = printable(str(error).removeprefix(f"{one.port}: "))
        else:
            answers, origin = who(meter.identify(), meter.origin()), meter.origin().kind
            meter.close()
    return NetworkMeter(
        driver=one.driver, port=one.port, says=printable(one.says), found_by=one.by, answers=answers, origin=origin,
        needs=tuple(map(printable, one.needs)), lab_toml=_lines(one, name),
    )  # fmt: skip


def _lines(one: Found, name: str) -> str:
    keys: dict[str, object] = {"driver": one.driver, "port": one.port}
    keys |= {"options": dict(one.options)} if one.options else {}
    from harness.measure.quick import toml_of  # imports what a list of meters need not pay for

    return "\n".join([f"[meters.{name}]", *(f"{key} = {toml_of(value)}" for key, value in keys.items()), ""])


def say_network(meters: Sequence[NetworkMeter], remarks: Sequence[str], console: Console) -> None:
    """Show what was found, and what is to be copied."""
    if meters:
        console.print(network_sheet(meters))
    for remark in remarks:
        say(console, remark, "yellow")
    if not meters:
        if NO_INTERFACE not in remarks:
            say(console, NOTHING)
        return
    say(console, "For lab.toml, with a circuit each where there are several:")
    for meter in meters:
        console.print()
        console.print(meter.lab_toml.rstrip(), markup=False, highlight=False, soft_wrap=True)
        told = [meter.answers] if meter.answers and meter.origin is None else []
        for words in [*told, *(f"needs {need}" for need in meter.needs)]:
            console.print(f"# {words}", markup=False, highlight=False, soft_wrap=True)
    say(console, "\nAn address may change: let the router give the meter the same one always.")


def network_sheet(meters: Sequence[NetworkMeter]) -> Sheet:
    """A line for each meter that was found."""
    rows = [(meter.driver, meter.port, meter.says, meter.found_by, _shown(meter)) for meter in meters]
    return Sheet(columns("driver", "port", "it says", "found by", "answers", numbers=("port",)), rows)


def _shown(meter: NetworkMeter) -> str:
    if meter.answers is None:
        return "not asked: more is needed"
    return meter.answers if meter.origin else "not as it should"
