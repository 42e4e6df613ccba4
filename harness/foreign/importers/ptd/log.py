"""What is kept of one of PTDaemon's text files: its samples, and what PTDaemon says between them.

Knows PTDaemon's messages, line by line: identity, ranges, averages, warnings. Knows no run, and not how lines are told
apart (reader.py).

Forms (real lines: mlcommons/inference_results_v1.0 to v4.1, mlcommons/power-dev logs_example and tests/unit/
test_server.py): `Time,MM-DD-YYYY hh:mm:ss.mmm,Watts,..,Volts,..,Amps,..,PF,..,Mark,..[,ChN,Watts,..]`; the console
prints the same without `Time,`, and the rows of its replies to `RL` without `Mark` and without `ChN`. Into such a row
PTDaemon may print the head of a message (`<date>: Response to client sent: `), and two messages onto one line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.foreign.importers.ptd.measurement import Go, take_reply, take_start
from harness.foreign.importers.ptd.samples import NUMBER, Row
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

SENT = "Response to client sent: "
_SCIENTIFIC = r"(\d{1,9}(?:\.\d{1,9})?E[+-]\d{1,2})"
_GO = re.compile(r"Go with mark '(.*)'")
_ABOVE = re.compile(
    r"Uncertainty (\d{1,9}\.\d{1,9})%,? (?:which is )?above (\d+\.\d+)% limit for the last (?:measurement )?sample"
)
_CHANNEL = re.compile(r"channel (\d+)")
_CHECKED = re.compile(r"Uncertainty checking for \S+ is activated")
_SET = re.compile(r"(Volt|Amp|Ampere) range set to (?:Auto|(\d{1,9}\.\d{1,9})[VA])")
_RANGES = re.compile(f"Ranges,(-?\\d),{NUMBER},(-?\\d),{NUMBER}")
_ASKED = re.compile(f"\\.\\.\\.response of \\d+ bytes: (?:\\d+;)?{_SCIENTIFIC};([01]);{_SCIENTIFIC};([01])")

Quantity: TypeAlias = Literal["voltage_v", "current_a"]
Range: TypeAlias = tuple[bool | None, float | None]
"""Whether a range is left to the analyser, and its full scale (V or A); None where unknown."""


@dataclass(slots=True, eq=False)
class Log:
    """One text file, or what is of one analyser in it: its samples, and what else PTDaemon wrote, by line."""

    source: SourceFile
    analyser: int = 1
    rows: list[Row] = field(default_factory=list)
    goes: list[Go] = field(default_factory=list)
    identify: str | None = None
    ranges: list[tuple[int, Quantity, Range, str]] = field(default_factory=list)
    uncertain: list[tuple[int, int, float | None]] = field(default_factory=list)
    problems: list[tuple[int, int, str]] = field(default_factory=list)
    cut_line: int | None = None
    checked: bool = False
    damaged: list[int] = field(default_factory=list)
    """Lines of a reply to `RL` that are no whole row."""


def take_message(log: Log, number: int, time_ns: int, text: str) -> None:
    """Keep what one message says."""
    where = f"{log.source.path}:{number}"
    reply = text.removeprefix(SENT).strip()
    if match := _GO.match(text):
        log.goes.append(Go(match[1], checked=log.checked))
    elif _CHECKED.match(text):
        log.checked = True
    elif ",version=" in reply and ",mode=" in reply:
        if log.identify is not None and log.identify != reply:
            raise ImportFileError(f"{where}: another analyser than before; cut the file where it was changed")
        log.identify = reply
    elif (log.goes and take_start(log.goes[-1], reply)) or _is_of_uncertainty(log, number, time_ns, text):
        pass
    elif match := re.match(r"(WARNING|ERROR)[:,] ?(.*)", text):
        log.problems.append((number, time_ns, f"{match[1].lower()}: {match[2]}"))
    elif changes := list(_range_changes(reply)):
        log.ranges += [(time_ns, quantity, value, text) for quantity, value in changes]
    elif log.goes:
        log.goes[-1].completed |= text == "Completed test"
        take_reply(log.goes[-1], reply, where)


def _is_of_uncertainty(log: Log, number: int, time_ns: int, text: str) -> bool:
    """Whether a message is about the uncertainty of the last sample; what it says of the sum is kept."""
    above = _ABOVE.search(text)
    if above is None and "Uncertainty unknown for the last" not in text:
        return False
    channel = _CHANNEL.search(text)
    if channel is None or channel[1] == "0":
        log.uncertain.append((number, time_ns, None if above is None else float(above[1]) / 100))
    return True


def _range_changes(text: str) -> Iterator[tuple[Quantity, Range]]:
    """The ranges a line tells: as set, as PTDaemon or as the analyser answers."""
    if match := _SET.match(text):
        yield (
            "voltage_v" if match[1] == "Volt" else "current_a",
            (match[2] is None, float(match[2]) if match[2] else None),
        )
    elif match := _RANGES.fullmatch(text):
        for quantity, auto, full in (("current_a", match[1], match[2]), ("voltage_v", match[3], match[4])):
            known = float(full) if float(full) > 0 else None
            yield _quantity(quantity), ({"0": False, "1": True}.get(auto), known)
    elif match := _ASKED.match(text):
        yield "current_a", (match[2] == "1", float(match[1]))
        yield "voltage_v", (match[4] == "1", float(match[3]))


def _quantity(name: str) -> Quantity:
    return "voltage_v" if name == "voltage_v" else "current_a"
