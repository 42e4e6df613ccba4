"""What PTDaemon says of one measurement, in its console log or in server.json: interval, averages, uncertainty.

Knows the replies that state them. Knows no sample's line and no file.
"""

import re
from dataclasses import dataclass, field

from harness.foreign.importers.ptd.samples import COUNT, NUMBER, Row

_STARTING = re.compile(f"Starting (?:un)?timed measurement.* at {COUNT}ms with {COUNT} rampup samples")
_AVERAGES = re.compile(
    f"Avg watts {NUMBER}, min watts {NUMBER}, max watts {NUMBER}, samples {COUNT}, errors {COUNT}, valid {COUNT}"
)
_WATTS = re.compile(f"Watts,{NUMBER},{NUMBER},{NUMBER},{COUNT},{COUNT},{COUNT}")
_UNCERTAINTY = re.compile(f"Uncertainty,{NUMBER},{NUMBER},{NUMBER},{COUNT},{COUNT},{COUNT},{COUNT}")


@dataclass(frozen=True, slots=True)
class Averages:
    """What PTDaemon itself says of the samples it counted (W), and where it says so."""

    where: str
    average_w: float
    low_w: float
    high_w: float
    total: int
    valid: int


@dataclass(frozen=True, slots=True)
class Stated:
    """What PTDaemon states of the uncertainty of a measurement, as fractions: `limit` bounds the samples it could
    judge; `samples` of them are valid, `unknown` ones it could not judge; `text` is its reply."""

    mean: float
    largest: float
    valid: int
    unknown: int
    text: str


@dataclass(slots=True)
class Go:
    """One measurement as the console log or server.json tells it: mark, interval (ms), ramp-up, averages, what was said
    before it, the rows of replies to `RL`, and whether every sample's uncertainty was checked (against which limit)."""

    mark: str
    interval_ms: int | None = None
    rampup: int = 0
    averages: list[Averages] = field(default_factory=list)
    uncertainty: list[Stated] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    reply: list[Row] = field(default_factory=list)
    checked: bool = False
    completed: bool = False


def take_start(go: Go, reply: str) -> bool:
    """Interval and ramp-up, where a reply is the one to Go; whether it is."""
    match = _STARTING.match(reply)
    if match:
        go.interval_ms, go.rampup = int(match[1]), int(match[2])
    return match is not None


def take_reply(go: Go, reply: str, where: str) -> None:
    """Averages and uncertainty that PTDaemon states of a measurement."""
    match = _AVERAGES.fullmatch(reply) or _WATTS.fullmatch(reply)
    if match:
        average_w, low_w, high_w = float(match[1]), float(match[2]), float(match[3])
        go.averages.append(Averages(where, average_w, low_w, high_w, int(match[4]), int(match[6])))
    elif match := _UNCERTAINTY.fullmatch(reply):
        stated = Stated(float(match[1]), float(match[3]), int(match[6]), int(match[7]), reply)
        go.uncertainty.append(stated)
