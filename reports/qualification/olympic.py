"""MLPerf Training's test of a power meter: Olympic means of five disjoint minutes (method.md section 13).

Knows two traces of one load. Knows no campaign. The rule is "Target 5% Accuracy" of mlcommons/training_policies,
power_measurement.adoc, commit d7620c0. Our reading: the reference is the external meter; each side drops its own
highest and lowest minute; passed when |software / wall - 1| <= x.

Beside it stands the ratio with the uncertainty of both sides. The mean of three of five is a trimmed mean, so the
scatter of the minutes enters by the winsorised variance of software - ratio * wall with 2 degrees of freedom (Yuen
1974), the limits of error of the wall as type B.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.qualification.trace import EnergyTrace
from reports.results.software_meter import Decision, OlympicSpan, OlympicTest, Refusal
from reports.results.uncertainty import Number, Term, combine

Floats = NDArray[np.float64]
SPANS = 5
SPAN_S = 60.0
ROUNDING = 1e-9
"""Means of floating-point readings that are exactly x % apart differ from it by less than this part."""


def olympic_mean(values: Sequence[float] | Floats) -> float:
    """Mean without one highest and one lowest of at least three values; of equal ones only one is dropped."""
    kept = np.sort(np.asarray(values, dtype=np.float64))[1:-1]
    return float(kept.mean())


def minutes(run: str, wall: EnergyTrace, software: EnergyTrace, begin_s: float, end_s: float) -> Iterator[OlympicSpan]:
    """The disjoint minutes of a run from `begin_s` on that both traces cover without a gap."""
    at_s = begin_s
    while at_s + SPAN_S <= end_s:
        if wall.covers(at_s, at_s + SPAN_S) and software.covers(at_s, at_s + SPAN_S):
            span = np.array([at_s]), np.array([at_s + SPAN_S])
            yield OlympicSpan(run, at_s, float(wall.mean_w(*span)[0]), float(software.mean_w(*span)[0]))
        at_s += SPAN_S


def olympic_test(spans: Sequence[OlympicSpan], limit_percent: float, common: Sequence[Term]) -> OlympicTest | Refusal:
    """The test on the first five of `spans`, which are of one load.

    `limit_percent` is x. `common`: standard uncertainties of the ratio, relative, that all minutes share (limits of
    error of the wall, quantum of the software meter), with their degrees of freedom.
    """
    if len(spans) < SPANS:
        minutes = "minute" if len(spans) == 1 else "minutes"
        return Refusal(
            "too-short",
            f"Both traces cover {len(spans)} whole {minutes} of this load; the test needs {SPANS}. Let it run longer.",
        )
    used = tuple(spans[:SPANS])
    walls, softwares = np.array([span.wall_w for span in used]), np.array([span.software_w for span in used])
    wall_w, software_w = olympic_mean(walls), olympic_mean(softwares)
    if not wall_w > 0:
        return Refusal("not-above-zero", f"The wall shows {wall_w:.6g} W on this load; a ratio needs a power above 0.")
    ratio = software_w / wall_w
    away = np.sort(softwares - ratio * walls)
    winsorised = np.clip(away, away[1], away[-2])
    scatter = float(winsorised.std(ddof=1)) / (1 - 2 / SPANS) / math.sqrt(SPANS) / wall_w
    terms = [Term(scatter, SPANS - 3.0), *(Term(abs(ratio) * term.u, term.dof) for term in common)]
    number = Number(combine(ratio, terms), "1", float((softwares / walls).std(ddof=1)), SPANS)
    return OlympicTest(
        used, wall_w, software_w, is_within(software_w, wall_w, limit_percent), number,
        decision(number, limit_percent),
    )  # fmt: skip


def is_within(software_w: float, wall_w: float, limit_percent: float) -> bool:
    """Whether |software / wall - 1| <= limit: exactly the limit passes."""
    return 100 * abs(software_w - wall_w) <= limit_percent * wall_w * (1 + ROUNDING)


def decision(ratio: Number, limit_percent: float) -> Decision:
    """With guard band: `passes` where the whole interval lies within 1 +- x, `fails` where it lies outside."""
    away, expanded = ratio.value - 1, ratio.expanded
    if expanded is None:
        return "cannot-be-decided"
    limit = limit_percent / 100 * (1 + ROUNDING)
    if abs(away) + expanded <= limit:
        return "passes"
    return "fails" if abs(away) - expanded > limit else "cannot-be-decided"
