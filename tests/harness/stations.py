"""Stations without a campaign, for campaign files."""

from collections.abc import Mapping
from pathlib import Path

WALL = {"wall": ("/dev/ttyUSB0", "sut-ac-inlet")}


def station(sut: str = '[sut]\nhost = "h"\npython = "python3"\n', meters: Mapping[str, tuple[str, str]] = WALL) -> str:
    """The text of a lab.toml without a campaign: its tables of SUTs, and of each meter its port and circuit."""
    tables = [
        f'[meters.{name}]\ndriver = "wattsup"\nport = "{port}"\ncircuit = "{circuit}"\n'
        for name, (port, circuit) in meters.items()
    ]
    return f'schema = 1\n[lab]\nname = "L"\n{sut}{"".join(tables)}'


STATION = station()
BENCHES = (
    station(
        """\
[suts.bench-a]
host = "a"
python = "python3"
[suts.bench-b]
host = "b"
python = "python3"
circuits = ["b-1", "b-2"]
[suts.bench-b.supply]
voltage_v = 120.0
""",
        {
            "wall-a": ("/dev/ttyUSB0", "sut-ac-inlet"),
            "wall-b1": ("/dev/ttyUSB1", "b-1"),
            "wall-b2": ("/dev/ttyUSB2", "b-2"),
            "room": ("/dev/ttyUSB3", "lights"),
        },
    )
    + 'sut = "bench-b"\n'
)
"""Two SUTs; which one a meter feeds follows from its circuit, but for the room's."""
TABLES = """\
[campaign]
name = "c"
seed = 1
order = "shuffled"
stabilization_s = 1
supplementary_s = 1.5
[baseline]
blocks = 2
duration_s = 3
[scenarios.idle]
folder = "workloads/idle"
repetitions = 1
"""
"""What is asked of a room, in lab.toml or in a campaign file."""
CAMPAIGN = f"schema = 1\n{TABLES}"


def station_file(folder: Path, text: str = STATION) -> Path:
    """A lab.toml in the folder."""
    file = folder / "lab.toml"
    file.write_text(text)
    return file


def campaign_file(folder: Path, text: str = CAMPAIGN, name: str = "core.toml") -> Path:
    """A campaign file in the folder."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file
