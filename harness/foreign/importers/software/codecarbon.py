"""What CodeCarbon says on the terminal while it runs -> a trace: watts and joules of CPU, memory and GPU.

Knows the lines `[codecarbon INFO @ 07:45:54] Energy consumed for all CPUs : 0.000177 kWh. Total CPU Power : 42.5 W`,
the last part of which 3.x leaves out of the CPU's. Seen: 2.8.3 in public readmes, and what 3.3.2 wrote here. They may
stand among the lines of a training, behind a progress bar. A stamp is a time of day without a date and a zone: the date
is given beside it (`begin`), and a time of day that goes back is the next day's. Energies add up since the tracker
began, in steps of 1e-6 kWh (3.6 J); where one goes back another tracker has begun, which is refused.
"""

import re
from collections.abc import Iterator

import numpy as np

from harness.foreign.importers.software.trace import SoftwareTrace, counter, gauge, pivoted
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import CLOCK, SECOND_NS
from harness.record.documents import Json
from harness.record.errors import ImportFileError

NAME = "codecarbon"
DAY_NS = 86_400 * SECOND_NS
J_PER_KWH = 3.6e6
PARTS = {"RAM": "ram", "CPU": "cpu", "GPU": "gpu"}
_NUMBER = r"\d+(?:\.\d+)?(?:e-?\d+)?"
_LINE = re.compile(
    rf"\[codecarbon \w+ @ {CLOCK}\] Energy consumed for (?:all |All )?(?:AppleSilicon )?(?P<part>RAM|CPU|GPU)s? ?: "
    rf"(?P<kwh>{_NUMBER}) kWh(?: ?\. ?(?:\w+ )+Power ?: (?P<watts>{_NUMBER}) W)?"
)


def read_codecarbon(source: SourceFile, begin_ns: int | None) -> SoftwareTrace:
    """The figures of a log; `begin_ns`: the wall clock's nanoseconds since 1970 at its begin, or midnight of that day.

    Raises:
        ImportFileError: no such line, no date, an energy that goes back; with file and line.
    """
    found: list[tuple[int, str, float]] = []
    last: dict[str, float] = {}
    for number, time_ns, part, energy_j, power_w in _rows(source, begin_ns):
        if energy_j < last.get(part, 0.0):
            raise ImportFileError(
                f"{source.path}:{number}: the energy of {part} goes back from {last[part] / J_PER_KWH:.6f} to "
                f"{energy_j / J_PER_KWH:.6f} kWh: another tracker begins here; split the file at this line"
            )
        last[part] = energy_j
        found.append((time_ns, f"{part}_energy_j", energy_j))
        found += [] if power_w is None else [(time_ns, f"{part}_power_w", power_w)]
    names, times, values, notes = pivoted(
        source, np.array([time for time, _, _ in found], dtype=np.int64), [name for _, name, _ in found],
        np.array([value for _, _, value in found]),
    )  # fmt: skip
    return SoftwareTrace(NAME, [_column(name) for name in names], times, values, tuple(notes), "local")


def _column(name: str) -> Json:
    part = name[:3].upper()
    if name.endswith("_j"):
        return counter(name, f"energy of {part}", "CodeCarbon: energy consumed since it began, in 1e-6 kWh")
    return gauge(name, f"power of {part}", "CodeCarbon: its last power")


def _rows(source: SourceFile, begin_ns: int | None) -> Iterator[tuple[int, int, str, float, float | None]]:
    """Line, time, part, joules and, where stated, watts of every line of a part."""
    day_ns, before_ns = None, 0
    for number, line in enumerate(lines_of(source), 1):
        for match in _LINE.finditer(line):
            if begin_ns is None:
                raise ImportFileError(
                    f"{source.path}:{number}: CodeCarbon's lines have a time of day and no date; say when its log began"
                )
            within_ns = (int(match["hour"]) * 3600 + int(match["minute"]) * 60 + int(match["second"])) * SECOND_NS
            if day_ns is None:
                day_ns, before_ns = begin_ns // DAY_NS * DAY_NS, begin_ns % DAY_NS
            if within_ns < before_ns - SECOND_NS:  # parts of one measurement may be a second apart, in any order
                day_ns += DAY_NS
            before_ns = within_ns
            power_w = None if match["watts"] is None else float(match["watts"])
            yield number, day_ns + within_ns, PARTS[match["part"]], float(match["kwh"]) * J_PER_KWH, power_w
    if day_ns is None:
        raise ImportFileError(
            f"{source.path}:1: no line such as '[codecarbon INFO @ 07:45:54] Energy consumed for RAM : 0.000048 kWh. "
            "RAM Power : 11.6 W'; give what CodeCarbon said on the terminal"
        )
