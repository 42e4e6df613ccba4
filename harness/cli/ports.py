"""What is plugged in, and who answers at it when every driver asks. Knows ports and drivers. Knows no lab.toml."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from harness.cli.screen import Sheet, columns
from harness.record.errors import printable
from meters import registry
from meters.access import Access
from meters.meter import MeterError, MeterRefused, MeterUnavailable
from meters.reading import Identity, Origin

USBTMC_FILES = "usbtmc*"
SAYS_NOTHING = "n/a"
"""What pyserial says of a port that says nothing of itself."""
ABOUT = ("what", "maker", "serial number", "USB id")
"""What a port may say of itself."""


def ports_sheet(ports: Sequence[Mapping[str, str]], *, probed: bool) -> Sheet:
    """A line for each port, whose name stays whole: it is copied into lab.toml. What no port says has no column."""
    about = [head for head in ABOUT if any(port.get(head) for port in ports)]
    heads = ("port", *about, *(["answers"] if probed else []))
    rows = [[str(port.get(head, "")) for head in heads] for port in ports]
    return Sheet(columns(*heads, numbers=("port",)), rows)


def plugged_in() -> list[dict[str, str]]:
    """Serial ports, by their stable name under /dev/serial/by-id where they have one, and USB-TMC devices. Nothing is
    written to any of them."""
    from serial.tools import list_ports

    stable = {str(link.resolve()): str(link) for link in sorted(Path("/dev/serial/by-id").glob("*"))}
    found = []
    for port in sorted(list_ports.comports()):
        usb = "" if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"
        about = {"maker": port.manufacturer, "serial number": port.serial_number, "USB id": usb}
        name = stable.get(port.device, port.device)
        what = "serial port" if port.description in (None, "", SAYS_NOTHING) else printable(port.description)
        found.append({"port": name, "kind": "serial", "what": what} | _told(about))
    for device in sorted(Path("/dev").glob(USBTMC_FILES)):
        found.append({"port": str(device), "kind": "usbtmc", "what": "USB test and measurement device"})
    return found


def _told(about: dict[str, str | None]) -> dict[str, str]:
    return {key: printable(value) for key, value in about.items() if value}


def probe(ports: Sequence[dict[str, str]], drivers: Sequence[str], access: Access) -> None:
    """Ask with each driver that fits the port, until one understands the answer; what one refuses is the next best."""
    from rich.progress import Progress

    steps = [(port, name) for port in ports for name in drivers if port["kind"] in registry.KNOWN[name].links]
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("asking", total=len(steps))
        for port, name in steps:
            progress.update(task, advance=1, description=f"asking {port['port']} as {name}")
            if "driver" in port:
                continue
            try:
                meter = registry.open_meter(name, port["port"], capture=io.BytesIO(), options={}, access=access)
            except MeterRefused as error:
                port["answers"] = f"{name}: {error}"
                continue
            except MeterUnavailable as error:
                port.setdefault("answers", str(error).removeprefix(f"{port['port']}: "))
                continue
            except MeterError:
                port.setdefault("answers", "nobody that a driver understands at its default options")
                continue
            try:
                port["driver"], port["origin"] = name, meter.origin().kind
                port["answers"] = f"{name}: {who(meter.identify(), meter.origin())}"
            finally:
                meter.close()


def who(identity: Identity, origin: Origin) -> str:
    """An instrument in words, and what its port proves."""
    words = filter(None, (identity.maker, identity.model, identity.serial, identity.firmware))
    return f"{printable(' '.join(words)) or 'a meter that does not say who it is'}: {origin.kind}"
