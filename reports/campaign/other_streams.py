"""What meters on circuits of their own read in one run: the terms of the energy of its rating interval, each by itself.

Knows one run's series. Knows no mean over runs, and sums nothing: what does not feed the SUT is no part of its energy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.record.documents import PowerDescriptor
from reports.energy.contributions import RunTerms, Stream, run_terms
from reports.energy.gaps import holes
from reports.energy.meter_error import error_of
from reports.energy.power_function import Convention, power_function
from reports.readings.series import PowerSeries, RunSeries


@dataclass(frozen=True, slots=True)
class OtherStream:
    """One meter over the rating interval: its terms (arrays of shape (1,)), how long no reading covers (s), and the
    longest such stretch (s)."""

    descriptor: PowerDescriptor
    terms: RunTerms
    gap_s: float
    longest_gap_s: float


def other_streams(series: RunSeries, bound_s: float) -> Iterator[OtherStream]:
    """Every meter that read something in the rating interval on a circuit that does not feed the SUT; `bound_s`: how
    wrong the edges may be on the meters' time."""
    begin_ns, end_ns = series.begin_ns, series.end_ns
    if begin_ns is None or end_ns is None:
        return
    for part in series.power.values():
        if part.descriptor.circuit not in series.circuits and part.reads_in(begin_ns, end_ns):
            yield _other_stream(part, series.run.start.utc, (begin_ns, end_ns), bound_s)


def _other_stream(part: PowerSeries, utc: str, interval_ns: tuple[int, int], bound_s: float) -> OtherStream:
    begins_ns, ends_ns = (np.array([edge], dtype=np.int64) for edge in interval_ns)
    own, descriptor = _stream(part, utc, None), part.descriptor
    convention_j = None
    if descriptor.stamp == "unknown" and descriptor.averaging == "window":
        start = _stream(part, utc, "start").function
        more_j = start.energy_j(begins_ns, ends_ns) - own.function.energy_j(begins_ns, ends_ns)
        convention_j = more_j, np.full(more_j.size, np.nan)
    terms = run_terms([own], begins_ns, ends_ns, None, (), bound_s, convention_j)
    uncovered = holes(own.function, *interval_ns)
    longest_s = max((hole.length_s for hole in uncovered), default=0.0)
    return OtherStream(descriptor, terms, float(own.function.gap_s(*interval_ns)), longest_s)


def _stream(part: PowerSeries, utc: str, convention: Convention | None) -> Stream:
    return Stream(part, power_function(part, convention), error_of(part.descriptor, utc), convention)
