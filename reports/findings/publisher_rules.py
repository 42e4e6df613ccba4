"""What MLPerf's rules ask of an imported run: Training's of its readings (power_measurement.adoc of
mlcommons/training_policies), Tiny's of its window (mlcommons/tiny: at least 10 s).

Knows the window event of an imported run, its streams, and what their descriptors say of conversion and estimate. Knows
no file, no uncertainty, and not what the rule's energy is (`reports/energy/publisher.py`). One finding a rule and run;
its evidence names the meters.

Our reading of the rules, whose thresholds are here:
- "at least once every second": no step between two readings of the timed part is longer than `RATE_S`, which leaves a
  logger 5 % of jitter.
- "distributed evenly": the longest step is at most `EVEN` times the median of the steps that have a length. Doubled
  stamps are a finding of their own.
- "max(a run, 60 power samples)": readings with different stamps in the timed part.
- Bracketing is the finding `publisher-window`, which every publisher's window has.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PowerDescriptor, WindowEvent
from reports.energy.publisher import window_of
from reports.readings.series import PowerSeries, RunSeries
from reports.results.finding import Finding
from reports.results.kinds.code import FindingCode

RULE = "reading-times-step"
TINY_RULE, TINY_LEAST_S = "samples-from-to", 10.0
RATE_S = 1.05
EVEN = 1.5
LEAST_SAMPLES = 60
ZONE_S = 1800.0
"""Zones of the world are whole numbers of half an hour apart (but for a few quarters)."""
ZONE_WITHIN_S = 120.0


def of_run(series: RunSeries) -> Iterator[Finding]:
    """The findings of a run whose publisher counts by `RULE` or `TINY_RULE`; none of any other."""
    window, name = window_of(series.run), series.run.path.name
    if window is not None and window.rule == TINY_RULE:
        window_s = (window.to_ns - window.from_ns) * 1e-9
        if window_s < TINY_LEAST_S:
            yield Finding("publisher-duration", "warn", name, {"window_s": window_s, "least_s": TINY_LEAST_S})
    if window is None or window.rule != RULE:
        return
    found: dict[FindingCode, Json] = {}
    for part in series.parts:
        meter = part.descriptor.meter
        for code, evidence in _of_part(part, window):
            found.setdefault(code, {})[meter] = evidence
    found |= _of_beside(series, window)
    yield from (Finding(code, "warn", name, {"meters": meters}) for code, meters in found.items())
    yield from _of_descriptors(name, series)


def _of_part(part: PowerSeries, window: WindowEvent) -> Iterator[tuple[FindingCode, Json | int]]:
    """What the rules find in the readings of one stream."""
    if is_estimate(part.descriptor):
        return
    times_ns = part.times_ns[(part.times_ns >= window.from_ns) & (part.times_ns <= window.to_ns)]
    distinct = np.unique(times_ns)
    steps_s: NDArray[np.float64] = np.diff(distinct) * 1e-9
    if distinct.size < LEAST_SAMPLES:
        yield "publisher-samples", int(distinct.size)
    if doubled := int(np.sum(np.diff(part.times_ns) == 0)):
        yield "publisher-stamps", doubled
    if not steps_s.size:
        return
    slow = steps_s > RATE_S
    if slow.any():
        duration_s = (window.to_ns - window.from_ns) * 1e-9
        yield "publisher-rate", {
            "steps": int(slow.sum()), "longest_s": float(steps_s.max()), "readings": int(distinct.size),
            "due": int(duration_s),
        }  # fmt: skip
    usual_s = float(np.median(steps_s))
    if steps_s.max() > EVEN * usual_s:
        yield "publisher-spacing", {"usual_s": usual_s, "longest_s": float(steps_s.max())}


def _of_beside(series: RunSeries, window: WindowEvent) -> Mapping[FindingCode, Json]:
    """Streams of which no reading lies in the timed part."""
    apart: Json = {}
    for descriptor in series.run.power:
        part = series.power.get(descriptor.meter)
        if part is None:
            continue
        first_ns, last_ns = int(part.times_ns[0]), int(part.times_ns[-1])
        if last_ns >= window.from_ns and first_ns <= window.to_ns:
            continue
        middle_s = ((first_ns + last_ns) - (window.from_ns + window.to_ns)) / 2 * 1e-9
        nearest_s = round(middle_s / ZONE_S) * ZONE_S
        apart[descriptor.meter] = {"ahead_s": middle_s} | (
            {"as_a_zone_h": nearest_s / 3600} if nearest_s and abs(middle_s - nearest_s) <= ZONE_WITHIN_S else {}
        )
    return {"publisher-apart": apart} if apart else {}


def _of_descriptors(name: str, series: RunSeries) -> Iterator[Finding]:
    """What the streams are said to be: converted, estimated, of different kinds of current."""
    own = [part.descriptor for part in series.parts]
    factors = {one.meter: one.evidence["conversion_eff"] for one in own if _is_converted(one)}
    if factors:
        yield Finding("publisher-conversion", "warn", name, {"conversion_eff": factors})
    if estimates := {one.meter: one.evidence.get("estimate_w") for one in own if is_estimate(one)}:
        yield Finding("publisher-estimate", "warn", name, {"estimate_w": estimates})
    if twins := _twins(series.parts):
        yield Finding("publisher-twins", "warn", name, {"meters": twins})
    if others := _of_other_current(series.run.power, own):
        yield Finding("publisher-current", "warn", name, {"meters": others})


def _of_other_current(known: Sequence[PowerDescriptor], own: Sequence[PowerDescriptor]) -> Json:
    """Meters beside the sum that read another kind of current (AC, DC, not stated) than those in it."""
    summed = {one.meter for one in own}
    kinds = {one.evidence.get("measurement_type") for one in own if not is_estimate(one)}
    return {
        one.meter: one.evidence.get("measurement_type") or "not stated"
        for one in known
        if one.meter not in summed and kinds and one.evidence.get("measurement_type") not in kinds
    }


def _twins(parts: Sequence[PowerSeries]) -> list[list[str]]:
    """Meters of the sum whose logs are the same from the first reading to the last; estimates may be."""
    alike: dict[tuple[bytes, bytes], list[str]] = {}
    for part in parts:
        if not is_estimate(part.descriptor):
            own = part.times_ns.tobytes(), part.power_w.tobytes()
            alike.setdefault(own, []).append(part.descriptor.meter)
    return [meters for meters in alike.values() if len(meters) > 1]


def _is_converted(descriptor: PowerDescriptor) -> bool:
    return descriptor.evidence.get("measurement_type") == "AC" and descriptor.evidence.get("conversion_eff") not in (
        None,
        1.0,
    )


def is_estimate(descriptor: PowerDescriptor) -> bool:
    """Whether its power is what the publisher estimates of a component, and nobody read."""
    return "estimate_w" in descriptor.evidence
