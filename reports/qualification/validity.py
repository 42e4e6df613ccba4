"""What a certificate holds for, and whether anything may be corrected by it.

Knows the start documents of the runs, their loads, where the wall's readings come from. Knows no trace.
"""

from collections.abc import Iterator, Mapping, Sequence

from harness.record.qualification import Load, Qualification
from harness.record.verify import Examination
from reports.qualification.recorded import RecordedRun
from reports.qualification.reference import sentence_of
from reports.results.applicability import Machine, machine_of
from reports.results.meters import CampaignOrigin
from reports.results.qualification import QualifiedLoad, Reference, Validity
from reports.results.software_meter import LoadKind, SoftwareMeter
from reports.results.uncertainty import Number

REAL: frozenset[CampaignOrigin] = frozenset({"instrument", "attested"})
"""Origins of the wall's readings by which a certificate may rest on them."""
NAMED = 3
"""Of what a sentence lists."""


def validity(runs: Sequence[RecordedRun], loads: Sequence[QualifiedLoad], meters: Sequence[SoftwareMeter]) -> Validity:
    """What it holds for, of runs that are all of one machine."""
    machine = machine_of(runs[0].analysed.run.start.sut)
    powers_w = [load.wall_w.value for load in loads]
    periods_s = {recorded.trace.period_s for run in runs for recorded in run.meters.values()}
    stops = [run.analysed.run.stop for run in runs]
    return Validity(
        machine=machine.machine,
        cpu=machine.cpu,
        boards=machine.boards,
        board_firmware=machine.board_firmware,
        firmware=machine.firmware,
        driver=machine.driver,
        kernel=machine.kernel,
        kinds=tuple(dict.fromkeys(load.kind for load in loads)),
        wall_range_w=(min(powers_w), max(powers_w)),
        software_range_w={meter.name: ends for meter in meters if (ends := _range_of(meter)) is not None},
        sample_period_s=periods_s.pop() if len(periods_s) == 1 else None,
        date=max(stop.utc for stop in stops if stop is not None)[:10],
    )


def _range_of(meter: SoftwareMeter) -> tuple[float, float] | None:
    powers_w = [load.software_w.value for load in meter.loads if isinstance(load.software_w, Number)]
    return (min(powers_w), max(powers_w)) if powers_w else None


def against(
    reference: Reference, declared: Qualification | None, runs: Sequence[RecordedRun], seen: Examination
) -> Iterator[str]:
    """Why nothing may be corrected by the certificate, each a sentence; nothing: it may."""
    if reference.origin not in REAL:
        yield sentence_of(reference)
    if declared is None:
        yield "The campaign declared no loads before its first run, so nobody says which kinds of load these were."
    machines = [machine_of(run.analysed.run.start.sut) for run in runs]
    yield from _changed(machines)
    if seen.broken:
        first = seen.broken[0]
        yield f"What was sealed is not as it was measured: {first.subject}: {first.detail}."


def _changed(machines: Sequence[Machine]) -> Iterator[str]:
    """What of the machine was not the same in all runs."""
    for name in Machine.__slots__:
        values = list(dict.fromkeys(str(getattr(machine, name)) for machine in machines))
        if len(values) > 1:
            what = "name" if name == "machine" else name.replace("_", " ")
            yield f"The {what} of the machine changed during the campaign: {', '.join(values[:NAMED])}."


def kind_of(load: Load | None, *, is_baseline: bool) -> LoadKind:
    """What a load keeps busy; of one that nobody declared nothing is known but that the baseline is idle."""
    if load is None:
        return "idle" if is_baseline else "other"
    return load.kind


def missing_loads(loads: Mapping[str, Load | None], runs: Sequence[RecordedRun]) -> list[str]:
    """Declared loads of which no run counts."""
    measured = {run.scenario for run in runs}
    return [name for name in loads if name not in measured]
