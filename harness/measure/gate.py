"""When a machine has settled, and when it is back where the session began: rules over readings and temperatures.

Knows the two rules (method.md sections 3 and 7) and their thresholds in lab.toml. Knows no clock, no meter and no run:
readings come as (time in s, power in W) in order of time, and it is the caller who waits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev

from harness.measure.campaign_file import Gate, Settle
from harness.record.documents import Json

Trace = Sequence[tuple[float, float]]
LEAST_READINGS = 2
"""In each mean; a slower meter is waited for until it has given as many."""


@dataclass(frozen=True, slots=True)
class Step:
    """Two consecutive means (W) and the standard error (W) of their difference, readings taken as independent."""

    earlier_w: float
    later_w: float
    u_w: float

    def settled(self, settle: Settle) -> bool:
        """Whether they differ by less than the larger of `percent` and two standard errors."""
        allowed_w = max(settle.percent / 100 * abs(self.earlier_w), 2 * self.u_w)
        # Without any noise both are 0: equal means are settled.
        return abs(self.later_w - self.earlier_w) <= allowed_w


def last_step(trace: Trace, now_s: float, mean_s: float) -> Step | None:
    """The last two means over `mean_s` before `now_s`; None while the trace does not hold both."""
    if not trace or trace[0][0] > now_s - 2 * mean_s + _spacing_s(trace):
        return None
    later = [power_w for at_s, power_w in trace if now_s - mean_s < at_s <= now_s]
    earlier = [power_w for at_s, power_w in trace if now_s - 2 * mean_s < at_s <= now_s - mean_s]
    if min(len(later), len(earlier)) < LEAST_READINGS:
        return None
    errors_w = (stdev(part) / math.sqrt(len(part)) for part in (earlier, later))
    return Step(fmean(earlier), fmean(later), math.hypot(*errors_w))


def _spacing_s(trace: Trace) -> float:
    """The mean distance of readings: the first window begins as much before the first stamp."""
    return (trace[-1][0] - trace[0][0]) / max(len(trace) - 1, 1)


def recent_mean(trace: Trace, now_s: float, mean_s: float) -> float | None:
    """The mean (W) of the last `mean_s`; None without a reading there."""
    found = [power_w for at_s, power_w in trace if now_s - mean_s < at_s <= now_s]
    return fmean(found) if found else None


@dataclass(frozen=True, slots=True)
class Condition:
    """How warm and how loaded the machine is: mean power by meter (W), temperatures by indicator (degC)."""

    power_w: Mapping[str, float]
    temperature_c: Mapping[str, float]

    def to_json(self) -> Json:
        """For the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, written: Json) -> "Condition":
        """As `to_json` wrote it."""
        return cls(dict(written["power_w"]), dict(written["temperature_c"]))


def outside(now: Condition, reference: Condition, gate: Gate) -> list[str]:
    """The meters and temperatures of the reference that are not back within their bands; what is not known yet is not
    back."""
    found = []
    for meter, before_w in reference.power_w.items():
        power_w = now.power_w.get(meter)
        if power_w is None or abs(power_w - before_w) > gate.power_percent / 100 * abs(before_w):
            found.append(meter)
    for name, before_c in reference.temperature_c.items():
        band_c = gate.gpu_c if name.startswith("gpu") else gate.cpu_c
        temperature_c = now.temperature_c.get(name)
        if temperature_c is None or abs(temperature_c - before_c) > band_c:
            found.append(name)
    return found
