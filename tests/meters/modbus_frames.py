"""Frames of real PZEM meters, as tests/data/wire holds them; their sources stand in tests/data/ATTRIBUTION.md."""

from pathlib import Path

FRAMES_FILE = Path(__file__).parents[1] / "data" / "wire" / "pzem004t-v3-frames.txt"


def real_frames() -> list[tuple[str, int, bytes]]:
    """(issue, second of the day, frame) of each line."""
    found = []
    for line in FRAMES_FILE.read_text("ascii").splitlines():
        issue, clock, text = line.split(" ", 2)
        hours, minutes, seconds = map(int, clock.split(":"))
        found.append((issue, hours * 3600 + minutes * 60 + seconds, bytes.fromhex(text)))
    return found


REAL = real_frames()
REAL_FRAMES = [frame for _issue, _second, frame in REAL]
