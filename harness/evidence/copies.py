"""Two runs that hold one recording: a run that was measured once and counted twice.

Knows the stamps of power streams. Knows no power: it may be the same in any two runs.

Decisions
- A host stamps a reading to the nanosecond when it hears it, and never twice after the same eight pauses: so a stretch
  of eight pauses that two runs share is one recording, whenever the second is said to have been made.
- Stamps that are whole tenths of a millisecond are another clock's and may repeat; so may the even pauses of readings
  that came together. Of eight pauses six have to differ.
- The first thousand readings of a run are looked at, as many of each of its streams, and 64 bits of each stretch kept:
  a campaign of thousands of runs takes some hundred MiB.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from harness.record.plain_files import open_plain
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination

READINGS, FEWEST = 1000, 20
PAUSES, DIFFERENT = 8, 6
GRAIN_NS = 100_000
MOST_DIGITS = 19
Stretch: TypeAlias = int
"""Its hash."""


def check_copies(subject: str, seen: Examination) -> Check:
    """No two runs that were measured here share a stretch of a recording."""
    owners: dict[Stretch, str] = {}
    problems: dict[tuple[str, str], None] = {}
    for run in seen.runs.values():
        if run.start.source is not None:
            continue
        most = max(READINGS // max(len(run.power), 1), FEWEST)
        for stretch in {stretch for part in run.power for stretch in _stretches(run, part.stream, most)}:
            if (other := owners.setdefault(stretch, run.path.name)) != run.path.name:
                problems[other, run.path.name] = None
    found = [f"{later} holds readings of {first}, at the same pauses to the nanosecond" for first, later in problems]
    return Check(subject, "copies", not found, "; ".join(found[:5]) or "every run holds a recording of its own")


def _stretches(run: RunFolder, stream: str, most: int) -> Iterator[Stretch]:
    """Every stretch of pauses that only one recording can hold, of so many first readings."""
    pauses: deque[int] = deque(maxlen=PAUSES)
    before: int | None = None
    for at_ns in _stamps(run, stream, most):
        if before is not None:
            pauses.append(at_ns - before)
        before = at_ns
        is_fine = any(pause % GRAIN_NS for pause in pauses)
        if len(pauses) == PAUSES and is_fine and len(set(pauses)) >= DIFFERENT:
            yield hash(tuple(pauses))


def _stamps(run: RunFolder, stream: str, most: int) -> Iterator[int]:
    """Stamps of the first readings, as far as they can be read: what cannot be is the business of other checks."""
    try:
        with open_plain(run.path / stream) as lines:
            for line in islice(lines, 1, most + 1):
                text = line.partition(b",")[0]
                if text.isdigit() and len(text) <= MOST_DIGITS:
                    yield int(text)
    except OSError:
        return
