"""Stations without a campaign, for campaign files."""

from pathlib import Path

STATION = """\
schema = 1
[lab]
name = "L"
[sut]
host = "h"
python = "python3"
[meters.wall]
driver = "wattsup"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
"""
BENCHES = """\
schema = 1
[lab]
name = "L"
[suts.bench-a]
host = "a"
python = "python3"
[suts.bench-b]
host = "b"
python = "python3"
circuits = ["b-1", "b-2"]
[suts.bench-b.supply]
voltage_v = 120.0
[meters.wall-a]
driver = "wattsup"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
[meters.wall-b1]
driver = "wattsup"
port = "/dev/ttyUSB1"
circuit = "b-1"
[meters.wall-b2]
driver = "wattsup"
port = "/dev/ttyUSB2"
circuit = "b-2"
[meters.room]
driver = "wattsup"
port = "/dev/ttyUSB3"
circuit = "lights"
sut = "bench-b"
"""
"""Two SUTs; which one a meter feeds follows from its circuit, but for the room's."""
CAMPAIGN = """\
schema = 1
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
