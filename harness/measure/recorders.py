"""The recorders of a run's meters: all are opened at the same time, each is recorded from when it is open.

Knows the bench and what a recorder needs. Knows no phase.
"""

from functools import partial
from typing import BinaryIO

from harness.measure.bench import Bench
from harness.measure.journal import Journal, utc_now
from harness.measure.opening import as_ready, at_once, leave_to_itself
from harness.measure.recorder import MeterRecorder
from harness.record.documents import Json
from harness.record.run_writer import RunWriter
from harness.station.register import Register
from meters.meter import Meter
from meters.reading import Identity, Origin


def begin_all(recorders: list[MeterRecorder], bench: Bench, writer: RunWriter, journal: Journal) -> None:
    """Open every meter and record it. `recorders` gets those that are open in the order of lab.toml, whatever comes of
    the others: the first of a circuit is the one that counts.

    Raises:
        MeterError, LabError: the first one that could not be opened; no other is waited for.
    """
    sections = bench.config.file.meters
    wires = {name: writer.open_stream(f"wire-{name}.log") for name in sections}
    opening = at_once({name: partial(bench.open_meters[name], wires[name]) for name in sections}, sections)
    begun: dict[str, MeterRecorder] = {}
    try:
        for name in as_ready(opening):
            begun[name] = _recorder(bench, name, opening[name].result(), wires[name], writer, journal)
    finally:
        recorders += [begun[name] for name in sections if name in begun]
        for recorder in recorders:
            recorder.announce()
        for name in sections.keys() - begun.keys():
            wires[name].close()  # what a meter that comes too late says is no part of the run
            leave_to_itself(opening[name])


def _recorder(
    bench: Bench, name: str, meter: Meter, wire: BinaryIO, writer: RunWriter, journal: Journal
) -> MeterRecorder:
    section = bench.config.file.meters[name]
    calibration_of = partial(_calibration, bench.register, section.instrument)
    try:
        return MeterRecorder(
            name, section.circuit, meter, wire, writer, journal, calibration_of, section.limits_percent
        )
    except BaseException:
        meter.close()
        raise


def _calibration(register: Register | None, named: str, identity: Identity, origin: Origin) -> Json | None:
    """What the register has, today, of the instrument that answers."""
    return None if register is None else register.calibration(identity, origin, named, utc_now())
