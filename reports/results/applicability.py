"""Whether a certificate of software meters may be applied: which meter of it, to which machine, load and power.

Knows qualification.json and what a run's start document says of its SUT. Knows no reading and no energy: what a
transfer function makes of readings is in `reports/readings/rated.py`. Every reason against it names both values and
what to do.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from harness.record.documents import Json
from reports.results.qualification import Qualification, Validity
from reports.results.software_meter import Lag, LoadKind, SoftwareMeter, Transfer
from reports.results.uncertainty import Number, t_quantile

AGAIN = "qualify this machine again as it is now (`wattlab qualify`)"
REMEDIES = {
    "machine": f"name the certificate of this machine, or {AGAIN}",
    "cpu": f"name the certificate of this machine, or {AGAIN}",
    "boards": f"put the certificate's boards in, in their order, or {AGAIN}",
    "board_firmware": f"install the certificate's firmware of the boards, or {AGAIN}",
    "firmware": f"install the certificate's firmware, or {AGAIN}",
    "driver": f"install the certificate's driver, or {AGAIN}",
    "kernel": f"boot the certificate's kernel, or {AGAIN}",
    "sample period": "set sut.sample_period_s to the certificate's, or qualify again with this one",
}
PERIOD_TOLERANCE = 0.01
"""Sample periods within 1 % are the same."""
TOLERANCE = 0.05
"""A range is widened at either end by so much of its width: idle drifts below the lowest level that was measured."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing in which a record differs from what a certificate holds for."""

    what: str
    """Such as `kernel`."""
    certificate: str
    """As the certificate has it."""
    found: str
    """As the record has it."""
    remedy: str
    """What to do."""

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.what}: found {self.found}, the certificate is for {self.certificate}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Machine:
    """What identifies a SUT in a certificate; None: it did not say."""

    machine: str | None
    cpu: str | None
    boards: tuple[str, ...]
    board_firmware: tuple[str, ...]
    firmware: str | None
    driver: str | None
    kernel: str | None


def machine_of(facts: Json) -> Machine:
    """What the `sut` of a start document says."""
    listed = facts.get("gpus")
    gpus = [gpu for gpu in listed if isinstance(gpu, dict)] if isinstance(listed, list) else []
    return Machine(
        machine=_text(facts.get("system")) or _text(facts.get("hostname")),
        cpu=_text(facts.get("cpu")),
        boards=tuple(str(gpu.get("name")) for gpu in gpus),
        board_firmware=tuple(version for gpu in gpus if (version := _text(gpu.get("vbios"))) is not None),
        firmware=_text(facts.get("firmware")),
        driver=next((_text(gpu.get("driver")) for gpu in gpus), None),
        kernel=_text(facts.get("kernel")),
    )


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def mismatches(validity: Validity, machine: Machine | None, period_s: float | None) -> Iterator[Mismatch]:
    """In which the machine of a record (None: somebody else answers for it) differs from the certificate's; `period_s`:
    how often its software meters were asked, None where that is not known."""
    for spec in fields(Machine) if machine is not None else ():
        then, now = getattr(validity, spec.name), getattr(machine, spec.name)
        if then != now:
            yield Mismatch(spec.name.replace("_", " "), _shown(then), _shown(now), REMEDIES[spec.name])
    then_s = validity.sample_period_s
    if then_s is not None and (period_s is None or abs(period_s - then_s) > PERIOD_TOLERANCE * then_s):
        what = "sample period"
        yield Mismatch(what, f"{then_s:g} s", "nothing" if period_s is None else f"{period_s:g} s", REMEDIES[what])


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "nothing" if value is None else str(value)


def lag_of(meter: SoftwareMeter) -> Lag | None:
    """The lag by which its trace is corrected: on the switched load, else on natural steps; None where both were
    refused."""
    return next((lag for lag in (meter.lag_switched, meter.lag_natural) if isinstance(lag, Lag)), None)


def against(certificate: Qualification, meter: SoftwareMeter) -> str | None:
    """Why a software meter of a certificate cannot estimate the wall; None: it can."""
    if obstacles := certificate.obstacles(meter):
        return " ".join(obstacles)
    if certificate.reference.origin in ("emulated", "estimated", "none"):
        return f"what it was held against is no power meter, but {certificate.reference.origin}"
    if not isinstance(meter.transfer, Transfer) or meter.transfer.gain.value <= 0:
        return "its transfer function falls where the wall rises"
    if None in (meter.transfer.gain.estimate.u, meter.transfer.offset_w.estimate.u):
        return "the uncertainty of its transfer function is not known"
    if lag_of(meter) is None:
        refused = getattr(meter.lag_natural, "text", "")
        return f"its lag is not known, so no energy has its place in time: {refused}"
    return None


def chosen(certificate: Qualification, named: str) -> SoftwareMeter | str:
    """The software meter that estimates, or why there is none; `named` empty: the only one that can."""
    meters = {meter.name: meter for meter in certificate.meters}
    able = [name for name, meter in meters.items() if against(certificate, meter) is None]
    if named and named not in meters:
        return f"no software meter {named!r} in it; it has {', '.join(meters) or 'none'}"
    if named and (problem := against(certificate, meters[named])) is not None:
        return f"{named}: {problem}"
    if named or len(able) == 1:
        return meters[named or able[0]]
    if not able:
        problems = (f"{name}: {against(certificate, meter)}" for name, meter in meters.items())
        return f"it qualifies no software meter as an estimate of the wall; {'; '.join(problems) or 'it has none'}"
    return f"{len(able)} of its software meters can estimate: name one of {', '.join(able)}"


def range_of(transfer: Transfer, kind: LoadKind) -> tuple[float, float] | None:
    """Lowest and highest power (W, as the software meter says) for which the transfer function holds under a kind of
    load; None where that kind was not qualified. Every kind begins at idle, and an idle machine may be busier than it
    was, up to where the loads were measured."""
    if kind not in transfer.ranges:
        return None
    spans = [span.software_w for own, span in transfer.ranges.items() if kind == "idle" or own in (kind, "idle")]
    low_w, high_w = min(span[0] for span in spans), max(span[1] for span in spans)
    slack_w = TOLERANCE * (high_w - low_w)
    return low_w - slack_w, high_w + slack_w


def beside(certificate: Qualification, meter: SoftwareMeter, kind: LoadKind) -> dict[str, tuple[float, float]]:
    """Every other software meter of the certificate with a trace -> between which powers (W) it lay under loads of a
    kind and idle, widened as a range is: what lies beyond was no such load, or not alone."""
    kinds = {load.scenario: load.kind for load in certificate.loads}
    found: dict[str, tuple[float, float]] = {}
    for other in certificate.meters:
        means = [
            (kinds.get(one.scenario), one.software_w.value) for one in other.loads if isinstance(one.software_w, Number)
        ]
        own = [watts for of, watts in means if of in (kind, "idle")]
        if other.name != meter.name and other.kind != "tracker" and own:
            everywhere = [watts for _, watts in means]
            slack_w = TOLERANCE * (max(everywhere) - min(everywhere))
            found[other.name] = min(own) - slack_w, max(own) + slack_w
    return found


def lag_u_s(lag: Lag) -> float:
    """Standard uncertainty of a lag: of its number, or of its bound where that is wider."""
    return max(lag.lag_s.estimate.u or 0.0, (lag.bound_s[1] - lag.bound_s[0]) / 2 / t_quantile(math.inf))
