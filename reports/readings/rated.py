"""A run as it is rated: by its meters, or, where it has none, by the software meter that its certificate qualifies.

Knows the certificate among the run's inputs and the line from software to wall. Knows no energy and no finding: that
and why there is no estimate stands in `RunSeries.applied`.

The readings of the software meter become a power stream of the wall: its stamps less the lag, its power through the
line. A gauge stands for its moment; a counter is the mean since the value before. The stream's descriptor says
*estimated*, names the certificate by its digest, and carries what its error is made of
(`reports/results/transfer_error.py`). An estimate is refused where the certificate is not for this machine, this load
or this range (`reports/results/applicability.py`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from harness.record.counter import counted
from harness.record.documents import PowerDescriptor, load_object
from harness.record.errors import AnalysisError, DocumentError
from harness.record.run_folder import RunFolder
from reports.readings.series import SUT_INLET, PowerSeries, RunSeries, read_run
from reports.readings.software import SoftwareTrace, software_traces
from reports.results.applicability import Machine, beside, chosen, lag_of, lag_u_s, machine_of, mismatches, range_of
from reports.results.applied import Applied
from reports.results.meters import QUALIFIED
from reports.results.qualification import QUALIFICATION, Qualification, qualification_of
from reports.results.rules import Rule, was
from reports.results.software_meter import Lag, LoadKind, Refusal, SoftwareMeter, Transfer
from reports.results.transfer_error import TRANSFER, TransferError

MOST_OUTSIDE_PERCENT = 5.0
"""So much of an interval may lie outside of the qualified range; beyond it there is no estimate."""
LAG_U = "lag_u_s"
"""In the evidence of a descriptor: the standard uncertainty of the lag."""
NS = 1e-9


@dataclass(frozen=True, slots=True)
class SoftwarePower:
    """What a software meter said, as power: stamps (ns), watts and windows (s, 0 for a moment), each of shape (n,)."""

    times_ns: NDArray[np.int64]
    power_w: NDArray[np.float64]
    window_s: NDArray[np.float64]

    def between(self, begin_ns: int, end_ns: int) -> "SoftwarePower":
        """What was said from one instant to another."""
        inside = slice(*np.searchsorted(self.times_ns, [begin_ns, end_ns]).tolist())
        return SoftwarePower(self.times_ns[inside], self.power_w[inside], self.window_s[inside])


def read_rated(run: RunFolder) -> RunSeries:
    """The run's series, with an estimate in place of meters where it has a certificate and no meter.

    Raises:
        AnalysisError: as `read_run`.
    """
    series = read_run(run)
    content = run.read_input(QUALIFICATION) if all(one.origin == "estimated" for one in run.power) else None
    if content is None:
        return series
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        certificate = qualification_of(load_object(content, QUALIFICATION))
    except DocumentError as error:
        return replace(series, applied=Applied(sha256, "", "", kind_of(run), (str(error),)))
    return estimated(series, certificate, sha256, _named(run), kind_of(run))


def kind_of(run: RunFolder) -> str:
    """What its load keeps busy; empty where nobody says it."""
    start = run.start
    if start.kind == "baseline":
        return "idle"
    return str(start.scenario_config.get("load_kind") or "")


def estimated(
    series: RunSeries, certificate: Qualification, sha256: str, named: str, kind: str, *, is_same_machine: bool = False
) -> RunSeries:
    """The series with the estimate of a certificate (its digest: `sha256`), or with the reasons against it. `named`:
    the software meter, empty: the only one that can; `is_same_machine`: somebody else answers for the machine."""
    run = series.run
    meter = chosen(certificate, named)
    applied = Applied(sha256, certificate.campaign.name, meter if isinstance(meter, str) else meter.name, kind)
    if isinstance(meter, str):
        return replace(series, applied=replace(applied, meter="", against=(meter,)))
    traces = software_traces(series)
    trace = traces.pop(meter.name, None)
    try:
        said = None if trace is None else power_of(trace)
    except AnalysisError as error:
        return replace(series, applied=replace(applied, against=(str(error),)))
    if trace is None or said is None or not said.times_ns.size:
        wrong = f"{meter.name} said nothing in this run; the notes of the run say what the agent met"
        return replace(series, applied=replace(applied, against=(wrong,)))
    machine = None if is_same_machine else machine_of(run.start.sut)
    edges_ns = None if series.begin_ns is None or series.end_ns is None else (series.begin_ns, series.end_ns)
    against, outside = against_record(certificate, meter, kind, machine, trace.period_s, said, edges_ns)
    if edges_ns is not None and not against:
        against = (*of_quantity(meter, trace), *of_others(certificate, meter, kind, traces, edges_ns))
    applied = replace(applied, against=against, outside_percent=outside)
    if against:
        return replace(series, applied=applied)
    estimate = wall_of(said, meter, certificate, sha256, next(iter(series.named_circuits), SUT_INLET))
    return replace(series, run=replace(run, power=(estimate.descriptor,)), applied=applied, estimate=estimate)


def against_record(
    certificate: Qualification,
    meter: SoftwareMeter,
    kind: str,
    machine: Machine | None,
    period_s: float,
    said: SoftwarePower,
    edges_ns: tuple[int, int] | None,
) -> tuple[tuple[str, ...], float]:
    """Why a record of a software meter that can estimate has no estimate (nothing: it has one), and how much of its
    interval (%) lies outside of the qualified range. `machine` None: somebody else answers for it."""
    wrong = [str(one) for one in mismatches(certificate.validity, machine, period_s)]
    wrong += of_kind(meter, kind)
    if wrong or edges_ns is None:
        return tuple(wrong), 0.0
    late_ns = lag_ns(meter)
    outside, problem = of_range(meter, kind, said.between(edges_ns[0] + late_ns, edges_ns[1] + late_ns))
    return ((problem,) if problem else ()), outside


def _named(run: RunFolder) -> str:
    told = run.start.config.get("sut")
    return str(told.get("software_meter") or "") if isinstance(told, dict) else ""


def of_quantity(meter: SoftwareMeter, trace: SoftwareTrace) -> Iterator[str]:
    """Whether a column of the record is what the certificate knows by its name."""
    if (trace.kind, trace.source) != (meter.kind, meter.says):
        yield (
            f"{meter.name}: found a {trace.kind} of {trace.source!r}, the certificate is for a {meter.kind} of "
            f"{meter.says!r}; qualify it as it is now"
        )


def of_others(
    certificate: Qualification,
    meter: SoftwareMeter,
    kind: str,
    traces: Mapping[str, SoftwareTrace],
    edges_ns: tuple[int, int],
) -> Iterator[str]:
    """Whether what the other software meters said (`traces`) fits the kind of load: of a part of the machine that is
    busy besides, the one that estimates sees nothing."""
    for name, (low_w, high_w) in beside(certificate, meter, cast("LoadKind", kind)).items():
        try:
            said = power_of(traces[name]).between(*edges_ns) if name in traces else None
        except AnalysisError as error:
            yield f"kind of load: {error}, and what else was busy is not known"
            continue
        if said is None or not said.times_ns.size:
            continue
        mean_w = float(said.power_w.mean())
        if not low_w <= mean_w <= high_w:
            yield (
                f"kind of load: {name} said {mean_w:.4g} W, under loads of kind {kind} it said {low_w:.4g} to "
                f"{high_w:.4g} W; what else was busy is not seen by {meter.name}: keep the machine to its load, or "
                "qualify such a load"
            )


def of_kind(meter: SoftwareMeter, kind: str) -> Iterator[str]:
    """Whether the transfer function holds for a kind of load."""
    transfer = cast("Transfer", meter.transfer)
    if kind not in get_args(LoadKind) or range_of(transfer, cast("LoadKind", kind)) is None:
        known = ", ".join(dict.fromkeys(("idle", *transfer.ranges)))
        yield (
            f"kind of load: found {kind or 'none'}, {meter.name} is qualified for {known}; state what the load keeps "
            "busy, or qualify the machine under such a load"
        )


def of_range(meter: SoftwareMeter, kind: str, inside: SoftwarePower) -> tuple[float, str | None]:
    """How much of an interval (%) lies outside of the qualified range, and why that is too much. `inside`: what the
    software meter said in it."""
    span = range_of(cast("Transfer", meter.transfer), cast("LoadKind", kind))
    assert span is not None
    out = (inside.power_w < span[0]) | (inside.power_w > span[1])
    percent = 100 * float(out.mean()) if out.size else 0.0
    if percent <= MOST_OUTSIDE_PERCENT:
        return percent, None
    low_w, high_w = float(inside.power_w.min()), float(inside.power_w.max())
    return percent, (
        f"range: {meter.name} said {low_w:.4g} to {high_w:.4g} W, {percent:.0f} % of the readings outside of the "
        f"{span[0]:.4g} to {span[1]:.4g} W for which it is qualified under such a load; qualify it at that level too"
    )


def power_of(trace: SoftwareTrace) -> SoftwarePower:
    """What a software meter said, as power; steps over which a counter was reset are left out.

    Raises:
        AnalysisError: it falls too often for a counter.
    """
    if trace.kind == "gauge":
        return SoftwarePower(trace.times_ns, trace.values, np.zeros(trace.values.size))
    steps_s = np.diff(trace.times_ns) * NS
    steps_j = _steps_j(trace)
    power_w = np.divide(steps_j, steps_s, out=np.full(steps_j.size, np.nan), where=steps_s > 0)
    known = np.isfinite(power_w)
    return SoftwarePower(trace.times_ns[1:][known], power_w[known], steps_s[known])


def _steps_j(trace: SoftwareTrace) -> NDArray[np.float64]:
    """What a counter counted from reading to reading, NaN where it was reset."""
    if was(Rule.COUNTER_FALLS):
        steps_j = np.diff(trace.values)
        return np.where(steps_j < 0, steps_j + (trace.range_j or np.nan), steps_j)
    steps = counted(
        np.asarray((trace.times_ns - trace.times_ns[:1]) * NS, dtype=np.float64), trace.values, trace.range_j
    )
    if trace.range_j is not None and not steps.is_of_one_thing:
        raise AnalysisError(f"{trace.name} {steps.mixed}")
    return steps.steps_j


def lag_ns(meter: SoftwareMeter) -> int:
    """How late a software meter of a certificate follows the wall; of one that can estimate."""
    return round(cast("Lag", lag_of(meter)).lag_s.value / NS)


def wall_of(
    said: SoftwarePower, meter: SoftwareMeter, certificate: Qualification, sha256: str, circuit: str
) -> PowerSeries:
    """The wall as a stream of power, by the transfer function of a software meter that can estimate."""
    transfer, lag = cast("Transfer", meter.transfer), cast("Lag", lag_of(meter))
    offset_w, gain = transfer.offset_w.value, transfer.gain.value
    is_counter = meter.kind == "counter"
    steps = [] if isinstance(meter.sampling, Refusal) else [meter.sampling.quantum, meter.sampling.resolution]
    # The steps of a counter are far below what it counts between two readings.
    step_w = 0.0 if is_counter else gain * next((step for step in steps if step), 0.0)
    descriptor = PowerDescriptor(
        stream="", meter=meter.name, circuit=circuit,
        identity={"maker": meter.says, "model": meter.name, "serial": sha256, "firmware": ""},
        origin="estimated",
        evidence={
            QUALIFIED: {"certificate_sha256": sha256, "campaign": certificate.campaign.name, "meter": meter.name,
                        "date": certificate.validity.date, "wall": certificate.reference.origin},
            TRANSFER: TransferError.of(transfer).to_json(),
            LAG_U: lag_u_s(lag),
        },
        averaging="window" if is_counter else "instantaneous",
        window_s=float(np.median(said.window_s)), stamp="end", latency_s=lag.lag_s.value,
        columns=[{"name": "power_w", "unit": "W", "resolution": step_w, "range": None, "accuracy": None}],
    )  # fmt: skip
    return PowerSeries(
        descriptor, said.times_ns, offset_w + gain * said.power_w, said.window_s, None, np.array([], dtype=np.int64)
    )
