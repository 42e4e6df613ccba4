"""What is plugged in, as a list and as a table. Knows ports. Knows no lab.toml; who answers at them `probing` asks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cli.screen import Sheet, columns
from harness.record.errors import printable
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


def who(identity: Identity, origin: Origin) -> str:
    """An instrument in words, and what its port proves."""
    words = filter(None, (identity.maker, identity.model, identity.serial, identity.firmware))
    return f"{printable(' '.join(words)) or 'a meter that does not say who it is'}: {origin.kind}"
