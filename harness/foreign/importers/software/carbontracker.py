"""carbontracker's log (`<time>_carbontracker.log`, not its `_output.log`) -> a trace: watts of CPU and GPU per epoch.

Knows the lines `Epoch N:`, `Duration:` and `Average power usage (W) for <component>:`. Seen: 177 files of 1.1.6
(vladostp/an-experimental-comparison-of-software-based-power-meters, CC BY-SA 4.0), and one of 2.3.4. A figure is the
mean over its epoch, without the factor (PUE) that carbontracker puts on its energies: it stands at the begin and at the
end of the epoch, and nothing stands between epochs. 1.x prints a figure for each device (an array, on several lines
where it is long), whose sum is taken; 2.x prints one, which is the mean of its devices (findings/
carbontracker-mean-of-devices.sh): taken as it stands, and said. Stamps are local time in whole seconds, although the
file's name ends in Z.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.foreign.importers.software.text import word
from harness.foreign.importers.software.trace import SoftwareTrace, gauge, pivoted
from harness.foreign.importers.source import SourceFile, decoded
from harness.foreign.importers.stamps import CLOCK, SECOND_NS, time_of
from harness.record.errors import ImportFileError

NAME = "carbontracker"
_STAMP = rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d) {CLOCK}"
_LINE = re.compile(rf"^(?P<stamp>{_STAMP}) - ", re.MULTILINE)
_DURATION = re.compile(r"Duration: (?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)\s*")
_POWER = re.compile(r"Average power usage \(W\) for (\w+): (.*)", re.DOTALL)
_DEVICES = re.compile(r"(\w+) with device\(s\) (.*?)\.(?= \w+ with device|\s*$)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the log, over as many lines as it has: its first line, its time, its text."""

    line: int
    time_ns: int
    text: str


def read_carbontracker(source: SourceFile) -> SoftwareTrace:
    """The epochs of a log.

    Raises:
        ImportFileError: another file, no epoch, a figure that is none; with file and line.
    """
    notes: list[str] = []
    edges: list[tuple[int, str, float]] = []
    devices: dict[str, int] = {}
    begin_ns, end_ns = 0, 0
    for message in _messages(source):
        if message.text.startswith("The following components were found"):
            devices = {word(kind): len(names.split(", ")) for kind, names in _DEVICES.findall(message.text)}
        elif match := _DURATION.fullmatch(message.text):
            days, hours, minutes, seconds = match.groups()
            duration_s = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)
            begin_ns, end_ns = message.time_ns - round(duration_s * SECOND_NS), message.time_ns
        elif (match := _POWER.fullmatch(message.text)) and match[2].strip() != "None":
            power_w = _power_w(source, message.line, match[2], word(match[1]), devices, notes)
            column = f"{word(match[1])}_power_w"
            edges += [(begin_ns, column, power_w), (end_ns, column, power_w), (end_ns + 1, column, np.nan)]
    if not edges:
        raise ImportFileError(
            f"{source.path}:1: no 'Average power usage (W)' of an epoch in it; give the log whose name ends in "
            "_carbontracker.log, of a training that ended its first epoch"
        )
    edges.sort(key=lambda edge: edge[0])
    names, times, values, more = pivoted(
        source, np.array([time for time, _, _ in edges], dtype=np.int64), [name for _, name, _ in edges],
        np.array([power for _, _, power in edges]),
    )  # fmt: skip
    columns = [gauge(name, f"power of the {name[:3].upper()}", "carbontracker: mean over an epoch") for name in names]
    return SoftwareTrace(NAME, columns, times, values, tuple(dict.fromkeys(notes + more)), "local")


def _messages(source: SourceFile) -> Iterator[Message]:
    text = decoded(source.content).replace("\r\n", "\n")
    stamps = list(_LINE.finditer(text))
    if not stamps:
        raise ImportFileError(
            f"{source.path}:1: found {text[:60]!r}, expected lines such as '2022-04-20 08:28:08 - carbontracker "
            "version 1.1.6'"
        )
    for match, end in zip(stamps, [*(match.start() for match in stamps[1:]), len(text)], strict=True):
        line = text.count("\n", 0, match.start()) + 1
        time_ns = time_of(match)
        if time_ns is None:
            raise ImportFileError(f"{source.path}:{line}: there is no time {match['stamp']}; was the log edited?")
        yield Message(line, time_ns, text[match.end() : end].rstrip("\n"))


def _power_w(
    source: SourceFile, line: int, text: str, component: str, devices: dict[str, int], notes: list[str]
) -> float:
    inner = text.strip()
    listed = inner.startswith("[") and inner.endswith("]")
    figures = inner.strip("[]").replace(",", " ").split()
    if not figures or not all(_NUMBER.fullmatch(figure) for figure in figures) or (not listed and len(figures) > 1):
        raise ImportFileError(
            f"{source.path}:{line}: found {inner!r:.60} W for {component}, expected a number or a list of them"
        )
    many = devices.get(component, 1)
    if many > 1 and len(figures) == 1:
        notes.append(
            f"{component}: {many} devices and one figure, which is their mean and not their sum in carbontracker 2"
        )
    return sum(map(float, figures))
